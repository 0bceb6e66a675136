-- id: cancelled-mid-effect
-- title: A run was cancelled in the middle of a write
-- severity: high
-- precision: certain
-- question: Which writes were cut off by a cancellation, and what became of their target?
-- params:
--   lock_hours:
--     default: 24
--     means: A refusal at the same target within this time, and before any success there, is named.
-- columns:
--   effect: What was under way.
--   job: The job that was cancelled.
--   cause: Why it was cancelled, where that is known.
--   by_run_id: The run whose arrival cancelled it, where that is known.
--   under_way_seconds: How long the write had been under way.
--   lock_seconds: How long after it another run was refused at the target; NULL where none was.
--   written_again_seconds: How long after it the target was written successfully; NULL where never.
-- example: terraform apply is cancelled and leaves the state locked
-- false_positives: >-
--   A tool that ends cleanly when interrupted may have undone its work without a word. A write whose step
--   ended before the cancellation is not cut off, even where its log does not say how it went, and is left
--   out; so are jobs cancelled before they wrote. A refusal while another run was itself at the target is
--   that run's live lock, not one left behind. How long a lock stayed, and who failed on it, is told by
--   abandoned-lock. Where the step is unknown, the finding is only likely.
-- remedy: >-
--   Do not cancel in progress where a run writes: split checks (cancel-in-progress) from the deploy
--   (without), or make the expression false for the branch that deploys. Look after the target now: release
--   the lock (terraform force-unlock with the ID in the evidence), then run the newest commit's deploy
--   once.

WITH cut AS (
    SELECT
        w.target_key,
        w.run_id,
        w.attempt,
        w.job_id,
        any_value(w.repository) AS repository,
        any_value(w.target) AS target,
        any_value(j.name) AS job,
        min(w.effect) AS effect,
        min(w.began_at) AS began_at,
        max(w.occurred_at) AS cut_at,
        min(w.line_no) AS line_no,
        bool_and(w.outcome = 'unknown' AND s.conclusion IS NOT NULL) AS step_said
    FROM write_effects AS w
    INNER JOIN jobs AS j ON w.job_id = j.job_id
    LEFT JOIN steps AS s ON w.job_id = s.job_id AND w.step_number = s.step_number
    WHERE
        w.occurred_at IS NOT NULL
        AND (
            -- Announced and never heard of again, in what was cancelled.
            (
                w.outcome = 'unknown'
                AND coalesce(s.conclusion, j.conclusion) IN ('cancelled', 'timed_out')
            )
            -- The interrupted tool reported its own end as a failure.
            OR (w.outcome = 'failed' AND s.conclusion IN ('cancelled', 'timed_out'))
        )
    GROUP BY w.target_key, w.run_id, w.attempt, w.job_id
),

refusals AS (
    SELECT
        target_key,
        run_id,
        attempt,
        job_id,
        line_no,
        occurred_at
    FROM write_effects
    WHERE outcome = 'rejected' AND occurred_at IS NOT NULL
),

successes AS (
    SELECT
        target_key,
        occurred_at,
        min(held_from) AS held_from
    FROM held_effects
    WHERE outcome = 'done' AND target_key IN (SELECT c.target_key FROM cut AS c)
    GROUP BY target_key, occurred_at
),

first_refusals AS (
    SELECT
        target_key,
        occurred_at,
        arg_min(run_ref(run_id, attempt), (run_id, attempt, job_id, line_no)) AS run,
        arg_min(run_label(run_id, attempt), (run_id, attempt, job_id, line_no)) AS label,
        arg_min(line_ref(run_id, attempt, job_id, line_no), (run_id, attempt, job_id, line_no)) AS line
    FROM refusals
    GROUP BY target_key, occurred_at
),

-- The next refusal and the next success at the target after the cut.
aftermath AS (
    SELECT
        c.*,
        r.occurred_at AS refused_at,
        r.run AS refused_run,
        r.label AS refused_label,
        r.line AS refused_line,
        d.occurred_at AS written_at,
        d.held_from AS writer_from
    FROM cut AS c
    ASOF LEFT JOIN first_refusals AS r ON c.target_key = r.target_key AND c.cut_at < r.occurred_at
    ASOF LEFT JOIN successes AS d ON c.target_key = d.target_key AND c.cut_at < d.occurred_at
),

locked AS (
    SELECT
        *,
        coalesce(
            refused_at <= cut_at + to_hours($lock_hours::bigint)
            -- A success in between released the lock; one under way held it itself.
            AND (written_at IS NULL OR writer_from > refused_at),
            FALSE
        ) AS is_locked
    FROM aftermath
),

-- One reason for each attempt; that of the job goes before that of the run.
reasons AS (
    SELECT
        l.run_id,
        l.attempt,
        l.job_id,
        arg_min(k.cause, (k.job_id IS NULL, k.cause)) AS cause,
        arg_min(k.by_run_id, (k.job_id IS NULL, k.cause)) AS by_run_id
    FROM locked AS l
    INNER JOIN cancellations AS k
        ON l.run_id = k.run_id AND l.attempt = k.attempt AND (k.job_id IS NULL OR l.job_id = k.job_id)
    GROUP BY l.run_id, l.attempt, l.job_id
)

SELECT
    l.cut_at AS occurred_at,
    l.repository,
    l.target,
    l.effect,
    l.job,
    k.cause,
    k.by_run_id,
    seconds_between(l.began_at, l.cut_at) AS under_way_seconds,
    CASE WHEN l.is_locked THEN seconds_between(l.cut_at, l.refused_at) END AS lock_seconds,
    seconds_between(l.cut_at, l.written_at) AS written_again_seconds,
    CASE
        WHEN l.is_locked THEN [run_ref(l.run_id, l.attempt), l.refused_run]
        ELSE [run_ref(l.run_id, l.attempt)]
    END AS runs,
    CASE
        WHEN l.is_locked THEN [line_ref(l.run_id, l.attempt, l.job_id, l.line_no), l.refused_line]
        ELSE [line_ref(l.run_id, l.attempt, l.job_id, l.line_no)]
    END AS evidence,
    concat_ws(chr(10), l.target_key, l.run_id, l.attempt, l.job_id) AS about,
    CASE
        WHEN l.is_locked OR l.written_at IS NULL THEN 'high'
        ELSE 'medium'
    END AS severity,
    CASE WHEN l.step_said THEN 'certain' ELSE 'likely' END AS precision,
    format(
        '''{}'': {} was cancelled{} in job ''{}'', {} into its ''{}''; {}.',
        l.target,
        run_label(l.run_id, l.attempt),
        CASE
            WHEN k.by_run_id IS NOT NULL THEN ' by the arrival of run ' || k.by_run_id
            WHEN k.cause <> 'unknown' THEN ' (' || k.cause || ')'
            ELSE ''
        END,
        l.job,
        duration_text(seconds_between(l.began_at, l.cut_at)),
        l.effect,
        CASE
            WHEN l.is_locked
                THEN format(
                    '{} later {} was refused there',
                    duration_text(seconds_between(l.cut_at, l.refused_at)),
                    l.refused_label
                )
            WHEN l.written_at IS NULL THEN 'nothing was written there since in this case'
            ELSE duration_text(seconds_between(l.cut_at, l.written_at)) || ' later a write there succeeded'
        END
    ) AS message
FROM locked AS l
LEFT JOIN reasons AS k ON l.run_id = k.run_id AND l.attempt = k.attempt AND l.job_id = k.job_id;
