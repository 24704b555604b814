-- Fewer B-trees to write for each entry: numbers are the rows' own numbers, and small rows live in their key's tree. The
-- octets of every entry stay as they were.

CREATE TABLE ledger_new (
  n INTEGER NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  stream BLOB,
  subject BLOB,
  octets TEXT NOT NULL
);
INSERT INTO ledger_new (n, at, kind, stream, subject, octets)
  SELECT n, at, kind, stream, subject, octets FROM ledger ORDER BY n;
DROP TABLE ledger;
ALTER TABLE ledger_new RENAME TO ledger;
CREATE INDEX ledger_stream ON ledger (stream, n) WHERE stream IS NOT NULL;
CREATE INDEX ledger_subject ON ledger (subject, n) WHERE subject IS NOT NULL;

CREATE TABLE contents_new (
  n INTEGER NOT NULL PRIMARY KEY,
  sealed BLOB
);
INSERT INTO contents_new (n, sealed) SELECT n, sealed FROM contents ORDER BY n;
DROP TABLE contents;
ALTER TABLE contents_new RENAME TO contents;

-- The tree's leaves are digests of the entries, which hold them; only what stands above them is kept.
CREATE TABLE tree_nodes_new (
  level SMALLINT NOT NULL,
  position BIGINT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (level, position)
) WITHOUT ROWID;
INSERT INTO tree_nodes_new (level, position, hash)
  SELECT level, position, hash FROM tree_nodes WHERE level > 0 ORDER BY level, position;
DROP TABLE tree_nodes;
ALTER TABLE tree_nodes_new RENAME TO tree_nodes;

CREATE TABLE attempts_new (
  message BLOB NOT NULL,
  number INTEGER NOT NULL,
  at BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  status INTEGER,
  took_ms INTEGER NOT NULL,
  PRIMARY KEY (message, number)
) WITHOUT ROWID;
INSERT INTO attempts_new (message, number, at, outcome, status, took_ms)
  SELECT message, number, at, outcome, status, took_ms FROM attempts ORDER BY message, number;
DROP TABLE attempts;
ALTER TABLE attempts_new RENAME TO attempts;

-- How far the partner had got when a lane stopped, because it remembers more of it than we do.
ALTER TABLE lanes ADD COLUMN held_seq BIGINT;
ALTER TABLE lanes ADD COLUMN held_payload BLOB;

-- Messages that came before their notice, looked for with each first notice.
CREATE INDEX inbox_unplaced ON inbox (partner_id, received_at)
  WHERE exchange_id IS NULL AND event IN ('message', 'filed');
