-- id: merge-queue-cancel
-- title: Concurrency cancelled a run of the merge queue
-- severity: high
-- precision: certain
-- question: >-
--   Which merge queue runs were cancelled by the arrival of another run, so that the entry was thrown out?
-- params: {}
-- columns:
--   kind: >-
--     twin (a run of the same queue branch, mostly for its push), entries (a run of another queue entry:
--     the group has no part that tells them apart) or stranger (a run outside the queue).
--   workflow: Name of the workflow of the cancelled run.
--   group_name: The group that they shared.
--   times: How many queue runs ended so in this way.
--   by_workflow: Name of the workflow of the run that arrived.
--   by_event: Its event.
-- example: push and merge_group of one queue branch share a group
-- false_positives: >-
--   GitHub cancels the runs of an entry that a person takes out of the queue, and people cancel runs: only
--   cancellations by the arrival of another run count, and where that is no more than possible they do not.
--   A workflow that is not a required check does not throw an entry out; the case does not know which are.
-- remedy: >-
--   Do not cancel in the queue: `cancel-in-progress: ${{ github.event_name != 'merge_group' }}`, and put
--   event and ref into the name: `${{ github.workflow }}-${{ github.event_name }}-${{ github.ref }}`.
--   github.head_ref and the pull request's number are empty there. Leave gh-readonly-queue/** out of `on:
--   push`.

WITH kills AS (
    SELECT
        v.repository,
        v.workflow,
        v.workflow_key,
        v.head_branch,
        k.run_id,
        k.attempt,
        k.by_run_id,
        b.workflow AS by_workflow,
        b.event AS by_event,
        min(k.group_name) AS group_name,
        bool_or(k.confidence = 'known') AS stated,
        min(coalesce(k.cancelled_at, b.created_at)) AS killed_at,
        CASE
            WHEN v.head_branch = b.head_branch THEN 'twin'
            WHEN b.event = 'merge_group' OR starts_with(b.head_branch, 'gh-readonly-queue/') THEN 'entries'
            ELSE 'stranger'
        END AS kind
    FROM cancellations AS k
    INNER JOIN named_runs AS v ON k.run_id = v.run_id
    INNER JOIN named_runs AS b ON k.by_run_id = b.run_id
    WHERE
        k.cause IN ('superseded-waiting', 'superseded-running')
        AND k.confidence IN ('known', 'likely')
        AND k.run_id <> k.by_run_id
        AND (v.event = 'merge_group' OR starts_with(v.head_branch, 'gh-readonly-queue/'))
        -- Either of the twins is looked for by the queue, so a lost push run counts only against a queue run.
        AND (v.event = 'merge_group' OR b.event = 'merge_group')
    GROUP BY ALL
),

counted AS (
    SELECT
        repository,
        workflow_key,
        kind,
        count(DISTINCT row(run_id, attempt)) AS times,
        bool_or(stated) AS stated,
        min(killed_at) AS occurred_at,
        arg_min(workflow, (killed_at, run_id)) AS workflow,
        arg_min(head_branch, (killed_at, run_id)) AS head_branch,
        arg_min(group_name, (killed_at, run_id)) AS group_name,
        arg_min(by_workflow, (killed_at, run_id)) AS by_workflow,
        arg_min(by_event, (killed_at, run_id)) AS by_event,
        arg_min(run_ref(run_id, attempt), (killed_at, run_id)) AS victim,
        arg_min(by_run_id, (killed_at, run_id)) AS by_run_id
    FROM kills
    GROUP BY repository, workflow_key, kind
)

SELECT
    occurred_at,
    repository,
    kind,
    workflow,
    group_name,
    times,
    by_workflow,
    by_event,
    [victim, run_ref(by_run_id, 1)] AS runs,
    concat_ws(chr(10), repository, workflow_key, kind) AS about,
    CASE WHEN stated THEN 'certain' ELSE 'likely' END AS precision,
    format(
        '''{}'': {} of the merge queue (''{}'') was cancelled by the arrival of run {} (''{}'' on '
        || '''{}''{}) in the group ''{}''{}.',
        workflow,
        run_label(victim['run_id'], victim['attempt']),
        coalesce(head_branch, 'an unknown branch'),
        by_run_id,
        by_workflow,
        by_event,
        CASE kind WHEN 'twin' THEN ', same ref' WHEN 'entries' THEN ', another entry' ELSE '' END,
        coalesce(group_name, 'that is not named'),
        CASE WHEN times > 1 THEN '; ' || times || ' queue runs ended so' ELSE '' END
    ) AS message
FROM counted;
