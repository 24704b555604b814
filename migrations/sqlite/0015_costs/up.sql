-- What an incident cost in pence, and how much of that is estimated; nothing where no cost stands. Each cost is in the
-- incident's own stream, and figures by kind are in register_tallies (`cost.` and the kind). Nothing has to be made again:
-- there were no costs before.
ALTER TABLE register ADD COLUMN cost BIGINT;
ALTER TABLE register ADD COLUMN cost_estimated BIGINT;
