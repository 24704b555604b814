DROP TABLE complaints;
DROP TABLE duties;
ALTER TABLE clocks DROP COLUMN own_target;
