-- Corrective actions of incidents, rebuilt from events. What a person typed is sealed; a day is counted from 1970-01-01.
CREATE TABLE corrective_actions (
  incident_id BLOB NOT NULL,
  number INTEGER NOT NULL,
  state TEXT NOT NULL,
  open BOOLEAN NOT NULL,
  due_on INTEGER NOT NULL,
  owner_id BLOB,
  exercise BOOLEAN NOT NULL,
  plan BLOB NOT NULL,
  PRIMARY KEY (incident_id, number)
);
CREATE INDEX corrective_actions_due ON corrective_actions (due_on, incident_id, number) WHERE open;
CREATE INDEX corrective_actions_owner ON corrective_actions (owner_id, due_on, incident_id, number) WHERE open;
