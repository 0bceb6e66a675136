-- Every attempt with what its expressions could read, and the file that defined the run. Needs: defining.
WITH merged AS (
    SELECT
        run_id,
        min(commit) AS merge_commit
    FROM called_workflows
    WHERE is_merge
    GROUP BY run_id
),

own AS (
    SELECT
        run_id,
        any_value(blob) AS blob,
        any_value(source) AS source
    FROM defining
    WHERE NOT called
    GROUP BY run_id
)

SELECT
    r.repository,
    r.run_id,
    r.event,
    r.workflow_path AS path,
    r.workflow_name,
    r.run_number,
    r.head_branch,
    r.head_sha,
    r.head_repository,
    r.created_at,
    r.actor,
    r.conclusion,
    r.display_title AS title,
    o.default_branch,
    o.repository_id,
    m.merge_commit,
    f.blob,
    coalesce(a.attempt, r.latest_attempt, 1) AS attempt,
    max(coalesce(a.attempt, r.latest_attempt, 1)) OVER (PARTITION BY r.run_id) AS latest,
    coalesce(a.actor, r.triggering_actor) AS triggering_actor,
    coalesce(a.completed_at, a.updated_at, r.updated_at) AS completed_at,
    nullif(regexp_extract(r.raw ->> '$.html_url', '^https?://[^/]+'), '') AS server_url,
    CASE
        WHEN starts_with(r.event, 'pull_request') AND json_type(r.raw, '$.pull_requests') = 'ARRAY'
            THEN from_json(
                r.raw -> '$.pull_requests',
                '[{"number":"BIGINT","head":{"ref":"VARCHAR"},"base":{"ref":"VARCHAR"}}]'
            )
    END AS pulls,
    coalesce(f.source, 'unknown') AS source
FROM runs AS r
LEFT JOIN attempts AS a ON r.run_id = a.run_id
LEFT JOIN repositories AS o ON r.repository = o.repository
LEFT JOIN merged AS m ON r.run_id = m.run_id
LEFT JOIN own AS f ON r.run_id = f.run_id
ORDER BY r.created_at, r.run_id, attempt;
