-- Who was in which concurrency group, who held it when, and who met at one target all the same.

-- How much a write matters: 3 where the world sees the difference at once, 2 where git keeps every version, 1
-- where one more or less does no harm.
CREATE OR REPLACE TEMP MACRO effect_weight(effect, target) AS
CASE
    WHEN effect IN ('comment', 'issue', 'pull-request') THEN 1
    WHEN effect = 'push' AND starts_with(target, 'git:') THEN 2
    ELSE 3
END;

-- Severity by what a workflow does to the world; one that writes nothing is not nagged.
CREATE OR REPLACE TEMP MACRO weight_severity(weight) AS
CASE weight WHEN 3 THEN 'high' WHEN 2 THEN 'medium' WHEN 1 THEN 'low' ELSE 'info' END;

-- True where a group's name holds what no other run has: the run's id or number, or its commit.
CREATE OR REPLACE TEMP MACRO names_its_run(group_key, expression, run_id, run_number, head_sha) AS
contains(group_key, run_id::varchar)
OR coalesce(contains(group_key, lower(head_sha)), FALSE)
OR coalesce(
    regexp_matches(expression, '(?i)github\s*\.\s*run_number')
    AND contains(group_key, run_number::varchar),
    FALSE
);

-- Runs with the names that sentences use for them; not those that are known from a log alone.
CREATE OR REPLACE TEMP VIEW named_runs AS
SELECT
    r.repository,
    r.run_id,
    r.status,
    r.conclusion,
    r.head_branch,
    r.head_sha,
    r.run_number,
    r.created_at,
    r.workflow_path,
    coalesce(r.event, 'an unknown event') AS event,
    coalesce(r.head_repository, r.repository) AS head_repository,
    coalesce(r.workflow_name, r.workflow_path, 'workflow ' || r.workflow_id, 'a workflow without name')
        AS workflow,
    coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name, '') AS workflow_key,
    coalesce(
        r.head_branch = o.default_branch, r.head_branch IN ('main', 'master'), FALSE
    ) AS of_default_branch
FROM runs AS r
LEFT JOIN repositories AS o ON r.repository = o.repository
WHERE r.run_id > 0;

-- What a workflow does to the world at most, by its own logs and by deployments that name its runs. Workflows
-- of which no write is known have no row.
CREATE OR REPLACE TEMP VIEW workflow_weights AS
WITH weighed AS (
    SELECT
        run_id,
        max(effect_weight(effect, target)) AS weight
    FROM write_effects
    WHERE outcome <> 'failed'
    GROUP BY run_id
    UNION ALL
    SELECT DISTINCT
        run_id,
        3 AS weight
    FROM deployment_statuses
    WHERE run_id IS NOT NULL
)

SELECT
    r.repository,
    r.workflow_key,
    max(w.weight) AS weight
FROM weighed AS w
INNER JOIN named_runs AS r ON w.run_id = r.run_id
WHERE r.workflow_key <> ''
GROUP BY r.repository, r.workflow_key;

-- Groups of attempts (no job) and of jobs, each once; a job that calls a workflow has a name and no id. What
-- GitHub told without saying at which level counts for the whole attempt, unless the same name has found its
-- place. `known` is false where only a pattern, or nothing, is known of the name; group_key is NULL then.
CREATE OR REPLACE TEMP VIEW group_items AS
WITH placed AS (
    SELECT *
    FROM concurrency_groups
    WHERE level IS NOT NULL
),

unplaced AS (
    SELECT
        g.*,
        a.attempt AS in_attempt
    FROM concurrency_groups AS g
    INNER JOIN attempts AS a ON g.run_id = a.run_id AND a.attempt = coalesce(g.attempt, a.attempt)
    LEFT JOIN placed AS p ON g.run_id = p.run_id AND g.group_key = p.group_key
    WHERE g.level IS NULL AND p.run_id IS NULL
),

together AS (
    SELECT
        *,
        coalesce(attempt, 1) AS in_attempt
    FROM placed
    UNION ALL BY NAME
    SELECT *
    FROM unplaced
)

SELECT
    k.run_id,
    k.in_attempt AS attempt,
    k.job_id,
    k.job_name,
    k.level,
    k.group_name,
    k.cancel_in_progress,
    k.queue,
    k.expression,
    k.path,
    k.line,
    r.repository,
    r.workflow,
    r.workflow_key,
    r.event,
    r.head_branch,
    r.head_repository,
    r.head_sha,
    k.confidence = 'known' AS stated,
    CASE WHEN k.confidence IN ('known', 'likely') THEN k.group_key END AS group_key,
    coalesce(k.confidence IN ('known', 'likely') AND k.group_key IS NOT NULL, FALSE) AS known,
    coalesce(names_its_run(k.group_key, k.expression, k.run_id, r.run_number, r.head_sha), FALSE)
        AS names_its_run
FROM together AS k
INNER JOIN named_runs AS r ON k.run_id = r.run_id;

-- Until when the case has seen anything of a repository: what had not ended by then was still going on.
CREATE OR REPLACE TEMP VIEW last_seen AS
SELECT
    repository,
    max(seen_at) AS seen_at
FROM (
    SELECT
        repository,
        greatest(created_at, run_started_at, updated_at) AS seen_at
    FROM runs
    WHERE run_id > 0
    UNION ALL
    SELECT
        repository,
        greatest(started_at, completed_at) AS seen_at
    FROM jobs
    WHERE run_id > 0
) AS moments
GROUP BY repository;

-- Who held a group at the level of the workflow, from when to when: an attempt that waits for its group has
-- no job yet, and lets it go with its last job, whatever that was waiting for. acquired_at is NULL for those
-- that never got it, released_at where the attempt had not ended.
CREATE OR REPLACE TEMP VIEW group_holds AS
WITH own_jobs AS (
    SELECT
        run_id,
        attempt,
        min(coalesce(created_at, started_at)) AS first_at,
        max(completed_at) AS last_at
    FROM jobs
    WHERE NOT copied
    GROUP BY run_id, attempt
)

SELECT
    i.repository,
    i.run_id,
    i.attempt,
    i.workflow,
    i.workflow_key,
    i.event,
    i.group_key,
    i.group_name,
    i.stated,
    i.cancel_in_progress,
    i.queue,
    a.status,
    a.conclusion,
    coalesce(a.created_at, a.started_at) AS arrived_at,
    -- A re-run's jobs may carry times from before it was asked for.
    CASE WHEN j.first_at IS NOT NULL THEN greatest(j.first_at, a.created_at) END AS acquired_at,
    CASE
        WHEN a.status = 'completed' AND j.run_id IS NOT NULL
            THEN greatest(j.last_at, j.first_at, a.completed_at)
    END AS released_at
FROM group_items AS i
INNER JOIN attempts AS a ON i.run_id = a.run_id AND i.attempt = a.attempt
LEFT JOIN own_jobs AS j ON i.run_id = j.run_id AND i.attempt = j.attempt
WHERE i.level = 'workflow' AND i.known;

-- Turns of attempts at a target that began while another run was there: the executing jobs that wrote, of
-- one attempt and target together where they overlap. Each is set beside the one before it that stays
-- longest, and the overlap survives the grain of one second at both ends. `locks` are the known groups that
-- the jobs were in, their own and their run's; `gaps` is true where another one's name is not known.
CREATE OR REPLACE TEMP VIEW target_meetings AS
WITH visits AS (
    -- The long names of targets would make sorting slow; two of one hash cost a look in vain, no more.
    SELECT DISTINCT
        job_id,
        hash(target_key) AS target_hash
    FROM write_effects
    WHERE outcome IN ('done', 'rejected', 'unknown') AND run_id > 0
),

marked AS (
    SELECT
        v.job_id,
        v.target_hash,
        j.repository,
        j.name,
        j.started_at,
        j.ended_at,
        lead(j.started_at) OVER (
            PARTITION BY v.target_hash ORDER BY j.started_at, j.ended_at, v.job_id
        ) AS next_start,
        max(j.ended_at) OVER (
            PARTITION BY v.target_hash
            ORDER BY j.started_at, j.ended_at, v.job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until
    FROM visits AS v
    INNER JOIN executed_jobs AS j ON v.job_id = j.job_id
),

-- Only what reaches beyond the next beginning, or begins before an earlier end, can meet anything.
near AS (
    SELECT *
    FROM marked
    WHERE ended_at > next_start OR started_at < busy_until
),

wrote AS (
    SELECT
        w.target_key,
        w.run_id,
        w.attempt,
        w.job_id,
        any_value(n.repository) AS repository,
        any_value(n.name) AS name,
        any_value(n.started_at) AS started_at,
        any_value(n.ended_at) AS ended_at,
        any_value(w.target) AS target,
        max(effect_weight(w.effect, w.target)) AS weight,
        min(w.effect) AS effect,
        bool_or(w.outcome <> 'rejected') AS accepted,
        min(w.line_no) AS line_no
    FROM near AS n
    INNER JOIN write_effects AS w ON n.job_id = w.job_id AND n.target_hash = hash(w.target_key)
    WHERE w.outcome IN ('done', 'rejected', 'unknown')
    GROUP BY w.target_key, w.run_id, w.attempt, w.job_id
),

timed AS (
    SELECT
        *,
        max(ended_at) OVER (
            PARTITION BY target_key, run_id, attempt
            ORDER BY started_at, job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS reached_until
    FROM wrote
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (WHERE reached_until IS NULL OR started_at > reached_until) OVER (
            PARTITION BY target_key, run_id, attempt
            ORDER BY started_at, job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS span_no
    FROM timed
),

turns AS (
    SELECT
        target_key,
        run_id,
        attempt,
        span_no,
        any_value(repository) AS repository,
        any_value(target) AS target,
        max(weight) AS weight,
        min(effect) AS effect,
        bool_or(accepted) AS accepted,
        min(started_at) AS started_at,
        max(ended_at) AS ended_at,
        list(job_id ORDER BY job_id) AS jobs,
        -- 'deploy / push' is a job of the workflow that 'deploy' calls.
        list(split_part(name, ' / ', 1) ORDER BY job_id) AS callers,
        arg_min(line_ref(run_id, attempt, job_id, line_no), (job_id, line_no)) AS line
    FROM numbered
    GROUP BY target_key, run_id, attempt, span_no
),

placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY target_key ORDER BY started_at, ended_at, run_id, attempt, span_no
        ) AS place
    FROM turns
),

preceded AS (
    SELECT
        *,
        arg_max(place, ended_at) OVER (
            PARTITION BY target_key ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS other_place
    FROM placed
),

met AS (
    SELECT
        a.repository,
        a.target_key,
        a.target,
        a.run_id,
        a.attempt,
        b.run_id AS other_run_id,
        b.attempt AS other_attempt,
        a.started_at AS met_at,
        a.effect,
        a.place,
        b.place AS other_place,
        a.jobs,
        b.jobs AS other_jobs,
        a.callers,
        b.callers AS other_callers,
        b.repository AS other_repository,
        a.accepted AND b.accepted AS accepted,
        greatest(a.weight, b.weight) AS weight,
        [b.line, a.line] AS evidence,
        seconds_between(a.started_at, least(a.ended_at, b.ended_at)) AS overlap_seconds
    FROM preceded AS a
    INNER JOIN placed AS b ON a.target_key = b.target_key AND a.other_place = b.place
    WHERE a.run_id <> b.run_id AND seconds_between(a.started_at, least(a.ended_at, b.ended_at)) > 2
),

sides AS (
    SELECT
        target_key,
        place,
        run_id,
        attempt,
        jobs,
        callers
    FROM met
    UNION
    SELECT
        target_key,
        other_place,
        other_run_id,
        other_attempt,
        other_jobs,
        other_callers
    FROM met
),

locked AS (
    SELECT
        s.target_key,
        s.place,
        count(g.run_id) AS groups,
        bool_or(NOT g.known) AS gaps,
        coalesce(list(DISTINCT g.group_key ORDER BY g.group_key) FILTER (WHERE g.known), []) AS locks
    FROM sides AS s
    LEFT JOIN group_items AS g
        ON
            s.run_id = g.run_id AND s.attempt = g.attempt
            AND (
                g.level IS NULL
                OR g.level = 'workflow'
                OR list_contains(s.jobs, g.job_id)
                OR (g.job_id IS NULL AND list_contains(s.callers, split_part(g.job_name, ' / ', 1)))
            )
    GROUP BY s.target_key, s.place
)

SELECT
    m.repository,
    m.target_key,
    m.target,
    m.run_id,
    m.attempt,
    m.other_run_id,
    m.other_attempt,
    m.other_repository,
    m.met_at,
    m.effect,
    m.accepted,
    m.weight,
    m.evidence,
    m.overlap_seconds,
    a.groups,
    a.locks,
    b.groups AS other_groups,
    b.locks AS other_locks,
    coalesce(a.gaps, FALSE) AS gaps,
    coalesce(b.gaps, FALSE) AS other_gaps
FROM met AS m
INNER JOIN locked AS a ON m.target_key = a.target_key AND m.place = a.place
INNER JOIN locked AS b ON m.target_key = b.target_key AND m.other_place = b.place;

-- The same meetings once for each of the two runs, as its own and the other's.
CREATE OR REPLACE TEMP VIEW sided_meetings AS
WITH sides AS (
    SELECT unnest([TRUE, FALSE]) AS later
)

SELECT
    m.repository,
    m.target_key,
    m.target,
    m.run_id,
    m.attempt,
    m.other_run_id,
    m.other_attempt,
    m.other_repository,
    m.met_at,
    m.effect,
    m.accepted,
    m.weight,
    m.evidence,
    m.overlap_seconds,
    if(s.later, m.run_id, m.other_run_id) AS own_run_id,
    if(s.later, m.attempt, m.other_attempt) AS own_attempt,
    if(s.later, m.groups, m.other_groups) AS own_groups,
    if(s.later, m.gaps, m.other_gaps) AS own_gaps,
    if(s.later, m.locks, m.other_locks) AS own_locks
FROM target_meetings AS m
CROSS JOIN sides AS s;
