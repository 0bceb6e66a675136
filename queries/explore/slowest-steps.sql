-- id: slowest-steps
-- title: Slowest steps
-- question: Which steps take most time, typically and at worst?
-- columns:
--   repository: owner/name.
--   workflow: Name of the workflow.
--   job: Name of the job.
--   step: Name of the step.
--   executions: How often it ran; skipped and copied ones do not count.
--   median_seconds: Half of them took at most this long.
--   p95_seconds: 95 % of them took at most this long.
--   most_seconds: The longest.
--   total_hours: All of them together.
SELECT
    j.repository,
    r.workflow_name AS workflow,
    j.name AS job,
    s.name AS step,
    count(*) AS executions,
    round(median(seconds_between(s.started_at, s.completed_at)), 1) AS median_seconds,
    round(quantile_cont(seconds_between(s.started_at, s.completed_at), 0.95), 1) AS p95_seconds,
    max(seconds_between(s.started_at, s.completed_at)) AS most_seconds,
    round(sum(seconds_between(s.started_at, s.completed_at)) / 3600, 2) AS total_hours
FROM steps AS s
INNER JOIN jobs AS j ON s.job_id = j.job_id
LEFT JOIN runs AS r ON j.repository = r.repository AND j.run_id = r.run_id
WHERE
    NOT j.copied
    AND s.conclusion IS DISTINCT FROM 'skipped'
    AND s.completed_at >= s.started_at
GROUP BY j.repository, r.workflow_name, j.name, s.name
ORDER BY total_hours DESC, executions DESC, j.repository ASC, workflow ASC, job ASC, step ASC
