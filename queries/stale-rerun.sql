-- id: stale-rerun
-- title: A re-run of an older commit wrote over a newer one
-- severity: medium
-- precision: likely
-- question: Which re-run brought back an older commit after a newer one had landed?
-- params:
--   grain_seconds:
--     default: 1
--     means: Grain of the API's times; commits first seen within twice of it are ordered by run number.
-- columns:
--   kind: >-
--     retry (no earlier attempt of the run had landed there, so somebody repaired an old failure) or
--     rollback (one had, so it may be meant: intentional?).
--   sha: The older commit, which the re-run brought.
--   newer_sha: The newer commit, which it replaced.
--   targets: How many targets the re-run brought back.
--   landed_after_seconds: How long after the newer commit the older one landed.
--   stale_seconds: How long the older commit stood, until a commit at least as new landed; NULL if none did.
-- example: a failed deploy is run again after the next commit's
-- false_positives: >-
--   A rollback on purpose is done by a re-run of what had worked before: where an earlier attempt of the run
--   had landed on the target itself, the finding is only possible and weighs less. Where none had, an old
--   failure was repaired, which rarely means to bring back its commit, but may. Comments weigh least. Jobs
--   that a partial re-run copied did nothing and are not looked at.
-- remedy: >-
--   A re-run keeps its commit and enters its group as a newcomer. Let the deploy job compare its commit with
--   the branch's head (or with what is live) and stop, for attempts above 1 too; roll back by a dispatch that
--   names the commit. After a failure run the newest commit's workflow, not the old one again.

WITH told AS (
    SELECT
        *,
        CASE WHEN landed_itself_before THEN 'rollback' ELSE 'retry' END AS kind
    FROM stale_landings
    WHERE
        told_by = 'stale-rerun'
        AND (commits_apart_seconds > 2 * $grain_seconds OR numbered_before)
),

-- One re-run brings back everything that it deploys.
brought AS (
    SELECT
        repository,
        run_id,
        attempt,
        kind,
        bool_and(ground = 'text') AS only_text,
        bool_or(mended_at IS NULL) AS stands,
        bool_and(asked_for_known) AS asked_for_known,
        count(*) AS targets,
        arg_min(
            struct_pack(
                target := target,
                sha := sha,
                newer_sha := newer_sha,
                newer_run_id := newer_run_id,
                newer_attempt := newer_attempt,
                landed_at := landed_at,
                landed_after_seconds := landed_after_seconds,
                stale_seconds := stale_seconds
            ),
            -- What still stands on the older commit comes first.
            (mended_at IS NOT NULL, landed_at, lane_key)
        ) AS first_one,
        list_slice(flatten(list(evidence ORDER BY landed_at, lane_key)), 1, 8) AS evidence
    FROM told
    GROUP BY repository, run_id, attempt, kind
)

SELECT
    repository,
    run_id,
    attempt,
    evidence,
    kind,
    targets,
    struct_extract(first_one, 'landed_at') AS occurred_at,
    struct_extract(first_one, 'target') AS target,
    struct_extract(first_one, 'newer_run_id') AS other_run_id,
    struct_extract(first_one, 'newer_attempt') AS other_attempt,
    struct_extract(first_one, 'sha') AS sha,
    struct_extract(first_one, 'newer_sha') AS newer_sha,
    struct_extract(first_one, 'landed_after_seconds') AS landed_after_seconds,
    struct_extract(first_one, 'stale_seconds') AS stale_seconds,
    concat_ws(chr(10), repository, kind, run_id, attempt) AS about,
    CASE
        WHEN only_text THEN 'low'
        WHEN kind = 'retry' AND stands THEN 'high'
        WHEN kind = 'retry' OR stands THEN 'medium'
        ELSE 'low'
    END AS severity,
    CASE WHEN kind = 'retry' AND asked_for_known THEN 'likely' ELSE 'possible' END AS precision,
    format(
        '''{}''{}: {} brought the older commit {} {} after {} had brought {}{}; {}.',
        struct_extract(first_one, 'target'),
        CASE WHEN targets > 1 THEN ' and ' || (targets - 1) || ' more' ELSE '' END,
        run_label(run_id, attempt),
        left(struct_extract(first_one, 'sha'), 8),
        duration_text(struct_extract(first_one, 'landed_after_seconds')),
        run_label(struct_extract(first_one, 'newer_run_id'), struct_extract(first_one, 'newer_attempt')),
        left(struct_extract(first_one, 'newer_sha'), 8),
        stale_text(struct_extract(first_one, 'stale_seconds')),
        CASE kind
            WHEN 'retry' THEN 'no earlier attempt of it had landed there, so an old failure was repaired'
            ELSE 'it had landed there before, so this may be a rollback on purpose'
        END
    ) AS message
FROM brought;
