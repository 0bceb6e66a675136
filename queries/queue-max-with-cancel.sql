-- id: queue-max-with-cancel
-- title: 'queue: max together with cancel-in-progress'
-- severity: high
-- precision: certain
-- question: Which runs came with queue max and cancel-in-progress at once, which GitHub refuses?
-- params: {}
-- columns:
--   workflow: Name of the workflow.
--   path: Its file.
--   line: Line of the group in the file, where known.
--   event: Event of the first of these runs.
--   group_name: The group in that run, where known.
--   times: How many runs came so.
--   refused: How many of them did not start (startup_failure).
-- example: the expression of cancel-in-progress is true on main
-- false_positives: >-
--   Where the value of cancel-in-progress is not known the run is left out. Where none of these runs failed
--   to start, GitHub (or GitHub Enterprise Server, which has no queue) took it otherwise than its
--   documentation says, and it is only possible.
-- remedy: >-
--   Decide: `queue: max` without cancel-in-progress where every run counts (deploys), cancel-in-progress
--   without queue where only the newest does (checks). Both by event: two groups, or two workflows.

WITH doubled AS (
    SELECT
        i.repository,
        i.workflow,
        i.workflow_key,
        i.run_id,
        i.attempt,
        i.event,
        i.group_name,
        i.path,
        i.line,
        r.conclusion,
        r.created_at
    FROM group_items AS i
    INNER JOIN named_runs AS r ON i.run_id = r.run_id
    WHERE lower(i.queue) = 'max' AND i.cancel_in_progress
),

counted AS (
    SELECT
        repository,
        workflow_key,
        coalesce(path, '') AS path,
        count(DISTINCT run_id) AS times,
        count(DISTINCT run_id) FILTER (WHERE conclusion IN ('startup_failure', 'failure')) AS refused,
        min(created_at) AS occurred_at,
        arg_min(workflow, (created_at, run_id)) AS workflow,
        arg_min(line, (created_at, run_id)) AS file_line,
        arg_min(event, (created_at, run_id)) AS event,
        arg_min(group_name, (created_at, run_id)) AS group_name,
        list(DISTINCT run_ref(run_id, attempt) ORDER BY run_ref(run_id, attempt))[:9] AS runs
    FROM doubled
    GROUP BY repository, workflow_key, coalesce(path, '')
)

SELECT
    c.occurred_at,
    c.repository,
    c.runs,
    c.workflow,
    c.file_line AS line,
    c.event,
    c.group_name,
    c.times,
    c.refused,
    nullif(c.path, '') AS path,
    concat_ws(chr(10), c.repository, c.workflow_key, c.path) AS about,
    CASE WHEN c.refused > 0 THEN 'high' ELSE 'medium' END AS severity,
    CASE WHEN c.refused > 0 THEN 'certain' ELSE 'possible' END AS precision,
    format(
        '''{}'': {} came with queue: max and cancel-in-progress at once, which GitHub refuses; {}.',
        c.workflow,
        counted(c.times, 'run', 'runs'),
        CASE
            WHEN c.refused = 0 THEN 'yet none of them failed to start'
            ELSE counted(c.refused, 'of them', 'of them') || ' failed to start'
        END
    ) AS message
FROM counted AS c;
