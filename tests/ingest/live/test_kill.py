"""SIGKILL at random points of one ingest, resumed each time: the case is as if nothing had happened.

The world's clock stands still, so that both cases list the same windows. Not compared are the tables and columns
that tell how a case was made (`drive.NOT_COMPARED`): who asked when, and which answers are remembered.
"""

import os
import random
import time

import pytest

from forensics.ingest.evidence import verify
from tests.ingest.live.drive import rows, tables
from tests.ingest.live.zygote import Zygote
from tests.standin.builders import dense_world
from tests.standin.server import StandIn

BEGUN = 1_796_000_000.0
UNDER_WAY = 6
"""Pieces of work at a time (``Policy.concurrency``)."""


class Progress:
    """Tells through a pipe when so many different things have been asked for."""

    def __init__(self, world):
        self.seen = set()
        self.asked = 0
        self.threshold = None
        self.read, self._write = os.pipe()
        self._told = world.asked
        world.asked = self._hear

    def _hear(self, target):
        self._told(target)
        self.asked += 1
        self.seen.add(target)
        if self.threshold is not None and len(self.seen) >= self.threshold:
            self.threshold = None
            os.write(self._write, b".")

    def wait_for(self, threshold):
        self.threshold = max(threshold, len(self.seen) + 1)

    def close(self):
        os.close(self.read)
        os.close(self._write)


def still_world(runs, reruns):
    """A world whose clock does not move."""
    return dense_world(runs, reruns, clock=lambda: BEGUN, limit=1_000_000)


def start(zygote, stand_in, folder):
    return zygote.start(
        folder, "ingest", "--repo", "acme/storefront", "--since", "400d", "--case", "case",
        GITHUB_API_URL=stand_in.api_url, GH_TOKEN="tok",
    )  # fmt: skip


def finish(zygote, stand_in, folder):
    running = start(zygote, stand_in, folder)
    assert running.code() == 0, running.said.read_text()


def killed(zygote, stand_in, folder, progress, threshold, delay):
    """Whether the ingest was killed, ``delay`` seconds after the threshold, before it ended."""
    progress.wait_for(threshold)
    running = start(zygote, stand_in, folder)
    if not running.ended_within(20, progress.read):
        os.read(progress.read, 1)
        if not running.ended_within(delay):
            running.kill()
    progress.threshold = None
    return ended_by_kill(running)


def ended_by_kill(running):
    code = running.code()
    assert code in (0, -9), running.said.read_text()
    return code == -9


def contents(case):
    """Every evidence file that the case was made from."""
    return rows(case, "SELECT path, sha256 FROM evidence ORDER BY path")


@pytest.mark.slow
def test_killed_at_50_random_points(tmp_path, capsys):
    """Issue 3, "What must be shown" 3."""
    kills, rng = 50, random.Random(2)
    world = still_world(12, 2)
    (tmp_path / "unbroken").mkdir()
    (tmp_path / "killed").mkdir()
    with StandIn(world) as stand_in, Zygote() as zygote:
        progress = Progress(world)
        try:
            began = time.monotonic()
            finish(zygote, stand_in, tmp_path / "unbroken")
            whole = time.monotonic() - began
            things, unbroken = len(progress.seen), progress.asked
            progress.seen.clear()
            progress.asked = 0
            thresholds = sorted(rng.randint(1, things) for _ in range(kills))
            struck, in_load = 0, 0
            scratch = tmp_path / "killed/case/.loading"
            for threshold in thresholds:
                delay = rng.choice((0.0, 0.0, rng.uniform(0, 0.05), rng.uniform(0, whole / 2)))
                struck += killed(zygote, stand_in, tmp_path / "killed", progress, threshold, delay)
                in_load += scratch.exists()
            # What the last loads do asks for nothing: those are killed by the clock.
            while struck < kills:
                running = start(zygote, stand_in, tmp_path / "killed")
                if not running.ended_within(rng.uniform(0, whole / 3)):
                    running.kill()
                struck += ended_by_kill(running)
                in_load += scratch.exists()
            finish(zygote, stand_in, tmp_path / "killed")
            asked = progress.asked
        finally:
            progress.close()
    with capsys.disabled():
        print(
            f"\n  {struck} kills ({in_load} of them in a load) of an ingest of {unbroken} requests that takes "
            f"{whole:.1f} s: {asked} requests in all, {(asked - unbroken) / struck:.1f} more a kill; "
            f"{time.monotonic() - began:.1f} s"
        )
    whole_case, killed_case = tmp_path / "unbroken/case", tmp_path / "killed/case"
    assert tables(killed_case) == tables(whole_case)
    assert contents(killed_case) == contents(whole_case)
    assert verify(killed_case / "evidence").changed == verify(killed_case / "evidence").missing == ()
    # Nothing whose answer was noted is asked for again.
    tries = "SELECT kind, key, state, tries FROM work WHERE kind <> 'deployments' ORDER BY ALL"
    assert rows(killed_case, tries) == rows(whole_case, tries)
    # What was under way is asked again: pieces, of which some are two requests (the second asked for and not noted).
    listing = 4
    assert asked <= unbroken + (struck + 1) * (listing + 2 * 2 * UNDER_WAY)
