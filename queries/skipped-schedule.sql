-- id: skipped-schedule
-- title: A schedule did not run
-- severity: info
-- precision: possible
-- question: At which moments of their cron did scheduled workflows not run at all?
-- params:
--   minimum_skipped:
--     default: 2
--     means: Fewer moments without a run are not told.
--   minimum_share:
--     default: 0.05
--     means: Nor are less than this share of all moments, unless several in a row are missing.
--   row_length:
--     default: 3
--     means: How many in a row are told in any case.
-- columns:
--   workflow: Name of the workflow.
--   skipped: How many moments had no run.
--   moments: How many there were.
--   longest_row: How many of them follow each other without a run, at most.
--   until_end: True where no run came any more.
-- example: a nightly run is missing three times in a row
-- false_positives: >-
--   A run that began only after the next moment counts for that one. What the case does not have may
--   have run, so this is likely only where GitHub listed all runs of that time (table listings), and
--   else possible and looked at only between two scheduled runs. Moments after the last run are told
--   only by such lists. Files whose schedule changed within the case, and schedules with a time zone,
--   are not judged; nor is a workflow that somebody disabled by hand, after its last run.
-- remedy: >-
--   GitHub drops scheduled runs under load, above all at full hours: choose an odd minute. It disables
--   schedules of public repositories after 60 days without activity (Actions tab, or gh workflow
--   enable). A schedule acts only as it is written on the default branch.

WITH coverage AS (
    SELECT
        repository,
        workflow,
        starts_at,
        max(ends_at) AS ends_at
    FROM listings
    WHERE complete
    GROUP BY repository, workflow, starts_at
),

any_listings AS (
    SELECT * FROM coverage
    WHERE workflow = ''
),

own_listings AS (
    SELECT * FROM coverage
    WHERE workflow <> ''
),

by_any AS (
    SELECT
        t.*,
        coalesce(c.ends_at >= t.tick_at, FALSE) AS any_listed
    FROM schedule_ticks AS t
    ASOF LEFT JOIN any_listings AS c
        ON t.repository = c.repository AND t.tick_at >= c.starts_at
),

by_own AS (
    SELECT
        t.*,
        t.any_listed OR coalesce(c.ends_at >= t.tick_at, FALSE) AS listed
    FROM by_any AS t
    ASOF LEFT JOIN own_listings AS c
        ON
            t.repository = c.repository
            AND replace(t.path, '.github/workflows/', '') = c.workflow
            AND t.tick_at >= c.starts_at
),

states AS (
    SELECT
        repository,
        path,
        max(state) AS state
    FROM workflows
    WHERE path IS NOT NULL
    GROUP BY repository, path
),

-- A moment whose run may still come is not judged, nor one before anything is known of the schedule.
judged AS (
    SELECT
        t.repository,
        t.path,
        t.workflow,
        t.tick_at,
        t.listed,
        s.state,
        t.tick_at > t.last_run_at AS after_last,
        coalesce(t.created_at >= t.next_tick_at, TRUE) AS skipped
    FROM by_own AS t
    LEFT JOIN states AS s ON t.repository = s.repository AND t.path = s.path
    WHERE
        t.tick_at >= t.first_run_at
        AND t.next_tick_at <= t.last_at
        AND (t.tick_at <= t.last_run_at OR (t.listed AND coalesce(s.state, '') <> 'disabled_manually'))
),

rows_of AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY repository, path ORDER BY tick_at)
        - row_number() OVER (PARTITION BY repository, path, skipped ORDER BY tick_at) AS row_no
    FROM judged
),

in_rows AS (
    SELECT
        repository,
        path,
        skipped,
        any_value(workflow) AS workflow,
        any_value(state) AS state,
        count(*) AS length,
        min(tick_at) AS first_at,
        bool_and(listed) AS listed,
        bool_or(after_last) AS after_last
    FROM rows_of
    GROUP BY repository, path, skipped, row_no
),

summed AS (
    SELECT
        repository,
        path,
        any_value(workflow) AS workflow,
        any_value(state) AS state,
        sum(length) AS moments,
        coalesce(sum(length) FILTER (WHERE skipped), 0) AS skipped,
        coalesce(max(length) FILTER (WHERE skipped), 0) AS longest_row,
        arg_max(first_at, (length, first_at)) FILTER (WHERE skipped) AS occurred_at,
        coalesce(bool_or(skipped AND after_last), FALSE) AS until_end,
        bool_and(listed) FILTER (WHERE skipped) AS listed
    FROM in_rows
    GROUP BY repository, path
),

told AS (
    SELECT
        *,
        longest_row >= $row_length AS in_a_row
    FROM summed
    WHERE
        skipped >= $minimum_skipped
        AND (skipped >= $minimum_share * moments OR longest_row >= $row_length)
),

last_runs AS (
    SELECT
        repository,
        workflow_path AS path,
        arg_max(run_id, (created_at, run_id)) AS run_id
    FROM runs
    WHERE event = 'schedule' AND created_at IS NOT NULL
    GROUP BY repository, workflow_path
)

SELECT
    s.occurred_at,
    s.repository,
    s.workflow,
    s.skipped::bigint AS skipped,
    s.moments::bigint AS moments,
    s.longest_row,
    s.until_end,
    r.run_id,
    concat_ws(chr(10), s.repository, s.path) AS about,
    CASE
        WHEN s.state = 'disabled_inactivity' AND s.until_end THEN 'medium'
        WHEN s.in_a_row THEN 'low'
        ELSE 'info'
    END AS severity,
    CASE WHEN s.listed THEN 'likely' ELSE 'possible' END AS precision,
    format(
        '''{}'': {} of {} moments of its schedule had no run, {} of them in a row{}{}.',
        s.workflow,
        s.skipped::bigint,
        s.moments::bigint,
        s.longest_row,
        CASE WHEN s.until_end THEN format(', none came after run {}', r.run_id) ELSE '' END,
        CASE
            WHEN s.state = 'disabled_inactivity' THEN '; GitHub disabled it after 60 days without activity'
            ELSE ''
        END
    ) AS message
FROM told AS s
INNER JOIN last_runs AS r ON s.repository = r.repository AND s.path = r.path;
