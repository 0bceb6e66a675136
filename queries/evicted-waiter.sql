-- id: evicted-waiter
-- title: A waiting run was evicted from its group
-- severity: high
-- precision: likely
-- question: >-
--   Which runs or jobs were cancelled while they waited for their concurrency group, and was their commit
--   shipped after all?
-- params:
--   most_runs:
--     default: 20
--     means: How many of the evicted a finding names at most, the last ones first.
-- columns:
--   kind: >-
--     never-shipped (no later success of this workflow and branch at its commit or a newer one), own-work
--     (there is one, but what was asked for here, by hand or by a comment, is its own) or shipped-later.
--   workflow: Name of the workflow.
--   group: The group that it waited in, where known.
--   evicted: How many runs or jobs the finding stands for.
--   waited_seconds: How long the one that is told had waited.
--   lag_seconds: How long before its end the other had arrived.
--   shipped_by: The run that shipped its commit or a newer one; NULL where none did.
--   shipped_after_seconds: How long after the eviction.
-- example: the waiting deploy is evicted by the next push, and nothing ships it
-- false_positives: >-
--   GitHub annotates nothing on a run that never had a job. So the eviction of a run is likely where another
--   run of the same known group arrived within 3 s before it ended, and possible where its group is not
--   known for sure; a person may have pressed the button in the same second. Where a later run of the branch
--   succeeded, the commit went with it: low, or info where the workflow only reads. For dispatches and
--   comments a later run does not do the same work, which metadata cannot tell: medium.
-- remedy: >-
--   cancel-in-progress: false protects only the run that executes; GitHub keeps one waiting run and cancels
--   it for the next. If each run matters, set queue: max on the group (github.com since May 2026, not on
--   Enterprise Server; up to 100 wait, the next is cancelled, and old branches without the key still evict).
--   If only the newest matters, keep the queue and put the group on the deploy job alone, so that fewer
--   wait. Run the newest commit's workflow now if nothing shipped it.

WITH evicted AS (
    SELECT
        *,
        concat_ws(chr(10), lane_key, group_key, job, fate) AS finding_key
    FROM fates
    WHERE cause = 'superseded-waiting'
),

grouped AS (
    SELECT
        finding_key,
        count(*) AS evicted,
        list_slice(
            list(run_ref(run_id, attempt) ORDER BY cancelled_at DESC, run_id DESC), 1, $most_runs
        ) AS victims
    FROM evicted
    GROUP BY finding_key
),

last_one AS (
    SELECT *
    FROM evicted
    QUALIFY row_number() OVER (
        PARTITION BY finding_key
        ORDER BY cancelled_at DESC, run_id DESC, attempt DESC, job_id DESC
    ) = 1
)

SELECT
    e.cancelled_at AS occurred_at,
    e.repository,
    e.precision,
    e.fate AS kind,
    e.workflow,
    e.group_key AS "group",
    g.evicted,
    e.waited_seconds,
    e.lag_seconds,
    e.shipped_by,
    e.finding_key AS about,
    seconds_between(e.cancelled_at, e.shipped_at) AS shipped_after_seconds,
    CASE
        WHEN e.by_run_id IS NULL THEN g.victims
        ELSE list_concat(g.victims, [run_ref(e.by_run_id, e.by_attempt)])
    END AS runs,
    CASE
        WHEN NOT e.writes AND (e.fate = 'shipped-later' OR e.of_pull_request) THEN 'info'
        WHEN NOT e.writes OR e.fate = 'shipped-later' THEN 'low'
        WHEN e.fate = 'own-work' THEN 'medium'
        ELSE 'high'
    END AS severity,
    format(
        '''{}'': {} evicted while waiting in {} on ''{}''; {}{} ({}), after {}{}{}; {}.',
        e.workflow,
        CASE
            WHEN e.job_id IS NULL THEN counted(g.evicted, 'run was', 'runs were')
            ELSE
                counted(g.evicted, 'job', 'jobs') || ' ''' || e.job || ''' '
                || CASE WHEN g.evicted = 1 THEN 'was' ELSE 'were' END
        END,
        e.group_label,
        e.head_branch,
        CASE WHEN g.evicted > 1 THEN 'the last, ' ELSE '' END,
        run_label(e.run_id, e.attempt),
        left(e.head_sha, 8),
        duration_text(greatest(0, coalesce(e.waited_seconds, 0))),
        CASE
            WHEN e.by_run_id IS NULL THEN ', by a run that is not in this case'
            WHEN e.by_run_id = e.run_id THEN ', by another job of the same run'
            ELSE ', by the arrival of ' || run_label(e.by_run_id, e.by_attempt)
        END,
        coalesce(' ' || duration_text(e.lag_seconds) || ' before', ''),
        CASE e.fate
            WHEN 'never-shipped' THEN 'no later success of this workflow and branch is in this case'
            WHEN 'own-work'
                THEN format(
                    'it was asked for by ''{}'', so {}, which succeeded later, need not have done its work',
                    e.event,
                    run_label(e.shipped_by, e.shipped_by_attempt)
                )
            ELSE 'its commit went with ' || run_label(e.shipped_by, e.shipped_by_attempt) || CASE
                WHEN e.shipped_at > e.cancelled_at
                    THEN ', ' || duration_text(seconds_between(e.cancelled_at, e.shipped_at)) || ' later'
                ELSE ''
            END
        END
    ) AS message
FROM last_one AS e
INNER JOIN grouped AS g ON e.finding_key = g.finding_key;
