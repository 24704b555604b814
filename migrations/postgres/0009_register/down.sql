DROP TABLE register_views;
DROP TABLE register_tallies;
DROP TABLE register_facets;
DROP TABLE register;
DELETE FROM counters WHERE name = 'register';
