"""The bench measures what it says: every detector finds something, and none fails."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

FILE = Path(__file__).parents[2] / "bench" / "detectors.py"


def test_the_bench_history_makes_the_detectors_work(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("bench_detectors", FILE)
    assert specification and specification.loader
    bench = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(bench)
    result, seconds = bench.measure(tmp_path, runs=2000, rounds=1)
    counts = Counter(finding.detector for finding in result.findings)
    assert result.failures == ()
    assert set(result.seconds) == set(counts)
    assert 0 < sum(result.seconds.values()) < seconds
