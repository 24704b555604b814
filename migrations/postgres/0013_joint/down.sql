DROP INDEX said_incident;
DROP INDEX exchanges_filed;
