-- Effects of contested jobs follow their line, and go where the line of another source was kept.
WITH found AS (
    SELECT *
    FROM read_parquet($files)
    WHERE list_contains($jobs, job_id)
)

SELECT
    e.repository,
    e.run_id,
    e.attempt,
    e.job_id,
    e.step_number,
    e.started_at,
    e.occurred_at,
    e.tool,
    e.effect,
    e.target,
    e.identity,
    e.outcome,
    e.sha,
    e.rule,
    e.text,
    e.source_id,
    outcome_line.line_no,
    coalesce(start_line.line_no, e.started_line_no) AS started_line_no
FROM found AS e
INNER JOIN contested AS outcome_line
    ON e.source_id = outcome_line.source_id AND e.line_no = outcome_line.old_line_no
LEFT JOIN contested AS start_line
    ON e.source_id = start_line.source_id AND e.started_line_no = start_line.old_line_no
WHERE outcome_line.kept;
