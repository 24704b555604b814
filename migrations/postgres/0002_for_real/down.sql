CREATE TABLE partner_manifests (
  partner_id BYTEA NOT NULL,
  version BIGINT NOT NULL,
  token TEXT NOT NULL,
  taken_at BIGINT NOT NULL,
  PRIMARY KEY (partner_id, version)
);
INSERT INTO partner_manifests (partner_id, version, token, taken_at)
  SELECT m.partner_id, m.version, m.token, m.taken_at
  FROM manifests_by_identity m JOIN partners p ON p.id = m.partner_id AND p.identity_thumbprint = m.identity;
DROP TABLE manifests_by_identity;
DROP TABLE directory;
ALTER TABLE partners DROP COLUMN wrong_digits;
ALTER TABLE partners DROP COLUMN typed;
ALTER TABLE partners DROP COLUMN later_card;
ALTER TABLE own_keys DROP COLUMN stage;
DROP TABLE manifest_offers;
DROP TABLE links;
DROP INDEX sessions_person;
ALTER TABLE people DROP COLUMN seen_at;
ALTER TABLE api_tokens DROP COLUMN person_id;
ALTER TABLE api_tokens DROP COLUMN used_at;
ALTER TABLE api_tokens DROP COLUMN ended_at;
DROP TABLE api_answers;
