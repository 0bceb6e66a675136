-- Why each cancelled attempt and job was cancelled: one row each, by GitHub's own words where an annotation
-- has them, else by who arrived at the same group when it ended. A group's rules: whoever arrives evicts the
-- one that waits (unless it queues with queue: max), and with cancel-in-progress also the one that holds.
--
-- $waiting_seconds, $annotated_seconds, $tail_seconds: how long before its end the other may have arrived;
-- $queue_limit: how many wait at most in a group with queue: max.

WITH own_jobs AS (
    -- Jobs that a partial re-run copied are an earlier attempt's.
    SELECT
        j.*,
        coalesce(j.executed, j.conclusion IS DISTINCT FROM 'skipped') AS has_executed
    FROM jobs AS j
    WHERE NOT j.copied
),

told_words AS (
    SELECT
        a.job_id,
        trim(a.message) AS message,
        CASE
            WHEN a.message LIKE 'Canceling since a higher priority waiting request for % exists%'
                THEN 'superseded'
            WHEN a.message LIKE 'Canceling since a deadlock %' THEN 'deadlock'
            WHEN a.message LIKE 'The run was canceled by @%' THEN 'person'
            WHEN a.message LIKE '%was not acquired by Runner of type%' THEN 'not-acquired'
            WHEN a.message LIKE '%has exceeded the maximum execution time of%' THEN 'timeout'
            WHEN
                a.message LIKE '%runner has received a shutdown signal%'
                OR a.message LIKE '%lost communication with the server%'
                THEN 'runner-lost'
            WHEN regexp_matches(a.message, '^The (job|strategy configuration) was canceled because .* failed')
                THEN 'fail-fast'
        END AS word
    FROM annotations AS a
),

-- Of several, what stopped the run goes before what stopped one job.
told AS (
    SELECT
        job_id,
        arg_min(word, (rank, message)) AS word,
        arg_min(message, (rank, message)) AS message
    FROM (
        SELECT
            *,
            list_position(
                [
                    'superseded', 'deadlock', 'person', 'not-acquired', 'timeout', 'runner-lost', 'fail-fast'
                ],
                word
            ) AS rank
        FROM told_words
        WHERE word IS NOT NULL
    ) AS ranked
    GROUP BY job_id
),

-- The group's name stands in quotes in some years' texts and bare in others'.
told_groups AS (
    SELECT
        job_id,
        word,
        message,
        CASE
            WHEN length(name) > 2 AND starts_with(name, '''') AND ends_with(name, '''')
                THEN substr(name, 2, length(name) - 2)
            ELSE nullif(name, '')
        END AS group_name
    FROM (
        SELECT
            *,
            CASE word
                WHEN 'superseded'
                    THEN regexp_extract(message, 'waiting request for (.+) exists', 1)
                WHEN 'deadlock'
                    THEN coalesce(
                        nullif(
                            regexp_extract(message, 'deadlock for concurrency group:? (.+) was detected', 1),
                            ''
                        ),
                        regexp_extract(message, 'detected for concurrency group:? (.+) between ', 1)
                    )
            END AS name
        FROM told
    ) AS named
),

cancelled_steps AS (
    SELECT
        s.job_id,
        min(s.completed_at) AS stopped_at
    FROM steps AS s
    SEMI JOIN own_jobs AS j ON (s.job_id = j.job_id AND j.conclusion IN ('cancelled', 'timed_out'))
    WHERE s.conclusion = 'cancelled'
    GROUP BY s.job_id
),

stopped_jobs AS (
    SELECT
        j.repository,
        j.run_id,
        j.attempt,
        j.job_id,
        j.name,
        j.created_at,
        j.has_executed,
        t.word,
        t.message,
        t.group_name AS told_group,
        lower(t.group_name) AS told_key,
        coalesce(s.stopped_at, j.completed_at) AS cancelled_at
    FROM own_jobs AS j
    LEFT JOIN told_groups AS t ON j.job_id = t.job_id
    LEFT JOIN cancelled_steps AS s ON j.job_id = s.job_id
    WHERE
        j.conclusion IN ('cancelled', 'timed_out')
        OR t.word = 'deadlock'
        OR (j.conclusion = 'failure' AND t.word IN ('timeout', 'runner-lost', 'not-acquired'))
),

attempt_jobs AS (
    SELECT
        run_id,
        attempt,
        count(*) AS jobs,
        bool_or(has_executed) AS has_executed,
        bool_and(coalesce(conclusion = 'skipped', FALSE)) AS all_skipped,
        min(created_at) AS first_job_at,
        max(completed_at) AS ended_at
    FROM own_jobs
    GROUP BY run_id, attempt
),

stopped_attempts AS (
    SELECT
        run_id,
        attempt,
        min(cancelled_at) AS cancelled_at,
        bool_or(word = 'deadlock') AS is_deadlock
    FROM stopped_jobs
    GROUP BY run_id, attempt
),

annotated_attempts AS (
    SELECT DISTINCT
        j.run_id,
        j.attempt
    FROM own_jobs AS j
    SEMI JOIN annotations AS a ON (j.job_id = a.job_id)
),

-- That an attempt has no jobs is only proof where somebody asked for them.
asked AS (
    SELECT w.run_id
    FROM work AS w
    WHERE w.kind = 'jobs' AND w.state = 'done' AND w.run_id IS NOT NULL
    UNION
    SELECT try_cast(regexp_extract(e.path, 'actions/runs/(\d+)/(attempts/\d+/)?jobs', 1) AS BIGINT) AS run_id
    FROM evidence AS e
    WHERE e.path LIKE '%actions/runs/%jobs%'
),

-- A re-run of which copied jobs are known was asked for its jobs.
copying_attempts AS (
    SELECT DISTINCT
        run_id,
        attempt
    FROM jobs
    WHERE copied
),

stopped_runs AS (
    SELECT
        a.repository,
        a.run_id,
        a.attempt,
        coalesce(j.jobs, 0) AS jobs,
        coalesce(j.has_executed, FALSE) AS has_executed,
        coalesce(s.cancelled_at, j.ended_at, a.updated_at, a.completed_at) AS cancelled_at,
        q.run_id IS NOT NULL OR w.run_id IS NOT NULL OR j.jobs IS NOT NULL AS jobs_known,
        n.run_id IS NOT NULL AS is_annotated
    FROM attempts AS a
    LEFT JOIN attempt_jobs AS j ON a.run_id = j.run_id AND a.attempt = j.attempt
    LEFT JOIN stopped_attempts AS s ON a.run_id = s.run_id AND a.attempt = s.attempt
    LEFT JOIN asked AS q ON a.run_id = q.run_id
    LEFT JOIN copying_attempts AS w ON a.run_id = w.run_id AND a.attempt = w.attempt
    LEFT JOIN annotated_attempts AS n ON a.run_id = n.run_id AND a.attempt = n.attempt
    WHERE a.conclusion = 'cancelled' OR s.is_deadlock
),

-- Who was in which group. What only the whole run is known to have (GitHub's list, an annotation) is taken as
-- the workflow's own, unless a row says where it belongs.
stated AS (
    SELECT
        g.run_id,
        g.attempt,
        g.job_id,
        g.job_name,
        g.level,
        g.group_name,
        g.cancel_in_progress,
        g.queue,
        coalesce(g.group_key, lower(g.group_name)) AS group_key
    FROM concurrency_groups AS g
    WHERE g.confidence IN ('known', 'likely') AND coalesce(g.group_key, g.group_name) IS NOT NULL
),

placed_names AS (
    SELECT DISTINCT
        run_id,
        group_key
    FROM stated
    WHERE level IS NOT NULL OR job_id IS NOT NULL
),

whole_rows AS (
    SELECT
        s.run_id,
        s.attempt,
        s.level,
        s.group_name,
        s.group_key,
        s.cancel_in_progress,
        s.queue
    FROM stated AS s
    WHERE s.job_id IS NULL AND s.level = 'workflow'
    UNION ALL BY NAME
    SELECT
        s.run_id,
        s.attempt,
        s.level,
        s.group_name,
        s.group_key,
        s.cancel_in_progress,
        s.queue
    FROM stated AS s
    ANTI JOIN placed_names AS p ON s.run_id = p.run_id AND s.group_key = p.group_key
    WHERE s.job_id IS NULL AND s.level IS NULL
    UNION ALL BY NAME
    SELECT
        t.run_id,
        t.attempt,
        NULL AS level,
        t.told_group AS group_name,
        t.told_key AS group_key,
        NULL AS cancel_in_progress,
        NULL AS queue
    FROM stopped_jobs AS t
    ANTI JOIN placed_names AS p ON t.run_id = p.run_id AND t.told_key = p.group_key
    WHERE t.told_key IS NOT NULL
),

attempt_times AS (
    SELECT
        a.repository,
        a.run_id,
        a.attempt,
        j.first_job_at,
        coalesce(j.all_skipped, a.conclusion = 'skipped', FALSE) AS is_idle,
        coalesce(a.created_at, a.started_at) AS arrived_at,
        coalesce(
            j.ended_at, a.completed_at, CASE WHEN a.status = 'completed' THEN a.updated_at END
        ) AS ended_at
    FROM attempts AS a
    LEFT JOIN attempt_jobs AS j ON a.run_id = j.run_id AND a.attempt = j.attempt
),

whole_members AS (
    SELECT
        t.repository,
        w.group_key,
        t.run_id,
        t.attempt,
        NULL::BIGINT AS job_id,
        '' AS lease,
        FALSE AS by_lane,
        any_value(t.arrived_at) AS arrived_at,
        any_value(t.ended_at) AS ended_at,
        any_value(t.first_job_at) AS acquired_at,
        any_value(t.is_idle) AS is_idle,
        max(w.level) AS level,
        min(w.group_name) AS group_name,
        bool_or(w.cancel_in_progress) AS cancel_in_progress,
        max(w.queue) AS queue
    FROM whole_rows AS w
    INNER JOIN attempt_times AS t ON w.run_id = t.run_id AND (w.attempt IS NULL OR w.attempt = t.attempt)
    GROUP BY t.repository, w.group_key, t.run_id, t.attempt
),

leased_jobs AS (
    SELECT
        s.*,
        j.job_id AS own_job_id,
        j.job_id::VARCHAR AS lease
    FROM stated AS s
    INNER JOIN own_jobs AS j ON s.job_id = j.job_id
    UNION ALL BY NAME
    -- Jobs of one called workflow hold their caller's lease together: 'deploy / build' and 'deploy / push'.
    SELECT
        s.*,
        j.job_id AS own_job_id,
        'of ' || s.job_name AS lease
    FROM stated AS s
    INNER JOIN own_jobs AS j
        ON s.run_id = j.run_id AND s.attempt = j.attempt AND starts_with(j.name, s.job_name || ' / ')
    WHERE s.job_id IS NULL AND s.level IN ('job', 'called')
),

job_rows AS (
    SELECT
        j.repository,
        s.group_key,
        j.run_id,
        j.attempt,
        j.job_id,
        j.created_at,
        j.started_at,
        j.completed_at,
        j.has_executed,
        j.conclusion,
        s.level,
        s.group_name,
        s.cancel_in_progress,
        s.queue,
        s.lease
    FROM leased_jobs AS s
    INNER JOIN own_jobs AS j ON s.own_job_id = j.job_id
),

job_members AS (
    SELECT
        j.repository,
        j.group_key,
        j.run_id,
        j.attempt,
        min(j.job_id) AS job_id,
        j.lease,
        FALSE AS by_lane,
        min(coalesce(j.created_at, j.started_at)) AS arrived_at,
        max(j.completed_at) AS ended_at,
        min(j.started_at) FILTER (WHERE j.has_executed) AS acquired_at,
        bool_and(coalesce(j.conclusion = 'skipped', FALSE)) AS is_idle,
        max(j.level) AS level,
        min(j.group_name) AS group_name,
        bool_or(j.cancel_in_progress) AS cancel_in_progress,
        max(j.queue) AS queue
    FROM job_rows AS j
    -- Caller and callee in one group are a deadlock, not a rivalry.
    ANTI JOIN whole_members AS w
        ON j.run_id = w.run_id AND j.attempt = w.attempt AND j.group_key = w.group_key
    GROUP BY j.repository, j.group_key, j.run_id, j.attempt, j.lease
),

grouped_runs AS (
    SELECT DISTINCT g.run_id
    FROM concurrency_groups AS g
    WHERE g.job_id IS NULL AND (g.level IS NULL OR g.level = 'workflow')
),

-- Where nothing is known of a run's group: runs of one workflow on one branch most often share theirs. Not so
-- where the file is known and has no group.
lane_members AS (
    SELECT
        t.repository,
        concat_ws(
            chr(10), 'lane', r.workflow_path, coalesce(r.head_repository, r.repository), r.head_branch
        ) AS group_key,
        t.run_id,
        t.attempt,
        NULL::BIGINT AS job_id,
        '' AS lease,
        TRUE AS by_lane,
        t.arrived_at,
        t.ended_at,
        t.first_job_at AS acquired_at,
        t.is_idle,
        NULL::VARCHAR AS level,
        NULL::VARCHAR AS group_name,
        NULL::BOOLEAN AS cancel_in_progress,
        NULL::VARCHAR AS queue
    FROM attempt_times AS t
    INNER JOIN runs AS r ON t.run_id = r.run_id
    ANTI JOIN whole_members AS w ON t.run_id = w.run_id AND t.attempt = w.attempt
    LEFT JOIN workflow_versions AS v
        ON r.repository = v.repository AND r.workflow_path = v.path AND r.head_sha = v.commit
    LEFT JOIN grouped_runs AS g ON t.run_id = g.run_id
    WHERE
        r.workflow_path IS NOT NULL AND r.head_branch IS NOT NULL
        AND (v.commit IS NULL OR g.run_id IS NOT NULL)
),

members AS (
    SELECT
        *,
        -- One that queues behind the others evicts nobody.
        coalesce(queue <> 'max', TRUE) OR coalesce(cancel_in_progress, FALSE) AS evicts,
        coalesce(cancel_in_progress, TRUE) AS kills
    FROM (
        SELECT * FROM whole_members
        UNION ALL BY NAME
        SELECT * FROM job_members
        UNION ALL BY NAME
        SELECT * FROM lane_members
    ) AS together
    WHERE arrived_at IS NOT NULL
),

numbered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY repository, group_key
            -- GitHub's ids grow, so they order what came in one second.
            ORDER BY arrived_at, coalesce(job_id, 0), run_id, attempt, lease
        ) AS position
    FROM members
),

queued AS (
    SELECT
        *,
        max(ended_at) OVER (
            PARTITION BY repository, group_key
            ORDER BY position
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until,
        min(CASE WHEN evicts THEN position END) OVER (
            PARTITION BY repository, group_key
            ORDER BY position
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS first_evictor,
        min(CASE WHEN kills THEN position END) OVER (
            PARTITION BY repository, group_key
            ORDER BY position
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS first_killer
    FROM numbered
),

-- The last to arrive at a group until any moment, among those that could have done it.
last_arrivals AS (
    SELECT
        repository,
        group_key,
        FALSE AS has_executed,
        arrived_at,
        max(position) AS position
    FROM numbered
    WHERE evicts
    GROUP BY repository, group_key, arrived_at
    UNION ALL BY NAME
    SELECT
        repository,
        group_key,
        TRUE AS has_executed,
        arrived_at,
        max(position) AS position
    FROM numbered
    WHERE kills
    GROUP BY repository, group_key, arrived_at
),

queueing_groups AS (
    SELECT DISTINCT
        repository,
        group_key
    FROM numbered
    WHERE queue = 'max'
),

moves AS (
    SELECT
        n.repository,
        n.group_key,
        n.position,
        unnest([1, -1]) AS change,
        unnest([n.arrived_at, coalesce(n.acquired_at, n.ended_at)]) AS moment
    FROM numbered AS n
    SEMI JOIN queueing_groups AS m ON (n.repository = m.repository AND n.group_key = m.group_key)
),

-- How many waited when a member of a queueing group arrived: arrivals less those that went on or gave up.
queue_lengths AS (
    SELECT
        repository,
        group_key,
        position,
        change,
        sum(change) OVER (
            PARTITION BY repository, group_key
            ORDER BY moment, change, position
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS waiting
    FROM moves
    WHERE moment IS NOT NULL
),

told_attempts AS (
    SELECT
        run_id,
        attempt,
        told_key,
        min(message) AS message,
        min(told_group) AS group_name
    FROM stopped_jobs
    WHERE word = 'superseded'
    GROUP BY run_id, attempt, told_key
),

-- What was cancelled, beside its place in each group that it was in.
stakes AS (
    SELECT
        s.run_id,
        s.attempt,
        NULL::BIGINT AS job_id,
        s.jobs,
        s.has_executed,
        s.cancelled_at,
        s.jobs_known,
        s.is_annotated,
        q.repository,
        q.group_key,
        q.position,
        t.message,
        coalesce(t.group_name, q.group_name) AS group_name
    FROM stopped_runs AS s
    INNER JOIN queued AS q ON s.run_id = q.run_id AND s.attempt = q.attempt AND q.job_id IS NULL
    LEFT JOIN told_attempts AS t
        ON s.run_id = t.run_id AND s.attempt = t.attempt AND q.group_key = t.told_key
    UNION ALL BY NAME
    SELECT
        s.run_id,
        s.attempt,
        s.job_id,
        1 AS jobs,
        s.has_executed,
        s.cancelled_at,
        TRUE AS jobs_known,
        n.run_id IS NOT NULL AS is_annotated,
        q.repository,
        q.group_key,
        q.position,
        CASE WHEN s.word = 'superseded' AND s.told_key = q.group_key THEN s.message END AS message,
        coalesce(CASE WHEN s.told_key = q.group_key THEN s.told_group END, q.group_name) AS group_name
    FROM stopped_jobs AS s
    INNER JOIN job_rows AS r ON s.job_id = r.job_id
    INNER JOIN queued AS q
        ON
            r.repository = q.repository AND r.group_key = q.group_key
            AND r.run_id = q.run_id AND r.attempt = q.attempt AND r.lease = q.lease
    LEFT JOIN annotated_attempts AS n ON s.run_id = n.run_id AND s.attempt = n.attempt
),

rivals AS (
    SELECT
        s.*,
        v.busy_until,
        v.by_lane,
        v.level,
        v.queue,
        v.arrived_at AS own_arrival,
        l.position AS last_position,
        CASE WHEN s.has_executed THEN v.first_killer ELSE v.first_evictor END AS first_position
    FROM stakes AS s
    INNER JOIN queued AS v
        ON s.repository = v.repository AND s.group_key = v.group_key AND s.position = v.position
    ASOF LEFT JOIN last_arrivals AS l
        ON
            s.repository = l.repository AND s.group_key = l.group_key AND s.has_executed = l.has_executed
            AND s.cancelled_at >= l.arrived_at
),

-- A job may be evicted by another leg of its own matrix, a run never by itself.
compared AS (
    SELECT
        r.*,
        f.run_id AS first_run_id,
        l.run_id AS last_run_id,
        coalesce(f.cancel_in_progress, FALSE) AS first_cancels,
        (epoch_us(r.cancelled_at) - epoch_us(f.arrived_at)) / 1000000.0 AS first_lag,
        (epoch_us(r.cancelled_at) - epoch_us(l.arrived_at)) / 1000000.0 AS last_lag,
        coalesce(f.run_id <> r.run_id OR r.job_id IS NOT NULL, FALSE) AS first_is_other,
        coalesce(l.run_id <> r.run_id OR r.job_id IS NOT NULL, FALSE)
        AND r.last_position > r.position AS last_is_other
    FROM rivals AS r
    LEFT JOIN numbered AS f
        ON r.repository = f.repository AND r.group_key = f.group_key AND r.first_position = f.position
    LEFT JOIN numbered AS l
        ON r.repository = l.repository AND r.group_key = l.group_key AND r.last_position = l.position
),

-- The first to arrive after it is who did it, for it did not survive that one. Where that one came long
-- before (so that something of the group is not known), the last to arrive before its end.
fitting AS (
    SELECT
        *,
        first_is_other AND coalesce(
            first_lag BETWEEN 0 AND CASE
                -- Without a word from GitHub, only a known setting lets a running one end that late.
                WHEN has_executed AND (message IS NOT NULL OR first_cancels) THEN $tail_seconds
                WHEN has_executed OR message IS NOT NULL THEN $annotated_seconds
                ELSE $waiting_seconds
            END,
            FALSE
        ) AS first_fits,
        last_is_other AND coalesce(
            last_lag BETWEEN 0 AND CASE
                WHEN has_executed OR message IS NOT NULL THEN $annotated_seconds
                ELSE $waiting_seconds
            END,
            FALSE
        ) AS last_fits,
        -- What waits alone is evicted by the next to come, whenever its row was last touched.
        first_is_other AND coalesce(first_lag > 0, FALSE)
        AND jobs = 0 AND job_id IS NULL AND message IS NULL AND NOT by_lane AS first_is_possible
    FROM compared
),

decided AS (
    SELECT
        c.*,
        k.run_id AS by_run_id,
        k.attempt AS by_attempt,
        k.job_id AS by_job_id,
        k.arrived_at AS by_arrival,
        k.cancel_in_progress AS by_cancel,
        w.waiting,
        (epoch_us(c.cancelled_at) - epoch_us(k.arrived_at)) / 1000000.0 AS lag_seconds,
        CASE
            WHEN c.has_executed THEN 'superseded-running'
            -- Nobody else was there: it held the group and waited for its first runner.
            WHEN k.cancel_in_progress AND (c.busy_until IS NULL OR c.busy_until < k.arrived_at)
                THEN 'superseded-running'
            ELSE 'superseded-waiting'
        END AS cause
    FROM fitting AS c
    LEFT JOIN numbered AS k
        ON
            c.repository = k.repository AND c.group_key = k.group_key
            AND CASE
                WHEN c.first_fits THEN c.first_position
                WHEN c.last_fits THEN c.last_position
                WHEN c.first_is_possible THEN c.first_position
            END = k.position
    LEFT JOIN queue_lengths AS w
        ON
            c.repository = w.repository AND c.group_key = w.group_key AND c.position = w.position
            AND w.change = 1
),

-- One verdict of the groups for each attempt and job.
by_group AS (
    SELECT
        *,
        CASE
            WHEN message IS NOT NULL THEN 'known'
            WHEN by_lane OR NOT jobs_known OR NOT (first_fits OR last_fits) THEN 'possible'
            -- GitHub notes a supersession on the jobs, so notes that do not mention one speak against it.
            WHEN jobs > 0 AND is_annotated THEN 'possible'
            WHEN has_executed AND NOT coalesce(by_cancel, FALSE) THEN 'possible'
            WHEN lag_seconds > $waiting_seconds THEN 'possible'
            ELSE 'likely'
        END AS confidence
    FROM decided
    WHERE message IS NOT NULL OR by_run_id IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY run_id, attempt, job_id
        ORDER BY
            message IS NULL, by_run_id IS NULL, by_lane, lag_seconds, level NULLS LAST, group_key
    ) = 1
),

full_queues AS (
    SELECT
        run_id,
        attempt,
        max(waiting) AS waiting,
        arg_max(group_name, waiting) AS group_name,
        arg_max(group_key, waiting) AS group_key,
        arg_max(level, waiting) AS level
    FROM decided
    WHERE
        job_id IS NULL AND jobs = 0 AND queue = 'max' AND message IS NULL
        AND waiting >= $queue_limit
        AND epoch_us(cancelled_at) - epoch_us(own_arrival) BETWEEN 0 AND $annotated_seconds * 1000000
    GROUP BY run_id, attempt
),

clocks AS (
    SELECT
        *,
        'run ' || by_run_id || CASE WHEN by_attempt > 1 THEN ' (attempt ' || by_attempt || ')' ELSE '' END
        || ' arrived ' || CASE
            WHEN by_lane THEN 'in its workflow and branch (of which no group is known)'
            ELSE 'at ''' || group_name || ''''
        END
        || ' at ' || strftime(by_arrival, '%Y-%m-%d %H:%M:%S') || ' UTC, ' || lag_seconds::BIGINT
        || ' s before the cancellation shows' AS arrival
    FROM by_group
),

-- All that can be said of an attempt or job, the strongest first.
verdicts AS (
    SELECT
        run_id,
        attempt,
        job_id,
        CASE
            WHEN message IS NOT NULL AND job_id IS NULL THEN 10
            WHEN message IS NOT NULL THEN 13
            WHEN confidence = 'likely' THEN 30
            ELSE 40
        END AS rank,
        cause,
        level,
        group_name,
        group_key,
        by_run_id,
        by_attempt,
        by_job_id,
        NULL::VARCHAR AS by_login,
        cancelled_at,
        lag_seconds,
        message AS evidence,
        confidence,
        CASE
            WHEN message IS NOT NULL
                THEN 'GitHub says so in an annotation; ' || coalesce(
                    arrival, 'whoever arrived at ''' || group_name || ''' is not in this case'
                ) || '.'
            WHEN jobs = 0 AND jobs_known AND (first_fits OR last_fits)
                THEN 'It ended without a single job, and ' || arrival || '.'
            WHEN jobs = 0 AND jobs_known
                THEN
                    'It ended without a single job, and ' || arrival
                    || ': who waits in that group is evicted by the next, but its end was noted later.'
            WHEN jobs = 0
                THEN 'No job of it is known, and it is not known that there was none; ' || arrival || '.'
            WHEN has_executed
                THEN
                    'It was running, and ' || arrival || CASE
                        WHEN by_cancel THEN ' with cancel-in-progress.'
                        ELSE '; whether with cancel-in-progress is not known.'
                    END
            ELSE 'It had not begun, and ' || arrival || '.'
        END AS detail
    FROM clocks
    UNION ALL BY NAME
    SELECT
        run_id,
        attempt,
        NULL AS job_id,
        20 AS rank,
        'queue-full' AS cause,
        level,
        group_name,
        group_key,
        NULL AS by_run_id,
        NULL AS by_attempt,
        NULL AS by_job_id,
        NULL AS by_login,
        NULL AS cancelled_at,
        NULL AS lag_seconds,
        NULL AS evidence,
        'likely' AS confidence,
        format(
            'It ended without a single job as soon as it arrived at ''{}'' (queue: max), where {} waited.',
            group_name,
            waiting::BIGINT
        ) AS detail
    FROM full_queues
    UNION ALL BY NAME
    SELECT
        run_id,
        attempt,
        job_id,
        CASE word WHEN 'deadlock' THEN 11 WHEN 'person' THEN 12 ELSE 15 END AS rank,
        word AS cause,
        NULL AS level,
        told_group AS group_name,
        told_key AS group_key,
        NULL AS by_run_id,
        NULL AS by_attempt,
        NULL AS by_job_id,
        CASE WHEN word = 'person' THEN regexp_extract(message, 'canceled by @(\S*[^\s.])', 1) END AS by_login,
        cancelled_at,
        NULL AS lag_seconds,
        message AS evidence,
        'known' AS confidence,
        'GitHub says so in an annotation of job ''' || name || '''.' AS detail
    FROM stopped_jobs
    WHERE word <> 'superseded'
),

-- A run also ends for what stopped one of its jobs, a job for what stopped its run.
run_verdicts AS (
    SELECT v.*
    FROM verdicts AS v
    INNER JOIN stopped_runs AS s ON v.run_id = s.run_id AND v.attempt = s.attempt
    WHERE v.job_id IS NULL OR v.cause <> 'fail-fast'
    QUALIFY row_number() OVER (
        PARTITION BY v.run_id, v.attempt
        ORDER BY v.rank, v.job_id IS NOT NULL, v.cancelled_at, v.job_id
    ) = 1
),

failed_legs AS (
    SELECT
        run_id,
        attempt,
        completed_at,
        split_part(name, ' (', 1) AS matrix,
        min(name) AS name
    FROM own_jobs
    WHERE conclusion = 'failure' AND contains(name, ' (') AND completed_at IS NOT NULL
    GROUP BY run_id, attempt, split_part(name, ' (', 1), completed_at
),

left_legs AS (
    SELECT
        s.run_id,
        s.attempt,
        s.job_id,
        s.cancelled_at,
        f.name AS failed_leg,
        (epoch_us(s.cancelled_at) - epoch_us(f.completed_at)) // 1000000 AS whole_seconds
    FROM stopped_jobs AS s
    ASOF INNER JOIN failed_legs AS f
        ON
            s.run_id = f.run_id AND s.attempt = f.attempt AND split_part(s.name, ' (', 1) = f.matrix
            AND s.cancelled_at >= f.completed_at
    WHERE s.word IS NULL AND contains(s.name, ' (')
),

job_candidates AS (
    SELECT
        s.run_id,
        s.attempt,
        s.job_id,
        v.rank,
        v.cause,
        v.level,
        v.group_name,
        v.group_key,
        v.by_run_id,
        v.by_attempt,
        v.by_job_id,
        v.by_login,
        v.lag_seconds,
        v.confidence,
        v.detail,
        s.cancelled_at,
        coalesce(v.evidence, s.message) AS evidence
    FROM stopped_jobs AS s
    INNER JOIN verdicts AS v ON s.job_id = v.job_id
    UNION ALL BY NAME
    SELECT
        s.run_id,
        s.attempt,
        s.job_id,
        v.rank,
        v.cause,
        v.level,
        v.group_name,
        v.group_key,
        v.by_run_id,
        v.by_attempt,
        v.by_job_id,
        v.by_login,
        v.lag_seconds,
        v.confidence,
        v.detail,
        s.cancelled_at,
        coalesce(s.message, v.evidence) AS evidence
    FROM stopped_jobs AS s
    INNER JOIN run_verdicts AS v ON s.run_id = v.run_id AND s.attempt = v.attempt
    WHERE
        v.cause IN ('deadlock', 'person')
        OR (v.cause IN ('superseded-waiting', 'superseded-running') AND v.job_id IS NULL)
    UNION ALL BY NAME
    SELECT
        l.run_id,
        l.attempt,
        l.job_id,
        l.cancelled_at,
        50 AS rank,
        'fail-fast' AS cause,
        'possible' AS confidence,
        'No annotation says why; ''' || l.failed_leg || ''' of the same matrix had failed '
        || l.whole_seconds || ' s before.' AS detail
    FROM left_legs AS l
    WHERE l.whole_seconds <= $annotated_seconds
),

job_verdicts AS (
    SELECT *
    FROM job_candidates
    QUALIFY row_number() OVER (PARTITION BY job_id ORDER BY rank, group_key) = 1
)

SELECT
    s.run_id,
    s.attempt,
    NULL::BIGINT AS job_id,
    v.level,
    v.group_name,
    v.group_key,
    v.by_run_id,
    v.by_attempt,
    v.by_job_id,
    v.by_login,
    s.cancelled_at,
    v.lag_seconds,
    v.evidence,
    coalesce(v.cause, 'unknown') AS cause,
    coalesce(v.confidence, 'unknown') AS confidence,
    coalesce(
        v.detail,
        CASE
            WHEN s.jobs = 0 AND s.jobs_known
                THEN
                    'It ended without a single job, and nobody is known to have arrived at its group then: '
                    || 'a person or app may have cancelled it, or a queue was full.'
            WHEN s.jobs = 0 THEN 'No job of it is known, so nothing says why.'
            WHEN s.is_annotated THEN 'No annotation of its jobs says why, and no arrival at its group fits.'
            ELSE 'The annotations of its jobs are not in this case, and no arrival at its group fits.'
        END
    ) AS detail
FROM stopped_runs AS s
LEFT JOIN run_verdicts AS v ON s.run_id = v.run_id AND s.attempt = v.attempt
UNION ALL BY NAME
SELECT
    s.run_id,
    s.attempt,
    s.job_id,
    v.level,
    v.group_name,
    v.group_key,
    v.by_run_id,
    v.by_attempt,
    v.by_job_id,
    v.by_login,
    s.cancelled_at,
    v.lag_seconds,
    coalesce(v.evidence, s.message) AS evidence,
    coalesce(v.cause, 'unknown') AS cause,
    coalesce(v.confidence, 'unknown') AS confidence,
    coalesce(v.detail, 'No annotation of it says why, and no arrival at a group of it fits.') AS detail
FROM stopped_jobs AS s
LEFT JOIN job_verdicts AS v ON s.job_id = v.job_id
