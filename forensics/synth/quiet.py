"""A history in which nothing is wrong: people push in working hours, merges keep their distance, nothing races.

What makes it quiet, and is tested over many seeds: no two runs of one workflow and branch execute at the same
time, nothing is created twice, and what reaches a target comes in the order of the commits.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from forensics.synth.commits import AREAS, PEOPLE, Commit, make_branch, make_sha, make_subject
from forensics.synth.execute import Cancellation, Twist, rerun, start_run
from forensics.synth.history import START, History, Run
from forensics.synth.template import load_workflow

_MERGE_GAP = 26
"""Minutes between two merges: longer than the slowest workflow, so serial without any lock."""

_SHIFTS = ((8 * 60, 12 * 60 + 20), (14 * 60 + 45, 17 * 60 + 40))
"""Minutes of the day in which people merge; between them lies the window for incidents."""

_DAY = (7 * 60, 18 * 60 + 30)
"""Minutes of the day in which people push."""

_AREA_CARDS = ["apps"] * 9 + ["packages"] * 4 + ["docs"] * 3 + ["infra"] * 2 + ["tests"] * 2
"""What twenty merges touch, in some order: drawn like cards, so that no workflow stays unused for weeks."""

_FIRST_PULL_REQUEST = 1180


@dataclass
class _Ledger:
    """What has happened so far."""

    rng: Random
    main: list[Commit] = field(default_factory=list)
    """The default branch, oldest first."""
    branches: list[Commit] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    releases: int = 0
    pull_requests: int = _FIRST_PULL_REQUEST
    areas: list[str] = field(default_factory=list)

    def draw_area(self) -> str:
        if not self.areas:
            self.areas = self.rng.sample(_AREA_CARDS, len(_AREA_CARDS))
        return self.areas.pop()

    def tip_at(self, moment: datetime) -> Commit:
        return self.main[bisect_right(self.main, moment, key=lambda commit: commit.pushed_at) - 1]


def live_quietly(*, seed: int = 7, days: int = 14, runs_per_day: int = 25) -> History:
    """A quiet history of ``acme/storefront``; the same arguments give the same history."""
    rng = Random(f"forensics quiet {seed}")  # noqa: S311 - made-up data must be repeatable, not secret
    ledger = _Ledger(rng)
    before = START - timedelta(days=3)
    ledger.main.append(Commit(make_sha(rng), "main", "Open the shop", PEOPLE[0], before, before, "tests"))
    working = [day for day in range(days) if (START + timedelta(days=day)).weekday() < 5]
    wanted = runs_per_day * days
    merges_a_day = max(1, min(14, round(wanted / max(1, len(working)) / 6.6)))
    left_for_branches = wanted - days - merges_a_day * len(working) * 2
    pushes = max(1.0, left_for_branches / max(1, merges_a_day * len(working)) / 1.1)
    for day in range(days):
        _check_drift(ledger, START + timedelta(days=day))
        if day in working:
            for minute in _merge_minutes(merges_a_day, rng):
                _merge(ledger, working.index(day), day, minute, pushes)
    lived = History("acme", "storefront", seed, days, (*ledger.main, *ledger.branches), tuple(ledger.runs))
    return lived.joined_by((), ())


def push_to_main(commit: Commit, rng: Random, *, delay: float = 0.9) -> dict[str, datetime]:
    """Which workflows a push to the default branch starts, and when their runs are created."""
    files = [file for file in ("ci.yml", AREAS[commit.area]) if file]
    moment = commit.pushed_at + timedelta(seconds=delay)
    created = {}
    for file in files:
        moment += timedelta(milliseconds=rng.randrange(40, 300))
        created[file] = moment
    return created


def make_facts(file: str, rng: Random, version: str = "", previous: str = "") -> dict[str, str]:
    """What the logs of a run of this workflow need to know."""
    match file:
        case "release.yml":
            return {"version": version, "previous": previous}
        case "infra.yml":
            add, change = rng.randrange(1, 4), rng.randrange(0, 3)
            return {"add": str(add), "change": str(change)}
        case _:
            return {}


def _merge_minutes(count: int, rng: Random) -> list[int]:
    """Minutes of the day, at least `_MERGE_GAP` apart."""
    lengths = [end - start for start, end in _SHIFTS]
    morning = round(count * lengths[0] / sum(lengths))
    minutes: list[int] = []
    for (start, end), wanted in zip(_SHIFTS, (morning, count - morning), strict=True):
        fitting = min(wanted, (end - start) // _MERGE_GAP)
        slack = end - start - max(0, fitting - 1) * _MERGE_GAP
        offsets = sorted(rng.randrange(slack) for _ in range(fitting))
        minutes += [start + offset + place * _MERGE_GAP for place, offset in enumerate(offsets)]
    return minutes


def _check_drift(ledger: _Ledger, day: datetime) -> None:
    """The nightly plan; GitHub starts schedules some minutes late."""
    rng = ledger.rng
    created = day + timedelta(hours=3, minutes=17, seconds=rng.uniform(70, 560))
    twists = {("plan", "Terraform plan"): Twist(mode="no-changes")}
    tip = ledger.tip_at(created)
    # Known to every attempt: one that is asked for later finds as little to change.
    facts = {"add": "0", "change": "0"}
    ledger.runs.append(
        start_run(load_workflow("infra.yml"), tip, "schedule", created, rng, twists=twists, facts=facts)
    )


def _merge(ledger: _Ledger, working_day: int, day: int, minute: int, pushes: float) -> None:
    """A pull request's life, from its first push to what its merge sets off."""
    rng = ledger.rng
    area = ledger.draw_area()
    subject = make_subject(rng, area)
    ledger.pull_requests += rng.randrange(1, 4)
    number = ledger.pull_requests
    author = rng.choice(PEOPLE)
    branch = make_branch(rng, subject, number)
    merged_at = START + timedelta(days=day, minutes=minute, seconds=rng.uniform(0, 59))
    for moment in _push_times(working_day, minute, max(1, round(rng.gauss(pushes, 0.9))), rng):
        authored = moment - timedelta(seconds=rng.uniform(20, 400))
        commit = Commit(make_sha(rng), branch, subject, author, authored, moment, area, number)
        _push_to_branch(ledger, commit)
    merger = rng.choice(PEOPLE)
    commit = Commit(make_sha(rng), "main", f"{subject} (#{number})", author, merged_at, merged_at, area, number)
    ledger.main.append(commit)
    for file, created in push_to_main(commit, rng).items():
        if file == "release.yml":
            ledger.releases += 1
        facts = make_facts(file, rng, f"2.{ledger.releases}.0", f"2.{ledger.releases - 1}.0")
        ledger.runs.append(start_run(load_workflow(file), commit, "push", created, rng, actor=merger, facts=facts))


def _push_times(working_day: int, minute: int, count: int, rng: Random) -> list[datetime]:
    """Moments of the pushes before a merge, counted back in working time; oldest first."""
    length = _DAY[1] - _DAY[0]
    clock = working_day * length + minute - _DAY[0]
    moments = []
    for _ in range(count):
        clock -= rng.randrange(38, 95)
        if clock < 0:
            break
        days, minutes = divmod(clock, length)
        weekend = days // 5 * 2
        moments.append(START + timedelta(days=days + weekend, minutes=_DAY[0] + minutes, seconds=rng.uniform(0, 59)))
    return moments[::-1]


def _push_to_branch(ledger: _Ledger, commit: Commit) -> None:
    """One push to a pull request: mostly green, sometimes red, flaky, or overtaken by the next push."""
    rng = ledger.rng
    ledger.branches.append(commit)
    created = commit.pushed_at + timedelta(seconds=rng.uniform(1.2, 2.6))
    workflow = load_workflow("ci.yml")
    facts = {
        "pull_request": str(commit.pull_request),
        "merge_sha": make_sha(rng),
        "base_sha": ledger.tip_at(commit.pushed_at).sha,
    }
    course = rng.choices(("green", "red", "flaky", "overtaken"), (82, 6, 6, 6))[0]
    if course == "red":
        twists = {("lint", "Lint"): Twist(conclusion="failure", mode="problems")}
        ledger.runs.append(start_run(workflow, commit, "pull_request", created, rng, twists=twists, facts=facts))
    elif course == "flaky":
        leg = rng.choice(("test (20)", "test (22)"))
        twists = {(leg, "Integration tests"): Twist(conclusion="failure", mode="flaky")}
        run = start_run(workflow, commit, "pull_request", created, rng, twists=twists, facts=facts)
        again = run.latest.ended_at + timedelta(seconds=rng.uniform(60, 500))
        helper = rng.choice((commit.author, rng.choice(PEOPLE)))
        ledger.runs.append(rerun(run, workflow, again, helper, rng, only_failed=True))
    elif course == "overtaken":
        _overtake(ledger, commit, created, facts)
    else:
        ledger.runs.append(start_run(workflow, commit, "pull_request", created, rng, facts=facts))


def _overtake(ledger: _Ledger, commit: Commit, created: datetime, facts: dict[str, str]) -> None:
    """A second push a minute or two later cancels the first one's run, and starts when that has let go."""
    rng = ledger.rng
    workflow = load_workflow("ci.yml")
    again = commit.pushed_at + timedelta(seconds=rng.uniform(45, 150))
    second = Commit(
        make_sha(rng), commit.branch, commit.subject, commit.author, again, again, commit.area, commit.pull_request
    )
    arrives = again + timedelta(seconds=rng.uniform(1.2, 2.6))
    group = f"ci-refs/pull/{commit.pull_request}/merge"
    reason = f"Canceling since a higher priority waiting request for {group} exists"
    cancellation = Cancellation(arrives + timedelta(seconds=rng.uniform(0.5, 1.5)), reason)
    first = start_run(workflow, commit, "pull_request", created, rng, cancellation=cancellation, facts=facts)
    begins = max(arrives, first.latest.ended_at) + timedelta(seconds=rng.uniform(0.6, 2.0))
    ledger.branches.append(second)
    ledger.runs += [
        first,
        start_run(
            workflow,
            second,
            "pull_request",
            arrives,
            rng,
            begins_at=begins,
            facts={**facts, "merge_sha": make_sha(rng)},
        ),
    ]
