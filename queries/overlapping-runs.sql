-- id: overlapping-runs
-- title: Two runs of one lane executed at once
-- severity: medium
-- precision: certain
-- question: Which attempts of one workflow and lane had jobs executing at the same time, and did they write?
-- params:
--   grain_seconds:
--     default: 1
--     means: Grain of the API's times; an overlap is certain when it survives it at both ends.
--   skew_seconds:
--     default: 2
--     means: How far two runners' clocks may differ; counts only where a job is known from its log alone.
--   neighbours:
--     default: 50
--     means: With how many of those that start next a run is compared; beyond them pairs are 'at least'.
-- columns:
--   kind: >-
--     same-target (both wrote one target), writes (only one of them wrote, or each its own) or read-only.
--   lane: What they compete for; the known concurrency group, else the branch (within its workflow).
--   workflow: Name of the workflow of the first run.
--   overlap_seconds: How long both executed at once; of the longest pair.
--   pairs: How many pairs of attempts the finding stands for.
--   certain_pairs: How many of them survive the clocks' grain.
--   total_seconds: Sum of the overlaps of all these pairs.
--   at_least: True where more ran at once than were compared, so that there are more pairs.
-- example: two deploys of one branch
-- false_positives: >-
--   Runs that share a branch on purpose and touch nothing in common: those are told apart by what they
--   wrote, and runs that wrote nothing are one finding for each workflow. Where one of them was refused, or
--   git put one push upon the other, or both wrote only comments and issues, it is medium. Not compared are
--   runs whose workflow or branch is unknown, attempts of one run, copied jobs of partial re-runs and the
--   time between two jobs (waiting for an approval). An overlap of at most two seconds is reported as
--   possible, since a hand-over looks the same. Runs known only from a log have made-up (negative) ids; two
--   of them may be one run, so they are possible only. Writes in logs that are missing, or that no effect
--   rule knows, are not seen.
-- remedy: >-
--   Give the workflow (or the job that writes) a concurrency group named for what it writes to, without
--   run_id or sha in it, with cancel-in-progress for checks, and without (queue) for deploys.

WITH lanes AS MATERIALIZED (
    SELECT
        *,
        -- Numbers are sorted and joined faster than texts; that two lanes have one number is ruled out below.
        hash(lane_key) AS lane_no
    FROM attempt_lanes
),

spans AS (
    SELECT
        s.run_id,
        s.attempt,
        s.span_no,
        s.started_at,
        s.ended_at,
        s.inferred,
        l.lane_no
    FROM execution_spans AS s
    INNER JOIN lanes AS l ON s.run_id = l.run_id AND s.attempt = l.attempt
),

-- What reaches beyond the next start, or begins before an earlier end, overlaps something.
marked AS (
    SELECT
        *,
        lead(started_at) OVER (
            PARTITION BY lane_no
            ORDER BY started_at, ended_at, run_id, attempt, span_no
        ) AS next_start,
        max(ended_at) OVER (
            PARTITION BY lane_no
            ORDER BY started_at, ended_at, run_id, attempt, span_no
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until
    FROM spans
),

placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY lane_no
            ORDER BY started_at, ended_at, run_id, attempt, span_no
        ) AS position
    FROM marked
    WHERE ended_at > next_start OR started_at < busy_until
),

-- Positions follow the starts. So a span meets exactly those behind it up to the last that starts before
-- its end, and the pairs are found by counting: no pair is looked at that does not overlap.
last_positions AS (
    SELECT
        lane_no,
        started_at,
        max(position) AS last_position
    FROM placed
    GROUP BY lane_no, started_at
),

reaching AS (
    SELECT
        s.lane_no,
        s.run_id,
        s.attempt,
        s.started_at,
        s.ended_at,
        s.inferred,
        s.position,
        p.last_position
    FROM placed AS s
    ASOF INNER JOIN last_positions AS p ON s.lane_no = p.lane_no AND s.ended_at > p.started_at
),

-- Bounded by neighbours, or a thousand runs at once were half a million pairs.
reaches AS (
    SELECT
        *,
        last_position > position + $neighbours AS at_least,
        unnest(range(position + 1, least(last_position, position + $neighbours) + 1)) AS other_position
    FROM reaching
),

meetings AS (
    SELECT
        l.lane_key,
        r.at_least,
        s.started_at AS meets_from,
        least(r.run_id, s.run_id) AS run_id,
        greatest(r.run_id, s.run_id) AS other_run_id,
        CASE WHEN r.run_id < s.run_id THEN r.attempt ELSE s.attempt END AS attempt,
        CASE WHEN r.run_id < s.run_id THEN s.attempt ELSE r.attempt END AS other_attempt,
        least(r.ended_at, s.ended_at) AS meets_until,
        r.inferred OR s.inferred AS inferred
    FROM reaches AS r
    INNER JOIN placed AS s ON r.lane_no = s.lane_no AND r.other_position = s.position
    INNER JOIN lanes AS l ON r.run_id = l.run_id AND r.attempt = l.attempt
    INNER JOIN lanes AS o ON s.run_id = o.run_id AND s.attempt = o.attempt AND l.lane_key = o.lane_key
    WHERE
        -- Attempts of one run follow each other: GitHub starts the next when the last has ended.
        r.run_id <> s.run_id
        AND s.ended_at > s.started_at
        -- Equal to the microsecond: one log that was found twice, and given to a made-up run.
        AND NOT (
            least(r.run_id, s.run_id) < 0 AND r.started_at = s.started_at AND r.ended_at = s.ended_at
        )
),

-- Two attempts may meet several times, with pauses between; one meeting that survives the clocks is proof.
pairs AS (
    SELECT
        lane_key,
        run_id,
        attempt,
        other_run_id,
        other_attempt,
        min(meets_from) AS occurred_at,
        bool_or(at_least) AS at_least,
        sum(seconds_between(meets_from, meets_until)) AS overlap_seconds,
        bool_or(
            seconds_between(meets_from, meets_until)
            > 2 * $grain_seconds + CASE WHEN inferred THEN $skew_seconds ELSE 0 END
        ) AS survives
    FROM meetings
    GROUP BY lane_key, run_id, attempt, other_run_id, other_attempt
),

paired AS (
    SELECT
        run_id,
        attempt
    FROM pairs
    UNION
    SELECT
        other_run_id,
        other_attempt
    FROM pairs
),

writes AS (
    SELECT w.*
    FROM write_effects AS w
    SEMI JOIN paired AS p ON (w.run_id = p.run_id AND w.attempt = p.attempt)
    WHERE w.outcome IN ('done', 'rejected', 'unknown')
),

written AS (
    SELECT
        run_id,
        attempt,
        target_key,
        any_value(target) AS target,
        bool_or(outcome <> 'rejected') AS accepted,
        bool_and(keeps_order(target, text)) AS keeps_order,
        arg_min(line_ref(run_id, attempt, job_id, line_no), (job_id, line_no)) AS line
    FROM writes
    GROUP BY run_id, attempt, target_key
),

-- What both wrote. The writes need not fall into the overlap: while two runs execute at once, nothing but
-- chance decides which of them writes last.
first_written AS MATERIALIZED (
    -- Materialized, or the planner joins all runs that wrote a target with each other first.
    SELECT
        p.run_id,
        p.attempt,
        p.other_run_id,
        p.other_attempt,
        w.target_key,
        w.target,
        w.accepted,
        w.keeps_order,
        w.line
    FROM pairs AS p
    INNER JOIN written AS w ON p.run_id = w.run_id AND p.attempt = w.attempt
),

shared_targets AS (
    SELECT
        f.run_id,
        f.attempt,
        f.other_run_id,
        f.other_attempt,
        f.target,
        [f.line, o.line] AS evidence,
        -- Where one was refused, or git put one upon the other, the target itself kept order. A comment or an
        -- issue too many is a nuisance; that it was made twice is said by duplicate-create.
        CASE
            WHEN
                f.accepted AND o.accepted AND NOT (f.keeps_order AND o.keeps_order)
                AND NOT regexp_matches(f.target, '^(issue|issues|pulls):')
                THEN 1
            WHEN f.accepted AND o.accepted THEN 2
            ELSE 3
        END AS rank
    FROM first_written AS f
    INNER JOIN written AS o
        ON f.other_run_id = o.run_id AND f.other_attempt = o.attempt AND f.target_key = o.target_key
),

-- The worst of them is told.
shared AS (
    SELECT
        run_id,
        attempt,
        other_run_id,
        other_attempt,
        min(rank) AS rank,
        arg_min(target, (rank, target)) AS target,
        count(*) AS targets,
        arg_min(evidence, (rank, target)) AS evidence
    FROM shared_targets
    GROUP BY run_id, attempt, other_run_id, other_attempt
),

-- Pairs of which at least one wrote anything while both executed.
wrote_meanwhile AS (
    SELECT DISTINCT
        m.run_id,
        m.attempt,
        m.other_run_id,
        m.other_attempt
    FROM meetings AS m
    INNER JOIN writes AS w
        ON
            m.run_id = w.run_id AND m.attempt = w.attempt
            AND w.began_at <= m.meets_until AND w.occurred_at >= m.meets_from
    UNION
    SELECT DISTINCT
        m.run_id,
        m.attempt,
        m.other_run_id,
        m.other_attempt
    FROM meetings AS m
    INNER JOIN writes AS w
        ON
            m.other_run_id = w.run_id AND m.other_attempt = w.attempt
            AND w.began_at <= m.meets_until AND w.occurred_at >= m.meets_from
),

judged AS (
    SELECT
        p.*,
        l.repository,
        l.workflow,
        l.workflow_key,
        l.lane,
        s.target,
        s.targets,
        s.evidence,
        s.rank,
        CASE
            WHEN s.target IS NOT NULL THEN 'same-target'
            WHEN w.run_id IS NOT NULL THEN 'writes'
            ELSE 'read-only'
        END AS kind
    FROM pairs AS p
    INNER JOIN lanes AS l ON p.run_id = l.run_id AND p.attempt = l.attempt
    LEFT JOIN shared AS s
        ON
            p.run_id = s.run_id AND p.attempt = s.attempt
            AND p.other_run_id = s.other_run_id AND p.other_attempt = s.other_attempt
    LEFT JOIN wrote_meanwhile AS w
        ON
            p.run_id = w.run_id AND p.attempt = w.attempt
            AND p.other_run_id = w.other_run_id AND p.other_attempt = w.other_attempt
),

-- Each pair that wrote one target is a finding. The others would drown it: one for each lane where
-- something was written, one for each workflow where nothing was.
keyed AS (
    SELECT
        *,
        CASE kind
            WHEN 'same-target' THEN concat_ws(chr(10), lane_key, run_id, attempt, other_run_id, other_attempt)
            WHEN 'writes' THEN lane_key
            ELSE concat_ws(chr(10), repository, workflow_key)
        END AS finding_key
    FROM judged
),

counted_pairs AS (
    SELECT
        kind,
        finding_key,
        count(*) AS pairs,
        count(*) FILTER (WHERE survives) AS certain_pairs,
        count(DISTINCT lane_key) AS lanes,
        bool_or(at_least) AS at_least,
        sum(overlap_seconds) AS total_seconds
    FROM keyed
    GROUP BY kind, finding_key
),

worst AS (
    SELECT *
    FROM keyed
    QUALIFY row_number() OVER (
        PARTITION BY kind, finding_key
        ORDER BY
            survives DESC, overlap_seconds DESC, run_id ASC, attempt ASC, other_run_id ASC, other_attempt ASC
    ) = 1
)

SELECT
    w.occurred_at,
    w.repository,
    w.target,
    w.run_id,
    w.attempt,
    w.other_run_id,
    w.other_attempt,
    w.evidence,
    w.kind,
    w.lane,
    w.workflow,
    w.overlap_seconds,
    c.pairs,
    c.certain_pairs,
    c.total_seconds,
    c.at_least,
    concat_ws(chr(10), w.kind, w.finding_key) AS about,
    CASE
        WHEN w.kind = 'read-only' THEN 'info'
        WHEN w.kind = 'same-target' AND w.rank = 1 THEN 'high'
        ELSE 'medium'
    END AS severity,
    -- Two made-up runs may be one of which two logs were found.
    CASE WHEN w.survives AND w.run_id > 0 THEN 'certain' ELSE 'possible' END AS precision,
    CASE
        WHEN w.kind = 'same-target'
            THEN format(
                '''{}'': {} and {} executed at once for {} on ''{}'', and {} ''{}''{}.',
                w.workflow,
                run_label(w.run_id, w.attempt),
                run_label(w.other_run_id, w.other_attempt),
                duration_text(w.overlap_seconds),
                w.lane,
                CASE WHEN w.rank = 3 THEN 'were both at' ELSE 'both wrote' END,
                w.target,
                CASE WHEN w.targets > 1 THEN ' and ' || (w.targets - 1) || ' more' ELSE '' END
            )
        ELSE format(
            '''{}'': {}{} of runs executed at once{}, {}; the longest, {} and {} on ''{}'', for {}.',
            w.workflow,
            CASE WHEN c.at_least THEN 'at least ' ELSE '' END,
            counted(c.pairs, 'pair', 'pairs'),
            CASE WHEN c.lanes > 1 THEN ' on ' || c.lanes || ' lanes' ELSE '' END,
            CASE WHEN w.kind = 'writes' THEN 'and something was written meanwhile' ELSE 'no write seen' END,
            run_label(w.run_id, w.attempt),
            run_label(w.other_run_id, w.other_attempt),
            w.lane,
            duration_text(w.overlap_seconds)
        )
    END AS message
FROM worst AS w
INNER JOIN counted_pairs AS c ON w.kind = c.kind AND w.finding_key = c.finding_key;
