-- The tree's leaves are digests of the entries, which hold them; only what stands above them is kept.
DELETE FROM tree_nodes WHERE level = 0;

-- Rows that are changed several times soon after they were written find room on their own page.
ALTER TABLE lanes SET (fillfactor = 50);
ALTER TABLE outbox SET (fillfactor = 70);
ALTER TABLE exchanges SET (fillfactor = 70);
ALTER TABLE ledger_head SET (fillfactor = 10);

-- How far the partner had got when a lane stopped, because it remembers more of it than we do.
ALTER TABLE lanes ADD COLUMN held_seq BIGINT;
ALTER TABLE lanes ADD COLUMN held_payload BYTEA;

-- Messages that came before their notice, looked for with each first notice.
CREATE INDEX inbox_unplaced ON inbox (partner_id, received_at)
  WHERE exchange_id IS NULL AND event IN ('message', 'filed');
