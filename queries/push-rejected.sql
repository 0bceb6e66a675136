-- id: push-rejected
-- title: A push was rejected, because somebody else was faster
-- severity: low
-- precision: likely
-- question: Which pushes did git refuse because the branch had moved on, and who had pushed in between?
-- params:
--   settle_minutes:
--     default: 60
--     means: >-
--       A rejected push is called lost only where the case goes on for so long and nothing of the workflow
--       was pushed there.
--   most_runs:
--     default: 20
--     means: How many of the rejected runs a finding names at most, the last ones first.
-- columns:
--   kind: >-
--     retried (the same job got through in the end), followed (a later run of the workflow pushed there) or
--     lost (none did).
--   workflow: Name of the workflow.
--   rejected: How many jobs the finding stands for.
--   by_runs: How many of them lost to a push in the log of another run or job.
--   by_people: How many lost to a push that started a run itself, so one of a person or an app.
--   by_outsiders: How many lost to somebody who left no trace in this case.
--   writer: Who pushed in between, before the rejection that is told; run, person or outside.
-- example: two bots commit to main, and the second is refused
-- false_positives: >-
--   Git refuses and loses nothing: low as long as a later run pushed, info where the job itself tried again
--   and got through. Writers are looked for between the creation of the run and the refusal; where there are
--   several, the last is named, and whether just that one was the reason the log does not tell. A refusal for
--   a protected branch or by a hook is no race, and a tag that is taken is duplicate-effect.
-- remedy: >-
--   Give all jobs that push to the branch one concurrency group across workflows, named for the branch, with
--   queue: max if each must get through. Or pull with rebase and push again, some times. What must not be
--   lost belongs into a job that starts from the tip of the branch.

-- Of a log without a run, its job is all that tells its workflow.
WITH pushes AS (
    SELECT
        w.*,
        coalesce(r.workflow_name, r.workflow_path, 'workflow ' || r.workflow_id, j.name) AS workflow,
        coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name, 'job ' || j.name) AS workflow_key
    FROM write_effects AS w
    INNER JOIN runs AS r ON w.run_id = r.run_id
    INNER JOIN jobs AS j ON w.job_id = j.job_id
    WHERE
        w.effect = 'push' AND starts_with(w.target, 'git:') AND w.occurred_at IS NOT NULL
        AND w.outcome IN ('done', 'rejected')
),

refused AS (
    SELECT
        p.target_key,
        p.run_id,
        p.attempt,
        p.job_id,
        any_value(p.repository) AS repository,
        any_value(p.target) AS target,
        any_value(p.workflow) AS workflow,
        any_value(p.workflow_key) AS workflow_key,
        max(p.occurred_at) AS rejected_at,
        min(p.occurred_at) AS first_rejected_at,
        arg_max(p.line_no, p.occurred_at) AS line_no
    FROM pushes AS p
    WHERE p.outcome = 'rejected'
    GROUP BY p.target_key, p.run_id, p.attempt, p.job_id
),

contested AS (
    SELECT DISTINCT target_key FROM refused
),

-- Whoever wrote to such a branch, one row for each moment: a job that the case has the log of, or the push
-- that started a run (GitHub starts none for what a run's own token pushes).
writers AS (
    SELECT
        p.target_key,
        p.occurred_at AS written_at,
        p.run_id,
        p.attempt,
        p.job_id,
        p.line_no,
        p.workflow_key,
        NULL AS actor,
        'run' AS kind
    FROM pushes AS p
    SEMI JOIN contested AS c ON (p.target_key = c.target_key)
    WHERE p.outcome = 'done'
),

branches AS (
    SELECT DISTINCT
        repository,
        target_key,
        regexp_extract(target, ' refs/heads/(.+)$', 1) AS branch
    FROM refused
    WHERE contains(lower(target), lower(repository) || ' refs/heads/')
),

people AS (
    SELECT
        b.target_key,
        r.head_sha,
        min(r.created_at) AS written_at,
        arg_min(r.run_id, (r.created_at, r.run_id)) AS run_id,
        arg_min(r.actor, (r.created_at, r.run_id)) AS actor
    FROM branches AS b
    INNER JOIN runs AS r ON b.repository = r.repository AND b.branch = r.head_branch
    WHERE r.event = 'push' AND r.created_at IS NOT NULL
    GROUP BY b.target_key, r.head_sha
),

-- The last of either kind before the refusal; two of one moment are told apart by their ids.
last_writers AS (
    SELECT
        target_key,
        written_at,
        list(struct_pack(
            run_id := run_id, attempt := attempt, job_id := job_id, line_no := line_no
        ) ORDER BY run_id DESC, attempt DESC, job_id DESC, line_no ASC) AS writers
    FROM writers
    GROUP BY target_key, written_at
),

last_people AS (
    SELECT
        target_key,
        written_at,
        max(run_id) AS run_id,
        arg_max(actor, run_id) AS actor,
        arg_max(head_sha, run_id) AS sha
    FROM people
    GROUP BY target_key, written_at
),

own_commits AS (
    SELECT
        r.run_id,
        any_value(r.head_sha) AS head_sha,
        coalesce(any_value(r.created_at), min(j.started_at)) AS created_at
    FROM runs AS r
    INNER JOIN jobs AS j ON r.run_id = j.run_id
    WHERE r.run_id IN (SELECT f.run_id FROM refused AS f)
    GROUP BY r.run_id
),

faced AS (
    SELECT
        f.*,
        o.created_at AS asked_at,
        n.seen_at,
        p.actor,
        w.written_at AS job_wrote_at,
        p.written_at AS person_wrote_at,
        CASE
            WHEN w.written_at >= o.created_at
                THEN list_filter(w.writers, LAMBDA one: one['job_id'] <> f.job_id)[1] -- noqa: RF02
        END AS by_job,
        CASE WHEN p.written_at > o.created_at AND p.sha <> o.head_sha THEN p.run_id END AS by_person
    FROM refused AS f
    INNER JOIN own_commits AS o ON f.run_id = o.run_id
    LEFT JOIN last_seen AS n ON f.repository = n.repository
    ASOF LEFT JOIN last_writers AS w ON f.target_key = w.target_key AND f.first_rejected_at >= w.written_at
    ASOF LEFT JOIN last_people AS p ON f.target_key = p.target_key AND f.first_rejected_at >= p.written_at
),

-- When the job itself, and when its workflow, pushed there last.
own_success AS (
    SELECT
        target_key,
        job_id,
        max(written_at) AS written_at
    FROM writers
    GROUP BY target_key, job_id
),

workflow_success AS (
    SELECT
        target_key,
        workflow_key,
        max(written_at) AS written_at
    FROM writers
    GROUP BY target_key, workflow_key
),

judged AS (
    SELECT
        f.*,
        CASE
            WHEN f.by_job IS NOT NULL AND (f.by_person IS NULL OR f.job_wrote_at >= f.person_wrote_at)
                THEN 'run'
            WHEN f.by_person IS NOT NULL THEN 'person'
            ELSE 'outside'
        END AS writer,
        CASE
            WHEN s.written_at > f.first_rejected_at THEN 'retried'
            WHEN w.written_at > f.rejected_at THEN 'followed'
            ELSE 'lost'
        END AS kind
    FROM faced AS f
    LEFT JOIN own_success AS s ON f.target_key = s.target_key AND f.job_id = s.job_id
    LEFT JOIN workflow_success AS w ON f.target_key = w.target_key AND f.workflow_key = w.workflow_key
),

keyed AS (
    SELECT
        *,
        concat_ws(chr(10), repository, target_key, workflow_key, kind) AS finding_key,
        run_id > 0 AND seen_at >= rejected_at + to_minutes($settle_minutes::bigint) AS settled
    FROM judged
),

grouped AS (
    SELECT
        finding_key,
        count(*) AS rejected,
        count(*) FILTER (WHERE writer = 'run') AS by_runs,
        count(*) FILTER (WHERE writer = 'person') AS by_people,
        count(*) FILTER (WHERE writer = 'outside') AS by_outsiders,
        list_slice(
            list(DISTINCT run_ref(run_id, attempt) ORDER BY run_ref(run_id, attempt) DESC), 1, $most_runs
        ) AS victims
    FROM keyed
    GROUP BY finding_key
),

last_one AS (
    SELECT *
    FROM keyed
    QUALIFY row_number() OVER (
        PARTITION BY finding_key ORDER BY rejected_at DESC, run_id DESC, attempt DESC, job_id DESC
    ) = 1
)

SELECT
    o.first_rejected_at AS occurred_at,
    o.repository,
    o.target,
    o.kind,
    o.workflow,
    g.rejected,
    g.by_runs,
    g.by_people,
    g.by_outsiders,
    o.writer,
    o.finding_key AS about,
    CASE
        WHEN o.writer = 'run' THEN list_append(g.victims, run_ref(o.by_job['run_id'], o.by_job['attempt']))
        WHEN o.writer = 'person' THEN list_append(g.victims, run_ref(o.by_person, 1))
        ELSE g.victims
    END AS runs,
    CASE
        WHEN o.writer = 'run'
            THEN [
                line_ref(o.run_id, o.attempt, o.job_id, o.line_no),
                line_ref(o.by_job['run_id'], o.by_job['attempt'], o.by_job['job_id'], o.by_job['line_no'])
            ]
        ELSE [line_ref(o.run_id, o.attempt, o.job_id, o.line_no)]
    END AS evidence,
    CASE
        WHEN o.kind = 'retried' THEN 'info'
        WHEN o.kind = 'lost' AND o.settled THEN 'medium'
        ELSE 'low'
    END AS severity,
    CASE o.writer WHEN 'outside' THEN 'possible' ELSE 'likely' END AS precision,
    format(
        '''{}'': {} of ''{}'' {} rejected there; {}{}, {}; {}.',
        o.target,
        counted(g.rejected, 'push', 'pushes'),
        o.workflow,
        CASE WHEN g.rejected = 1 THEN 'was' ELSE 'were' END,
        CASE WHEN g.rejected > 1 THEN 'the last, ' ELSE '' END,
        run_label(o.run_id, o.attempt),
        CASE o.writer
            WHEN 'run'
                THEN format(
                    'because {} had pushed {} before',
                    CASE
                        WHEN o.by_job['run_id'] = o.run_id AND o.by_job['attempt'] = o.attempt
                            THEN 'another job of it'
                        ELSE run_label(o.by_job['run_id'], o.by_job['attempt'])
                    END,
                    duration_text(seconds_between(o.job_wrote_at, o.first_rejected_at))
                )
            WHEN 'person'
                THEN format(
                    'because {} had pushed {} before (it started run {})',
                    coalesce('''' || o.actor || '''', 'somebody'),
                    duration_text(seconds_between(o.person_wrote_at, o.first_rejected_at)),
                    o.by_person
                )
            ELSE 'because of a push that has left no trace in this case'
        END,
        CASE o.kind
            WHEN 'retried' THEN 'it tried again and got through'
            WHEN 'followed' THEN 'a later run of the workflow pushed there'
            ELSE 'no later push of the workflow there is in this case'
        END
    ) AS message
FROM last_one AS o
INNER JOIN grouped AS g ON o.finding_key = g.finding_key;
