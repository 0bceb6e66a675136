-- id: log-gaps
-- title: What a workflow wrote cannot be told, for want of logs
-- severity: low
-- precision: certain
-- question: Of which runs that may have written is the log missing, expired, cut short, or nobody's?
-- params:
--   minimum_share:
--     default: 1
--     means: Only told where at least so many of a hundred executed jobs have no whole log.
--   cut_seconds:
--     default: 300
--     means: A log that spans so much less time than its job is cut short.
--   most_runs:
--     default: 20
--     means: How many of the runs a finding names at most, the last ones first.
-- columns:
--   kind: jobs (of a workflow that writes) or unattributed (logs of writes that could be given to no run).
--   workflow: Name of the workflow; NULL for logs that belong to none.
--   executed: How many jobs of it executed; for unattributed ones, how many logs.
--   whole: How many of them have a log from beginning to end.
--   expired: How many logs GitHub does not keep any more.
--   refused: How many were not to be had for another reason, or are still to be fetched.
--   cut_short: How many logs end long before their job did.
--   missing: How many are not in the case for no reason that it knows.
-- example: the logs of half of the deploys have expired
-- false_positives: >-
--   Only workflows that write are told, by their logs, a deployment, their permissions or their name. A job
--   that no runner took has no log and lacks none. Clocks play no part in cut_short, which compares the time
--   from the first line to the last with the time from the job's start to its end.
-- remedy: >-
--   Fetch logs before they expire (after 90 days, or what the repository's settings say) with a regular
--   forensics ingest. Hand the run's JSON in beside a log, so that it finds its run.

WITH wanted AS (
    SELECT
        r.repository,
        r.workflow,
        r.workflow_key,
        j.run_id,
        j.attempt,
        j.job_id,
        j.started_at,
        w.seen,
        seconds_between(j.started_at, j.completed_at) AS seconds
    FROM jobs AS j
    INNER JOIN named_runs AS r ON j.run_id = r.run_id
    INNER JOIN writing_workflows AS w ON r.repository = w.repository AND r.workflow_key = w.workflow_key
    WHERE
        NOT j.copied AND NOT j.inferred AND j.completed_at IS NOT NULL
        AND coalesce(j.executed, j.conclusion IS DISTINCT FROM 'skipped' AND j.started_at < j.completed_at)
),

spans AS (
    SELECT
        job_id,
        seconds_between(min(first_at), max(last_at)) AS seconds
    FROM log_sources
    WHERE job_id IS NOT NULL AND form <> 'system'
    GROUP BY job_id
),

asked_runs AS (
    SELECT
        run_id,
        attempt,
        bool_or(state IN ('expired', 'deleted')) AS expired
    FROM work
    WHERE kind = 'logs' AND state NOT IN ('done', 'skipped') AND run_id IS NOT NULL
    GROUP BY run_id, attempt
),

asked_jobs AS (
    SELECT
        job_id,
        bool_or(state IN ('expired', 'deleted')) AS expired
    FROM work
    WHERE kind = 'job-log' AND state NOT IN ('done', 'skipped') AND job_id IS NOT NULL
    GROUP BY job_id
),

looked AS (
    SELECT
        w.*,
        CASE
            WHEN s.job_id IS NOT NULL THEN 'whole'
            WHEN j.expired OR r.expired THEN 'expired'
            WHEN j.job_id IS NOT NULL OR r.run_id IS NOT NULL THEN 'refused'
            ELSE 'missing'
        END AS found,
        w.seconds - s.seconds AS lacks
    FROM wanted AS w
    LEFT JOIN spans AS s ON w.job_id = s.job_id
    LEFT JOIN asked_jobs AS j ON w.job_id = j.job_id
    LEFT JOIN asked_runs AS r ON w.run_id = r.run_id AND w.attempt = r.attempt
),

judged AS (
    SELECT
        *,
        CASE WHEN found = 'whole' AND lacks > $cut_seconds THEN 'cut short' ELSE found END AS state
    FROM looked
),

summed AS (
    SELECT
        repository,
        workflow_key,
        'jobs' AS kind,
        max(workflow) AS workflow,
        bool_or(seen) AS seen,
        count(*) AS executed,
        count(*) FILTER (WHERE state = 'whole') AS whole,
        count(*) FILTER (WHERE state = 'expired') AS expired,
        count(*) FILTER (WHERE state = 'refused') AS refused,
        count(*) FILTER (WHERE state = 'cut short') AS cut_short,
        count(*) FILTER (WHERE state = 'missing') AS missing,
        count(DISTINCT run_ref(run_id, attempt)) FILTER (WHERE state <> 'whole') AS attempts,
        max(started_at) FILTER (WHERE state <> 'whole') AS last_at,
        list_slice(
            arg_max(run_ref(run_id, attempt), (started_at, run_id, attempt), 100)
            FILTER (WHERE state <> 'whole'),
            1, $most_runs
        ) AS runs
    FROM judged
    GROUP BY repository, workflow_key
    HAVING count(*) FILTER (WHERE state <> 'whole') * 100 >= greatest(1, count(*) * $minimum_share)
),

-- Logs of writes that were given to a made-up run, although the case knows runs of that repository.
nobodys AS (
    SELECT
        w.repository,
        count(DISTINCT w.job_id) AS logs,
        max(w.occurred_at) AS last_at,
        list_slice(
            list(DISTINCT run_ref(w.run_id, w.attempt) ORDER BY run_ref(w.run_id, w.attempt) DESC),
            1, $most_runs
        ) AS runs
    FROM write_effects AS w
    WHERE w.run_id < 0 AND w.repository IN (SELECT r.repository FROM named_runs AS r)
    GROUP BY w.repository
)

-- noqa: disable=AM07
SELECT
    last_at AS occurred_at,
    repository,
    kind,
    workflow,
    executed,
    whole,
    expired,
    refused,
    cut_short,
    missing,
    runs,
    concat_ws(chr(10), kind, repository, workflow_key) AS about,
    CASE WHEN seen THEN 'low' ELSE 'info' END AS severity,
    format(
        '''{}'': of {} of {} that executed there is no whole log ({} expired, {} not to be had or still '
        || 'to be fetched, {} cut short, {} not in the case); what {} wrote, and in which order, cannot be '
        || 'told.',
        workflow,
        executed - whole,
        counted(executed, 'job', 'jobs'),
        expired,
        refused,
        cut_short,
        missing,
        counted(attempts, 'run', 'runs')
    ) AS message
FROM summed
UNION ALL BY NAME
SELECT
    last_at AS occurred_at,
    repository,
    'unattributed' AS kind,
    logs AS executed,
    runs,
    concat_ws(chr(10), 'unattributed', repository) AS about,
    'info' AS severity,
    format(
        '{}: {} with writes could be given to no run of the case, so that their commit, branch and '
        || 'workflow are unknown, and they are compared with nothing for certain.',
        CASE WHEN repository = '' THEN 'repository unknown' ELSE '''' || repository || '''' END,
        counted(logs, 'log', 'logs')
    ) AS message
FROM nobodys;
