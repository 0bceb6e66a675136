-- id: duplicate-effect
-- title: One thing was created twice
-- severity: high
-- precision: certain
-- question: Which version, tag or release was created by more than one run, attempt or job?
-- params:
--   race_minutes:
--     default: 60
--     means: A refused second try within this time of the first is a race, a later one a repetition.
-- columns:
--   identity: What came into being.
--   effect: publish, tag or release.
--   accepted: How many jobs were told that they created it.
--   refused: How many jobs were refused, because it existed.
--   unknown: How many jobs announced it and were never heard of again.
--   gap_seconds: Time from the first to the second of these jobs; NULL where a time is unknown.
--   race: True where two runs, or two jobs of one attempt, tried within race_minutes.
-- example: a package published by two runs
-- false_positives: >-
--   Looked at are only effects that can happen once: publishing a version, setting a version's tag,
--   releasing it. Deploying one commit again, applying a manifest again, moving a container tag, forcing a
--   tag to move, names made to move ('latest', 'nightly', 'v2', snapshots), no-ops, retries inside one job
--   and copied jobs of partial re-runs are not. A refused re-run of a run that had succeeded is low: the
--   registry kept order. A release that two jobs of one run fill in turn (assets of a matrix) says 'ready'
--   twice and is found, but low and only possible. Runs known only from a log may be
--   one run, so that is possible only.
-- remedy: >-
--   Put a concurrency group named for the package or the repository, and without cancel-in-progress, around
--   computing the version and publishing it together (one job, or a workflow-level group); publish from one
--   event only.

WITH tries AS (
    -- One job's dealings with one identity; a retry that succeeds in the same job is one creation.
    SELECT
        target_key,
        effect,
        identity,
        run_id,
        attempt,
        job_id,
        any_value(repository) AS repository,
        any_value(target) AS target,
        min(occurred_at) AS tried_at,
        min(line_no) AS line_no,
        CASE
            WHEN bool_or(outcome = 'done') THEN 'done'
            WHEN bool_or(outcome = 'rejected') THEN 'rejected'
            ELSE 'unknown'
        END AS outcome
    FROM write_effects
    WHERE outcome IN ('done', 'rejected', 'unknown') AND is_created_once(effect, target, identity)
    GROUP BY target_key, effect, identity, run_id, attempt, job_id
),

-- What only one job tried is left out. So is what a made-up run tried in the same microsecond as another:
-- that is one log that was found twice.
repeated AS (
    SELECT *
    FROM tries
    QUALIFY
        count(*) OVER (PARTITION BY target_key, effect, identity) > 1
        AND (
            run_id > 0
            OR tried_at IS NULL
            OR row_number() OVER (
                PARTITION BY target_key, effect, identity, tried_at
                ORDER BY run_id DESC, job_id ASC
            ) = 1
        )
),

-- In the order of time, as far as it is known, else of the runs.
ordered AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY target_key, effect, identity
            ORDER BY tried_at ASC NULLS LAST, run_id ASC, attempt ASC, job_id ASC
        ) AS place,
        lag(tried_at) OVER (
            PARTITION BY target_key, effect, identity
            ORDER BY tried_at ASC NULLS LAST, run_id ASC, attempt ASC, job_id ASC
        ) AS before_at,
        lag(run_ref(run_id, attempt)) OVER (
            PARTITION BY target_key, effect, identity
            ORDER BY tried_at ASC NULLS LAST, run_id ASC, attempt ASC, job_id ASC
        ) AS before_run
    FROM repeated
),

created AS (
    SELECT
        target_key,
        effect,
        identity,
        arg_min(repository, place) AS repository,
        arg_min(target, place) AS target,
        count(*) AS jobs,
        count(*) FILTER (WHERE outcome = 'done') AS accepted,
        count(*) FILTER (WHERE outcome = 'rejected') AS refused,
        count(*) FILTER (WHERE outcome = 'unknown') AS unknown,
        min(run_id) AS first_run_id,
        -- The legs of a matrix add their files to one release, each telling that it is ready.
        effect = 'release' AND count(DISTINCT run_ref(run_id, attempt)) = 1
        AND bool_and(outcome = 'done') AS fills_one_release,
        min(tried_at) FILTER (WHERE place = 2) AS occurred_at,
        min(seconds_between(before_at, tried_at)) FILTER (WHERE place = 2) AS gap_seconds,
        -- An attempt begins when the one before it has ended, so attempts of one run do not race.
        coalesce(
            bool_or(
                seconds_between(before_at, tried_at) <= 60 * $race_minutes
                AND (
                    struct_extract(before_run, 'run_id') <> run_id
                    OR struct_extract(before_run, 'attempt') = attempt
                )
            ),
            FALSE
        ) AS race,
        list(DISTINCT run_ref(run_id, attempt) ORDER BY run_ref(run_id, attempt)) AS runs,
        list(line_ref(run_id, attempt, job_id, line_no) ORDER BY place) FILTER (WHERE place < 9) AS evidence,
        arg_min(run_label(run_id, attempt), place) AS first_label,
        arg_min(run_label(run_id, attempt), place) FILTER (WHERE place = 2) AS second_label
    FROM ordered
    GROUP BY target_key, effect, identity
)

-- At least one job was told that it created it (else it existed before), and another tried as well.
SELECT
    c.occurred_at,
    c.repository,
    c.target,
    c.runs,
    c.evidence,
    c.identity,
    c.effect,
    c.accepted,
    c.refused,
    c.unknown,
    c.gap_seconds,
    c.race,
    concat_ws(chr(10), c.target_key, c.effect, c.identity) AS about,
    CASE
        WHEN c.fills_one_release THEN 'low'
        WHEN c.accepted >= 2 AND c.effect = 'publish' THEN 'critical'
        WHEN c.accepted >= 2 THEN 'high'
        WHEN c.race OR c.unknown > 0 THEN 'medium'
        ELSE 'low'
    END AS severity,
    CASE
        -- Two made-up runs may be one of which two logs were found.
        WHEN c.first_run_id < 0 OR c.fills_one_release THEN 'possible'
        WHEN c.accepted >= 2 OR c.refused > 0 THEN 'certain'
        ELSE 'possible'
    END AS precision,
    format(
        '{} jobs tried to {} ''{}'' on ''{}'' ({} accepted, {} refused, {} unanswered): {} and, {}{}{}.',
        c.jobs,
        c.effect,
        c.identity,
        c.target,
        c.accepted,
        c.refused,
        c.unknown,
        c.first_label,
        coalesce(duration_text(c.gap_seconds) || ' later, ', 'at a time unknown, '),
        CASE WHEN c.first_label = c.second_label THEN 'another job of it' ELSE c.second_label END,
        CASE WHEN c.jobs > 2 THEN ' and ' || (c.jobs - 2) || ' more' ELSE '' END
    ) AS message
FROM created AS c
WHERE c.accepted >= 2 OR (c.accepted = 1 AND c.refused + c.unknown >= 1);
