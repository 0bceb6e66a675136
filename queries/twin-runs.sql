-- id: twin-runs
-- title: One event started two runs
-- severity: info
-- precision: certain
-- question: Which runs of one workflow were started twice for the same commit at the same moment?
-- params:
--   window_seconds:
--     default: 5
--     means: How soon the second is created after the first.
--   grain_seconds:
--     default: 1
--     means: Grain of the API's times; a pair that is in the window only thanks to it is possible.
--   most_runs:
--     default: 20
--     means: How many runs a finding names at most, the last ones first.
-- columns:
--   kind: >-
--     same-event (one event, or two of one kind such as opened and labeled), push-and-pull-request or
--     branch-and-tag.
--   workflow: Name of the workflow.
--   writes: >-
--     same-target (both wrote one target; each such pair is a finding), writes (one of them wrote, or each
--     its own) or nothing, as far as this case tells.
--   pairs: How many pairs the finding stands for.
--   gap_seconds: From the creation of the one to that of the other; of the last pair.
-- example: one push starts the release twice
-- false_positives: >-
--   Two different tags on one commit are two releases and left out, as are dispatches, comments and
--   workflow_run, which ask for something of their own each time, and twins of which one was skipped or
--   cancelled before it wrote. Events of issues and pull requests are twins only with equal titles.
--   Running the checks for the push and for its pull request is common, costs only minutes, and is info. The
--   API does not tell the activity (opened, labeled), nor which of several schedules started a run.
-- remedy: >-
--   Name the branches under `on: push`, so that branches of pull requests do not start it twice; list only
--   the `types` that are meant; keep releases to tags or to the branch, not both. A concurrency group with
--   the commit in it (`${{ github.workflow }}-${{ github.sha }}`) lets only one of the twins run at a time.

WITH candidates AS (
    SELECT
        r.repository,
        r.run_id,
        r.event,
        r.head_branch,
        r.head_repository,
        r.head_sha,
        r.created_at,
        r.workflow,
        r.workflow_key,
        r.conclusion,
        coalesce(o.display_title, '') AS title,
        regexp_matches(coalesce(r.head_branch, ''), '^(.*[-/@])?v?\d+(\.\d+)+') AS of_tag
    FROM named_runs AS r
    INNER JOIN runs AS o ON r.run_id = o.run_id
    WHERE
        r.created_at IS NOT NULL
        AND r.head_sha IS NOT NULL
        AND r.workflow_key <> ''
        AND r.event IN (
            'push', 'pull_request', 'pull_request_target', 'merge_group', 'release', 'create', 'schedule',
            'issues', 'discussion'
        )
        AND (r.event NOT IN ('issues', 'discussion') OR o.display_title <> '')
),

-- Most runs have no other of their workflow and commit.
near AS (
    SELECT *
    FROM candidates
    QUALIFY count(*) OVER (PARTITION BY repository, workflow_key, head_sha) > 1
),

before AS (
    SELECT
        *,
        lag(struct_pack(run_id := run_id, at_time := created_at)) OVER (
            PARTITION BY repository, workflow_key, head_sha, head_repository, head_branch, event, title
            ORDER BY created_at, run_id
        ) AS same_event,
        lag(struct_pack(run_id := run_id, at_time := created_at, event := event)) OVER (
            PARTITION BY
                repository, workflow_key, head_sha, head_repository, head_branch, event NOT IN (
                    'push', 'pull_request'
                )
            ORDER BY created_at, run_id
        ) AS same_branch,
        lag(struct_pack(run_id := run_id, at_time := created_at, of_tag := of_tag)) OVER (
            PARTITION BY repository, workflow_key, head_sha, event = 'push'
            ORDER BY created_at, run_id
        ) AS same_commit
    FROM near
),

pairs AS (
    SELECT
        *,
        'same-event' AS kind,
        same_event['run_id'] AS other_run_id,
        same_event['at_time'] AS other_at
    FROM before
    WHERE same_event IS NOT NULL
    UNION ALL
    SELECT
        *,
        'push-and-pull-request' AS kind,
        same_branch['run_id'] AS other_run_id,
        same_branch['at_time'] AS other_at
    FROM before
    WHERE event IN ('push', 'pull_request') AND same_branch['event'] <> event
    UNION ALL
    SELECT
        *,
        'branch-and-tag' AS kind,
        same_commit['run_id'] AS other_run_id,
        same_commit['at_time'] AS other_at
    FROM before
    WHERE event = 'push' AND same_commit['of_tag'] <> of_tag
),

spaced AS (
    SELECT
        p.repository,
        p.workflow,
        p.workflow_key,
        p.kind,
        p.run_id,
        p.other_run_id,
        p.created_at,
        p.head_sha,
        coalesce(p.conclusion IN ('skipped', 'cancelled'), FALSE) AS idle,
        coalesce(o.conclusion IN ('skipped', 'cancelled'), FALSE) AS other_idle,
        seconds_between(p.other_at, p.created_at) AS gap_seconds
    FROM pairs AS p
    INNER JOIN runs AS o ON p.other_run_id = o.run_id
),

close_pairs AS (
    SELECT *
    FROM spaced
    WHERE gap_seconds <= $window_seconds
),

twins AS (
    SELECT run_id FROM close_pairs
    UNION
    SELECT other_run_id FROM close_pairs
),

-- A re-run is a decision of its own; what it wrote is not the twins' doing.
wrote AS (
    SELECT
        w.run_id,
        max(effect_weight(w.effect, w.target)) AS weight,
        list(DISTINCT w.target_key) AS targets
    FROM write_effects AS w
    SEMI JOIN twins AS t ON (w.run_id = t.run_id)
    WHERE w.attempt = 1 AND w.outcome IN ('done', 'rejected', 'unknown')
    GROUP BY w.run_id
),

judged AS (
    SELECT
        p.*,
        coalesce(
            list_sort(list_intersect(mine.targets, theirs.targets)), []
        ) AS common_targets,
        greatest(coalesce(mine.weight, 0), coalesce(theirs.weight, 0)) AS weight
    FROM close_pairs AS p
    LEFT JOIN wrote AS mine ON p.run_id = mine.run_id
    LEFT JOIN wrote AS theirs ON p.other_run_id = theirs.run_id
    WHERE (NOT p.idle OR mine.run_id IS NOT NULL) AND (NOT p.other_idle OR theirs.run_id IS NOT NULL)
),

sorted AS (
    SELECT
        *,
        CASE
            WHEN len(common_targets) > 0 THEN 'same-target'
            WHEN weight > 0 THEN 'writes'
            ELSE 'nothing'
        END AS writes,
        -- A pair that wrote one target is told by itself, the others once for their workflow.
        CASE WHEN len(common_targets) > 0 THEN run_id END AS own_run_id
    FROM judged
),

grouped AS (
    SELECT
        repository,
        workflow,
        kind,
        writes,
        max(weight) AS weight,
        count(*) AS pairs,
        max(created_at) AS occurred_at,
        bool_or(gap_seconds + $grain_seconds <= $window_seconds) AS surely,
        concat_ws(chr(10), repository, workflow_key, kind, writes, own_run_id) AS about,
        arg_max(
            struct_pack(
                run_id := run_id,
                other_run_id := other_run_id,
                head_sha := head_sha,
                gap_seconds := gap_seconds,
                targets := common_targets
            ),
            (created_at, run_id)
        ) AS last_pair,
        list_distinct(flatten(list_slice(
            list([run_ref(other_run_id, 1), run_ref(run_id, 1)] ORDER BY created_at DESC, run_id DESC),
            1,
            $most_runs // 2
        ))) AS runs
    FROM sorted
    GROUP BY repository, workflow, workflow_key, kind, writes, own_run_id
)

SELECT
    occurred_at,
    repository,
    about,
    kind,
    workflow,
    writes,
    pairs,
    nullif(split_part(last_pair['targets'][1], chr(10), 2), '') AS target,
    list_sort(runs) AS runs,
    last_pair['gap_seconds'] AS gap_seconds,
    CASE
        WHEN writes = 'same-target' AND weight = 3 THEN 'medium'
        WHEN writes <> 'nothing' THEN 'low'
        ELSE 'info'
    END AS severity,
    CASE WHEN surely THEN 'certain' ELSE 'possible' END AS precision,
    format(
        '''{}'': {} started {} for {}; {}{} and {} at {}, {} apart, {}.',
        workflow,
        CASE kind
            WHEN 'same-event' THEN 'one event (or two of a kind)'
            WHEN 'push-and-pull-request' THEN 'a push and its pull request'
            ELSE 'a branch and its tag'
        END,
        CASE WHEN pairs > 1 THEN 'two runs each' ELSE 'two runs' END,
        CASE WHEN pairs > 1 THEN pairs || ' commits or titles' ELSE 'one commit' END,
        CASE WHEN pairs > 1 THEN 'the last, ' ELSE '' END,
        run_label(last_pair['other_run_id'], 1),
        run_label(last_pair['run_id'], 1),
        left(last_pair['head_sha'], 8),
        duration_text(last_pair['gap_seconds']),
        CASE writes
            WHEN 'same-target'
                THEN
                    'and both wrote ''' || split_part(last_pair['targets'][1], chr(10), 2) || ''''
                    || CASE
                        WHEN len(last_pair['targets']) > 1
                            THEN ' and ' || (len(last_pair['targets']) - 1) || ' more'
                        ELSE ''
                    END
            WHEN 'writes' THEN 'and they write'
            ELSE 'and wrote nothing that this case tells of'
        END
    ) AS message
FROM grouped;
