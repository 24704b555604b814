ALTER TABLE ledger_head RESET (fillfactor);
ALTER TABLE exchanges RESET (fillfactor);
ALTER TABLE outbox RESET (fillfactor);
ALTER TABLE lanes RESET (fillfactor);
