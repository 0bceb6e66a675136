-- id: version-race
-- title: Two runs computed the same version
-- severity: medium
-- precision: certain
-- question: Which run was refused a tag or a release, because another had computed the same version?
-- params:
--   grain_seconds:
--     default: 1
--     means: Grain of the API's times; runs that overlap by no more than twice of it need not have met.
-- columns:
--   kind: >-
--     race (within an hour of each other), taken-earlier (the other one had it long before) or
--     creator-unknown.
--   identity: The first of the tags and releases.
--   identities: How many tags and releases the two had in common.
--   refused_green: How many of the refused jobs ended with success all the same.
--   gap_seconds: From the creation to the refusal; NULL where not known.
--   overlap_seconds: How long both runs were under way at once; NULL where not known, 0 where not at all.
-- example: two overlapping runs compute one version
-- false_positives: >-
--   A re-run of the run that made the tag (told by duplicate-effect, low), tags that are made to move
--   ('v2', 'nightly', those moved by force), and jobs of one run that fill one release are left out. Two
--   runs of one commit want the same thing, so one of them too many is low (twin-runs says why there were
--   two). A tag that was there for longer than an hour, or that nobody in this case made, need not have
--   been computed at all: low; a person may have pushed it.
-- remedy: >-
--   Read the last version, compute the next one and push its tag in one job, in a group named for it and
--   without cancel-in-progress (queue: max where every release counts); a group around only one of two jobs
--   leaves the gap between them open. Let the run that is refused stop, or compute again.

WITH told AS (
    SELECT
        *,
        CASE
            WHEN accepted = 0 THEN 'creator-unknown'
            WHEN near <= 3600 THEN 'race'
            ELSE 'taken-earlier'
        END AS kind
    FROM contested_identities
    WHERE told_by = 'version-race'
),

-- A release of ten packages has ten tags, and one race.
raced AS (
    SELECT
        repository,
        kind,
        creator,
        refusee,
        any_value(creator_sha) AS creator_sha,
        any_value(refusee_sha) AS refusee_sha,
        min(first_run_id) AS first_run_id,
        count(*) AS identities,
        sum(refused_green)::bigint AS refused_green,
        min(refused_at) AS refused_at,
        min(identity) AS identity,
        arg_min(target, identity_key) AS target,
        arg_min(effect, identity_key) AS effect,
        arg_min(seconds_between(created_at, refused_at), identity_key) AS gap_seconds,
        list_slice(flatten(list(evidence ORDER BY identity_key)), 1, 8) AS evidence,
        list_sort(list_distinct(flatten(list(runs)))) AS runs
    FROM told
    GROUP BY repository, kind, creator, refusee
),

met AS (
    SELECT
        v.*,
        greatest(
            0, seconds_between(greatest(c.started_at, f.started_at), least(c.completed_at, f.completed_at))
        ) AS overlap_seconds
    FROM raced AS v
    LEFT JOIN attempts AS c
        ON struct_extract(v.creator, 'run_id') = c.run_id AND struct_extract(v.creator, 'attempt') = c.attempt
    LEFT JOIN attempts AS f
        ON struct_extract(v.refusee, 'run_id') = f.run_id AND struct_extract(v.refusee, 'attempt') = f.attempt
)

SELECT
    refused_at AS occurred_at,
    repository,
    target,
    runs,
    evidence,
    kind,
    identity,
    identities,
    refused_green,
    gap_seconds,
    overlap_seconds,
    concat_ws(
        chr(10),
        repository,
        kind,
        coalesce(run_label(struct_extract(creator, 'run_id'), struct_extract(creator, 'attempt')), '-'),
        run_label(struct_extract(refusee, 'run_id'), struct_extract(refusee, 'attempt'))
    ) AS about,
    CASE
        WHEN kind <> 'race' OR coalesce(creator_sha = refusee_sha, FALSE) THEN 'low'
        WHEN refused_green > 0 THEN 'high'
        ELSE 'medium'
    END AS severity,
    CASE
        WHEN kind = 'creator-unknown' OR first_run_id < 0 THEN 'possible'
        WHEN kind = 'race' AND overlap_seconds > 2 * $grain_seconds THEN 'certain'
        WHEN kind = 'race' AND overlap_seconds > 0 THEN 'possible'
        ELSE 'likely'
    END AS precision,
    format(
        '{} was refused the {} ''{}''{}, {}{}.',
        run_label(struct_extract(refusee, 'run_id'), struct_extract(refusee, 'attempt')),
        effect,
        identity,
        CASE WHEN identities > 1 THEN ' and ' || (identities - 1) || ' more' ELSE '' END,
        CASE
            WHEN kind = 'creator-unknown' THEN 'since it was there; nobody in this case made it'
            ELSE
                'which ' || run_label(struct_extract(creator, 'run_id'), struct_extract(creator, 'attempt'))
                || ' had made' || coalesce(' ' || duration_text(abs(gap_seconds)) || CASE
                    WHEN gap_seconds < 0 THEN ' later' ELSE ' before'
                END, '') || CASE
                    WHEN overlap_seconds > 0
                        THEN '; both were under way at once for ' || duration_text(overlap_seconds)
                    ELSE ''
                END
        END,
        CASE WHEN refused_green > 0 THEN '; the refused job ended green all the same' ELSE '' END
    ) AS message
FROM met;
