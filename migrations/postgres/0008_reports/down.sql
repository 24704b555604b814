DROP INDEX drafts_purpose;
DROP TABLE report_proofs;
