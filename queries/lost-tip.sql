-- id: lost-tip
-- title: The newest commit of a lane was cancelled and never shipped
-- severity: high
-- precision: likely
-- question: >-
--   Of which branches was the newest commit's run cancelled, with nothing after it to take the commit along?
-- params:
--   idle_minutes:
--     default: 30
--     means: So long must the case know that nothing more came, before the commit counts as lost.
-- columns:
--   workflow: Name of the workflow.
--   lane: Its branch.
--   sha: The commit that never got through.
--   cause: Why its last run was cancelled.
--   by_run_id: The run whose arrival did it, where that is known.
--   idle_seconds: How long after the lane's last end the case goes on without another run of it.
--   last_shipped_by: The last run of the lane that succeeded; NULL where none did.
--   commits_behind: How many commits of the lane's runs are newer than that one's.
-- example: the newest deploy is evicted by another workflow of its group, and nobody runs it again
-- false_positives: >-
--   Only commits that had a run count, so what path filters leave out is no loss. Left out are failures
--   (they are red and seen), runs that a person cancelled, lanes where an older commit was run and succeeded
--   after it (a rollback by hand), pull requests, lanes with a run still going, and read-only workflows
--   beside the default branch; on it they are low. Where lists of several sources were put together, runs of
--   one name that came after it count as its workflow's where a file is not named, so that two workflows of
--   one name can hide a loss. Someone may have shipped the commit by other means.
-- remedy: >-
--   Run the workflow again on the newest commit (gh run rerun ID). Keep workflows that do not replace each
--   other out of one group; with cancel-in-progress false and queue: max (github.com since May 2026) no
--   waiting run is lost; or let a schedule deploy the tip if it is not what runs.

WITH items AS (
    SELECT
        l.repository,
        l.workflow,
        l.workflow_key,
        l.lane_key,
        l.head_branch,
        l.head_repository,
        l.head_sha,
        l.newness,
        a.run_id,
        a.attempt,
        a.status,
        a.conclusion,
        coalesce(a.created_at, l.created_at) AS arrived_at,
        coalesce(a.completed_at, a.updated_at) AS ended_at
    FROM workflow_lanes AS l
    INNER JOIN attempts AS a ON l.run_id = a.run_id
    WHERE l.event IN ('push', 'schedule', 'workflow_run', 'workflow_dispatch', 'repository_dispatch')
),

horizons AS (
    SELECT
        repository,
        max(greatest(created_at, started_at, completed_at)) AS known_until
    FROM attempts
    GROUP BY repository
),

tips AS (
    SELECT
        lane_key,
        max(newness) AS newness,
        max(ended_at) AS idle_since,
        bool_or(status <> 'completed') AS is_going,
        max(newness) FILTER (WHERE conclusion = 'success') AS shipped,
        arg_max(run_id, (newness, arrived_at, run_id)) FILTER (WHERE conclusion = 'success')
            AS last_shipped_by,
        max(arrived_at) FILTER (WHERE conclusion = 'success') AS last_success_at
    FROM items
    GROUP BY lane_key
),

last_runs AS (
    SELECT i.*
    FROM items AS i
    INNER JOIN tips AS t ON i.lane_key = t.lane_key AND i.newness = t.newness
    QUALIFY row_number() OVER (
        PARTITION BY i.lane_key
        ORDER BY i.arrived_at DESC, i.run_id DESC, i.attempt DESC
    ) = 1
),

behind AS (
    SELECT
        i.lane_key,
        count(DISTINCT i.newness) AS commits
    FROM items AS i
    INNER JOIN tips AS t ON i.lane_key = t.lane_key
    WHERE t.shipped IS NULL OR i.newness > t.shipped
    GROUP BY i.lane_key
),

reasons AS (
    SELECT
        run_id,
        attempt,
        any_value(cause) AS cause,
        any_value(confidence) AS confidence,
        any_value(by_run_id) AS by_run_id,
        any_value(by_attempt) AS by_attempt,
        any_value(cancelled_at) AS cancelled_at
    FROM cancellations
    WHERE job_id IS NULL
    GROUP BY run_id, attempt
),

-- A list that names workflows, but not their files, makes another lane of the same workflow.
last_of_name AS (
    SELECT
        r.repository,
        r.workflow_name,
        r.head_branch,
        coalesce(r.head_repository, r.repository) AS head_repository,
        max(r.created_at) AS created_at,
        max(r.created_at) FILTER (WHERE r.workflow_path IS NULL) AS without_path_at
    FROM runs AS r
    WHERE r.event IN ('push', 'schedule', 'workflow_run', 'workflow_dispatch', 'repository_dispatch')
    GROUP BY r.repository, r.workflow_name, r.head_branch, coalesce(r.head_repository, r.repository)
),

lost AS (
    SELECT
        r.*,
        t.last_shipped_by,
        b.commits AS commits_behind,
        k.by_run_id,
        k.by_attempt,
        k.confidence,
        h.known_until,
        coalesce(k.cause, 'unknown') AS cause,
        coalesce(k.cancelled_at, r.ended_at) AS cancelled_at,
        seconds_between(t.idle_since, h.known_until) AS idle_seconds,
        w.workflow_key IS NOT NULL AS writes,
        coalesce(
            r.head_branch = o.default_branch AND r.head_repository = r.repository,
            r.head_branch IN ('main', 'master')
        ) AS is_default
    FROM last_runs AS r
    INNER JOIN tips AS t ON r.lane_key = t.lane_key
    INNER JOIN horizons AS h ON r.repository = h.repository
    LEFT JOIN behind AS b ON r.lane_key = b.lane_key
    LEFT JOIN reasons AS k ON r.run_id = k.run_id AND r.attempt = k.attempt
    LEFT JOIN repositories AS o ON r.repository = o.repository
    LEFT JOIN writing_workflows AS w ON r.repository = w.repository AND r.workflow_key = w.workflow_key
    LEFT JOIN runs AS s ON r.repository = s.repository AND r.run_id = s.run_id
    LEFT JOIN last_of_name AS f
        ON
            s.repository = f.repository AND s.workflow_name = f.workflow_name
            AND r.head_branch = f.head_branch AND r.head_repository = f.head_repository
    WHERE
        r.conclusion = 'cancelled'
        AND coalesce(
            CASE WHEN s.workflow_path IS NULL THEN f.created_at ELSE f.without_path_at END <= r.arrived_at,
            TRUE
        )
        AND NOT coalesce(t.is_going, FALSE)
        AND (t.shipped IS NULL OR t.shipped < r.newness)
        -- An older commit run after it and done: somebody went back on purpose.
        AND (t.last_success_at IS NULL OR t.last_success_at <= r.arrived_at)
)

SELECT
    cancelled_at AS occurred_at,
    repository,
    workflow,
    head_sha AS sha,
    cause,
    by_run_id,
    idle_seconds,
    last_shipped_by,
    commits_behind,
    'branch ' || head_branch AS lane,
    concat_ws(chr(10), lane_key, head_sha) AS about,
    CASE
        WHEN by_run_id IS NULL THEN [run_ref(run_id, attempt)]
        ELSE [run_ref(run_id, attempt), run_ref(by_run_id, coalesce(by_attempt, 1))]
    END AS runs,
    CASE WHEN writes THEN 'high' ELSE 'low' END AS severity,
    CASE WHEN cause = 'unknown' OR confidence = 'possible' THEN 'possible' ELSE 'likely' END AS precision,
    format(
        '''{}'': {} of the newest commit {} on ''{}'' was cancelled ({}{}), '
        'and in the {} since nothing ran it again; {}.',
        workflow,
        run_label(run_id, attempt),
        left(head_sha, 8),
        head_branch,
        cause,
        coalesce(' by the arrival of ' || run_label(by_run_id, coalesce(by_attempt, 1)), ''),
        duration_text(idle_seconds),
        CASE
            WHEN last_shipped_by IS NULL THEN 'no run of it there ever succeeded in this case'
            ELSE format(
                'the last that succeeded there, run {}, is {} behind',
                last_shipped_by,
                counted(commits_behind, 'commit', 'commits')
            )
        END
    ) AS message
FROM lost
WHERE cause <> 'person' AND (writes OR is_default) AND idle_seconds >= $idle_minutes * 60;
