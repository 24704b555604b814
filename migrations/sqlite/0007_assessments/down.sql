DROP TABLE precedents;
