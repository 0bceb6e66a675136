"""On histories in which nothing is wrong, no detector cries: the small form of bench/quiet.py."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from stationary import FAMILIES, draw_history, plant_histories

from forensics.detect.detector import load_detectors
from forensics.detect.run import detect
from forensics.model import Finding
from forensics.store.store import Store
from forensics.synth.quiet import live_quietly

FILE = Path(__file__).parents[2] / "bench" / "quiet.py"


@pytest.fixture(scope="module")
def quiet() -> ModuleType:
    specification = importlib.util.spec_from_file_location("bench_quiet", FILE)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["bench_quiet"] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


def test_quiet_histories_of_a_thousand_runs_stay_quiet(quiet: ModuleType) -> None:
    detectors, tally = load_detectors(), quiet.Tally()
    for seed in (101, 102):
        quiet.measure(seed, 1000, detectors, tally)
    told = dict(tally.examples)
    assert tally.failures == []
    assert (tally.severities["critical"], tally.severities["high"]) == (0, 0), told
    assert tally.rate <= quiet.LIMIT, told
    assert not tally.exceeds


def test_the_histories_are_varied_and_what_the_detectors_read_is_there(quiet: ModuleType) -> None:
    """Silence would prove nothing if there were nothing to look at."""
    with Store.memory() as store:
        quiet.fill(store, live_quietly(seed=101, days=14))
        counts = {
            table: store.query(f"SELECT count(*) FROM {table}").rows[0][0]
            for table in ("runs", "jobs", "steps", "effects", "concurrency_groups", "log_sources", "log_lines")
        }
        conclusions = {row[0] for row in store.query("SELECT DISTINCT conclusion FROM runs").rows}
        events = {row[0] for row in store.query("SELECT DISTINCT event FROM runs").rows}
        causes = {row[0] for row in store.query("SELECT DISTINCT cause FROM cancellations").rows}
        again = store.query("SELECT count(*) FROM attempts WHERE attempt > 1").rows[0][0]
    assert min(counts.values()) > 100
    assert conclusions == {"success", "failure", "cancelled"}
    assert events == {"push", "pull_request", "schedule"}
    assert "superseded-running" in causes
    assert again > 0


def test_a_publish_that_is_done_twice_in_a_quiet_history_is_found(quiet: ModuleType) -> None:
    """The same histories with one thing wrong: they are quiet because nothing is, not because nobody looks."""
    history = live_quietly(seed=101, days=14)
    with Store.memory() as store:
        quiet.fill(store, history)
        store.execute(
            "INSERT INTO effects SELECT * REPLACE (run_id + 1 AS run_id, job_id + 1 AS job_id) "
            "FROM effects WHERE effect = 'publish' ORDER BY occurred_at LIMIT 1"
        )
        duplicates = [detector for detector in load_detectors() if detector.id == "duplicate-effect"]
        assert detect(store, duplicates).findings


def test_one_loud_finding_is_enough_to_exceed(quiet: ModuleType) -> None:
    tally = quiet.Tally()
    tally.take(1000, 100, [])
    assert not tally.exceeds
    finding = _a_finding()
    tally.take(1000, 100, [finding])
    assert (tally.alarms, tally.rate, tally.exceeds) == (1, 0.005, False)
    tally.take(1000, 100, [replace(finding, severity="high")])
    assert tally.exceeds


def _a_finding() -> Finding:
    """One job that took an hour instead of two minutes."""
    detector = next(detector for detector in load_detectors() if detector.id == "duration-outlier")
    chance = Random("one slow run")
    history = draw_history(chance, FAMILIES["log-normal 0.1"], 60)
    hour, _ = history[30]
    history[30] = (hour, 3600.0)
    with Store.memory() as store:
        plant_histories(store, [("octo/shop", "build", history)])
        (finding,) = detect(store, [detector]).findings
    return finding
