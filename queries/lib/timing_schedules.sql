-- When schedules should have begun.

-- The numbers that one field of a cron expression stands for; names of months and days become numbers first.
CREATE OR REPLACE TEMP MACRO cron_numbers(field, least_value, most_value) AS
list_sort(list_distinct(flatten(list_transform(
    string_split(field, ','),
    LAMBDA item: range(
        CASE
            WHEN starts_with(item, '*') THEN least_value
            ELSE try_cast(regexp_extract(item, '^\d+') AS bigint)
        END,
        1 + CASE
            WHEN starts_with(item, '*') THEN most_value
            WHEN contains(item, '-') THEN try_cast(regexp_extract(item, '-(\d+)', 1) AS bigint)
            WHEN contains(item, '/') THEN most_value
            ELSE try_cast(item AS bigint)
        END,
        coalesce(try_cast(nullif(regexp_extract(item, '/(\d+)', 1), '') AS bigint), 1)
    )
))));

CREATE OR REPLACE TEMP MACRO cron_early_months(field) AS
replace(
    replace(
        replace(
            replace(
                replace(
                    replace(
                        lower(field), 'jan', '1'
                    ), 'feb', '2'
                ), 'mar', '3'
            ), 'apr', '4'
        ), 'may', '5'
    ), 'jun', '6'
);

CREATE OR REPLACE TEMP MACRO cron_months(field) AS
replace(
    replace(
        replace(
            replace(
                replace(
                    replace(
                        cron_early_months(field), 'jul', '7'
                    ), 'aug', '8'
                ), 'sep', '9'
            ), 'oct', '10'
        ), 'nov', '11'
    ), 'dec', '12'
);

CREATE OR REPLACE TEMP MACRO cron_week_days(field) AS
replace(
    replace(
        replace(
            replace(
                replace(
                    replace(
                        replace(
                            lower(field), 'sun', '0'
                        ), 'mon', '1'
                    ), 'tue', '2'
                ), 'wed', '3'
            ), 'thu', '4'
        ), 'fri', '5'
    ), 'sat', '6'
);

-- The schedules of the workflow files of a case, as lists of numbers; those with a time zone of their own are
-- left out, and those that are not sound. `versions` is how many schedules the known versions of the
-- file have: with one, it was in force all the time that is known.
CREATE OR REPLACE TEMP VIEW cron_schedules AS
WITH files AS (
    SELECT DISTINCT
        f.repository,
        f.path,
        coalesce(f.parsed -> '$.on.schedule', f.parsed -> '$.true.schedule') AS schedule
    FROM workflow_files AS f
    WHERE f.repository <> '' AND f.parsed IS NOT NULL
),

entries AS (
    SELECT
        repository,
        path,
        count(*) OVER (PARTITION BY repository, path) AS versions,
        unnest(from_json(schedule, '[{"cron":"VARCHAR","timezone":"VARCHAR"}]')) AS entry
    FROM files
    WHERE json_type(schedule) = 'ARRAY'
),

split AS (
    SELECT
        repository,
        path,
        versions,
        entry['cron'] AS cron,
        regexp_split_to_array(trim(entry['cron']), ' +') AS fields
    FROM entries
    WHERE coalesce(entry['timezone'], 'UTC') IN ('UTC', 'Etc/UTC') AND entry['cron'] IS NOT NULL
)

SELECT
    repository,
    path,
    versions,
    cron,
    cron_numbers(fields[1], 0, 59) AS minutes,
    cron_numbers(fields[2], 0, 23) AS hours,
    cron_numbers(fields[3], 1, 31) AS month_days,
    cron_numbers(cron_months(fields[4]), 1, 12) AS months,
    cron_numbers(cron_week_days(fields[5]), 0, 6) AS week_days,
    -- As in cron of old: where both days are restricted, either will do.
    NOT starts_with(fields[3], '*') AND NOT starts_with(fields[5], '*') AS either_day
FROM split
WHERE len(fields) = 5;

-- Every moment at which a schedule should have begun, from a day before the first scheduled run of its
-- workflow to the last thing that is known of the repository, with the next run that came after it.
-- `next_tick_at` is the next moment, of any schedule of the file. Files whose schedule has changed have no
-- rows: which version was in force is not known for every moment.
CREATE OR REPLACE TEMP VIEW schedule_ticks AS
WITH scheduled_runs AS (
    SELECT
        repository,
        workflow_path AS path,
        run_id,
        created_at,
        coalesce(workflow_name, workflow_path) AS workflow
    FROM runs
    WHERE event = 'schedule' AND created_at IS NOT NULL AND workflow_path IS NOT NULL AND run_id > 0
),

known AS (
    SELECT
        repository,
        max(created_at) AS last_at
    FROM runs
    WHERE run_id > 0
    GROUP BY repository
),

periods AS (
    SELECT
        s.repository,
        s.path,
        any_value(s.workflow) AS workflow,
        min(s.created_at) AS first_run_at,
        max(s.created_at) AS last_run_at,
        any_value(k.last_at) AS last_at
    FROM scheduled_runs AS s
    INNER JOIN known AS k ON s.repository = k.repository
    GROUP BY s.repository, s.path
),

days AS (
    SELECT
        c.*,
        p.workflow,
        p.first_run_at,
        p.last_run_at,
        p.last_at,
        unnest(range(
            date_trunc('day', p.first_run_at) - INTERVAL 1 DAY, p.last_at + INTERVAL 1 DAY, INTERVAL 1 DAY
        )) AS day
    FROM cron_schedules AS c
    INNER JOIN periods AS p ON c.repository = p.repository AND c.path = p.path
    WHERE c.versions = 1
),

hourly AS (
    SELECT
        *,
        unnest(hours) AS hour
    FROM days
    WHERE
        list_contains(months, month(day))
        AND CASE
            WHEN either_day
                THEN list_contains(month_days, dayofmonth(day)) OR list_contains(week_days, dayofweek(day))
            ELSE list_contains(month_days, dayofmonth(day)) AND list_contains(week_days, dayofweek(day))
        END
),

by_minute AS (
    SELECT
        *,
        unnest(minutes) AS minute
    FROM hourly
),

moments AS (
    SELECT DISTINCT
        repository,
        path,
        workflow,
        first_run_at,
        last_run_at,
        last_at,
        day + to_minutes((60 * hour + minute)::bigint) AS tick_at
    FROM by_minute
),

ticks AS (
    SELECT
        *,
        lead(tick_at) OVER (PARTITION BY repository, path ORDER BY tick_at) AS next_tick_at
    FROM moments
)

SELECT
    t.repository,
    t.path,
    t.workflow,
    t.first_run_at,
    t.last_run_at,
    t.last_at,
    t.tick_at,
    t.next_tick_at,
    r.run_id,
    r.created_at
FROM ticks AS t
ASOF LEFT JOIN scheduled_runs AS r
    ON t.repository = r.repository AND t.path = r.path AND t.tick_at <= r.created_at
WHERE t.tick_at <= t.last_at;
