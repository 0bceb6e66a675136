-- What the concurrency settings of each workflow did: one row a workflow.
WITH lone AS (
    -- Files of which the case has one version only: without a word on versions it is the one that was read.
    SELECT
        repository,
        path,
        any_value(substr(sha, 6)) AS blob
    FROM workflow_files
    WHERE starts_with(sha, 'blob:')
    GROUP BY repository, path
    HAVING count(*) = 1
),

versions AS (
    -- Every way in which the workflow's groups were written while the case lasts: one row a setting and file.
    SELECT
        r.repository,
        r.workflow_path,
        c.path,
        c.line,
        coalesce(f.blob, n.blob) AS blob,
        c.level || ': ' || c.expression
        || CASE
            WHEN c.cancel_in_progress THEN ' (cancels)'
            WHEN c.queue = 'max' THEN ' (queues all)'
            ELSE ''
        END AS setting,
        count(DISTINCT r.run_id) AS runs,
        arg_min(r.run_id, (r.created_at, r.run_id)) AS first_run_id,
        min(r.created_at) AS first_at,
        arg_max(r.run_id, (r.created_at, r.run_id)) AS last_run_id,
        max(r.created_at) AS last_at
    FROM concurrency_groups AS c
    INNER JOIN runs AS r ON c.run_id = r.run_id
    LEFT JOIN run_workflow_files AS f ON c.run_id = f.run_id AND c.path = f.path
    LEFT JOIN lone AS n ON c.path = n.path AND r.repository = n.repository
    WHERE c.level IS NOT NULL AND c.expression IS NOT NULL
    GROUP BY ALL
),

settings AS (
    SELECT
        v.repository,
        v.workflow_path,
        list(
            struct_pack(
                setting := v.setting,
                path := v.path,
                line := v.line,
                blob := v.blob,
                runs := v.runs,
                first_run_id := v.first_run_id,
                first_at := v.first_at,
                last_run_id := v.last_run_id,
                last_at := v.last_at
            )
            ORDER BY v.last_at DESC, v.first_at DESC, v.setting ASC, v.line ASC, v.blob ASC
        ) AS versions
    FROM versions AS v
    GROUP BY v.repository, v.workflow_path
),

spans AS (
    -- From the first job's start to the last one's end.
    SELECT
        e.run_id,
        e.attempt,
        min(e.started_at) AS started_at,
        max(e.ended_at) AS ended_at
    FROM executed_jobs AS e
    GROUP BY e.run_id, e.attempt
),

beside AS (
    SELECT
        r.repository,
        r.workflow_path,
        s.run_id,
        s.started_at,
        s.ended_at,
        max(s.ended_at) OVER (
            PARTITION BY r.repository, r.workflow_path ORDER BY s.started_at, s.run_id, s.attempt
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS others_until,
        lead(s.started_at) OVER (
            PARTITION BY r.repository, r.workflow_path ORDER BY s.started_at, s.run_id, s.attempt
        ) AS next_at
    FROM spans AS s
    INNER JOIN runs AS r ON s.run_id = r.run_id
),

overlapping AS (
    -- Times are whole seconds: that two runs met must survive the grain of one second.
    SELECT
        b.repository,
        b.workflow_path,
        count(DISTINCT b.run_id) AS runs
    FROM beside AS b
    WHERE
        epoch(b.others_until) - epoch(b.started_at) > 1
        OR epoch(b.ended_at) - epoch(b.next_at) > 1
    GROUP BY b.repository, b.workflow_path
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
    coalesce(s.versions, []) AS versions,
    coalesce(o.runs, 0) AS overlapping,
    coalesce(g.groups, 0) AS groups,
    coalesce(g.runs_in_groups, 0) AS runs_in_groups,
    coalesce(e.evicted, 0) AS evicted,
    coalesce(e.cancelled, 0) AS cancelled,
    coalesce(e.deadlocked, 0) AS deadlocked,
    coalesce(l.minutes, 0) AS cancelled_minutes,
    coalesce(i.seconds, 0) AS idle_seconds
FROM waited AS w
LEFT JOIN settings AS s ON w.repository = s.repository AND w.workflow_path = s.workflow_path
LEFT JOIN overlapping AS o ON w.repository = o.repository AND w.workflow_path = o.workflow_path
LEFT JOIN grouped AS g ON w.repository = g.repository AND w.workflow_path = g.workflow_path
LEFT JOIN ended AS e ON w.repository = e.repository AND w.workflow_path = e.workflow_path
LEFT JOIN lost AS l ON w.repository = l.repository AND w.workflow_path = l.workflow_path
LEFT JOIN idle AS i ON w.repository = i.repository AND w.workflow_path = i.workflow_path
ORDER BY w.repository ASC, w.runs DESC, w.workflow_path ASC;
