-- Which case a message waits for that came before its notice, so that other notices need not wait with it. For those of
-- before, one zero octet says that nobody has looked: they are read when the next notice of their partner comes.
ALTER TABLE inbox ADD COLUMN case_id BLOB;
UPDATE inbox SET case_id = X'00' WHERE exchange_id IS NULL AND event IN ('message', 'filed');
DROP INDEX inbox_unplaced;
CREATE INDEX inbox_unplaced ON inbox (partner_id, case_id, received_at)
  WHERE exchange_id IS NULL AND event IN ('message', 'filed');

-- The token that made a token through the API: it ends with that one.
ALTER TABLE api_tokens ADD COLUMN made_by BLOB;
