-- id: longest-silences
-- title: Longest silences in logs
-- question: Where did a job say nothing for longest, and what was its last line before?
-- columns:
--   seconds: How long nothing was printed.
--   silent_from: Time of the last line before, UTC, runner's clock.
--   run_id: The run.
--   attempt: The attempt.
--   job_id: The job.
--   job: Its name.
--   step_number: The step that was silent; empty when unknown.
--   line_no: Number of the last line before the silence.
--   text: That line.
WITH said AS (
    SELECT
        *,
        lead(logged_at) OVER (PARTITION BY job_id ORDER BY line_no) AS next_at
    FROM log_lines
),

silences AS (
    SELECT
        *,
        seconds_between(logged_at, next_at) AS seconds
    FROM said
    WHERE next_at > logged_at
)

SELECT
    s.seconds,
    s.logged_at AS silent_from,
    s.run_id,
    s.attempt,
    s.job_id,
    j.name AS job,
    s.step_number,
    s.line_no,
    s.text
FROM silences AS s
LEFT JOIN jobs AS j ON s.job_id = j.job_id
ORDER BY s.seconds DESC, s.job_id ASC, s.line_no ASC
LIMIT 100
