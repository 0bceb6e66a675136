-- id: deadlock
-- title: A workflow waited for itself
-- severity: high
-- precision: certain
-- question: Which runs did GitHub end because the run and one of its jobs wanted the same concurrency group?
-- params: {}
-- columns:
--   workflow: Name of the workflow.
--   group_name: The group that both wanted.
--   job: What waited for the group that its own run held.
--   times: How many attempts of the workflow ended so.
--   conclusions: How these runs concluded.
--   succeeded: How many runs of the workflow ever succeeded in this case; 0 says that it never could.
--   basis: annotation (GitHub says so) or groups (the names of run and job are equal).
-- example: caller and called workflow share a group
-- false_positives: >-
--   Where GitHub's annotation says it, none. Where only the names are equal the finding is likely, and
--   counts only if the run ended cancelled, failed or as a startup failure with no other cause known: the
--   job may have been skipped before it asked for the group. A run that waits for another run which it
--   started is not found by GitHub (dispatch-deadlock).
-- remedy: >-
--   In a called workflow `github.workflow` and `github.ref` are the caller's, so the same expression comes
--   to the same name. Keep the group in one place only: in the caller, or at the job; or add a word of its
--   own to the called one, as in `build-${{ github.workflow }}-${{ github.ref }}`.

WITH annotated AS (
    SELECT
        coalesce(a.run_id, j.run_id) AS run_id,
        coalesce(a.attempt, j.attempt, 1) AS attempt,
        -- Both wordings; the name may stand in quotes. 'between a top level workflow and' may be missing.
        coalesce(
            nullif(
                regexp_extract(a.message, 'deadlock for concurrency group:? ''?(.+?)''? was detected', 1), ''
            ),
            nullif(
                regexp_extract(a.message, 'was detected for concurrency group:? ''?(.+?)''?( between |$)', 1),
                ''
            )
        ) AS group_name,
        nullif(regexp_extract(a.message, ' between .* and ''?(.+?)''?\.?$', 1), '') AS job
    FROM annotations AS a
    LEFT JOIN jobs AS j ON a.job_id = j.job_id
    WHERE a.message LIKE 'Canceling since a deadlock %' AND coalesce(a.run_id, j.run_id) IS NOT NULL
),

stated AS (
    SELECT
        run_id,
        attempt,
        min(group_name) AS group_name,
        min(job) AS job,
        'annotation' AS basis
    FROM annotated
    GROUP BY run_id, attempt
),

-- The cause may be known from elsewhere than an annotation.
derived AS (
    SELECT
        run_id,
        attempt,
        min(group_name) AS group_name,
        NULL::VARCHAR AS job,
        CASE WHEN bool_or(confidence = 'known') THEN 'annotation' ELSE 'groups' END AS basis
    FROM cancellations
    WHERE cause = 'deadlock'
    GROUP BY run_id, attempt
),

equal_names AS (
    SELECT
        w.run_id,
        w.attempt,
        min(w.group_name) AS group_name,
        min(coalesce(j.job_name, n.name)) AS job,
        'groups' AS basis
    FROM group_items AS w
    INNER JOIN group_items AS j
        ON w.run_id = j.run_id AND w.attempt = j.attempt AND w.group_key = j.group_key
    INNER JOIN named_runs AS r ON w.run_id = r.run_id
    LEFT JOIN jobs AS n
        ON
            j.run_id = n.run_id AND j.attempt = n.attempt
            AND (j.job_id = n.job_id OR j.job_name IN (n.name, split_part(n.name, ' / ', 1)))
    LEFT JOIN attempts AS a ON w.run_id = a.run_id AND w.attempt = a.attempt
    LEFT JOIN cancellations AS k ON w.run_id = k.run_id AND w.attempt = k.attempt
    WHERE
        w.level = 'workflow' AND w.known
        AND j.level IN ('job', 'called') AND j.known
        AND coalesce(a.conclusion, r.conclusion) IN ('cancelled', 'failure', 'startup_failure')
    GROUP BY w.run_id, w.attempt
    HAVING
        -- A job that ran had no deadlock, and a run that ended for another reason may have had none.
        NOT bool_or(coalesce(n.executed, FALSE))
        AND NOT bool_or(coalesce(k.confidence IN ('known', 'likely'), FALSE))
),

locked AS (
    SELECT
        run_id,
        attempt,
        arg_min(group_name, basis) FILTER (WHERE group_name IS NOT NULL) AS group_name,
        arg_min(job, basis) FILTER (WHERE job IS NOT NULL) AS job,
        min(basis) AS basis
    FROM (
        SELECT * FROM stated
        UNION ALL BY NAME
        SELECT * FROM derived
        UNION ALL BY NAME
        SELECT * FROM equal_names
    ) AS together
    GROUP BY run_id, attempt
),

counted AS (
    SELECT
        r.repository,
        r.workflow_key,
        min(l.basis) AS basis,
        count(*) AS times,
        bool_or(
            r.of_default_branch OR r.event IN ('release', 'schedule', 'merge_group')
        ) AS of_default_branch,
        list_sort(list(DISTINCT coalesce(r.conclusion, r.status))) AS conclusions,
        list(run_ref(l.run_id, l.attempt) ORDER BY l.basis, r.created_at, l.run_id, l.attempt)[:9] AS runs,
        min(r.created_at) AS occurred_at,
        arg_min(r.workflow, (l.basis, r.created_at, l.run_id, l.attempt)) AS workflow,
        arg_min(l.group_name, (l.basis, r.created_at, l.run_id, l.attempt)) AS group_name,
        arg_min(l.job, (l.basis, r.created_at, l.run_id, l.attempt)) AS job
    FROM locked AS l
    INNER JOIN named_runs AS r ON l.run_id = r.run_id
    GROUP BY r.repository, r.workflow_key
),

successes AS (
    SELECT
        repository,
        workflow_key,
        count(*) AS succeeded
    FROM named_runs
    WHERE conclusion = 'success'
    GROUP BY repository, workflow_key
)

SELECT
    c.occurred_at,
    c.repository,
    c.runs,
    c.workflow,
    c.group_name,
    c.job,
    c.times,
    c.conclusions,
    c.basis,
    coalesce(s.succeeded, 0) AS succeeded,
    concat_ws(chr(10), c.repository, c.workflow_key) AS about,
    CASE
        WHEN c.of_default_branch OR w.weight >= 2 THEN 'high'
        ELSE 'medium'
    END AS severity,
    CASE WHEN c.basis = 'annotation' THEN 'certain' ELSE 'likely' END AS precision,
    format(
        '''{}'': {}{} ended without doing its work, since {} wanted the group ''{}'' that its own '
        || 'run held; {}.',
        c.workflow,
        run_label(c.runs[1]['run_id'], c.runs[1]['attempt']),
        CASE WHEN c.times > 1 THEN ' and ' || (c.times - 1) || ' more' ELSE '' END,
        coalesce('job ''' || c.job || '''', 'one of its jobs'),
        coalesce(c.group_name, 'that is not named'),
        CASE
            WHEN s.succeeded IS NULL THEN 'no run of it has succeeded in this case'
            ELSE counted(s.succeeded, 'other run', 'other runs') || ' of it succeeded'
        END
    ) AS message
FROM counted AS c
LEFT JOIN successes AS s ON c.repository = s.repository AND c.workflow_key = s.workflow_key
LEFT JOIN workflow_weights AS w ON c.repository = w.repository AND c.workflow_key = w.workflow_key;
