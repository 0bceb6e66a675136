-- What can be created only once, who tried to, and which detector tells of it.

-- One job's dealings with one identity; a retry that succeeds in the same job is one creation. `green` is
-- true where the job ended well all the same.
CREATE OR REPLACE TEMP VIEW identity_tries AS
WITH tries AS (
    SELECT
        target_key,
        effect,
        identity,
        run_id,
        attempt,
        job_id,
        any_value(repository) AS repository,
        any_value(target) AS target,
        min(occurred_at) AS tried_at,
        min(line_no) AS line_no,
        CASE
            WHEN bool_or(outcome = 'done') THEN 'done'
            WHEN bool_or(outcome = 'rejected') THEN 'rejected'
            ELSE 'unknown'
        END AS outcome
    FROM write_effects
    WHERE outcome IN ('done', 'rejected', 'unknown') AND is_created_once(effect, target, identity)
    GROUP BY target_key, effect, identity, run_id, attempt, job_id
),

-- What one job tried and got leaves nothing to tell. Nor does what a made-up run tried in the same
-- microsecond as another: that is one log that was found twice.
contested AS (
    SELECT *
    FROM tries
    QUALIFY
        (outcome = 'rejected' OR count(*) OVER (PARTITION BY target_key, effect, identity) > 1)
        AND (
            run_id > 0
            OR tried_at IS NULL
            OR row_number() OVER (
                PARTITION BY target_key, effect, identity, tried_at
                ORDER BY run_id DESC, job_id ASC
            ) = 1
        )
)

SELECT
    t.*,
    r.head_sha,
    coalesce(j.conclusion = 'success', FALSE) AS green,
    -- In the order of time, as far as it is known, else of the runs.
    row_number() OVER one_thing AS place,
    lag(t.tried_at) OVER one_thing AS before_at,
    lag(run_ref(t.run_id, t.attempt)) OVER one_thing AS before_run
FROM contested AS t
LEFT JOIN jobs AS j ON t.job_id = j.job_id
LEFT JOIN runs AS r ON t.run_id = r.run_id
WINDOW
    one_thing AS (
        PARTITION BY t.target_key, t.effect, t.identity
        ORDER BY t.tried_at ASC NULLS LAST, t.run_id ASC, t.attempt ASC, t.job_id ASC
    );

-- The same as one row for each thing, with `told_by`, the detector whose ground it is; NULL where nothing
-- happened that anybody should hear of:
--   repeated-effect   every attempt of one run was told that it created it
--   duplicate-effect  it was created twice, or may have been, or a job of the creator's own attempt, a re-run
--                     of it or (a version published) another run within the hour was refused
--   version-race      another run was refused the tag or the release within the hour, or nobody in this case
--                     created it, and it was there
--   publish-conflict  the version was there already: published earlier, or by somebody not in this case
-- `near` is the shortest time from one try to the next where another run (or job of one attempt) made it.
CREATE OR REPLACE TEMP VIEW contested_identities AS
WITH folded AS (
    SELECT
        target_key,
        effect,
        identity,
        arg_min(repository, place) AS repository,
        arg_min(target, place) AS target,
        count(*) AS jobs,
        count(DISTINCT run_id) AS runs_in_it,
        count(DISTINCT run_ref(run_id, attempt)) AS attempts_in_it,
        count(*) FILTER (WHERE outcome = 'done') AS accepted,
        count(*) FILTER (WHERE outcome = 'rejected') AS refused,
        count(*) FILTER (WHERE outcome = 'unknown') AS unknown,
        count(*) FILTER (WHERE outcome = 'rejected' AND green) AS refused_green,
        min(run_id) AS first_run_id,
        arg_min(run_ref(run_id, attempt), place) FILTER (WHERE outcome <> 'rejected') AS creator,
        arg_min(tried_at, place) FILTER (WHERE outcome <> 'rejected') AS created_at,
        arg_min(head_sha, place) FILTER (WHERE outcome <> 'rejected') AS creator_sha,
        arg_min(run_ref(run_id, attempt), place) FILTER (WHERE outcome = 'rejected') AS refusee,
        arg_min(tried_at, place) FILTER (WHERE outcome = 'rejected') AS refused_at,
        arg_min(head_sha, place) FILTER (WHERE outcome = 'rejected') AS refusee_sha,
        -- The legs of a matrix add their files to one release, each telling that it is ready.
        effect = 'release' AND count(DISTINCT run_ref(run_id, attempt)) = 1
        AND bool_and(outcome = 'done') AS fills_one_release,
        min(tried_at) FILTER (WHERE place = 2) AS second_at,
        min(seconds_between(before_at, tried_at)) FILTER (WHERE place = 2) AS gap_seconds,
        -- An attempt begins when the one before it has ended, so attempts of one run do not race.
        min(seconds_between(before_at, tried_at)) FILTER (
            WHERE struct_extract(before_run, 'run_id') <> run_id
            OR struct_extract(before_run, 'attempt') = attempt
        ) AS near,
        list(DISTINCT run_ref(run_id, attempt) ORDER BY run_ref(run_id, attempt)) AS runs,
        list(line_ref(run_id, attempt, job_id, line_no) ORDER BY place) FILTER (WHERE place < 9) AS evidence,
        arg_min(run_label(run_id, attempt), place) AS first_label,
        arg_min(run_label(run_id, attempt), place) FILTER (WHERE place = 2) AS second_label
    FROM identity_tries
    GROUP BY target_key, effect, identity
)

SELECT
    *,
    concat_ws(chr(10), target_key, effect, identity) AS identity_key,
    CASE
        WHEN accepted >= 2 AND runs_in_it = 1 AND attempts_in_it = jobs AND refused + unknown = 0
            THEN 'repeated-effect'
        WHEN accepted >= 2 OR (accepted = 1 AND unknown > 0) THEN 'duplicate-effect'
        WHEN accepted = 1 AND refused > 0 AND runs_in_it = 1 THEN 'duplicate-effect'
        WHEN accepted = 1 AND refused > 0 AND coalesce(near <= 3600, FALSE)
            THEN CASE effect WHEN 'publish' THEN 'duplicate-effect' ELSE 'version-race' END
        WHEN refused > 0 THEN CASE effect WHEN 'publish' THEN 'publish-conflict' ELSE 'version-race' END
    END AS told_by
FROM folded;

-- What can be created any number of times, each time it was created: comments, issues, pull requests, posts
-- in a chat, workflows started, and drafts of releases (GitHub calls them "untagged-" and some hex digits). A
-- comment or pull request that was there and only changed, known by its number, is left out. `content` is its
-- title or text where a rule knows it (else empty), `part` the job's name without its leg of a matrix.
CREATE OR REPLACE TEMP VIEW creations AS
WITH posted AS (
    SELECT *
    FROM write_effects
    WHERE
        (
            effect IN ('comment', 'issue', 'pull-request')
            OR (effect = 'release' AND starts_with(identity, 'untagged-'))
        )
        AND outcome = 'done' AND occurred_at IS NOT NULL
    UNION ALL
    SELECT *
    FROM side_effects
    WHERE effect IN ('notify', 'dispatch') AND outcome = 'done' AND occurred_at IS NOT NULL
),

told AS (
    SELECT
        *,
        coalesce(
            regexp_matches(identity, '^(#|[a-z]+-)?\d+$')
            OR starts_with(identity, 'untagged-') OR contains(identity, '://'),
            TRUE
        ) AS numbered
    FROM posted
),

fresh AS (
    SELECT *
    FROM told
    QUALIFY
        identity IS NULL
        OR NOT numbered
        OR row_number() OVER (
            PARTITION BY target_key, effect, identity ORDER BY occurred_at, run_id, attempt, job_id, line_no
        ) = 1
)

SELECT
    f.repository,
    f.run_id,
    f.attempt,
    f.job_id,
    f.step_number,
    f.effect,
    f.target,
    f.target_key,
    f.line_no,
    f.occurred_at,
    r.head_sha,
    r.head_branch,
    j.name AS job,
    CASE WHEN f.numbered THEN '' ELSE lower(f.identity) END AS content,
    regexp_replace(coalesce(j.name, ''), ' \([^()]*\)$', '') AS part,
    coalesce(r.event, '') AS event,
    coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name, '') AS workflow_key,
    coalesce(r.workflow_name, r.workflow_path, 'workflow ' || r.workflow_id, 'a workflow without name')
        AS workflow
FROM fresh AS f
LEFT JOIN runs AS r ON f.run_id = r.run_id
LEFT JOIN jobs AS j ON f.job_id = j.job_id;
