ALTER TABLE api_tokens DROP COLUMN made_by;
DROP INDEX inbox_unplaced;
ALTER TABLE inbox DROP COLUMN case_id;
CREATE INDEX inbox_unplaced ON inbox (partner_id, received_at)
  WHERE exchange_id IS NULL AND event IN ('message', 'filed');
