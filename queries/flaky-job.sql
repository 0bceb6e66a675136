-- id: flaky-job
-- title: A job fails and passes at one commit
-- severity: info
-- precision: likely
-- question: Which jobs failed and, run again without any change, passed, and how often?
-- params:
--   minimum_flaky_runs:
--     default: 2
--     means: Jobs that did so in fewer runs are not told.
-- columns:
--   job: The job.
--   workflow: Name of the workflow.
--   flaky_runs: In how many runs it failed and passed.
--   failed_runs: In how many runs it failed at all.
--   executed_runs: In how many runs it was executed.
--   rate: The first divided by the last.
-- example: one job fails and passes at one commit in two runs
-- false_positives: >-
--   A re-run uses the commit and the workflow file of its run, so the job did the same twice; but the
--   world had moved on: a registry that was down, a secret that was mended, a base branch that was red.
--   Jobs that were cancelled or timed out, and copies in partial re-runs, do not count as failed or
--   passed.
-- remedy: >-
--   Read the log of the failed attempt beside that of the passed one. Retry inside the step what fails
--   by network; a job that also writes should not have to be run again for a test that fails at times
--   (see flaky-duplicate).

WITH outcomes AS (
    SELECT
        repository,
        run_id,
        name AS job,
        min(attempt) FILTER (WHERE conclusion = 'failure') AS failed_in,
        max(attempt) FILTER (WHERE conclusion = 'success') AS passed_in,
        min(started_at) FILTER (WHERE conclusion = 'failure') AS failed_at
    FROM executed_jobs
    WHERE conclusion IN ('success', 'failure') AND NOT inferred
    GROUP BY repository, run_id, name
),

rated AS (
    SELECT
        o.repository,
        o.job,
        coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name, '') AS workflow_key,
        any_value(coalesce(r.workflow_name, r.workflow_path, 'unknown workflow')) AS workflow,
        count(*) AS executed_runs,
        count(o.failed_in) AS failed_runs,
        count(*) FILTER (WHERE o.passed_in > o.failed_in) AS flaky_runs,
        min(o.failed_at) FILTER (WHERE o.passed_in > o.failed_in) AS occurred_at,
        list(run_ref(o.run_id, o.failed_in) ORDER BY o.failed_at, o.run_id)
        FILTER (WHERE o.passed_in > o.failed_in) AS runs
    FROM outcomes AS o
    LEFT JOIN runs AS r ON o.repository = r.repository AND o.run_id = r.run_id
    GROUP BY ALL
)

SELECT
    f.occurred_at,
    f.repository,
    f.job,
    f.workflow,
    f.flaky_runs,
    f.failed_runs,
    f.executed_runs,
    list_slice(f.runs, 1, 20) AS runs,
    f.flaky_runs / f.executed_runs AS rate,
    concat_ws(chr(10), f.repository, f.workflow_key, f.job) AS about,
    format(
        '''{}'': job ''{}'' failed and, run again at the same commit, passed in {} of {} runs ({:.1f} %); it '
        || 'failed in {}.',
        f.workflow,
        f.job,
        f.flaky_runs,
        f.executed_runs,
        100.0 * f.flaky_runs / f.executed_runs,
        f.failed_runs
    ) AS message
FROM rated AS f
WHERE f.flaky_runs >= $minimum_flaky_runs;
