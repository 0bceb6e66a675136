-- id: duplicate-create
-- title: One comment, issue or dispatch was made more than once
-- severity: low
-- precision: likely
-- question: >-
--   Which comment, issue, pull request, draft of a release, chat post or dispatch was made by several runs
--   or legs at once?
-- params:
--   window_seconds:
--     default: 30
--     means: How soon one must follow the other.
--   most_runs:
--     default: 20
--     means: How many attempts a finding names at most.
-- columns:
--   effect: comment, issue, pull-request, release (a draft), notify (chat) or dispatch (a workflow started).
--   kind: runs (of one workflow) or legs (jobs of one matrix).
--   workflow: Name of the workflow.
--   content: Title or text that they had in common, where the log tells it; else NULL.
--   made: How many there are of it.
--   span_seconds: From the first to the last.
-- example: pushes seconds apart open the same issue
-- false_positives: >-
--   Only what the same step of the same workflow made counts, and where titles are known, only equal ones.
--   What asked for its own is left out: dispatches, comments and events of different issues, pull requests
--   from different branches, posts and comments for different commits. A comment that is edited (known by
--   its number) is made once. Legs of a matrix may each have something of their own to say, so they
--   are possible only, as are runs whose text is not known. Versions, tags and releases are told by
--   duplicate-effect, the second attempt of a run by repeated-effect.
-- remedy: >-
--   Looking whether it is there and making it must not happen twice at once: a concurrency group named for
--   the issue or the workflow (not for the run), or one job after the matrix. Start the workflow by one
--   event only, and search for a hidden mark before posting.

WITH asked AS (
    SELECT
        *,
        CASE
            -- Its target names one issue, so whoever posts there talks about the same.
            WHEN regexp_matches(target, '#\d+$') THEN head_sha
            WHEN effect = 'issue' THEN ''
            WHEN effect = 'pull-request' THEN head_branch
            ELSE concat_ws(chr(10), head_sha, head_branch)
        END AS about_what,
        event IN (
            'workflow_dispatch', 'repository_dispatch', 'issue_comment', 'issues', 'discussion',
            'discussion_comment', 'workflow_run', ''
        ) AS asks_its_own
    FROM creations
),

-- One step of one workflow at one target, about one thing: the names are long, so their hash stands for them.
placed AS (
    SELECT
        *,
        hash(repository, workflow_key, effect, target_key, part, step_number, content, about_what) AS place,
        asks_its_own AND content = '' AND NOT regexp_matches(target, '#\d+$') AS own
    FROM asked
    WHERE workflow_key <> ''
),

-- A job that makes ten in a row means ten.
by_job AS (
    SELECT
        place,
        own,
        run_id,
        attempt,
        job_id,
        min(occurred_at) AS made_at,
        arg_min(line_no, (occurred_at, line_no)) AS line_no
    FROM placed
    GROUP BY place, own, run_id, attempt, job_id
),

-- Attempts of one run follow each other; the first stands for them. Legs of one run belong together however
-- many there are; other runs only where each did not ask for its own.
kept AS (
    SELECT
        *,
        CASE WHEN own THEN run_id END AS own_run_id
    FROM by_job
    QUALIFY attempt = min(attempt) OVER (PARTITION BY run_id, place)
),

gaps AS (
    SELECT
        *,
        lag(made_at) OVER one_place AS before_at
    FROM kept
    WINDOW one_place AS (PARTITION BY place, own_run_id ORDER BY made_at, run_id, job_id)
),

chained AS (
    SELECT
        *,
        sum(
            CASE
                WHEN seconds_between(before_at, made_at) <= $window_seconds THEN 0
                ELSE 1
            END
        ) OVER (
            PARTITION BY place, own_run_id
            ORDER BY made_at, run_id, job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS chain_no
    FROM gaps
),

chains AS (
    SELECT
        place,
        count(*) AS made,
        count(DISTINCT run_id) AS runs_in_it,
        min(run_id) AS first_run_id,
        max(made_at) AS occurred_at,
        seconds_between(min(made_at), max(made_at)) AS span_seconds,
        arg_min(run_id, (made_at, run_id)) AS told_run_id,
        arg_min(run_label(run_id, attempt), (made_at, run_id, job_id)) AS first_label,
        list_slice(list(DISTINCT run_ref(run_id, attempt) ORDER BY run_ref(run_id, attempt)), 1, $most_runs)
            AS runs,
        list_slice(list(line_ref(run_id, attempt, job_id, line_no) ORDER BY made_at, run_id, job_id), 1, 8)
            AS evidence
    FROM chained
    GROUP BY place, own_run_id, chain_no
    HAVING count(*) > 1
),

names AS (
    SELECT
        p.place,
        any_value(p.repository) AS repository,
        any_value(p.workflow) AS workflow,
        any_value(p.effect) AS effect,
        any_value(p.target) AS target,
        any_value(nullif(p.content, '')) AS content,
        any_value(
            concat_ws(
                chr(10),
                p.repository,
                p.workflow_key,
                p.effect,
                p.target_key,
                p.part,
                p.step_number,
                p.content
            )
        ) AS about_place
    FROM placed AS p
    SEMI JOIN chains AS c ON (p.place = c.place)
    GROUP BY p.place
),

made AS (
    SELECT
        c.*,
        n.repository,
        n.workflow,
        n.effect,
        n.target,
        n.content,
        concat_ws(chr(10), n.about_place, c.told_run_id) AS about
    FROM chains AS c
    INNER JOIN names AS n ON c.place = n.place
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
    content,
    made,
    span_seconds,
    CASE WHEN runs_in_it > 1 THEN 'runs' ELSE 'legs' END AS kind,
    CASE
        WHEN runs_in_it > 1 AND effect IN ('issue', 'pull-request', 'release', 'dispatch') THEN 'medium'
        WHEN runs_in_it > 1 OR content IS NOT NULL THEN 'low'
        WHEN effect IN ('issue', 'pull-request', 'release', 'dispatch') THEN 'low'
        ELSE 'info'
    END AS severity,
    CASE
        WHEN first_run_id < 0 THEN 'possible'
        WHEN content IS NOT NULL THEN 'certain'
        WHEN runs_in_it > 1 THEN 'likely'
        ELSE 'possible'
    END AS precision,
    format(
        '''{}'': {} {}{} {} ''{}'' within {}, from {} on.',
        workflow,
        CASE
            WHEN runs_in_it > 1 THEN runs_in_it || ' runs'
            ELSE made || ' jobs of one matrix'
        END,
        CASE effect
            WHEN 'comment' THEN 'wrote ' || made || ' comments'
            WHEN 'issue' THEN 'opened ' || made || ' issues'
            WHEN 'pull-request' THEN 'opened ' || made || ' pull requests'
            WHEN 'release' THEN 'made ' || made || ' drafts of releases'
            WHEN 'dispatch' THEN 'sent ' || made || ' dispatches'
            ELSE 'sent ' || made || ' posts'
        END,
        coalesce(' ''' || content || '''', ''),
        CASE effect WHEN 'comment' THEN 'on' WHEN 'dispatch' THEN 'to' WHEN 'notify' THEN 'to' ELSE 'at' END,
        target,
        duration_text(span_seconds),
        first_label
    ) AS message
FROM made;
