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
--   effects_done: Things it had done to the world before; empty when none is known.
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

timed AS (
    SELECT
        *,
        seconds_between(started_at, completed_at) AS ran_seconds,
        seconds_between(created_at, next_created_at) AS next_after_seconds
    FROM in_order
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
    t.completed_at,
    t.repository,
    t.workflow,
    t.lane,
    t.run_id,
    t.attempt,
    t.ran_seconds,
    d.effects_done,
    t.next_run_id,
    t.next_after_seconds,
    t.next_conclusion
FROM timed AS t
LEFT JOIN done AS d ON t.run_id = d.run_id AND t.attempt = d.attempt
WHERE t.conclusion = 'cancelled'
ORDER BY t.completed_at, t.run_id, t.attempt
