-- Duties for which the law names no time, one row for each of a stream: there is no due instant to read. A target of our
-- own is a clock beside it, marked as ours.
ALTER TABLE clocks ADD COLUMN own_target BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE duties (
  stream BLOB NOT NULL,
  duty TEXT NOT NULL,
  incident_id BLOB,
  exchange_id BLOB,
  partner_id BLOB,
  anchor TEXT NOT NULL,
  since_at BIGINT NOT NULL,
  target_at BIGINT,
  state TEXT NOT NULL,
  open BOOLEAN NOT NULL,
  ended_at BIGINT,
  evidence TEXT,
  reason BLOB,
  exercise BOOLEAN NOT NULL,
  PRIMARY KEY (stream, duty)
);
CREATE INDEX duties_open ON duties (since_at) WHERE open;
CREATE INDEX duties_incident ON duties (incident_id);

-- Complaints of people about how we use their data: codes, references and instants plain, words sealed. Each limit is
-- what law or promise gave on the day of receipt; `next_due_at` is the earliest of those still to be kept.
CREATE TABLE complaints (
  id BLOB NOT NULL PRIMARY KEY,
  reference TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  channel TEXT NOT NULL,
  category TEXT NOT NULL,
  incident_id BLOB,
  stage TEXT NOT NULL,
  about BLOB NOT NULL,
  acknowledge_by BIGINT,
  acknowledge_limit BIGINT,
  promised_acknowledgement_by BIGINT,
  promised_answer_by BIGINT,
  acknowledged_at BIGINT,
  answered_at BIGINT,
  outcome TEXT,
  logged_at BIGINT NOT NULL,
  next_due_at BIGINT,
  notes INTEGER NOT NULL
);
CREATE INDEX complaints_received ON complaints (received_at, id);
CREATE INDEX complaints_next ON complaints (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX complaints_stage ON complaints (stage, received_at, id);
CREATE INDEX complaints_incident ON complaints (incident_id);
