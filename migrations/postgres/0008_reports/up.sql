-- Files that prove a submission to the regulator, sealed in pieces small enough to be copied many at a time. What they
-- are is in the record. Gone when the incident is erased.
CREATE TABLE report_proofs (
  incident_id BYTEA NOT NULL,
  number INTEGER NOT NULL,
  piece INTEGER NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (incident_id, number, piece)
);

-- Drafts about an incident are found when it is erased.
CREATE INDEX drafts_purpose ON drafts (purpose);
