ALTER TABLE forms DROP COLUMN said_mac;
