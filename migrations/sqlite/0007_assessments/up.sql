-- What was decided on earlier incidents, with the circumstances in codes: the precedents of our own register. The reasons
-- are sealed; drills are no precedents.
CREATE TABLE precedents (
  incident_id BLOB NOT NULL PRIMARY KEY,
  decided_at BIGINT NOT NULL,
  circumstances TEXT NOT NULL,
  to_ico TEXT NOT NULL,
  people TEXT,
  why BLOB NOT NULL
);
CREATE INDEX precedents_newest ON precedents (decided_at, incident_id);
