-- id: schedule-overlap
-- title: A scheduled run began before the last one ended
-- severity: low
-- precision: certain
-- question: Which workflow's scheduled runs overlap each other, or a run of it that was dispatched by hand?
-- params:
--   grain_seconds:
--     default: 1
--     means: Grain of the API's times; an overlap is certain when it survives it at both ends.
--   skew_seconds:
--     default: 2
--     means: How far two runners' clocks may differ; counts only where a job is known from its log alone.
--   most_runs:
--     default: 20
--     means: How many attempts a finding names at most, the last ones first.
-- columns:
--   kind: schedule (the run before was scheduled, too) or dispatch (one of the two was dispatched).
--   workflow: Name of the workflow.
--   cause: >-
--     long-run (a run takes longer than usually passes from one start to the next), delayed (GitHub started
--     one late, or two schedules fall together) or dispatch.
--   meetings: How many scheduled runs overlap an earlier one (or a dispatched one either way).
--   scheduled: How many scheduled runs of the workflow are in this case.
--   overlap_seconds: The longest overlap.
--   interval_seconds: What usually (median) passes from one scheduled start to the next; NULL for one alone.
-- example: the nightly import takes longer than the night
-- false_positives: >-
--   What waits in a concurrency group does not execute, so no overlap is told for it: a run counts from its
--   first executed job to its last. Two schedules in one workflow may be meant to overlap; the API does
--   not tell which of them started a run. GitHub starts schedules late under load, so that two fall together
--   although each is short: those are told as delayed, and weigh less. An overlap of two seconds or less
--   may be a hand-over: possible only. Two runs that wrote one target are told by overlapping-runs.
-- remedy: >-
--   Give the workflow a concurrency group named for itself, without cancel-in-progress, so that the next
--   waits (a third one would evict it; queue: max keeps all). Or run it less often than it takes, and set
--   timeout-minutes below the interval. Let it begin where the last one stopped, rather than at a fixed time.

WITH spans AS (
    SELECT
        run_id,
        attempt,
        min(started_at) AS began_at,
        max(ended_at) AS ended_at,
        bool_or(inferred) AS inferred
    FROM executed_jobs
    GROUP BY run_id, attempt
),

timed AS (
    SELECT
        r.repository,
        r.workflow,
        r.workflow_key,
        r.event,
        s.run_id,
        s.attempt,
        s.began_at,
        s.ended_at,
        s.inferred,
        r.event = 'schedule' AS scheduled,
        struct_pack(
            run_id := s.run_id, attempt := s.attempt, ended_at := s.ended_at, inferred := s.inferred
        ) AS itself
    FROM named_runs AS r
    INNER JOIN spans AS s ON r.run_id = s.run_id
    WHERE r.event IN ('schedule', 'workflow_dispatch', 'repository_dispatch') AND r.workflow_key <> ''
),

-- Of those that began before, the ones that stay longest; of one run's attempts the next begins when the one
-- before has ended.
reached AS (
    SELECT
        *,
        arg_max(itself, (ended_at, run_id, attempt)) FILTER (WHERE scheduled) OVER earlier AS cron_before,
        arg_max(itself, (ended_at, run_id, attempt)) FILTER (WHERE NOT scheduled) OVER earlier AS hand_before
    FROM timed
    WINDOW
        earlier AS (
            PARTITION BY repository, workflow_key
            ORDER BY began_at, ended_at, run_id, attempt
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
),

met AS (
    SELECT
        *,
        'schedule' AS kind,
        cron_before AS other
    FROM reached
    WHERE scheduled AND cron_before['ended_at'] > began_at
    UNION ALL
    -- A dispatch beside a dispatch is nobody's schedule.
    SELECT
        *,
        'dispatch' AS kind,
        CASE WHEN scheduled THEN hand_before ELSE cron_before END AS other
    FROM reached
    WHERE CASE WHEN scheduled THEN hand_before['ended_at'] ELSE cron_before['ended_at'] END > began_at
),

starts AS (
    SELECT
        repository,
        workflow_key,
        began_at,
        ended_at,
        lag(began_at) OVER (
            PARTITION BY repository, workflow_key ORDER BY began_at, run_id
        ) AS began_before
    FROM timed
    WHERE scheduled AND attempt = 1
),

habits AS (
    SELECT
        repository,
        workflow_key,
        count(*) AS scheduled,
        median(seconds_between(began_before, began_at)) AS interval_seconds
    FROM starts
    GROUP BY repository, workflow_key
),

measured AS (
    SELECT
        m.*,
        seconds_between(m.began_at, least(m.ended_at, m.other['ended_at'])) AS overlap_seconds,
        2 * $grain_seconds
        + CASE WHEN m.inferred OR m.other['inferred'] THEN $skew_seconds ELSE 0 END AS grain
    FROM met AS m
    WHERE m.other['run_id'] <> m.run_id
),

grouped AS (
    SELECT
        repository,
        workflow,
        workflow_key,
        kind,
        count(*) AS meetings,
        max(began_at) AS occurred_at,
        max(overlap_seconds) AS overlap_seconds,
        bool_or(overlap_seconds > grain) AS surely,
        arg_max(
            struct_pack(
                run_id := run_id,
                attempt := attempt,
                other := run_ref(other['run_id'], other['attempt']),
                scheduled := scheduled,
                other_seconds := seconds_between(began_at, other['ended_at'])
            ),
            (overlap_seconds, began_at, run_id, attempt)
        ) AS longest,
        list_distinct(flatten(list_slice(
            list(
                [run_ref(other['run_id'], other['attempt']), run_ref(run_id, attempt)]
                ORDER BY overlap_seconds DESC, began_at DESC, run_id DESC, attempt DESC
            ),
            1,
            $most_runs // 2
        ))) AS runs
    FROM measured
    WHERE overlap_seconds > 0
    GROUP BY repository, workflow, workflow_key, kind
),

caused AS (
    SELECT
        g.*,
        h.interval_seconds,
        w.weight,
        coalesce(h.scheduled, 0) AS scheduled,
        CASE
            WHEN g.kind = 'dispatch' THEN 'dispatch'
            WHEN seconds_between(o.began_at, o.ended_at) >= h.interval_seconds THEN 'long-run'
            ELSE 'delayed'
        END AS cause
    FROM grouped AS g
    LEFT JOIN habits AS h ON g.repository = h.repository AND g.workflow_key = h.workflow_key
    LEFT JOIN spans AS o
        ON
            struct_extract(g.longest['other'], 'run_id') = o.run_id
            AND struct_extract(g.longest['other'], 'attempt') = o.attempt
    LEFT JOIN workflow_weights AS w ON g.repository = w.repository AND g.workflow_key = w.workflow_key
)

SELECT
    occurred_at,
    repository,
    kind,
    workflow,
    cause,
    meetings,
    scheduled,
    overlap_seconds,
    interval_seconds,
    list_sort(runs) AS runs,
    concat_ws(chr(10), repository, workflow_key, kind) AS about,
    CASE
        WHEN weight > 1 AND cause = 'long-run' THEN 'medium'
        WHEN weight > 1 OR (weight > 0 AND cause = 'long-run') THEN 'low'
        ELSE 'info'
    END AS severity,
    CASE WHEN surely THEN 'certain' ELSE 'possible' END AS precision,
    format(
        '''{}'': {}, at most for {} ({} began while {} executed); {}.',
        workflow,
        CASE kind
            WHEN 'schedule'
                THEN
                    meetings || ' of ' || counted(scheduled, 'scheduled run', 'scheduled runs')
                    || ' began before the one before had ended'
            ELSE counted(meetings, 'time', 'times') || ' a scheduled and a dispatched run executed at once'
        END,
        duration_text(overlap_seconds),
        run_label(longest['run_id'], longest['attempt']),
        run_label(struct_extract(longest['other'], 'run_id'), struct_extract(longest['other'], 'attempt')),
        CASE cause
            WHEN 'long-run'
                THEN
                    'that one took longer than the ' || duration_text(interval_seconds)
                    || ' that usually pass between two starts'
            WHEN 'delayed'
                THEN
                    'it would have ended within the '
                    || coalesce(duration_text(interval_seconds), 'time')
                    || ' that usually pass, but this one was started close to it'
            ELSE 'nothing keeps the two apart'
        END
    ) AS message
FROM caused;
