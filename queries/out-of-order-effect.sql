-- id: out-of-order-effect
-- title: An older commit landed after a newer one
-- severity: high
-- precision: certain
-- question: Where did an older commit's deployment, page, branch or infrastructure replace a newer one's?
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
--   reason: race (nobody asked for the older commit anew), dispatch, or asked-later (a push back).
-- example: the older of two deploys lands last
-- false_positives: >-
--   A rollback on purpose looks the same: where the older commit was asked for again by a dispatch or a
--   push back, the finding is only possible and weighs less. Re-runs are told by stale-rerun, container
--   tags and tags made to move by tag-overwrite, comments by stale-overwrite. Versions published, tags of
--   versions and their releases are not replaced and not looked at, nor are commits pushed onto the run's
--   own branch. Commits of different branches are not compared. The order is that in which the branch first
--   had runs at the commits; a commit that had none before its late deploy is not recognised as older.
--   Where no log tells of the deploy, GitHub's record of the deployment does: likely at most, as the job may
--   use the environment for its secrets only.
-- remedy: >-
--   A concurrency group orders by arrival, not by commit. Check just before the deploy that the commit is
--   still the branch's newest (and stop if not), in the same job and group as the deploy; for re-runs too.

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
    effect,
    evidence,
    concat_ws(chr(10), lane_key, run_id, attempt) AS about,
    CASE
        WHEN reason = 'race' AND mended_at IS NULL THEN 'critical'
        WHEN reason = 'race' THEN 'high'
        ELSE 'low'
    END AS severity,
    stale_precision(
        reason,
        asked_for_known,
        shas_known,
        commits_apart_seconds,
        landed_after_seconds,
        $grain_seconds,
        $skew_seconds
    ) AS precision,
    format(
        '''{}'': {} brought the older commit {} {} after {} had brought {}{}{}.',
        target,
        run_label(run_id, attempt),
        left(sha, 8),
        duration_text(landed_after_seconds),
        run_label(newer_run_id, newer_attempt),
        left(newer_sha, 8),
        stale_text(stale_seconds),
        CASE reason
            WHEN 'race' THEN ''
            WHEN 'dispatch' THEN ' (dispatched later, possibly a rollback on purpose)'
            ELSE ' (pushed again later, possibly a rollback on purpose)'
        END
    ) AS message
FROM stale_landings
WHERE
    told_by = 'out-of-order-effect'
    -- Pushes in the same moment have their order from the run numbers, where one workflow counts both.
    AND (commits_apart_seconds > 2 * $grain_seconds OR numbered_before);
