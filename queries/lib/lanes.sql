-- Targets that are one and the same thing under several names; the pass fills it before the views are read,
-- from [lanes] in forensics.toml and from what follows from the names themselves (`inferred`).
CREATE TEMP TABLE IF NOT EXISTS target_lanes (
    repository VARCHAR,
    target VARCHAR,
    lane_key VARCHAR,
    lane VARCHAR,
    inferred BOOLEAN
);
