-- id: required-check-cancelled
-- title: A check stands cancelled at the head of a pull request
-- severity: medium
-- precision: possible
-- question: >-
--   At which heads of pull requests or merge queue entries did concurrency cancel a check that never
--   succeeded there?
-- params:
--   required:
--     default: ""
--     means: Names of the checks that the branch's rules require, separated by commas; empty where not known.
--   most_runs:
--     default: 20
--     means: How many runs a finding names at most, the last ones first.
-- columns:
--   kind: >-
--     queue (an entry of a merge queue, which a cancelled check ejects) or head (a pull request's newest
--     commit).
--   workflow: Name of the workflow.
--   checks: >-
--     The checks that stand cancelled, by name; empty where the run never had a job, so nothing reported.
--   heads: At how many heads.
--   cancelled_checks: >-
--     How many checks of the workflow concurrency cancelled in all, superseded heads included.
--   failed_checks: How many really failed.
-- example: a label cancels the check of the newest commit, and the pull request stays red
-- false_positives: >-
--   A check cancelled at a head that a newer push replaced is as meant, and left out; so is one that
--   succeeded or was skipped at the same commit in another run. Which checks are required no API page in the
--   case says: with the parameter required the finding is likely, without it possible. The pull request may
--   be closed.
-- remedy: >-
--   Run the cancelled check again now (gh run rerun ID). Give events that keep the head as it is (labeled,
--   edited, comments, push beside pull_request) a group of their own, or cancel only for a new head: put
--   github.event.action or github.sha into the group for those; never cancel in progress for merge_group
--   (cancel-in-progress: ${{ github.event_name == 'pull_request' }}).

WITH heads AS (
    SELECT
        repository,
        head_repository,
        head_branch,
        max(newness) AS newness
    FROM commit_order
    GROUP BY repository, head_repository, head_branch
),

wanted AS (
    SELECT list_transform(
        list_filter(string_split($required, ','), LAMBDA name: trim(name) <> ''), LAMBDA name: trim(name)
    ) AS names
),

-- What a check run of each name came to, at each commit.
reported AS (
    SELECT
        l.lane_key,
        l.newness,
        j.name,
        bool_or(j.conclusion IN ('success', 'skipped', 'neutral')) AS is_fine
    FROM workflow_lanes AS l
    INNER JOIN jobs AS j ON l.run_id = j.run_id
    WHERE NOT j.copied
    GROUP BY l.lane_key, l.newness, j.name
),

runs_with_jobs AS (
    SELECT DISTINCT run_id
    FROM jobs
    WHERE NOT copied
),

fine_runs AS (
    SELECT DISTINCT
        l.lane_key,
        l.newness
    FROM workflow_lanes AS l
    INNER JOIN attempts AS a ON l.run_id = a.run_id
    WHERE a.conclusion IN ('success', 'skipped', 'failure') OR a.status <> 'completed'
),

lost AS (
    SELECT
        l.*,
        k.attempt,
        k.by_run_id,
        k.cancelled_at,
        k.confidence,
        j.name AS check_name,
        coalesce(k.by_attempt, 1) AS by_attempt,
        l.event = 'merge_group' AS of_queue,
        l.event = 'merge_group' OR h.newness IS NOT NULL AS is_head,
        CASE
            WHEN k.job_id IS NULL THEN f.lane_key IS NOT NULL
            ELSE r.is_fine
        END AS is_fine
    FROM cancellations AS k
    INNER JOIN workflow_lanes AS l ON k.run_id = l.run_id
    LEFT JOIN jobs AS j ON k.job_id = j.job_id
    LEFT JOIN heads AS h
        ON
            l.repository = h.repository AND l.head_repository = h.head_repository
            AND l.head_branch = h.head_branch AND l.newness = h.newness
    LEFT JOIN reported AS r ON l.lane_key = r.lane_key AND l.newness = r.newness AND j.name = r.name
    LEFT JOIN fine_runs AS f ON l.lane_key = f.lane_key AND l.newness = f.newness
    LEFT JOIN runs_with_jobs AS p ON k.run_id = p.run_id
    WHERE
        k.cause IN ('superseded-waiting', 'superseded-running', 'deadlock')
        AND (l.of_pull_request OR l.event = 'merge_group')
        AND (k.job_id IS NOT NULL OR p.run_id IS NULL)
),

stuck AS (
    SELECT
        l.*,
        len(w.names) > 0 AS is_required,
        concat_ws(chr(10), l.repository, l.workflow_key, l.of_queue) AS finding_key
    FROM lost AS l
    CROSS JOIN wanted AS w
    WHERE
        l.is_head AND NOT coalesce(l.is_fine, FALSE)
        AND (len(w.names) = 0 OR l.check_name IS NULL OR list_contains(w.names, l.check_name))
),

totals AS (
    SELECT
        l.repository,
        l.workflow_key,
        l.event = 'merge_group' AS of_queue,
        count(DISTINCT j.job_id) FILTER (WHERE j.conclusion = 'failure') AS failed_checks,
        count(DISTINCT k.job_id) AS cancelled_checks
    FROM workflow_lanes AS l
    INNER JOIN jobs AS j ON l.run_id = j.run_id
    LEFT JOIN cancellations AS k
        ON j.job_id = k.job_id AND k.cause IN ('superseded-waiting', 'superseded-running', 'deadlock')
    WHERE (l.of_pull_request OR l.event = 'merge_group') AND NOT j.copied
    GROUP BY l.repository, l.workflow_key, l.event = 'merge_group'
),

grouped AS (
    SELECT
        finding_key,
        count(DISTINCT concat_ws(chr(10), lane_key, newness)) AS heads,
        coalesce(list_sort(list(DISTINCT check_name) FILTER (WHERE check_name IS NOT NULL)), []) AS checks,
        list_slice(
            list(DISTINCT run_ref(run_id, attempt) ORDER BY run_ref(run_id, attempt) DESC), 1, $most_runs
        ) AS runs
    FROM stuck
    GROUP BY finding_key
),

last_one AS (
    SELECT *
    FROM stuck
    QUALIFY row_number() OVER (
        PARTITION BY finding_key
        ORDER BY cancelled_at DESC, run_id DESC, attempt DESC, check_name ASC
    ) = 1
)

SELECT
    s.cancelled_at AS occurred_at,
    s.repository,
    s.workflow,
    g.checks,
    g.heads,
    s.finding_key AS about,
    coalesce(t.cancelled_checks, 0) AS cancelled_checks,
    coalesce(t.failed_checks, 0) AS failed_checks,
    CASE WHEN s.of_queue THEN 'queue' ELSE 'head' END AS kind,
    CASE
        WHEN s.by_run_id IS NULL THEN g.runs
        ELSE list_concat(g.runs, [run_ref(s.by_run_id, s.by_attempt)])
    END AS runs,
    CASE WHEN s.of_queue THEN 'high' ELSE 'medium' END AS severity,
    CASE
        WHEN s.of_queue AND s.confidence IN ('known', 'likely') THEN 'likely'
        WHEN s.is_required AND s.check_name IS NOT NULL AND s.confidence = 'known' THEN 'likely'
        ELSE 'possible'
    END AS precision,
    format(
        '''{}'': {} at {} of {} and never succeeded there; the last, {} ({} on ''{}''){}{}.',
        s.workflow,
        CASE
            WHEN len(g.checks) = 0 THEN 'its checks were cancelled before they began'
            WHEN len(g.checks) = 1 THEN format('the check ''{}'' was cancelled', g.checks[1])
            ELSE format('{} checks, ''{}'' among them, were cancelled', len(g.checks), g.checks[1])
        END,
        counted(g.heads, 'head', 'heads'),
        CASE WHEN s.of_queue THEN 'the merge queue' ELSE 'pull requests' END,
        run_label(s.run_id, s.attempt),
        left(s.head_sha, 8),
        s.head_branch,
        CASE
            WHEN s.by_run_id IS NULL THEN ''
            ELSE ', by the arrival of ' || run_label(s.by_run_id, s.by_attempt)
        END,
        CASE
            WHEN coalesce(t.cancelled_checks, 0) = 0 THEN ''
            ELSE format(
                '; in all concurrency cancelled {} of the workflow, and {} failed',
                counted(t.cancelled_checks, 'check', 'checks'),
                coalesce(t.failed_checks, 0)
            )
        END
    ) AS message
FROM last_one AS s
INNER JOIN grouped AS g ON s.finding_key = g.finding_key
LEFT JOIN totals AS t
    ON s.repository = t.repository AND s.workflow_key = t.workflow_key AND s.of_queue = t.of_queue;
