-- id: missing-run
-- title: A push started other workflows, but not this one
-- severity: low
-- precision: likely
-- question: Which push has no run of a workflow that runs for the pushes before and after it?
-- params:
--   limit_runs:
--     default: 500
--     means: How many runs GitHub starts for a repository in 10 s at most; beyond them it drops some.
--   most_runs:
--     default: 20
--     means: How many runs a finding names at most.
-- columns:
--   workflow: Name of the workflow.
--   branch: The branch.
--   sha: The commit without a run; the last one.
--   pushes: How many pushes of the branch have no run of it.
--   reason: limit (the repository had as many runs in these seconds as GitHub starts) or unknown.
--   proof: >-
--     numbers (the workflow's run numbers have no gap there, so no run was ever made) or listing (GitHub
--     listed all runs of that time).
-- example: a push between two others has no deploy
-- false_positives: >-
--   That there was a push is known from other workflows' runs for it, so a commit with [skip ci], which stops
--   all of them, is not looked at. Nor are workflows with filters on paths (the changed files are not
--   known), whose file is not known to be the same before and after, which are disabled, or which had no run
--   for an earlier push of the branch; names like versions are taken for tags. A run that somebody deleted
--   leaves a gap in the run numbers and is not told where these are known. A workflow that was disabled for
--   a while looks the same, so it is likely only.
-- remedy: >-
--   Start it for this commit by hand (workflow_dispatch), if no later run has shipped it. Look whether the
--   workflow was disabled then, and at githubstatus for lost events; do not push hundreds of refs at once.

WITH pushed AS (
    SELECT
        repository,
        workflow,
        workflow_key,
        head_branch,
        head_sha,
        run_id,
        run_number,
        created_at
    FROM named_runs
    WHERE
        event = 'push'
        AND created_at IS NOT NULL
        AND head_branch IS NOT NULL
        AND head_sha IS NOT NULL
        AND head_repository = repository
        AND starts_with(workflow_key, '.github/workflows/')
        AND NOT regexp_matches(head_branch, '^(.*[-/@])?v?\d+(\.\d+)+')
),

pushes AS (
    SELECT
        repository,
        head_branch,
        head_sha,
        min(created_at) AS pushed_at,
        min(run_id) AS seen_run_id
    FROM pushed
    GROUP BY repository, head_branch, head_sha
),

-- The workflow's own pushes of the branch, each with its file.
own AS (
    SELECT
        p.repository,
        p.workflow_key,
        p.head_branch,
        p.head_sha,
        v.blob,
        any_value(p.workflow) AS workflow,
        min(p.created_at) AS own_at,
        min(p.run_id) AS run_id
    FROM pushed AS p
    LEFT JOIN workflow_versions AS v
        ON p.repository = v.repository AND p.workflow_key = v.path AND p.head_sha = v.commit
    GROUP BY p.repository, p.workflow_key, p.head_branch, p.head_sha, v.blob
),

habits AS (
    SELECT
        repository,
        workflow_key,
        head_branch,
        any_value(workflow) AS workflow,
        min(own_at) AS first_at
    FROM own
    GROUP BY repository, workflow_key, head_branch
),

absent AS (
    SELECT
        h.repository,
        h.workflow_key,
        h.head_branch,
        h.workflow,
        p.head_sha,
        p.pushed_at,
        p.seen_run_id
    FROM habits AS h
    INNER JOIN pushes AS p ON h.repository = p.repository AND h.head_branch = p.head_branch
    ANTI JOIN own AS o
        ON
            h.repository = o.repository AND h.workflow_key = o.workflow_key
            AND h.head_branch = o.head_branch AND p.head_sha = o.head_sha
    WHERE p.pushed_at > h.first_at
),

-- Its file at the pushes before and after that it did run for, or at this very commit.
beside AS (
    SELECT
        a.*,
        b.run_id AS before_run_id,
        b.blob AS before_blob
    FROM absent AS a
    ASOF INNER JOIN own AS b
        ON
            a.repository = b.repository AND a.workflow_key = b.workflow_key
            AND a.head_branch = b.head_branch AND a.pushed_at >= b.own_at
),

between_two AS (
    SELECT
        a.*,
        n.run_id AS after_run_id,
        n.blob AS after_blob,
        v.blob AS own_blob
    FROM beside AS a
    ASOF LEFT JOIN own AS n
        ON
            a.repository = n.repository AND a.workflow_key = n.workflow_key
            AND a.head_branch = n.head_branch AND a.pushed_at < n.own_at
    LEFT JOIN workflow_versions AS v
        ON a.repository = v.repository AND a.workflow_key = v.path AND a.head_sha = v.commit
),

-- A path filter may be why; a file that does not name push any more has no runs for it.
triggers AS (
    SELECT
        sha,
        bool_or(
            json_extract(parsed, '$.on.push.paths') IS NOT NULL
            OR json_extract(parsed, '$.on.push."paths-ignore"') IS NOT NULL
        ) AS by_path
    FROM workflow_files
    WHERE parsed IS NOT NULL
    GROUP BY sha
),

filtered AS (
    SELECT b.*
    FROM between_two AS b
    INNER JOIN triggers AS t ON t.sha = 'blob:' || b.before_blob
    LEFT JOIN workflows AS w ON b.repository = w.repository AND b.workflow_key = w.path
    WHERE
        NOT t.by_path
        AND coalesce(b.own_blob, b.after_blob) = b.before_blob
        AND coalesce(w.state, 'active') = 'active'
),

-- GitHub counts the runs of a workflow; where the numbers around the push follow each other, none is missing
-- from this case.
counted_runs AS (
    SELECT
        n.repository,
        n.workflow_key,
        n.created_at,
        n.run_number,
        lead(n.run_number, 2) OVER (
            PARTITION BY n.repository, n.workflow_key ORDER BY n.run_number, n.run_id
        ) AS second_next,
        lead(n.run_number) OVER (
            PARTITION BY n.repository, n.workflow_key ORDER BY n.run_number, n.run_id
        ) AS next_number
    FROM named_runs AS n
    SEMI JOIN filtered AS f ON (n.repository = f.repository AND n.workflow_key = f.workflow_key)
    WHERE n.created_at IS NOT NULL AND n.run_number IS NOT NULL
),

numbered AS (
    SELECT
        f.*,
        c.next_number = c.run_number + 1 AND coalesce(c.second_next = c.run_number + 2, TRUE) AS by_numbers,
        c.next_number IS NOT NULL AND NOT (
            c.next_number = c.run_number + 1 AND coalesce(c.second_next = c.run_number + 2, TRUE)
        ) AS gap
    FROM filtered AS f
    ASOF LEFT JOIN counted_runs AS c
        ON f.repository = c.repository AND f.workflow_key = c.workflow_key AND f.pushed_at >= c.created_at
),

listed AS (
    SELECT DISTINCT
        n.repository,
        n.workflow_key,
        n.head_branch,
        n.head_sha
    FROM numbered AS n
    INNER JOIN listings AS l
        ON
            n.repository = l.repository
            AND l.complete
            AND (l.workflow = '' OR ends_with(n.workflow_key, '/' || l.workflow))
            AND n.pushed_at BETWEEN l.starts_at AND l.ends_at
),

-- Of ten seconds that hold so many runs, one of the two buckets that they touch holds half of them.
crowds AS (
    SELECT
        repository,
        epoch_us(created_at) // 10000000 AS bucket
    FROM named_runs
    WHERE created_at IS NOT NULL
    GROUP BY repository, epoch_us(created_at) // 10000000
    HAVING 2 * count(*) >= $limit_runs
),

crowded AS (
    SELECT DISTINCT
        repository,
        unnest([bucket - 1, bucket, bucket + 1]) AS bucket
    FROM crowds
),

proved AS (
    SELECT
        n.*,
        CASE WHEN n.by_numbers THEN 'numbers' ELSE 'listing' END AS proof,
        CASE WHEN c.bucket IS NULL THEN 'unknown' ELSE 'limit' END AS reason
    FROM numbered AS n
    LEFT JOIN listed AS l
        ON
            n.repository = l.repository AND n.workflow_key = l.workflow_key
            AND n.head_branch = l.head_branch AND n.head_sha = l.head_sha
    LEFT JOIN crowded AS c
        ON n.repository = c.repository AND epoch_us(n.pushed_at) // 10000000 = c.bucket
    WHERE NOT coalesce(n.gap, FALSE) AND (coalesce(n.by_numbers, FALSE) OR l.head_sha IS NOT NULL)
),

grouped AS (
    SELECT
        repository,
        workflow_key,
        workflow,
        head_branch,
        reason,
        count(*) AS pushes,
        max(pushed_at) AS occurred_at,
        arg_max(
            struct_pack(sha := head_sha, seen := seen_run_id, proof := proof, next := after_run_id),
            (pushed_at, head_sha)
        ) AS last_one,
        list_slice(
            list(DISTINCT run_ref(seen_run_id, 1) ORDER BY run_ref(seen_run_id, 1) DESC), 1, $most_runs
        ) AS runs
    FROM proved
    GROUP BY repository, workflow_key, workflow, head_branch, reason
)

SELECT
    g.occurred_at,
    g.repository,
    g.workflow,
    g.head_branch AS branch,
    g.pushes,
    g.reason,
    g.last_one['sha'] AS sha,
    g.last_one['proof'] AS proof,
    list_sort(g.runs) AS runs,
    concat_ws(chr(10), g.repository, g.workflow_key, g.head_branch, g.reason) AS about,
    CASE
        WHEN coalesce(w.seen, FALSE) AND g.last_one['next'] IS NULL THEN 'medium'
        WHEN coalesce(w.seen, FALSE) OR g.last_one['next'] IS NULL THEN 'low'
        ELSE 'info'
    END AS severity,
    CASE WHEN g.last_one['proof'] = 'numbers' THEN 'likely' ELSE 'possible' END AS precision,
    format(
        '''{}'' has no run for {} on ''{}'', which started other workflows{}: {}{}; {}.',
        g.workflow,
        counted(g.pushes, 'push', 'pushes'),
        g.head_branch,
        CASE WHEN g.pushes > 1 THEN '; the last' ELSE '' END,
        left(g.last_one['sha'], 8),
        ' (' || run_label(g.last_one['seen'], 1) || ')',
        CASE
            WHEN g.reason = 'limit' THEN 'the repository started as many runs at once as GitHub allows'
            WHEN g.last_one['next'] IS NULL THEN 'no later push of the branch had one either'
            ELSE 'its next was ' || run_label(g.last_one['next'], 1)
        END
    ) AS message
FROM grouped AS g
LEFT JOIN writing_workflows AS w ON g.repository = w.repository AND g.workflow_key = w.workflow_key;
