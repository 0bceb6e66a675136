-- id: who-reran-what
-- title: Who re-ran what
-- question: Which runs were re-run, by whom, after which conclusion, and how did it end?
-- columns:
--   created_at: When the re-run was asked for, UTC.
--   actor: Who asked for it.
--   repository: owner/name.
--   workflow: Name of the workflow.
--   run_id: The run.
--   attempt: The new attempt.
--   conclusion_before: How the attempt before it ended; empty when that one is not in the case.
--   conclusion: How this one ended.
--   jobs_executed: Jobs that ran in it.
--   jobs_copied: Jobs taken over from an earlier attempt, as in 're-run failed jobs'.
SELECT
    a.created_at,
    a.actor,
    a.repository,
    r.workflow_name AS workflow,
    a.run_id,
    a.attempt,
    before.conclusion AS conclusion_before,
    a.conclusion,
    count(j.job_id) FILTER (WHERE NOT j.copied AND coalesce(j.executed, TRUE)) AS jobs_executed,
    count(j.job_id) FILTER (WHERE j.copied) AS jobs_copied
FROM attempts AS a
LEFT JOIN runs AS r ON a.repository = r.repository AND a.run_id = r.run_id
LEFT JOIN attempts AS before ON a.run_id = before.run_id AND a.attempt - 1 = before.attempt
LEFT JOIN jobs AS j ON a.run_id = j.run_id AND a.attempt = j.attempt
WHERE a.attempt > 1
GROUP BY ALL
ORDER BY a.created_at, a.run_id, a.attempt
