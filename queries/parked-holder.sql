-- id: parked-holder
-- title: A run held its group while nothing of it ran
-- severity: high
-- precision: certain
-- question: >-
--   Which runs kept a workflow-level group while waiting for an approval or a runner, and who waited or
--   died for it?
-- params:
--   parked_minutes:
--     default: 30
--     means: A run that holds its group for less than this without an executing job is not looked at.
--   minimum_sample:
--     default: 20
--     means: From so many runs on, the workflow's own p95 says what is usual.
-- columns:
--   workflow: Name of the workflow.
--   group_name: The group that it held.
--   parked_seconds: The longest time without an executing job.
--   waited_for: approval, runner or unknown (the case does not say which).
--   evicted: How many runs were cancelled as waiters in that time.
--   waiting: How many other runs had to wait in that time.
--   usual: >-
--     True where it is no more than half as long again as the p95 of the workflow's runs (a deployment
--     window).
--   released: False where it still held the group when the case was taken.
-- example: an approval that nobody gives starves thirteen runs
-- false_positives: >-
--   A deployment window or an approval that is always given next morning is meant: where 20 runs of the
--   workflow show that such a wait is usual, it is low. A hold counts only if others waited or were evicted
--   meanwhile. Job-level groups are given up between jobs and are not looked at. Where the name of the
--   group follows from our evaluation alone it is likely, not certain.
-- remedy: >-
--   Put the group at the job that writes, behind the job with the environment, so that nothing is held
--   while people decide; a job's timeout does not count while it waits. Or let approvals end themselves: a
--   wait timer and a janitor that rejects old ones. With `queue: max` the waiters at least survive.

WITH holds AS (
    SELECT
        h.*,
        coalesce(h.released_at, n.seen_at) AS until_at
    FROM group_holds AS h
    INNER JOIN last_seen AS n ON h.repository = n.repository
    WHERE h.acquired_at IS NOT NULL
),

long_holds AS (
    SELECT *
    FROM holds
    WHERE seconds_between(acquired_at, until_at) >= 60 * $parked_minutes
),

-- From the acquisition, or the end of a period with an executing job, to the next such period or the release.
moments AS (
    SELECT
        h.run_id,
        h.attempt,
        h.group_key,
        h.acquired_at AS from_at
    FROM long_holds AS h
    UNION ALL
    SELECT
        h.run_id,
        h.attempt,
        h.group_key,
        s.ended_at AS from_at
    FROM long_holds AS h
    INNER JOIN execution_spans AS s ON h.run_id = s.run_id AND h.attempt = s.attempt
),

starts AS (
    SELECT
        h.run_id,
        h.attempt,
        h.group_key,
        s.started_at
    FROM long_holds AS h
    INNER JOIN execution_spans AS s ON h.run_id = s.run_id AND h.attempt = s.attempt
),

pauses AS (
    SELECT
        m.*,
        s.started_at AS next_at
    FROM moments AS m
    ASOF LEFT JOIN starts AS s
        ON
            m.run_id = s.run_id AND m.attempt = s.attempt AND m.group_key = s.group_key
            AND m.from_at <= s.started_at
),

longest AS (
    SELECT
        h.*,
        p.from_at,
        least(coalesce(p.next_at, h.until_at), h.until_at) AS to_at,
        seconds_between(p.from_at, least(coalesce(p.next_at, h.until_at), h.until_at)) AS parked_seconds
    FROM pauses AS p
    INNER JOIN long_holds AS h
        ON p.run_id = h.run_id AND p.attempt = h.attempt AND p.group_key = h.group_key
    WHERE p.from_at < h.until_at
    QUALIFY row_number() OVER (
        PARTITION BY p.run_id, p.attempt, p.group_key ORDER BY parked_seconds DESC, p.from_at ASC
    ) = 1
),

parked AS (
    SELECT *
    FROM longest
    WHERE parked_seconds >= 60 * $parked_minutes
),

-- Holds shorter than parked_minutes have no longer pause than that.
samples AS (
    SELECT
        repository,
        workflow_key,
        count(DISTINCT row(run_id, attempt)) AS sample
    FROM holds
    GROUP BY repository, workflow_key
),

limits AS (
    SELECT $minimum_sample::bigint AS minimum_sample
),

usual_waits AS (
    SELECT
        s.repository,
        s.workflow_key,
        -- The 95th of a hundred is the sixth from above; holds shorter than parked_minutes are below all.
        list_sort(list(p.parked_seconds), 'DESC')[(s.sample * 0.05)::bigint + 1] AS p95
    FROM samples AS s
    INNER JOIN parked AS p ON s.repository = p.repository AND s.workflow_key = p.workflow_key
    CROSS JOIN limits AS l
    WHERE s.sample >= l.minimum_sample
    GROUP BY s.repository, s.workflow_key, s.sample
),

evictions AS (
    SELECT
        p.run_id,
        p.attempt,
        p.group_key,
        count(DISTINCT row(k.run_id, k.attempt)) AS evicted,
        list(DISTINCT run_ref(k.run_id, k.attempt) ORDER BY run_ref(k.run_id, k.attempt))[:8] AS victims
    FROM parked AS p
    INNER JOIN cancellations AS k ON p.group_key = k.group_key AND p.run_id <> k.run_id
    INNER JOIN named_runs AS r ON k.run_id = r.run_id AND p.repository = r.repository
    WHERE
        k.cause = 'superseded-waiting' AND k.confidence IN ('known', 'likely')
        AND k.cancelled_at BETWEEN p.from_at AND p.to_at
    GROUP BY p.run_id, p.attempt, p.group_key
),

waits AS (
    SELECT
        p.run_id,
        p.attempt,
        p.group_key,
        count(DISTINCT row(h.run_id, h.attempt)) AS waiting,
        list(DISTINCT run_ref(h.run_id, h.attempt) ORDER BY run_ref(h.run_id, h.attempt))[:8] AS waiters
    FROM parked AS p
    INNER JOIN group_holds AS h
        ON p.repository = h.repository AND p.group_key = h.group_key AND p.run_id <> h.run_id
    LEFT JOIN cancellations AS k ON h.run_id = k.run_id AND h.attempt = k.attempt AND k.job_id IS NULL
    WHERE
        h.arrived_at < p.to_at
        AND (
            h.acquired_at >= p.to_at
            OR (h.acquired_at IS NULL AND h.status <> 'completed')
        )
        AND k.run_id IS NULL
    GROUP BY p.run_id, p.attempt, p.group_key
),

causes AS (
    SELECT
        p.run_id,
        p.attempt,
        p.group_key,
        bool_or(
            j.status = 'waiting' OR d.state IN ('waiting', 'pending') OR v.run_id IS NOT NULL
        ) AS approval,
        bool_or(
            j.runner_id > 0 AND list_contains(j.labels, 'self-hosted') AND j.started_at = p.to_at
        ) AS runner
    FROM parked AS p
    LEFT JOIN jobs AS j ON p.run_id = j.run_id AND p.attempt = j.attempt
    LEFT JOIN approvals AS v ON p.run_id = v.run_id
    LEFT JOIN deployment_statuses AS d
        ON p.run_id = d.run_id AND d.created_at BETWEEN p.acquired_at AND p.to_at
    GROUP BY p.run_id, p.attempt, p.group_key
),

told AS (
    SELECT
        p.*,
        coalesce(e.evicted, 0) AS evicted,
        coalesce(w.waiting, 0) AS waiting,
        coalesce(e.victims, []) || coalesce(w.waiters, []) AS others,
        coalesce(p.parked_seconds <= 1.5 * u.p95, FALSE) AS usual,
        CASE WHEN c.approval THEN 'approval' WHEN c.runner THEN 'runner' ELSE 'unknown' END AS waited_for
    FROM parked AS p
    LEFT JOIN evictions AS e ON p.run_id = e.run_id AND p.attempt = e.attempt AND p.group_key = e.group_key
    LEFT JOIN waits AS w ON p.run_id = w.run_id AND p.attempt = w.attempt AND p.group_key = w.group_key
    LEFT JOIN usual_waits AS u ON p.repository = u.repository AND p.workflow_key = u.workflow_key
    LEFT JOIN causes AS c ON p.run_id = c.run_id AND p.attempt = c.attempt AND p.group_key = c.group_key
    WHERE e.evicted > 0 OR w.waiting > 0
)

SELECT
    t.from_at AS occurred_at,
    t.repository,
    t.workflow,
    t.group_name,
    t.parked_seconds,
    t.waited_for,
    t.evicted,
    t.waiting,
    t.usual,
    list_prepend(run_ref(t.run_id, t.attempt), t.others) AS runs,
    t.released_at IS NOT NULL AS released,
    concat_ws(chr(10), t.repository, t.run_id, t.attempt, t.group_key) AS about,
    CASE
        WHEN t.usual THEN 'low'
        WHEN t.evicted > 0 AND w.weight >= 2 THEN 'high'
        WHEN t.evicted > 0 OR w.weight >= 2 THEN 'medium'
        ELSE 'low'
    END AS severity,
    CASE WHEN t.stated AND t.released_at IS NOT NULL THEN 'certain' ELSE 'likely' END AS precision,
    format(
        '''{}'': {} held the group ''{}'' for {} while nothing of it ran{}; meanwhile {} evicted and '
        || '{} waiting{}.',
        t.workflow,
        run_label(t.run_id, t.attempt),
        t.group_name,
        duration_text(t.parked_seconds),
        CASE t.waited_for
            WHEN 'approval' THEN ', for an approval'
            WHEN 'runner' THEN ', for a runner'
            ELSE ''
        END,
        counted(t.evicted, 'run was', 'runs were'),
        counted(t.waiting, 'was', 'were'),
        CASE WHEN t.released_at IS NULL THEN ', and it had not let go yet' ELSE '' END
    ) AS message
FROM told AS t
LEFT JOIN workflow_weights AS w ON t.repository = w.repository AND t.workflow_key = w.workflow_key;
