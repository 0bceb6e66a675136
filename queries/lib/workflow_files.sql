-- Which workflow file defined a run.

-- What runs of the API say of the workflows that they called: `commit` is recorded by GitHub. The path of a
-- workflow in the same repository may differ from the run's in capital letters only.
CREATE OR REPLACE TEMP VIEW called_workflows AS
WITH listed AS (
    SELECT
        run_id,
        repository AS caller,
        unnest(from_json(
            raw -> '$.referenced_workflows', '[{"path":"VARCHAR","sha":"VARCHAR","ref":"VARCHAR"}]'
        )) AS called
    FROM runs
    WHERE json_type(raw, '$.referenced_workflows') = 'ARRAY'
),

split AS (
    SELECT
        run_id,
        caller,
        called['sha'] AS commit,
        called['ref'] AS called_ref,
        regexp_extract(called['path'], '^([^/]+/[^/]+)/\.github/workflows/[^@]+', 1) AS repository,
        regexp_extract(called['path'], '^[^/]+/[^/]+/(\.github/workflows/[^@]+)', 1) AS path
    FROM listed
)

SELECT DISTINCT
    run_id,
    path,
    commit,
    if(lower(repository) = lower(caller), caller, repository) AS repository,
    lower(repository) = lower(caller)
    AND coalesce(regexp_full_match(called_ref, 'refs/pull/\d+/merge'), FALSE) AS is_merge
FROM split
WHERE path <> '';

-- Known versions of files at commits of the default branch, with when the first run told of the commit.
CREATE OR REPLACE TEMP VIEW default_branch_versions AS
SELECT
    v.repository,
    v.path,
    v.commit,
    any_value(v.blob) AS blob,
    min(r.created_at) AS seen_at
FROM workflow_versions AS v
INNER JOIN repositories AS o ON v.repository = o.repository
INNER JOIN runs AS r
    ON
        v.repository = r.repository
        AND v.commit = r.head_sha
        AND o.default_branch = r.head_branch
        AND lower(coalesce(r.head_repository, r.repository)) = lower(r.repository)
        AND NOT starts_with(r.event, 'pull_request')
WHERE r.created_at IS NOT NULL
GROUP BY v.repository, v.path, v.commit;

-- The files that a run used: its own, and those that it called. `source` says how sure that is:
--   exact    the run used the file of this commit, and it was read there
--   between  the same, but the content follows from commits around it
--   approx   the run used a commit that is not known (a pull request's merge commit, or the default branch
--            at some moment); this is the nearest known, first the pull request's own head
--   unknown  nobody has looked, or it is not to be had: blob and text are NULL
-- Runs of GitHub's own (dynamic/…) have no file and no row.
CREATE OR REPLACE TEMP VIEW run_workflow_files AS
WITH texts AS (
    -- An id names its content, wherever the file lay.
    SELECT
        sha,
        any_value(text) AS text
    FROM workflow_files
    GROUP BY sha
),

merge_commits AS (
    SELECT
        run_id,
        min(commit) AS commit
    FROM called_workflows
    WHERE is_merge
    GROUP BY run_id
),

own AS (
    SELECT
        r.repository,
        r.run_id,
        r.workflow_path AS path,
        r.head_sha,
        r.created_at,
        m.commit AS merge_commit,
        coalesce(starts_with(r.event, 'pull_request'), FALSE) AS is_approx,
        coalesce(r.event = 'pull_request_target', FALSE) AS is_target
    FROM runs AS r
    LEFT JOIN merge_commits AS m
        ON r.run_id = m.run_id AND starts_with(r.event, 'pull_request') AND r.event <> 'pull_request_target'
    WHERE starts_with(r.workflow_path, '.github/workflows/')
),

before AS (
    SELECT
        own.*,
        d.commit AS base_commit,
        d.blob AS base_blob
    FROM own
    ASOF LEFT JOIN default_branch_versions AS d
        ON own.repository = d.repository AND own.path = d.path AND own.created_at >= d.seen_at
),

around AS (
    SELECT
        b.* EXCLUDE (base_commit, base_blob),
        coalesce(b.base_commit, d.commit) AS base_commit,
        coalesce(b.base_blob, d.blob) AS base_blob
    FROM before AS b
    ASOF LEFT JOIN default_branch_versions AS d
        ON b.repository = d.repository AND b.path = d.path AND b.created_at <= d.seen_at
),

judged AS (
    SELECT
        a.*,
        head.blob AS head_blob,
        head.source AS head_source,
        merged.blob AS merge_blob,
        merged.source AS merge_source,
        CASE
            WHEN NOT a.is_approx THEN 'head'
            WHEN merged.blob IS NOT NULL THEN 'merge'
            WHEN a.base_blob IS NOT NULL AND (a.is_target OR head.blob IS NULL) THEN 'base'
            ELSE 'near'
        END AS place
    FROM around AS a
    LEFT JOIN workflow_versions AS head
        ON a.repository = head.repository AND a.path = head.path AND a.head_sha = head.commit
    LEFT JOIN workflow_versions AS merged
        ON a.repository = merged.repository AND a.path = merged.path AND a.merge_commit = merged.commit
),

used AS (
    SELECT
        run_id,
        repository,
        path,
        FALSE AS called,
        CASE place WHEN 'merge' THEN merge_commit WHEN 'base' THEN base_commit ELSE head_sha END AS commit,
        CASE place WHEN 'merge' THEN merge_blob WHEN 'base' THEN base_blob ELSE head_blob END AS blob,
        CASE
            WHEN place = 'head' THEN head_source
            WHEN place = 'merge' THEN merge_source
            WHEN place = 'base' OR head_blob IS NOT NULL THEN 'approx'
        END AS source
    FROM judged
    UNION ALL
    SELECT
        c.run_id,
        c.repository,
        c.path,
        TRUE AS called,
        c.commit,
        v.blob,
        v.source
    FROM called_workflows AS c
    LEFT JOIN workflow_versions AS v
        ON c.repository = v.repository AND c.path = v.path AND c.commit = v.commit
)

SELECT
    u.run_id,
    u.repository,
    u.path,
    u.commit,
    u.called,
    u.blob,
    t.text,
    coalesce(u.source, 'unknown') AS source
FROM used AS u
LEFT JOIN texts AS t ON t.sha = 'blob:' || u.blob;
