-- id: stale-overwrite
-- title: A comment was overwritten with an older commit's
-- severity: low
-- precision: certain
-- question: Which comment tells of an older commit, although a newer one had written it before?
-- params:
--   grain_seconds:
--     default: 1
--     means: Grain of the API's times; commits first seen within twice of it are ordered by run number.
--   skew_seconds:
--     default: 2
--     means: How far two runners' clocks may differ; landings closer together than this are possible only.
-- columns:
--   effect: What was done.
--   sha: The older commit, of which the comment tells.
--   newer_sha: The newer commit, of which it had told.
--   commits_apart_seconds: How much later the newer commit had its first run on the branch.
--   landed_after_seconds: How long after the newer commit the older one wrote it.
--   stale_seconds: How long it told of the older one, until one at least as new wrote it; NULL if none did.
--   reason: race (nobody asked for the older commit anew), dispatch, or asked-later (a push back).
-- example: the slower run of the older commit edits the comment last
-- false_positives: >-
--   Only a comment that several runs wrote, known by its number, is overwritten; a new comment of each run is
--   not. Checks and statuses belong to a commit, and another commit's cannot overwrite them. Re-runs are
--   told by stale-rerun; a dispatch or a push back of the older commit may be meant: possible only.
-- remedy: >-
--   Give the workflow that keeps the comment a group for its pull request with cancel-in-progress, or let
--   the step compare the commit it tells of with the pull request's head before it writes.

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
    CASE WHEN reason = 'race' AND mended_at IS NULL THEN 'low' ELSE 'info' END AS severity,
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
        '''{}'': {} wrote it for the older commit {} {} after {} had written it for {}{}{}.',
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
    told_by = 'stale-overwrite'
    -- Pushes in the same moment have their order from the run numbers, where one workflow counts both.
    AND (commits_apart_seconds > 2 * $grain_seconds OR numbered_before);
