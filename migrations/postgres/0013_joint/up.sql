-- Who of an incident's partners reported it: few, and looked for wherever our own clock is shown.
CREATE INDEX exchanges_filed ON exchanges (incident_id, filed_at) WHERE filed_at IS NOT NULL;
-- The views given on an incident.
CREATE INDEX said_incident ON said (incident_id, kind, at) WHERE incident_id IS NOT NULL;
