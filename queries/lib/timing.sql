-- How long work takes, execution by execution.

-- Executed, successful jobs and steps that have both times (`step_number` is NULL for the job as a whole).
-- What was cancelled or failed early says nothing about a duration. `series` is a hash: the same for one job,
-- or one step, of one workflow, in whichever run; `job_series` is that of a step's job. Names and runs are
-- left to named_work: of millions of rows a few are told.
CREATE OR REPLACE TEMP VIEW timed_work AS
WITH workflow_series AS (
    SELECT
        run_id,
        hash(repository, coalesce(workflow_path, workflow_id::varchar, workflow_name, '')) AS workflow_series
    FROM runs
),

keyed AS (
    SELECT
        j.job_id,
        j.started_at,
        j.ended_at,
        j.conclusion = 'success' AND j.ended_at > j.started_at AS succeeded,
        hash(coalesce(w.workflow_series, hash(j.repository)), j.name) AS job_series
    FROM executed_jobs AS j
    LEFT JOIN workflow_series AS w ON j.run_id = w.run_id
)

SELECT
    job_series AS series,
    job_series,
    job_id,
    NULL::integer AS step_number,
    started_at,
    seconds_between(started_at, ended_at) AS seconds
FROM keyed
WHERE succeeded
UNION ALL
SELECT
    hash(k.job_series, s.name, CASE WHEN s.name IS NULL THEN s.step_number END) AS series,
    k.job_series,
    k.job_id,
    s.step_number,
    s.started_at,
    seconds_between(s.started_at, s.completed_at) AS seconds
FROM keyed AS k
INNER JOIN steps AS s ON k.job_id = s.job_id
WHERE s.conclusion = 'success' AND s.completed_at >= s.started_at;

-- The names behind one job or step, for a sentence. A macro, so that it is never made whole: few are told.
CREATE OR REPLACE TEMP MACRO named_work() AS TABLE
    WITH s AS (
        SELECT
            job_id,
            step_number,
            name
        FROM steps
        UNION ALL
        SELECT
            job_id,
            NULL AS step_number,
            NULL AS name
        FROM jobs
    )

    SELECT
        j.repository,
        j.job_id,
        s.step_number,
        j.run_id,
        j.attempt,
        j.name AS job,
        r.head_sha,
        r.head_branch,
        r.event,
        coalesce(s.name, 'step ' || s.step_number) AS step,
        coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name, '') AS workflow_key,
        coalesce(r.workflow_name, r.workflow_path, 'unknown workflow') AS workflow
    FROM jobs AS j
    LEFT JOIN runs AS r ON j.repository = r.repository AND j.run_id = r.run_id
    LEFT JOIN s ON j.job_id = s.job_id;
