-- Small subtrees are made from the octets of the few entries under them; only larger ones are kept.
DELETE FROM tree_nodes WHERE level < 3;

-- A claim reads lanes that nobody holds, and those whose holder has died, without passing over the ones in flight.
DROP INDEX lanes_due;
CREATE INDEX lanes_free ON lanes (due_at, fail_count, partner_id, channel) WHERE lease IS NULL AND due_at IS NOT NULL;
CREATE INDEX lanes_leased ON lanes (lease_until) WHERE lease IS NOT NULL;
