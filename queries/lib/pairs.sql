-- Which intervals of one lane overlap, for any table of intervals.

-- Every pair of rows of one lane that share time, once: `run_id` began first (of two that began at once, the
-- smaller id). `spans` names a table or view with run_id, lane_key, started_at and ended_at; intervals
-- without length meet nothing, and two that only touch do not overlap. Each interval stands in every bucket
-- of `bucket_seconds` that it reaches into, each beginning in one: so the join is by equality, and a pair is
-- found exactly once, where the later one begins. About twice a usual length is a good bucket.
CREATE OR REPLACE TEMP MACRO overlapping_pairs(spans, bucket_seconds) AS TABLE
    WITH intervals AS (
        SELECT
            run_id,
            lane_key,
            -- Numbers are joined faster than texts; that two lanes have one number is ruled out below.
            hash(lane_key) AS lane_hash,
            epoch_us(started_at) AS starts,
            epoch_us(ended_at) AS ends,
            epoch_us(started_at) // (bucket_seconds * 1000000) AS first_bucket,
            (epoch_us(ended_at) - 1) // (bucket_seconds * 1000000) AS last_bucket
        FROM query_table(spans)
        WHERE ended_at > started_at
    ),

    reaching AS (
        SELECT
            run_id,
            lane_key,
            lane_hash,
            starts,
            ends,
            unnest(range(first_bucket, last_bucket + 1)) AS bucket
        FROM intervals
    )

    SELECT
        r.lane_key,
        r.run_id,
        i.run_id AS other_run_id,
        (least(r.ends, i.ends) - i.starts) / 1000000.0 AS overlap_seconds
    FROM reaching AS r
    INNER JOIN intervals AS i ON r.lane_hash = i.lane_hash AND r.bucket = i.first_bucket
    WHERE
        i.starts < r.ends
        AND (r.starts < i.starts OR (r.starts = i.starts AND r.run_id < i.run_id))
        AND r.lane_key = i.lane_key;
