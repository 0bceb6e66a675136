-- Who was refused a lock, and who held it: a run at work, one that was cut off, or somebody that is not here.
-- noqa: disable=AM04

-- True where a refused write says that somebody holds the place: a state lock, a release or a stack in the
-- middle of an operation, a deployment in progress, a lease, a lock of the database. Terraform's outcome is
-- the line with the lock's ID, and Pages refuses for nothing else.
CREATE OR REPLACE TEMP MACRO is_lock_refusal(tool, effect, text) AS
effect IN ('apply', 'deploy', 'migrate', 'delete', 'sync')
AND (
    tool IN ('terraform', 'tofu', 'opentofu', 'pages')
    OR regexp_matches(
        text,
        '(?i)(\block(ed|ing|s)?\b|\blease\b|in[ -]progress|_in_progress\b|pending-(install|upgrade|rollback))'
    )
    -- Rails, Beanstalk, Firebase, Azure and Cloud Run, in this order, have words of their own for it.
    OR regexp_matches(
        text,
        '(?i)(is currently running|must be ready|unable to queue|\(CODE: 409\)|aborted: conflict)'
    )
);

-- Refusals because of a lock, once for each job and target: the first and the last line of it, and whether
-- the same job wrote there in the end all the same.
CREATE OR REPLACE TEMP VIEW lock_refusals AS
WITH refused AS (
    SELECT
        target_key,
        run_id,
        attempt,
        job_id,
        any_value(repository) AS repository,
        any_value(target) AS target,
        min(effect) AS effect,
        min(occurred_at) AS refused_at,
        max(occurred_at) AS last_refused_at,
        min(line_no) AS line_no,
        count(*) AS refusals
    FROM write_effects
    WHERE outcome = 'rejected' AND occurred_at IS NOT NULL AND is_lock_refusal(tool, effect, text)
    GROUP BY target_key, run_id, attempt, job_id
),

written AS (
    SELECT
        target_key,
        job_id,
        max(occurred_at) AS written_at
    FROM write_effects
    WHERE outcome = 'done'
    GROUP BY target_key, job_id
)

SELECT
    r.*,
    coalesce(w.written_at > r.last_refused_at, FALSE) AS written_after_all
FROM refused AS r
LEFT JOIN written AS w ON r.target_key = w.target_key AND r.job_id = w.job_id;

-- Who was at a target where somebody was refused, from when to when: one row for each step (or job, where the
-- step is not known) that wrote or tried to. `cut` where the write was announced and its end never told, in
-- what was cancelled, timed out or failed; `step_said` where the step itself ended so.
CREATE OR REPLACE TEMP VIEW lock_visits AS
WITH contested AS (
    SELECT DISTINCT target_key FROM lock_refusals
)

SELECT
    h.target_key,
    h.run_id,
    h.attempt,
    h.job_id,
    h.step_number,
    min(h.held_from) AS held_from,
    max(h.held_to) AS held_to,
    max(h.occurred_at) AS last_at,
    min(h.began_at) AS began_at,
    min(h.line_no) AS line_no,
    max(h.occurred_at) FILTER (WHERE h.outcome = 'done') AS done_at,
    coalesce(any_value(j.name), 'unknown') AS job,
    any_value(h.effect) AS effect,
    coalesce(
        bool_or(
            (h.outcome = 'unknown' OR (h.outcome = 'failed' AND s.conclusion IN ('cancelled', 'timed_out')))
            AND coalesce(s.conclusion, j.conclusion) IN ('cancelled', 'timed_out', 'failure')
        ) AND NOT bool_or(h.outcome = 'done'),
        FALSE
    ) AS cut,
    coalesce(bool_or(s.conclusion IN ('cancelled', 'timed_out')), FALSE) AS step_said
FROM held_effects AS h
SEMI JOIN contested AS c ON (h.target_key = c.target_key)
LEFT JOIN jobs AS j ON h.job_id = j.job_id
LEFT JOIN steps AS s ON h.job_id = s.job_id AND h.step_number = s.step_number
WHERE h.outcome <> 'rejected'
GROUP BY h.target_key, h.run_id, h.attempt, h.job_id, h.step_number;

-- Each refusal with who held the target then: `live` (another job was at it, `sure` where the times leave no
-- doubt), `abandoned` (the last that had been there was cut off, and nobody has written there since) or
-- `outside` (nobody that the case knows).
CREATE OR REPLACE TEMP VIEW lock_holders AS
-- Each of the two views is read more than once below.
WITH refusals AS (
    SELECT * FROM lock_refusals
),

visits AS (
    SELECT * FROM lock_visits
),

spread AS (
    -- A visit in each hour that it reaches into, so that a refusal looks at those of its own hour only.
    SELECT
        *,
        unnest(range(
            epoch(held_from - INTERVAL 1 SECOND)::bigint // 3600,
            epoch(held_to + INTERVAL 1 SECOND)::bigint // 3600 + 1
        )) AS hour
    FROM visits
),

-- Of those who were there at that moment, the one that stays longest.
living AS (
    SELECT
        r.target_key,
        r.job_id,
        arg_max(
            struct_pack(
                job_id := v.job_id, run_id := v.run_id, attempt := v.attempt, line_no := v.line_no,
                held_from := v.held_from, held_to := v.held_to
            ),
            (v.held_to, v.run_id, v.attempt, v.job_id)
        ) AS holder
    FROM refusals AS r
    INNER JOIN spread AS v ON r.target_key = v.target_key AND epoch(r.refused_at)::bigint // 3600 = v.hour
    WHERE
        r.job_id <> v.job_id
        AND r.refused_at BETWEEN v.held_from - INTERVAL 1 SECOND AND v.held_to + INTERVAL 1 SECOND
    GROUP BY r.target_key, r.job_id
),

cuts AS (
    SELECT
        target_key,
        held_to AS cut_at,
        arg_min(
            struct_pack(
                job_id := job_id, run_id := run_id, attempt := attempt, line_no := line_no,
                job := job, effect := effect, step_said := step_said
            ),
            (run_id, attempt, job_id)
        ) AS holder
    FROM visits
    WHERE cut
    GROUP BY target_key, held_to
),

successes AS (
    SELECT
        target_key,
        done_at,
        min(run_ref(run_id, attempt)) AS run
    FROM visits
    WHERE done_at IS NOT NULL
    GROUP BY target_key, done_at
),

asked AS (
    SELECT
        r.*,
        c.cut_at,
        c.holder AS cut_holder,
        l.holder['run_id'] AS holder_run_id,
        l.holder['attempt'] AS holder_attempt,
        l.holder['job_id'] AS holder_job_id,
        l.holder['line_no'] AS holder_line_no,
        l.holder['held_from'] AS held_from,
        l.holder['held_to'] AS held_to
    FROM refusals AS r
    LEFT JOIN living AS l ON r.target_key = l.target_key AND r.job_id = l.job_id
    ASOF LEFT JOIN cuts AS c ON r.target_key = c.target_key AND r.refused_at > c.cut_at
)

-- The first success after the one that was cut off shows that the lock was gone by then.
SELECT
    a.*,
    s.done_at AS released_at,
    s.run AS released_by,
    CASE
        WHEN a.holder_run_id IS NOT NULL THEN 'live'
        WHEN a.cut_at IS NOT NULL AND (s.done_at IS NULL OR s.done_at > a.refused_at) THEN 'abandoned'
        ELSE 'outside'
    END AS kind,
    coalesce(
        a.held_from + INTERVAL 1 SECOND <= a.refused_at AND a.held_to - INTERVAL 1 SECOND >= a.refused_at,
        FALSE
    ) AS sure
FROM asked AS a
ASOF LEFT JOIN successes AS s ON a.target_key = s.target_key AND a.cut_at < s.done_at;
