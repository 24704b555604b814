-- This does not bring an older program back: it can't go on with this ledger, because the leaves of the tree, which it
-- reads and compares, were not kept and SQL can't make them. It serves development on databases without entries.
DROP INDEX inbox_unplaced;
ALTER TABLE lanes DROP COLUMN held_payload;
ALTER TABLE lanes DROP COLUMN held_seq;
ALTER TABLE ledger_head RESET (fillfactor);
ALTER TABLE exchanges RESET (fillfactor);
ALTER TABLE outbox RESET (fillfactor);
ALTER TABLE lanes RESET (fillfactor);
