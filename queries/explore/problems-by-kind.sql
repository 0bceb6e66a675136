-- id: problems-by-kind
-- title: Problems by kind
-- question: What is missing or odd in the case, how often, and how much does it touch?
-- columns:
--   kind: Kind of problem.
--   problems: How many there are.
--   files: Evidence files they are about.
--   runs: Runs they are about, where known.
--   lines: Log lines left out because of them.
--   example: One of them.
SELECT
    kind,
    count(*) AS problems,
    count(DISTINCT evidence_path) FILTER (WHERE evidence_path <> '') AS files,
    count(DISTINCT run_id) AS runs,
    sum(lines)::bigint AS lines,
    min(detail) AS example
FROM problems
GROUP BY kind
ORDER BY problems DESC, kind ASC
