-- The order of commits, as far as runs tell it.

-- When a branch first had a run at a commit. Later runs at the same commit (re-runs, dispatches,
-- schedules) do not make the commit any newer. Branches of pull requests are told apart by the repository
-- that they come from. `newness` orders commits of one second by run number.
CREATE OR REPLACE TEMP VIEW commit_order AS
SELECT
    repository,
    head_branch,
    head_sha AS sha,
    coalesce(head_repository, repository) AS head_repository,
    min(created_at) AS first_seen_at,
    epoch_ms(min(created_at)) // 1000 * 2147483648 + coalesce(min(run_number), 0) % 2147483648 AS newness
FROM runs
WHERE head_branch IS NOT NULL AND head_sha IS NOT NULL AND created_at IS NOT NULL
GROUP BY repository, coalesce(head_repository, repository), head_branch, head_sha;
