"""The workflow files of a case as they were used last, so that the rules can be asked about them."""

from __future__ import annotations

from forensics.store.store import Store

_LATEST = """
WITH used AS (
    SELECT
        f.repository,
        f.path,
        f.text,
        row_number() OVER (
            PARTITION BY f.repository, f.path
            ORDER BY
                coalesce(starts_with(r.event, 'pull_request'), FALSE),
                r.head_branch IS DISTINCT FROM o.default_branch,
                r.created_at DESC,
                r.run_id DESC
        ) AS place
    FROM run_workflow_files AS f
    INNER JOIN runs AS r ON f.run_id = r.run_id
    LEFT JOIN repositories AS o ON f.repository = o.repository
    WHERE f.text IS NOT NULL
)

SELECT repository, path, text
FROM used
WHERE place = 1
UNION ALL
-- A file that nothing says any run has used: the case holds it all the same.
SELECT w.repository, w.path, any_value(w.text ORDER BY w.sha) AS text
FROM workflow_files AS w
ANTI JOIN used AS u ON w.repository = u.repository AND w.path = u.path
GROUP BY w.repository, w.path
ORDER BY repository, path
"""
"""On the default branch where a run there used it, else the newest; what a pull request made of it only at last."""


def read_latest(store: Store) -> dict[str, dict[str, str]]:
    """Repository → path → text of each workflow file; needs the views of ``queries/lib`` on the connection."""
    files: dict[str, dict[str, str]] = {}
    for repository, path, text in store.query(_LATEST).rows:
        files.setdefault(repository, {})[path] = text
    return files
