-- This does not bring an older program back: the nodes that it reads were not kept, and SQL can't make them.
DROP INDEX lanes_leased;
DROP INDEX lanes_free;
CREATE INDEX lanes_due ON lanes (due_at) WHERE due_at IS NOT NULL;
