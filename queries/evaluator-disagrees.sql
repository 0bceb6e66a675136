-- id: evaluator-disagrees
-- title: Our evaluation of a group is not what GitHub said
-- severity: info
-- precision: certain
-- question: For which group expressions does the name that we evaluate differ from the one that GitHub gave?
-- params: {}
-- columns:
--   workflow: Name of the workflow.
--   path: The file where the group is written.
--   line: Its line.
--   expression: The group as written.
--   evaluated: What we make of it in the first of these runs.
--   named: What GitHub said of that run.
--   times: How many runs disagree.
--   compared: How many runs of the expression could be compared.
--   file_source: How sure it is that the run used this file; of all these runs the surest.
-- example: a value that is not what we rebuilt
-- false_positives: >-
--   This is about the quality of the case, not about the workflow. Names are compared without regard to
--   case. Where the file is only the nearest known, another file may have been used: then it is only
--   possible. Names that are not fully known on our side, and runs of which GitHub said nothing, are not
--   compared.
-- remedy: >-
--   What GitHub says is used everywhere; nothing is wrong with your workflow. Please report the expression,
--   the event and both names, so that the evaluation can be mended.

WITH compared AS (
    SELECT
        r.repository,
        r.workflow,
        r.workflow_key,
        r.created_at,
        g.run_id,
        g.path,
        g.line,
        g.expression,
        g.pattern,
        g.group_name,
        g.source,
        g.agrees,
        g.file_source,
        coalesce(g.attempt, 1) AS attempt,
        list_position(['exact', 'between', 'only', 'approx'], g.file_source) AS doubt
    FROM concurrency_groups AS g
    INNER JOIN named_runs AS r ON g.run_id = r.run_id
    WHERE g.level IS NOT NULL AND g.agrees IS NOT NULL
),

asked AS (
    SELECT
        run_id,
        list(DISTINCT group_name ORDER BY group_name) AS names
    FROM concurrency_groups
    WHERE level IS NULL AND source = 'github' AND group_name IS NOT NULL
    GROUP BY run_id
),

disagreed AS (
    SELECT
        c.repository,
        c.workflow_key,
        coalesce(c.path, '') AS path,
        coalesce(c.expression, '') AS expression,
        count(DISTINCT c.run_id) FILTER (WHERE NOT c.agrees) AS times,
        count(DISTINCT c.run_id) AS compared,
        list(DISTINCT run_ref(c.run_id, c.attempt) ORDER BY run_ref(c.run_id, c.attempt))
        FILTER (WHERE NOT c.agrees)[:9] AS runs,
        min(c.doubt) FILTER (WHERE NOT c.agrees) AS doubt,
        min(c.created_at) FILTER (WHERE NOT c.agrees) AS occurred_at,
        arg_min(c.workflow, (c.created_at, c.run_id)) FILTER (WHERE NOT c.agrees) AS workflow,
        arg_min(c.line, (c.created_at, c.run_id)) FILTER (WHERE NOT c.agrees) AS file_line,
        arg_min(coalesce(c.pattern, c.group_name), (c.created_at, c.run_id))
        FILTER (WHERE NOT c.agrees) AS evaluated,
        arg_min(
            CASE
                WHEN c.source IN ('github', 'annotation') THEN c.group_name
                ELSE array_to_string(a.names, ''', ''')
            END,
            (c.created_at, c.run_id)
        ) FILTER (WHERE NOT c.agrees) AS named
    FROM compared AS c
    LEFT JOIN asked AS a ON c.run_id = a.run_id
    GROUP BY c.repository, c.workflow_key, coalesce(c.path, ''), coalesce(c.expression, '')
    HAVING count(*) FILTER (WHERE NOT c.agrees) > 0
)

SELECT
    d.occurred_at,
    d.repository,
    d.runs,
    d.workflow,
    d.file_line AS line,
    d.evaluated,
    d.named,
    d.times,
    d.compared,
    nullif(d.path, '') AS path,
    nullif(d.expression, '') AS expression,
    ['exact', 'between', 'only', 'approx'][d.doubt] AS file_source,
    concat_ws(chr(10), d.repository, d.workflow_key, d.path, d.expression) AS about,
    CASE WHEN d.doubt <= 2 THEN 'certain' ELSE 'possible' END AS precision,
    format(
        '''{}'': ''{}'' comes to ''{}'' for us, and GitHub said ''{}''; so in {} of {} runs that can '
        || 'be compared.',
        d.workflow,
        coalesce(nullif(d.expression, ''), 'its group'),
        coalesce(d.evaluated, 'nothing'),
        coalesce(d.named, 'something else'),
        d.times,
        d.compared
    ) AS message
FROM disagreed AS d;
