-- What the concurrency settings of each workflow did: one row a workflow.
WITH settings AS (
    -- Every way in which the workflow's own group was written while the case lasts, the newest first.
    SELECT
        g.repository,
        g.workflow_path,
        list(g.setting ORDER BY g.last_at DESC, g.setting ASC) AS settings
    FROM (
        SELECT
            r.repository,
            r.workflow_path,
            c.level || ': ' || c.expression
            || CASE
                WHEN c.cancel_in_progress THEN ' (cancels)'
                WHEN c.queue = 'max' THEN ' (queues all)'
                ELSE ''
            END AS setting,
            max(r.created_at) AS last_at
        FROM concurrency_groups AS c
        INNER JOIN runs AS r ON c.run_id = r.run_id
        WHERE c.level IS NOT NULL AND c.expression IS NOT NULL
        GROUP BY ALL
    ) AS g
    GROUP BY g.repository, g.workflow_path
),

grouped AS (
    SELECT
        r.repository,
        r.workflow_path,
        count(DISTINCT c.group_key) AS groups,
        count(DISTINCT c.run_id) FILTER (c.group_key IS NOT NULL) AS runs_in_groups
    FROM concurrency_groups AS c
    INNER JOIN runs AS r ON c.run_id = r.run_id
    WHERE c.level IS NOT NULL
    GROUP BY r.repository, r.workflow_path
),

ended AS (
    SELECT
        r.repository,
        r.workflow_path,
        count(DISTINCT x.run_id) FILTER (x.cause = 'superseded-waiting') AS evicted,
        count(DISTINCT x.run_id) FILTER (x.cause = 'superseded-running') AS cancelled,
        count(DISTINCT x.run_id) FILTER (x.cause = 'deadlock') AS deadlocked
    FROM cancellations AS x
    INNER JOIN runs AS r ON x.run_id = r.run_id
    GROUP BY r.repository, r.workflow_path
),

lost AS (
    -- Minutes that runners worked for runs which a newer one cancelled.
    SELECT
        r.repository,
        r.workflow_path,
        sum(epoch(e.ended_at) - epoch(e.started_at)) / 60 AS minutes
    FROM executed_jobs AS e
    INNER JOIN runs AS r ON e.run_id = r.run_id
    SEMI JOIN cancellations AS x
        ON e.run_id = x.run_id AND e.attempt = x.attempt AND x.cause = 'superseded-running'
    GROUP BY r.repository, r.workflow_path
),

stretches AS (
    -- From the end of all jobs so far to the start of the next: nothing ran, and the run's group was held.
    SELECT
        e.run_id,
        e.attempt,
        e.started_at,
        max(e.ended_at) OVER (
            PARTITION BY e.run_id, e.attempt ORDER BY e.started_at, e.job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until
    FROM executed_jobs AS e
    SEMI JOIN concurrency_groups AS c
        ON e.run_id = c.run_id AND e.attempt = c.attempt AND c.level = 'workflow'
),

idle AS (
    SELECT
        r.repository,
        r.workflow_path,
        sum(greatest(0, epoch(s.started_at) - epoch(coalesce(s.busy_until, a.created_at)))) AS seconds
    FROM stretches AS s
    INNER JOIN runs AS r ON s.run_id = r.run_id
    INNER JOIN attempts AS a ON s.run_id = a.run_id AND s.attempt = a.attempt
    GROUP BY r.repository, r.workflow_path
),

waited AS (
    SELECT
        r.repository,
        r.workflow_path,
        count(DISTINCT r.run_id) AS runs,
        quantile_cont(greatest(0, epoch(a.started_at) - epoch(a.created_at)), 0.5) AS half,
        quantile_cont(greatest(0, epoch(a.started_at) - epoch(a.created_at)), 0.95) AS most
    FROM runs AS r
    LEFT JOIN attempts AS a ON r.run_id = a.run_id
    WHERE r.workflow_path IS NOT NULL
    GROUP BY r.repository, r.workflow_path
)

SELECT
    w.repository,
    w.workflow_path,
    w.runs,
    w.half AS waited_half_seconds,
    w.most AS waited_most_seconds,
    coalesce(s.settings, []) AS settings,
    coalesce(g.groups, 0) AS groups,
    coalesce(g.runs_in_groups, 0) AS runs_in_groups,
    coalesce(e.evicted, 0) AS evicted,
    coalesce(e.cancelled, 0) AS cancelled,
    coalesce(e.deadlocked, 0) AS deadlocked,
    coalesce(l.minutes, 0) AS cancelled_minutes,
    coalesce(i.seconds, 0) AS idle_seconds
FROM waited AS w
LEFT JOIN settings AS s ON w.repository = s.repository AND w.workflow_path = s.workflow_path
LEFT JOIN grouped AS g ON w.repository = g.repository AND w.workflow_path = g.workflow_path
LEFT JOIN ended AS e ON w.repository = e.repository AND w.workflow_path = e.workflow_path
LEFT JOIN lost AS l ON w.repository = l.repository AND w.workflow_path = l.workflow_path
LEFT JOIN idle AS i ON w.repository = i.repository AND w.workflow_path = i.workflow_path
ORDER BY w.repository ASC, w.runs DESC, w.workflow_path ASC;
