-- The ICO's type of incident, once somebody has found the root cause. Each index holds whatever else a filter may ask, so that
-- two things that hardly any line meets together are a walk through one index and not through the lines.
ALTER TABLE register ADD COLUMN ico_type TEXT;
DROP INDEX register_at;
DROP INDEX register_source;
DROP INDEX register_kind;
DROP INDEX register_stage;
DROP INDEX register_category;
DROP INDEX register_cause;
DROP INDEX register_ico;
CREATE INDEX register_at ON register (at, id, exercise, source, kind, stage, ico, category, cause, data, ico_type);
CREATE INDEX register_source ON register (source, at, id, exercise, kind, stage, ico, category, cause, data, ico_type);
CREATE INDEX register_kind ON register (kind, at, id, exercise, source, stage, ico, category, cause, data, ico_type);
CREATE INDEX register_stage ON register (stage, at, id, exercise, source, kind, ico, category, cause, data, ico_type);
CREATE INDEX register_category ON register (category, at, id, exercise, source, kind, stage, ico, cause, data, ico_type);
CREATE INDEX register_cause ON register (cause, at, id, exercise, source, kind, stage, ico, category, data, ico_type);
CREATE INDEX register_ico ON register (ico, at, id, exercise, source, kind, stage, category, cause, data, ico_type);
CREATE INDEX register_ico_type ON register (ico_type, at, id, exercise, source, kind, stage, ico, category, cause, data);

-- Made again from the streams at the next start, with what was decided among the figures.
DELETE FROM register_tallies;
DELETE FROM register_facets;
DELETE FROM register;
