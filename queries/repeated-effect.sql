-- id: repeated-effect
-- title: A re-run did again what was done already
-- severity: low
-- precision: certain
-- question: >-
--   Which version, release, comment, issue or dispatch was made once more, because its run was run again?
-- params:
--   most_runs:
--     default: 20
--     means: How many attempts a finding names at most, the last ones first.
-- columns:
--   effect: What was done again.
--   workflow: Name of the workflow.
--   times: How many attempts did it again.
--   identity: The version, tag or release; NULL for what can be made any number of times.
--   gap_seconds: From the attempt before to the one that did it again; of the last one.
-- example: a comment is posted again by a re-run of all jobs
-- false_positives: >-
--   Deploying, applying and migrating again is what a re-run is for and not looked at, nor is a comment or a
--   pull request that is only changed (known by its number), nor what the copied jobs of a partial re-run had
--   done. Release actions fill the release that is there and say 'ready' once more: info. A registry that
--   takes a version twice has replaced it (critical only where two runs did so: duplicate-effect). A refused
--   second try is told by duplicate-effect. Chat posts that a re-run repeats are info.
-- remedy: >-
--   Re-run only the failed jobs. Put what must happen once last, in a job of its own, and let it ask first
--   whether it is done (the version, the comment by a hidden mark, the issue by its title).

WITH re_runs AS (
    SELECT run_id
    FROM attempts
    WHERE attempt > 1
),

once AS (
    SELECT
        second_at AS occurred_at,
        repository,
        target,
        effect,
        identity,
        runs,
        evidence,
        gap_seconds,
        identity_key AS about,
        NULL AS workflow,
        jobs - 1 AS times,
        struct_extract(creator, 'run_id') AS run_id,
        list_extract(runs, -1)['attempt'] AS attempt
    FROM contested_identities
    WHERE told_by = 'repeated-effect'
),

re_run AS (
    SELECT c.*
    FROM creations AS c
    SEMI JOIN re_runs AS a ON (c.run_id = a.run_id)
),

-- What each attempt of a run made, in one job and step, at one target.
made AS (
    SELECT
        repository,
        workflow_key,
        workflow,
        run_id,
        attempt,
        effect,
        target_key,
        content,
        job,
        step_number,
        any_value(target) AS target,
        min(occurred_at) AS made_at,
        arg_min(line_ref(run_id, attempt, job_id, line_no), (occurred_at, line_no)) AS line
    FROM re_run
    GROUP BY
        repository, workflow_key, workflow, run_id, attempt, effect, target_key, content, job, step_number
),

again AS (
    SELECT
        *,
        lag(made_at) OVER one_place AS before_at,
        lag(line) OVER one_place AS before_line,
        lag(attempt) OVER one_place AS before_attempt
    FROM made
    WINDOW
        one_place AS (
            PARTITION BY run_id, effect, target_key, content, job, step_number ORDER BY attempt
        )
),

-- Of a workflow, what its re-runs made again is one habit.
many AS (
    SELECT
        max(made_at) AS occurred_at,
        repository,
        effect,
        NULL AS identity,
        count(*) AS times,
        workflow,
        arg_max(target, (made_at, run_id, attempt, target_key)) AS target,
        arg_max([before_line, line], (made_at, run_id, attempt, target_key)) AS evidence,
        arg_max(seconds_between(before_at, made_at), (made_at, run_id, attempt, target_key)) AS gap_seconds,
        concat_ws(chr(10), repository, workflow_key, effect) AS about,
        arg_max(run_id, (made_at, run_id, attempt, target_key)) AS run_id,
        arg_max(attempt, (made_at, run_id, attempt, target_key)) AS attempt,
        list_sort(
            list_distinct(
                list_concat(
                    list_slice(
                        list(run_ref(run_id, attempt) ORDER BY made_at DESC, run_id DESC, attempt DESC),
                        1,
                        $most_runs
                    ),
                    [arg_max(run_ref(run_id, before_attempt), (made_at, run_id, attempt, target_key))]
                )
            )
        ) AS runs
    FROM again
    WHERE before_attempt IS NOT NULL
    GROUP BY repository, workflow_key, workflow, effect
),

together AS (
    SELECT *
    FROM once
    UNION ALL BY NAME
    SELECT *
    FROM many
)

SELECT
    occurred_at,
    repository,
    target,
    runs,
    evidence,
    about,
    effect,
    workflow,
    times,
    identity,
    gap_seconds,
    CASE
        WHEN effect = 'publish' THEN 'high'
        WHEN effect IN ('tag', 'issue', 'pull-request', 'dispatch') THEN 'medium'
        WHEN effect = 'comment' THEN 'low'
        ELSE 'info'
    END AS severity,
    CASE WHEN run_id < 0 THEN 'possible' ELSE 'certain' END AS precision,
    format(
        '{} did {} ''{}''{} again{}{}.',
        run_label(run_id, attempt),
        CASE effect
            WHEN 'publish' THEN 'publish'
            WHEN 'dispatch' THEN 'start'
            WHEN 'notify' THEN 'post to'
            WHEN 'comment' THEN 'comment on'
            WHEN 'issue' THEN 'open an issue at'
            WHEN 'pull-request' THEN 'open a pull request at'
            ELSE effect
        END,
        coalesce(identity, target),
        CASE WHEN identity IS NULL THEN '' ELSE ' on ''' || target || '''' END,
        coalesce(', ' || duration_text(gap_seconds) || ' after the attempt before had done so', ''),
        CASE
            WHEN times > 1 AND identity IS NULL
                THEN '; ''' || workflow || ''' did so in ' || times || ' re-runs'
            ELSE ''
        END
    ) AS message
FROM together;
