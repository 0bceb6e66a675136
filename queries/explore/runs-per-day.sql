-- id: runs-per-day
-- title: Runs per workflow and day
-- question: How many runs did each workflow have on each day (UTC), and how did their attempts end?
-- columns:
--   day: Day on which the attempt was asked for, UTC; empty when unknown.
--   repository: owner/name.
--   workflow: Name of the workflow.
--   runs: Runs with an attempt on that day.
--   attempts: Attempts, re-runs included.
--   succeeded: Attempts that ended in success.
--   failed: Attempts that ended in failure or ran out of time.
--   cancelled: Attempts that were cancelled.
SELECT
    a.created_at::date AS day,
    a.repository,
    r.workflow_name AS workflow,
    count(DISTINCT a.run_id) AS runs,
    count(*) AS attempts,
    count(*) FILTER (WHERE a.conclusion = 'success') AS succeeded,
    count(*) FILTER (WHERE a.conclusion IN ('failure', 'timed_out')) AS failed,
    count(*) FILTER (WHERE a.conclusion = 'cancelled') AS cancelled
FROM attempts AS a
LEFT JOIN runs AS r ON a.repository = r.repository AND a.run_id = r.run_id
GROUP BY a.created_at::date, a.repository, r.workflow_name
ORDER BY day, a.repository, workflow
