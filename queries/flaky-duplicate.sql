-- id: flaky-duplicate
-- title: A flaky failure made a run do its work twice
-- severity: medium
-- precision: certain
-- question: Which runs did something to the world again because one of their jobs failed and was run again?
-- params:
--   most_targets:
--     default: 5
--     means: How many targets a message names at most.
-- columns:
--   job: The job that failed and passed; the first by name where there are several.
--   workflow: Name of the workflow.
--   repeated: How many things were done in the failed attempt and again in a later one.
--   by_flaky_job: True where the job that failed did one of them itself.
--   again_after_seconds: Time from the first to the second, of the thing that is told.
-- example: a flaky test behind the comment makes the bot comment twice
-- false_positives: >-
--   The same target and identity by the same run, both accepted, and a job that failed in the first
--   attempt and passed in a later one at the same commit. What only replaces itself (the same commit
--   deployed or the same image pushed again) is low. No-ops, refusals and jobs that a partial re-run
--   copied do not count; nor does a re-run of a run in which nothing had failed, which is no flake.
-- remedy: >-
--   Put what may fail by chance into jobs before the one that writes (needs), so that a re-run of failed
--   jobs does not repeat the write; make the write look first whether it was done (an existing comment
--   is edited, an existing version skipped).

WITH flaky AS (
    SELECT
        repository,
        run_id,
        name AS job,
        min(attempt) FILTER (WHERE conclusion = 'failure') AS failed_in,
        max(attempt) FILTER (WHERE conclusion = 'success') AS passed_in
    FROM executed_jobs
    WHERE conclusion IN ('success', 'failure') AND run_id > 0
    GROUP BY repository, run_id, name
),

flaky_runs AS (
    SELECT
        repository,
        run_id,
        min(job) AS job,
        list(job) AS jobs,
        min(failed_in) AS failed_in
    FROM flaky
    WHERE passed_in > failed_in
    GROUP BY repository, run_id
),

done AS (
    SELECT
        w.run_id,
        w.attempt,
        w.target_key,
        w.effect,
        w.identity,
        f.job,
        f.failed_in,
        any_value(w.repository) AS repository,
        any_value(w.target) AS target,
        min(w.occurred_at) AS done_at,
        arg_min(line_ref(w.run_id, w.attempt, w.job_id, w.line_no), (w.job_id, w.line_no)) AS line,
        bool_or(list_contains(f.jobs, j.name)) AS by_flaky_job
    FROM flaky_runs AS f
    INNER JOIN write_effects AS w ON f.run_id = w.run_id
    LEFT JOIN jobs AS j ON w.job_id = j.job_id
    WHERE w.outcome = 'done' AND w.attempt >= f.failed_in
    GROUP BY w.run_id, w.attempt, w.target_key, w.effect, w.identity, f.job, f.failed_in
),

repeated AS (
    SELECT
        d.*,
        r.head_branch,
        coalesce(r.workflow_name, r.workflow_path, 'unknown workflow') AS workflow,
        CASE
            WHEN d.effect = 'migrate' THEN 'medium'
            WHEN is_created_once(d.effect, d.target, d.identity) THEN 'medium'
            ELSE 'low'
        END AS severity
    FROM (
        SELECT
            run_id,
            target_key,
            effect,
            identity,
            job,
            any_value(repository) AS repository,
            any_value(target) AS target,
            bool_or(by_flaky_job) AS by_flaky_job,
            list(run_ref(run_id, attempt) ORDER BY attempt) AS runs,
            list(line ORDER BY attempt) AS evidence,
            max(done_at) AS again_at,
            seconds_between(min(done_at), max(done_at)) AS again_after_seconds
        FROM done
        GROUP BY run_id, target_key, effect, identity, job
        -- The failed attempt did it, and a later one again.
        HAVING count(*) > 1 AND min(attempt) = any_value(failed_in)
    ) AS d
    INNER JOIN runs AS r ON d.repository = r.repository AND d.run_id = r.run_id
),

told AS (
    SELECT
        run_id,
        repository,
        workflow,
        job,
        count(*) AS repeated,
        bool_or(by_flaky_job) AS by_flaky_job,
        arg_min(severity, (severity <> 'medium', target, effect)) AS severity,
        arg_min(target, (severity <> 'medium', target, effect)) AS target,
        arg_min(runs, (severity <> 'medium', target, effect)) AS runs,
        arg_min(evidence, (severity <> 'medium', target, effect)) AS evidence,
        arg_min(again_at, (severity <> 'medium', target, effect)) AS occurred_at,
        arg_min(again_after_seconds, (severity <> 'medium', target, effect)) AS again_after_seconds,
        list(
            DISTINCT effect || ' ''' || coalesce(identity, target) || ''''
            ORDER BY effect || ' ''' || coalesce(identity, target) || ''''
        ) AS things
    FROM repeated
    GROUP BY run_id, repository, workflow, job
)

SELECT
    t.occurred_at,
    t.repository,
    t.target,
    t.runs,
    t.evidence,
    t.severity,
    t.job,
    t.workflow,
    t.repeated,
    t.by_flaky_job,
    t.again_after_seconds,
    concat_ws(chr(10), t.repository, t.run_id, t.job) AS about,
    format(
        '''{}'': job ''{}'' of run {} failed and passed when run again, so the run did {} twice{}: {}{}.',
        t.workflow,
        t.job,
        t.run_id,
        counted(t.repeated, 'thing', 'things'),
        coalesce(', ' || duration_text(t.again_after_seconds) || ' apart', ''),
        array_to_string(list_slice(t.things, 1, $most_targets), ', '),
        CASE WHEN len(t.things) > $most_targets THEN ' …' ELSE '' END
    ) AS message
FROM told AS t;
