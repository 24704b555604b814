-- Every channel to a partner, our own integrations, messages to read, and a stream that is polled.

-- Over which channel a partner is told: node, webhook, mail, or hand.
ALTER TABLE partners ADD COLUMN channel TEXT NOT NULL DEFAULT 'node';

-- Where webhooks and mail go: of a partner, or of an integration of our own (partner_id NULL). Address and secrets are
-- sealed; instants are machine time.
CREATE TABLE endpoints (
  id BLOB NOT NULL PRIMARY KEY,
  partner_id BLOB,
  kind TEXT NOT NULL,
  details BLOB NOT NULL,
  events TEXT NOT NULL,
  paused BOOLEAN NOT NULL,
  fail_count INTEGER NOT NULL,
  waits_until BIGINT,
  failed_since BIGINT,
  made_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX endpoints_partner ON endpoints (partner_id, kind) WHERE partner_id IS NOT NULL;

-- What goes to our own integrations and people. Attempts are listed with those of the outbox, under the post's id.
CREATE TABLE posts (
  id BLOB NOT NULL PRIMARY KEY,
  endpoint_id BLOB,
  person_id BLOB,
  channel TEXT NOT NULL,
  event TEXT NOT NULL,
  body BLOB NOT NULL,
  incident_id BLOB,
  exchange_id BLOB,
  state TEXT NOT NULL,
  open BOOLEAN NOT NULL,
  queued_at BIGINT NOT NULL,
  next_attempt_at BIGINT,
  attempts INTEGER NOT NULL,
  same_outcome INTEGER NOT NULL,
  last_outcome TEXT,
  lease BLOB,
  lease_until BIGINT,
  done_at BIGINT
);
CREATE INDEX posts_done ON posts (done_at) WHERE NOT open;
CREATE INDEX posts_due ON posts (next_attempt_at) WHERE open;
CREATE INDEX posts_waiting ON posts (endpoint_id, queued_at) WHERE open;
CREATE INDEX posts_endpoint ON posts (endpoint_id, queued_at) WHERE endpoint_id IS NOT NULL;
CREATE INDEX posts_person ON posts (person_id, queued_at) WHERE person_id IS NOT NULL;

-- Links by which a person without an account reads a notice and acknowledges it. Machine time.
CREATE TABLE ack_links (
  token_sha256 BLOB NOT NULL PRIMARY KEY,
  message BLOB NOT NULL,
  exchange_id BLOB NOT NULL,
  partner_id BLOB NOT NULL,
  made_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX ack_links_message ON ack_links (message);
CREATE INDEX ack_links_partner ON ack_links (partner_id);
CREATE INDEX ack_links_expiry ON ack_links (expires_at);

-- Poll tokens that were used, remembered while they could be used again. Machine time.
CREATE TABLE poll_tokens (
  partner_id BLOB NOT NULL,
  jti TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (partner_id, jti)
);
CREATE INDEX poll_tokens_age ON poll_tokens (seen_at);

-- Messages about a case, ours and theirs.
CREATE TABLE said (
  message BLOB NOT NULL PRIMARY KEY,
  exchange_id BLOB NOT NULL,
  partner_id BLOB NOT NULL,
  incident_id BLOB,
  sent BOOLEAN NOT NULL,
  kind TEXT NOT NULL,
  re BLOB,
  due_at BIGINT,
  content BLOB NOT NULL,
  at BIGINT NOT NULL,
  read_at BIGINT
);
CREATE INDEX said_exchange ON said (exchange_id, at);
CREATE INDEX said_unread ON said (at) WHERE read_at IS NULL AND NOT sent;

ALTER TABLE exchanges ADD COLUMN accepted_at BIGINT;
ALTER TABLE exchanges ADD COLUMN filed_at BIGINT;
ALTER TABLE exchanges ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exchanges ADD COLUMN unread INTEGER NOT NULL DEFAULT 0;

-- A receipt for a message that was polled is still to be pushed to its sender.
ALTER TABLE inbox ADD COLUMN receipt_owed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX inbox_receipt_owed ON inbox (partner_id) WHERE receipt_owed;

-- Since when a partner's numbers have a gap (machine time).
ALTER TABLE inbound ADD COLUMN gap_since BIGINT;

-- The partner's clock beside ours, in seconds, as last estimated.
ALTER TABLE lanes ADD COLUMN skew_seconds INTEGER;

-- The parked message that this one says again.
ALTER TABLE outbox ADD COLUMN reissue_of BLOB;

-- Exercises with partners: their list, and when the last one was.
CREATE INDEX incidents_exercise ON incidents (logged_at, id) WHERE exercise;
