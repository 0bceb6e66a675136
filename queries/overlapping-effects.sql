-- id: overlapping-effects
-- title: Two runs worked on one target at once
-- severity: critical
-- precision: certain
-- question: Which runs were writing to the same target at the same time?
-- params:
--   grain_seconds:
--     default: 1
--     means: Grain of the API's times; an overlap is certain when it survives it at both ends, and the skew.
--   skew_seconds:
--     default: 2
--     means: How far two runners' clocks may differ.
--   neighbours:
--     default: 50
--     means: With how many of those that come next a turn is compared; pairs beyond them are left out.
-- columns:
--   effect: What the first run did there.
--   outcomes: How it went for the first and for the second run.
--   overlap_seconds: How long both were at the target at once.
--   basis: >-
--     writes (both landed, or were between announcement and outcome, while both were there), steps (only
--     their steps overlapped) or deployments (no log tells of it, and GitHub's two deployments overlapped).
--   identities: What came into being, where the logs say it.
-- example: two deploys to one environment
-- false_positives: >-
--   A long step that writes to the target only at its start or end holds it, as we see it, all the time:
--   where only the steps overlap the finding says so and weighs less. Runs that publish different versions
--   of a package at once, or comment on one issue, do little harm and weigh less; so do plain pushes of a
--   branch, which git accepts only on top of each other. Jobs of one run are not compared here (matrix legs
--   share targets on purpose; what they create twice, duplicate-effect finds). A tool's own lock may have
--   kept the writes apart; mostly one of them was rejected then, which is medium. Runs known only from a log
--   may be one run, so that is possible only. Where only GitHub's deployments tell of it, the environment may
--   be there for its secrets, and nothing was written: that is likely at most.
-- remedy: >-
--   One concurrency group for all workflows and branches that write to the target, named for the target and
--   at the job that writes. Where the tool has a lock of its own (Terraform's state), let it wait for that.

-- One turn at a target is one step's (or, where steps are unknown, one job's) effects on it. Numbers are
-- sorted faster than texts; that two targets have one number is ruled out where they meet.
WITH turn_times AS (
    SELECT
        run_id,
        attempt,
        job_id,
        step_number,
        hash(target_key) AS target_no,
        min(held_from) AS held_from,
        max(held_to) AS held_to
    FROM held_effects
    GROUP BY hash(target_key), run_id, attempt, job_id, step_number
),

-- What reaches beyond the next beginning, or begins before an earlier end, overlaps something.
marked AS (
    SELECT
        *,
        lead(held_from) OVER (
            PARTITION BY target_no
            ORDER BY held_from, held_to, run_id, attempt, job_id, step_number
        ) AS next_from,
        max(held_to) OVER (
            PARTITION BY target_no
            ORDER BY held_from, held_to, run_id, attempt, job_id, step_number
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS held_until
    FROM turn_times
),

placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY target_no
            ORDER BY held_from, held_to, run_id, attempt, job_id, step_number
        ) AS position
    FROM marked
    WHERE held_to > next_from OR held_from < held_until
),

-- As in overlapping-runs: a turn meets those behind it up to the last that begins before its end.
last_positions AS (
    SELECT
        target_no,
        held_from,
        max(position) AS last_position
    FROM placed
    GROUP BY target_no, held_from
),

reaching AS (
    SELECT
        t.*,
        p.last_position
    FROM placed AS t
    ASOF INNER JOIN last_positions AS p ON t.target_no = p.target_no AND t.held_to > p.held_from
),

-- Bounded by neighbours, or a thousand runs at once were half a million pairs.
reaches AS (
    SELECT
        *,
        unnest(range(position + 1, least(last_position, position + $neighbours) + 1)) AS other_position
    FROM reaching
),

-- The turns that overlap anything, whole.
turns AS (
    SELECT
        e.target_key,
        e.run_id,
        e.attempt,
        e.job_id,
        e.step_number,
        any_value(hash(e.target_key)) AS target_no,
        any_value(e.repository) AS repository,
        any_value(e.target) AS target,
        min(e.effect) AS effect,
        min(e.held_from) AS held_from,
        max(e.held_to) AS held_to,
        min(e.began_at) AS began_at,
        max(e.occurred_at) AS landed_at,
        -- A retry that succeeded counts as done: what was written was written.
        CASE
            WHEN bool_or(e.outcome = 'done') THEN 'done'
            WHEN bool_or(e.outcome = 'unknown') THEN 'unknown'
            WHEN bool_or(e.outcome = 'rejected') THEN 'rejected'
            ELSE 'failed'
        END AS outcome,
        bool_and(keeps_order(e.target, e.text)) AS keeps_order,
        bool_and(starts_with(e.target, 'environment:')) AS by_record,
        min(e.identity) AS identity,
        min(e.line_no) AS line_no
    FROM held_effects AS e
    SEMI JOIN placed AS p
        ON (
            hash(e.target_key) = p.target_no
            AND e.run_id = p.run_id AND e.attempt = p.attempt AND e.job_id = p.job_id
            AND e.step_number IS NOT DISTINCT FROM p.step_number
        )
    GROUP BY e.target_key, e.run_id, e.attempt, e.job_id, e.step_number
),

meetings AS (
    SELECT
        a.target_key,
        a.repository,
        a.target,
        a.effect,
        b.held_from AS meets_from,
        least(a.run_id, b.run_id) AS run_id,
        greatest(a.run_id, b.run_id) AS other_run_id,
        CASE WHEN a.run_id < b.run_id THEN a.attempt ELSE b.attempt END AS attempt,
        CASE WHEN a.run_id < b.run_id THEN b.attempt ELSE a.attempt END AS other_attempt,
        CASE WHEN a.run_id < b.run_id THEN a.outcome ELSE b.outcome END AS outcome,
        CASE WHEN a.run_id < b.run_id THEN b.outcome ELSE a.outcome END AS other_outcome,
        CASE WHEN a.run_id < b.run_id THEN a.identity ELSE b.identity END AS identity,
        CASE WHEN a.run_id < b.run_id THEN b.identity ELSE a.identity END AS other_identity,
        a.keeps_order AND b.keeps_order AS keep_order,
        -- A deployment of GitHub's lasts as long as its job; when the job wrote, it does not say.
        a.by_record OR b.by_record AS by_record,
        list_sort([
            line_ref(a.run_id, a.attempt, a.job_id, a.line_no),
            line_ref(b.run_id, b.attempt, b.job_id, b.line_no)
        ]) AS evidence,
        seconds_between(b.held_from, least(a.held_to, b.held_to)) AS overlap_seconds,
        -- From announcement to outcome they overlapped, or both outcomes came while both were there.
        (a.began_at < b.landed_at AND b.began_at < a.landed_at)
        OR (
            a.landed_at BETWEEN b.held_from AND least(a.held_to, b.held_to)
            AND b.landed_at BETWEEN b.held_from AND least(a.held_to, b.held_to)
        ) AS writes_overlap
    FROM reaches AS r
    INNER JOIN placed AS p ON r.target_no = p.target_no AND r.other_position = p.position
    INNER JOIN turns AS a
        ON
            r.target_no = a.target_no
            AND r.run_id = a.run_id AND r.attempt = a.attempt AND r.job_id = a.job_id
            AND r.step_number IS NOT DISTINCT FROM a.step_number
    INNER JOIN turns AS b
        ON
            a.target_key = b.target_key
            AND p.run_id = b.run_id AND p.attempt = b.attempt AND p.job_id = b.job_id
            AND p.step_number IS NOT DISTINCT FROM b.step_number
    WHERE
        a.run_id <> b.run_id
        AND b.held_to > b.held_from
        -- Equal to the microsecond: one log that was found twice, and given to a made-up run.
        AND NOT (least(a.run_id, b.run_id) < 0 AND a.began_at = b.began_at AND a.landed_at = b.landed_at)
),

ranked AS (
    SELECT
        *,
        CASE
            -- What stays beside the other whatever the order: comments, and different versions of a thing.
            WHEN effect IN ('comment', 'issue', 'pull-request') THEN 4
            WHEN outcome IN ('rejected', 'failed') OR other_outcome IN ('rejected', 'failed') THEN 3
            -- Two plain pushes that git accepted are built on each other.
            WHEN keep_order THEN 4
            WHEN effect IN ('publish', 'tag', 'release') AND identity <> other_identity THEN 3
            WHEN outcome = 'unknown' OR other_outcome = 'unknown' OR NOT writes_overlap THEN 2
            WHEN by_record THEN 2
            WHEN effect IN ('publish', 'tag', 'release') THEN 2
            ELSE 1
        END AS rank
    FROM meetings
),

-- One finding for a pair of attempts and a target; of several meetings the worst is told.
worst AS (
    SELECT *
    FROM ranked
    QUALIFY row_number() OVER (
        PARTITION BY target_key, run_id, attempt, other_run_id, other_attempt
        ORDER BY rank ASC, overlap_seconds DESC, evidence ASC
    ) = 1
)

SELECT
    meets_from AS occurred_at,
    repository,
    target,
    run_id,
    attempt,
    other_run_id,
    other_attempt,
    evidence,
    effect,
    overlap_seconds,
    [outcome, other_outcome] AS outcomes,
    list_sort(list_distinct([identity, other_identity])) AS identities,
    CASE WHEN by_record THEN 'deployments' WHEN writes_overlap THEN 'writes' ELSE 'steps' END AS basis,
    concat_ws(chr(10), target_key, run_id, attempt, other_run_id, other_attempt) AS about,
    CASE rank WHEN 1 THEN 'critical' WHEN 2 THEN 'high' WHEN 3 THEN 'medium' ELSE 'low' END AS severity,
    CASE
        -- Two made-up runs may be one of which two logs were found.
        WHEN run_id < 0 THEN 'possible'
        WHEN overlap_seconds > 2 * $grain_seconds + $skew_seconds
            THEN CASE WHEN by_record THEN 'likely' ELSE 'certain' END
        ELSE 'possible'
    END AS precision,
    format(
        CASE
            -- What was refused wrote nothing.
            WHEN outcome IN ('rejected', 'failed') OR other_outcome IN ('rejected', 'failed')
                THEN '''{}'': {} ({}) and {} ({}) were at it at once for {}.'
            WHEN by_record THEN '''{}'': {} ({}) and {} ({}) were deploying to it at once for {}.'
            WHEN writes_overlap THEN '''{}'': {} ({}) and {} ({}) wrote to it at once for {}.'
            ELSE '''{}'': {} ({}) and {} ({}) worked on it at once for {}, but wrote one after the other.'
        END,
        target,
        run_label(run_id, attempt),
        outcome,
        run_label(other_run_id, other_attempt),
        other_outcome,
        duration_text(overlap_seconds)
    ) AS message
FROM worst;
