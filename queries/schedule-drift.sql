-- id: schedule-drift
-- title: A schedule begins late
-- severity: info
-- precision: likely
-- question: Which scheduled workflows begin how much later than their cron says?
-- params:
--   minimum_runs:
--     default: 5
--     means: Schedules with fewer runs are not judged.
--   median_minutes:
--     default: 20
--     means: A median delay from this on is told.
--   p95_minutes:
--     default: 90
--     means: So is a delay that one run in twenty exceeds.
--   minimum_interval_minutes:
--     default: 30
--     means: >-
--       Moments of a schedule that are closer together are not judged, since a late run cannot be told
--       from the next one in time.
-- columns:
--   workflow: Name of the workflow.
--   median_seconds: Median delay.
--   p95_seconds: Delay that one run in twenty exceeds.
--   scheduled_runs: How many runs were measured.
-- example: a nightly run begins half an hour late
-- false_positives: >-
--   GitHub promises no time and is late at full hours above all; a few minutes are usual and not told.
--   Each run counts for the last moment of the file's crons before it, so a delay beyond the next moment
--   looks short. Files whose schedule changed within the case, and schedules with a time zone of their
--   own, are not judged.
-- remedy: >-
--   Choose an odd minute (17 instead of 0) and an hour with less load. What has to be on time must be
--   started from outside, by workflow_dispatch. What must not overlap with a late run needs a
--   concurrency group.

WITH delays AS (
    SELECT
        repository,
        path,
        workflow,
        tick_at,
        run_id,
        seconds_between(tick_at, created_at) AS delay
    FROM schedule_ticks
    WHERE
        created_at < next_tick_at
        AND seconds_between(tick_at, next_tick_at) >= 60 * $minimum_interval_minutes
),

measured AS (
    SELECT
        repository,
        path,
        any_value(workflow) AS workflow,
        count(*) AS scheduled_runs,
        median(delay) AS median_seconds,
        quantile_cont(delay, 0.95) AS p95_seconds,
        arg_max(tick_at, (delay, run_id)) AS occurred_at,
        arg_max(run_id, (delay, run_id)) AS latest_run_id,
        max(delay) AS most_seconds,
        list(run_ref(run_id, 1) ORDER BY delay DESC, run_id ASC) AS runs
    FROM delays
    GROUP BY repository, path
)

SELECT
    m.occurred_at,
    m.repository,
    m.workflow,
    m.median_seconds,
    m.p95_seconds,
    m.scheduled_runs,
    list_slice(m.runs, 1, 5) AS runs,
    concat_ws(chr(10), m.repository, m.path) AS about,
    CASE WHEN m.median_seconds >= 3600 THEN 'low' ELSE 'info' END AS severity,
    format(
        '''{}'': scheduled runs begin {} late in the median, one in twenty {} or more ({} runs); the latest, '
        || 'run {}, {}.',
        m.workflow,
        duration_text(m.median_seconds),
        duration_text(m.p95_seconds),
        m.scheduled_runs,
        m.latest_run_id,
        duration_text(m.most_seconds)
    ) AS message
FROM measured AS m
WHERE
    m.scheduled_runs >= $minimum_runs
    AND (m.median_seconds >= 60 * $median_minutes OR m.p95_seconds >= 60 * $p95_minutes);
