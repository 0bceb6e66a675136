"""How long the groups in force take on a long history: 100,000 runs of 300,000 jobs, each with its workflow file.

Run it with ``python bench/groups.py``; it prints the seconds, what was found, and the limit, and exits with 1 when it
takes longer. The time is the best of some rounds: what else the machine does only ever adds.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import perf_counter

import polars as pl

from forensics.concurrency.groups import GroupSummary, derive
from forensics.detect.detector import load_library
from forensics.store.store import Store

LIMIT_SECONDS = 12.0
RUNS = 100_000
REPOSITORIES = 20
ROUNDS = 2

# One workflow of each kind that is dear in its own way: a name that is new for each run, one that is shared by a
# branch, one by a pull request; groups of jobs with a matrix; a called workflow with groups of its own.
WORKFLOWS = {
    "checks": """
name: Checks
on: {pull_request: {branches: [main]}, push: {branches: ['**']}}
concurrency:
  group: ${{ github.workflow }}-${{ github.ref }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}
jobs:
  build: {runs-on: ubuntu-latest, steps: [{run: make}]}
""",
    "alone": """
name: Alone
on: {push: {branches: [main]}}
concurrency: ${{ github.workflow }}-${{ github.head_ref || github.run_id }}
jobs:
  build: {runs-on: ubuntu-latest, steps: [{run: make}]}
""",
    "matrix": """
name: Matrix
on: {push: {branches: [main]}}
jobs:
  test:
    runs-on: ubuntu-latest
    strategy: {matrix: {shard: [1, 2, 3]}}
    concurrency: {group: 'test-${{ github.ref }}-${{ matrix.shard }}', queue: max}
    steps: [{run: make test}]
""",
    "release": """
name: Release
on: {push: {branches: [main]}}
concurrency: release
jobs:
  ship:
    uses: ./.github/workflows/ship.yml
    concurrency: ship-lane
    with: {target: 'production-${{ github.ref_name }}'}
""",
    "ship": """
name: Ship
on: {workflow_call: {inputs: {target: {type: string, required: true}}}}
concurrency: {group: 'ship-${{ inputs.target }}', cancel-in-progress: false}
jobs:
  build: {runs-on: ubuntu-latest, steps: [{run: make}]}
  test: {runs-on: ubuntu-latest, concurrency: 'lab-${{ inputs.target }}', steps: [{run: make test}]}
  deploy: {runs-on: ubuntu-latest, steps: [{run: make deploy}]}
""",
}

_RUNS = """
INSERT INTO runs BY NAME
SELECT
    'octo/repository-' || (n % $repositories) AS repository, n AS run_id, n // $repositories AS run_number,
    '.github/workflows/' || kind || '.yml' AS workflow_path,
    CASE WHEN kind = 'checks' AND n % 3 > 0 THEN 'pull_request' ELSE 'push' END AS event,
    CASE WHEN kind = 'checks' THEN 'topic-' || (n // 400) ELSE 'main' END AS head_branch,
    sha1(n::VARCHAR) AS head_sha, 'octo/repository-' || (n % $repositories) AS head_repository,
    TIMESTAMP '2026-06-01' + to_seconds(n * 90) AS created_at, 1 AS latest_attempt, 'completed' AS status,
    'success' AS conclusion, FALSE AS inferred,
    json_object(
        'pull_requests', CASE WHEN kind = 'checks' AND n % 3 > 0 THEN json_array(json_object(
            'number', 100 + n // 400,
            'head', json_object('ref', 'topic-' || (n // 400)), 'base', json_object('ref', 'main')
        )) ELSE json_array() END,
        'referenced_workflows', CASE WHEN kind = 'release' THEN json_array(json_object(
            'path', 'octo/repository-' || (n % $repositories) || '/.github/workflows/ship.yml',
            'sha', sha1(n::VARCHAR), 'ref', 'refs/heads/main'
        )) ELSE json_array() END
    ) AS raw
FROM (SELECT n, ['checks', 'alone', 'matrix', 'release'][1 + n % 4] AS kind FROM range(1, $runs + 1) AS numbers (n));

INSERT INTO attempts BY NAME
SELECT repository, run_id, 1 AS attempt, status, conclusion, created_at, FALSE AS inferred FROM runs;

INSERT INTO repositories BY NAME
SELECT DISTINCT repository, 'main' AS default_branch FROM runs;

INSERT INTO jobs BY NAME
SELECT
    repository, run_id * 10 + part AS job_id, run_id, 1 AS attempt,
    CASE workflow_path
        WHEN '.github/workflows/matrix.yml' THEN 'test (' || part || ')'
        WHEN '.github/workflows/release.yml' THEN 'ship / ' || ['build', 'test', 'deploy'][part]
        ELSE ['build', 'test', 'deploy'][part]
    END AS name,
    'completed' AS status, 'success' AS conclusion, created_at + to_seconds(10 * part) AS started_at,
    created_at + to_seconds(10 * part + 200) AS completed_at, TRUE AS executed, FALSE AS copied, FALSE AS inferred
FROM runs CROSS JOIN range(1, 4) AS parts (part);

INSERT INTO workflow_versions BY NAME
SELECT DISTINCT repository, workflow_path AS path, head_sha AS commit, sha1(workflow_path) AS blob, 'exact' AS source
FROM runs
UNION ALL BY NAME
SELECT
    repository, '.github/workflows/ship.yml' AS path, head_sha AS commit,
    sha1('.github/workflows/ship.yml') AS blob, 'exact' AS source
FROM runs
WHERE workflow_path = '.github/workflows/release.yml';

INSERT INTO annotations BY NAME
SELECT
    repository, run_id, 1 AS attempt, run_id * 10 + 1 AS job_id, 'failure' AS level,
    'Canceling since a higher priority waiting request for Checks-refs/pull/' || (100 + run_id // 400)
    || '/merge exists' AS message
FROM runs
WHERE event = 'pull_request' AND run_id % 16 = 0;
"""


def fill(store: Store, *, runs: int = RUNS) -> None:
    """Put the history and the files into an empty case."""
    for statement in _RUNS.split(";\n"):
        named = {"runs": runs, "repositories": REPOSITORIES}
        if statement.strip():
            store.execute(statement, {name: value for name, value in named.items() if f"${name}" in statement})
    for kind, text in WORKFLOWS.items():
        path = f".github/workflows/{kind}.yml"
        blob = store.query("SELECT sha1($path)", {"path": path}).rows[0][0]
        row = {"repository": "octo/repository-0", "path": path, "sha": f"blob:{blob}", "text": text}
        store.insert("workflow_files", pl.DataFrame([{**row, "evidence_path": path}]))


def measure(folder: Path, *, runs: int = RUNS, rounds: int = ROUNDS) -> tuple[GroupSummary, float]:
    """Make the case in the folder and derive its groups; what was found, and the seconds of the quickest round."""
    seconds = []
    with Store.write(folder / "case.duckdb") as store:
        fill(store, runs=runs)
        for _ in range(rounds):
            started = perf_counter()
            load_library(store)
            summary = derive(store)
            seconds.append(perf_counter() - started)
    return summary, min(seconds)


def main() -> int:
    """Measure and print; 1 when the limit is exceeded."""
    with tempfile.TemporaryDirectory(prefix="forensics-bench-") as folder:
        summary, seconds = measure(Path(folder))
    found = ", ".join(f"{count:,} {name}" for name, count in sorted(summary.by_confidence.items()))
    sys.stdout.write(f"{'groups in force':<22} {seconds:6.2f} s  {summary.rows:,} groups of {RUNS:,} runs: {found}\n")
    sys.stdout.write(f"{'limit':<22} {LIMIT_SECONDS:6.2f} s\n")
    return int(seconds > LIMIT_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
