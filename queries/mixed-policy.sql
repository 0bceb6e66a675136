-- id: mixed-policy
-- title: Runs of one group followed different rules
-- severity: low
-- precision: certain
-- question: In which groups did runs with different cancel-in-progress or queue settings take turns?
-- params: {}
-- columns:
--   kind: >-
--     versions (one workflow file, of which branches have different states), workflows (several workflows
--     share the group) or values (one expression that came out differently).
--   group_name: The group.
--   settings: The settings, as in cancel-in-progress true, queue single.
--   workflows: The workflows that used it.
--   switches: How many times a run came with other settings than the one before it.
--   harmed: >-
--     How many runs lost what their own settings promised (cancelled in progress, or evicted from queue
--     max).
-- example: an old branch without queue max evicts those that wait
-- false_positives: >-
--   A change of the settings that was rolled out once is one switch, not a mixture, and is left out: runs
--   must go back to settings that were left. Settings that are not known are not compared.
-- remedy: >-
--   GitHub applies the settings of the run that arrives, so an old branch evicts what the new file
--   protects. Bring the setting to every branch that still runs the workflow (rebase them), or give the new
--   policy a new name.

WITH members AS (
    SELECT
        i.repository,
        i.group_key,
        i.group_name,
        i.run_id,
        i.attempt,
        i.job_id,
        i.workflow,
        i.workflow_key,
        i.expression,
        i.path,
        i.line,
        i.stated,
        coalesce(a.created_at, a.started_at) AS arrived_at,
        'cancel-in-progress ' || i.cancel_in_progress || ', queue ' || coalesce(i.queue, 'single') AS setting
    FROM group_items AS i
    INNER JOIN attempts AS a ON i.run_id = a.run_id AND i.attempt = a.attempt
    WHERE i.known AND i.cancel_in_progress IS NOT NULL AND i.group_key <> ''
),

-- One for each attempt: legs of a matrix are one arrival.
arrivals AS (
    SELECT
        repository,
        group_key,
        run_id,
        attempt,
        setting,
        arrived_at,
        any_value(group_name) AS group_name,
        any_value(workflow) AS workflow,
        any_value(workflow_key) AS workflow_key,
        any_value(concat_ws(chr(10), path, line, expression)) AS source,
        bool_or(stated) AS stated
    FROM members
    GROUP BY repository, group_key, run_id, attempt, setting, arrived_at
),

mixed AS (
    SELECT
        repository,
        group_key
    FROM arrivals
    GROUP BY repository, group_key
    HAVING min(setting) <> max(setting)
),

ordered AS (
    SELECT
        a.*,
        lag(a.setting) OVER (
            PARTITION BY a.repository, a.group_key ORDER BY a.arrived_at, a.run_id, a.attempt, a.setting
        ) AS setting_before
    FROM arrivals AS a
    SEMI JOIN mixed AS m ON (a.repository = m.repository AND a.group_key = m.group_key)
),

kills AS (
    SELECT
        o.repository,
        o.group_key,
        count(DISTINCT row(k.run_id, k.attempt)) AS harmed
    FROM ordered AS o
    INNER JOIN cancellations AS k
        ON o.run_id = k.run_id AND o.attempt = k.attempt AND o.group_key = k.group_key
    WHERE
        k.confidence IN ('known', 'likely')
        AND (
            (k.cause = 'superseded-running' AND starts_with(o.setting, 'cancel-in-progress false'))
            OR (k.cause = 'superseded-waiting' AND ends_with(o.setting, 'queue max'))
        )
    GROUP BY o.repository, o.group_key
),

counted AS (
    SELECT
        repository,
        group_key,
        any_value(group_name) AS group_name,
        count(*) FILTER (WHERE setting <> setting_before) AS switches,
        count(DISTINCT setting) AS different,
        list(DISTINCT setting ORDER BY setting) AS settings,
        list(DISTINCT workflow ORDER BY workflow) AS workflows,
        list(DISTINCT workflow_key) AS workflow_keys,
        count(DISTINCT source) AS sources,
        bool_and(stated) AS stated,
        min(arrived_at) FILTER (WHERE setting <> setting_before) AS occurred_at,
        list(run_ref(run_id, attempt) ORDER BY arrived_at, run_id, attempt)
        FILTER (WHERE setting <> setting_before)[:9] AS runs
    FROM ordered
    GROUP BY repository, group_key
    HAVING count(*) FILTER (WHERE setting <> setting_before) >= count(DISTINCT setting)
),

weighed AS (
    SELECT
        c.repository,
        c.group_key,
        max(w.weight) AS weight
    FROM (SELECT
        repository,
        group_key,
        unnest(workflow_keys) AS workflow_key
    FROM counted) AS c
    INNER JOIN workflow_weights AS w ON c.repository = w.repository AND c.workflow_key = w.workflow_key
    GROUP BY c.repository, c.group_key
)

SELECT
    c.occurred_at,
    c.repository,
    c.runs,
    c.group_name,
    c.settings,
    c.workflows,
    c.switches,
    coalesce(k.harmed, 0) AS harmed,
    CASE
        WHEN len(c.workflow_keys) > 1 THEN 'workflows'
        WHEN c.sources > 1 THEN 'versions'
        ELSE 'values'
    END AS kind,
    concat_ws(chr(10), c.repository, c.group_key) AS about,
    CASE
        WHEN k.harmed IS NULL THEN 'low'
        WHEN w.weight >= 2 THEN 'high'
        ELSE 'medium'
    END AS severity,
    CASE WHEN c.stated THEN 'certain' ELSE 'likely' END AS precision,
    format(
        'In the group ''{}'' of ''{}'' the settings changed {} from one run to the next ({}){}.',
        c.group_name,
        array_to_string(c.workflows[:4], ''', '''),
        counted(c.switches, 'time', 'times'),
        array_to_string(c.settings, ' and '),
        CASE
            WHEN k.harmed IS NULL THEN ''
            ELSE ', and ' || counted(k.harmed, 'run', 'runs') || ' lost what its own file promised'
        END
    ) AS message
FROM counted AS c
LEFT JOIN kills AS k ON c.repository = k.repository AND c.group_key = k.group_key
LEFT JOIN weighed AS w ON c.repository = w.repository AND c.group_key = w.group_key;
