-- What GitHub itself was told was deployed.

-- One row for each deployment record whose run is known, in the words of write_effects: the environment is
-- the target. Done, failed, or, where the last status says that it was under way, unknown. A deployment whose
-- job tells in its log what it wrote is left out, for that tells more, and nothing is to be told twice.
CREATE OR REPLACE TEMP VIEW deployment_effects AS
WITH told AS (
    SELECT
        repository,
        deployment_id,
        arg_min(state, created_at) FILTER (WHERE state IN ('success', 'failure', 'error')) AS ended_as,
        min(created_at) FILTER (WHERE state IN ('success', 'failure', 'error')) AS ended_at,
        min(created_at) FILTER (WHERE state = 'in_progress') AS began_at,
        max(created_at) FILTER (WHERE state IN ('queued', 'pending', 'in_progress')) AS last_at,
        -- The status that ended it names its own job; 'inactive' is written by whoever came later.
        arg_max(run_id, created_at) FILTER (WHERE state <> 'inactive' AND run_id IS NOT NULL) AS run_id,
        arg_max(job_id, created_at) FILTER (WHERE state <> 'inactive' AND job_id IS NOT NULL) AS job_id
    FROM deployment_statuses
    GROUP BY repository, deployment_id
    HAVING ended_at IS NOT NULL OR began_at IS NOT NULL
),

placed AS (
    SELECT
        t.repository,
        t.deployment_id,
        t.ended_as,
        t.job_id,
        d.sha,
        d.environment,
        j.attempt,
        coalesce(j.run_id, t.run_id) AS run_id,
        coalesce(t.began_at, d.created_at, t.ended_at) AS began_at,
        coalesce(t.ended_at, t.last_at) AS occurred_at
    FROM told AS t
    INNER JOIN deployments AS d ON t.repository = d.repository AND t.deployment_id = d.deployment_id
    LEFT JOIN jobs AS j ON t.job_id = j.job_id
    WHERE
        d.environment IS NOT NULL
        AND coalesce(j.run_id, t.run_id) IS NOT NULL
        AND j.copied IS DISTINCT FROM TRUE
)

SELECT -- noqa: ST06, the columns stand as in write_effects
    p.repository,
    p.run_id,
    -- Without a job it is the attempt that had begun last.
    coalesce(p.attempt, a.attempt, 1) AS attempt,
    p.job_id,
    NULL::INTEGER AS step_number,
    'github' AS tool,
    'deploy' AS effect,
    'environment:' || p.environment AS target,
    p.sha AS identity,
    CASE
        WHEN p.ended_as = 'success' THEN 'done'
        WHEN p.ended_as IS NULL THEN 'unknown'
        ELSE 'failed'
    END AS outcome,
    p.sha,
    NULL::INTEGER AS line_no,
    'deployment ' || p.deployment_id || coalesce(': ' || p.ended_as, '') AS text,
    -- Every repository has its own environments.
    p.repository || chr(10) || 'environment:' || p.environment AS target_key,
    p.began_at,
    p.occurred_at
FROM placed AS p
ASOF LEFT JOIN attempts AS a ON p.run_id = a.run_id AND p.began_at >= a.started_at
ANTI JOIN effects AS e ON (p.job_id = e.job_id AND NOT is_aside(e.effect) AND e.outcome <> 'no-op');
