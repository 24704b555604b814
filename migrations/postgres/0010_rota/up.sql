-- How many steps of a ladder fired, whom the last one asked to say that they have seen it and who did (ids, 16 octets each),
-- and whether managers were reached because nobody else could be.
ALTER TABLE ladders ADD COLUMN fired INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ladders ADD COLUMN asked BYTEA;
ALTER TABLE ladders ADD COLUMN seen BYTEA;
ALTER TABLE ladders ADD COLUMN instead BOOLEAN NOT NULL DEFAULT FALSE;
-- What is in hand goes on after four hours from now on, as the built-in plans say.
UPDATE ladders SET next_step_at = in_hand_at + 14400000000 WHERE in_hand_at IS NOT NULL AND next_step_at IS NULL
  AND EXISTS (SELECT 1 FROM clocks WHERE clocks.open AND clocks.kind = ladders.kind
    AND clocks.group_due_at = ladders.due_at
    AND (clocks.incident_id = ladders.stream OR clocks.exchange_id = ladders.stream));

-- Steps of ladders, a version for each change; a kind of duty without one has the built-in plan.
CREATE TABLE ladder_plans (
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,
  current BOOLEAN NOT NULL,
  content BYTEA NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (kind, version)
);
CREATE INDEX ladder_plans_current ON ladder_plans (kind) WHERE current;

-- Who is on call: once (from_at to until_at, duty time) or every week (day 1 to 7, minute of the day, length in minutes).
CREATE TABLE shifts (
  id BYTEA NOT NULL PRIMARY KEY,
  person_id BYTEA NOT NULL,
  weekly BOOLEAN NOT NULL,
  swap BOOLEAN NOT NULL,
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  day SMALLINT NOT NULL,
  from_minute INTEGER NOT NULL,
  minutes INTEGER NOT NULL,
  imported BOOLEAN NOT NULL
);
CREATE INDEX shifts_until ON shifts (until_at) WHERE NOT weekly;
CREATE INDEX shifts_weekly ON shifts (id) WHERE weekly;
CREATE INDEX shifts_person ON shifts (person_id);

-- Secret addresses of calendars of deadlines. Machine time.
CREATE TABLE feed_links (
  token_sha256 BYTEA NOT NULL PRIMARY KEY,
  person_id BYTEA NOT NULL,
  made_at BIGINT NOT NULL
);
CREATE INDEX feed_links_person ON feed_links (person_id);
