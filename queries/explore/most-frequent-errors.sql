-- id: most-frequent-errors
-- title: Most frequent errors
-- question: Which error lines come up most, when numbers and hashes in them are set aside?
-- columns:
--   error: The line with every hash as <hex> and every number as <n>.
--   lines: How often it was printed.
--   jobs: In how many jobs.
--   first_at: The first time, UTC.
--   last_at: The last time, UTC.
--   example_run_id: The first run that printed it.
--   example_job_id: The job.
--   example_line_no: The line.
WITH shaped AS (
    SELECT
        *,
        regexp_replace(
            regexp_replace(text, '\b[0-9a-f]{7,64}\b', '<hex>', 'g'), '\d+', '<n>', 'g'
        ) AS error
    FROM log_lines
    WHERE level = 'error'
)

SELECT
    error,
    count(*) AS lines,
    count(DISTINCT job_id) AS jobs,
    min(logged_at) AS first_at,
    max(logged_at) AS last_at,
    arg_min(run_id, (logged_at, job_id, line_no)) AS example_run_id,
    arg_min(job_id, (logged_at, job_id, line_no)) AS example_job_id,
    arg_min(line_no, (logged_at, job_id, line_no)) AS example_line_no
FROM shaped
GROUP BY error
ORDER BY jobs DESC, lines DESC, error ASC
LIMIT 100
