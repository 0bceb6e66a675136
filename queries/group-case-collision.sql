-- id: group-case-collision
-- title: Group names that differ only in capital letters are one group
-- severity: low
-- precision: certain
-- question: Which group names, meant or not, are the same group because GitHub does not regard case?
-- params: {}
-- columns:
--   group_names: The spellings.
--   workflows: The workflows that used them.
--   group_runs: How many runs were in the group.
--   cancelled: How many were cancelled by a run with another spelling.
-- example: two branches that differ in one capital letter
-- false_positives: >-
--   None: the spellings are one group. Whether that was meant is for people to say; without a cancellation
--   across spellings it is low. Spellings are compared only where they come from the same source, since
--   GitHub may show a name as the first run spelled it.
-- remedy: >-
--   Spell the group alike everywhere if it is one lane, and give the lanes different words if they are two.

WITH spelled AS (
    SELECT
        r.repository,
        r.workflow,
        r.workflow_key,
        g.run_id,
        g.group_key,
        g.group_name,
        g.source,
        r.created_at,
        coalesce(g.attempt, 1) AS attempt,
        g.confidence = 'known' AS stated
    FROM concurrency_groups AS g
    INNER JOIN named_runs AS r ON g.run_id = r.run_id
    WHERE g.group_key <> '' AND g.confidence IN ('known', 'likely') AND g.group_name IS NOT NULL
),

collided AS (
    SELECT
        repository,
        group_key,
        source
    FROM spelled
    GROUP BY repository, group_key, source
    HAVING min(group_name) <> max(group_name)
),

members AS (
    SELECT s.*
    FROM spelled AS s
    SEMI JOIN collided AS c
        ON (s.repository = c.repository AND s.group_key = c.group_key AND s.source = c.source)
),

kills AS (
    SELECT
        v.repository,
        v.group_key,
        count(DISTINCT k.run_id) AS cancelled
    FROM cancellations AS k
    INNER JOIN members AS v ON k.run_id = v.run_id AND k.group_key = v.group_key
    INNER JOIN members AS b
        ON k.by_run_id = b.run_id AND v.group_key = b.group_key AND v.source = b.source
    WHERE
        k.cause IN ('superseded-waiting', 'superseded-running') AND k.confidence IN ('known', 'likely')
        AND v.group_name <> b.group_name
    GROUP BY v.repository, v.group_key
),

first_of_each AS (
    SELECT
        repository,
        group_key,
        group_name,
        arg_min(run_ref(run_id, attempt), (created_at, run_id, attempt)) AS run,
        min(created_at) AS created_at
    FROM members
    GROUP BY repository, group_key, group_name
),

counted AS (
    SELECT
        m.repository,
        m.group_key,
        count(DISTINCT m.run_id) AS group_runs,
        list(DISTINCT m.group_name ORDER BY m.group_name) AS group_names,
        list(DISTINCT m.workflow ORDER BY m.workflow) AS workflows,
        max(w.weight) AS weight,
        bool_or(m.stated) AS stated
    FROM members AS m
    LEFT JOIN workflow_weights AS w ON m.repository = w.repository AND m.workflow_key = w.workflow_key
    GROUP BY m.repository, m.group_key
),

pointed AS (
    SELECT
        repository,
        group_key,
        max(created_at) AS occurred_at,
        list(run ORDER BY created_at, run) AS runs
    FROM first_of_each
    GROUP BY repository, group_key
)

SELECT
    p.occurred_at,
    c.repository,
    p.runs,
    c.group_names,
    c.workflows,
    c.group_runs,
    coalesce(k.cancelled, 0) AS cancelled,
    concat_ws(chr(10), c.repository, c.group_key) AS about,
    CASE
        WHEN k.cancelled IS NULL THEN 'low'
        WHEN c.weight = 3 THEN 'high'
        ELSE 'medium'
    END AS severity,
    CASE WHEN c.stated THEN 'certain' ELSE 'likely' END AS precision,
    format(
        '{} are one group to GitHub, and {} of ''{}'' were in it; {}.',
        '''' || array_to_string(c.group_names[:4], ''' and ''') || '''',
        counted(c.group_runs, 'run', 'runs'),
        array_to_string(c.workflows[:4], ''', '''),
        CASE
            WHEN k.cancelled IS NULL THEN 'none is known to have cancelled one of another spelling'
            ELSE counted(k.cancelled, 'was', 'were') || ' cancelled by one of another spelling'
        END
    ) AS message
FROM counted AS c
INNER JOIN pointed AS p ON c.repository = p.repository AND c.group_key = p.group_key
LEFT JOIN kills AS k ON c.repository = k.repository AND c.group_key = k.group_key;
