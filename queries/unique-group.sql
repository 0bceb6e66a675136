-- id: unique-group
-- title: A concurrency group that no two runs share
-- severity: high
-- precision: certain
-- question: Which groups had another name in every run, while two of these runs were at one target at once?
-- params: {}
-- columns:
--   workflow: Name of the workflow.
--   path: Its file.
--   line: Line of the group in the file, where known.
--   event: The event of which every run had a group of its own.
--   expression: The group as written, where known.
--   group_name: The name that it came to in the first of the two runs.
--   group_runs: How many runs of this event had a group from it; that many names there were.
--   meetings: How many times one of them began at a target while another run was there.
--   overlap_seconds: The longest time that two of them executed at once.
-- example: head_ref || run_id on push
-- false_positives: >-
--   A name of one's own is meant where runs cannot harm each other (pull requests that only read or
--   comment): each event is judged by itself, only runs that met at a target count, and comments weigh
--   little. A name that two runs share at least once, one that differs by branch or tag without the run's
--   own id or commit in it (that is wrong-lane), and one that is not known are left out. Where one of the
--   two was always refused, the target's own lock worked, and it is low.
-- remedy: >-
--   Name the group for what is written to: `group: deploy-production`, or `${{ github.workflow }}-${{
--   github.ref }}` where each branch has its own target. `github.head_ref` is empty on push: `${{
--   github.head_ref || github.ref }}` is what was meant; never fall back to run_id or sha.

WITH sizes AS (
    SELECT
        repository,
        group_key,
        count(DISTINCT run_id) AS runs
    FROM group_items
    WHERE known
    GROUP BY repository, group_key
),

-- Every use of one expression in the runs of one event: is any name of it shared?
uses AS (
    SELECT
        i.repository,
        i.workflow_key,
        i.event,
        coalesce(i.expression, '') AS expression,
        count(DISTINCT i.run_id) AS group_runs,
        max(z.runs) AS most
    FROM group_items AS i
    INNER JOIN sizes AS z ON i.repository = z.repository AND i.group_key = z.group_key
    GROUP BY i.repository, i.workflow_key, i.event, coalesce(i.expression, '')
    HAVING max(z.runs) = 1 AND count(DISTINCT i.run_id) > 1
),

-- Names with something in them that no other run has.
own_names AS (
    SELECT
        i.*,
        u.group_runs
    FROM group_items AS i
    INNER JOIN uses AS u
        ON
            i.repository = u.repository AND i.workflow_key = u.workflow_key AND i.event = u.event
            AND coalesce(i.expression, '') = u.expression
    WHERE i.known AND i.names_its_run
),

sides AS (
    SELECT *
    FROM sided_meetings
    WHERE own_groups > 0 AND NOT own_gaps
),

-- Every group that the run was in there must be one of its own.
own_lists AS (
    SELECT
        run_id,
        attempt,
        list(group_key) AS names
    FROM own_names
    GROUP BY run_id, attempt
),

judged AS (
    SELECT
        s.*,
        n.workflow,
        n.workflow_key,
        n.event,
        n.path,
        n.line AS file_line,
        n.expression,
        n.group_name,
        n.group_runs,
        n.stated
    FROM sides AS s
    INNER JOIN own_lists AS l ON s.own_run_id = l.run_id AND s.own_attempt = l.attempt
    INNER JOIN own_names AS n
        ON
            s.own_run_id = n.run_id AND s.own_attempt = n.attempt AND list_contains(s.own_locks, n.group_key)
    WHERE list_has_all(l.names, s.own_locks)
),

counted AS (
    SELECT
        repository,
        workflow_key,
        event,
        coalesce(expression, '') AS expression,
        count(DISTINCT row(target_key, run_id, attempt, other_run_id, other_attempt)) AS meetings,
        bool_or(accepted) AS accepted,
        max(weight) FILTER (WHERE accepted) AS weight,
        bool_and(stated) AS stated,
        max(overlap_seconds) AS overlap_seconds,
        min(met_at) AS occurred_at
    FROM judged
    GROUP BY repository, workflow_key, event, coalesce(expression, '')
),

worst AS (
    SELECT *
    FROM judged
    QUALIFY row_number() OVER (
        PARTITION BY repository, workflow_key, event, coalesce(expression, '')
        ORDER BY
            accepted DESC, weight DESC, overlap_seconds DESC, run_id ASC, other_run_id ASC, attempt ASC,
            other_attempt ASC, target_key ASC, own_run_id ASC
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
    w.file_line AS line,
    w.event,
    w.expression,
    w.group_name,
    w.group_runs,
    c.meetings,
    c.overlap_seconds,
    concat_ws(chr(10), w.repository, w.workflow_key, w.event, c.expression) AS about,
    CASE WHEN c.accepted THEN weight_severity(c.weight) ELSE 'low' END AS severity,
    CASE WHEN c.stated THEN 'certain' ELSE 'likely' END AS precision,
    format(
        '''{}'': on ''{}'' the group {} was another one in each of {} runs (as ''{}''), so it kept '
        || 'nothing apart: {} and {} executed at once for {} and {} ''{}''{}.',
        w.workflow,
        w.event,
        coalesce('''' || w.expression || '''', 'of each run'),
        w.group_runs,
        w.group_name,
        run_label(w.other_run_id, w.other_attempt),
        run_label(w.run_id, w.attempt),
        duration_text(w.overlap_seconds),
        CASE WHEN w.accepted THEN 'both wrote' ELSE 'were both at' END,
        w.target,
        CASE WHEN c.meetings > 1 THEN ', one of ' || c.meetings || ' such meetings' ELSE '' END
    ) AS message
FROM worst AS w
INNER JOIN counted AS c
    ON
        w.repository = c.repository AND w.workflow_key = c.workflow_key AND w.event = c.event
        AND coalesce(w.expression, '') = c.expression;
