-- id: line-accounts
-- title: Accounts of lines
-- question: What became of every line of every log source?
-- columns:
--   evidence_path: The evidence file.
--   form: In which form the log came; several when the file holds more than one.
--   sources: Logs found in it.
--   lines_in: Lines in it.
--   lines_stored: Lines that are in log_lines.
--   lines_duplicate: Lines left out because they are stored already.
--   lines_problem: Lines left out for a reason given in problems.
--   adds_up: True when nothing is unaccounted for.
SELECT
    evidence_path,
    string_agg(DISTINCT form, ', ' ORDER BY form) AS form,
    count(*) AS sources,
    sum(lines_in)::bigint AS lines_in,
    sum(lines_stored)::bigint AS lines_stored,
    sum(lines_duplicate)::bigint AS lines_duplicate,
    sum(lines_problem)::bigint AS lines_problem,
    bool_and(lines_in = lines_stored + lines_duplicate + lines_problem) AS adds_up
FROM log_sources
GROUP BY evidence_path
ORDER BY adds_up ASC, lines_in DESC, evidence_path ASC
