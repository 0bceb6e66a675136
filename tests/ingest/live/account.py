"""What a case says of an ingest, and in what it differs from the case of the same repository in good health."""

import asyncio
import os
import subprocess
import sys
from collections import Counter

from forensics import pipeline
from forensics.cli.status import describe
from forensics.config import Config
from tests.ingest.live.drive import ingest, patience, rows, tables
from tests.standin import faults, tiny_world

NOW = 1_793_710_000.0
"""A day after the runs of the small world; it stands still, so that two ingests of it ask the same."""
CI, RELEASE, DEPLOY, INFRA, DOCS = 42333601000, 42337201000, 42340801000, 42344401000, 42348001000
"""The runs of the small world: CI is red and has five jobs, one of them skipped; each of the others is green."""
TEST_22, LINT = 133336021372, 133336028190
"""Jobs of CI: the first, and the one that failed and has an annotation."""


def still_world(**options):
    """Five runs, seen at a moment that does not pass by itself."""
    return tiny_world(clock=lambda: NOW, **options)


def hasty(world, **options):
    """A policy that does not wait between tries, so that no time passes: only for what waits for no limit."""

    async def sleep(seconds):
        await asyncio.sleep(0)

    return patience(world, sleep=sleep, **options)[0]


def work(case):
    """What became of each thing: {(kind, key): state}."""
    return {(kind, key): state for kind, key, state in rows(case, "SELECT kind, key, state FROM work")}


def unlike(case, clean):
    """{(kind, key): state} of things whose state is another than in the clean case; None: not known at all."""
    here, there = work(case), work(clean)
    return {thing: here.get(thing) for thing in sorted(here | there) if here.get(thing) != there.get(thing)}


def differing(case, clean):
    """Names of the tables whose rows differ."""
    here, there = tables(case), tables(clean)
    return {name for name in here | there if here.get(name) != there.get(name)}


def problems(case):
    """How many problems of each kind."""
    return Counter(kind for (kind,) in rows(case, "SELECT kind FROM problems"))


def details(case, kind):
    """What the problems of a kind say."""
    return [row[0] for row in rows(case, "SELECT detail FROM problems WHERE kind = $kind ORDER BY 1", kind=kind)]


def told(case):
    """What ``forensics status`` prints."""
    return "\n".join(describe(pipeline.status(Config(case)), 220))


def outcomes(case):
    """How each ingest ended, the first one first."""
    return [row[0] for row in rows(case, "SELECT outcome FROM ingests ORDER BY ingest_no")]


def beside(stand_in, tmp_path, *wrong, **options):
    """Two cases of the same repository: one taken in good health, one with these faults. Gives both, and the summary.

    The log of requests begins anew for the second one.
    """
    ingest(stand_in, tmp_path / "clean")
    stand_in.requests.clear()
    stand_in.inject(*wrong)
    summary = ingest(stand_in, tmp_path / "case", **options)
    return tmp_path / "case", tmp_path / "clean", summary


def altered(alter, **when):
    """A fault that changes the JSON of answers; see `Fault.on` for which."""
    return faults.with_json(alter).on(**when)


def command_line(folder, *arguments, **environment):
    """Exit code, stdout and stderr of ``forensics`` in a process of its own."""
    bare = {"PATH": os.environ["PATH"], "HOME": str(folder), "GH_TOKEN": "tok"}
    ended = subprocess.run(
        [sys.executable, "-m", "forensics", *arguments],
        cwd=folder, env=bare | environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout, ended.stderr
