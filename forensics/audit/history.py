"""What a case tells of its workflow files: how they looked when they were used last, and what is asked of it."""

from __future__ import annotations

from forensics.store.store import Store

FAMILY = (
    "collapsed-group", "deadlock", "dispatch-deadlock", "evaluator-disagrees", "evicted-by-no-op", "evicted-waiter",
    "group-case-collision", "lost-tip", "merge-queue-cancel", "missing-group", "mixed-policy", "parked-holder",
    "queue-max-with-cancel", "required-check-cancelled", "starved-lane", "unique-group", "wrong-lane", "zombie-run",
)  # fmt: skip
"""Detectors whose cause is in the settings; the others are about what runs did to each other and to the world."""

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
