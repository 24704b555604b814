-- The floor of a node. Moments are microseconds since 1970 UTC, ids 16 octets; sealed columns are AEAD under the data key.

CREATE TABLE meta (
  key TEXT NOT NULL PRIMARY KEY,
  value BYTEA NOT NULL
);
CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
);

-- The ledger: append-only. The program has no statement that updates or deletes an entry.
CREATE TABLE ledger_head (
  id SMALLINT NOT NULL PRIMARY KEY,
  size BIGINT NOT NULL,
  last_hash BYTEA,
  frontier BYTEA NOT NULL,
  at BIGINT NOT NULL,
  turns BIGINT NOT NULL
);
CREATE TABLE ledger (
  n BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  stream BYTEA,
  subject BYTEA,
  octets TEXT NOT NULL
);
CREATE INDEX ledger_stream ON ledger (stream, n) WHERE stream IS NOT NULL;
CREATE INDEX ledger_subject ON ledger (subject, n) WHERE subject IS NOT NULL;
-- Sealed salt and object; NULL once erased.
CREATE TABLE contents (
  n BIGINT NOT NULL PRIMARY KEY,
  sealed BYTEA
);
CREATE TABLE tree_nodes (
  level SMALLINT NOT NULL,
  position BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  PRIMARY KEY (level, position)
);
CREATE TABLE checkpoints (
  size BIGINT NOT NULL PRIMARY KEY,
  root BYTEA NOT NULL,
  note TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE checkpoints_seen (
  partner_id BYTEA NOT NULL,
  size BIGINT NOT NULL,
  root BYTEA NOT NULL,
  note TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (partner_id, size, root)
);

-- Read tables: rebuilt from event entries.
CREATE TABLE incidents (
  id BYTEA NOT NULL PRIMARY KEY,
  reference TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  exercise BOOLEAN NOT NULL,
  title BYTEA NOT NULL,
  logged_at BIGINT NOT NULL,
  aware_circumstances_at BIGINT,
  aware_breach_at BIGINT,
  facts_version INTEGER NOT NULL,
  sent_version INTEGER NOT NULL,
  owed INTEGER NOT NULL,
  fan_out_open BOOLEAN NOT NULL,
  report_state TEXT NOT NULL,
  report_gaps INTEGER NOT NULL,
  opened_from BYTEA,
  closed_at BIGINT
);
CREATE INDEX incidents_logged ON incidents (logged_at, id);
CREATE INDEX incidents_fan_out ON incidents (id) WHERE fan_out_open;
CREATE TABLE facts (
  incident_id BYTEA NOT NULL,
  version INTEGER NOT NULL,
  sealed BYTEA NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (incident_id, version)
);
CREATE TABLE exchanges (
  id BYTEA NOT NULL PRIMARY KEY,
  partner_id BYTEA NOT NULL,
  direction TEXT NOT NULL,
  case_id BYTEA NOT NULL,
  incident_id BYTEA,
  exercise BOOLEAN NOT NULL,
  kind TEXT NOT NULL,
  reference TEXT NOT NULL,
  standing TEXT NOT NULL,
  revision INTEGER NOT NULL,
  delivered_revision INTEGER NOT NULL,
  message BYTEA,
  told_at BIGINT,
  told_how TEXT,
  stance TEXT,
  acknowledged_at BIGINT,
  acknowledged_by BYTEA,
  acknowledged_revision INTEGER,
  withdrawn TEXT,
  opened_at BIGINT NOT NULL,
  UNIQUE (partner_id, direction, case_id)
);
CREATE INDEX exchanges_incident ON exchanges (incident_id, partner_id) WHERE incident_id IS NOT NULL;
CREATE INDEX exchanges_opened ON exchanges (direction, opened_at, id);
CREATE TABLE clocks (
  stream BYTEA NOT NULL,
  kind TEXT NOT NULL,
  incident_id BYTEA,
  exchange_id BYTEA,
  partner_id BYTEA,
  anchor TEXT NOT NULL,
  anchored_at BIGINT NOT NULL,
  hours INTEGER NOT NULL,
  due_at BIGINT NOT NULL,
  group_due_at BIGINT NOT NULL,
  legal_limit_at BIGINT,
  state TEXT NOT NULL,
  open BOOLEAN NOT NULL,
  ended_at BIGINT,
  evidence TEXT,
  proved_late BOOLEAN NOT NULL,
  reason BYTEA,
  exercise BOOLEAN NOT NULL,
  PRIMARY KEY (stream, kind)
);
CREATE INDEX clocks_open ON clocks (due_at, stream) WHERE open;
CREATE INDEX clocks_running ON clocks (due_at) WHERE state = 'running';
CREATE INDEX clocks_incident ON clocks (incident_id, kind, group_due_at) WHERE incident_id IS NOT NULL;
CREATE INDEX clocks_group ON clocks (incident_id, kind, group_due_at, partner_id) WHERE open AND incident_id IS NOT NULL;
CREATE INDEX clocks_ended ON clocks (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE ladders (
  stream BYTEA NOT NULL,
  kind TEXT NOT NULL,
  due_at BIGINT NOT NULL,
  incident_id BYTEA,
  anchored_at BIGINT NOT NULL,
  last_offset INTEGER,
  next_step_at BIGINT,
  in_hand_by BYTEA,
  in_hand_at BIGINT,
  PRIMARY KEY (stream, kind, due_at)
);
CREATE INDEX ladders_next ON ladders (next_step_at) WHERE next_step_at IS NOT NULL;

-- Outgoing work. Machine time in lanes (elapsed), duty time elsewhere.
CREATE TABLE outbox (
  id BYTEA NOT NULL PRIMARY KEY,
  partner_id BYTEA NOT NULL,
  channel TEXT NOT NULL,
  kind TEXT NOT NULL,
  exchange_id BYTEA,
  revision INTEGER NOT NULL,
  body BYTEA NOT NULL,
  checkpoint_size BIGINT,
  state TEXT NOT NULL,
  open BOOLEAN NOT NULL,
  priority SMALLINT NOT NULL,
  position BIGINT NOT NULL,
  seq BIGINT,
  payload_sha256 BYTEA,
  set_sha256 BYTEA,
  set_entry BIGINT,
  attempts INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  last_outcome TEXT,
  next_attempt_at BIGINT,
  first_attempt_at BIGINT,
  last_attempt_at BIGINT,
  queued_at BIGINT NOT NULL,
  alerted BOOLEAN NOT NULL,
  receipted_at BIGINT,
  receipt_entry BIGINT,
  same_outcome INTEGER NOT NULL,
  claimed_at BIGINT
);
CREATE INDEX outbox_lane ON outbox (partner_id, channel, priority, position) WHERE open;
CREATE INDEX outbox_unalerted ON outbox (claimed_at) WHERE open AND NOT alerted;
CREATE INDEX outbox_exchange ON outbox (exchange_id) WHERE exchange_id IS NOT NULL;
CREATE TABLE attempts (
  message BYTEA NOT NULL,
  number INTEGER NOT NULL,
  at BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  status INTEGER,
  took_ms INTEGER NOT NULL,
  PRIMARY KEY (message, number)
);
CREATE TABLE lanes (
  partner_id BYTEA NOT NULL,
  channel TEXT NOT NULL,
  next_seq BIGINT NOT NULL,
  last_payload BYTEA,
  fail_count INTEGER NOT NULL,
  due_at BIGINT,
  lease BYTEA,
  lease_until BIGINT,
  stopped TEXT,
  proven_at BIGINT,
  heard_at BIGINT,
  failed_since BIGINT,
  last_failure TEXT,
  heartbeat_due_at BIGINT,
  tried_at BIGINT,
  waits_until BIGINT,
  PRIMARY KEY (partner_id, channel)
);
CREATE INDEX lanes_due ON lanes (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lanes_heartbeat ON lanes (heartbeat_due_at) WHERE heartbeat_due_at IS NOT NULL;

-- What came in, seen once, and its receipt.
CREATE TABLE inbox (
  partner_id BYTEA NOT NULL,
  message BYTEA NOT NULL,
  event TEXT NOT NULL,
  seq BIGINT,
  payload_sha256 BYTEA NOT NULL,
  set_entry BIGINT NOT NULL,
  receipt_entry BIGINT NOT NULL,
  exchange_id BYTEA,
  received_at BIGINT NOT NULL,
  PRIMARY KEY (partner_id, message)
);
CREATE UNIQUE INDEX inbox_seq ON inbox (partner_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX inbox_exchange ON inbox (exchange_id) WHERE exchange_id IS NOT NULL;
CREATE TABLE inbound (
  partner_id BYTEA NOT NULL PRIMARY KEY,
  head_seq BIGINT NOT NULL,
  head_payload BYTEA,
  missing TEXT NOT NULL
);
CREATE TABLE quarantine (
  id BYTEA NOT NULL PRIMARY KEY,
  partner_id BYTEA NOT NULL,
  at BIGINT NOT NULL,
  why TEXT NOT NULL,
  sealed BYTEA NOT NULL
);
CREATE INDEX quarantine_at ON quarantine (partner_id, at);

-- Directory.
CREATE TABLE partners (
  id BYTEA NOT NULL PRIMARY KEY,
  issuer TEXT UNIQUE,
  state TEXT NOT NULL,
  name BYTEA NOT NULL,
  identity_thumbprint TEXT,
  identity_x TEXT,
  push_url TEXT,
  keys_url TEXT,
  card TEXT,
  manifest_version BIGINT,
  manifest TEXT,
  manifest_fetched_at BIGINT,
  exceptions TEXT NOT NULL,
  added_at BIGINT NOT NULL,
  verified_at BIGINT
);
CREATE TABLE partner_manifests (
  partner_id BYTEA NOT NULL,
  version BIGINT NOT NULL,
  token TEXT NOT NULL,
  taken_at BIGINT NOT NULL,
  PRIMARY KEY (partner_id, version)
);
CREATE TABLE services (
  id BYTEA NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL,
  name BYTEA NOT NULL,
  current BOOLEAN NOT NULL
);
CREATE TABLE arrangements (
  id BYTEA NOT NULL,
  version INTEGER NOT NULL,
  partner_id BYTEA NOT NULL,
  current BOOLEAN NOT NULL,
  digest BYTEA NOT NULL,
  terms BYTEA NOT NULL,
  PRIMARY KEY (id, version)
);
CREATE INDEX arrangements_partner ON arrangements (partner_id) WHERE current;
CREATE TABLE own_keys (
  kid TEXT NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL,
  seed BYTEA NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_until BIGINT NOT NULL
);
CREATE TABLE own_documents (
  kind TEXT NOT NULL,
  version BIGINT NOT NULL,
  token TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (kind, version)
);

-- People. Machine time in sessions.
CREATE TABLE people (
  id BYTEA NOT NULL PRIMARY KEY,
  email_key BYTEA NOT NULL UNIQUE,
  details BYTEA NOT NULL,
  password_hash TEXT NOT NULL,
  roles TEXT NOT NULL,
  disabled BOOLEAN NOT NULL,
  failures INTEGER NOT NULL,
  locked_until BIGINT,
  created_at BIGINT NOT NULL
);
CREATE TABLE sessions (
  token_sha256 BYTEA NOT NULL PRIMARY KEY,
  person_id BYTEA NOT NULL,
  csrf BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);
CREATE TABLE api_tokens (
  token_sha256 BYTEA NOT NULL PRIMARY KEY,
  id BYTEA NOT NULL UNIQUE,
  label BYTEA NOT NULL,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT
);
CREATE TABLE forms (
  id BYTEA NOT NULL PRIMARY KEY,
  person_id BYTEA NOT NULL,
  purpose TEXT NOT NULL,
  answer TEXT,
  made_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX forms_made ON forms (made_at);
CREATE TABLE drafts (
  id BYTEA NOT NULL PRIMARY KEY,
  person_id BYTEA NOT NULL,
  purpose TEXT NOT NULL,
  content BYTEA NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX drafts_person ON drafts (person_id, purpose);
CREATE TABLE alerts (
  id BYTEA NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  partner_id BYTEA,
  exchange_id BYTEA,
  incident_id BYTEA,
  message BYTEA,
  cleared_at BIGINT
);
CREATE INDEX alerts_open ON alerts (at, id) WHERE cleared_at IS NULL;
CREATE INDEX alerts_subject ON alerts (kind, partner_id) WHERE cleared_at IS NULL;

INSERT INTO ledger_head (id, size, last_hash, frontier, at, turns) VALUES (1, 0, NULL, ''::bytea, 0, 0);
