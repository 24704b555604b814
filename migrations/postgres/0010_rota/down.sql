DROP TABLE feed_links;
DROP TABLE shifts;
DROP TABLE ladder_plans;
UPDATE ladders SET next_step_at = NULL WHERE in_hand_at IS NOT NULL;
ALTER TABLE ladders DROP COLUMN instead;
ALTER TABLE ladders DROP COLUMN seen;
ALTER TABLE ladders DROP COLUMN asked;
ALTER TABLE ladders DROP COLUMN fired;
