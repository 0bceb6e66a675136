-- What was done to the world, freed from what only looks like it.

-- Where a target lies: npm and PyPI know one package of a name, but every repository has its own branch
-- 'main'. A kind that is not known here is taken as the repository's own, which can hide a race between
-- two repositories, but never invents one. So are: 'helm' (a release 'web' can be in any cluster), 'aws',
-- 'cloudformation', 'cloudflare', 'gcp', 'ansible', 'argocd', 'serverless' (the account is not told), 'ssh'
-- and 'ftp' (hosts may be of a private network), 'cache', 'artifact', 'attestation' (a repository has its
-- own) and 'github-api' (the limit of a GITHUB_TOKEN is that of its repository).
CREATE OR REPLACE TEMP MACRO target_key(repository, target) AS
CASE
    WHEN
        split_part(target, ':', 1) IN (
            -- A package has one name in its registry, whoever publishes it; a target names other registries.
            'npm', 'pypi', 'cargo', 'gem', 'nuget', 'maven', 'hex', 'pub', 'pod', 'vscode', 'openvsx',
            -- An image or a chart is named with its registry, a bucket in the whole cloud.
            'docker', 'oci', 's3', 'gs',
            -- Apps, sites and projects whose name is part of an address that exists once.
            'heroku', 'fly', 'azure', 'firebase', 'netlify', 'vercel'
        ) THEN ''
    WHEN
        split_part(target, ':', 1) IN (
            -- These name owner and repository themselves.
            'git', 'git-tag', 'release', 'release-draft', 'pages', 'issue', 'issues', 'pulls', 'terraform',
            'workflow', 'label', 'codecov'
        ) THEN ''
    ELSE repository
END || chr(10) || target;

-- True for what exists once under its name for ever: a published version, a version's tag, a release. Not
-- so: container images (a tag moves), a tag moved by force (its identity ends in the commit), and names made
-- to move ('latest', 'nightly', 'v2', '1.0-SNAPSHOT').
CREATE OR REPLACE TEMP MACRO is_created_once(effect, target, identity) AS
effect IN ('publish', 'tag', 'release')
AND identity IS NOT NULL
AND split_part(target, ':', 1) NOT IN ('docker', 'oci')
AND NOT (effect = 'tag' AND regexp_matches(identity, '@[0-9a-f]{4,40}$'))
AND NOT regexp_matches(identity, '(?i)(^|[@/: ])v\d{1,3}$')
AND NOT regexp_matches(identity, '(?i)(^|[@/: -])(latest|nightly|stable|edge|canary|next|dev|main)$')
AND NOT contains(lower(identity), 'snapshot');

-- True for what the next one replaces, so that the last to land decides what the world sees. A commit pushed
-- onto the branch that the run was started for is added to it and replaces nothing; but what is pushed to
-- Heroku's git server replaces the app there, whatever the branch is called.
CREATE OR REPLACE TEMP MACRO is_replaced(effect, target, head_branch) AS
effect NOT IN ('publish', 'tag', 'release', 'comment', 'issue', 'pull-request', 'delete')
AND NOT (
    effect = 'push' AND head_branch IS NOT NULL AND ends_with(target, 'refs/heads/' || head_branch)
    AND NOT starts_with(target, 'git:git.heroku.com/')
);

-- True for a plain push of a branch: git refuses whatever is not built on what lies there, so that nothing
-- that was accepted can be lost. A push by force says so on its line.
CREATE OR REPLACE TEMP MACRO keeps_order(target, text) AS
starts_with(target, 'git:') AND NOT contains(text, '(forced update)');

-- True for what leaves the world as it is for everybody else: several at once are no race. Detectors that ask
-- about them (caches, API limits, twin dispatches) read side_effects.
CREATE OR REPLACE TEMP MACRO is_aside(effect) AS
effect IN ('save', 'upload', 'request', 'notify', 'dispatch', 'label', 'attest', 'report');

-- The effects that are aside, in the same words as write_effects.
CREATE OR REPLACE TEMP VIEW side_effects AS
SELECT
    e.repository,
    e.run_id,
    e.attempt,
    e.job_id,
    e.step_number,
    e.tool,
    e.effect,
    e.target,
    e.identity,
    e.outcome,
    e.sha,
    e.line_no,
    e.text,
    coalesce(l.lane_key, target_key(e.repository, e.target)) AS target_key,
    coalesce(e.started_at, e.occurred_at) AS began_at,
    coalesce(e.occurred_at, e.started_at) AS occurred_at
FROM effects AS e
LEFT JOIN target_lanes AS l ON e.repository = l.repository AND e.target = l.target
ANTI JOIN jobs AS c ON (e.job_id = c.job_id AND c.copied)
WHERE is_aside(e.effect);

-- Effects that wrote or may have written: not the no-ops, and not those in the log of a job that a partial
-- re-run copied from an earlier attempt. Where the log tells nothing, as after 90 days, GitHub's deployments
-- stand for it, with the environment as target and without a line; but not those of pull requests, whose
-- environments are mostly there for secrets, or are one for each of them.
CREATE OR REPLACE TEMP VIEW write_effects AS
SELECT
    e.repository,
    e.run_id,
    e.attempt,
    e.job_id,
    e.step_number,
    e.tool,
    e.effect,
    e.target,
    e.identity,
    e.outcome,
    e.sha,
    e.line_no,
    e.text,
    coalesce(l.lane_key, target_key(e.repository, e.target)) AS target_key,
    coalesce(e.started_at, e.occurred_at) AS began_at,
    coalesce(e.occurred_at, e.started_at) AS occurred_at
FROM effects AS e
LEFT JOIN target_lanes AS l ON e.repository = l.repository AND e.target = l.target
ANTI JOIN jobs AS c ON (e.job_id = c.job_id AND c.copied)
WHERE
    e.outcome <> 'no-op'
    AND NOT is_aside(e.effect)
    -- The clusters of kind, k3d and minikube stand on the runner itself and end with the job.
    AND NOT regexp_matches(e.target, '^k8s:.* cluster=(kind-|k3d-|minikube$)')
    -- So do a database and a registry there, or in a container of the job's own.
    AND NOT regexp_matches(e.target, '^(db|docker|oci):(localhost|127\.)|^db:.* container=')
UNION ALL
SELECT
    d.repository,
    d.run_id,
    d.attempt,
    d.job_id,
    d.step_number,
    d.tool,
    d.effect,
    d.target,
    d.identity,
    d.outcome,
    d.sha,
    d.line_no,
    d.text,
    coalesce(l.lane_key, d.target_key) AS target_key,
    d.began_at,
    d.occurred_at
FROM deployment_effects AS d
LEFT JOIN target_lanes AS l ON d.repository = l.repository AND d.target = l.target
ANTI JOIN runs AS r
    ON (d.repository = r.repository AND d.run_id = r.run_id AND starts_with(r.event, 'pull_request'));

-- The same with the time at the target, where any time is known: `held_from` to `held_to` is from the
-- announcement to the outcome, widened to the whole step where the step is known.
CREATE OR REPLACE TEMP VIEW held_effects AS
SELECT
    w.repository,
    w.run_id,
    w.attempt,
    w.job_id,
    w.step_number,
    w.effect,
    w.target,
    w.target_key,
    w.identity,
    w.outcome,
    w.line_no,
    w.text,
    w.began_at,
    w.occurred_at,
    least(w.began_at, s.started_at) AS held_from,
    greatest(w.occurred_at, s.completed_at) AS held_to
FROM write_effects AS w
LEFT JOIN steps AS s
    ON
        w.job_id = s.job_id AND w.step_number = s.step_number
        AND s.started_at IS NOT NULL AND s.completed_at IS NOT NULL
WHERE w.occurred_at IS NOT NULL;
