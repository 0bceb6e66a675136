-- Who was evicted or cut off by whose arrival, in which lane, and what became of its commit since.
-- noqa: disable=AM04

-- What a run belongs to besides its group: runs of one workflow on one branch (of a pull request: together
-- with the repository that it comes from) follow each other, a later one standing for the earlier.
CREATE OR REPLACE TEMP VIEW workflow_lanes AS
SELECT
    r.repository,
    r.run_id,
    r.run_number,
    r.event,
    r.head_sha,
    r.head_branch,
    r.created_at,
    r.actor,
    o.newness,
    coalesce(r.workflow_name, r.workflow_path, 'workflow ' || r.workflow_id) AS workflow,
    coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name) AS workflow_key,
    coalesce(r.head_repository, r.repository) AS head_repository,
    coalesce(starts_with(r.event, 'pull_request'), FALSE) AS of_pull_request,
    -- What these events ask for, a later run of the same workflow does not do as well.
    coalesce(
        r.event NOT IN (
            'push', 'schedule', 'merge_group', 'pull_request', 'pull_request_target', 'workflow_run'
        ),
        FALSE
    ) AS asks_its_own,
    concat_ws(
        chr(10),
        r.repository,
        coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name),
        coalesce(r.head_repository, r.repository),
        r.head_branch
    ) AS lane_key
FROM runs AS r
INNER JOIN commit_order AS o
    ON
        r.repository = o.repository AND coalesce(r.head_repository, r.repository) = o.head_repository
        AND r.head_branch = o.head_branch AND r.head_sha = o.sha
WHERE coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name) IS NOT NULL;

-- Workflows that do something to the world: `seen` where an effect or a deployment of theirs is in the case,
-- else because their file (an environment, a permission to write) or their name says so. Others only read, as
-- far as this case tells.
CREATE OR REPLACE TEMP VIEW writing_workflows AS
WITH doers AS (
    SELECT run_id FROM write_effects
    UNION
    SELECT run_id FROM deployment_statuses
    WHERE run_id IS NOT NULL
),

said AS (
    SELECT
        repository,
        path AS workflow_key,
        FALSE AS seen
    FROM workflow_files
    WHERE
        regexp_matches(text, '(?m)^\s+environment:')
        OR regexp_matches(text, '(?m)^\s+(contents|packages|deployments|pages|id-token):\s*write')
    UNION ALL
    SELECT
        repository,
        workflow_key,
        FALSE AS seen
    FROM workflow_lanes
    WHERE
        regexp_matches(
            workflow || ' ' || workflow_key,
            '(?i)(deploy|release|publish|promot|rollout|terraform|migrat|provision|pages)'
        )
    UNION ALL
    SELECT
        l.repository,
        l.workflow_key,
        TRUE AS seen
    FROM workflow_lanes AS l
    SEMI JOIN doers AS d ON (l.run_id = d.run_id)
)

SELECT
    repository,
    workflow_key,
    bool_or(seen) AS seen
FROM said
GROUP BY repository, workflow_key;

-- Runs cancelled by another's arrival at their workflow's group, and jobs at their own; not the jobs that
-- ended with their run, nor the run that ended for its job.
CREATE OR REPLACE TEMP VIEW superseded AS
SELECT
    l.*,
    k.attempt,
    k.job_id,
    k.cause,
    k.by_run_id,
    k.group_key,
    k.cancelled_at,
    k.lag_seconds,
    j.name AS job,
    coalesce(k.by_attempt, 1) AS by_attempt,
    CASE k.confidence
        WHEN 'known' THEN 'certain'
        WHEN 'likely' THEN 'likely'
        ELSE 'possible'
    END AS precision,
    seconds_between(coalesce(j.created_at, a.created_at, l.created_at), k.cancelled_at) AS waited_seconds,
    CASE
        WHEN k.group_name IS NOT NULL THEN 'group ''' || k.group_name || ''''
        ELSE 'its group'
    END AS group_label
FROM cancellations AS k
INNER JOIN workflow_lanes AS l ON k.run_id = l.run_id
LEFT JOIN jobs AS j ON k.job_id = j.job_id
LEFT JOIN attempts AS a ON k.run_id = a.run_id AND k.attempt = a.attempt
WHERE
    k.cause IN ('superseded-waiting', 'superseded-running')
    AND (k.job_id IS NOT NULL) = (coalesce(k.level, 'workflow') <> 'workflow');

-- For each of them the success that took its commit along: of the same workflow and branch (and job), at the
-- same commit or the nearest newer one.
CREATE OR REPLACE TEMP VIEW fates AS
WITH keyed AS MATERIALIZED (
    SELECT
        *,
        coalesce(job, '') AS job_key,
        hash(lane_key, coalesce(job, '')) AS lane_no
    FROM superseded
),

lanes AS MATERIALIZED (
    SELECT
        run_id,
        lane_key,
        newness,
        hash(lane_key, '') AS lane_no
    FROM workflow_lanes
),

reached AS (
    SELECT
        l.lane_no,
        l.newness,
        l.run_id,
        a.attempt,
        coalesce(a.completed_at, a.updated_at, a.created_at) AS ended_at
    FROM lanes AS l
    INNER JOIN attempts AS a ON l.run_id = a.run_id
    WHERE a.conclusion = 'success'
    UNION ALL BY NAME
    SELECT
        hash(l.lane_key, j.name) AS lane_no,
        l.newness,
        l.run_id,
        j.attempt,
        j.completed_at AS ended_at
    FROM lanes AS l
    INNER JOIN jobs AS j ON l.run_id = j.run_id
    WHERE j.conclusion = 'success' AND NOT j.copied
),

-- The first success at each commit. Of lanes (and jobs) where something was superseded, and by their numbers:
-- of a million lanes, two have one number with a chance of 1 in 30 million.
firsts AS (
    SELECT
        r.lane_no,
        r.newness,
        r.run_id AS shipped_by,
        r.attempt AS shipped_by_attempt,
        r.ended_at AS shipped_at
    FROM reached AS r
    SEMI JOIN keyed AS k ON (r.lane_no = k.lane_no)
    QUALIFY row_number() OVER (
        PARTITION BY r.lane_no, r.newness
        ORDER BY r.ended_at ASC NULLS LAST, r.run_id ASC, r.attempt ASC
    ) = 1
)

SELECT
    s.* EXCLUDE (lane_no), -- noqa: RF02
    f.shipped_at,
    f.shipped_by,
    f.shipped_by_attempt,
    w.workflow_key IS NOT NULL AS writes,
    CASE
        WHEN f.shipped_by IS NULL THEN 'never-shipped'
        WHEN s.asks_its_own AND f.shipped_by <> s.run_id THEN 'own-work'
        ELSE 'shipped-later'
    END AS fate
FROM keyed AS s
ASOF LEFT JOIN firsts AS f ON s.lane_no = f.lane_no AND s.newness <= f.newness
LEFT JOIN writing_workflows AS w ON s.repository = w.repository AND s.workflow_key = w.workflow_key;
