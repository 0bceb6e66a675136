-- id: duration-change
-- title: A job or step takes longer, or less long, since some commit
-- severity: low
-- precision: likely
-- question: Since which run and commit does a job or step take clearly longer or less long, and how sure?
-- params:
--   minimum_sample:
--     default: 30
--     means: Series with fewer successful executions are not judged.
--   minimum_side:
--     default: 10
--     means: Executions that there must be before the change, and after it.
--   minimum_days:
--     default: 3.0
--     means: Days that each side must reach over, so that a week's end is no change.
--   false_alarms:
--     default: 0.01
--     means: How many false alarms a repository whose history is stationary may give, over all its series.
--   minimum_change_seconds:
--     default: 30
--     means: What moves the median by less than this is not worth a finding.
--   minimum_ratio:
--     default: 1.3
--     means: What moves the median by less than this factor, up or down, is not worth a finding.
--   minimum_superiority:
--     default: 0.8
--     means: >-
--       Chance that an execution of the slower side takes longer than one of the other; 0.5 is no
--       difference.
-- columns:
--   job: The job.
--   step: The step; NULL where the job as a whole is meant.
--   workflow: Name of the workflow.
--   since_sha: Commit of the first run after the change.
--   since_branch: Its branch.
--   before_seconds: Median before.
--   after_seconds: Median since.
--   ratio: The second divided by the first.
--   superiority: Chance that one of the slower side takes longer than one of the other.
--   before: How many executions there are before the change.
--   after: How many since.
--   confidence: >-
--     1 less the chance that a stationary history of this repository shows such a change in any of its
--     series.
-- example: a build takes twice as long since a commit
-- false_positives: >-
--   Rank sums (Pettitt's test), so single slow ones do not matter; their spread is widened by how much
--   neighbours are alike (caches that stay warm or cold for some runs), and the chance is that over all
--   series of the repository. A job that does other work under the same name in one phase (releases only
--   since March) has changed, but is not slower. Where a step explains its job, only the step is told;
--   each series has one change, the clearest.
-- remedy: >-
--   Compare the log of the first run since with that of the last one before, step by step: versions of
--   actions and of the runner's image, cache keys, the commit itself. Where durations grow, groups are
--   held for longer and more runs wait or are evicted.

WITH summed AS (
    SELECT
        series,
        any_value(job_id) AS job_id,
        count(*) AS sample,
        min(started_at) AS first_at,
        max(started_at) AS last_at,
        max(seconds) - min(seconds) AS reach,
        (max(seconds) + 1) / (min(seconds) + 1) AS reach_ratio
    FROM timed_work
    GROUP BY series
    HAVING count(*) >= greatest($minimum_sample, 2 * $minimum_side)
),

-- All that could give an alarm counts for the chance of a false one, also what cannot reach it any more.
counted_series AS (
    SELECT
        s.*,
        count(*) OVER (PARTITION BY j.repository) AS tests
    FROM summed AS s
    INNER JOIN jobs AS j ON s.job_id = j.job_id
),

judged AS (
    SELECT *
    FROM counted_series
    WHERE
        reach >= $minimum_change_seconds
        AND reach_ratio >= $minimum_ratio
        AND seconds_between(first_at, last_at) > 2 * 86400 * $minimum_days
),

-- A coarse look first, which needs no order: the mean logarithm of each fortieth of the time. Where no split
-- of them moves it by half of what is asked for, no finer one is worth the look.
coarse AS (
    SELECT
        w.series,
        least(
            39,
            40 * (epoch_us(w.started_at) - epoch_us(j.first_at))
            // (epoch_us(j.last_at) - epoch_us(j.first_at))
        ) AS part,
        count(*) AS number,
        sum(ln(w.seconds + 1)) AS total
    FROM timed_work AS w
    INNER JOIN judged AS j ON w.series = j.series
    GROUP BY ALL
),

split AS (
    SELECT
        series,
        sum(number) OVER upto AS number,
        sum(total) OVER upto AS total,
        sum(number) OVER (PARTITION BY series) AS numbers,
        sum(total) OVER (PARTITION BY series) AS totals
    FROM coarse
    WINDOW upto AS (PARTITION BY series ORDER BY part)
),

worth_a_look AS (
    SELECT DISTINCT series
    FROM split
    WHERE
        number < numbers
        AND 2 * abs(total / number - (totals - total) / (numbers - number)) > ln($minimum_ratio)
),

ranked AS (
    SELECT
        w.*,
        j.sample,
        j.tests,
        row_number()
            OVER (PARTITION BY w.series ORDER BY w.started_at, w.job_id, w.step_number)
            AS place,
        rank() OVER (PARTITION BY w.series ORDER BY w.seconds)
        + (count(*) OVER (PARTITION BY w.series, w.seconds) - 1) / 2.0
        - (j.sample + 1) / 2.0 AS standing
    FROM timed_work AS w
    INNER JOIN worth_a_look AS a ON w.series = a.series
    INNER JOIN judged AS j ON w.series = j.series
),

summed_up AS (
    SELECT
        *,
        sum(standing) OVER (PARTITION BY series ORDER BY place ROWS UNBOUNDED PRECEDING) AS upto,
        min(started_at) OVER (PARTITION BY series) AS first_at,
        max(started_at) OVER (PARTITION BY series) AS last_at
    FROM ranked
),

-- The change lies after the place where the ranks have summed up to most.
changes AS (
    SELECT
        series,
        arg_max(place, (abs(upto), -place)) AS before,
        max(abs(upto)) AS peak,
        arg_max(upto, (abs(upto), -place)) AS signed_peak
    FROM summed_up
    WHERE
        place BETWEEN $minimum_side AND sample - $minimum_side
        AND seconds_between(first_at, started_at) >= 86400 * $minimum_days
        AND seconds_between(started_at, last_at) >= 86400 * $minimum_days
    GROUP BY series
),

-- What is left of each rank when its side's mean is taken away says how alike neighbours are.
centred AS (
    SELECT
        s.series,
        s.job_series,
        s.job_id,
        s.step_number,
        s.started_at,
        s.seconds,
        s.sample,
        s.tests,
        s.place,
        s.standing,
        c.before,
        c.peak,
        c.signed_peak,
        s.place > c.before AS since,
        s.standing
        - CASE
            WHEN s.place > c.before THEN -c.signed_peak / (s.sample - c.before)
            ELSE c.signed_peak / c.before
        END AS rest,
        ceil(sqrt(s.sample)) AS block_size
    FROM summed_up AS s
    INNER JOIN changes AS c ON s.series = c.series
),

paired AS (
    SELECT
        *,
        lag(rest) OVER (PARTITION BY series ORDER BY place) AS rest_before
    FROM centred
),

blocks AS (
    SELECT
        series,
        var_pop(block_mean) * any_value(block_size) AS block_variance
    FROM (
        SELECT
            series,
            (place - 1) // block_size AS block,
            avg(rest) AS block_mean,
            any_value(block_size) AS block_size
        FROM centred
        GROUP BY ALL
        HAVING count(*) = any_value(block_size)
    ) AS means
    GROUP BY series
),

measured AS (
    SELECT
        p.series,
        any_value(p.job_series) AS job_series,
        any_value(p.sample) AS sample,
        any_value(p.tests) AS tests,
        any_value(p.before) AS before,
        any_value(p.peak) AS peak,
        any_value(p.signed_peak) AS signed_peak,
        var_pop(p.standing) AS variance,
        var_pop(p.rest) AS rest_variance,
        any_value(b.block_variance) AS block_variance,
        avg(p.rest * p.rest_before) AS covariance,
        median(p.seconds) FILTER (WHERE NOT p.since) AS before_seconds,
        median(p.seconds) FILTER (WHERE p.since) AS after_seconds,
        arg_min(p.job_id, p.place) FILTER (WHERE p.since) AS job_id,
        arg_min(p.step_number, p.place) FILTER (WHERE p.since) AS step_number,
        arg_min(p.started_at, p.place) FILTER (WHERE p.since) AS occurred_at,
        arg_max(p.job_id, p.place) FILTER (WHERE NOT p.since) AS last_job_id
    FROM paired AS p
    LEFT JOIN blocks AS b ON p.series = b.series
    GROUP BY p.series
),

-- Neighbours that are alike make sums wander: by (1 + r) / (1 - r) where each follows the one before, and by
-- what means of blocks spread more than they should. r is estimated too small in short series.
widened AS (
    SELECT
        *,
        least(0.9, greatest(0, covariance / nullif(rest_variance, 0) + 2.5 / sqrt(sample))) AS likeness,
        block_variance / nullif(rest_variance, 0) AS block_ratio,
        abs(signed_peak) / before + abs(signed_peak) / (sample - before) AS gap
    FROM measured
),

tested AS (
    SELECT
        *,
        0.5 + gap / sample AS superiority,
        2 * exp(
            -2 * peak * peak / (
                sample * variance * greatest(
                    1, coalesce((1 + likeness) / (1 - likeness), 1), coalesce(block_ratio, 1)
                )
            )
        ) AS chance
    FROM widened
),

found AS (
    SELECT *
    FROM tested
    WHERE
        chance * tests <= $false_alarms
        AND superiority >= $minimum_superiority
        AND abs(after_seconds - before_seconds) >= $minimum_change_seconds
        AND greatest(after_seconds + 1, before_seconds + 1) / least(after_seconds + 1, before_seconds + 1)
        >= $minimum_ratio
),

-- A job is told only where none of its steps is.
told AS (
    SELECT f.*
    FROM found AS f
    ANTI JOIN found AS s ON (
        f.step_number IS NULL AND s.step_number IS NOT NULL AND f.series = s.job_series
    )
)

SELECT
    t.occurred_at,
    n.repository,
    n.job,
    n.step,
    n.workflow,
    n.head_sha AS since_sha,
    n.head_branch AS since_branch,
    t.before_seconds,
    t.after_seconds,
    t.before,
    [run_ref(n.run_id, n.attempt), run_ref(b.run_id, b.attempt)] AS runs,
    t.after_seconds / greatest(t.before_seconds, 1) AS ratio,
    round(t.superiority, 4) AS superiority,
    t.sample - t.before AS after,
    round(1 - t.chance * t.tests, 6) AS confidence,
    concat_ws(
        chr(10), n.repository, n.workflow_key, n.job, coalesce('step ' || n.step, 'job')
    ) AS about,
    CASE
        WHEN t.after_seconds < t.before_seconds THEN 'info'
        WHEN t.after_seconds >= greatest(2 * t.before_seconds, t.before_seconds + 600) THEN 'medium'
        ELSE 'low'
    END AS severity,
    format(
        '''{}'': {} of job ''{}'' takes {} since {}{}{}, {} before ({:.1f} times, {} against {} executions).',
        n.workflow,
        CASE WHEN n.step IS NULL THEN 'the whole' ELSE 'step ''' || n.step || '''' END,
        n.job,
        duration_text(t.after_seconds),
        run_label(n.run_id, n.attempt),
        coalesce(' (' || left(n.head_sha, 8) || ')', ''),
        coalesce(' on ''' || n.head_branch || '''', ''),
        duration_text(t.before_seconds),
        t.after_seconds / greatest(t.before_seconds, 1),
        t.sample - t.before,
        t.before
    ) AS message
FROM told AS t
INNER JOIN jobs AS b ON t.last_job_id = b.job_id
INNER JOIN named_work() AS n ON t.job_id = n.job_id AND t.step_number IS NOT DISTINCT FROM n.step_number;
