-- id: cache-race
-- title: Jobs raced to save one cache
-- severity: info
-- precision: likely
-- question: Which jobs built a cache in vain, because a sibling was saving the same key at that moment?
-- params:
--   window_minutes:
--     default: 10
--     means: The sibling saved within this time before or after the refusal.
--   often:
--     default: 20
--     means: From so many refusals on, the finding is low instead of info.
-- columns:
--   key: The cache's key, with commit and file hashes as '*'.
--   refused: How many jobs were refused.
--   keys: How many different keys they were refused.
--   same_run: How many of them raced a job of their own run.
--   apart_seconds: How far the two saves lie apart, of the one that is told.
-- example: two legs of a matrix save one key
-- false_positives: >-
--   Nothing is lost but the time to pack: info. A refusal for a key that an earlier run had saved is no race,
--   so a sibling must have saved it within window_minutes; and caches of two branches are kept apart, so it
--   must be of the same run or the same branch (of pull requests, whose head branch says so). Where the log
--   of the one that saved it is not in the case, nothing is said.
-- remedy: >-
--   Put what tells the legs apart into the key (runner.os, the matrix), or let one job save
--   (actions/cache/save) and the others only restore (actions/cache/restore).

WITH saves AS (
    SELECT
        s.repository,
        s.target,
        s.target_key,
        s.run_id,
        s.attempt,
        s.job_id,
        s.line_no,
        s.outcome,
        s.occurred_at,
        r.head_branch,
        coalesce(r.head_repository, r.repository) AS head_repository,
        coalesce(starts_with(r.event, 'pull_request'), FALSE) AS of_pull_request
    FROM side_effects AS s
    INNER JOIN runs AS r ON s.run_id = r.run_id
    WHERE
        s.effect = 'save' AND starts_with(s.target, 'cache:') AND s.occurred_at IS NOT NULL
        AND s.outcome IN ('done', 'rejected')
),

refused AS (
    SELECT *
    FROM saves
    WHERE outcome = 'rejected'
    QUALIFY row_number() OVER (PARTITION BY target_key, job_id ORDER BY occurred_at, line_no) = 1
),

-- A refusal beside the saves of its key: a key is saved once, or again after it was evicted, so few match.
met AS (
    SELECT
        r.*,
        s.run_id AS by_run_id,
        s.attempt AS by_attempt,
        s.job_id AS by_job_id,
        s.line_no AS by_line_no,
        r.run_id = s.run_id AS same_run,
        abs(seconds_between(r.occurred_at, s.occurred_at)) AS apart_seconds
    FROM refused AS r
    INNER JOIN saves AS s ON r.target_key = s.target_key AND s.outcome = 'done'
    WHERE
        r.job_id <> s.job_id
        AND (
            r.run_id = s.run_id
            OR (
                r.head_branch = s.head_branch AND r.head_repository = s.head_repository
                AND r.of_pull_request = s.of_pull_request
            )
        )
    QUALIFY row_number() OVER (
        PARTITION BY r.target_key, r.job_id ORDER BY apart_seconds, s.run_id, s.attempt, s.job_id, s.line_no
    ) = 1
),

keyed AS (
    SELECT
        *,
        regexp_replace(substr(target, 7), '\b[0-9a-f]{7,64}\b', '*', 'g') AS family
    FROM met
    WHERE apart_seconds <= 60 * $window_minutes
),

grouped AS (
    SELECT
        repository,
        family,
        count(*) AS refused,
        count(*) >= $often AS is_often,
        count(DISTINCT target) AS keys,
        count(*) FILTER (WHERE same_run) AS same_run
    FROM keyed
    GROUP BY repository, family
),

last_one AS (
    SELECT *
    FROM keyed
    QUALIFY row_number() OVER (
        PARTITION BY repository, family ORDER BY occurred_at DESC, run_id DESC, attempt DESC, job_id DESC
    ) = 1
)

SELECT
    o.occurred_at,
    o.repository,
    o.target,
    o.run_id,
    o.attempt,
    o.by_run_id AS other_run_id,
    o.by_attempt AS other_attempt,
    o.family AS key,
    g.refused,
    g.keys,
    g.same_run,
    o.apart_seconds,
    concat_ws(chr(10), o.repository, o.family) AS about,
    [
        line_ref(o.run_id, o.attempt, o.job_id, o.line_no),
        line_ref(o.by_run_id, o.by_attempt, o.by_job_id, o.by_line_no)
    ] AS evidence,
    CASE WHEN g.is_often THEN 'low' ELSE 'info' END AS severity,
    format(
        'cache ''{}'': {} refused because a sibling was saving the same key ({}); {}{}, {} from {}.',
        o.family,
        counted(g.refused, 'save was', 'saves were'),
        counted(g.keys, 'key', 'keys'),
        CASE WHEN g.refused > 1 THEN 'the last, ' ELSE '' END,
        run_label(o.run_id, o.attempt),
        duration_text(o.apart_seconds),
        CASE
            WHEN o.run_id = o.by_run_id AND o.attempt = o.by_attempt THEN 'another job of it'
            ELSE run_label(o.by_run_id, o.by_attempt)
        END
    ) AS message
FROM last_one AS o
INNER JOIN grouped AS g ON o.repository = g.repository AND o.family = g.family;
