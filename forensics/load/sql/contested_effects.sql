-- Effects of contested jobs follow their line; those of other jobs pass unchanged.
SELECT
    effects.* EXCLUDE (line_no, started_line_no),
    coalesce(outcome_line.line_no, effects.line_no) AS line_no,
    coalesce(start_line.line_no, effects.started_line_no) AS started_line_no
FROM read_parquet($files) AS effects
LEFT JOIN contested AS outcome_line
    ON effects.source_id = outcome_line.source_id AND effects.line_no = outcome_line.old_line_no
LEFT JOIN contested AS start_line
    ON effects.source_id = start_line.source_id AND effects.started_line_no = start_line.old_line_no
WHERE NOT list_contains($jobs, effects.job_id) OR outcome_line.kept
