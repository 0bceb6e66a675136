-- Where an older commit landed on something after a newer one, and who tells of it.

-- Landings of an older commit upon a newer one, told once each. `ground` says what was overwritten: 'tag' (a
-- container tag, a tag or release that is made to move), 'text' (a comment, edited) or 'effect' (all else:
-- deployments, pages, branches, infrastructure). `told_by` is the detector whose ground it is: stale-rerun
-- for what an attempt after the first did, else tag-overwrite, stale-overwrite and out-of-order-effect in
-- this order. Commits of the same moment are in here, too: `commits_apart_seconds` and `numbered_before` say
-- how sure their order is.
CREATE OR REPLACE TEMP VIEW stale_landings AS
WITH placed AS (
    SELECT
        repository,
        run_id,
        attempt,
        target,
        effect,
        sha,
        job_id,
        line_no,
        occurred_at,
        CASE
            WHEN effect = 'comment' THEN 'text'
            WHEN effect IN ('tag', 'release') OR split_part(target, ':', 1) IN ('docker', 'oci') THEN 'tag'
            ELSE 'effect'
        END AS ground,
        CASE
            WHEN effect = 'comment' THEN concat_ws(chr(10), target_key, identity)
            -- A tag moved by force has its commit behind its name.
            WHEN effect IN ('tag', 'release')
                THEN concat_ws(chr(10), target_key, regexp_replace(identity, '@[0-9a-f]{4,40}$', ''))
            ELSE target_key
        END AS thing_key
    FROM write_effects
    WHERE
        outcome = 'done'
        AND occurred_at IS NOT NULL
        AND (
            is_replaced(effect, target, NULL)
            OR (effect = 'comment' AND identity IS NOT NULL)
            OR (
                effect IN ('tag', 'release')
                AND identity IS NOT NULL AND NOT is_created_once(effect, target, identity)
            )
        )
),

-- Only numbers go through what follows (four times faster): a thing and a lane are hashes of 64 bits. Of a
-- million lanes, two are one with a chance of 1 in 30 million, and then a landing can be missed, but none
-- invented.
numbered AS MATERIALIZED (
    SELECT
        *,
        hash(thing_key) AS thing
    FROM placed
),

several AS (
    SELECT
        thing,
        run_id,
        attempt
    FROM numbered
    GROUP BY thing, run_id, attempt
    HAVING count(*) > 1
),

-- An attempt's last successful effect on a thing; mostly it is the only one.
landings AS MATERIALIZED (
    SELECT n.*
    FROM numbered AS n
    ANTI JOIN several AS s ON (n.thing = s.thing AND n.run_id = s.run_id AND n.attempt = s.attempt)
    UNION ALL
    SELECT n.*
    FROM numbered AS n
    SEMI JOIN several AS s ON (n.thing = s.thing AND n.run_id = s.run_id AND n.attempt = s.attempt)
    QUALIFY row_number() OVER (
        PARTITION BY n.thing, n.run_id, n.attempt
        ORDER BY n.occurred_at DESC, n.job_id DESC, n.line_no DESC
    ) = 1
),

-- The commit that was checked out, where the branch had a run at it; else the run's own. Commits are ordered
-- within a branch only, so landings are compared within thing and branch.
dated AS MATERIALIZED (
    SELECT
        l.run_id,
        l.attempt,
        l.thing,
        l.occurred_at AS landed_at,
        hash(l.thing_key, o.repository, o.head_repository, o.head_branch) AS lane,
        coalesce(c.newness, o.newness) AS newness,
        c.newness IS NOT NULL AS checked_out
    FROM landings AS l
    INNER JOIN runs AS r ON l.run_id = r.run_id
    INNER JOIN commit_order AS o
        ON
            r.repository = o.repository AND coalesce(r.head_repository, r.repository) = o.head_repository
            AND r.head_branch = o.head_branch AND r.head_sha = o.sha
    LEFT JOIN commit_order AS c
        ON
            r.repository = c.repository AND coalesce(r.head_repository, r.repository) = c.head_repository
            AND r.head_branch = c.head_branch AND l.sha = c.sha
    WHERE l.ground <> 'effect' OR is_replaced(l.effect, l.target, r.head_branch)
),

-- The newest commit that had landed before.
followed AS MATERIALIZED (
    SELECT
        *,
        max(newness) OVER (
            PARTITION BY lane
            ORDER BY landed_at, newness, run_id, attempt
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS newest_before
    FROM dated
),

-- Until a landing that is as new as any before it, the thing stays on an older commit.
mended AS (
    SELECT
        f.*,
        min(f.landed_at) FILTER (WHERE f.newness >= f.newest_before) OVER (
            PARTITION BY f.lane
            ORDER BY f.landed_at, f.newness, f.run_id, f.attempt
            ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS mended_at,
        min(f.attempt) OVER (PARTITION BY f.lane, f.run_id) AS first_attempt
    FROM followed AS f
    SEMI JOIN followed AS s ON (f.lane = s.lane AND s.newness < s.newest_before)
),

-- The landing that brought the newer commit: the last one before, as that is what was replaced.
compared AS (
    SELECT
        m.*,
        n.run_id AS newer_run_id,
        n.attempt AS newer_attempt,
        n.landed_at AS newer_landed_at,
        n.checked_out AS newer_checked_out
    FROM mended AS m
    INNER JOIN followed AS n ON m.lane = n.lane AND m.thing = n.thing AND m.newest_before = n.newness
    WHERE m.newness < m.newest_before AND n.landed_at <= m.landed_at
    QUALIFY row_number() OVER (
        PARTITION BY m.lane, m.run_id, m.attempt
        ORDER BY n.landed_at DESC, n.run_id DESC, n.attempt DESC
    ) = 1
),

-- What is told of the two: now with their names.
told AS (
    SELECT
        m.run_id,
        m.attempt,
        m.landed_at,
        m.mended_at,
        m.first_attempt,
        m.newer_run_id,
        m.newer_attempt,
        m.newer_landed_at,
        l.repository,
        l.target,
        l.ground,
        l.effect,
        l.job_id,
        l.line_no,
        r.event,
        k.job_id AS newer_job_id,
        k.line_no AS newer_line_no,
        o.sha,
        n.sha AS newer_sha,
        r.created_at AS asked_at,
        w.created_at AS newer_asked_at,
        concat_ws(chr(10), l.thing_key, o.repository, o.head_repository, o.head_branch) AS lane_key,
        seconds_between(o.first_seen_at, n.first_seen_at) AS commits_apart_seconds,
        (m.checked_out OR l.sha IS NULL)
        AND (m.newer_checked_out OR k.sha IS NULL)
        -- A deployment names a commit; that it is what the job brought, no log says.
        AND NOT starts_with(l.target, 'environment:') AS shas_known,
        coalesce(r.workflow_path, r.workflow_name) = coalesce(w.workflow_path, w.workflow_name)
        AND r.run_number < w.run_number AS numbered_before
    FROM compared AS m
    INNER JOIN landings AS l ON m.run_id = l.run_id AND m.attempt = l.attempt AND m.thing = l.thing
    INNER JOIN landings AS k
        ON m.newer_run_id = k.run_id AND m.newer_attempt = k.attempt AND l.thing_key = k.thing_key
    INNER JOIN runs AS r ON m.run_id = r.run_id
    INNER JOIN runs AS w ON m.newer_run_id = w.run_id
    INNER JOIN commit_order AS o
        ON
            r.repository = o.repository AND coalesce(r.head_repository, r.repository) = o.head_repository
            AND r.head_branch = o.head_branch AND m.newness = o.newness
            AND CASE WHEN m.checked_out THEN l.sha ELSE r.head_sha END = o.sha
    INNER JOIN commit_order AS n
        ON
            o.repository = n.repository AND o.head_repository = n.head_repository
            AND o.head_branch = n.head_branch AND m.newest_before = n.newness
            AND CASE WHEN m.newer_checked_out THEN k.sha ELSE w.head_sha END = n.sha
)

SELECT
    repository,
    target,
    ground,
    run_id,
    attempt,
    event,
    sha,
    landed_at,
    mended_at,
    newer_run_id,
    newer_attempt,
    newer_sha,
    commits_apart_seconds,
    numbered_before,
    lane_key,
    shas_known,
    effect,
    CASE
        WHEN attempt > 1 THEN 'stale-rerun'
        WHEN ground = 'tag' THEN 'tag-overwrite'
        WHEN ground = 'text' THEN 'stale-overwrite'
        ELSE 'out-of-order-effect'
    END AS told_by,
    first_attempt < attempt AS landed_itself_before,
    -- Of a made-up run it is not known when it was asked for.
    least(run_id, newer_run_id) > 0 AS asked_for_known,
    seconds_between(newer_landed_at, landed_at) AS landed_after_seconds,
    seconds_between(landed_at, mended_at) AS stale_seconds,
    [
        line_ref(newer_run_id, newer_attempt, newer_job_id, newer_line_no),
        line_ref(run_id, attempt, job_id, line_no)
    ] AS evidence,
    CASE
        WHEN asked_at <= newer_asked_at THEN 'race'
        WHEN event IN ('workflow_dispatch', 'repository_dispatch', 'deployment') THEN 'dispatch'
        WHEN event = 'push' THEN 'asked-later'
        -- Started by a machine (workflow_run, schedule): nobody wanted the older commit back.
        ELSE 'race'
    END AS reason
FROM told;

-- How sure it is that the older commit really landed last: commits of one moment have their order from the
-- run numbers, where one workflow counts both (else they are not told at all); what was asked for anew may
-- be a rollback on purpose.
CREATE OR REPLACE TEMP MACRO stale_precision(
    reason,
    asked_for_known,
    shas_known,
    commits_apart_seconds,
    landed_after_seconds,
    grain_seconds,
    skew_seconds
) AS
CASE
    WHEN reason <> 'race' OR landed_after_seconds <= skew_seconds OR NOT asked_for_known THEN 'possible'
    WHEN shas_known AND commits_apart_seconds > 2 * grain_seconds THEN 'certain'
    ELSE 'likely'
END;

-- How long the older commit stood, as the end of a sentence.
CREATE OR REPLACE TEMP MACRO stale_text(stale_seconds) AS
coalesce('; it stood for ' || duration_text(stale_seconds), '; no newer one landed since in this case');
