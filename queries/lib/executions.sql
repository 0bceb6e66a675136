-- Who executed when, and what they would compete for.

-- Jobs that a runner really worked on. A partial re-run copies finished jobs into the new attempt with
-- their old times: those are not executions. An end that is not known counts as the start, so that an
-- overlap found is one that happened.
CREATE OR REPLACE TEMP VIEW executed_jobs AS
SELECT
    j.repository,
    j.run_id,
    j.attempt,
    j.job_id,
    j.name,
    j.conclusion,
    j.inferred,
    j.started_at,
    greatest(j.started_at, coalesce(j.completed_at, j.started_at)) AS ended_at
FROM jobs AS j
WHERE
    NOT j.copied
    AND j.started_at IS NOT NULL
    AND coalesce(j.executed, j.conclusion IS DISTINCT FROM 'skipped');

-- The maximal periods in which at least one job of an attempt executed: waiting for an approval or a
-- runner between two jobs is not execution. A period begins where no earlier job reaches.
CREATE OR REPLACE TEMP VIEW execution_spans AS
WITH reached AS (
    SELECT
        *,
        max(ended_at) OVER (
            PARTITION BY run_id, attempt
            ORDER BY started_at, job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS reached_until
    FROM executed_jobs
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (WHERE reached_until IS NULL OR started_at > reached_until) OVER (
            PARTITION BY run_id, attempt
            ORDER BY started_at, job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS span_no
    FROM reached
)

SELECT
    repository,
    run_id,
    attempt,
    span_no,
    min(started_at) AS started_at,
    max(ended_at) AS ended_at,
    bool_or(inferred) AS inferred
FROM numbered
GROUP BY repository, run_id, attempt, span_no;

-- The workflow-level concurrency group of an attempt: as derived (level 'workflow'; known, or likely), and
-- for runs of which nothing was derived as GitHub itself, an annotation or a literal says it, in this order;
-- attempt is NULL where the source does not tell attempts apart. `runs_in_group` is how many runs ever had
-- that name: one that only one run ever had (as with run_id in it) lets every run be alone, so it is no lane.
CREATE OR REPLACE TEMP VIEW known_groups AS
WITH derived AS (
    SELECT DISTINCT run_id
    FROM concurrency_groups
    WHERE level IS NOT NULL
),

stated AS (
    SELECT
        g.run_id,
        g.attempt,
        arg_min(
            lower(g.group_name),
            CASE g.source WHEN 'github' THEN 1 WHEN 'annotation' THEN 2 WHEN 'literal' THEN 3 ELSE 4 END
            || lower(g.group_name)
        ) AS group_name
    FROM concurrency_groups AS g
    LEFT JOIN derived AS d ON g.run_id = d.run_id
    WHERE
        g.job_id IS NULL
        AND g.group_name <> ''
        AND CASE
            WHEN d.run_id IS NULL
                THEN g.confidence = 'known' AND g.source IN ('github', 'annotation', 'literal')
            ELSE g.level = 'workflow' AND g.confidence IN ('known', 'likely')
        END
    GROUP BY g.run_id, g.attempt
),

sizes AS (
    SELECT
        r.repository,
        s.group_name,
        count(DISTINCT s.run_id) AS runs_in_group
    FROM stated AS s
    INNER JOIN runs AS r ON s.run_id = r.run_id
    GROUP BY r.repository, s.group_name
)

SELECT
    s.run_id,
    s.attempt,
    s.group_name,
    z.runs_in_group
FROM stated AS s
INNER JOIN runs AS r ON s.run_id = r.run_id
INNER JOIN sizes AS z ON r.repository = z.repository AND s.group_name = z.group_name;

-- What an attempt competes for: its known group, else workflow and branch (a pull request's branch together
-- with the repository that it comes from). Runs of which neither is known have no lane and no row here.
CREATE OR REPLACE TEMP VIEW attempt_lanes AS
WITH present AS (
    SELECT DISTINCT
        run_id,
        attempt
    FROM jobs
),

named AS (
    SELECT
        r.repository,
        a.run_id,
        a.attempt,
        r.head_branch,
        coalesce(r.workflow_name, r.workflow_path, 'workflow ' || r.workflow_id) AS workflow,
        coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name) AS workflow_key,
        coalesce(r.head_repository, r.repository) AS head_repository,
        coalesce(starts_with(r.event, 'pull_request'), FALSE) AS of_pull_request,
        coalesce(own.group_name, whole.group_name) AS group_name,
        coalesce(own.runs_in_group, whole.runs_in_group, 0) AS runs_in_group
    FROM present AS a
    INNER JOIN runs AS r ON a.run_id = r.run_id
    LEFT JOIN known_groups AS own ON a.run_id = own.run_id AND a.attempt = own.attempt
    LEFT JOIN known_groups AS whole ON a.run_id = whole.run_id AND whole.attempt IS NULL
)

SELECT
    repository,
    run_id,
    attempt,
    workflow,
    workflow_key,
    CASE
        WHEN runs_in_group > 1 THEN 'group ' || group_name
        WHEN of_pull_request THEN 'pull request from ' || head_repository || ':' || head_branch
        ELSE 'branch ' || head_branch
    END AS lane,
    repository || chr(10) || CASE
        WHEN runs_in_group > 1 THEN 'group' || chr(10) || group_name
        WHEN of_pull_request
            THEN 'pull' || chr(10) || workflow_key || chr(10) || head_repository || chr(10) || head_branch
        ELSE 'branch' || chr(10) || workflow_key || chr(10) || head_branch
    END AS lane_key
FROM named
WHERE runs_in_group > 1 OR (workflow_key IS NOT NULL AND head_branch IS NOT NULL);
