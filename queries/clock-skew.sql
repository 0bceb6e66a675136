-- id: clock-skew
-- title: A runner's clock is wrong
-- severity: low
-- precision: likely
-- question: Which runners' clocks differ from GitHub's, by how much, and whose times are off by it?
-- params:
--   minimum_seconds:
--     default: 2.0
--     means: A clock that is off by no more than this is not told.
--   minimum_jobs:
--     default: 5
--     means: Runners with fewer jobs of which log and API times are known are not judged.
--   usual_seconds:
--     default: 1.5
--     means: >-
--       How long after a job's start its first log line is usually written, and how long before its end
--       the last one (medians of 479 jobs on GitHub's runners - 1.4 and 1.5 s).
-- columns:
--   runner: The runner; for GitHub's own, which are new for each job, all of them.
--   skew_seconds: What the clock is ahead of GitHub's, at least; negative where it is behind.
--   start_seconds: Median time from the start of a job (API) to its first log line.
--   end_seconds: Median time from the last log line to the end of the job (API).
--   jobs: How many jobs were measured.
--   effects: How many writes of these jobs have their times from this clock.
-- example: a runner's clock is a minute ahead
-- false_positives: >-
--   A runner that is slow to begin writes its first line late, one that is slow to send its log ends
--   late; both are no skew. Told is only what moves the first and the last line of most jobs the same
--   way, and the lesser of the two. A clock that is set right halfway is not told.
-- remedy: >-
--   Let the machine keep its time by NTP (chrony, systemd-timesyncd). Until then orders and overlaps
--   between this runner's log times and those of another runner, within the skew, prove nothing: times
--   of effects come from the log.

WITH logged AS (
    -- system.txt is written by GitHub's clock.
    SELECT
        job_id,
        min(first_at) AS first_at,
        max(last_at) AS last_at
    FROM log_sources
    WHERE form <> 'system' AND job_id > 0
    GROUP BY job_id
),

measured AS (
    SELECT
        j.repository,
        j.run_id,
        j.attempt,
        j.job_id,
        j.started_at,
        -- Without a runner's name nothing is known of its clock.
        CASE
            WHEN j.runner_group = 'GitHub Actions' OR starts_with(j.runner_name, 'GitHub Actions ')
                THEN 'GitHub''s own runners'
            ELSE j.runner_name
        END AS runner,
        seconds_between(j.started_at, g.first_at) AS start_seconds,
        seconds_between(g.last_at, j.completed_at) AS end_seconds
    FROM logged AS g
    INNER JOIN jobs AS j ON g.job_id = j.job_id
    WHERE
        NOT j.copied
        AND NOT j.inferred
        AND j.executed IS DISTINCT FROM FALSE
        AND j.completed_at >= j.started_at
        AND j.runner_name <> ''
        -- What was killed may have lost the end of its log.
        AND j.conclusion IN ('success', 'failure')
),

shifted AS (
    SELECT
        *,
        -- How far both ends are moved the same way: each alone may be late for other reasons.
        greatest(0, least(start_seconds - $usual_seconds, $usual_seconds - end_seconds))
        + least(0, greatest(start_seconds - $usual_seconds, $usual_seconds - end_seconds)) AS shift
    FROM measured
),

judged AS (
    SELECT
        repository,
        runner,
        count(*) AS jobs,
        median(shift) AS skew_seconds,
        median(start_seconds) AS start_seconds,
        median(end_seconds) AS end_seconds,
        min(started_at) AS occurred_at,
        arg_max(run_ref(run_id, attempt), (started_at, job_id)) AS last_run,
        -- Three of four agree.
        quantile_cont(shift, 0.25) AS lower_shift,
        quantile_cont(shift, 0.75) AS upper_shift
    FROM shifted
    GROUP BY repository, runner
    HAVING
        count(*) >= $minimum_jobs
        AND (
            quantile_cont(shift, 0.25) > $minimum_seconds
            OR quantile_cont(shift, 0.75) < -$minimum_seconds
        )
),

touched AS (
    SELECT
        s.repository,
        s.runner,
        count(*) AS effects,
        list(DISTINCT w.target ORDER BY w.target) AS targets
    FROM judged AS k
    INNER JOIN shifted AS s ON k.repository = s.repository AND k.runner = s.runner
    INNER JOIN write_effects AS w ON s.job_id = w.job_id
    GROUP BY s.repository, s.runner
)

SELECT
    k.occurred_at,
    k.repository,
    k.runner,
    k.jobs,
    [k.last_run] AS runs,
    round(k.skew_seconds, 3) AS skew_seconds,
    round(k.start_seconds, 3) AS start_seconds,
    round(k.end_seconds, 3) AS end_seconds,
    coalesce(t.effects, 0) AS effects,
    concat_ws(chr(10), k.repository, k.runner) AS about,
    CASE WHEN t.effects > 0 THEN 'low' ELSE 'info' END AS severity,
    format(
        'The clock of {} is at least {} {} GitHub''s, by {} jobs{}.',
        CASE WHEN k.runner = 'GitHub''s own runners' THEN k.runner ELSE 'runner ''' || k.runner || '''' END,
        duration_text(abs(k.skew_seconds)),
        CASE WHEN k.skew_seconds > 0 THEN 'ahead of' ELSE 'behind' END,
        k.jobs,
        CASE
            WHEN t.effects > 0
                THEN format(
                    '; the times of {} ({}{}) come from it, so what was found of their order against other '
                    || 'runners within that span is not sure',
                    counted(t.effects, 'write', 'writes'),
                    array_to_string(list_slice(t.targets, 1, 3), ', '),
                    CASE WHEN len(t.targets) > 3 THEN ' …' ELSE '' END
                )
            ELSE '; none of them wrote anything that is known'
        END
    ) AS message
FROM judged AS k
LEFT JOIN touched AS t ON k.repository = t.repository AND k.runner = t.runner;
