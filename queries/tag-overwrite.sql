-- id: tag-overwrite
-- title: A moving tag went back to an older commit
-- severity: high
-- precision: certain
-- question: Which container tag, alias or floating release was moved to an older commit after a newer one?
-- params:
--   grain_seconds:
--     default: 1
--     means: Grain of the API's times; commits first seen within twice of it are ordered by run number.
--   skew_seconds:
--     default: 2
--     means: How far two runners' clocks may differ; landings closer together than this are possible only.
-- columns:
--   effect: What was done.
--   sha: The older commit, which the tag was left on.
--   newer_sha: The newer commit, which it was taken from.
--   commits_apart_seconds: How much later the newer commit had its first run on the branch.
--   landed_after_seconds: How long after the newer commit the older one took the tag.
--   stale_seconds: How long it stood on the older one, until a commit at least as new took it; NULL if none.
--   reason: race (nobody asked for the older commit anew), dispatch, or asked-later (a push back).
-- example: the slower build of the older commit takes 'latest'
-- false_positives: >-
--   The legs of one run that push one tag each for its platform belong together and are compared with no
--   other; tags with the commit or the version in their name have one commit and never go back. Whoever
--   builds an older commit by a dispatch or a push back may mean it: low and possible. Re-runs are told by
--   stale-rerun. Branches are not compared with each other, so a backport that takes 'latest' is not seen,
--   nor are runs started by the push of a tag.
-- remedy: >-
--   Push the image under its commit, and move 'latest' in a job of its own that asks first whether the
--   commit is still the branch's newest, in a concurrency group named for the tag. Pull by digest.

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
        '''{}'': {} moved it to the older commit {} {} after {} had moved it to {}{}{}.',
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
    told_by = 'tag-overwrite'
    -- Pushes in the same moment have their order from the run numbers, where one workflow counts both.
    AND (commits_apart_seconds > 2 * $grain_seconds OR numbered_before);
