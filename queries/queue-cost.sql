-- id: queue-cost
-- title: Waiting cost hours
-- severity: low
-- precision: likely
-- question: How long did a workflow wait for its concurrency group, for a runner, and for people?
-- params:
--   minimum_hours:
--     default: 10
--     means: Only what cost at least so many hours together is told.
--   minimum_minutes:
--     default: 10
--     means: And only where one of twenty waited at least so long (p95).
--   most_runs:
--     default: 10
--     means: How many of the runs that waited longest a finding names.
-- columns:
--   cause: >-
--     group (for the concurrency group of the run or the job), runner (from the job's creation until a runner
--     took it), approval (for a reviewer's decision on an environment) or gate (for an environment, with no
--     decision in the case; as a wait timer).
--   workflow: Name of the workflow.
--   waits: How many waits there were, those of no length counted.
--   total_hours: How long they took together.
--   p50_seconds: Half of the waits were no longer.
--   p95_seconds: 19 of 20 waits were no longer.
--   lane: Where most hours were waited; the group, the runner's labels or the environment.
--   lane_hours: How many hours that were.
-- example: deploys wait for each other for fourteen hours
-- false_positives: >-
--   A job that needs others is created when they have ended, and its wait is counted from then, never from
--   the run's creation. Waits for a group are only counted where the group is known. A wait timer and a
--   deployment window are meant to be long, so approval and gate are info; where GitHub did not say which job
--   had to wait for a decision it is the one of the run that waited longest. A job in a group of its own
--   waits for the group until the last job before it let go, and for a runner after that; GitHub does not
--   tell the moment.
-- remedy: >-
--   For the group, put it around the job that writes instead of the run, one group for each target, or
--   shorten what runs inside. For runners, more of them for the labels named, or fewer jobs at once. For
--   people, put the group behind the approval, so that nobody waits for somebody who decides.

WITH group_waits AS (
    SELECT
        repository,
        workflow,
        workflow_key,
        run_id,
        attempt,
        group_name AS lane,
        'group' AS cause,
        arrived_at AS since_at,
        greatest(0, seconds_between(arrived_at, acquired_at)) AS seconds
    FROM group_holds
    WHERE arrived_at IS NOT NULL AND acquired_at IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY run_id, attempt ORDER BY group_key) = 1
),

-- From a job's creation to its start. A partial re-run's copies did not wait.
queued AS (
    SELECT
        r.repository,
        r.workflow,
        r.workflow_key,
        j.run_id,
        j.attempt,
        j.job_id,
        j.created_at,
        j.started_at,
        coalesce(array_to_string(list_sort(j.labels), ', '), 'labels unknown') AS labels
    FROM jobs AS j
    INNER JOIN named_runs AS r ON j.run_id = r.run_id
    WHERE
        NOT j.copied AND j.created_at IS NOT NULL AND j.started_at > j.created_at
        AND coalesce(j.executed, j.conclusion IS DISTINCT FROM 'skipped')
),

-- Environments that held a job back: GitHub says of the deployment that it was waiting. Where only a decision
-- is known, it was the job of the run that waited longest.
held_back AS (
    SELECT
        d.run_id,
        d.job_id,
        min(d.environment) AS environment
    FROM deployment_statuses AS d
    WHERE d.state = 'waiting' AND d.run_id IS NOT NULL AND d.job_id IS NOT NULL
    GROUP BY d.run_id, d.job_id
),

decided AS (
    SELECT
        run_id,
        min(environment) AS environment
    FROM approvals
    WHERE state IN ('approved', 'rejected')
    GROUP BY run_id
),

longest AS (
    SELECT
        q.run_id,
        arg_max(q.job_id, (q.started_at - q.created_at, q.job_id)) AS job_id
    FROM queued AS q
    SEMI JOIN decided AS a ON (q.run_id = a.run_id)
    GROUP BY q.run_id
),

gated AS (
    SELECT
        coalesce(h.job_id, l.job_id) AS job_id,
        coalesce(h.environment, a.environment) AS environment,
        CASE WHEN a.run_id IS NULL THEN 'gate' ELSE 'approval' END AS cause
    FROM held_back AS h
    FULL JOIN decided AS a ON h.run_id = a.run_id
    LEFT JOIN longest AS l ON a.run_id = l.run_id
    WHERE coalesce(h.job_id, l.job_id) IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY coalesce(h.job_id, l.job_id) ORDER BY a.environment, h.environment
    ) = 1
),

-- Jobs with a group of their own: until the one before them in the group ended, they waited for it.
own_groups AS (
    SELECT
        i.job_id,
        i.group_name,
        i.group_key,
        j.repository,
        j.created_at,
        j.started_at,
        max(j.completed_at) OVER (
            PARTITION BY j.repository, i.group_key ORDER BY j.started_at, j.job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS freed_at
    FROM group_items AS i
    INNER JOIN jobs AS j ON i.job_id = j.job_id
    WHERE i.level = 'job' AND i.known AND NOT j.copied AND j.started_at IS NOT NULL AND j.executed
),

job_group_waits AS (
    SELECT
        job_id,
        any_value(group_name) AS group_name,
        max(
            CASE
                WHEN freed_at > created_at THEN seconds_between(created_at, least(freed_at, started_at))
                ELSE 0
            END
        ) AS seconds
    FROM own_groups
    WHERE created_at IS NOT NULL
    GROUP BY job_id
),

job_waits AS (
    SELECT
        q.*,
        g.cause AS gate,
        g.environment,
        o.group_name,
        coalesce(o.seconds, 0) AS group_seconds,
        seconds_between(q.created_at, q.started_at) AS all_seconds,
        o.job_id IS NOT NULL AS in_group
    FROM queued AS q
    LEFT JOIN gated AS g ON q.job_id = g.job_id
    LEFT JOIN job_group_waits AS o ON q.job_id = o.job_id
),

waits AS (
    SELECT
        repository,
        workflow,
        workflow_key,
        run_id,
        attempt,
        lane,
        cause,
        since_at,
        seconds
    FROM group_waits
    UNION ALL
    SELECT
        repository,
        workflow,
        workflow_key,
        run_id,
        attempt,
        group_name AS lane,
        'group' AS cause,
        created_at AS since_at,
        group_seconds AS seconds
    FROM job_waits
    WHERE in_group AND gate IS NULL
    UNION ALL
    SELECT
        repository,
        workflow,
        workflow_key,
        run_id,
        attempt,
        coalesce(environment, labels) AS lane,
        coalesce(gate, 'runner') AS cause,
        created_at AS since_at,
        CASE WHEN gate IS NULL THEN all_seconds - group_seconds ELSE all_seconds END AS seconds
    FROM job_waits
),

by_lane AS (
    SELECT
        repository,
        workflow_key,
        cause,
        lane,
        sum(seconds) AS seconds
    FROM waits
    GROUP BY repository, workflow_key, cause, lane
),

worst_lane AS (
    SELECT
        repository,
        workflow_key,
        cause,
        arg_max(lane, (seconds, lane)) AS lane,
        max(seconds) AS seconds
    FROM by_lane
    GROUP BY repository, workflow_key, cause
),

summed AS (
    SELECT
        repository,
        workflow_key,
        cause,
        max(workflow) AS workflow,
        arg_max(since_at, (seconds, run_id, attempt)) AS since_at,
        count(*) AS waits,
        sum(seconds) AS seconds,
        quantile_cont(seconds, 0.5) AS p50,
        quantile_cont(seconds, 0.95) AS p95,
        list_slice(arg_max(run_ref(run_id, attempt), (seconds, run_id, attempt), 100), 1, $most_runs) AS runs
    FROM waits
    GROUP BY repository, workflow_key, cause
    HAVING sum(seconds) >= 3600 * $minimum_hours AND quantile_cont(seconds, 0.95) >= 60 * $minimum_minutes
)

SELECT
    s.since_at AS occurred_at,
    s.repository,
    s.cause,
    s.workflow,
    s.waits,
    s.p50 AS p50_seconds,
    s.p95 AS p95_seconds,
    w.lane,
    s.runs,
    s.seconds / 3600 AS total_hours,
    w.seconds / 3600 AS lane_hours,
    concat_ws(chr(10), s.repository, s.workflow_key, s.cause) AS about,
    CASE WHEN s.cause IN ('group', 'runner') THEN 'low' ELSE 'info' END AS severity,
    format(
        '''{}'' waited {:.1f} h in {} for {}: half of them at most {}, one of twenty {} or more; '
        || 'most of it {} ''{}'' ({:.1f} h).',
        s.workflow,
        s.seconds / 3600,
        counted(s.waits, 'wait', 'waits'),
        CASE s.cause
            WHEN 'group' THEN 'its concurrency group'
            WHEN 'runner' THEN 'a runner'
            WHEN 'approval' THEN 'an approval'
            ELSE 'an environment to open'
        END,
        duration_text(s.p50),
        duration_text(s.p95),
        CASE s.cause WHEN 'runner' THEN 'on' ELSE 'for' END,
        w.lane,
        w.seconds / 3600
    ) AS message
FROM summed AS s
INNER JOIN worst_lane AS w
    ON s.repository = w.repository AND s.workflow_key = w.workflow_key AND s.cause = w.cause;
