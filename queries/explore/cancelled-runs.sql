-- id: cancelled-runs
-- title: Cancelled runs and what followed
-- question: Which attempts were cancelled, after how long, and which attempt came next in the same lane?
-- columns:
--   completed_at: When it ended, UTC; cancelled work stops somewhat later than it is told to.
--   repository: owner/name.
--   workflow: Name of the workflow.
--   lane: What it competed for; empty when unknown.
--   run_id: The cancelled run.
--   attempt: Its attempt.
--   ran_seconds: How long it had executed; empty when it never began.
--   effects_done: Things it had done to the world before.
--   next_run_id: The run of the lane that was asked for next; empty when none followed.
--   next_after_seconds: How long after this one that was asked for.
--   next_conclusion: How that one ended.
WITH asked AS (
    SELECT
        a.*,
        l.lane,
        l.lane_key,
        coalesce(l.workflow, r.workflow_name) AS workflow
    FROM attempts AS a
    LEFT JOIN runs AS r ON a.repository = r.repository AND a.run_id = r.run_id
    LEFT JOIN attempt_lanes AS l ON a.run_id = l.run_id AND a.attempt = l.attempt
),

in_order AS (
    SELECT
        *,
        lead(run_id) OVER following AS next_run_id,
        lead(created_at) OVER following AS next_created_at,
        lead(conclusion) OVER following AS next_conclusion
    FROM asked
    WINDOW following AS (
        -- Attempts without a lane follow nobody.
        PARTITION BY coalesce(lane_key, 'run ' || run_id || ' ' || attempt)
        ORDER BY created_at, run_id, attempt
    )
),

done AS (
    SELECT
        run_id,
        attempt,
        count(*) AS effects_done
    FROM write_effects
    WHERE outcome = 'done'
    GROUP BY run_id, attempt
)

SELECT
    o.completed_at,
    o.repository,
    o.workflow,
    o.lane,
    o.run_id,
    o.attempt,
    o.next_run_id,
    o.next_conclusion,
    seconds_between(o.started_at, o.completed_at) AS ran_seconds,
    coalesce(d.effects_done, 0) AS effects_done,
    seconds_between(o.created_at, o.next_created_at) AS next_after_seconds
FROM in_order AS o
LEFT JOIN done AS d ON o.run_id = d.run_id AND o.attempt = d.attempt
WHERE o.conclusion = 'cancelled'
ORDER BY o.completed_at, o.run_id, o.attempt
