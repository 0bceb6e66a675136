-- id: token-permissions
-- title: Jobs whose GITHUB_TOKEN could write
-- question: Which jobs had a GITHUB_TOKEN that could write, to what, and what do their logs show of it?
-- columns:
--   workflow: The workflow.
--   job: The job's name.
--   jobs: Jobs whose log shows the permissions.
--   writes: What the token could write, with commas between.
--   effects: Kinds of effect that these jobs' logs show, with commas between; NULL when none.
--   last_at: When the last of them began, UTC.
WITH headings AS (
    SELECT
        source_id,
        run_id,
        attempt,
        job_id,
        line_no
    FROM log_lines
    WHERE text IN ('##[group]GITHUB_TOKEN Permissions', 'GITHUB_TOKEN Permissions') AND level = 'group'
),

-- The list has a line for each permission, a few dozen at most, right behind its heading.
granted AS (
    SELECT
        h.run_id,
        h.attempt,
        h.job_id,
        string_agg(DISTINCT split_part(l.text, ':', 1), ', ' ORDER BY split_part(l.text, ':', 1)) AS writes
    FROM headings AS h
    INNER JOIN log_lines AS l ON h.source_id = l.source_id
    WHERE
        l.line_no BETWEEN h.line_no + 1 AND h.line_no + 40
        AND regexp_matches(l.text, '^[A-Z][A-Za-z]+: write$')
    GROUP BY h.run_id, h.attempt, h.job_id
),

shown AS (
    SELECT DISTINCT
        job_id,
        effect
    FROM effects
    WHERE outcome <> 'no-op'
)

SELECT -- noqa: ST06, the columns stand in the order of the head
    coalesce(r.workflow_name, r.workflow_path) AS workflow,
    j.name AS job,
    count(DISTINCT g.job_id) AS jobs,
    g.writes,
    string_agg(DISTINCT s.effect, ', ' ORDER BY s.effect) AS effects,
    max(j.started_at) AS last_at
FROM granted AS g
INNER JOIN jobs AS j ON g.job_id = j.job_id
INNER JOIN runs AS r ON g.run_id = r.run_id
LEFT JOIN shown AS s ON g.job_id = s.job_id
GROUP BY coalesce(r.workflow_name, r.workflow_path), j.name, g.writes
ORDER BY jobs DESC, workflow ASC, job ASC, g.writes ASC
