-- id: busiest-lanes
-- title: Busiest lanes
-- question: Which lanes (concurrency groups, else workflow and branch) are busiest, and how busy at once?
-- columns:
--   repository: owner/name.
--   workflow: Workflow of the lane's attempts; the first by name where a group spans several.
--   lane: What the attempts compete for.
--   attempts: Attempts that executed in it.
--   busy_minutes: Minutes of execution, added up over attempts.
--   most_at_once: Most attempts that executed at the same moment.
WITH spans AS (
    SELECT
        l.repository,
        l.workflow,
        l.lane,
        l.lane_key,
        s.run_id,
        s.attempt,
        s.started_at,
        s.ended_at
    FROM execution_spans AS s
    INNER JOIN attempt_lanes AS l ON s.run_id = l.run_id AND s.attempt = l.attempt
),

changes AS (
    SELECT
        lane_key,
        started_at AS changed_at,
        1 AS change
    FROM spans
    UNION ALL
    SELECT
        lane_key,
        ended_at AS changed_at,
        -1 AS change
    FROM spans
),

depths AS (
    -- An end at the same second as a start comes first: touching is not overlapping.
    SELECT
        lane_key,
        sum(change) OVER (PARTITION BY lane_key ORDER BY changed_at, change ROWS UNBOUNDED PRECEDING) AS depth
    FROM changes
),

peaks AS (
    SELECT
        lane_key,
        max(depth)::bigint AS most_at_once
    FROM depths
    GROUP BY lane_key
)

SELECT
    any_value(s.repository) AS repository,
    min(s.workflow) AS workflow,
    any_value(s.lane) AS lane,
    count(DISTINCT run_label(s.run_id, s.attempt)) AS attempts,
    round(sum(seconds_between(s.started_at, s.ended_at)) / 60, 1) AS busy_minutes,
    any_value(p.most_at_once) AS most_at_once
FROM spans AS s
INNER JOIN peaks AS p ON s.lane_key = p.lane_key
GROUP BY s.lane_key
ORDER BY busy_minutes DESC, repository ASC, lane ASC, workflow ASC
