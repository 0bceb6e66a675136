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
--     default: 2.0
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

WITH labelled_jobs AS (
    SELECT
        j.repository,
        j.run_id,
        j.attempt,
        j.job_id,
        j.name AS job,
        j.conclusion,
        j.started_at,
        j.ended_at,
        coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name, '') AS workflow_key,
        coalesce(r.workflow_name, r.workflow_path, 'unknown workflow') AS workflow
    FROM executed_jobs AS j
    LEFT JOIN runs AS r ON j.repository = r.repository AND j.run_id = r.run_id
),

-- Ends that are not known, and what did not succeed, are censored.
durations AS (
    SELECT
        repository,
        workflow_key,
        workflow,
        job,
        NULL AS step,
        run_id,
        attempt,
        job_id,
        started_at,
        seconds_between(started_at, ended_at) AS seconds
    FROM labelled_jobs
    WHERE conclusion = 'success' AND ended_at > started_at
    UNION ALL
    SELECT
        j.repository,
        j.workflow_key,
        j.workflow,
        j.job,
        coalesce(s.name, 'step ' || s.step_number) AS step,
        j.run_id,
        j.attempt,
        j.job_id,
        s.started_at,
        seconds_between(s.started_at, s.completed_at) AS seconds
    FROM labelled_jobs AS j
    INNER JOIN steps AS s ON j.job_id = s.job_id
    WHERE s.conclusion = 'success' AND s.completed_at >= s.started_at
),

-- The spread is the greater of what the middle half says (MAD) and what the upper tail says, so that a
-- second mode of one in ten or more (a cold cache) is not an outlier; and never less than a tenth, nor than
-- the grain of one second. 1.4826 and 1.2816 make both equal to the standard deviation of a normal series.
series AS (
    SELECT
        repository,
        workflow_key,
        job,
        step,
        count(*) AS sample,
        median(seconds) AS median_seconds,
        median(ln(seconds + 1)) AS middle,
        greatest(
            1.4826 * mad(ln(seconds + 1)),
            (quantile_cont(ln(seconds + 1), 0.9) - median(ln(seconds + 1))) / 1.2816,
            1 / (median(seconds) + 1),
            0.1
        ) AS spread
    FROM durations
    GROUP BY repository, workflow_key, job, step
    HAVING count(*) >= $minimum_sample
),

-- With many executions judged, some lie far out by chance. The threshold is where a normal tail leaves
-- false_alarms for all of them together: tail(z) <= exp(-z*z/2)/2. A spread estimated from few executions
-- is often too small; the factor makes up for it (measured in the tests on simulated histories).
tested AS (
    SELECT
        *,
        sqrt(2 * ln(sum(sample) OVER (PARTITION BY repository) / (2 * $false_alarms)))
        * (1 + 5.0 / sample) AS threshold
    FROM series
),

scored AS (
    SELECT
        d.*,
        t.sample,
        t.median_seconds,
        t.threshold,
        (ln(d.seconds + 1) - t.middle) / t.spread AS score
    FROM durations AS d
    INNER JOIN tested AS t
        ON
            d.repository = t.repository AND d.workflow_key = t.workflow_key AND d.job = t.job
            AND d.step IS NOT DISTINCT FROM t.step
),

outlying AS (
    SELECT *
    FROM scored
    WHERE
        score > threshold
        AND seconds - median_seconds >= $minimum_excess_seconds
        AND seconds >= $minimum_ratio * median_seconds
    QUALIFY
        count(*) OVER (PARTITION BY repository, workflow_key, job, step)
        <= greatest(1, $maximum_share * sample)
),

-- A job is told only where none of its steps is.
told AS (
    SELECT o.*
    FROM outlying AS o
    ANTI JOIN outlying AS s ON (o.step IS NULL AND s.step IS NOT NULL AND o.job_id = s.job_id)
),

ordered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY repository, workflow_key, job, step
            ORDER BY seconds DESC, run_id ASC, attempt ASC, job_id ASC
        ) AS place
    FROM told
),

worst AS (
    SELECT
        repository,
        workflow_key,
        job,
        step,
        count(*) AS outliers,
        list(DISTINCT run_ref(run_id, attempt) ORDER BY run_ref(run_id, attempt))
        FILTER (WHERE place <= 20)
            AS runs,
        any_value(sample) AS sample,
        any_value(median_seconds) AS median_seconds,
        any_value(threshold) AS threshold,
        arg_min(workflow, place) AS workflow,
        arg_min(started_at, place) AS occurred_at,
        arg_min(seconds, place) AS seconds,
        arg_min(score, place) AS score,
        arg_min(run_label(run_id, attempt), place) AS label
    FROM ordered
    GROUP BY repository, workflow_key, job, step
)

SELECT
    w.occurred_at,
    w.repository,
    w.runs,
    w.job,
    w.step,
    w.workflow,
    w.seconds,
    w.median_seconds,
    w.sample,
    w.outliers,
    w.seconds / greatest(w.median_seconds, 1) AS ratio,
    round(w.score, 3) AS score,
    round(w.threshold, 3) AS threshold,
    concat_ws(chr(10), w.repository, w.workflow_key, w.job, coalesce('step ' || w.step, 'job')) AS about,
    CASE WHEN w.seconds >= greatest(10 * w.median_seconds, 600) THEN 'medium' ELSE 'low' END AS severity,
    format(
        '''{}'': {} of job ''{}'' took {} in {}, {:.1f} times the median of {} over {} executions{}.',
        w.workflow,
        coalesce('step ''' || w.step || '''', 'the whole'),
        w.job,
        duration_text(w.seconds),
        w.label,
        w.seconds / greatest(w.median_seconds, 1),
        duration_text(w.median_seconds),
        w.sample,
        CASE WHEN w.outliers > 1 THEN ', and ' || (w.outliers - 1) || ' more took too long' ELSE '' END
    ) AS message
FROM worst AS w;
