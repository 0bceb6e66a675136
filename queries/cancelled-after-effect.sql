-- id: cancelled-after-effect
-- title: A run was cancelled after its write was done
-- severity: medium
-- precision: certain
-- question: Which runs look undone because they were cancelled, although they had already written?
-- params:
--   most_runs:
--     default: 20
--     means: How many of the cancelled runs a finding names at most, the last ones first.
-- columns:
--   effect: What was done.
--   workflow: Name of the workflow.
--   cancelled: How many attempts the finding stands for.
--   since_done_seconds: From the write to the cancellation, of the one that is told.
--   left_out: What of it did not run to its end, its steps or else its jobs, at most three.
--   written_again: True where a later write at the target succeeded.
-- example: the image is out, then the next push cancels the run before its smoke test
-- false_positives: >-
--   A write that was itself cut off is cancelled-mid-effect; a target where the same attempt was cut off as
--   well is left out here. Where the write and the cancellation lie within one second of each other it is
--   only possible. Where a later run wrote there again it is low. One more or less of a comment or an issue
--   harms nobody: info.
-- remedy: >-
--   Read the state of the target, not the colour of the run: it is written. Check by hand what the cancelled
--   steps would have checked. Set cancel-in-progress to false for the job that writes, or put the check of
--   the result into a workflow of its own.

WITH ends AS (
    SELECT
        a.run_id,
        a.attempt,
        coalesce(min(k.cancelled_at), min(a.completed_at)) AS cancelled_at,
        arg_min(k.by_run_id, (k.job_id IS NOT NULL, k.cancelled_at)) AS by_run_id
    FROM attempts AS a
    LEFT JOIN cancellations AS k ON a.run_id = k.run_id AND a.attempt = k.attempt
    WHERE a.conclusion = 'cancelled' AND a.run_id > 0
    GROUP BY a.run_id, a.attempt
),

wrote AS (
    SELECT
        w.target_key,
        w.effect,
        w.run_id,
        w.attempt,
        any_value(w.repository) AS repository,
        any_value(w.target) AS target,
        any_value(e.by_run_id) AS by_run_id,
        any_value(e.cancelled_at) AS run_cancelled_at,
        max(w.occurred_at) FILTER (WHERE w.outcome = 'done') AS done_at,
        arg_max(struct_pack(job_id := w.job_id, step := w.step_number, line_no := w.line_no), w.occurred_at)
        FILTER (WHERE w.outcome = 'done') AS place,
        bool_or(w.outcome = 'unknown') AS was_cut
    FROM write_effects AS w
    INNER JOIN ends AS e ON w.run_id = e.run_id AND w.attempt = e.attempt
    WHERE w.occurred_at IS NOT NULL AND w.outcome IN ('done', 'unknown')
    GROUP BY w.target_key, w.effect, w.run_id, w.attempt
),

step_ends AS (
    SELECT
        s.job_id,
        min(s.completed_at) AS cancelled_at,
        min(s.step_number) AS step_number
    FROM steps AS s
    WHERE s.conclusion = 'cancelled' AND s.job_id IN (SELECT w.place['job_id'] FROM wrote AS w)
    GROUP BY s.job_id
),

-- The cancellation as the writing job met it, where it was still at work; else as the run did.
late AS (
    SELECT
        w.*,
        r.workflow,
        r.workflow_key,
        w.place['job_id'] AS job_id,
        j.conclusion = 'cancelled' AS own_job,
        CASE
            WHEN j.conclusion = 'cancelled' THEN greatest(w.run_cancelled_at, w.done_at, c.cancelled_at)
            ELSE greatest(w.run_cancelled_at, j.completed_at)
        END AS cancelled_at
    FROM wrote AS w
    INNER JOIN named_runs AS r ON w.run_id = r.run_id
    LEFT JOIN jobs AS j ON w.place['job_id'] = j.job_id
    LEFT JOIN step_ends AS c ON j.job_id = c.job_id
    WHERE w.done_at IS NOT NULL AND NOT w.was_cut
),

keyed AS (
    SELECT
        *,
        concat_ws(chr(10), target_key, effect, repository, workflow_key) AS finding_key
    FROM late
    WHERE cancelled_at >= done_at
),

grouped AS (
    SELECT
        finding_key,
        count(*) AS cancelled,
        list_slice(
            list(run_ref(run_id, attempt) ORDER BY done_at DESC, run_id DESC, attempt DESC), 1, $most_runs
        ) AS victims
    FROM keyed
    GROUP BY finding_key
),

last_one AS (
    SELECT *
    FROM keyed
    QUALIFY row_number() OVER (
        PARTITION BY finding_key ORDER BY done_at DESC, run_id DESC, attempt DESC
    ) = 1
),

-- What did not run to its end: steps of the writing job from the cancelled one on, and other jobs that were
-- cancelled (one that was skipped may have had nothing to do).
steps_left AS (
    SELECT
        o.finding_key,
        list(s.name ORDER BY s.step_number)[:3] AS names
    FROM last_one AS o
    INNER JOIN step_ends AS c ON o.job_id = c.job_id
    INNER JOIN steps AS s ON o.job_id = s.job_id
    WHERE
        s.conclusion IN ('cancelled', 'skipped') AND s.name IS NOT NULL
        -- What was skipped before the cancelled step was skipped for a reason of its own.
        AND s.step_number >= c.step_number AND s.step_number > coalesce(o.place['step'], 0)
        AND NOT starts_with(s.name, 'Post ')
    GROUP BY o.finding_key
),

jobs_left AS (
    SELECT
        o.finding_key,
        list(j.name ORDER BY j.job_id)[:3] AS names
    FROM last_one AS o
    INNER JOIN jobs AS j ON o.run_id = j.run_id AND o.attempt = j.attempt AND o.job_id <> j.job_id
    WHERE j.conclusion = 'cancelled'
    GROUP BY o.finding_key
),

wanted AS (
    SELECT DISTINCT target_key FROM last_one
),

latest AS (
    SELECT
        w.target_key,
        max(w.occurred_at) AS written_at
    FROM write_effects AS w
    SEMI JOIN wanted AS n ON (w.target_key = n.target_key)
    WHERE w.outcome = 'done'
    GROUP BY w.target_key
)

SELECT
    o.done_at AS occurred_at,
    o.repository,
    o.target,
    o.effect,
    o.workflow,
    g.cancelled,
    o.finding_key AS about,
    l.written_at > o.done_at AS written_again,
    coalesce(s.names, j.names) AS left_out,
    seconds_between(o.done_at, o.cancelled_at) AS since_done_seconds,
    [line_ref(o.run_id, o.attempt, o.job_id, o.place['line_no'])] AS evidence,
    CASE
        WHEN o.by_run_id IS NULL OR o.by_run_id = o.run_id THEN g.victims
        ELSE list_append(g.victims, run_ref(o.by_run_id, 1))
    END AS runs,
    CASE
        WHEN effect_weight(o.effect, o.target) = 1 THEN 'info'
        WHEN l.written_at > o.done_at OR effect_weight(o.effect, o.target) = 2 THEN 'low'
        ELSE 'medium'
    END AS severity,
    CASE WHEN seconds_between(o.done_at, o.cancelled_at) > 1 THEN 'certain' ELSE 'possible' END AS precision,
    format(
        '''{}'': {} of ''{}'' {} cancelled after the ''{}'' there was done; {}{}, {} after it{}; {}{}.',
        o.target,
        counted(g.cancelled, 'run', 'runs'),
        o.workflow,
        CASE WHEN g.cancelled = 1 THEN 'was' ELSE 'were' END,
        o.effect,
        CASE WHEN g.cancelled > 1 THEN 'the last, ' ELSE '' END,
        run_label(o.run_id, o.attempt),
        duration_text(seconds_between(o.done_at, o.cancelled_at)),
        CASE
            WHEN o.by_run_id IS NULL OR o.by_run_id = o.run_id THEN ''
            ELSE ', by the arrival of run ' || o.by_run_id
        END,
        coalesce(
            'the steps ''' || array_to_string(s.names, ''', ''') || ''' did not end, ',
            'the jobs ''' || array_to_string(j.names, ''', ''') || ''' did not end, ',
            ''
        ),
        CASE
            WHEN l.written_at > o.done_at THEN 'and a later write there succeeded'
            ELSE 'so it looks undone, but it is done'
        END
    ) AS message
FROM last_one AS o
INNER JOIN grouped AS g ON o.finding_key = g.finding_key
LEFT JOIN steps_left AS s ON o.finding_key = s.finding_key
LEFT JOIN jobs_left AS j ON o.finding_key = j.finding_key
LEFT JOIN latest AS l ON o.target_key = l.target_key;
