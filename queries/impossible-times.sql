-- id: impossible-times
-- title: Times that cannot be
-- severity: info
-- precision: certain
-- question: Which runs, jobs and steps have times that contradict each other, or that cannot be at all?
-- params:
--   grain_seconds:
--     default: 1.0
--     means: GitHub cuts its times to whole seconds; what is out of order by no more than this is not told.
--   worked_seconds:
--     default: 5.0
--     means: A job without length is told where its steps or its log reach over more than this.
-- columns:
--   kind: >-
--     unknown (GitHub's time lies before 2008 or in the future, and counts as unknown),
--     ends-before-start, starts-before-created, zero-length (while steps or log lines say that work was
--     done) or outside-its-job.
--   part: run, job or step.
--   workflow: Name of the workflow.
--   times: How many runs, jobs or steps it is true of.
--   worst_seconds: By how much at most; NULL where nothing can be compared.
-- example: a job that ended before it started
-- false_positives: >-
--   GitHub ends a skipped job up to seconds before its start, re-runs carry jobs with times from before
--   they were asked for, and runners report steps a second before their job: copied jobs, jobs that
--   nothing executed and differences within the grain are not told, nor what starts before creation in a
--   re-run.
-- remedy: >-
--   Nothing to mend in the workflow: these rows are wrong at the source. Take the run again with
--   forensics ingest (GitHub corrects some times later), and do not trust durations and overlaps of the
--   runs named.

WITH logged AS (
    SELECT
        job_id,
        min(first_at) AS first_at,
        max(last_at) AS last_at
    FROM log_sources
    WHERE form <> 'system'
    GROUP BY job_id
),

own_jobs AS (
    SELECT
        *,
        coalesce(executed, TRUE) AS may_have_executed
    FROM jobs
    WHERE NOT copied AND NOT inferred
),

-- A job of no length is only looked at closely, so that long cases stay quick.
zero_jobs AS (
    SELECT
        j.run_id,
        j.attempt,
        j.job_id,
        j.started_at,
        greatest(
            max(seconds_between(s.started_at, s.completed_at)),
            any_value(seconds_between(g.first_at, g.last_at))
        ) AS seconds
    FROM own_jobs AS j
    LEFT JOIN steps AS s ON j.job_id = s.job_id
    LEFT JOIN logged AS g ON j.job_id = g.job_id
    WHERE j.executed AND j.started_at = j.completed_at
    GROUP BY j.run_id, j.attempt, j.job_id, j.started_at
),

odd AS (
    SELECT
        'ends-before-start' AS kind,
        'job' AS part,
        run_id,
        attempt,
        started_at AS seen_at,
        seconds_between(completed_at, started_at) AS seconds
    FROM own_jobs
    WHERE completed_at < started_at AND may_have_executed
    UNION ALL
    SELECT
        'starts-before-created' AS kind,
        'job' AS part,
        run_id,
        attempt,
        started_at AS seen_at,
        seconds_between(started_at, created_at) AS seconds
    FROM own_jobs
    WHERE
        attempt = 1
        AND may_have_executed
        AND started_at < created_at
    UNION ALL
    SELECT
        'starts-before-created' AS kind,
        'run' AS part,
        j.run_id,
        j.attempt,
        min(j.started_at) AS seen_at,
        max(seconds_between(j.started_at, r.created_at)) AS seconds
    FROM own_jobs AS j
    INNER JOIN runs AS r ON j.repository = r.repository AND j.run_id = r.run_id
    WHERE
        j.attempt = 1
        AND j.may_have_executed
        AND j.started_at < r.created_at
    GROUP BY j.run_id, j.attempt
    UNION ALL
    SELECT
        'zero-length' AS kind,
        'job' AS part,
        run_id,
        attempt,
        started_at AS seen_at,
        seconds
    FROM zero_jobs
    UNION ALL
    -- A job of no length is told itself, where work was done; its steps all lie outside.
    SELECT
        CASE WHEN s.completed_at < s.started_at THEN 'ends-before-start' ELSE 'outside-its-job' END AS kind,
        'step' AS part,
        j.run_id,
        j.attempt,
        s.started_at AS seen_at,
        CASE
            WHEN s.completed_at < s.started_at THEN seconds_between(s.completed_at, s.started_at)
            ELSE
                greatest(
                    seconds_between(s.started_at, j.started_at),
                    seconds_between(j.completed_at, s.completed_at)
                )
        END AS seconds
    FROM steps AS s
    INNER JOIN own_jobs AS j ON s.job_id = j.job_id
    WHERE
        j.may_have_executed
        AND (
            s.completed_at < s.started_at
            OR (
                coalesce(s.conclusion, '') <> 'skipped'
                AND j.completed_at > j.started_at
                AND (s.started_at < j.started_at OR s.completed_at > j.completed_at)
            )
        )
    UNION ALL
    -- What loading has made unknown; raw has what GitHub said. gh writes the year 1 for what is not known.
    SELECT
        'unknown' AS kind,
        'job' AS part,
        run_id,
        attempt,
        coalesce(started_at, completed_at, created_at) AS seen_at,
        NULL AS seconds
    FROM own_jobs
    WHERE
        (started_at IS NULL OR completed_at IS NULL OR created_at IS NULL)
        AND (
            (
                started_at IS NULL
                AND coalesce(
                    raw ->> 'started_at', nullif(raw ->> 'startedAt', '0001-01-01T00:00:00Z'), ''
                ) <> ''
            )
            OR (
                completed_at IS NULL
                AND coalesce(
                    raw ->> 'completed_at', nullif(raw ->> 'completedAt', '0001-01-01T00:00:00Z'), ''
                ) <> ''
            )
            OR (created_at IS NULL AND coalesce(raw ->> 'created_at', '') <> '')
        )
    UNION ALL
    SELECT
        'unknown' AS kind,
        'run' AS part,
        run_id,
        coalesce(latest_attempt, 1) AS attempt,
        coalesce(created_at, run_started_at, updated_at) AS seen_at,
        NULL AS seconds
    FROM runs
    WHERE
        (created_at IS NULL OR run_started_at IS NULL OR updated_at IS NULL)
        AND (
            (created_at IS NULL AND coalesce(raw ->> 'created_at', '') <> '')
            OR (run_started_at IS NULL AND coalesce(raw ->> 'run_started_at', '') <> '')
            OR (updated_at IS NULL AND coalesce(raw ->> 'updated_at', '') <> '')
        )
),

worth_telling AS (
    SELECT *
    FROM odd
    WHERE
        seconds IS NULL
        OR seconds > CASE kind
            WHEN 'ends-before-start' THEN 0
            WHEN 'zero-length' THEN $worked_seconds
            ELSE $grain_seconds
        END
),

told AS (
    SELECT
        o.kind,
        o.part,
        coalesce(r.repository, '') AS repository,
        coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name, '') AS workflow_key,
        any_value(coalesce(r.workflow_name, r.workflow_path, 'unknown workflow')) AS workflow,
        count(*) AS times,
        max(o.seconds) AS worst_seconds,
        min(o.seen_at) AS occurred_at,
        list(DISTINCT run_ref(o.run_id, o.attempt) ORDER BY run_ref(o.run_id, o.attempt)) AS runs,
        arg_min(
            run_label(o.run_id, o.attempt), (-coalesce(o.seconds, 0), o.run_id, o.attempt)
        ) AS label
    FROM worth_telling AS o
    LEFT JOIN runs AS r ON o.run_id = r.run_id
    GROUP BY ALL
)

SELECT
    t.occurred_at,
    t.repository,
    t.kind,
    t.part,
    t.workflow,
    t.times,
    t.worst_seconds,
    list_slice(t.runs, 1, 20) AS runs,
    concat_ws(chr(10), t.repository, t.workflow_key, t.kind, t.part) AS about,
    -- Durations and orders that are reckoned from these are not known.
    CASE WHEN t.kind IN ('ends-before-start', 'unknown') AND t.part <> 'step' THEN 'low' ELSE 'info' END
        AS severity,
    format(
        '''{}'': {} {}{}, {}in {}.',
        t.workflow,
        counted(t.times, t.part, t.part || 's'),
        CASE t.kind
            WHEN 'unknown' THEN 'with a time before 2008 or in the future, which counts as unknown'
            WHEN 'ends-before-start' THEN 'that ended before the start'
            WHEN 'starts-before-created'
                THEN if(t.part = 'run', 'with a job that began before it', 'that began before the creation')
            WHEN 'zero-length' THEN 'of no length although work was done'
            ELSE 'outside the time of the job'
        END,
        CASE
            WHEN t.worst_seconds IS NULL THEN ''
            WHEN t.kind = 'zero-length' THEN format(' for {}', duration_text(t.worst_seconds))
            ELSE format(', by {}{}', if(t.times > 1, 'up to ', ''), duration_text(t.worst_seconds))
        END,
        if(t.times > 1, 'for example ', ''),
        t.label
    ) AS message
FROM told AS t;
