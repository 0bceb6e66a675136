-- id: duration-outlier
-- title: A job or step took far longer than usual
-- severity: low
-- precision: likely
-- question: Which jobs and steps took so long that their own history cannot explain it?
-- params:
--   minimum_sample:
--     default: 20
--     means: Series with fewer successful executions are not judged.
--   false_alarms:
--     default: 0.01
--     means: How many false alarms a repository whose history is stationary may give, over all its series.
--   minimum_excess_seconds:
--     default: 60
--     means: What is less above the median than this is not worth a finding.
--   minimum_ratio:
--     default: 2.5
--     means: What is less than this times the median is not worth a finding.
--   maximum_share:
--     default: 0.05
--     means: Where more than this share of a series is that slow (and more than one), that is how it is.
-- columns:
--   job: The job.
--   step: The step; NULL where the job as a whole is meant.
--   workflow: Name of the workflow.
--   seconds: How long the slowest one took.
--   median_seconds: How long it usually takes.
--   ratio: The first divided by the second.
--   score: How many robust standard deviations it lies above the median, on a log scale.
--   threshold: The score from which it counts, with this many executions judged.
--   sample: How many executions the series has.
--   outliers: How many of them are above the threshold.
-- example: a step that takes ten times as long
-- false_positives: >-
--   Judged are executed, successful, not copied jobs and steps of one name in one workflow; what was
--   cancelled or failed early says nothing about a duration. Jobs that do different work under one name (a
--   release among checks, a cold cache) are no outliers where more than one in twenty is slow; a rarer kind
--   of work is found, rightly or not, and so is one that a short series shows for the first time. A change
--   for good is found only while it is rare. Where a step explains its job, only the step is told; each
--   series is one finding.
-- remedy: >-
--   Look at the log of the slowest one beside one of the median: waiting for a lock or another run (see
--   overlapping-effects), a cold cache, a slow runner or network. Put timeout-minutes at a few times the
--   median.

WITH counted_series AS (
    SELECT
        series,
        any_value(job_id) AS job_id,
        count(*) AS sample,
        max(seconds) AS most,
        min(seconds) AS least
    FROM timed_work
    GROUP BY series
    HAVING count(*) >= $minimum_sample
),

weighed AS (
    SELECT
        c.series,
        c.sample,
        c.most,
        c.least,
        sum(c.sample) OVER (PARTITION BY j.repository) AS executions
    FROM counted_series AS c
    INNER JOIN jobs AS j ON c.job_id = j.job_id
),

-- With many executions judged, some lie far out by chance. The threshold is where a normal tail leaves
-- false_alarms for all of them together, also for those that do not reach far enough to be looked at: tail(z)
-- <= exp(-z*z/2)/2. A spread estimated from few executions is often too small; the factor makes up for it
-- (measured in the tests on simulated histories).
reaching AS (
    SELECT
        series,
        sample,
        sqrt(2 * ln(executions / (2 * $false_alarms))) * (1 + 5.0 / sample) AS threshold
    FROM weighed
    WHERE most - least >= $minimum_excess_seconds AND most >= $minimum_ratio * least
),

durations AS (
    SELECT w.*
    FROM timed_work AS w
    SEMI JOIN reaching AS r ON w.series = r.series
),

-- The spread is the greater of what the middle half says (MAD) and what the upper tail says, so that a
-- second mode of one in ten or more (a cold cache) is not an outlier; and never less than a tenth, nor than
-- the grain of one second. 1.4826 and 1.2816 make both equal to the standard deviation of a normal series.
series_spread AS (
    SELECT
        series,
        median(seconds) AS median_seconds,
        median(ln(seconds + 1)) AS middle,
        greatest(
            1.4826 * mad(ln(seconds + 1)),
            (quantile_cont(ln(seconds + 1), 0.9) - median(ln(seconds + 1))) / 1.2816,
            1 / (median(seconds) + 1),
            0.1
        ) AS spread
    FROM durations
    GROUP BY series
),

scored AS (
    SELECT
        d.*,
        r.sample,
        s.median_seconds,
        r.threshold,
        (ln(d.seconds + 1) - s.middle) / s.spread AS score
    FROM durations AS d
    INNER JOIN reaching AS r ON d.series = r.series
    INNER JOIN series_spread AS s ON d.series = s.series
),

outlying AS (
    SELECT *
    FROM scored
    WHERE
        score > threshold
        AND seconds - median_seconds >= $minimum_excess_seconds
        AND seconds >= $minimum_ratio * median_seconds
    QUALIFY count(*) OVER (PARTITION BY series) <= greatest(1, $maximum_share * sample)
),

-- A job is told only where none of its steps is.
told AS (
    SELECT o.*
    FROM outlying AS o
    ANTI JOIN outlying AS s
        ON (o.step_number IS NULL AND s.step_number IS NOT NULL AND o.job_id = s.job_id)
),

ordered AS (
    SELECT
        t.*,
        j.run_id,
        j.attempt,
        row_number() OVER (
            PARTITION BY t.series ORDER BY t.seconds DESC, j.run_id ASC, j.attempt ASC, t.job_id ASC
        ) AS place
    FROM told AS t
    INNER JOIN jobs AS j ON t.job_id = j.job_id
),

worst AS (
    SELECT
        series,
        count(*) AS outliers,
        list(DISTINCT run_ref(run_id, attempt) ORDER BY run_ref(run_id, attempt))
        FILTER (WHERE place <= 20)
            AS runs,
        any_value(sample) AS sample,
        any_value(median_seconds) AS median_seconds,
        any_value(threshold) AS threshold,
        arg_min(job_id, place) AS job_id,
        any_value(step_number) FILTER (WHERE place = 1) AS step_number,
        arg_min(started_at, place) AS occurred_at,
        arg_min(seconds, place) AS seconds,
        arg_min(score, place) AS score
    FROM ordered
    GROUP BY series
)

SELECT
    w.occurred_at,
    n.repository,
    w.runs,
    n.job,
    n.step,
    n.workflow,
    w.seconds,
    w.median_seconds,
    w.sample,
    w.outliers,
    w.seconds / greatest(w.median_seconds, 1) AS ratio,
    round(w.score, 3) AS score,
    round(w.threshold, 3) AS threshold,
    concat_ws(
        chr(10), n.repository, n.workflow_key, n.job, coalesce('step ' || n.step, 'job')
    ) AS about,
    CASE WHEN w.seconds >= greatest(10 * w.median_seconds, 600) THEN 'medium' ELSE 'low' END AS severity,
    format(
        '''{}'': {} of job ''{}'' took {} in {}, {:.1f} times the median of {} over {} executions{}.',
        n.workflow,
        coalesce('step ''' || n.step || '''', 'the whole'),
        n.job,
        duration_text(w.seconds),
        run_label(n.run_id, n.attempt),
        w.seconds / greatest(w.median_seconds, 1),
        duration_text(w.median_seconds),
        w.sample,
        CASE WHEN w.outliers > 1 THEN ', and ' || (w.outliers - 1) || ' more took too long' ELSE '' END
    ) AS message
FROM worst AS w
INNER JOIN named_work() AS n ON w.job_id = n.job_id AND w.step_number IS NOT DISTINCT FROM n.step_number;
