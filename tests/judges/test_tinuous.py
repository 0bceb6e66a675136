"""tinuous, which archives CI logs, fetches what the stand-in has; our own ingest beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.judges import truth
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


def test_tinuous_fetches_the_latest_attempts(
    installed: Callable[[str], Program], verdict: Callable[[str], None]
) -> None:
    """Proves: workflows, runs by workflow, commits' pull requests, archives; each file byte for byte.

    It asks for ``runs/ID/logs`` alone, so that of a run that was run again the first attempt is lost.
    """
    world = dense_world(600, 30)
    tinuous = installed("tinuous")
    (tinuous.folder / "tinuous.yaml").write_text(CONFIG)
    with StandIn(world, tls=True, judge=Judge.load()) as github:
        tinuous.say("-l", "WARNING", "fetch", **led_to(github))
        asked = len(github.asked()) - len(github.asked("download"))
    kept = _read(tinuous.folder / "logs")
    wanted = {str(run.run_id): truth.tell_archive(world, run, run.latest) for run in truth.runs(world)}
    assert kept == wanted
    files = sum(len(members) for members in kept.values())
    attempts = truth.tell_attempts(world)
    assert len(kept) == 600
    assert len(attempts) == 630
    verdict(f"tinuous: {files} log files of {len(kept)} of {len(attempts)} attempts, {asked} requests")


def _read(folder: Path) -> dict[str, dict[str, bytes]]:
    """Run id → name → bytes."""
    return {
        run.name: {path.relative_to(run).as_posix(): path.read_bytes() for path in run.rglob("*") if path.is_file()}
        for run in folder.iterdir()
    }
