-- id: out-of-order-effect
-- title: An older commit landed after a newer one
-- severity: high
-- precision: certain
-- question: Where did an older commit's effect replace a newer one's?
-- params:
--   grain_seconds:
--     default: 1
--     means: Grain of the API's times; commits first seen within twice of it are ordered by run number.
--   skew_seconds:
--     default: 2
--     means: How far two runners' clocks may differ; landings closer together than this are possible only.
-- columns:
--   effect: What was done.
--   sha: The older commit, which landed last.
--   newer_sha: The newer commit, which it replaced.
--   commits_apart_seconds: How much later the newer commit had its first run on the branch.
--   landed_after_seconds: How long after the newer commit the older one landed.
--   stale_seconds: How long the older commit stood, until a commit at least as new landed; NULL if none did.
--   reason: race (nobody asked for the older commit anew), re-run, dispatch, or asked-later (a push back).
-- example: the older of two deploys lands last
-- false_positives: >-
--   A rollback on purpose looks the same: where the older commit was asked for again by a re-run, a
--   dispatch or a push back, the finding is only possible and weighs less. Versions published, tags,
--   releases and comments are not replaced and not looked at, nor are commits pushed onto the run's own
--   branch. Commits of different branches are not compared. The order is that in which the branch first had
--   runs at the commits; a commit that had none before its late deploy is not recognised as older.
-- remedy: >-
--   A concurrency group orders by arrival, not by commit. Check just before the deploy that the commit is
--   still the branch's newest (and stop if not), in the same job and group as the deploy; for re-runs too.

WITH landings AS (
    -- When an attempt's last successful effect on a target came.
    SELECT
        target_key,
        run_id,
        attempt,
        any_value(repository) AS repository,
        any_value(target) AS target,
        max(occurred_at) AS landed_at,
        arg_max(
            struct_pack(effect := effect, sha := sha, job_id := job_id, line_no := line_no),
            (occurred_at, job_id, line_no)
        ) AS latest
    FROM write_effects
    WHERE outcome = 'done' AND occurred_at IS NOT NULL AND is_replaced(effect, target, NULL)
    GROUP BY target_key, run_id, attempt
),

-- The commit that was checked out, where the branch had a run at it; else the run's own.
dated AS (
    SELECT
        l.repository,
        l.target_key,
        l.target,
        l.run_id,
        l.attempt,
        l.landed_at,
        l.latest,
        r.event,
        r.run_number,
        r.created_at AS asked_at,
        coalesce(r.workflow_path, r.workflow_name) AS workflow,
        coalesce(c.sha, o.sha) AS sha,
        coalesce(c.first_seen_at, o.first_seen_at) AS committed_at,
        coalesce(c.newness, o.newness) AS newness,
        c.sha IS NOT NULL OR struct_extract(l.latest, 'sha') IS NULL AS sha_known,
        -- Commits are ordered within a branch only, so landings are compared within target and branch.
        concat_ws(chr(10), l.target_key, o.repository, o.head_repository, o.head_branch) AS lane_key
    FROM landings AS l
    INNER JOIN runs AS r ON l.run_id = r.run_id
    INNER JOIN commit_order AS o
        ON
            r.repository = o.repository AND coalesce(r.head_repository, r.repository) = o.head_repository
            AND r.head_branch = o.head_branch AND r.head_sha = o.sha
    LEFT JOIN commit_order AS c
        ON
            r.repository = c.repository AND coalesce(r.head_repository, r.repository) = c.head_repository
            AND r.head_branch = c.head_branch AND struct_extract(l.latest, 'sha') = c.sha
    WHERE is_replaced(struct_extract(l.latest, 'effect'), l.target, r.head_branch)
),

-- The newest commit that had landed before.
followed AS (
    SELECT
        *,
        max(newness) OVER (
            PARTITION BY lane_key
            ORDER BY landed_at, newness, run_id, attempt
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS newest_before
    FROM dated
),

-- Until a landing that is as new as any before it, the target stays on an older commit.
mended AS (
    SELECT
        f.*,
        min(f.landed_at) FILTER (WHERE f.newness >= f.newest_before) OVER (
            PARTITION BY f.lane_key
            ORDER BY f.landed_at, f.newness, f.run_id, f.attempt
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS mended_at
    FROM followed AS f
    SEMI JOIN followed AS s ON (f.lane_key = s.lane_key AND s.newness < s.newest_before)
),

-- The landing that brought the newer commit: the last one before, as that is what was replaced.
compared AS (
    SELECT
        m.*,
        n.run_id AS newer_run_id,
        n.attempt AS newer_attempt,
        n.sha AS newer_sha,
        n.landed_at AS newer_landed_at,
        n.asked_at AS newer_asked_at,
        n.latest AS newer_latest,
        m.sha_known AND n.sha_known AS shas_known,
        seconds_between(m.committed_at, n.committed_at) AS commits_apart_seconds,
        m.workflow = n.workflow AND m.run_number < n.run_number AS numbered_before
    FROM mended AS m
    INNER JOIN followed AS n ON m.lane_key = n.lane_key AND m.newest_before = n.newness
    WHERE m.newness < m.newest_before AND n.landed_at <= m.landed_at
    QUALIFY row_number() OVER (
        PARTITION BY m.lane_key, m.run_id, m.attempt
        ORDER BY n.landed_at DESC, n.run_id DESC, n.attempt DESC
    ) = 1
),

reasoned AS (
    SELECT
        *,
        seconds_between(newer_landed_at, landed_at) AS landed_after_seconds,
        seconds_between(landed_at, mended_at) AS stale_seconds,
        CASE
            WHEN attempt > 1 THEN 're-run'
            WHEN asked_at <= newer_asked_at THEN 'race'
            WHEN event IN ('workflow_dispatch', 'repository_dispatch', 'deployment') THEN 'dispatch'
            WHEN event = 'push' THEN 'asked-later'
            -- Started by a machine (workflow_run, schedule): nobody wanted the older commit back.
            ELSE 'race'
        END AS reason
    FROM compared
    -- Pushes in the same moment have their order from the run numbers, where one workflow counts both.
    WHERE commits_apart_seconds > 2 * $grain_seconds OR numbered_before
)

SELECT
    landed_at AS occurred_at,
    repository,
    target,
    run_id,
    attempt,
    newer_run_id AS other_run_id,
    newer_attempt AS other_attempt,
    sha,
    newer_sha,
    commits_apart_seconds,
    landed_after_seconds,
    stale_seconds,
    reason,
    struct_extract(latest, 'effect') AS effect,
    [
        line_ref(
            newer_run_id,
            newer_attempt,
            struct_extract(newer_latest, 'job_id'),
            struct_extract(newer_latest, 'line_no')
        ),
        line_ref(run_id, attempt, struct_extract(latest, 'job_id'), struct_extract(latest, 'line_no'))
    ] AS evidence,
    concat_ws(chr(10), lane_key, run_id, attempt) AS about,
    CASE
        WHEN reason = 'race' AND mended_at IS NULL THEN 'critical'
        WHEN reason = 'race' THEN 'high'
        WHEN reason = 're-run' THEN 'medium'
        ELSE 'low'
    END AS severity,
    CASE
        WHEN reason <> 'race' OR landed_after_seconds <= $skew_seconds THEN 'possible'
        -- Of a made-up run it is not known when it was asked for.
        WHEN least(run_id, newer_run_id) < 0 THEN 'possible'
        WHEN shas_known AND commits_apart_seconds > 2 * $grain_seconds THEN 'certain'
        ELSE 'likely'
    END AS precision,
    format(
        '''{}'': {} brought the older commit {} {} after {} had brought {}{}{}.',
        target,
        run_label(run_id, attempt),
        left(sha, 8),
        duration_text(landed_after_seconds),
        run_label(newer_run_id, newer_attempt),
        left(newer_sha, 8),
        CASE
            WHEN mended_at IS NULL THEN '; no newer one landed since in this case'
            ELSE '; it stood for ' || duration_text(stale_seconds)
        END,
        CASE reason
            WHEN 'race' THEN ''
            WHEN 're-run' THEN ' (a re-run, possibly a rollback on purpose)'
            WHEN 'dispatch' THEN ' (dispatched later, possibly a rollback on purpose)'
            ELSE ' (pushed again later, possibly a rollback on purpose)'
        END
    ) AS message
FROM reasoned;
