-- How well what we make of workflow files agrees with what GitHub says of the same runs.

-- Runs of which GitHub's endpoint or an annotation named a group, and whether the files come to the same.
-- `unexplained` counts runs with a name of GitHub's that nothing in force carries: a job that never appeared
-- may explain it. `examples` has three disagreements as `run: what the file comes to <> what GitHub said`.
CREATE OR REPLACE TEMP VIEW group_agreement AS
WITH asked AS (
    SELECT
        run_id,
        list(DISTINCT group_name ORDER BY group_name) AS names,
        list(DISTINCT lower(group_name)) AS keys
    FROM concurrency_groups
    WHERE level IS NULL AND source = 'github' AND group_name IS NOT NULL
    GROUP BY run_id
),

derived AS (
    SELECT
        run_id,
        bool_and(agrees) AS agrees,
        list(group_key) FILTER (WHERE group_key IS NOT NULL) AS keys,
        arg_min(pattern, attempt) FILTER (WHERE NOT agrees) AS said,
        arg_min(group_name, attempt) FILTER (WHERE NOT agrees AND source IN ('github', 'annotation')) AS named
    FROM concurrency_groups
    WHERE level IS NOT NULL
    GROUP BY run_id
),

judged AS (
    SELECT
        r.repository,
        d.run_id,
        d.agrees,
        coalesce(NOT list_has_all(coalesce(d.keys, []), a.keys), FALSE) AS is_unexplained,
        d.run_id || ': ' || coalesce(d.said, 'nothing') || ' <> '
        || coalesce(d.named, array_to_string(a.names, ', '), '?') AS example
    FROM derived AS d
    INNER JOIN runs AS r ON d.run_id = r.run_id
    LEFT JOIN asked AS a ON d.run_id = a.run_id
    WHERE d.agrees IS NOT NULL OR a.names IS NOT NULL
)

SELECT
    repository,
    count(*) AS asked,
    count(*) FILTER (WHERE agrees) AS agreed,
    count(*) FILTER (WHERE NOT agrees) AS disagreed,
    count(*) FILTER (WHERE is_unexplained) AS unexplained,
    coalesce(list(example ORDER BY run_id) FILTER (WHERE NOT agrees), [])[:3] AS examples
FROM judged
GROUP BY repository;
