-- id: missing-group
-- title: A workflow that writes has no concurrency group
-- severity: high
-- precision: certain
-- question: Which workflows without any concurrency group were at one target in two runs at once?
-- params: {}
-- columns:
--   workflow: Name of the workflow.
--   path: Its file.
--   targets: How many targets it was at while another run was.
--   meetings: How many times a turn there began while another run's was not over.
--   overlap_seconds: The longest time that two of them executed at once.
-- example: four release runs overlapped and the workflow has no group
-- false_positives: >-
--   A lock outside GitHub may keep the writes apart: where one of the two was always refused it is low, and
--   for Terraform, which locks its state, one degree less. Only a file that is known for the run, with
--   every workflow that it calls, counts as having no group; where the file is the nearest known (pull
--   requests), it is only possible. Runs after each other, read-only jobs, jobs copied by a partial re-run
--   and overlaps of two seconds (the grain of the times) are not looked at. Groups of other CI systems are
--   not seen.
-- remedy: >-
--   Give the workflow, or the job that writes, a concurrency group named for what it writes to, without
--   run_id or sha in it: `concurrency: {group: deploy-production, cancel-in-progress: false}`; with `queue:
--   max` if no run may be dropped.

WITH sides AS (
    SELECT *
    FROM sided_meetings
    WHERE own_groups = 0
),

-- What each content of a file says of concurrency.
contents AS (
    SELECT
        sha,
        any_value(
            json_exists(parsed, '$.concurrency') OR len(json_extract(parsed, '$.jobs.*.concurrency')) > 0
        ) AS has_group,
        any_value(len(list_distinct(json_extract_string(parsed, '$.jobs.*.uses')))) AS calls
    FROM workflow_files
    WHERE parsed IS NOT NULL
    GROUP BY sha
),

-- Runs all of whose files are known and have none.
bare AS (
    SELECT
        f.run_id,
        any_value(f.path) FILTER (WHERE NOT f.called) AS path,
        max(list_position(['exact', 'between', 'approx'], f.source)) AS doubt
    FROM run_workflow_files AS f
    LEFT JOIN contents AS c ON 'blob:' || f.blob = c.sha
    WHERE f.run_id IN (SELECT s.own_run_id FROM sides AS s)
    GROUP BY f.run_id
    HAVING
        bool_and(coalesce(NOT c.has_group, FALSE))
        AND count(*) FILTER (WHERE NOT f.called) = 1
        AND count(*) FILTER (WHERE f.called) >= max(c.calls) FILTER (WHERE NOT f.called)
),

judged AS (
    SELECT
        s.*,
        r.workflow,
        r.workflow_key,
        b.path,
        b.doubt
    FROM sides AS s
    INNER JOIN bare AS b ON s.own_run_id = b.run_id
    INNER JOIN named_runs AS r ON s.own_run_id = r.run_id
    WHERE b.doubt IS NOT NULL
),

counted AS (
    SELECT
        repository,
        workflow_key,
        count(DISTINCT row(target_key, run_id, attempt, other_run_id, other_attempt)) AS meetings,
        count(DISTINCT target_key) AS targets,
        bool_or(accepted) AS accepted,
        max(weight) FILTER (WHERE accepted) AS weight,
        bool_and(starts_with(target, 'terraform:')) AS locks_itself,
        max(overlap_seconds) AS overlap_seconds,
        min(met_at) AS occurred_at,
        min(doubt) AS doubt
    FROM judged
    GROUP BY repository, workflow_key
),

worst AS (
    SELECT *
    FROM judged
    QUALIFY row_number() OVER (
        PARTITION BY repository, workflow_key
        ORDER BY
            accepted DESC, weight DESC, overlap_seconds DESC, run_id ASC, other_run_id ASC, attempt ASC,
            other_attempt ASC, target_key ASC
    ) = 1
)

SELECT
    c.occurred_at,
    w.repository,
    w.target,
    w.other_run_id AS run_id,
    w.other_attempt AS attempt,
    w.run_id AS other_run_id,
    w.attempt AS other_attempt,
    w.evidence,
    w.workflow,
    w.path,
    c.targets,
    c.meetings,
    c.overlap_seconds,
    concat_ws(chr(10), w.repository, w.workflow_key) AS about,
    CASE
        WHEN NOT c.accepted THEN 'low'
        ELSE weight_severity(c.weight - c.locks_itself::INTEGER)
    END AS severity,
    CASE WHEN c.doubt = 1 THEN 'certain' WHEN c.doubt = 2 THEN 'likely' ELSE 'possible' END AS precision,
    format(
        '''{}'' ({}) has no concurrency group, and {} a run of it was at a target while another run '
        || 'was there; {} and {} executed at once for {} and {} ''{}''.',
        w.workflow,
        w.path,
        counted(c.meetings, 'time', 'times'),
        run_label(w.other_run_id, w.other_attempt),
        run_label(w.run_id, w.attempt),
        duration_text(w.overlap_seconds),
        CASE WHEN w.accepted THEN 'both wrote' ELSE 'were both at' END,
        w.target
    ) AS message
FROM worst AS w
INNER JOIN counted AS c ON w.repository = c.repository AND w.workflow_key = c.workflow_key;
