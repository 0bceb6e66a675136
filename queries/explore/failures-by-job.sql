-- id: failures-by-job
-- title: Failures by job
-- question: Which jobs fail most often, and in which share of their executions?
-- columns:
--   repository: owner/name.
--   workflow: Name of the workflow.
--   job: Name of the job.
--   executions: How often it ran to an end that GitHub names; cancelled ones do not count.
--   failed: How often it failed.
--   timed_out: How often it ran out of time.
--   failed_percent: Both together, in percent of the executions.
--   last_failed_at: When it last failed, UTC.
SELECT
    e.repository,
    r.workflow_name AS workflow,
    e.name AS job,
    count(*) AS executions,
    count(*) FILTER (WHERE e.conclusion = 'failure') AS failed,
    count(*) FILTER (WHERE e.conclusion = 'timed_out') AS timed_out,
    round(100.0 * count(*) FILTER (WHERE e.conclusion IN ('failure', 'timed_out')) / count(*), 1)::double
        AS failed_percent,
    max(e.ended_at) FILTER (WHERE e.conclusion IN ('failure', 'timed_out')) AS last_failed_at
FROM executed_jobs AS e
LEFT JOIN runs AS r ON e.repository = r.repository AND e.run_id = r.run_id
WHERE e.conclusion IS NOT NULL AND e.conclusion <> 'cancelled'
GROUP BY e.repository, r.workflow_name, e.name
HAVING failed + timed_out > 0
ORDER BY failed + timed_out DESC, failed_percent DESC, e.repository ASC, workflow ASC, job ASC
