"""tinuous, which archives CI logs, fetches what the stand-in has; our own ingest beside it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.judges import truth
from tests.judges.ours import Case
from tests.judges.program import Program, led_to
from tests.standin import Judge, StandIn, dense_world

pytestmark = pytest.mark.judge
CONFIG = f"""\
repo: {truth.REPOSITORY}
since: 2026-11-01T00:00:00Z
max-days-back: 36500
ci:
  github:
    paths:
      logs: 'logs/{{run_id}}'
"""


def test_beside_our_ingest(installed: Callable[[str], Program], case: Case, verdict: Callable[[str], None]) -> None:
    """Proves: workflows, runs by workflow, commits' pull requests, archives; each file byte for byte.

    It asks for ``runs/ID/logs`` alone, so that of a run that was run again the first attempt is lost. Our ingest
    keeps the archive of each attempt, byte for byte as sent.
    """
    world = dense_world(600, 30)
    tinuous = installed("tinuous")
    (tinuous.folder / "tinuous.yaml").write_text(CONFIG)
    with StandIn(world, tls=True, judge=Judge.load()) as github:
        theirs = _measure(github, lambda: tinuous.say("-l", "WARNING", "fetch", **led_to(github)))
    assert set(github.tunnels) == {"api.github.com", truth.BLOBS}
    with StandIn(world, judge=Judge.load()) as github:
        ours = _measure(github, lambda: case.ingest(github))
        kinds = Counter(seen.kind for seen in github.asked() if seen.origin == "api")

    kept = _read(tinuous.folder / "logs")
    assert kept == {str(run.run_id): truth.tell_archive(world, run, run.latest) for run in truth.runs(world)}
    attempts = {(run.run_id, attempt.number): (run, attempt) for run in truth.runs(world) for attempt in run.attempts}
    archives = case.archives()
    assert archives == {key: truth.tell_zip(world, *attempt) for key, attempt in attempts.items()}
    logged = case.rows("SELECT DISTINCT run_id, attempt FROM log_lines")
    assert {(row["run_id"], row["attempt"]) for row in logged} == set(attempts)

    assert (len(kept), len(archives), len(attempts)) == (600, 630, 630)
    verdict("tinuous beside our ingest    attempts  API requests  downloads  seconds")
    for name, count, told in (("tinuous", len(kept), theirs), ("forensics", len(archives), ours)):
        share = f"{count}/{len(attempts)}"
        verdict(f"  {name:26} {share:>8}  {told.requests:12,}  {told.downloads:9,}  {told.seconds:7.1f}")
    verdict("  forensics asked for " + ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common()))


@dataclass(frozen=True)
class _Cost:
    requests: int
    downloads: int
    seconds: float


def _measure(github: StandIn, act: Callable[[], object]) -> _Cost:
    began = time.monotonic()
    act()
    took = time.monotonic() - began
    downloads = len(github.asked("download"))
    judge = Judge.load()
    assert judge is None or judge.log(github.asked()) == []  # GitHub's description allows every request
    return _Cost(len(github.asked()) - downloads, downloads, took)


def _read(folder: Path) -> dict[str, dict[str, bytes]]:
    """Run id → name → bytes."""
    return {
        run.name: {path.relative_to(run).as_posix(): path.read_bytes() for path in run.rglob("*") if path.is_file()}
        for run in folder.iterdir()
    }
