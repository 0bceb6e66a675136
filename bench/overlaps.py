"""Overlapping pairs among 1,000,000 runs, ours against bioframe's, on the same intervals in the same process.

Run it with ``python bench/overlaps.py``; both give the pairs of run ids with how long they overlapped. It prints
the seconds, their ratio, and whether the pairs are the same, and exits with 1 when ours takes longer or differs.
Times are the best of some rounds, taken in turns: what else the machine does only ever adds.
"""

from __future__ import annotations

import sys
from time import perf_counter

from forensics.detect.detector import load_library
from forensics.store.store import Store

RUNS = 1_000_000
ROUNDS = 5
BUCKET_SECONDS = 1200

# 50 repositories with eight lanes each; a run every five minutes, most of minutes, some of half an hour.
_SPANS = """
CREATE TABLE spans AS
SELECT
    n AS run_id,
    'octo/repository-' || (n % 50) || ' lane ' || (n // 50 % 8) AS lane_key,
    TIMESTAMP '2026-01-01' + to_seconds((n // 400) * 300 + (hash(n) % 400)::BIGINT) AS started_at,
    started_at + to_seconds(30 + (power((hash(n, 2) % 10000) / 10000.0, 3) * 1500)::BIGINT) AS ended_at
FROM range($runs) AS numbers (n)
"""
_FRAME = """
SELECT lane_key AS chrom, epoch(started_at)::BIGINT AS start, epoch(ended_at)::BIGINT AS "end", run_id FROM spans
"""


def main() -> int:
    """Measure and print; 1 when ours is slower or the pairs differ."""
    try:
        import bioframe
    except ImportError:
        sys.stdout.write("bench/overlaps.py compares with bioframe: .venv/bin/pip install -e .[bench]\n")
        return 1
    with Store.memory() as store:
        store.execute("SET threads = 2")
        load_library(store)
        store.execute(_SPANS, {"runs": RUNS})
        frame = store.frame(_FRAME).to_pandas()
        ours, theirs = [], []
        for _ in range(ROUNDS):
            begun = perf_counter()
            store.execute(
                "CREATE OR REPLACE TEMP TABLE pairs AS "
                f"SELECT run_id, other_run_id, overlap_seconds FROM overlapping_pairs('spans', {BUCKET_SECONDS})"
            )
            ours.append(perf_counter() - begun)
            begun = perf_counter()
            found = bioframe.overlap(frame, frame, how="inner", suffixes=("", "_other"))
            # Its pairs come in both directions and with itself.
            before = (found["start"] < found["start_other"]) | (
                (found["start"] == found["start_other"]) & (found["run_id"] < found["run_id_other"])
            )
            found = found[before]
            shared = found[["end", "end_other"]].min(axis=1) - found["start_other"]
            theirs.append(perf_counter() - begun)
        pairs = store.query("SELECT run_id, other_run_id, overlap_seconds::BIGINT FROM pairs ORDER BY ALL").rows
    expected = sorted(zip(found["run_id"].tolist(), found["run_id_other"].tolist(), shared.tolist(), strict=True))
    same = pairs == expected
    ratio = min(ours) / min(theirs)
    sys.stdout.write(
        f"overlapping pairs among {RUNS:,} runs: {min(ours):.2f} s, bioframe {bioframe.__version__} "
        f"{min(theirs):.2f} s, ratio {ratio:.2f} (limit 1)\n"
        f"{len(pairs):,} pairs, {'the same' if same else 'NOT the same as its ' + format(len(expected), ',')}\n"
    )
    return int(ratio > 1 or not same)


if __name__ == "__main__":
    raise SystemExit(main())
