-- id: abandoned-lock
-- title: A lock was left behind
-- severity: critical
-- precision: likely
-- question: Which cancelled or dead run left a lock that later runs failed on, and for how long?
-- params:
--   lock_hours:
--     default: 24
--     means: A refusal later than this after the holder's end is not laid at its door.
--   most_runs:
--     default: 20
--     means: How many of the refused runs a finding names at most, the first ones first.
-- columns:
--   effect: What the holder was doing when it was cut off.
--   job: Its job.
--   cause: Why it was cancelled, where that is known.
--   blocked_seconds: From its end to the first success at the target, or to the last refusal where none came.
--   released: True where a write succeeded at the target later.
--   refused: How many attempts were refused the lock.
--   failed: How many of them did not get through in the end.
-- example: terraform apply is cancelled, and two runs fail on its state lock
-- false_positives: >-
--   Only refusals that speak of a lock or of an operation in progress count, and only while no other run of
--   the case was at the target: a lock held by a live run is lock-contention. A success in between shows that
--   the lock was released. Somebody outside the case (a person's terminal, a run that only plans, another
--   repository) may have held it, so it is likely, never certain; only possible where the holder merely
--   failed without a word. Refused runs that got through by trying again make it medium.
-- remedy: >-
--   Make sure that nobody is at work there, then release it: terraform force-unlock with the ID in the
--   evidence, helm rollback, pulumi cancel, cancelling the Pages deployment. Then run the newest commit once.
--   Let no run be cancelled while it writes: cancel-in-progress false for the job that applies, and a
--   concurrency group instead of the tool's lock.

WITH orphaned AS (
    SELECT *
    FROM lock_holders
    WHERE kind = 'abandoned' AND refused_at <= cut_at + to_hours($lock_hours::bigint)
),

told AS (
    SELECT
        target_key,
        cut_holder['run_id'] AS run_id,
        cut_holder['attempt'] AS attempt,
        cut_holder['job_id'] AS job_id,
        any_value(cut_holder) AS holder,
        any_value(repository) AS repository,
        any_value(target) AS target,
        any_value(cut_at) AS cut_at,
        any_value(released_at) AS released_at,
        any_value(released_by) AS released_by,
        min(refused_at) AS first_refused_at,
        max(last_refused_at) AS last_refused_at,
        count(DISTINCT run_ref(run_id, attempt)) AS refused,
        count(DISTINCT run_ref(run_id, attempt)) FILTER (WHERE NOT written_after_all) AS failed,
        arg_min(run_label(run_id, attempt), (refused_at, run_id, attempt, job_id)) AS first_label,
        list_slice(
            list(run_ref(run_id, attempt) ORDER BY refused_at, run_id, attempt, job_id), 1, $most_runs
        ) AS victims,
        list(line_ref(run_id, attempt, job_id, line_no) ORDER BY refused_at, run_id, attempt, job_id)[:8]
            AS lines
    FROM orphaned
    GROUP BY target_key, cut_holder['run_id'], cut_holder['attempt'], cut_holder['job_id']
),

reasons AS (
    SELECT
        t.run_id,
        t.attempt,
        t.job_id,
        arg_min(k.cause, (k.job_id IS NULL, k.cause)) AS cause,
        arg_min(k.by_run_id, (k.job_id IS NULL, k.cause)) AS by_run_id
    FROM told AS t
    INNER JOIN cancellations AS k
        ON t.run_id = k.run_id AND t.attempt = k.attempt AND (k.job_id IS NULL OR t.job_id = k.job_id)
    GROUP BY t.run_id, t.attempt, t.job_id
),

ended AS (
    SELECT
        t.*,
        j.conclusion,
        k.cause AS reason,
        seconds_between(t.cut_at, coalesce(t.released_at, t.last_refused_at)) AS blocked_seconds,
        CASE
            WHEN k.by_run_id IS NOT NULL THEN 'was cancelled by the arrival of run ' || k.by_run_id
            WHEN j.conclusion = 'timed_out' THEN 'ran out of time'
            WHEN j.conclusion = 'failure' THEN 'died'
            ELSE 'was cancelled'
        END AS fate
    FROM told AS t
    LEFT JOIN jobs AS j ON t.job_id = j.job_id
    LEFT JOIN reasons AS k ON t.run_id = k.run_id AND t.attempt = k.attempt AND t.job_id = k.job_id
)

SELECT
    e.cut_at AS occurred_at,
    e.repository,
    e.target,
    e.reason AS cause,
    e.blocked_seconds,
    e.refused,
    e.failed,
    e.holder['effect'] AS effect,
    e.holder['job'] AS job,
    e.released_at IS NOT NULL AS released,
    list_prepend(run_ref(e.run_id, e.attempt), e.victims) AS runs,
    list_prepend(line_ref(e.run_id, e.attempt, e.job_id, e.holder['line_no']), e.lines) AS evidence,
    concat_ws(chr(10), e.target_key, e.run_id, e.attempt, e.job_id) AS about,
    CASE
        WHEN e.released_at IS NULL THEN 'critical'
        WHEN e.failed > 0 THEN 'high'
        ELSE 'medium'
    END AS severity,
    CASE
        WHEN e.holder['step_said'] OR e.conclusion IN ('cancelled', 'timed_out') THEN 'likely'
        ELSE 'possible'
    END AS precision,
    format(
        '''{}'': {} {} in the middle of its ''{}'' (job ''{}'') and left a lock behind: {} refused there, '
        || 'the first, {}, {} later; {}.',
        e.target,
        run_label(e.run_id, e.attempt),
        e.fate,
        e.holder['effect'],
        e.holder['job'],
        counted(e.refused, 'run was', 'runs were'),
        e.first_label,
        duration_text(seconds_between(e.cut_at, e.first_refused_at)),
        CASE
            WHEN e.released_at IS NULL
                THEN format(
                    'it was blocked for at least {}, and nothing was written there since in this case',
                    duration_text(e.blocked_seconds)
                )
            ELSE
                format(
                    'it was blocked for {}, until {} succeeded',
                    duration_text(e.blocked_seconds),
                    run_label(e.released_by['run_id'], e.released_by['attempt'])
                )
        END
    ) AS message
FROM ended AS e;
