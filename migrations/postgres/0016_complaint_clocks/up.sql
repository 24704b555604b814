-- What is owed on complaints counts down among the clocks, each with a ladder. Complaints logged before have theirs from here:
-- the same rows that their entries make (`store/projections`). Lengths are in microseconds; hours are rounded up.
INSERT INTO clocks (stream, kind, anchor, anchored_at, hours, due_at, group_due_at, legal_limit_at, state, open, ended_at,
    evidence, proved_late, exercise, own_target)
  SELECT id, 'complaint_acknowledgement', 'complaint_received', received_at,
    ((acknowledge_by - received_at) / 1000000 + 3599) / 3600, acknowledge_by, acknowledge_by, acknowledge_limit,
    CASE WHEN COALESCE(acknowledged_at, answered_at) IS NULL THEN 'running'
      WHEN COALESCE(acknowledged_at, answered_at) > COALESCE(acknowledge_limit, acknowledge_by) THEN 'met_late' ELSE 'met' END,
    COALESCE(acknowledged_at, answered_at) IS NULL, COALESCE(acknowledged_at, answered_at),
    CASE WHEN acknowledged_at IS NOT NULL THEN 'recorded_acknowledgement' WHEN answered_at IS NOT NULL THEN 'answer' END,
    FALSE, FALSE, FALSE
  FROM complaints WHERE acknowledge_by IS NOT NULL;
INSERT INTO clocks (stream, kind, anchor, anchored_at, hours, due_at, group_due_at, state, open, ended_at, evidence,
    proved_late, exercise, own_target)
  SELECT id, 'complaint_promised_acknowledgement', 'complaint_received', received_at,
    ((promised_acknowledgement_by - received_at) / 1000000 + 3599) / 3600, promised_acknowledgement_by,
    promised_acknowledgement_by,
    CASE WHEN COALESCE(acknowledged_at, answered_at) IS NULL THEN 'running'
      WHEN COALESCE(acknowledged_at, answered_at) > promised_acknowledgement_by THEN 'met_late' ELSE 'met' END,
    COALESCE(acknowledged_at, answered_at) IS NULL, COALESCE(acknowledged_at, answered_at),
    CASE WHEN acknowledged_at IS NOT NULL THEN 'recorded_acknowledgement' WHEN answered_at IS NOT NULL THEN 'answer' END,
    FALSE, FALSE, TRUE
  FROM complaints WHERE promised_acknowledgement_by IS NOT NULL;
INSERT INTO clocks (stream, kind, anchor, anchored_at, hours, due_at, group_due_at, state, open, ended_at, evidence,
    proved_late, exercise, own_target)
  SELECT id, 'complaint_promised_answer', 'complaint_received', received_at,
    ((promised_answer_by - received_at) / 1000000 + 3599) / 3600, promised_answer_by, promised_answer_by,
    CASE WHEN answered_at IS NULL THEN 'running' WHEN answered_at > promised_answer_by THEN 'met_late' ELSE 'met' END,
    answered_at IS NULL, answered_at, CASE WHEN answered_at IS NOT NULL THEN 'answer' END, FALSE, FALSE, TRUE
  FROM complaints WHERE promised_answer_by IS NOT NULL;

-- At its foot, where the built-in plan has its first step after the complaint was received: 7 days and 15 hours, 2 days and
-- 15 hours or 15 hours before the due instant, or 9 hours after it. Silent once the duty is done; none of a complaint that is erased.
INSERT INTO ladders (stream, kind, due_at, anchored_at, next_step_at)
  SELECT clocks.stream, clocks.kind, clocks.due_at, clocks.anchored_at,
    CASE WHEN NOT clocks.open THEN NULL
      WHEN clocks.due_at - 658800000000 > clocks.anchored_at THEN clocks.due_at - 658800000000
      WHEN clocks.due_at - 226800000000 > clocks.anchored_at THEN clocks.due_at - 226800000000
      WHEN clocks.due_at - 54000000000 > clocks.anchored_at THEN clocks.due_at - 54000000000
      ELSE clocks.due_at + 32400000000 END
  FROM clocks JOIN complaints ON complaints.id = clocks.stream WHERE complaints.stage <> 'anonymised';

-- The few open clocks of complaints, in due order, without a walk over all that is open.
CREATE INDEX clocks_of_complaints ON clocks (due_at, stream) WHERE open AND incident_id IS NULL AND exchange_id IS NULL;
