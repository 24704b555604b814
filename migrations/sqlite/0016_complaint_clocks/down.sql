DROP INDEX clocks_of_complaints;
DELETE FROM ladders WHERE stream IN (SELECT id FROM complaints);
DELETE FROM clocks WHERE stream IN (SELECT id FROM complaints);
