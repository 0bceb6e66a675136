-- id: evicted-by-no-op
-- title: A waiting run was evicted by a run that did nothing
-- severity: high
-- precision: likely
-- question: >-
--   Which waiting runs were cancelled by the arrival of a run that then skipped all its jobs or wrote
--   nothing?
-- params:
--   most_runs:
--     default: 20
--     means: How many of the evicted a finding names at most, the last ones first.
-- columns:
--   kind: >-
--     skipped (every job of the other was skipped) or no-effect (it succeeded and its logs show no write).
--   workflow: Name of the evicted run's workflow.
--   group: The group, where known.
--   evicted: How many runs were lost in this way.
--   never_shipped: How many of them no later success of the workflow and branch took along.
--   no_ops: How many different runs evicted them.
--   no_op_events: The events that started those, most frequent first.
-- example: comments that are none of the workflow's business evict the waiting deploys
-- false_positives: >-
--   A workflow-level group is claimed before any if: of a job is looked at, so the skipped run really took
--   the place. Whether a skipped job claims a group at job level is disputed, so that is only possible. A
--   run without a write is told only where its own log is in the case and other runs of the workflow write;
--   a deploy that found nothing to change looks the same.
-- remedy: >-
--   Move concurrency from the workflow to the job that needs it, below its if:, or narrow the triggers
--   (types:, branches:, paths:) so that events which end in a skip start no run; or give such events a group
--   of their own (group: deploy-${{ github.event_name == 'push' && 'main' || github.run_id }}).

WITH logged AS (
    SELECT DISTINCT run_id
    FROM log_lines
),

wrote AS (
    SELECT DISTINCT
        run_id,
        attempt
    FROM write_effects
),

tallies AS (
    SELECT
        run_id,
        attempt,
        bool_and(coalesce(conclusion = 'skipped', FALSE)) AS all_skipped
    FROM jobs
    WHERE NOT copied
    GROUP BY run_id, attempt
),

judged AS (
    SELECT
        f.*,
        b.event AS by_event,
        CASE
            WHEN coalesce(t.all_skipped, a.conclusion = 'skipped', FALSE) THEN 'skipped'
            WHEN
                a.conclusion = 'success' AND l.run_id IS NOT NULL AND w.run_id IS NULL
                AND coalesce(s.seen, FALSE)
                THEN 'no-effect'
        END AS kind
    FROM fates AS f
    INNER JOIN workflow_lanes AS b ON f.by_run_id = b.run_id
    LEFT JOIN attempts AS a ON f.by_run_id = a.run_id AND f.by_attempt = a.attempt
    LEFT JOIN tallies AS t ON f.by_run_id = t.run_id AND f.by_attempt = t.attempt
    LEFT JOIN logged AS l ON f.by_run_id = l.run_id
    LEFT JOIN wrote AS w ON f.by_run_id = w.run_id AND f.by_attempt = w.attempt
    LEFT JOIN writing_workflows AS s ON b.repository = s.repository AND b.workflow_key = s.workflow_key
    WHERE f.cause = 'superseded-waiting' AND f.by_run_id <> f.run_id
),

keyed AS (
    SELECT
        *,
        concat_ws(chr(10), repository, workflow_key, group_key, kind) AS finding_key
    FROM judged
    WHERE kind IS NOT NULL
),

events AS (
    SELECT
        finding_key,
        by_event,
        count(*) AS times
    FROM keyed
    GROUP BY finding_key, by_event
),

listed AS (
    SELECT
        finding_key,
        string_agg(by_event, ', ' ORDER BY times DESC, by_event ASC) AS no_op_events
    FROM events
    GROUP BY finding_key
),

grouped AS (
    SELECT
        finding_key,
        count(*) AS evicted,
        count(*) FILTER (WHERE fate = 'never-shipped') AS never_shipped,
        count(DISTINCT by_run_id) AS no_ops,
        bool_or(fate = 'own-work') AS any_own_work,
        list_slice(
            list(run_ref(run_id, attempt) ORDER BY cancelled_at DESC, run_id DESC), 1, $most_runs
        ) AS victims
    FROM keyed
    GROUP BY finding_key
),

last_one AS (
    SELECT *
    FROM keyed
    QUALIFY row_number() OVER (
        PARTITION BY finding_key
        ORDER BY cancelled_at DESC, run_id DESC, attempt DESC, job_id DESC
    ) = 1
)

SELECT
    k.cancelled_at AS occurred_at,
    k.repository,
    k.kind,
    k.workflow,
    k.group_key AS "group",
    g.evicted,
    g.never_shipped,
    g.no_ops,
    e.no_op_events,
    k.finding_key AS about,
    list_concat(g.victims, [run_ref(k.by_run_id, k.by_attempt)]) AS runs,
    CASE
        WHEN k.job_id IS NOT NULL THEN 'possible'
        WHEN k.kind = 'no-effect' AND k.precision = 'certain' THEN 'likely'
        ELSE k.precision
    END AS precision,
    CASE
        WHEN NOT k.writes THEN 'low'
        WHEN g.never_shipped > 0 THEN 'high'
        ELSE 'medium'
    END AS severity,
    format(
        '''{}'': {} evicted from {} while waiting, by {} that {} (started by {}); '
        'the last, {}, by the arrival of {}; {}.',
        k.workflow,
        counted(g.evicted, 'run was', 'runs were'),
        k.group_label,
        counted(g.no_ops, 'run', 'runs'),
        CASE k.kind WHEN 'skipped' THEN 'then skipped every job' ELSE 'then wrote nothing' END,
        e.no_op_events,
        run_label(k.run_id, k.attempt),
        run_label(k.by_run_id, k.by_attempt),
        CASE
            WHEN g.never_shipped = 0 THEN 'later runs of their branches succeeded'
            ELSE 'of ' || counted(g.never_shipped, 'run', 'runs') || ' nothing was shipped since in this case'
        END
    ) AS message
FROM last_one AS k
INNER JOIN grouped AS g ON k.finding_key = g.finding_key
INNER JOIN listed AS e ON k.finding_key = e.finding_key;
