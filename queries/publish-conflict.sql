-- id: publish-conflict
-- title: A version was refused, since it was there already
-- severity: low
-- precision: likely
-- question: Which version was never published, because the registry had one of that name, and who saw it?
-- params:
--   habit_runs:
--     default: 2
--     means: A workflow that is refused one version in so many runs does so by habit, which weighs less.
-- columns:
--   identity: The version.
--   kind: published-earlier (its publisher is in this case) or publisher-unknown.
--   refused: How many jobs were refused.
--   refused_green: How many of them ended with success all the same.
--   gap_seconds: From its publication to the first refusal; NULL where not known.
-- example: a later commit's version is refused, and its run is green
-- false_positives: >-
--   Workflows that try to publish on every push and pass over the versions that are there mean it so: what
--   says that it skips is a no-op and not looked at, the same commit tried again with a green end is left
--   out, and a version refused in several runs is low. A refusal that made the job red was seen: low. Two
--   runs within the hour are a race, told by duplicate-effect, as are re-runs of the publisher itself. Who
--   published what is not in this case may be a person at a desk: possible only.
-- remedy: >-
--   Let the job fail when the registry refuses (no `|| true`, no continue-on-error on the publish step), or
--   ask before whether the version is there and end the job with a word about it. Compute the version in
--   the job that publishes it, in a group named for the package.

SELECT
    refused_at AS occurred_at,
    repository,
    target,
    runs,
    evidence,
    identity,
    refused,
    refused_green,
    identity_key AS about,
    CASE WHEN accepted > 0 THEN 'published-earlier' ELSE 'publisher-unknown' END AS kind,
    CASE WHEN accepted > 0 THEN seconds_between(created_at, refused_at) END AS gap_seconds,
    CASE
        WHEN refused_green > 0 AND attempts_in_it - accepted < $habit_runs THEN 'medium'
        ELSE 'low'
    END AS severity,
    CASE
        WHEN first_run_id < 0 OR accepted = 0 THEN 'possible'
        WHEN refused_at IS NULL OR created_at IS NULL THEN 'likely'
        ELSE 'certain'
    END AS precision,
    format(
        '''{}'' was refused on ''{}'' to {}, since it was there{}{}{}.',
        identity,
        target,
        run_label(struct_extract(refusee, 'run_id'), struct_extract(refusee, 'attempt')),
        CASE
            WHEN accepted > 0
                THEN
                    ': '
                    || run_label(struct_extract(creator, 'run_id'), struct_extract(creator, 'attempt'))
                    || ' had published it'
                    || coalesce(
                        ' ' || duration_text(seconds_between(created_at, refused_at)) || ' before', ''
                    )
            ELSE ' (published by nobody in this case)'
        END,
        CASE WHEN refused > 1 THEN ', and ' || counted(refused - 1, 'time', 'times') || ' more' ELSE '' END,
        CASE
            WHEN refused_green = 0 THEN ''
            WHEN refused = 1 THEN '; the job ended green all the same'
            ELSE '; ' || refused_green || ' of ' || refused || ' jobs ended green all the same'
        END
    ) AS message
FROM contested_identities
WHERE
    told_by = 'publish-conflict'
    AND NOT (accepted > 0 AND refused_green = refused AND coalesce(creator_sha = refusee_sha, FALSE))
    -- Whoever was refused before it was published was refused for something else.
    AND NOT coalesce(accepted > 0 AND refused_at < created_at, FALSE);
