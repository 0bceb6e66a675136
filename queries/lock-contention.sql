-- id: lock-contention
-- title: Runs fought for a lock
-- severity: medium
-- precision: certain
-- question: Which runs were refused a lock because another run was at work on the same target?
-- params:
--   most_runs:
--     default: 20
--     means: How many of the refused runs a finding names at most, the last ones first.
-- columns:
--   kind: live (another run or job was at the target) or outside (the case does not know who held the lock).
--   refused: How many attempts were refused.
--   failed: How many of them did not get through in the end.
--   pairs: How many different pairs of a refused attempt and a holder.
--   held_seconds: How long the holder of the last refusal was at the target; NULL where it is not known.
--   into_seconds: How long it had been there when the last one was refused; NULL where it is not known.
-- example: two applies of one state meet, and the second is refused
-- false_positives: >-
--   A lock that a cancelled run has left behind is abandoned-lock. The tool's lock did its work: only a run
--   is lost, so it is medium at most, and info where each refused job got through by trying again.
--   Steps are known to the second: where the refusal lies within one second of the holder's beginning or end,
--   it is only possible. Where the case knows nobody at the target, the holder may be a run that only plans,
--   a person or another repository: low and only possible.
-- remedy: >-
--   Put one concurrency group, named for the target, around all jobs that touch it, in each workflow; a lock
--   then never meets a second run. Until then let the tool wait (terraform -lock-timeout, helm --wait with a
--   retry).

WITH refused AS (
    SELECT
        *,
        concat_ws(chr(10), target_key, kind) AS finding_key
    FROM lock_holders
    WHERE kind <> 'abandoned'
),

grouped AS (
    SELECT
        finding_key,
        count(DISTINCT run_ref(run_id, attempt)) AS refused,
        count(DISTINCT run_ref(run_id, attempt)) FILTER (WHERE NOT written_after_all) AS failed,
        count(DISTINCT row(
            run_ref(run_id, attempt), run_ref(holder_run_id, holder_attempt)
        )) AS pairs,
        bool_or(sure) AS sure,
        list_slice(
            list(run_ref(run_id, attempt) ORDER BY refused_at DESC, run_id DESC, attempt DESC, job_id DESC),
            1, $most_runs
        ) AS victims,
        list(
            line_ref(run_id, attempt, job_id, line_no)
            ORDER BY refused_at DESC, run_id DESC, attempt DESC, job_id DESC
        )[:6] AS lines
    FROM refused
    GROUP BY finding_key
),

last_one AS (
    SELECT *
    FROM refused
    QUALIFY row_number() OVER (
        PARTITION BY finding_key ORDER BY sure DESC, refused_at DESC, run_id DESC, attempt DESC, job_id DESC
    ) = 1
)

SELECT
    r.refused_at AS occurred_at,
    r.repository,
    r.target,
    r.kind,
    g.refused,
    g.failed,
    g.pairs,
    r.finding_key AS about,
    seconds_between(r.held_from, r.held_to) AS held_seconds,
    seconds_between(r.held_from, r.refused_at) AS into_seconds,
    CASE
        WHEN r.holder_run_id IS NULL THEN g.victims
        ELSE list_append(g.victims, run_ref(r.holder_run_id, r.holder_attempt))
    END AS runs,
    CASE
        WHEN r.holder_run_id IS NULL THEN g.lines
        ELSE
            list_append(g.lines, line_ref(
                r.holder_run_id, r.holder_attempt, r.holder_job_id, r.holder_line_no
            ))
    END AS evidence,
    CASE
        WHEN g.failed = 0 THEN 'info'
        WHEN r.kind = 'outside' THEN 'low'
        ELSE 'medium'
    END AS severity,
    CASE WHEN g.sure THEN 'certain' ELSE 'possible' END AS precision,
    format(
        '''{}'': {} refused because of a lock{}{}; {}, {}.',
        r.target,
        counted(g.refused, 'run was', 'runs were'),
        CASE
            WHEN g.failed = 0 THEN ' and got through by trying again'
            WHEN g.failed < g.refused THEN ', of which ' || g.failed || ' did not get through in the end'
            ELSE ''
        END,
        CASE WHEN r.kind = 'outside' THEN ' that nobody in this case is known to have held' ELSE '' END,
        run_label(r.run_id, r.attempt),
        CASE
            WHEN r.holder_run_id IS NULL THEN 'at its ''' || r.effect || ''''
            ELSE
                format(
                    'when {} had been there for {}',
                    CASE
                        WHEN r.holder_run_id = r.run_id AND r.holder_attempt = r.attempt
                            THEN 'another job of it'
                        ELSE run_label(r.holder_run_id, r.holder_attempt)
                    END,
                    duration_text(greatest(0, seconds_between(r.held_from, r.refused_at)))
                )
        END
    ) AS message
FROM last_one AS r
INNER JOIN grouped AS g ON r.finding_key = g.finding_key;
