-- id: wasted-minutes
-- title: Minutes that nobody needed
-- severity: info
-- precision: likely
-- question: >-
--   How much time did a workflow execute in vain, cut off by newer runs, finished although a newer run had
--   come, or for a place in the merge queue that no longer existed?
-- params:
--   minimum_minutes:
--     default: 120
--     means: Only workflows that wasted at least so many minutes are told.
--   minimum_share:
--     default: 10
--     means: And only where these are at least so many of a hundred minutes of the workflow.
--   much_hours:
--     default: 50
--     means: From so many wasted hours on, the finding is low instead of info.
--   most_runs:
--     default: 10
--     means: How many of the runs that wasted most a finding names.
-- columns:
--   workflow: Name of the workflow.
--   wasted_minutes: Minutes of jobs in vain, all three kinds together.
--   share: How much of the workflow's minutes that is, from 0 to 1.
--   cancelled_minutes: Of runs that another run's arrival cut off.
--   outdated_minutes: >-
--     Of runs of pull requests and topic branches, from the creation of a run at a newer commit on.
--   stale_queue_minutes: >-
--     Of runs for a place in the merge queue, after the same pull request had been given a new one.
--   runs_affected: How many attempts these were.
-- example: a busy pull request cuts off its own checks
-- false_positives: >-
--   Minutes are those of executing jobs, side by side ones counted each; GitHub bills some kinds of runner at
--   a multiple, others not at all. A run that was cut off may have told its author something before. Runs of
--   the default branch and of tags count only where they were cut off, since each commit there may matter; so
--   do runs of workflows that write. A run that a person cancelled is not counted.
-- remedy: >-
--   Cancel earlier and on purpose, with cancel-in-progress for pull requests and a group named for the
--   branch. Where most is cut off late, put quick checks first, so that less is in flight. For the merge
--   queue, cancel runs whose ref is gone with a small janitor workflow; GitHub does not.

WITH executed AS (
    SELECT
        e.run_id,
        e.attempt,
        e.started_at,
        e.ended_at,
        r.repository,
        r.workflow,
        r.workflow_key,
        r.event,
        r.head_sha,
        r.head_branch,
        r.head_repository,
        r.of_default_branch,
        r.created_at,
        seconds_between(e.started_at, e.ended_at) AS seconds
    FROM executed_jobs AS e
    INNER JOIN named_runs AS r ON e.run_id = r.run_id
    WHERE NOT e.inferred
),

cut AS (
    SELECT DISTINCT
        run_id,
        attempt
    FROM cancellations
    WHERE
        cause = 'superseded-running' AND job_id IS NULL AND confidence IN ('known', 'likely')
),

-- From when on nobody needed the run: a newer commit of its branch had one of the same workflow, or its pull
-- request had another place in the queue ('gh-readonly-queue/main/pr-7-<sha>').
lanes AS (
    SELECT
        run_id,
        created_at,
        head_sha,
        event = 'merge_group' AS queued,
        concat_ws(
            chr(10),
            repository,
            workflow_key,
            event,
            head_repository,
            CASE
                WHEN event = 'merge_group' THEN regexp_extract(head_branch, '^(.*/pr-\d+)-', 1)
                ELSE head_branch
            END
        ) AS lane_key
    FROM named_runs
    WHERE
        created_at IS NOT NULL AND head_branch IS NOT NULL AND head_sha IS NOT NULL
        AND (
            (event = 'merge_group' AND regexp_matches(head_branch, '/pr-\d+-'))
            OR (event IN ('push', 'pull_request') AND NOT of_default_branch)
        )
),

commits AS (
    SELECT
        lane_key,
        head_sha,
        min(created_at) AS first_at
    FROM lanes
    GROUP BY lane_key, head_sha
),

followers AS (
    SELECT
        lane_key,
        head_sha,
        lead(first_at) OVER (PARTITION BY lane_key ORDER BY first_at, head_sha) AS next_at
    FROM commits
),

outdated AS (
    SELECT
        l.run_id,
        l.queued,
        f.next_at
    FROM lanes AS l
    INNER JOIN followers AS f ON l.lane_key = f.lane_key AND l.head_sha = f.head_sha
    WHERE f.next_at IS NOT NULL
),

judged AS (
    SELECT
        e.repository,
        e.workflow_key,
        e.workflow,
        e.run_id,
        e.attempt,
        e.seconds,
        e.started_at,
        CASE
            WHEN c.run_id IS NOT NULL THEN 'cancelled'
            WHEN o.queued THEN 'stale-queue'
            WHEN o.run_id IS NOT NULL AND w.workflow_key IS NULL THEN 'outdated'
        END AS kind,
        CASE
            WHEN c.run_id IS NOT NULL THEN e.seconds
            WHEN o.queued OR w.workflow_key IS NULL
                THEN greatest(0, seconds_between(greatest(e.started_at, o.next_at), e.ended_at))
        END AS wasted
    FROM executed AS e
    LEFT JOIN cut AS c ON e.run_id = c.run_id AND e.attempt = c.attempt
    LEFT JOIN outdated AS o ON e.run_id = o.run_id AND e.attempt = 1
    LEFT JOIN writing_workflows AS w
        ON e.repository = w.repository AND e.workflow_key = w.workflow_key AND w.seen
),

by_attempt AS (
    SELECT
        repository,
        workflow_key,
        run_id,
        attempt,
        kind,
        max(workflow) AS workflow,
        min(started_at) AS started_at,
        sum(seconds) AS seconds,
        coalesce(sum(wasted) FILTER (WHERE kind IS NOT NULL), 0) AS wasted
    FROM judged
    GROUP BY repository, workflow_key, run_id, attempt, kind
),

summed AS (
    SELECT
        repository,
        workflow_key,
        max(workflow) AS workflow,
        arg_max(started_at, (wasted, run_id, attempt)) AS worst_at,
        sum(wasted) / 60 AS wasted_minutes,
        sum(wasted) / nullif(sum(seconds), 0) AS share,
        coalesce(sum(wasted) FILTER (WHERE kind = 'cancelled'), 0) / 60 AS cancelled_minutes,
        coalesce(sum(wasted) FILTER (WHERE kind = 'outdated'), 0) / 60 AS outdated_minutes,
        coalesce(sum(wasted) FILTER (WHERE kind = 'stale-queue'), 0) / 60 AS stale_queue_minutes,
        count(*) FILTER (WHERE wasted > 0) AS runs_affected,
        list_slice(
            arg_max(run_ref(run_id, attempt), (wasted, run_id, attempt), 100) FILTER (WHERE wasted > 0),
            1, $most_runs
        ) AS runs,
        sum(wasted) >= 3600 * $much_hours AS is_much
    FROM by_attempt
    GROUP BY repository, workflow_key
    HAVING sum(wasted) >= 60 * $minimum_minutes AND sum(wasted) >= sum(seconds) * $minimum_share / 100
)

SELECT
    worst_at AS occurred_at,
    repository,
    workflow,
    wasted_minutes,
    share,
    cancelled_minutes,
    outdated_minutes,
    stale_queue_minutes,
    runs_affected,
    runs,
    concat_ws(chr(10), repository, workflow_key) AS about,
    CASE WHEN is_much THEN 'low' ELSE 'info' END AS severity,
    format(
        '''{}'': {:.0f} minutes of {} were in vain, {:.0f} % of all it executed: {:.0f} cut off by newer '
        || 'runs, {:.0f} after a newer commit''s run had come, {:.0f} for places in the merge queue that '
        || 'were gone.',
        workflow,
        wasted_minutes,
        counted(runs_affected, 'run', 'runs'),
        100 * share,
        cancelled_minutes,
        outdated_minutes,
        stale_queue_minutes
    ) AS message
FROM summed;
