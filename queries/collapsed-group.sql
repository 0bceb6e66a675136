-- id: collapsed-group
-- title: A value missing from a group's name threw runs together
-- severity: medium
-- precision: certain
-- question: >-
--   Which group names had an empty place where a value should stand, so that runs of different branches
--   shared them, or no run could start?
-- params: {}
-- columns:
--   kind: shared (runs of several branches got the same stump of a name) or empty (no name at all).
--   workflow: Name of the workflow.
--   path: Its file.
--   line: Line of the group in the file, where known.
--   event: Event of the first of these runs.
--   expression: The group as written.
--   group_name: The name that it came to.
--   slot: What was empty; of several the first.
--   group_runs: How many runs got this name.
--   branches: How many branches they were of.
--   cancelled: How many of them were cancelled by another of them.
-- example: the pull request's number is empty on push
-- false_positives: >-
--   A place that is meant to be empty now and then: expressions that name '' themselves are left out, and
--   so are stumps that only one branch ever got. A value that is only not known is never taken for empty:
--   the name must be known or follow from what is. An empty name counts only where the run indeed failed to
--   start.
-- remedy: >-
--   Take a value that every event has: `${{ github.ref }}`, or `${{ github.event.pull_request.number ||
--   github.ref }}`. github.head_ref and the number exist for pull requests only, inputs for dispatches and
--   calls only.

WITH items AS (
    SELECT
        i.*,
        lower(regexp_replace(i.expression, '\$\{\{.*?\}\}', '', 'g')) AS stump
    FROM group_items AS i
    WHERE i.known AND i.expression LIKE '%${{%'
),

named AS (
    SELECT
        repository,
        workflow_key,
        expression,
        group_key,
        any_value(workflow) AS workflow,
        any_value(path) AS path,
        any_value(line) AS file_line,
        any_value(group_name) AS group_name,
        bool_and(stated) AS stated,
        count(DISTINCT run_id) AS group_runs,
        count(DISTINCT hash(head_repository, head_branch)) AS branches
    FROM items
    WHERE group_key <> ''
    GROUP BY repository, workflow_key, expression, group_key
    HAVING min(hash(head_repository, head_branch)) < max(hash(head_repository, head_branch))
),

-- The text before, between and behind the expressions, and the expressions.
parts AS (
    SELECT
        *,
        string_split_regex(lower(expression), '\$\{\{.*?\}\}') AS texts,
        regexp_extract_all(expression, '\$\{\{(.*?)\}\}', 1) AS slots
    FROM named
),

slot_numbers AS (
    SELECT unnest(range(1, 9)) AS slot_no
),

-- The name's pattern with the slot of this number taken out, and any text in the others; and with any text in
-- all of them.
pieces AS (
    SELECT
        p.repository,
        p.workflow_key,
        p.expression,
        p.group_key,
        n.slot_no,
        unnest(p.texts) AS piece,
        generate_subscripts(p.texts, 1) AS place,
        len(p.texts) AS places
    FROM parts AS p
    CROSS JOIN slot_numbers AS n
    WHERE n.slot_no <= len(p.slots) AND NOT contains(p.slots[n.slot_no], '''''')
),

patterns AS (
    SELECT
        repository,
        workflow_key,
        expression,
        group_key,
        slot_no,
        string_agg(
            regexp_escape(piece) || CASE WHEN place IN (places, slot_no) THEN '' ELSE '.+?' END,
            '' ORDER BY place
        ) AS emptied,
        string_agg(
            regexp_escape(piece) || CASE WHEN place = places THEN '' ELSE '.+?' END, '' ORDER BY place
        ) AS filled
    FROM pieces
    GROUP BY repository, workflow_key, expression, group_key, slot_no
),

-- Only the reading without that slot gives the name.
emptied AS (
    SELECT
        p.*,
        n.slot_no,
        trim(p.slots[n.slot_no]) AS slot
    FROM parts AS p
    INNER JOIN patterns AS n
        ON
            p.repository = n.repository AND p.workflow_key = n.workflow_key
            AND p.expression = n.expression AND p.group_key = n.group_key
    WHERE regexp_full_match(p.group_key, n.emptied, 's') AND NOT regexp_full_match(p.group_key, n.filled, 's')
),

kills AS (
    SELECT DISTINCT
        run_id,
        by_run_id
    FROM cancellations
    WHERE
        cause IN ('superseded-waiting', 'superseded-running') AND confidence IN ('known', 'likely')
        AND by_run_id IS NOT NULL AND run_id <> by_run_id
),

shared AS (
    SELECT
        e.repository,
        e.workflow_key,
        e.expression,
        e.group_key,
        any_value(e.workflow) AS workflow,
        any_value(e.path) AS path,
        any_value(e.file_line) AS file_line,
        any_value(e.group_name) AS group_name,
        any_value(e.stated) AS stated,
        any_value(e.group_runs) AS group_runs,
        any_value(e.branches) AS branches,
        arg_min(e.slot, e.slot_no) AS slot
    FROM emptied AS e
    GROUP BY e.repository, e.workflow_key, e.expression, e.group_key
),

runs_of AS MATERIALIZED (
    SELECT DISTINCT
        i.repository,
        i.workflow_key,
        i.expression,
        i.group_key,
        i.run_id
    FROM items AS i
    SEMI JOIN shared AS s
        ON (
            i.repository = s.repository AND i.workflow_key = s.workflow_key
            AND i.expression = s.expression AND i.group_key = s.group_key
        )
),

-- Runs of a group that another run of it cancelled. In two steps, or the planner joins all runs of a group
-- with each other.
cancelled_members AS MATERIALIZED (
    SELECT
        x.repository,
        x.workflow_key,
        x.expression,
        x.group_key,
        k.run_id,
        k.by_run_id
    FROM kills AS k
    INNER JOIN runs_of AS x ON k.run_id = x.run_id
),

cancelled_within AS (
    SELECT
        x.repository,
        x.workflow_key,
        x.expression,
        x.group_key,
        count(DISTINCT x.run_id) AS cancelled
    FROM cancelled_members AS x
    SEMI JOIN runs_of AS y
        ON (
            x.by_run_id = y.run_id
            AND x.repository = y.repository AND x.workflow_key = y.workflow_key
            AND x.expression = y.expression AND x.group_key = y.group_key
        )
    GROUP BY x.repository, x.workflow_key, x.expression, x.group_key
),

members AS (
    SELECT
        x.repository,
        x.workflow_key,
        x.expression,
        x.group_key,
        list(run_ref(r.run_id, 1) ORDER BY r.run_id)[:9] AS runs,
        arg_min(r.event, (r.created_at, r.run_id)) AS event,
        min(r.created_at) AS occurred_at
    FROM runs_of AS x
    INNER JOIN named_runs AS r ON x.run_id = r.run_id
    GROUP BY x.repository, x.workflow_key, x.expression, x.group_key
),

told AS (
    SELECT
        s.*,
        m.runs,
        m.event,
        m.occurred_at,
        coalesce(c.cancelled, 0) AS cancelled
    FROM shared AS s
    INNER JOIN members AS m
        ON
            s.repository = m.repository AND s.workflow_key = m.workflow_key
            AND s.expression = m.expression AND s.group_key = m.group_key
    LEFT JOIN cancelled_within AS c
        ON
            s.repository = c.repository AND s.workflow_key = c.workflow_key
            AND s.expression = c.expression AND s.group_key = c.group_key
),

empty AS (
    SELECT
        i.repository,
        i.workflow_key,
        i.expression,
        any_value(i.workflow) AS workflow,
        any_value(i.path) AS path,
        any_value(i.line) AS file_line,
        arg_min(i.event, (r.created_at, r.run_id)) AS event,
        bool_and(i.stated) AS stated,
        count(DISTINCT i.run_id) AS group_runs,
        count(DISTINCT i.head_repository || chr(10) || i.head_branch) AS branches,
        list(DISTINCT run_ref(i.run_id, i.attempt) ORDER BY run_ref(i.run_id, i.attempt))[:9] AS runs,
        min(r.created_at) AS occurred_at
    FROM items AS i
    INNER JOIN named_runs AS r ON i.run_id = r.run_id
    WHERE i.group_key = '' AND r.conclusion IN ('startup_failure', 'failure')
    GROUP BY i.repository, i.workflow_key, i.expression
)

SELECT
    t.occurred_at,
    t.repository,
    t.runs,
    'shared' AS kind,
    t.workflow,
    t.path,
    t.file_line AS line,
    t.event,
    t.expression,
    t.group_name,
    t.slot,
    t.group_runs,
    t.branches,
    t.cancelled,
    concat_ws(chr(10), t.repository, t.workflow_key, t.expression, t.group_key) AS about,
    CASE
        WHEN t.cancelled = 0 THEN 'low'
        WHEN w.weight = 3 THEN 'high'
        ELSE 'medium'
    END AS severity,
    CASE WHEN t.stated THEN 'certain' ELSE 'likely' END AS precision,
    format(
        '''{}'': {} of {} shared the group ''{}'', because ''{}'' is empty on ''{}'' (''{}''); {}.',
        t.workflow,
        counted(t.group_runs, 'run', 'runs'),
        counted(t.branches, 'branch', 'branches'),
        t.group_name,
        t.slot,
        t.event,
        t.expression,
        CASE
            WHEN t.cancelled = 0 THEN 'none of them is known to have been cancelled for it'
            ELSE counted(t.cancelled, 'of them was', 'of them were') || ' cancelled by another'
        END
    ) AS message
FROM told AS t
LEFT JOIN workflow_weights AS w ON t.repository = w.repository AND t.workflow_key = w.workflow_key
UNION ALL BY NAME
SELECT
    e.occurred_at,
    e.repository,
    e.runs,
    'empty' AS kind,
    e.workflow,
    e.path,
    e.file_line AS line,
    e.event,
    e.expression,
    '' AS group_name,
    trim(regexp_extract(e.expression, '\$\{\{(.*?)\}\}', 1)) AS slot,
    e.group_runs,
    e.branches,
    0 AS cancelled,
    concat_ws(chr(10), e.repository, e.workflow_key, e.expression) AS about,
    'high' AS severity,
    CASE WHEN e.stated THEN 'certain' ELSE 'likely' END AS precision,
    format(
        '''{}'': {} could not start, because the group ''{}'' came to an empty name on ''{}''.',
        e.workflow,
        counted(e.group_runs, 'run', 'runs'),
        e.expression,
        e.event
    ) AS message
FROM empty AS e;
