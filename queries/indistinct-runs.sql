-- id: indistinct-runs
-- title: Runs that nobody can tell apart
-- severity: info
-- precision: certain
-- question: Which workflows are started by hand or by a program many times a day, all under one title?
-- params:
--   minimum_runs:
--     default: 5
--     means: From so many runs with one title within 24 hours on.
-- columns:
--   workflow: Name of the workflow.
--   display_title: The title that they share.
--   event: What started them.
--   runs_in_a_day: The most runs that began within 24 hours under this title.
--   runs_in_all: How many runs have it in the case.
--   commits: How many different commits those of all days ran at.
-- example: six dispatches in an afternoon, all called 'Deploy'
-- false_positives: >-
--   Only runs that are asked for (workflow_dispatch, repository_dispatch) count. What differs between them
--   are inputs, which GitHub shows nowhere afterwards; runs of pushes and pull requests have their commit's
--   title. A workflow that has a run-name in any version of its file is left out. A workflow without inputs
--   does the same each time and is told all the same, since metadata does not say so; it is info, and low
--   where the workflow writes.
-- remedy: >-
--   Put a run-name into the workflow that shows what was asked for, as in "run-name: Deploy
--   ${{ inputs.version }} to ${{ inputs.target }}". It shows in the list of runs, in the API and in this
--   program's sentences.

WITH asked AS (
    SELECT
        r.run_id,
        r.repository,
        r.workflow_path,
        r.created_at,
        r.head_sha,
        r.event,
        r.display_title,
        coalesce(r.workflow_name, r.workflow_path, 'workflow ' || r.workflow_id) AS workflow,
        coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name) AS workflow_key
    FROM runs AS r
    WHERE
        r.run_id > 0 AND r.event IN ('workflow_dispatch', 'repository_dispatch')
        AND r.display_title IS NOT NULL AND r.created_at IS NOT NULL
        AND coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name) IS NOT NULL
),

-- With the runs of the 24 hours before, itself among them.
counted_runs AS (
    SELECT
        *,
        count(*) OVER (
            PARTITION BY repository, workflow_key, event, display_title ORDER BY created_at
            RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND CURRENT ROW
        ) AS in_a_day
    FROM asked
),

families AS (
    SELECT
        repository,
        workflow_key,
        event,
        display_title,
        max(workflow) AS workflow,
        any_value(workflow_path) AS workflow_path,
        max(in_a_day) AS runs_in_a_day,
        count(*) AS runs_in_all,
        count(DISTINCT head_sha) AS commits,
        max(created_at) AS last_at,
        arg_max(run_ref(run_id, 1), (created_at, run_id), 8) AS runs
    FROM counted_runs
    GROUP BY repository, workflow_key, event, display_title
    HAVING max(in_a_day) >= $minimum_runs
),

named AS (
    SELECT DISTINCT
        f.repository,
        f.path
    FROM workflow_files AS f
    WHERE regexp_matches(f.text, '(?m)^[''"]?run-name[''"]?\s*:')
)

SELECT
    f.last_at AS occurred_at,
    f.repository,
    f.workflow,
    f.display_title,
    f.event,
    f.runs_in_a_day,
    f.runs_in_all,
    f.commits,
    f.runs,
    concat_ws(chr(10), f.repository, f.workflow_key, f.event, f.display_title) AS about,
    CASE WHEN w.workflow_key IS NOT NULL THEN 'low' ELSE 'info' END AS severity,
    format(
        '''{}'': {} were started by ''{}'' within 24 hours under the one title ''{}'' ({} in all, at {}); '
        || 'what each was asked to do cannot be told.',
        f.workflow,
        counted(f.runs_in_a_day, 'run', 'runs'),
        f.event,
        f.display_title,
        f.runs_in_all,
        counted(f.commits, 'commit', 'commits')
    ) AS message
FROM families AS f
LEFT JOIN named AS n ON f.repository = n.repository AND f.workflow_path = n.path
LEFT JOIN writing_workflows AS w
    ON f.repository = w.repository AND f.workflow_key = w.workflow_key AND w.seen
WHERE n.path IS NULL;
