-- id: silent-gap
-- title: A step fell silent for long
-- severity: low
-- precision: likely
-- question: In which executions did a step write nothing for far longer than usual, and after which line?
-- params:
--   minimum_gap_seconds:
--     default: 120
--     means: A shorter silence is not looked at.
--   minimum_ratio:
--     default: 5.0
--     means: What is less than this times the longest silence of the others is not told.
--   minimum_others:
--     default: 8
--     means: So many other executions of the step must be known to say what is usual.
--   others_looked_at:
--     default: 20
--     means: How many of the others are read, the latest of usual length, so that long cases stay quick.
--   lone_gap_seconds:
--     default: 900
--     means: >-
--       Of a step with fewer others, a silence is told from this length on, where the step failed or was
--       cancelled and the silence is most of its time.
-- columns:
--   job: The job.
--   step: The step; NULL where the log does not tell steps apart.
--   workflow: Name of the workflow.
--   gap_seconds: The silence, from one line to the next, or to the end of the step where none came.
--   usual_seconds: Longest silence of the others; NULL where there are too few.
--   others: How many others it was compared with.
--   at_end: True where no line came any more.
--   executions: In how many executions the step fell silent so.
-- example: a download hangs for twenty minutes
-- false_positives: >-
--   Silence is usual for some steps (a compiler that prints at the end): compared is with the longest
--   silence of other executions of the same step, so a wait that every execution has is not told. Only
--   steps that took longer than usual are read, by at least the shortest gap that counts. A waiting
--   approval is no silence of a step. Times within a log are of one clock, so a skew does not matter; a
--   clock that was set during the job does.
-- remedy: >-
--   The line before the silence names what hung: a download without timeout, a lock that another run
--   held (see overlapping-effects), a sleep for a rate limit. Give the step a timeout-minutes of a few
--   times its median, and the command its own timeout and retry.

-- How long steps took, by GitHub's times, whatever became of them: a hang ends by being cancelled.
WITH all_steps AS (
    SELECT
        j.job_id,
        j.run_id,
        s.step_number,
        s.started_at,
        s.completed_at,
        s.conclusion,
        seconds_between(s.started_at, s.completed_at) AS seconds,
        hash(j.repository, j.name, s.name) AS named_series
    FROM executed_jobs AS j
    INNER JOIN steps AS s ON j.job_id = s.job_id
    WHERE s.completed_at >= s.started_at AND s.name IS NOT NULL AND s.conclusion <> 'skipped'
),

-- Only jobs of which there is a log; of those a few steps are long.
logged_jobs AS (
    SELECT DISTINCT job_id
    FROM log_sources
    WHERE form <> 'system'
),

logged_steps AS (
    SELECT
        a.*,
        hash(a.named_series, coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name, '')) AS series
    FROM all_steps AS a
    SEMI JOIN logged_jobs AS g ON a.job_id = g.job_id
    LEFT JOIN runs AS r ON a.run_id = r.run_id
),

usual AS (
    SELECT
        series,
        count(*) AS executions,
        median(seconds) AS median_seconds
    FROM logged_steps
    GROUP BY series
    HAVING max(seconds) >= $minimum_gap_seconds
),

placed AS (
    SELECT
        s.*,
        u.executions,
        s.seconds - u.median_seconds AS excess
    FROM logged_steps AS s
    INNER JOIN usual AS u ON s.series = u.series
),

-- Suspects took longer than usual by a gap that counts, or are too few to know what is usual.
ranked AS (
    SELECT
        *,
        CASE
            WHEN executions > $minimum_others THEN excess >= $minimum_gap_seconds
            ELSE seconds >= $lone_gap_seconds AND conclusion IN ('failure', 'cancelled')
        END AS suspect
    FROM placed
),

read_steps AS (
    SELECT *
    FROM ranked
    QUALIFY
        bool_or(suspect) OVER (PARTITION BY series)
        AND (
            suspect
            OR row_number() OVER (PARTITION BY series, suspect ORDER BY started_at DESC, job_id DESC)
            <= $others_looked_at
        )
),

-- One pass over the lines of these steps alone, and none over their text.
spoken AS (
    SELECT
        l.run_id,
        l.attempt,
        l.job_id,
        l.step_number,
        l.line_no,
        l.logged_at,
        lead(l.logged_at) OVER (PARTITION BY l.job_id, l.step_number ORDER BY l.line_no) AS next_at
    FROM log_lines AS l
    SEMI JOIN read_steps AS s ON l.job_id = s.job_id AND l.step_number = s.step_number
    WHERE l.logged_at IS NOT NULL
),

-- The end of a step is told by GitHub's clock, its lines by the runner's: the lesser of what both allow.
silences AS (
    SELECT
        s.series,
        s.job_id,
        s.step_number,
        s.seconds,
        s.suspect,
        any_value(p.run_id) AS run_id,
        any_value(p.attempt) AS attempt,
        max(seconds_between(p.logged_at, p.next_at)) AS inner_gap,
        arg_max(p.line_no, (seconds_between(p.logged_at, p.next_at), -p.line_no)) FILTER (
            WHERE p.next_at IS NOT NULL
        ) AS inner_line_no,
        arg_max(p.logged_at, (seconds_between(p.logged_at, p.next_at), -p.line_no)) FILTER (
            WHERE p.next_at IS NOT NULL
        ) AS inner_at,
        max(p.line_no) AS last_line_no,
        max(p.logged_at) AS last_at,
        s.seconds - seconds_between(min(p.logged_at), max(p.logged_at)) AS end_gap
    FROM read_steps AS s
    INNER JOIN spoken AS p ON s.job_id = p.job_id AND s.step_number = p.step_number
    GROUP BY s.series, s.job_id, s.step_number, s.seconds, s.suspect
),

longest AS (
    SELECT
        *,
        coalesce(end_gap > inner_gap, TRUE) AS at_end,
        greatest(inner_gap, end_gap) AS gap_seconds
    FROM silences
),

compared AS (
    SELECT
        series,
        max(gap_seconds) AS usual_seconds,
        count(*) AS others
    FROM longest
    WHERE NOT suspect
    GROUP BY series
),

judged AS (
    SELECT
        g.*,
        c.usual_seconds,
        coalesce(c.others, 0) AS others
    FROM longest AS g
    LEFT JOIN compared AS c ON g.series = c.series
    WHERE g.suspect
),

told AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY series ORDER BY gap_seconds DESC, job_id ASC) AS place,
        count(*) OVER (PARTITION BY series) AS executions,
        others >= $minimum_others AS compared
    FROM judged
    WHERE
        CASE
            WHEN others >= $minimum_others
                THEN gap_seconds >= greatest($minimum_gap_seconds, $minimum_ratio * usual_seconds)
            ELSE gap_seconds >= greatest($lone_gap_seconds, seconds / 2)
        END
),

worst AS (
    SELECT
        t.*,
        list(run_ref(t.run_id, t.attempt) ORDER BY t.place) OVER (PARTITION BY t.series) AS runs
    FROM told AS t
    QUALIFY t.place = 1
)

SELECT
    n.repository,
    n.job,
    n.step,
    n.workflow,
    w.gap_seconds,
    w.others,
    w.at_end,
    w.executions,
    CASE WHEN w.at_end THEN w.last_at ELSE w.inner_at END AS occurred_at,
    list_slice(w.runs, 1, 20) AS runs,
    [line_ref(w.run_id, w.attempt, w.job_id, CASE WHEN w.at_end THEN w.last_line_no ELSE w.inner_line_no END)]
        AS evidence,
    CASE WHEN w.compared THEN w.usual_seconds END AS usual_seconds,
    concat_ws(chr(10), n.repository, n.workflow_key, n.job, n.step) AS about,
    CASE WHEN w.compared THEN 'likely' ELSE 'possible' END AS precision,
    format(
        '''{}'': step ''{}'' of job ''{}'' wrote nothing for {} {}{}{}.',
        n.workflow,
        n.step,
        n.job,
        duration_text(w.gap_seconds),
        CASE WHEN w.at_end THEN 'until its end, in ' ELSE 'in ' END || run_label(w.run_id, w.attempt),
        CASE
            WHEN w.compared
                THEN
                    format(
                        '; in {} others the longest silence was {}', w.others, duration_text(w.usual_seconds)
                    )
            ELSE ', which did not succeed; there are too few others to say what is usual'
        END,
        CASE WHEN w.executions > 1 THEN format('; {} more fell silent so', w.executions - 1) ELSE '' END
    ) AS message
FROM worst AS w
INNER JOIN named_work() AS n ON w.job_id = n.job_id AND w.step_number = n.step_number;
