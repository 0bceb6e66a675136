-- Effects of contested jobs follow their line; those of other jobs pass unchanged.
WITH found AS (
    SELECT
        *,
        list_contains($jobs, job_id) AS is_contested
    FROM read_parquet($files)
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
    coalesce(outcome_line.line_no, e.line_no) AS line_no,
    coalesce(start_line.line_no, e.started_line_no) AS started_line_no
FROM found AS e
LEFT JOIN contested AS outcome_line
    ON e.source_id = outcome_line.source_id AND e.line_no = outcome_line.old_line_no
LEFT JOIN contested AS start_line
    ON e.source_id = start_line.source_id AND e.started_line_no = start_line.old_line_no
WHERE NOT e.is_contested OR outcome_line.kept;
