"""Stopped early for any reason, and gone on with: the case is as if nothing had happened.

The world's clock stands still but for the waits, so that both cases list the same windows.
"""

import asyncio
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from forensics.errors import Interrupted, LimitReached
from tests.ingest.live.drive import ingest, patience, rows, tables
from tests.standin.builders import tiny_world
from tests.standin.server import StandIn

BEGUN = 1_796_000_000.0


def state(case):
    """The same, but for how often a thing was tried, and at which commits a workflow file was looked at.

    Which commits those are follows from what is known when it is asked. The file is the same everywhere; a part of it
    is known from its neighbours (``between``) or was read (``exact``).
    """
    kept = "repository, kind, key, run_id, attempt, job_id, version, state"
    versions = "SELECT repository, path, commit, blob FROM workflow_versions ORDER BY ALL"
    apart = ("work", "workflow_versions", "concurrency_groups")
    compared = {name: digest for name, digest in tables(case).items() if name not in apart}
    compared["groups"] = rows(
        case, "SELECT run_id, attempt, job_id, group_name, source FROM concurrency_groups ORDER BY ALL"
    )
    work = rows(case, f"SELECT {kept} FROM work ORDER BY ALL")
    return compared | {"work": work, "workflow_versions": rows(case, versions)}


@dataclass(frozen=True)
class Clean:
    """A stand-in, and what an unbroken ingest of it gives and asks."""

    stand_in: StandIn
    tables: dict
    state: dict
    requests: int

    def asked(self, number, change):
        """Just before the n-th request from now something happens."""
        self.stand_in.world.before("", change, nth=number)

    @contextmanager
    def counting(self, allowed):
        """At most so many more requests than an unbroken ingest makes."""
        before = len(self.stand_in.asked())
        yield
        assert len(self.stand_in.asked()) - before <= self.requests + allowed


def still(world, **options):
    """A policy whose waits take no time at all: the windows stay as they are."""

    async def sleep(seconds):
        await asyncio.sleep(0)

    return replace(patience(world)[0], sleep=sleep, **options)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    case = tmp_path_factory.mktemp("clean") / "case"
    world = tiny_world(clock=lambda: BEGUN, limit=1_000_000)
    world.rerun(world.run_ids()[0], only_failed=True)
    with StandIn(world) as stand_in:
        ingest(stand_in, case, policy=still(stand_in.world))
        yield Clean(stand_in, tables(case), state(case), len(stand_in.asked()))


def go_on(clean, case, **options):
    ingest(clean.stand_in, case, policy=still(clean.stand_in.world, **options))


LISTS = 4
"""Asked for at each ingest: the repository, its runs, the deployments; and one page that was under way."""
UNDER_WAY = 6


def test_stopped_by_a_signal_at_any_request(tmp_path, clean):
    """Ctrl-C while the n-th request is under way; the same call then goes on from there."""
    codes = []
    points = range(1, clean.requests - 5, 2)
    for number in points:
        case = tmp_path / str(number)
        with clean.counting(LISTS):
            clean.asked(number, lambda _: os.kill(os.getpid(), signal.SIGINT))
            try:
                go_on(clean, case)
            except Interrupted as error:
                codes.append(error.exit_code)
            except KeyboardInterrupt:  # it came between two stages
                codes.append(130)
            go_on(clean, case)
        assert tables(case) == clean.tables
    assert codes == [130] * len(points)


def test_a_second_signal_leaves_what_is_under_way(tmp_path, clean, monkeypatch):
    monkeypatch.setattr(clean.stand_in, "latency", 0.2)
    for number in (4, 5):
        clean.asked(number, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with clean.counting(LISTS + UNDER_WAY):
        with pytest.raises(Interrupted) as stopped:
            go_on(clean, tmp_path / "case")
        assert stopped.value.exit_code == 143
        go_on(clean, tmp_path / "case")
    assert tables(tmp_path / "case") == clean.tables


@pytest.mark.parametrize("budget", [1, 2, 3, 7, 12, 25])
def test_a_budget_and_then_the_rest(budget, tmp_path, clean):
    """What the first part fetched is loaded at once, and nothing whole is asked for again but the lists."""
    case = tmp_path / "case"
    with clean.counting(LISTS + 2):
        with pytest.raises(LimitReached) as stopped:
            go_on(clean, case, budget=budget)
        assert str(budget) in stopped.value.message
        loaded = rows(case, "SELECT count(*) FROM evidence")[0][0]
        go_on(clean, case)
    assert tables(case) == clean.tables
    assert loaded > 0 or budget == 1


def test_so_many_requests_at_a_time_until_it_is_done(tmp_path, clean):
    case = tmp_path / "case"
    stopped = 0
    while stopped < 30:
        try:
            go_on(clean, case, budget=9)
            break
        except LimitReached:
            stopped += 1
    assert 3 <= stopped <= clean.requests // 4
    assert state(case) == clean.state
