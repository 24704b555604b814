DROP TABLE corrective_actions;
