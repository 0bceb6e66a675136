-- id: starved-lane
-- title: A lane's runs cancelled each other and none finished
-- severity: medium
-- precision: likely
-- question: On which branches did runs keep cancelling each other, so that for long none succeeded?
-- params:
--   streak:
--     default: 3
--     means: So many cancelled runs in a row, without a success while they came, are a starvation.
--   success_share:
--     default: 0.25
--     means: A lane of which a smaller share succeeded is starved, if its runs came faster than they take.
--   fewest_runs:
--     default: 8
--     means: From so many runs on the share is looked at.
-- columns:
--   kind: streak (so many in a row) or share (so few of all succeeded).
--   workflow: Name of the workflow.
--   lane: Its branch.
--   cancelled: Runs of the lane that others' arrivals cancelled; of a streak, those in the longest.
--   ended: Runs of the lane that ended, without those that skipped all.
--   succeeded: How many of them succeeded.
--   streaks: How many streaks there were.
--   starved_seconds: From the first arrival of the streak to its last cancellation; of a share, of all runs.
--   median_gap_seconds: Half of the lane's runs came sooner after the one before.
--   median_run_seconds: Half of its successful runs took less; NULL where none succeeded.
--   succeeded_after: The first run that succeeded after the longest streak; NULL where none did.
-- example: pushes come faster than the deploy takes, and five in a row are cancelled
-- false_positives: >-
--   Pull requests are left out: there the next push is meant to cancel, and bots push often. Only what a
--   newer arrival cancelled counts, with at least one cut off while it ran; waiting runs that give way while
--   the holder goes on to succeed are no starvation. Read-only workflows are low: the last push is still
--   checked when it calms down.
-- remedy: >-
--   Do not cancel in progress on the branch that ships (cancel-in-progress: false there, or ${{
--   github.event_name == 'pull_request' }}): then the holder finishes and the newest waits. Or cancel only
--   the build, in a group of its own, and let the deploy job queue. With queue: max (github.com since May
--   2026) each run gets its turn, which at this rate only grows the queue.

WITH lost AS (
    SELECT
        run_id,
        attempt,
        max(cancelled_at) AS cancelled_at,
        bool_or(cause = 'superseded-running') AS was_running,
        bool_and(confidence IN ('known', 'likely')) AS is_sure
    FROM cancellations
    WHERE job_id IS NULL AND cause IN ('superseded-waiting', 'superseded-running')
    GROUP BY run_id, attempt
),

items AS (
    SELECT
        l.repository,
        l.workflow,
        l.workflow_key,
        l.lane_key,
        l.head_branch,
        a.run_id,
        a.attempt,
        a.conclusion,
        k.cancelled_at,
        coalesce(k.was_running, FALSE) AS was_running,
        coalesce(k.is_sure, TRUE) AS is_sure,
        k.run_id IS NOT NULL AS is_lost,
        coalesce(a.created_at, l.created_at) AS arrived_at,
        coalesce(a.completed_at, k.cancelled_at, a.updated_at) AS ended_at,
        CASE
            WHEN a.conclusion = 'success'
                THEN seconds_between(coalesce(a.started_at, a.created_at, l.created_at), a.completed_at)
        END AS run_seconds
    FROM workflow_lanes AS l
    INNER JOIN attempts AS a ON l.run_id = a.run_id
    LEFT JOIN lost AS k ON a.run_id = k.run_id AND a.attempt = k.attempt
    WHERE NOT l.of_pull_request AND l.event <> 'merge_group' AND a.conclusion <> 'skipped'
),

ordered AS (
    SELECT
        *,
        count(*) FILTER (WHERE NOT is_lost) OVER (
            PARTITION BY lane_key
            ORDER BY arrived_at, run_id, attempt
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS island,
        max(CASE WHEN conclusion = 'success' THEN ended_at END) OVER (
            PARTITION BY lane_key
            ORDER BY arrived_at, run_id, attempt
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS success_before,
        first_value(CASE WHEN conclusion = 'success' THEN run_id END IGNORE NULLS) OVER (
            PARTITION BY lane_key
            ORDER BY arrived_at, run_id, attempt
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS success_after,
        seconds_between(
            lag(arrived_at) OVER (PARTITION BY lane_key ORDER BY arrived_at, run_id, attempt), arrived_at
        ) AS gap_seconds
    FROM items
),

streaks AS (
    SELECT
        lane_key,
        island,
        count(*) AS cancelled,
        min(arrived_at) AS began_at,
        max(cancelled_at) AS ended_at,
        bool_and(is_sure) AS is_sure,
        arg_max(success_after, (arrived_at, run_id)) AS succeeded_after,
        list(run_ref(run_id, attempt) ORDER BY arrived_at, run_id, attempt) AS runs
    FROM ordered
    WHERE is_lost AND (success_before IS NULL OR cancelled_at > success_before)
    GROUP BY lane_key, island
    HAVING count(*) >= $streak AND bool_or(was_running)
),

longest AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY lane_key) AS streaks
    FROM streaks
    QUALIFY row_number() OVER (PARTITION BY lane_key ORDER BY cancelled DESC, began_at ASC) = 1
),

lanes AS (
    SELECT
        lane_key,
        any_value(repository) AS repository,
        any_value(workflow) AS workflow,
        any_value(workflow_key) AS workflow_key,
        any_value(head_branch) AS head_branch,
        count(*) AS ended,
        count(*) FILTER (WHERE conclusion = 'success') AS succeeded,
        count(*) FILTER (WHERE is_lost) AS lost,
        bool_or(was_running) AS any_running,
        bool_and(is_sure) AS is_sure,
        min(arrived_at) AS began_at,
        max(cancelled_at) AS lost_until,
        median(gap_seconds) AS median_gap_seconds,
        median(run_seconds) AS median_run_seconds,
        list_slice(
            list(run_ref(run_id, attempt) ORDER BY arrived_at DESC, run_id DESC) FILTER (WHERE is_lost), 1, 20
        ) AS runs
    FROM ordered
    GROUP BY lane_key
),

joined AS (
    SELECT
        l.*,
        g.succeeded_after,
        g.cancelled AS streak_length,
        g.began_at AS streak_began_at,
        g.ended_at AS streak_ended_at,
        g.is_sure AS streak_is_sure,
        g.runs AS streak_runs,
        coalesce(g.streaks, 0) AS streaks,
        w.workflow_key IS NOT NULL AS writes
    FROM lanes AS l
    LEFT JOIN longest AS g ON l.lane_key = g.lane_key
    LEFT JOIN writing_workflows AS w ON l.repository = w.repository AND l.workflow_key = w.workflow_key
),

starved AS (
    SELECT
        *,
        coalesce(
            ended >= $fewest_runs AND any_running AND succeeded < $success_share * ended
            AND lost * 2 >= ended AND median_gap_seconds < median_run_seconds,
            FALSE
        ) AS is_share
    FROM joined
)

SELECT
    repository,
    workflow,
    ended,
    succeeded,
    streaks,
    succeeded_after,
    median_gap_seconds,
    median_run_seconds,
    lane_key AS about,
    'branch ' || head_branch AS lane,
    CASE WHEN is_share THEN 'share' ELSE 'streak' END AS kind,
    CASE WHEN is_share THEN lost_until ELSE streak_ended_at END AS occurred_at,
    CASE WHEN is_share THEN lost ELSE streak_length END AS cancelled,
    CASE WHEN is_share THEN runs ELSE list_slice(streak_runs, 1, 20) END AS runs,
    seconds_between(
        CASE WHEN is_share THEN began_at ELSE streak_began_at END,
        CASE WHEN is_share THEN lost_until ELSE streak_ended_at END
    ) AS starved_seconds,
    CASE WHEN CASE WHEN is_share THEN is_sure ELSE streak_is_sure END THEN 'likely' ELSE 'possible' END
        AS precision,
    CASE
        WHEN NOT writes THEN 'low'
        WHEN is_share OR succeeded_after IS NULL THEN 'high'
        ELSE 'medium'
    END AS severity,
    CASE
        WHEN is_share
            THEN format(
                '''{}'' on ''{}'': {} of {} runs were cancelled by newer ones and {} succeeded; '
                'they came every {} (median), and one that succeeds takes {}{}.',
                workflow,
                head_branch,
                lost,
                ended,
                succeeded,
                duration_text(median_gap_seconds),
                duration_text(median_run_seconds),
                CASE
                    WHEN streak_length IS NULL THEN ''
                    ELSE '; at worst ' || streak_length || ' in a row were cancelled'
                END
            )
        ELSE format(
            '''{}'' on ''{}'': {} runs in a row were cancelled by newer ones within {} '
            'without a success{}; {}.',
            workflow,
            head_branch,
            streak_length,
            duration_text(seconds_between(streak_began_at, streak_ended_at)),
            CASE
                WHEN median_run_seconds IS NULL THEN ''
                ELSE format(
                    ' (runs came every {}, one that succeeds takes {})',
                    duration_text(median_gap_seconds),
                    duration_text(median_run_seconds)
                )
            END,
            coalesce('then run ' || succeeded_after || ' succeeded', 'none has succeeded since in this case')
        )
    END AS message
FROM starved
WHERE is_share OR streak_length IS NOT NULL;
