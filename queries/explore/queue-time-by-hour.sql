-- id: queue-time-by-hour
-- title: Queue time by hour
-- question: At which hours of the day (UTC) do jobs wait longest for a runner?
-- columns:
--   hour: Hour of the day in which the job was queued, UTC.
--   jobs: Executed jobs queued in that hour, over all days.
--   median_seconds: Half of them waited at most this long.
--   p95_seconds: 95 % of them waited at most this long.
--   most_seconds: The longest wait.
SELECT
    hour(created_at) AS hour,
    count(*) AS jobs,
    round(median(seconds_between(created_at, started_at)), 1) AS median_seconds,
    round(quantile_cont(seconds_between(created_at, started_at), 0.95), 1) AS p95_seconds,
    max(seconds_between(created_at, started_at)) AS most_seconds
FROM jobs
WHERE
    NOT copied
    AND coalesce(executed, conclusion IS DISTINCT FROM 'skipped')
    -- An approval can lie between the two; the API does not tell it from a wait for a runner.
    AND started_at >= created_at
GROUP BY hour(created_at)
ORDER BY hour
