-- What follows from other rows. Every statement may be run again and then changes nothing.

-- Rows made up for a log go when the log was given to a real job, or is gone.
DELETE FROM jobs
WHERE
    inferred
    AND NOT EXISTS (
        SELECT 1 FROM log_sources AS s
        WHERE s.job_id = jobs.job_id
    );

-- Jobs of a run of which no object was seen still belong to a run.
INSERT INTO runs BY NAME
SELECT
    j.run_id,
    TRUE AS inferred,
    min(j.repository) AS repository,
    min(j.workflow_name) AS workflow_name,
    min(j.head_sha) AS head_sha,
    min(j.head_branch) AS head_branch,
    max(j.attempt) AS latest_attempt
FROM jobs AS j
ANTI JOIN runs AS r ON j.run_id = r.run_id
GROUP BY j.run_id;

INSERT INTO attempts BY NAME
SELECT
    j.run_id,
    j.attempt,
    TRUE AS inferred,
    min(j.repository) AS repository
FROM jobs AS j
ANTI JOIN attempts AS a ON j.run_id = a.run_id AND j.attempt = a.attempt
GROUP BY j.run_id, j.attempt;

DELETE FROM attempts
WHERE
    inferred
    AND NOT EXISTS (
        SELECT 1 FROM jobs AS j
        WHERE j.run_id = attempts.run_id AND j.attempt = attempts.attempt
    )
    AND NOT EXISTS (
        SELECT 1 FROM log_sources AS s
        WHERE s.run_id = attempts.run_id AND s.attempt = attempts.attempt
    );

DELETE FROM runs
WHERE
    inferred
    AND NOT EXISTS (
        SELECT 1 FROM attempts AS a
        WHERE a.run_id = runs.run_id
    );

-- A job or log may have come without a repository that its run knows.
UPDATE jobs SET repository = runs.repository
FROM runs
WHERE jobs.run_id = runs.run_id AND jobs.repository = '' AND runs.repository <> '';

UPDATE runs SET repository = found.repository
FROM (
    SELECT
        run_id,
        min(repository) AS repository
    FROM jobs
    WHERE repository <> ''
    GROUP BY run_id
) AS found
WHERE runs.run_id = found.run_id AND runs.repository = '';

UPDATE attempts SET repository = runs.repository
FROM runs
WHERE attempts.run_id = runs.run_id AND attempts.repository <> runs.repository;

UPDATE effects SET repository = runs.repository
FROM runs
WHERE effects.run_id = runs.run_id AND effects.repository = '' AND runs.repository <> '';

-- An inferred job lasts from its first line to its last.
UPDATE jobs SET started_at = seen.first_at, completed_at = seen.last_at
FROM (
    SELECT
        job_id,
        min(first_at) AS first_at,
        max(last_at) AS last_at
    FROM log_sources
    GROUP BY job_id
) AS seen
WHERE jobs.job_id = seen.job_id AND jobs.inferred;

-- Times that cannot be: before GitHub was there (2008), or more than a day after the newest time in the case
-- that no single odd object makes (when evidence was taken, last log lines, creation of runs, and by
-- GitHub's clock, where ours is behind, the end of what was listed). They are
-- unknown to everything that reckons with times; raw keeps them, and from raw they are told below.
CREATE OR REPLACE TEMP TABLE possible AS
SELECT
    TIMESTAMP '2008-01-01' AS first_at,
    greatest(
        (SELECT max(taken_at) FROM evidence),
        (SELECT max(last_at) FROM log_sources),
        (SELECT max(created_at) FROM runs),
        (SELECT max(ends_at) FROM listings)
    ) + INTERVAL 1 DAY AS last_at;

UPDATE jobs SET
    created_at = CASE WHEN created_at BETWEEN first_at AND last_at THEN created_at END,
    started_at = CASE WHEN started_at BETWEEN first_at AND last_at THEN started_at END,
    completed_at = CASE WHEN completed_at BETWEEN first_at AND last_at THEN completed_at END
FROM possible
WHERE
    NOT inferred
    AND (
        least(created_at, started_at, completed_at) < first_at
        OR greatest(created_at, started_at, completed_at) > last_at
    );

UPDATE runs SET
    created_at = CASE WHEN created_at >= first_at THEN created_at END,
    run_started_at = CASE WHEN run_started_at BETWEEN first_at AND last_at THEN run_started_at END,
    updated_at = CASE WHEN updated_at BETWEEN first_at AND last_at THEN updated_at END
FROM possible
WHERE
    least(created_at, run_started_at, updated_at) < first_at
    OR greatest(run_started_at, updated_at) > last_at;

UPDATE attempts SET
    created_at = CASE WHEN created_at BETWEEN first_at AND last_at THEN created_at END,
    updated_at = CASE WHEN updated_at BETWEEN first_at AND last_at THEN updated_at END
FROM possible
WHERE
    least(created_at, updated_at) < first_at
    OR greatest(created_at, updated_at) > last_at;

DROP TABLE possible;

DELETE FROM problems
WHERE kind = 'odd-times';

INSERT INTO problems BY NAME
WITH told AS (
    SELECT
        run_id,
        job_id,
        'jobs end before they began; each counts as ended when it began' AS oddity
    FROM jobs
    -- GitHub ends a skipped job up to seconds before its start: nothing executed there (121 in real data).
    WHERE completed_at < started_at AND NOT inferred AND executed IS DISTINCT FROM FALSE
    UNION ALL BY NAME
    -- gh writes the year 1 for what is not known; REST has null.
    SELECT
        run_id,
        job_id,
        'jobs have times that cannot be; they count as unknown' AS oddity
    FROM jobs
    WHERE
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
    UNION ALL BY NAME
    SELECT
        run_id,
        NULL::BIGINT AS job_id,
        'runs have times that cannot be; they count as unknown' AS oddity
    FROM runs
    WHERE
        (created_at IS NULL AND coalesce(raw ->> 'created_at', '') <> '')
        OR (run_started_at IS NULL AND coalesce(raw ->> 'run_started_at', '') <> '')
        OR (updated_at IS NULL AND coalesce(raw ->> 'updated_at', '') <> '')
)

SELECT
    'odd-times' AS kind,
    '' AS evidence_path,
    '' AS member,
    count(*) || ' ' || oddity || '. GitHub''s JSON is kept in raw; for example '
    || coalesce('job ' || min(job_id), 'run ' || min(run_id)) || '.' AS detail,
    0 AS lines,
    arg_min(run_id, coalesce(job_id, run_id)) AS run_id,
    min(job_id) AS job_id
FROM told
GROUP BY oddity;

-- A partial re-run copies untouched jobs with their old times: they did not run again.
UPDATE jobs SET copied = TRUE
FROM attempts
WHERE
    jobs.run_id = attempts.run_id
    AND jobs.attempt = attempts.attempt
    AND jobs.attempt > 1
    AND NOT jobs.copied
    AND jobs.completed_at <= attempts.created_at;

-- Where no job object says so, the log does: no two attempts write their first and last lines in the same
-- microseconds.
UPDATE jobs SET copied = TRUE
FROM (
    SELECT DISTINCT later.job_id
    FROM log_sources AS later
    INNER JOIN log_sources AS earlier
        ON
            later.run_id = earlier.run_id
            AND later.attempt > earlier.attempt
            AND later.first_at = earlier.first_at
            AND later.last_at = earlier.last_at
            AND later.first_at < later.last_at
) AS repeated
WHERE jobs.job_id = repeated.job_id AND jobs.inferred AND NOT jobs.copied;

-- updated_at is not the end of a run: the end is that of its last executed job.
UPDATE attempts SET started_at = span.started_at, completed_at = span.completed_at
FROM (
    SELECT
        attempts.run_id,
        attempts.attempt,
        CASE
            WHEN count(jobs.job_id) = 0 THEN any_value(attempts.created_at)
            ELSE min(jobs.started_at) FILTER (WHERE coalesce(jobs.executed, TRUE) AND NOT jobs.copied)
        END AS started_at,
        CASE
            WHEN count(jobs.job_id) = 0 AND any_value(attempts.status) = 'completed'
                THEN any_value(attempts.updated_at)
            ELSE max(
                CASE WHEN jobs.completed_at < jobs.started_at THEN jobs.started_at ELSE jobs.completed_at END
            ) FILTER (WHERE coalesce(jobs.executed, TRUE) AND NOT jobs.copied)
        END AS completed_at
    FROM attempts
    LEFT JOIN jobs ON attempts.run_id = jobs.run_id AND attempts.attempt = jobs.attempt
    GROUP BY attempts.run_id, attempts.attempt
) AS span
WHERE attempts.run_id = span.run_id AND attempts.attempt = span.attempt;

-- An excerpt pasted into several notes is one act: no two runs write the same line in the same microsecond.
-- The copy under a real run stays, else the first.
DELETE FROM effects
USING (
    SELECT
        source_id,
        line_no,
        rule,
        target,
        run_id,
        first_value(run_id) OVER (
            PARTITION BY occurred_at, rule, target, text
            ORDER BY run_id < 0, source_id, line_no
        ) AS first_run_id
    FROM effects
    WHERE occurred_at IS NOT NULL
) AS told
WHERE
    effects.run_id < 0
    AND told.run_id <> told.first_run_id
    AND effects.run_id = told.run_id
    AND effects.source_id = told.source_id
    AND effects.line_no = told.line_no
    AND effects.rule = told.rule
    AND effects.target = told.target;

-- What a log does not say of the commit, the run does.
UPDATE effects SET sha = runs.head_sha
FROM runs
WHERE effects.run_id = runs.run_id AND effects.sha IS NULL AND runs.head_sha IS NOT NULL;

UPDATE annotations SET run_id = jobs.run_id, attempt = jobs.attempt
FROM jobs
WHERE annotations.job_id = jobs.job_id AND annotations.run_id IS NULL;

INSERT INTO repositories BY NAME
SELECT DISTINCT r.repository
FROM runs AS r
ANTI JOIN repositories AS known ON r.repository = known.repository
WHERE r.repository <> '';
