-- The ref of a run where the run says it: its runner's log names the file that defines a job with the run's
-- ref, and a workflow called at a pull request's merge ref is one of the same repository at the run's commit.
WITH said AS (
    SELECT DISTINCT
        run_id,
        regexp_extract(text, '^Job defined at: [^/]+/[^/]+/([^@]+)@(.+)$', ['path', 'ref']) AS place,
        regexp_extract(text, '^Job defined at: ([^/]+/[^/]+)/', 1) AS repository
    FROM log_lines
    WHERE starts_with(text, 'Job defined at: ')
),

called AS (
    SELECT
        run_id,
        repository,
        unnest(from_json(raw -> '$.referenced_workflows', '[{"ref":"VARCHAR"}]')) AS file
    FROM runs
    WHERE starts_with(event, 'pull_request') AND json_type(raw, '$.referenced_workflows') = 'ARRAY'
)

SELECT
    r.run_id,
    s.place['ref'] AS stated
FROM said AS s
INNER JOIN runs AS r ON s.run_id = r.run_id
WHERE
    lower(s.repository) = lower(r.repository)
    AND s.place['path'] = r.workflow_path
    AND starts_with(s.place['ref'], 'refs/')
UNION
SELECT
    run_id,
    file['ref'] AS stated
FROM called
WHERE regexp_full_match(file['ref'], 'refs/pull/\d+/merge');
