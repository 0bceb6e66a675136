-- id: zombie-run
-- title: A run that neither begins nor ends
-- severity: medium
-- precision: likely
-- question: >-
--   Which runs were left waiting although nothing held them back, or went on although all their jobs had
--   ended?
-- params:
--   pending_minutes:
--     default: 60
--     means: How long a run may be pending or queued without a holder, or open without an open job.
--   queued_hours:
--     default: 24
--     means: How long a run may be queued without a single job, whatever holds its group.
-- columns:
--   kind: >-
--     no-holder (pending or queued, and nobody holds its group), no-jobs (queued without a job for longer
--     than GitHub lets anything wait for a runner) or ended-jobs (open, although each of its jobs has
--     ended).
--   workflow: Name of the workflow.
--   status: What GitHub calls it.
--   group_name: Its group, where known.
--   age_seconds: How long it had been so when the case last saw anything of the repository.
--   blocked: How many other runs were waiting for its group then.
-- example: pending for hours and nobody holds the group
-- false_positives: >-
--   A holder that is not in this case (other workflows were not ingested, or a window was not listed in
--   full) looks like none: no-holder is only possible, unless GitHub says the group and all windows were
--   listed in full. A run waiting for an approval or for its own job's runner is not one of these. A run
--   that had just been created when the case was taken is too young to count. Lists taken at several times
--   look like one: where a run that began within the hour is in progress and nothing was heard of it after
--   its first hour, both are taken as seen then, and no-jobs is not told.
-- remedy: >-
--   Cancel it (`gh run cancel ID`); if GitHub says it cannot, `POST /actions/runs/ID/force-cancel`; then
--   run the newest commit again. If that is refused too, only GitHub's support can free the group: rename
--   the group to go on meanwhile.

WITH limits AS (
    SELECT
        to_minutes($pending_minutes::bigint) AS pending,
        to_hours($queued_hours::bigint) AS queued
),

open_runs AS (
    SELECT
        r.repository,
        r.run_id,
        r.workflow,
        r.workflow_key,
        r.status,
        n.seen_at,
        coalesce(a.attempt, 1) AS attempt,
        coalesce(a.created_at, r.created_at) AS arrived_at,
        n.seen_at - p.pending AS pending_before,
        n.seen_at - p.queued AS queued_before
    FROM named_runs AS r
    INNER JOIN last_seen AS n ON r.repository = n.repository
    CROSS JOIN limits AS p
    LEFT JOIN attempts AS a ON r.run_id = a.run_id AND a.status IS DISTINCT FROM 'completed'
    WHERE r.status IN ('queued', 'pending', 'requested', 'in_progress') AND r.conclusion IS NULL
),

own_jobs AS (
    SELECT
        j.run_id,
        j.attempt,
        bool_and(j.status = 'completed') AS all_ended,
        max(j.completed_at) AS ended_at
    FROM jobs AS j
    WHERE NOT j.copied AND j.run_id IN (SELECT o.run_id FROM open_runs AS o)
    GROUP BY j.run_id, j.attempt
),

own_groups AS (
    SELECT
        run_id,
        attempt,
        group_key,
        any_value(group_name) AS group_name,
        bool_or(stated) AS stated
    FROM group_holds
    WHERE run_id IN (SELECT o.run_id FROM open_runs AS o)
    GROUP BY run_id, attempt, group_key
),

-- Runs that held or may still hold the group when the case was taken, or began after the waiting one came.
holders AS (
    SELECT DISTINCT
        g.run_id,
        g.attempt,
        g.group_key
    FROM own_groups AS g
    INNER JOIN open_runs AS o ON g.run_id = o.run_id AND g.attempt = o.attempt
    INNER JOIN group_holds AS h
        ON o.repository = h.repository AND g.group_key = h.group_key AND g.run_id <> h.run_id
    WHERE
        h.acquired_at IS NOT NULL
        AND coalesce(h.released_at, o.seen_at) >= o.pending_before
),

blocked AS (
    SELECT
        g.run_id,
        g.attempt,
        count(DISTINCT h.run_id) AS blocked
    FROM own_groups AS g
    INNER JOIN open_runs AS o ON g.run_id = o.run_id AND g.attempt = o.attempt
    INNER JOIN group_holds AS h
        ON o.repository = h.repository AND g.group_key = h.group_key AND g.run_id <> h.run_id
    WHERE h.acquired_at IS NULL AND h.status <> 'completed' AND h.arrived_at > o.arrived_at
    GROUP BY g.run_id, g.attempt
),

-- What began then and is still in progress, unheard of since: the list was taken then.
seen_young AS (
    SELECT DISTINCT o.run_id
    FROM (
        SELECT
            repository,
            run_id,
            arrived_at,
            unnest([-1, 0, 1]) + epoch(arrived_at)::bigint // 3600 AS hour
        FROM open_runs
        WHERE status = 'queued'
    ) AS o
    INNER JOIN runs AS r ON o.repository = r.repository AND o.hour = epoch(r.created_at)::bigint // 3600
    WHERE
        r.status = 'in_progress' AND r.conclusion IS NULL
        AND r.created_at BETWEEN o.arrived_at - INTERVAL 1 HOUR AND o.arrived_at + INTERVAL 1 HOUR
        AND coalesce(r.updated_at, r.created_at) <= r.created_at + INTERVAL 1 HOUR
),

listed AS (
    SELECT
        repository,
        bool_and(complete AND workflow = '') AS complete
    FROM listings
    GROUP BY repository
),

judged AS (
    SELECT
        o.*,
        g.group_key,
        g.group_name,
        g.stated,
        coalesce(b.blocked, 0) AS blocked,
        coalesce(l.complete, FALSE) AS complete,
        coalesce(j.ended_at, o.arrived_at) AS since_at,
        CASE
            WHEN j.all_ended AND j.ended_at < o.pending_before THEN 'ended-jobs'
            WHEN j.run_id IS NOT NULL OR o.status = 'in_progress' THEN NULL
            WHEN
                o.status = 'queued' AND o.arrived_at < o.queued_before
                THEN CASE WHEN y.run_id IS NULL THEN 'no-jobs' END
            WHEN
                h.run_id IS NULL AND g.group_key IS NOT NULL
                AND o.arrived_at < o.pending_before
                THEN 'no-holder'
        END AS kind
    FROM open_runs AS o
    LEFT JOIN own_jobs AS j ON o.run_id = j.run_id AND o.attempt = j.attempt
    LEFT JOIN own_groups AS g ON o.run_id = g.run_id AND o.attempt = g.attempt
    LEFT JOIN holders AS h ON o.run_id = h.run_id AND o.attempt = h.attempt AND g.group_key = h.group_key
    LEFT JOIN blocked AS b ON o.run_id = b.run_id AND o.attempt = b.attempt
    LEFT JOIN listed AS l ON o.repository = l.repository
    LEFT JOIN seen_young AS y ON o.run_id = y.run_id
    QUALIFY row_number() OVER (
        PARTITION BY o.run_id, o.attempt ORDER BY kind IS NULL ASC, blocked DESC, g.group_key ASC
    ) = 1
)

SELECT
    j.since_at AS occurred_at,
    j.repository,
    j.run_id,
    j.attempt,
    j.kind,
    j.workflow,
    j.status,
    j.group_name,
    j.blocked,
    seconds_between(j.since_at, j.seen_at) AS age_seconds,
    concat_ws(chr(10), j.repository, j.run_id, j.attempt) AS about,
    CASE
        WHEN j.blocked > 0 AND w.weight >= 2 THEN 'high'
        WHEN j.blocked > 0 OR w.weight >= 2 THEN 'medium'
        ELSE 'low'
    END AS severity,
    CASE
        WHEN j.kind = 'no-holder' AND NOT (j.complete AND j.stated) THEN 'possible'
        ELSE 'likely'
    END AS precision,
    format(
        '''{}'': {} was {} for {} when the case was taken, {}{}.',
        j.workflow,
        run_label(j.run_id, j.attempt),
        j.status,
        duration_text(seconds_between(j.since_at, j.seen_at)),
        CASE j.kind
            WHEN 'ended-jobs' THEN 'although each of its jobs had ended'
            WHEN 'no-jobs' THEN 'without a single job'
            ELSE format('though nobody is known to have held its group ''{}''', j.group_name)
        END,
        CASE
            WHEN j.blocked > 0 THEN '; ' || counted(j.blocked, 'run was', 'runs were') || ' waiting behind it'
            ELSE ''
        END
    ) AS message
FROM judged AS j
LEFT JOIN workflow_weights AS w ON j.repository = w.repository AND j.workflow_key = w.workflow_key
WHERE j.kind IS NOT NULL;
