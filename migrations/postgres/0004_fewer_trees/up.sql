-- The tree's leaves are digests of the entries, which hold them; only what stands above them is kept.
DELETE FROM tree_nodes WHERE level = 0;

-- Rows that are changed several times soon after they were written find room on their own page.
ALTER TABLE lanes SET (fillfactor = 50);
ALTER TABLE outbox SET (fillfactor = 70);
ALTER TABLE exchanges SET (fillfactor = 70);
ALTER TABLE ledger_head SET (fillfactor = 10);
