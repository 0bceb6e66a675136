"""What happened twice against a second opinion: plain Python that looks at every pair, on random histories."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from itertools import combinations, pairwise
from typing import Any

import pytest
from history_tables import FIRST_DAY, Row, clear, plant

from forensics.detect.detector import load_detectors
from forensics.detect.run import detect
from forensics.model import Finding
from forensics.store.store import Store

DETECTORS = {detector.id: detector for detector in load_detectors()}
STORE = Store.memory()
SEEDS = range(40)

History = dict[str, list[Row]]

OF_IDENTITIES = ("duplicate-effect", "publish-conflict", "version-race", "repeated-effect")


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_tried_twice_is_told_once_by_the_detector_whose_ground_it_is(seed: int) -> None:
    history = identities_history(seed)
    jobs = {job["job_id"]: job for job in history["jobs"]}
    tries: dict[tuple[str, str], dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for effect in history["effects"]:
        if effect["outcome"] in ("done", "rejected", "unknown"):
            tries[effect["effect"], effect["identity"]][effect["job_id"]].append(effect)
    expected = {
        (ground, thing[1]): len(by_job)
        for thing, by_job in tries.items()
        if (ground := ground_of(thing[0], by_job, jobs)) is not None
    }
    told = {
        (finding.detector, finding.values["identity"])
        for finding in run(OF_IDENTITIES, history)
        if finding.detector != "version-race"
    }
    assert told == {key for key in expected if key[0] != "version-race"}
    # One race is one finding, however many tags it was about.
    races = run(("version-race",), history)
    assert sum(finding.values["identities"] for finding in races) == sum(key[0] == "version-race" for key in expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_schedule_overlap_finds_what_looking_at_every_second_finds(seed: int) -> None:
    history = schedule_history(seed)
    events = {row["run_id"]: row["event"] for row in history["runs"]}
    spans = {job["run_id"]: (job["from"], job["to"]) for job in history["jobs"]}
    met: dict[str, set[int]] = defaultdict(set)
    longest: dict[str, int] = {}
    for one, other in combinations(sorted(spans), 2):
        first, second = sorted((one, other), key=lambda run_id: (*spans[run_id], run_id))
        kinds = {events[one], events[other]}
        common = min(spans[first][1], spans[second][1]) - spans[second][0]
        if "schedule" not in kinds or not kinds <= {"schedule", "workflow_dispatch"} or common <= 0:
            continue
        kind = "dispatch" if len(kinds) == 2 else "schedule"
        met[kind].add(second)
        longest[kind] = max(longest.get(kind, 0), common)
    assert {
        finding.values["kind"]: (
            finding.values["meetings"],
            finding.values["overlap_seconds"],
            finding.precision == "certain",
        )
        for finding in run(("schedule-overlap",), history)
    } == {kind: (len(met[kind]), longest[kind], longest[kind] > 2) for kind in met}


@pytest.mark.parametrize("seed", SEEDS)
def test_twin_runs_finds_what_comparing_all_neighbours_finds(seed: int) -> None:
    history = twins_history(seed)
    pairs: dict[str, int] = defaultdict(int)
    lanes: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    branches: dict[tuple[Any, ...], list[tuple[int, int, str]]] = defaultdict(list)
    for row in history["runs"]:
        lanes[row["event"], row["head_branch"], row["head_sha"]].append(row["from"])
        branches[row["head_branch"], row["head_sha"]].append((row["from"], row["run_id"], row["event"]))
    for created in lanes.values():
        pairs["same-event"] += sum(later - earlier <= 5 for earlier, later in pairwise(sorted(created)))
    for members in branches.values():
        pairs["push-and-pull-request"] += sum(
            later[0] - earlier[0] <= 5 and {earlier[2], later[2]} == {"push", "pull_request"}
            for earlier, later in pairwise(sorted(members))
        )
    assert {finding.values["kind"]: finding.values["pairs"] for finding in run(("twin-runs",), history)} == {
        kind: count for kind, count in pairs.items() if count
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_duplicate_create_finds_what_walking_along_each_target_finds(seed: int) -> None:
    history = issues_history(seed)
    posts: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for effect in history["effects"]:
        posts[effect["target"]].append((effect["to"], effect["run_id"]))
    expected = []
    for target, made in posts.items():
        # What one run makes in a row counts once, at its first.
        firsts = sorted(
            {run_id: second for second, run_id in sorted(made, reverse=True)}.items(), key=lambda x: x[::-1]
        )
        expected += [
            (target, len(chain), chain[-1][0] - chain[0][0], sorted(run_id for _, run_id in chain))
            for chain in chains((second, run_id) for run_id, second in firsts)
            if len(chain) > 1
        ]
    assert sorted(
        (
            finding.target,
            finding.values["made"],
            finding.values["span_seconds"],
            [ref.run_id for ref in finding.runs],
        )
        for finding in run(("duplicate-create",), history)
    ) == sorted(expected)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("ids", "make"),
    [
        (OF_IDENTITIES, "identities_history"),
        (("schedule-overlap",), "schedule_history"),
        (("twin-runs",), "twins_history"),
        (("duplicate-create",), "issues_history"),
    ],
)
def test_what_two_repositories_tell_together_is_what_each_tells_alone(
    seed: int, ids: tuple[str, ...], make: str
) -> None:
    one, other = globals()[make](seed), in_repository(globals()[make](seed + 100), "octo/till", 1000)
    together = {table: [*one.get(table, []), *other.get(table, [])] for table in {*one, *other}}
    alone = [*run(ids, one), *run(ids, other)]
    assert sorted(finding.id for finding in run(ids, together)) == sorted(finding.id for finding in alone)


@pytest.mark.parametrize(("common", "sure"), [(0, None), (1, False), (2, False), (3, True)])
def test_an_overlap_must_survive_a_second_at_both_ends_to_be_certain(common: int, sure: bool | None) -> None:
    rows = [scheduled(1, "schedule", 0, 100), scheduled(2, "schedule", 100 - common, 200)]
    history = {"runs": [row for row, _ in rows], "jobs": [job for _, job in rows]}
    found = [finding.precision == "certain" for finding in run(("schedule-overlap",), history)]
    assert found == ([] if sure is None else [sure])


def ground_of(effect: str, by_job: dict[int, list[Row]], jobs: dict[int, Row]) -> str | None:
    """Which detector should tell of one identity, decided by hand."""
    told = []
    for job_id, effects in by_job.items():
        words = {one["outcome"] for one in effects}
        word = next(word for word in ("done", "rejected", "unknown") if word in words)
        job = jobs[job_id]
        told.append((min(one["to"] for one in effects), job["run_id"], job["attempt"], job_id, word))
    told.sort()
    count = {word: sum(one[4] == word for one in told) for word in ("done", "rejected", "unknown")}
    runs = {one[1] for one in told}
    attempts = {one[1:3] for one in told}
    alone = len(runs) == 1 and len(attempts) == len(told)
    near = any(b[0] - a[0] <= 3600 and (a[1] != b[1] or a[2] == b[2]) for a, b in pairwise(told))
    if count["done"] >= 2:
        return "repeated-effect" if alone and len(told) == count["done"] else "duplicate-effect"
    if count["done"] == 1 and count["unknown"]:
        return "duplicate-effect"
    if not count["rejected"]:
        return None
    if count["done"] and len(runs) == 1:
        return None if alone else "duplicate-effect"  # all of these jobs are green
    if count["done"] and near:
        return "duplicate-effect" if effect == "publish" else "version-race"
    if effect != "publish":
        return "version-race"
    first_refused = min(one[0] for one in told if one[4] == "rejected")
    created = [one[0] for one in told if one[4] != "rejected"]
    return None if count["done"] and first_refused < min(created) else "publish-conflict"


def identities_history(seed: int) -> History:
    """Some runs and re-runs over a day that try a handful of versions and tags."""
    chance = random.Random(seed)
    history: History = {"runs": [], "jobs": [], "effects": []}
    for run_id in range(1, 7):
        history["runs"].append({"run_id": run_id, "head_sha": f"{run_id:040x}", "created_at": FIRST_DAY})
        start = chance.choice([0, 60, 120, 7200, 50000])
        for attempt in range(1, chance.choice([2, 2, 3])):
            for part in range(chance.choice([1, 1, 2])):
                job_id = 100 * run_id + 10 * attempt + part
                begin = start + 1000 * attempt + part
                history["jobs"].append(
                    {"job_id": job_id, "run_id": run_id, "attempt": attempt}
                    | times(begin, begin + 500, "started_at", "completed_at")
                )
                for line in range(chance.choice([1, 1, 2])):
                    verb = chance.choice(["publish", "tag"])
                    moment = begin + chance.randint(1, 400)
                    history["effects"].append(
                        {"run_id": run_id, "attempt": attempt, "job_id": job_id, "line_no": line + 1, "effect": verb}
                        | {"target": {"publish": "npm:cart", "tag": "git-tag:octo/shop v"}[verb] + str(seed)}
                        | {"identity": f"{verb}@1.{chance.randint(0, 3)}.0"}
                        | {"outcome": chance.choice(["done", "done", "rejected", "unknown", "failed", "no-op"])}
                        | times(moment, moment, "started_at", "occurred_at")
                    )
    return history


def schedule_history(seed: int) -> History:
    """A dozen runs of one workflow, one job each, that may reach into each other."""
    chance = random.Random(seed)
    rows = []
    for run_id in range(1, chance.randint(3, 13)):
        start = chance.randint(0, 300)
        event = chance.choice(["schedule", "schedule", "workflow_dispatch", "push"])
        rows.append(scheduled(run_id, event, start, start + chance.choice([0, 1, 2, 5, 20, 60])))
    return {"runs": [row for row, _ in rows], "jobs": [job for _, job in rows]}


def scheduled(run_id: int, event: str, start: int, end: int) -> tuple[Row, Row]:
    """A run and its one job."""
    return (
        {"run_id": run_id, "event": event, "created_at": FIRST_DAY + timedelta(seconds=start)},
        {"job_id": 10 * run_id, "run_id": run_id} | times(start, end, "started_at", "completed_at"),
    )


def twins_history(seed: int) -> History:
    """Runs of few commits, branches and events, created within a minute."""
    chance = random.Random(seed)
    return {
        "runs": [
            {
                "run_id": run_id,
                "event": chance.choice(["push", "pull_request"]),
                "head_branch": chance.choice(["main", "topic"]),
                "head_sha": f"{chance.randint(1, 3):040x}",
                "created_at": FIRST_DAY + timedelta(seconds=second),
                "from": second,
            }
            for run_id, second in enumerate(sorted(chance.sample(range(60), chance.randint(2, 14))), start=1)
        ]
    }


def issues_history(seed: int) -> History:
    """Runs of different commits that open issues at two repositories within some minutes."""
    chance = random.Random(seed)
    history: History = {"runs": [], "jobs": [], "effects": []}
    for run_id in range(1, chance.randint(3, 12)):
        start = chance.randint(0, 400)
        created = FIRST_DAY + timedelta(seconds=start)
        history["runs"].append({"run_id": run_id, "head_sha": f"{run_id:040x}", "created_at": created})
        history["jobs"].append(
            {"job_id": 10 * run_id, "run_id": run_id} | times(start, start + 60, "started_at", "completed_at")
        )
        for line in range(1, chance.choice([2, 2, 3])):
            moment = start + chance.randint(0, 60)
            history["effects"].append(
                {"run_id": run_id, "attempt": 1, "job_id": 10 * run_id, "line_no": line, "effect": "issue"}
                | {"target": chance.choice(["issues:octo/one", "issues:octo/two"]) + str(seed)}
                | {"identity": f"#{100 * run_id + line}"}
                | times(moment, moment, "started_at", "occurred_at")
            )
    return history


def in_repository(history: History, repository: str, offset: int) -> History:
    """The same history elsewhere, with other ids."""
    return {
        table: [
            row
            | {"repository": repository}
            | {
                name: row[name] + offset * (10 if name == "job_id" else 1)
                for name in ("run_id", "job_id")
                if name in row
            }
            for row in rows
        ]
        for table, rows in history.items()
    }


def chains(moments: Iterable[tuple[int, int]], within: int = 30) -> list[list[tuple[int, int]]]:
    """Moments in order, cut where the next is too far away."""
    found: list[list[tuple[int, int]]] = []
    for moment in moments:
        if found and moment[0] - found[-1][-1][0] <= within:
            found[-1].append(moment)
        else:
            found.append([moment])
    return found


def times(start: int, end: int, first: str, last: str) -> Row:
    """As the tables have them, and as whole seconds for the second opinion."""
    return {
        first: FIRST_DAY + timedelta(seconds=start),
        last: FIRST_DAY + timedelta(seconds=end),
        "from": start,
        "to": end,
    }


def run(detectors: tuple[str, ...], history: History) -> tuple[Finding, ...]:
    said = {
        table: [{name: value for name, value in row.items() if name not in ("from", "to")} for row in rows]
        for table, rows in history.items()
    }
    clear(STORE)
    plant(STORE, said)
    result = detect(STORE, [DETECTORS[name] for name in detectors])
    assert result.failures == ()
    return result.findings
