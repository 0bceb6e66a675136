-- id: dispatch-deadlock
-- title: A run waited for a run that waited for it
-- severity: high
-- precision: certain
-- question: >-
--   Which runs started another run in their own concurrency group and waited for its result, which could
--   not come before they had ended?
-- params:
--   wait_seconds:
--     default: 60
--     means: >-
--       A step that goes on for at least this long after the other run was created may be waiting for it.
-- columns:
--   workflow: Name of the workflow that waited.
--   child_workflow: Name of the workflow that it had started.
--   group_name: The group that both were in.
--   step: The step that waited.
--   waited_seconds: How long that step went on after the other run was created.
--   basis: log (the waiting job's log names the other run) or actor (a workflow's own token started it).
-- example: a release dispatches the build and polls it
-- false_positives: >-
--   A long step may do something else: there must be a sign that this run started the other one, either its
--   id in the log of the waiting job (certain) or that a workflow's token started it (only possible, since
--   it may have been another workflow's). A child that got the group before the parent ended, or groups
--   whose name is not known, are left out.
-- remedy: >-
--   Give the two workflows groups of their own, or call the second one with `uses:` as a job of the first;
--   or do not wait: let the second one report when it is done.

WITH children AS (
    SELECT
        h.*,
        r.workflow AS child_workflow,
        coalesce(json_extract_string(u.raw, '$.actor.login'), u.actor) AS actor
    FROM group_holds AS h
    INNER JOIN named_runs AS r ON h.run_id = r.run_id
    INNER JOIN runs AS u ON h.run_id = u.run_id AND h.repository = u.repository
    WHERE h.event IN ('workflow_dispatch', 'repository_dispatch')
),

pairs AS (
    SELECT
        p.repository,
        p.group_key,
        p.group_name,
        p.run_id,
        p.attempt,
        p.workflow,
        p.workflow_key,
        c.run_id AS child_run_id,
        c.attempt AS child_attempt,
        c.child_workflow,
        c.workflow_key AS child_workflow_key,
        c.actor,
        c.arrived_at,
        p.stated AND c.stated AS stated,
        coalesce(p.released_at, n.seen_at) AS until_at
    FROM children AS c
    INNER JOIN group_holds AS p
        ON c.repository = p.repository AND c.group_key = p.group_key AND c.run_id <> p.run_id
    INNER JOIN last_seen AS n ON p.repository = n.repository
    WHERE
        c.arrived_at > p.acquired_at
        AND c.arrived_at < coalesce(p.released_at, n.seen_at)
        -- It did not begin before the other had let go.
        AND (c.acquired_at IS NULL OR c.acquired_at >= coalesce(p.released_at, n.seen_at))
),

waiting AS (
    SELECT
        p.*,
        j.job_id,
        s.name AS step,
        seconds_between(
            greatest(p.arrived_at, s.started_at), coalesce(s.completed_at, j.completed_at, p.until_at)
        ) AS waited_seconds
    FROM pairs AS p
    INNER JOIN jobs AS j ON p.run_id = j.run_id AND p.attempt = j.attempt AND NOT j.copied
    INNER JOIN steps AS s ON j.job_id = s.job_id
    WHERE
        s.started_at IS NOT NULL
        -- The child is polled to the end of the job: nothing of weight follows.
        AND j.conclusion IS DISTINCT FROM 'success'
        AND coalesce(s.completed_at, j.completed_at, p.until_at) >= p.arrived_at
),

longest AS (
    SELECT *
    FROM waiting
    WHERE waited_seconds >= $wait_seconds
    QUALIFY row_number() OVER (
        PARTITION BY run_id, attempt, child_run_id ORDER BY waited_seconds DESC, job_id ASC, step ASC
    ) = 1
),

mentions AS (
    SELECT
        w.run_id,
        w.attempt,
        w.child_run_id,
        min(line_ref(l.run_id, l.attempt, l.job_id, l.line_no)) AS line
    FROM longest AS w
    INNER JOIN log_lines AS l ON w.run_id = l.run_id AND w.attempt = l.attempt
    WHERE regexp_matches(l.text, '\b' || w.child_run_id || '\b')
    GROUP BY w.run_id, w.attempt, w.child_run_id
),

proved AS (
    SELECT
        w.*,
        m.line,
        CASE WHEN m.line IS NOT NULL THEN 'log' ELSE 'actor' END AS basis
    FROM longest AS w
    LEFT JOIN mentions AS m
        ON w.run_id = m.run_id AND w.attempt = m.attempt AND w.child_run_id = m.child_run_id
    WHERE m.line IS NOT NULL OR w.actor = 'github-actions[bot]'
)

SELECT
    p.arrived_at AS occurred_at,
    p.repository,
    p.run_id,
    p.attempt,
    p.child_run_id AS other_run_id,
    p.child_attempt AS other_attempt,
    p.workflow,
    p.child_workflow,
    p.group_name,
    p.step,
    p.waited_seconds,
    p.basis,
    CASE WHEN p.line IS NOT NULL THEN [p.line] ELSE [] END AS evidence,
    concat_ws(chr(10), p.repository, p.run_id, p.attempt, p.child_run_id) AS about,
    CASE
        WHEN greatest(coalesce(w.weight, 0), coalesce(v.weight, 0)) >= 1 THEN 'high'
        ELSE 'medium'
    END AS severity,
    CASE
        WHEN p.basis = 'actor' THEN 'possible'
        WHEN p.stated THEN 'certain'
        ELSE 'likely'
    END AS precision,
    format(
        '''{}'': {} waited {} in ''{}'' for {} (''{}''), which could not begin before it: both are '
        || 'in the group ''{}''.',
        p.workflow,
        run_label(p.run_id, p.attempt),
        duration_text(p.waited_seconds),
        coalesce(p.step, 'a step without name'),
        run_label(p.child_run_id, p.child_attempt),
        p.child_workflow,
        p.group_name
    ) AS message
FROM proved AS p
LEFT JOIN workflow_weights AS w ON p.repository = w.repository AND p.workflow_key = w.workflow_key
LEFT JOIN workflow_weights AS v ON p.repository = v.repository AND p.child_workflow_key = v.workflow_key;
