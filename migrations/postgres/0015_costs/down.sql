ALTER TABLE register DROP COLUMN cost_estimated;
ALTER TABLE register DROP COLUMN cost;
