"""The bench measures what it says: most detectors find something, those without matter are named, and none fails."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

FILE = Path(__file__).parents[2] / "bench" / "detectors.py"

# The history has no schedules, clones, locks, comments or failures, and steps take what they always take.
WITHOUT_MATTER = [
    "abandoned-lock",
    "cache-race",
    "clock-skew",
    "duplicate-create",
    "duration-change",
    "flaky-duplicate",
    "flaky-job",
    "indistinct-runs",
    "lock-contention",
    "missing-run",
    "push-rejected",
    "rate-limited",
    "repeated-effect",
    "schedule-drift",
    "schedule-overlap",
    "silent-gap",
    "skipped-schedule",
    "stale-overwrite",
    "twin-runs",
    "version-race",
]


def test_the_bench_history_makes_the_detectors_work(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("bench_detectors", FILE)
    assert specification and specification.loader
    bench = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(bench)
    result, seconds = bench.measure(tmp_path, runs=2000, rounds=1)
    counts = Counter(finding.detector for finding in result.findings)
    assert result.failures == ()
    assert sorted(set(result.seconds) - set(counts)) == WITHOUT_MATTER
    assert 0 < sum(result.seconds.values()) < seconds
