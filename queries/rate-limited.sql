-- id: rate-limited
-- title: GitHub's API refused requests for their number
-- severity: medium
-- precision: certain
-- question: Which runs met a limit of GitHub's API, and who had used it up?
-- params:
--   apart_minutes:
--     default: 60
--     means: Refusals no further apart than this are one episode; GitHub counts by the hour.
--   most_runs:
--     default: 20
--     means: How many of the refused runs a finding names at most, the first ones first.
-- columns:
--   kind: primary (requests in an hour) or secondary (too many at once, or too much content created).
--   episodes: How many such times there were; the one with most failed jobs is told.
--   refused_in_all: How many jobs were refused in all of them.
--   refused: How many jobs were refused in it.
--   failed: How many of them failed.
--   in_flight: How many runs of the repository were under way at the first refusal.
--   owner_in_flight: How many runs of all the owner's repositories in this case.
--   runs_in_hour: How many runs of the repository were created in the hour before.
--   by_workflow: The workflows that made most of them, at most three, as 'name (runs)'.
-- example: a busy hour uses up the limit of the repository
-- false_positives: >-
--   The limit is shared by all that use the same token: GITHUB_TOKEN has its own for each repository, an app
--   or a person one for all repositories, and other programs may have used it. The runs that were in flight
--   are therefore who can have used it, not who has. Where hardly any were, look outside. Where the refused
--   job succeeded all the same it is low. A run that the case never saw end counts as in flight for a day,
--   one that ended at an unknown time not at all. What this program itself asks GitHub for does not count.
-- remedy: >-
--   Let fewer runs ask at once: a concurrency group around the jobs that use the API, fewer matrix legs,
--   fewer triggers. Use GITHUB_TOKEN of the repository instead of a shared token, ask once and hand the
--   answer on, honour retry-after, and use conditional requests.

WITH refusals AS (
    SELECT
        s.repository,
        s.run_id,
        s.attempt,
        s.job_id,
        any_value(j.conclusion) AS conclusion,
        split_part(s.target, ':', 2) AS kind,
        min(s.occurred_at) AS refused_at,
        max(s.occurred_at) AS last_refused_at,
        min(s.line_no) AS line_no
    FROM side_effects AS s
    LEFT JOIN jobs AS j ON s.job_id = j.job_id
    WHERE
        s.effect = 'request' AND s.outcome = 'rejected' AND starts_with(s.target, 'github-api:')
        AND s.occurred_at IS NOT NULL
    GROUP BY s.repository, s.run_id, s.attempt, s.job_id, split_part(s.target, ':', 2)
),

followed AS (
    SELECT
        *,
        max(last_refused_at) OVER (
            PARTITION BY repository, kind ORDER BY refused_at, run_id, attempt, job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_at
    FROM refusals
),

numbered AS (
    SELECT
        *,
        sum(CASE WHEN seconds_between(before_at, refused_at) <= 60 * $apart_minutes THEN 0 ELSE 1 END) OVER (
            PARTITION BY repository, kind ORDER BY refused_at, run_id, attempt, job_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS episode
    FROM followed
),

episodes AS (
    SELECT
        repository,
        kind,
        episode,
        split_part(repository, '/', 1) AS owner,
        min(refused_at) AS refused_at,
        max(last_refused_at) AS last_refused_at,
        count(*) AS refused,
        count(*) FILTER (WHERE conclusion = 'failure') AS failed,
        arg_min(run_label(run_id, attempt), (refused_at, run_id, attempt, job_id)) AS first_label,
        arg_min(run_id, (refused_at, run_id, attempt, job_id)) AS first_run_id,
        list_slice(
            list(DISTINCT run_ref(run_id, attempt) ORDER BY run_ref(run_id, attempt)), 1, $most_runs
        ) AS victims,
        list(line_ref(run_id, attempt, job_id, line_no) ORDER BY refused_at, run_id, attempt, job_id)[:8]
            AS lines
    FROM numbered
    GROUP BY repository, kind, episode
),

-- The worst episode is told, and how many more there were.
worst AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY repository, kind) AS episodes,
        sum(refused) OVER (PARTITION BY repository, kind) AS refused_in_all
    FROM episodes
    QUALIFY row_number() OVER (
        PARTITION BY repository, kind ORDER BY failed DESC, refused DESC, refused_at DESC, first_run_id DESC
    ) = 1
),

-- When an attempt came and went. Of one that is open nobody knows since when it has not been looked at, so it
-- counts for a day, and not while it is queued; nor is one counted that ended nobody knows when. Runs whose
-- repository is unknown are of many.
stays AS (
    SELECT
        repository,
        started_at,
        split_part(repository, '/', 1) AS owner,
        CASE
            WHEN completed_at IS NOT NULL THEN completed_at
            WHEN conclusion IS NOT NULL THEN updated_at
            ELSE greatest(updated_at, started_at + INTERVAL 1 DAY)
        END AS ended_at
    FROM attempts
    WHERE
        started_at IS NOT NULL AND run_id > 0 AND repository <> ''
        AND (
            completed_at IS NOT NULL
            OR coalesce(status, '') NOT IN ('queued', 'pending', 'waiting', 'requested')
        )
),

-- What has come and not gone is in flight.
flights AS (
    SELECT
        repository,
        owner,
        started_at AS moment,
        1 AS step
    FROM stays
    WHERE ended_at >= started_at
    UNION ALL
    SELECT
        repository,
        owner,
        -- At its last second it is still there.
        ended_at + INTERVAL 1 SECOND AS moment,
        -1 AS step
    FROM stays
    WHERE ended_at >= started_at
),

repository_counts AS (
    SELECT
        repository,
        moment,
        sum(sum(step)) OVER (PARTITION BY repository ORDER BY moment) AS in_flight
    FROM flights
    WHERE repository IN (SELECT e.repository FROM worst AS e)
    GROUP BY repository, moment
),

owner_counts AS (
    SELECT
        owner,
        moment,
        sum(sum(step)) OVER (PARTITION BY owner ORDER BY moment) AS in_flight
    FROM flights
    WHERE owner IN (SELECT e.owner FROM worst AS e)
    GROUP BY owner, moment
),

hours AS (
    SELECT
        e.repository,
        e.kind,
        e.episode,
        e.refused_at,
        unnest([epoch(e.refused_at)::bigint // 3600, epoch(e.refused_at)::bigint // 3600 - 1]) AS hour
    FROM worst AS e
    WHERE e.repository <> ''
),

hourly AS (
    SELECT
        h.repository,
        h.kind,
        h.episode,
        r.workflow,
        count(*) AS runs
    FROM hours AS h
    INNER JOIN named_runs AS r ON h.repository = r.repository AND h.hour = epoch(r.created_at)::bigint // 3600
    WHERE r.created_at <= h.refused_at AND r.created_at > h.refused_at - INTERVAL 1 HOUR
    GROUP BY h.repository, h.kind, h.episode, r.workflow
),

made AS (
    SELECT
        repository,
        kind,
        episode,
        sum(runs) AS runs,
        list(format('{} ({})', workflow, runs) ORDER BY runs DESC, workflow ASC)[:3] AS by_workflow
    FROM hourly
    GROUP BY repository, kind, episode
)

SELECT
    e.refused_at AS occurred_at,
    e.repository,
    e.kind,
    e.refused,
    e.failed,
    e.episodes,
    e.refused_in_all::bigint AS refused_in_all,
    e.victims AS runs,
    e.lines AS evidence,
    coalesce(c.in_flight, 0)::bigint AS in_flight,
    greatest(coalesce(o.in_flight, 0), coalesce(c.in_flight, 0))::bigint AS owner_in_flight,
    coalesce(m.runs, 0)::bigint AS runs_in_hour,
    coalesce(m.by_workflow, []) AS by_workflow,
    'github-api:' || e.kind AS target,
    concat_ws(chr(10), e.repository, e.kind) AS about,
    CASE WHEN e.failed > 0 THEN 'medium' ELSE 'low' END AS severity,
    format(
        'GitHub''s {} limit refused {} ({} failed), first {}; {}{}.',
        e.kind,
        counted(e.refused, 'job', 'jobs'),
        e.failed,
        e.first_label,
        CASE
            WHEN e.repository = '' THEN 'of which repository is not known'
            ELSE format(
                '{} of ''{}'' then in flight{}, and {} created in the hour before{}',
                counted(coalesce(c.in_flight, 0)::bigint, 'run', 'runs'),
                e.repository,
                CASE
                    WHEN o.in_flight > c.in_flight
                        THEN format(' ({} of all its owner''s repositories)', o.in_flight::bigint)
                    ELSE ''
                END,
                counted(coalesce(m.runs, 0)::bigint, 'was', 'were'),
                coalesce(': ' || array_to_string(m.by_workflow, ', '), '')
            )
        END,
        CASE
            WHEN e.episodes > 1
                THEN format(
                    '; it is the worst of {} such times, with {} in all',
                    e.episodes,
                    counted(e.refused_in_all::bigint, 'refused job', 'refused jobs')
                )
            ELSE ''
        END
    ) AS message
FROM worst AS e
ASOF LEFT JOIN repository_counts AS c ON e.repository = c.repository AND e.refused_at >= c.moment
ASOF LEFT JOIN owner_counts AS o ON e.owner = o.owner AND e.refused_at >= o.moment
LEFT JOIN made AS m ON e.repository = m.repository AND e.kind = m.kind AND e.episode = m.episode;
