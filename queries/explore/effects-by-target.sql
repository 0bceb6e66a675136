-- id: effects-by-target
-- title: Effects by target
-- question: What was done to which target, how often, by how many runs, and with which outcome?
-- columns:
--   target: What was touched.
--   tool: With which tool.
--   effect: What was done.
--   done: How often it was done.
--   rejected: How often the target refused it.
--   failed: How often it failed otherwise.
--   no_op: How often there was nothing to do.
--   unknown: How often the log does not say.
--   runs: Runs that did or tried it.
--   first_at: The first time, UTC.
--   last_at: The last time, UTC.
SELECT
    target,
    tool,
    effect,
    count(*) FILTER (WHERE outcome = 'done') AS done,
    count(*) FILTER (WHERE outcome = 'rejected') AS rejected,
    count(*) FILTER (WHERE outcome = 'failed') AS failed,
    count(*) FILTER (WHERE outcome = 'no-op') AS no_op,
    count(*) FILTER (WHERE outcome = 'unknown') AS unknown,
    count(DISTINCT run_id) AS runs,
    min(occurred_at) AS first_at,
    max(occurred_at) AS last_at
FROM effects
GROUP BY target, tool, effect
ORDER BY runs DESC, done DESC, target ASC, tool ASC, effect ASC
