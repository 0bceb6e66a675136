"""The bench measures what it says: every workflow of it gives groups of its kind, and none is left open."""

from __future__ import annotations

import importlib.util
from pathlib import Path

FILE = Path(__file__).parents[2] / "bench" / "groups.py"


def test_the_bench_history_has_every_kind_of_group(tmp_path: Path) -> None:
    specification = importlib.util.spec_from_file_location("bench_groups", FILE)
    assert specification and specification.loader
    bench = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(bench)
    summary, seconds = bench.measure(tmp_path, runs=400, rounds=1)
    assert summary.by_level == {"job": 500, "workflow": 300, "called": 100}
    assert set(summary.by_source) == {"literal", "evaluated", "annotation"}
    assert set(summary.by_confidence) == {"known", "likely"}
    assert seconds > 0
