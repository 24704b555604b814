-- The register: a line for each incident of ours and for each notice received that no incident took over. Codes, counts,
-- references and instants; words stay sealed where they are.
CREATE TABLE register (
  id BYTEA NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,
  reference TEXT NOT NULL,
  reference_key BYTEA NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  exercise BOOLEAN NOT NULL,
  at BIGINT NOT NULL,
  aware_at BIGINT,
  category TEXT NOT NULL,
  cause TEXT NOT NULL,
  natures BIGINT NOT NULL,
  data BIGINT NOT NULL,
  subjects BIGINT NOT NULL,
  people_band TEXT NOT NULL,
  people BIGINT,
  records BIGINT,
  services INTEGER NOT NULL,
  owed INTEGER NOT NULL,
  ico TEXT NOT NULL,
  ico_due_at BIGINT,
  ico_ended_at BIGINT,
  report TEXT NOT NULL,
  partner_id BYTEA
);
-- Every filter is a range of one of these, the newest at its end.
CREATE INDEX register_at ON register (at, id);
CREATE INDEX register_source ON register (source, at, id);
CREATE INDEX register_kind ON register (kind, at, id);
CREATE INDEX register_stage ON register (stage, at, id);
CREATE INDEX register_category ON register (category, at, id);
CREATE INDEX register_cause ON register (cause, at, id);
CREATE INDEX register_ico ON register (ico, at, id);
CREATE INDEX register_exercise ON register (at, id) WHERE exercise;
CREATE INDEX register_reference ON register (reference_key);

-- What a line can have several of: partners told, the partner who told us, services, kinds of data. One octet says which,
-- then the id or the word.
CREATE TABLE register_facets (
  facet BYTEA NOT NULL,
  at BIGINT NOT NULL,
  entry BYTEA NOT NULL,
  PRIMARY KEY (facet, at, entry)
);
CREATE INDEX register_facets_entry ON register_facets (entry);

-- Figures for statistics, counted as things happen: how many of what began in which month (twelve times the year, and the
-- month from 0, UTC). Of everybody (no octets), or of one partner.
CREATE TABLE register_tallies (
  month INTEGER NOT NULL,
  partner_id BYTEA NOT NULL,
  code TEXT NOT NULL,
  n BIGINT NOT NULL,
  PRIMARY KEY (month, partner_id, code)
);

-- Filters of the register that somebody keeps, for themselves or for all. Name and filter are sealed.
CREATE TABLE register_views (
  id BYTEA NOT NULL PRIMARY KEY,
  person_id BYTEA NOT NULL,
  shared BOOLEAN NOT NULL,
  content BYTEA NOT NULL,
  made_at BIGINT NOT NULL
);
CREATE INDEX register_views_person ON register_views (person_id);
CREATE INDEX register_views_shared ON register_views (id) WHERE shared;
