"""How long it takes to say why each of 100,000 runs was cancelled, where most of them were.

Run it with ``python bench/cancellations.py``; it prints the seconds and exits with 1 when the best of some rounds
exceeds the limit. Half of the runs are evicted while they wait, a tenth is cut off while it runs.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import perf_counter

from forensics.concurrency.cancellations import derive_cancellations
from forensics.store.store import Store

LIMIT_SECONDS = 6.0
RUNS = 100_000
LANES = 200
ROUNDS = 3

# Random numbers are hashes of the row, so that every machine measures the same history.
_SCRIPT = """
CREATE OR REPLACE TEMP TABLE planned AS
SELECT
    n AS run_id, n % $lanes AS lane, TIMESTAMP '2026-01-01' + to_seconds((n // $lanes) * 90) AS created_at,
    (hash(n) % 10)::INTEGER AS fate
FROM range(1, $runs + 1) AS numbers (n);

INSERT INTO runs BY NAME
SELECT
    'octo/shop' AS repository, run_id, run_id AS run_number, lane || '.yml' AS workflow_path, 'push' AS event,
    'completed' AS status, 'main' AS head_branch, created_at, FALSE AS inferred
FROM planned;

INSERT INTO attempts BY NAME
SELECT
    'octo/shop' AS repository, run_id, 1 AS attempt, 'completed' AS status, created_at, FALSE AS inferred,
    CASE WHEN fate < 6 THEN 'cancelled' ELSE 'success' END AS conclusion,
    created_at + to_seconds(CASE WHEN fate < 6 THEN 92 ELSE 80 END) AS updated_at
FROM planned;

INSERT INTO jobs BY NAME
SELECT
    'octo/shop' AS repository, run_id * 10 + part AS job_id, run_id, 1 AS attempt, 'part ' || part AS name,
    'completed' AS status, CASE WHEN fate < 6 THEN 'cancelled' ELSE 'success' END AS conclusion,
    created_at + to_seconds(2) AS created_at, created_at + to_seconds(5) AS started_at,
    created_at + to_seconds(CASE WHEN fate < 6 THEN 93 ELSE 80 END) AS completed_at,
    TRUE AS executed, FALSE AS copied, FALSE AS inferred
FROM planned, range(1, 4) AS parts (part)
WHERE fate >= 5;

INSERT INTO annotations BY NAME
SELECT
    'octo/shop' AS repository, run_id * 10 + 1 AS job_id, run_id, 'failure' AS level,
    'Canceling since a higher priority waiting request for lane-' || lane || ' exists' AS message
FROM planned
WHERE fate = 5;

INSERT INTO concurrency_groups BY NAME
SELECT
    run_id, 1 AS attempt, 'workflow' AS level, 'Lane-' || lane AS group_name, 'lane-' || lane AS group_key,
    fate = 5 AS cancel_in_progress, 'single' AS queue, 'evaluated' AS source, 'known' AS confidence
FROM planned;

INSERT INTO evidence BY NAME
SELECT
    'repos/octo/shop/actions/runs/' || run_id || '/attempts/1/jobs.json' AS path, '0' AS sha256, 0 AS size,
    'bench' AS source, created_at AS taken_at
FROM planned;
"""


def fill(store: Store, *, runs: int = RUNS, lanes: int = LANES) -> None:
    """Put the history into an empty case that is open for writing."""
    settings = {"runs": runs, "lanes": lanes}
    for statement in _SCRIPT.split(";\n"):
        named = {name: value for name, value in settings.items() if f"${name}" in statement}
        if statement.strip():
            store.execute(statement, named or None)


def measure(folder: Path, *, runs: int = RUNS, rounds: int = ROUNDS) -> tuple[int, float]:
    """Rows made, and the seconds of the quickest round."""
    with Store.write(folder / "case.duckdb") as store:
        fill(store, runs=runs)
        quickest = float("inf")
        rows = 0
        for _ in range(rounds):
            started = perf_counter()
            rows = derive_cancellations(store)
            quickest = min(quickest, perf_counter() - started)
    return rows, quickest


def main() -> int:
    """Measure and print; 1 when the limit is exceeded."""
    with tempfile.TemporaryDirectory(prefix="forensics-bench-") as folder:
        rows, seconds = measure(Path(folder))
    sys.stdout.write(
        f"cancellations of {RUNS:,} runs: {rows:,} rows in {seconds:.2f} s, limit {LIMIT_SECONDS:.1f} s\n"
    )
    return int(seconds > LIMIT_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
