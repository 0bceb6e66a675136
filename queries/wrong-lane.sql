-- id: wrong-lane
-- title: Concurrency groups cut the work along the wrong line
-- severity: high
-- precision: certain
-- question: >-
--   Which runs shared a target but not a group, and which shared a group but not their work, so that one
--   cancelled the other?
-- params: {}
-- columns:
--   kind: >-
--     apart (one target, different groups, and two runs were there at once) or crossed (one group, another
--     branch or workflow, and one run cancelled the other).
--   lanes: The groups, or the branches and workflows, that met.
--   times: How many meetings or cancellations the finding stands for.
--   overlap_seconds: The longest time that two runs executed at once; NULL where crossed.
--   group_name: The group in which they crossed; NULL where apart.
-- example: three workflows push one branch under three groups
-- false_positives: >-
--   A lane that is shared on purpose: workflows or branches that write to one target belong into one group,
--   and what they cancel there is not crossed. Groups whose name is not known, names that no two runs share
--   (unique-group), runs without a group (missing-group), merge queue runs (merge-queue-cancel) and
--   cancellations of which the cause is only possible are left out. Plain pushes of a branch are kept in
--   order by git; together with refused writes they weigh less. Writes in logs that are missing are not
--   seen, so a lane that is shared on purpose may look crossed.
-- remedy: >-
--   One group for each thing that is written to, in every workflow that writes to it, and nothing else in
--   it: `group: pages`, at the job that writes. For checks put workflow and ref into the name: `${{
--   github.workflow }}-${{ github.ref }}`; never the sha alone, nor one literal name for all branches.

WITH group_sizes AS (
    SELECT
        repository,
        group_key,
        count(DISTINCT run_id) AS runs,
        bool_or(names_its_run) AS names_its_run
    FROM group_items
    WHERE known
    GROUP BY repository, group_key
),

-- Names that only one run ever had, with its id or commit in them: unique-group's.
lone_names AS (
    SELECT
        repository,
        group_key
    FROM group_sizes
    WHERE runs = 1 AND names_its_run
),

lock_lists AS (
    SELECT
        repository,
        locks
    FROM target_meetings
    UNION
    SELECT
        other_repository,
        other_locks
    FROM target_meetings
),

-- Lists of locks that hold such names only.
lone_lists AS (
    SELECT
        l.repository,
        l.locks
    FROM (
        SELECT
            repository,
            locks,
            unnest(locks) AS group_key
        FROM lock_lists
    ) AS l
    INNER JOIN lone_names AS n ON l.repository = n.repository AND l.group_key = n.group_key
    GROUP BY l.repository, l.locks
    HAVING count(*) = len(l.locks)
),

meetings AS (
    SELECT
        m.*,
        a.workflow || ''' in ''' || list_aggregate(m.locks, 'string_agg', ''' and ''') AS lane,
        b.workflow || ''' in ''' || list_aggregate(m.other_locks, 'string_agg', ''' and ''') AS other_lane
    FROM target_meetings AS m
    INNER JOIN named_runs AS a ON m.run_id = a.run_id
    INNER JOIN named_runs AS b ON m.other_run_id = b.run_id
    LEFT JOIN lone_lists AS own ON m.repository = own.repository AND m.locks = own.locks
    LEFT JOIN lone_lists AS other ON m.repository = other.repository AND m.other_locks = other.locks
    WHERE
        -- Groups never reach across repositories.
        m.repository = m.other_repository
        AND len(m.locks) > 0 AND len(m.other_locks) > 0 AND NOT m.gaps AND NOT m.other_gaps
        AND NOT list_has_any(m.locks, m.other_locks)
        AND own.locks IS NULL AND other.locks IS NULL
),

apart AS (
    SELECT
        repository,
        target_key,
        count(*) AS times,
        bool_or(accepted) AS accepted,
        max(weight) FILTER (WHERE accepted) AS weight,
        min(met_at) AS occurred_at,
        max(overlap_seconds) AS overlap_seconds,
        list_sort(list_distinct(flatten(list([lane, other_lane])))) AS lanes
    FROM meetings
    GROUP BY repository, target_key
),

worst_meetings AS (
    SELECT *
    FROM meetings
    QUALIFY row_number() OVER (
        PARTITION BY repository, target_key
        ORDER BY
            accepted DESC, overlap_seconds DESC, run_id ASC, other_run_id ASC, attempt ASC, other_attempt ASC
    ) = 1
),

-- Where each branch of a workflow writes.
places AS (
    SELECT DISTINCT
        r.repository,
        r.workflow_key,
        r.head_repository,
        r.head_branch,
        w.target_key
    FROM write_effects AS w
    INNER JOIN named_runs AS r ON w.run_id = r.run_id
    WHERE w.outcome <> 'failed'
),

writing_branches AS (
    SELECT DISTINCT
        repository,
        workflow_key,
        head_repository,
        head_branch
    FROM places
),

workflow_places AS (
    SELECT DISTINCT
        repository,
        workflow_key,
        target_key
    FROM places
),

-- Workflows that write to one target.
related_workflows AS (
    SELECT DISTINCT
        a.repository,
        a.workflow_key,
        b.workflow_key AS by_workflow_key
    FROM workflow_places AS a
    INNER JOIN workflow_places AS b ON a.repository = b.repository AND a.target_key = b.target_key
    WHERE a.workflow_key <> b.workflow_key
),

-- Targets that more than one branch of a workflow writes to: its lane is meant to hold them all.
shared_targets AS (
    SELECT DISTINCT
        repository,
        workflow_key
    FROM (
        SELECT
            repository,
            workflow_key,
            target_key
        FROM places
        GROUP BY repository, workflow_key, target_key
        HAVING count(DISTINCT row(head_repository, head_branch)) > 1
    ) AS common
),

kills AS (
    SELECT
        k.run_id,
        k.attempt,
        k.by_run_id,
        k.group_name,
        k.confidence,
        v.repository,
        v.workflow,
        v.workflow_key,
        v.head_branch,
        v.head_repository,
        v.of_default_branch,
        b.workflow AS by_workflow,
        b.workflow_key AS by_workflow_key,
        b.head_branch AS by_branch,
        b.head_repository AS by_repository,
        min(coalesce(k.cancelled_at, b.created_at)) AS killed_at
    FROM cancellations AS k
    INNER JOIN named_runs AS v ON k.run_id = v.run_id
    INNER JOIN named_runs AS b ON k.by_run_id = b.run_id
    WHERE
        k.cause IN ('superseded-waiting', 'superseded-running')
        AND k.confidence IN ('known', 'likely')
        AND k.run_id <> k.by_run_id
        AND v.event IS DISTINCT FROM 'merge_group' AND b.event IS DISTINCT FROM 'merge_group'
        AND (
            v.workflow_key <> b.workflow_key
            OR v.head_branch <> b.head_branch
            OR lower(v.head_repository) <> lower(b.head_repository)
        )
    GROUP BY ALL
),

-- Branches of one workflow that write to one target, among those that cancelled each other.
related_branches AS (
    SELECT DISTINCT
        k.repository,
        k.workflow_key,
        k.head_repository,
        k.head_branch,
        k.by_repository,
        k.by_branch
    FROM (
        SELECT DISTINCT
            repository,
            workflow_key,
            head_repository,
            head_branch,
            by_repository,
            by_branch
        FROM kills
        WHERE workflow_key = by_workflow_key
    ) AS k
    INNER JOIN places AS a
        ON
            k.repository = a.repository AND k.workflow_key = a.workflow_key
            AND k.head_repository = a.head_repository AND k.head_branch = a.head_branch
    INNER JOIN places AS b
        ON
            k.repository = b.repository AND k.workflow_key = b.workflow_key
            AND k.by_repository = b.head_repository AND k.by_branch = b.head_branch
            AND a.target_key = b.target_key
),

crossings AS (
    SELECT
        k.*,
        w.weight
    FROM kills AS k
    LEFT JOIN related_workflows AS workflows
        ON
            k.repository = workflows.repository AND k.workflow_key = workflows.workflow_key
            AND k.by_workflow_key = workflows.by_workflow_key
    LEFT JOIN related_branches AS branches
        ON
            k.repository = branches.repository AND k.workflow_key = branches.workflow_key
            AND k.head_repository = branches.head_repository AND k.head_branch = branches.head_branch
            AND k.by_repository = branches.by_repository AND k.by_branch = branches.by_branch
    LEFT JOIN writing_branches AS mine
        ON
            k.repository = mine.repository AND k.workflow_key = mine.workflow_key
            AND k.head_repository = mine.head_repository AND k.head_branch = mine.head_branch
    LEFT JOIN writing_branches AS other
        ON
            k.repository = other.repository AND k.workflow_key = other.workflow_key
            AND k.by_repository = other.head_repository AND k.by_branch = other.head_branch
    LEFT JOIN shared_targets AS s
        ON k.repository = s.repository AND k.workflow_key = s.workflow_key
    LEFT JOIN workflow_weights AS w
        ON k.repository = w.repository AND k.workflow_key = w.workflow_key
    WHERE
        CASE
            WHEN k.workflow_key <> k.by_workflow_key THEN workflows.workflow_key IS NULL
            -- A branch whose runs were all cancelled has written nothing yet.
            WHEN mine.workflow_key IS NULL OR other.workflow_key IS NULL THEN s.workflow_key IS NULL
            ELSE branches.workflow_key IS NULL
        END
),

crossed AS (
    SELECT
        repository,
        workflow_key,
        by_workflow_key,
        count(DISTINCT row(run_id, attempt)) AS times,
        min(killed_at) AS occurred_at,
        max(weight) AS weight,
        bool_or(of_default_branch) AS of_default_branch,
        bool_or(confidence = 'known') AS stated,
        arg_min(workflow, (killed_at, run_id)) AS workflow,
        arg_min(by_workflow, (killed_at, run_id)) AS by_workflow,
        arg_min(coalesce(head_branch, 'an unknown branch'), (killed_at, run_id)) AS branch,
        arg_min(coalesce(by_branch, 'an unknown branch'), (killed_at, run_id)) AS by_branch,
        arg_min(group_name, (killed_at, run_id)) AS group_name,
        arg_min(run_ref(run_id, attempt), (killed_at, run_id)) AS victim,
        arg_min(by_run_id, (killed_at, run_id)) AS by_run_id
    FROM crossings
    GROUP BY repository, workflow_key, by_workflow_key
)

SELECT
    a.occurred_at,
    a.repository,
    m.target,
    [run_ref(m.other_run_id, m.other_attempt), run_ref(m.run_id, m.attempt)] AS runs,
    m.evidence,
    'apart' AS kind,
    a.lanes,
    a.times,
    a.overlap_seconds,
    NULL AS group_name,
    concat_ws(chr(10), 'apart', a.repository, a.target_key) AS about,
    CASE WHEN a.accepted THEN weight_severity(a.weight) ELSE 'low' END AS severity,
    'certain' AS precision,
    format(
        '''{}'': {} and {} executed at once for {} and {} it, because their groups differ: ''{}''{}{}.',
        m.target,
        run_label(m.other_run_id, m.other_attempt),
        run_label(m.run_id, m.attempt),
        duration_text(m.overlap_seconds),
        CASE WHEN m.accepted THEN 'both wrote' ELSE 'were both at' END,
        array_to_string(a.lanes[:4], ''', '''),
        CASE WHEN len(a.lanes) > 4 THEN ' and ' || (len(a.lanes) - 4) || ' more' ELSE '' END,
        CASE WHEN a.times > 1 THEN ' (' || a.times || ' such meetings)' ELSE '' END
    ) AS message
FROM apart AS a
INNER JOIN worst_meetings AS m ON a.repository = m.repository AND a.target_key = m.target_key
UNION ALL
SELECT
    c.occurred_at,
    c.repository,
    NULL AS target,
    [c.victim, run_ref(c.by_run_id, 1)] AS runs,
    [] AS evidence,
    'crossed' AS kind,
    list_sort(list_distinct([c.workflow || ' on ' || c.branch, c.by_workflow || ' on ' || c.by_branch]))
        AS lanes,
    c.times,
    NULL AS overlap_seconds,
    c.group_name,
    concat_ws(chr(10), 'crossed', c.repository, c.workflow_key, c.by_workflow_key) AS about,
    CASE
        WHEN c.weight = 3 AND c.of_default_branch THEN 'high'
        WHEN c.weight >= 2 OR c.of_default_branch THEN 'medium'
        ELSE 'low'
    END AS severity,
    CASE WHEN c.stated THEN 'certain' ELSE 'likely' END AS precision,
    format(
        '''{}'' on ''{}'': {} was cancelled by the arrival of run {} (''{}'' on ''{}''), only '
        || 'because both were in the group ''{}''{}.',
        c.workflow,
        c.branch,
        run_label(c.victim['run_id'], c.victim['attempt']),
        c.by_run_id,
        c.by_workflow,
        c.by_branch,
        coalesce(c.group_name, 'that is not named'),
        CASE WHEN c.times > 1 THEN '; ' || c.times || ' runs ended so' ELSE '' END
    ) AS message
FROM crossed AS c;
