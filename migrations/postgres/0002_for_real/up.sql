-- What two organisations need to run it for real: parties, agreements and services as versioned records, pairing that
-- survives a restart, own keys that are replaced, people with links, and answers kept for repeated API requests.

-- Parties, services and agreements: one row per version, sealed.
CREATE TABLE directory (
  kind TEXT NOT NULL,
  id BYTEA NOT NULL,
  version INTEGER NOT NULL,
  current BOOLEAN NOT NULL,
  digest BYTEA NOT NULL,
  content BYTEA NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (kind, id, version)
);
CREATE INDEX directory_current ON directory (kind, id) WHERE current;

-- A manifest belongs to the identity that signed it: after pairing anew under another one, versions start again.
CREATE TABLE manifests_by_identity (
  partner_id BYTEA NOT NULL,
  identity TEXT NOT NULL,
  version BIGINT NOT NULL,
  token TEXT NOT NULL,
  taken_at BIGINT NOT NULL,
  PRIMARY KEY (partner_id, identity, version)
);
INSERT INTO manifests_by_identity (partner_id, identity, version, token, taken_at)
  SELECT m.partner_id, COALESCE(p.identity_thumbprint, ''), m.version, m.token, m.taken_at
  FROM partner_manifests m JOIN partners p ON p.id = m.partner_id;
DROP TABLE partner_manifests;

-- Pairing: wrong digits and the first person's word survive a restart; a later card may wait for a person.
ALTER TABLE partners ADD COLUMN wrong_digits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partners ADD COLUMN typed BYTEA;
ALTER TABLE partners ADD COLUMN later_card TEXT;

-- Our own keys in their stages, and which partner has taken which manifest of ours. Machine time in offers.
ALTER TABLE own_keys ADD COLUMN stage TEXT NOT NULL DEFAULT 'current';
CREATE TABLE manifest_offers (
  partner_id BYTEA NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  taken_version BIGINT,
  attempts INTEGER NOT NULL,
  next_at BIGINT
);
CREATE INDEX manifest_offers_next ON manifest_offers (next_at) WHERE next_at IS NOT NULL;

-- People: when they last signed in, which people read (duty time); one-time links, and tokens that belong to somebody
-- (machine time).
ALTER TABLE people ADD COLUMN seen_at BIGINT;
CREATE TABLE links (
  token_sha256 BYTEA NOT NULL PRIMARY KEY,
  person_id BYTEA NOT NULL,
  purpose TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX links_person ON links (person_id);
CREATE INDEX links_expiry ON links (expires_at);
CREATE INDEX sessions_person ON sessions (person_id);
ALTER TABLE api_tokens ADD COLUMN person_id BYTEA;
ALTER TABLE api_tokens ADD COLUMN used_at BIGINT;
ALTER TABLE api_tokens ADD COLUMN ended_at BIGINT;

-- A repeated POST of the API gets the first answer. Machine time.
CREATE TABLE api_answers (
  token_id BYTEA NOT NULL,
  key_sha256 BYTEA NOT NULL,
  request_sha256 BYTEA NOT NULL,
  status INTEGER,
  answer BYTEA,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (token_id, key_sha256)
);
CREATE INDEX api_answers_made ON api_answers (made_at);
