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
--   refused_green: How many of the refused jobs ended with success all the same, so that nobody saw it.
--   race: True where two runs, or two jobs of one attempt, tried within race_minutes.
-- example: a package published by two runs
-- false_positives: >-
--   Looked at are only effects that can happen once: publishing a version, setting a version's tag,
--   releasing it. Deploying one commit again, applying a manifest again, moving a container tag, forcing a
--   tag to move, names made to move ('latest', 'nightly', 'v2', snapshots), no-ops, retries inside one job
--   and copied jobs of partial re-runs are not. A refused re-run of a run that had succeeded is low: the
--   registry kept order; nothing is said where it ended green, as it skips what is there. What other
--   detectors tell is left to them: a refused tag or release (version-race), a version that was refused more
--   than an hour later or whose publisher is not known (publish-conflict), one that every attempt of one
--   run created (repeated-effect). A release that two jobs of one run fill in turn (assets of a matrix)
--   says 'ready' twice and is found, but low and only possible. Runs known only from a log may be one run,
--   so that is possible only.
-- remedy: >-
--   Put a concurrency group named for the package or the repository, and without cancel-in-progress, around
--   computing the version and publishing it together (one job, or a workflow-level group); publish from one
--   event only.


-- At least one job was told that it created it (else it existed before), and another tried as well.
SELECT
    second_at AS occurred_at,
    repository,
    target,
    runs,
    evidence,
    identity,
    effect,
    accepted,
    refused,
    unknown,
    refused_green,
    gap_seconds,
    identity_key AS about,
    coalesce(near <= 60 * $race_minutes, FALSE) AS race,
    CASE
        WHEN fills_one_release THEN 'low'
        WHEN accepted >= 2 AND effect = 'publish' THEN 'critical'
        WHEN accepted >= 2 THEN 'high'
        -- The other commit's version was never published, and its check is green.
        WHEN near <= 60 * $race_minutes AND refused_green > 0 AND creator_sha <> refusee_sha THEN 'high'
        WHEN near <= 60 * $race_minutes OR unknown > 0 THEN 'medium'
        ELSE 'low'
    END AS severity,
    CASE
        -- Two made-up runs may be one of which two logs were found.
        WHEN first_run_id < 0 OR fills_one_release THEN 'possible'
        WHEN accepted >= 2 OR refused > 0 THEN 'certain'
        ELSE 'possible'
    END AS precision,
    format(
        '{} jobs tried to {} ''{}'' on ''{}'' ({} accepted, {} refused, {} unanswered): {} and, {}{}{}{}.',
        jobs,
        effect,
        identity,
        target,
        accepted,
        refused,
        unknown,
        first_label,
        coalesce(duration_text(gap_seconds) || ' later, ', 'at a time unknown, '),
        CASE WHEN first_label = second_label THEN 'another job of it' ELSE second_label END,
        CASE WHEN jobs > 2 THEN ' and ' || (jobs - 2) || ' more' ELSE '' END,
        CASE
            WHEN refused_green > 0 THEN '; ' || refused_green || ' of the refused ended green'
            ELSE ''
        END
    ) AS message
FROM contested_identities
WHERE
    told_by = 'duplicate-effect'
    -- A re-run that passes over what is there.
    AND NOT (runs_in_it = 1 AND attempts_in_it = jobs AND refused > 0 AND refused = refused_green);
