"""Worlds of several sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from forensics.synth.commits import AREAS, PEOPLE, Commit, make_sha, make_subject
from forensics.synth.execute import Twist, start_run
from forensics.synth.history import START, History, Run
from forensics.synth.quiet import live_quietly, make_facts
from forensics.synth.template import load_workflow
from tests.standin.state import run_again
from tests.standin.world import World

_CROWD_FROM = 51_000_000_000


@dataclass(frozen=True)
class NumberedRun(Run):
    """A run whose id is given: more than one may be created in the same millisecond."""

    given_id: int = 0

    @property
    def run_id(self) -> int:
        """The given one."""
        return self.given_id


def quiet_world(seed: int = 7, days: int = 3, runs_per_day: int = 12, **options: Any) -> World:
    """A few days of ``acme/storefront`` in which nothing is wrong; options go to `World`."""
    return World([live_quietly(seed=seed, days=days, runs_per_day=runs_per_day)], **options)


def dense_world(runs: int = 600, reruns: int = 30, *, seed: int = 7, **options: Any) -> World:
    """So many runs, every attempt of which has logs, and so many of them run again once.

    Red and flaky runs are run again in part, others as a whole; several workflows, some runs cancelled.
    """
    days = 14
    history = live_quietly(seed=seed, days=days, runs_per_day=runs // days + 9)
    while len(_logged(history)) < runs:
        days += 7
        history = live_quietly(seed=seed, days=days, runs_per_day=runs // 14 + 9)
    chosen = _logged(history)[:runs]
    rng = Random(f"forensics dense {seed}")
    failed = [run for run in chosen if run.latest.conclusion == "failure"]
    others = [run for run in chosen[:: max(1, runs // max(1, reruns))] if run.latest.conclusion != "failure"]
    again: set[int] = set()
    for run in [*failed[: reruns // 2], *others, *chosen]:
        if len(again) < reruns:
            again.add(run.run_id)
    lived = tuple(_run_again(run, rng) if run.run_id in again else run for run in chosen)
    return World([replace(history, runs=lived).joined_by((), ())], **options)


def one_day_world(runs: int = 3500, *, in_one_second: int = 40, seed: int = 7, **options: Any) -> World:
    """So many runs created on 3 November 2026, ``in_one_second`` of them within the second 12:00:00.

    All are short docs runs of one repository; ids grow with time but are not made from it.
    """
    rng = Random(f"forensics crowd {seed}")
    day = START + timedelta(days=1)
    spread = sorted(rng.uniform(0, 86_399) for _ in range(runs - in_one_second))
    burst = [43_200 + place / max(1, in_one_second) for place in range(in_one_second)]
    workflow = load_workflow("docs.yml")
    told: list[Run] = []
    for place, seconds in enumerate(sorted([*spread, *burst])):
        moment = day + timedelta(seconds=seconds)
        author = PEOPLE[place % len(PEOPLE)]
        commit = Commit(make_sha(rng), "main", make_subject(rng, "docs"), author, moment, moment, "docs")
        event = ("push", "workflow_dispatch")[place % 2]
        run = start_run(workflow, commit, event, moment, rng)
        told.append(
            NumberedRun(
                **{name: getattr(run, name) for name in Run.__dataclass_fields__}, given_id=_CROWD_FROM + place * 7
            )
        )
    history = History("acme", "storefront", seed, 1, tuple(run.commit for run in told), tuple(told))
    return World([history.joined_by((), ())], **options)


def tiny_world(**options: Any) -> World:
    """Five runs, one of each workflow, oldest first: CI (red), Release, Deploy, Infrastructure, Docs."""
    rng = Random("forensics tiny")
    runs: list[Run] = []
    commits: list[Commit] = []
    areas = {"ci.yml": "tests"} | {file: area for area, file in AREAS.items() if file}
    for place, file in enumerate(("ci.yml", "release.yml", "deploy.yml", "infra.yml", "docs.yml")):
        moment = START + timedelta(hours=8 + place)
        area = areas[file]
        commit = Commit(make_sha(rng), "main", make_subject(rng, area), PEOPLE[place], moment, moment, area)
        twists = {("lint", "Lint"): Twist(conclusion="failure", mode="problems")} if file == "ci.yml" else {}
        facts = make_facts(file, rng, "2.1.0", "2.0.0")
        commits.append(commit)
        created = moment + timedelta(seconds=1)
        runs.append(start_run(load_workflow(file), commit, "push", created, rng, twists=twists, facts=facts))
    history = History("acme", "storefront", 7, 1, tuple(commits), tuple(runs))
    return World([history.joined_by((), ())], **options)


def second_repository(history: History, owner: str = "acme", name: str = "warehouse") -> History:
    """The same life under another name: give both to `World`."""
    return replace(history, owner=owner, name=name)


def _logged(history: History) -> list[Run]:
    """First attempts alone, of runs in which something ran."""
    first = [replace(run, attempts=run.attempts[:1]) for run in history.runs]
    return [run for run in first if any(job.executed for job in run.latest.jobs)]


def _run_again(run: Run, rng: Random) -> Run:
    at = run.latest.ended_at + timedelta(seconds=rng.uniform(90, 900))
    only_failed = run.latest.conclusion == "failure"
    return run_again(run, at, rng.choice(PEOPLE), rng, only_failed=only_failed)
