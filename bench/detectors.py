"""How long the detectors take on a long history: 100,000 runs, 300,000 jobs, 300,000 effects, 1,000,000 steps.

Run it with ``python bench/detectors.py``; it prints the seconds of each detector and of the whole pass, and exits
with 1 when that takes longer than the limit. Times are the best of some rounds: what else the machine does only
ever adds. ``python bench/detectors.py 1000000`` makes it ten times as long (a minute and a half),
with one round and ten times the limit.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import perf_counter

from forensics.detect.detector import load_detectors
from forensics.detect.run import DetectionResult, detect
from forensics.store.store import Store

LIMIT_SECONDS = 6.0
LIMIT_MB = 4000
RUNS = 100_000
REPOSITORIES = 20
MINUTES_BETWEEN_RUNS = 30
ROUNDS = 3

# Random numbers are hashes of the row and a salt, so that every machine measures the same history.
_RANDOM = "CREATE OR REPLACE TEMP MACRO chance(n, salt) AS (hash(n, salt) % 1000000) / 1000000.0"

# Each repository has a run every half hour: three of five are checks of a topic branch, the others deploy main.
# A run has three jobs one after the other, of about four minutes each; so runs of a lane overlap now and then.
_RUNS = """
CREATE OR REPLACE TEMP TABLE planned AS
SELECT
    n AS run_id,
    'octo/repository-' || (n % $repositories) AS repository,
    n // $repositories AS place,
    CASE WHEN chance(n, 1) < 0.4 THEN 'deploy' ELSE 'checks' END AS kind,
    TIMESTAMP '2026-01-01'
        + to_seconds((n // $repositories) * 60 * $minutes + (chance(n, 2) * 2400)::BIGINT) AS created_at,
    1 + (chance(n, 3) < 0.03)::INTEGER AS attempt
FROM range(1, $runs + 1) AS numbers (n);

INSERT INTO runs BY NAME
SELECT
    repository, run_id, place AS run_number, 7 AS workflow_id,
    '.github/workflows/' || kind || '.yml' AS workflow_path, kind AS workflow_name,
    'push' AS event, 'completed' AS status, 'success' AS conclusion,
    CASE WHEN kind = 'deploy' THEN 'main' ELSE 'topic-' || (place // 12) END AS head_branch,
    sha1(run_id::VARCHAR) AS head_sha, created_at, attempt AS latest_attempt, FALSE AS inferred
FROM planned;
"""

_JOBS = """
INSERT INTO jobs BY NAME
SELECT
    repository, run_id * 10 + part AS job_id, run_id, attempt, ['build', 'test', 'deploy'][part] AS name,
    'completed' AS status,
    CASE WHEN chance(run_id, 10 + part) < 0.02 THEN 'cancelled' ELSE 'success' END AS conclusion,
    queued_until + to_seconds((part - 1) * 300) AS started_at,
    queued_until + to_seconds((part - 1) * 300 + (60 + 220 * chance(run_id, 20 + part))::BIGINT) AS completed_at,
    TRUE AS executed, FALSE AS copied, FALSE AS inferred
FROM (SELECT *, created_at + to_seconds((1800 * chance(run_id, 4) ** 3)::BIGINT) AS queued_until FROM planned)
CROSS JOIN range(1, 4) AS parts (part);
"""

_STEPS = """
INSERT INTO steps BY NAME
SELECT
    job_id, number AS step_number, 'Step ' || number AS name, 'completed' AS status, conclusion,
    started_at + to_seconds((number - 1) * 15) AS started_at,
    started_at + to_seconds(number * 15) AS completed_at
FROM jobs, range(1, 5) AS numbers (number)
WHERE number < 4 OR name = 'deploy';
"""

_EFFECTS = """
INSERT INTO effects BY NAME
SELECT
    j.repository, j.run_id, j.attempt, j.job_id, 3 AS step_number,
    j.started_at + to_seconds(32) AS started_at, j.started_at + to_seconds(40) AS occurred_at,
    ['kubectl', 'docker', 'npm'][part] AS tool, ['deploy', 'push', 'publish'][part] AS effect,
    CASE part
        WHEN 1 THEN 'k8s:deployment/cart namespace=' || r.head_branch
        WHEN 2 THEN 'docker:' || j.repository || ':' || r.head_branch
        ELSE 'npm:' || j.repository
    END AS target,
    CASE part WHEN 3 THEN j.repository || '@1.' || (r.run_number - (chance(j.run_id, 30) < 0.02)::INTEGER) || '.0' END
        AS identity,
    CASE
        WHEN j.conclusion = 'cancelled' THEN 'unknown'
        WHEN chance(j.run_id, 40 + part) < 0.02 THEN 'rejected'
        ELSE 'done'
    END AS outcome,
    r.head_sha AS sha, 'bench' AS rule, 100 + part AS line_no, 'a line of the log' AS text, 1 AS source_id
FROM jobs AS j
INNER JOIN runs AS r ON j.repository = r.repository AND j.run_id = r.run_id
CROSS JOIN range(1, 4) AS parts (part)
WHERE j.name = 'deploy';

INSERT INTO log_lines BY NAME
SELECT run_id, attempt, job_id, step_number, line_no, occurred_at AS logged_at, text, source_id FROM effects;
"""

# Now and then a busy hour: ten runs of a repository in a row cancel each other, every tenth of the others only skips.
_CANCELLATIONS = """
UPDATE runs SET event = 'pull_request' WHERE workflow_name = 'checks' AND chance(run_number // 12, 49) < 0.5;

INSERT INTO attempts BY NAME
SELECT
    repository, run_id, 1 AS attempt, 'completed' AS status, created_at, created_at AS started_at,
    created_at + to_seconds(900) AS completed_at, FALSE AS inferred,
    CASE
        WHEN chance(run_number // 10, 50 + run_id % $repositories) < 0.15 THEN 'cancelled'
        WHEN chance(run_id, 51) < 0.1 THEN 'skipped'
        ELSE 'success'
    END AS conclusion
FROM runs;

DELETE FROM jobs WHERE run_id IN (SELECT run_id FROM attempts WHERE conclusion = 'skipped');
UPDATE jobs SET conclusion = 'cancelled' WHERE run_id IN (SELECT run_id FROM attempts WHERE conclusion = 'cancelled');

INSERT INTO cancellations BY NAME
SELECT
    a.run_id, a.attempt, j.job_id, 'known' AS confidence, a.run_id + $repositories AS by_run_id, 1 AS by_attempt,
    'workflow' AS level, 'lane' AS group_name, 'lane' AS group_key, a.completed_at AS cancelled_at,
    CASE WHEN chance(a.run_id, 52) < 0.5 THEN 'superseded-waiting' ELSE 'superseded-running' END AS cause
FROM attempts AS a
LEFT JOIN (
    SELECT run_id, job_id FROM jobs UNION ALL SELECT run_id, NULL FROM runs
) AS j ON a.run_id = j.run_id
WHERE a.conclusion = 'cancelled';
"""


# Every run has a group. In the first repositories each of the mistakes that a file can make is made by all runs; in
# the next ones a run now and then holds its group for hours, never begins, or waits for one that it started.
_GROUPS = """
INSERT INTO concurrency_groups BY NAME
SELECT
    run_id, 1 AS attempt, 'workflow' AS level, lane AS group_name, lower(lane) AS group_key, 'evaluated' AS source,
    'known' AS confidence, workflow_path AS path, 9 AS line, 'exact' AS file_source,
    workflow_name = 'checks' OR part = 5 OR (part = 4 AND run_number % 2 = 0) AS cancel_in_progress,
    CASE WHEN part = 5 THEN 'max' ELSE 'single' END AS queue,
    CASE
        WHEN part = 1 THEN 'deploy-${{ github.run_id }}'
        WHEN part = 7 THEN 'checks-${{ github.head_ref }}'
        ELSE '${{ github.workflow }}'
    END AS expression,
    CASE WHEN part = 6 THEN run_number % 2 = 0 END AS agrees
FROM (
    SELECT
        *,
        run_id % $repositories AS part,
        CASE run_id % $repositories
            WHEN 1 THEN 'deploy-' || run_id
            WHEN 2 THEN 'deploy-' || run_number % 2
            WHEN 3 THEN ['Deploy', 'deploy'][1 + run_number % 2]
            WHEN 4 THEN 'lane'
            WHEN 7 THEN 'checks-'
            WHEN 8 THEN 'lane'
            WHEN 10 THEN 'lane'
            ELSE workflow_name || '-' || head_branch
        END AS lane
    FROM runs
)
WHERE part > 0;

INSERT INTO workflow_files BY NAME
SELECT DISTINCT
    repository, workflow_path AS path, 'blob:0' AS sha, 'on: push' AS text, '{"on": "push", "jobs": {}}' AS parsed,
    'bench' AS evidence_path
FROM runs WHERE run_id % $repositories = 0;

INSERT INTO workflow_versions BY NAME
SELECT repository, workflow_path AS path, head_sha AS commit, '0' AS blob, 'exact' AS source
FROM runs WHERE run_id % $repositories = 0;

INSERT INTO annotations BY NAME
SELECT
    repository, run_id, 1 AS attempt, 'failure' AS level,
    'Canceling since a deadlock was detected for concurrency group: ci between a top level workflow and build'
        AS message
FROM runs WHERE run_id % $repositories = 11 AND run_number % 50 = 5;

UPDATE runs SET event = 'merge_group'
WHERE run_id % $repositories = 12 AND run_id IN (SELECT run_id FROM cancellations);

UPDATE jobs SET started_at = started_at + INTERVAL 5 HOUR, completed_at = completed_at + INTERVAL 5 HOUR
WHERE run_id % $repositories = 8 AND (run_id // $repositories) % 20 = 1 AND job_id % 10 = 3;
UPDATE jobs SET started_at = started_at + INTERVAL 6 HOUR, completed_at = completed_at + INTERVAL 6 HOUR
WHERE run_id % $repositories = 8 AND (run_id // $repositories) % 20 = 2;
UPDATE attempts SET completed_at = completed_at + INTERVAL 6 HOUR
WHERE run_id % $repositories = 8 AND (run_id // $repositories) % 20 IN (1, 2);

UPDATE runs SET status = 'queued', conclusion = NULL
WHERE run_id % $repositories = 9 AND (run_id // $repositories) % 40 = 1;
DELETE FROM jobs
WHERE run_id IN (SELECT run_id FROM runs WHERE status = 'queued');

UPDATE runs SET event = 'workflow_dispatch', actor = 'github-actions[bot]'
WHERE run_id % $repositories = 10 AND (run_id // $repositories) % 20 = 2;
UPDATE jobs SET completed_at = completed_at + INTERVAL 3 HOUR, conclusion = 'failure'
WHERE run_id % $repositories = 10 AND (run_id // $repositories) % 20 = 1 AND job_id % 10 = 1;
UPDATE steps SET completed_at = completed_at + INTERVAL 3 HOUR
WHERE step_number = 3 AND job_id IN (
    SELECT job_id FROM jobs
    WHERE run_id % $repositories = 10 AND (run_id // $repositories) % 20 = 1 AND job_id % 10 = 1
);
UPDATE jobs SET started_at = started_at + INTERVAL 5 HOUR, completed_at = completed_at + INTERVAL 5 HOUR
WHERE run_id % $repositories = 10 AND (run_id // $repositories) % 20 = 2;
"""


def fill(store: Store, *, runs: int = RUNS, repositories: int = REPOSITORIES) -> None:
    """Put the history into an empty case that is open for writing."""
    settings = {"runs": runs, "repositories": repositories, "minutes": MINUTES_BETWEEN_RUNS}
    store.execute(_RANDOM)
    for script in (_RUNS, _JOBS, _STEPS, _EFFECTS, _CANCELLATIONS, _GROUPS):
        for statement in script.split(";\n"):
            named = {name: value for name, value in settings.items() if f"${name}" in statement}
            if statement.strip():
                store.execute(statement, named or None)


def measure(folder: Path, *, runs: int = RUNS, rounds: int = ROUNDS) -> tuple[DetectionResult, float]:
    """Make the case in the folder and run the packaged detectors on it as ``forensics detect`` does.

    Gives the quickest round: its findings, with the seconds of each detector, and the seconds of the whole pass.
    """
    path = folder / "case.duckdb"
    with Store.write(path) as store:
        fill(store, runs=runs)
    passes = [one_pass(path) for _ in range(rounds)]
    return min(passes, key=lambda told: told[1])


def one_pass(path: Path) -> tuple[DetectionResult, float]:
    """Open the case, load the detectors and run them."""
    started = perf_counter()
    with Store.read(path) as store:
        result = detect(store, load_detectors())
    return result, perf_counter() - started


def main(runs: int = RUNS) -> int:
    """Measure and print; 1 when a limit is exceeded or a detector failed."""
    with tempfile.TemporaryDirectory(prefix="forensics-bench-") as folder:
        result, whole = measure(Path(folder), runs=runs, rounds=ROUNDS if runs == RUNS else 1)
    # Linux counts in KiB. It holds the filling of the case, too.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    limit = LIMIT_SECONDS * runs / RUNS
    counts = Counter(finding.detector for finding in result.findings)
    for name, seconds in sorted(result.seconds.items()):
        sys.stdout.write(f"{name:<24} {seconds:6.2f} s  {counts[name]:7,} findings\n")
    sys.stdout.write(f"{'views of several':<24} {result.shared_seconds:6.2f} s\n")
    sys.stdout.write(f"{'the whole pass':<24} {whole:6.2f} s  limit {limit:.1f} s, {runs:,} runs\n")
    sys.stdout.write(f"{'memory at most':<24} {peak:6,.0f} MB limit {LIMIT_MB:,} MB\n")
    for name, reason in result.failures:
        sys.stdout.write(f"{name} failed: {reason}\n")
    return int(whole > limit or peak > LIMIT_MB or bool(result.failures))


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
