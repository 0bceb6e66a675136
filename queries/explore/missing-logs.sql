-- id: missing-logs
-- title: Which logs are missing
-- question: Which jobs executed and have no log in the case, and is a reason known?
-- columns:
--   repository: owner/name.
--   run_id: The run.
--   attempt: The attempt.
--   job_id: The job.
--   job: Its name.
--   conclusion: How it ended.
--   started_at: When it began, UTC.
--   why: What problems says about the job, or about its run; empty when the log was never given.
WITH reasons AS (
    SELECT
        run_id,
        job_id,
        min(kind || ': ' || detail) AS why
    FROM problems
    GROUP BY run_id, job_id
)

SELECT
    j.repository,
    j.run_id,
    j.attempt,
    j.job_id,
    j.name AS job,
    j.conclusion,
    j.started_at,
    coalesce(of_job.why, of_run.why) AS why
FROM executed_jobs AS j
ANTI JOIN log_lines AS l ON j.job_id = l.job_id
LEFT JOIN reasons AS of_job ON j.job_id = of_job.job_id
LEFT JOIN reasons AS of_run ON j.run_id = of_run.run_id AND of_run.job_id IS NULL
ORDER BY j.started_at, j.job_id
