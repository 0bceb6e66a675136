"""Laws of the detectors of contention, on random histories.

An oracle looks at every pair; the clock's grain is told from an overlap; and it does not matter in how many parts, in
which order or at what date the rows came.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from history_tables import FIRST_DAY, Row, clear, complete, plant

from forensics.detect.detector import load_detectors
from forensics.detect.run import detect
from forensics.model import Finding
from forensics.store.store import Store

IDS = (
    "abandoned-lock", "cache-race", "cancelled-after-effect", "indistinct-runs", "lock-contention", "log-gaps",
    "push-rejected", "queue-cost", "rate-limited", "wasted-minutes",
)  # fmt: skip
DETECTORS = {detector.id: detector for detector in load_detectors() if detector.id in IDS}
LOW = {"queue-cost": {"minimum_hours": 0, "minimum_minutes": 0}, "wasted-minutes": {"minimum_minutes": 0}}
"""Thresholds at which a random history of two minutes says something at all."""

STORE = Store.memory()
SEEDS = range(40)
HELD = "Error acquiring the state lock"

History = dict[str, list[Row]]


@pytest.mark.parametrize("seed", SEEDS)
def test_locks_are_laid_at_the_door_that_looking_at_every_pair_finds(seed: int) -> None:
    history = random_locks(seed)
    jobs = {job["job_id"]: job for job in history["jobs"]}
    expected: dict[str, set[tuple[str, int]]] = {"live": set(), "outside": set(), "abandoned": set()}
    for refused in (effect for effect in history["effects"] if effect["outcome"] == "rejected"):
        others = [
            effect
            for effect in history["effects"]
            if effect["target"] == refused["target"]
            and effect["job_id"] != refused["job_id"]
            and effect["outcome"] in ("done", "unknown")
        ]
        moment = refused["occurred_at"]
        grain = timedelta(seconds=1)
        live = any(other["started_at"] - grain <= moment <= other["occurred_at"] + grain for other in others)
        cuts = [
            other["occurred_at"]
            for other in others
            if other["outcome"] == "unknown"
            and other["occurred_at"] < moment
            and jobs[other["job_id"]]["conclusion"] in ("cancelled", "failure")
        ]
        freed = bool(cuts) and any(
            other["outcome"] == "done" and max(cuts) < other["occurred_at"] <= moment for other in others
        )
        kind = "live" if live else "abandoned" if cuts and not freed else "outside"
        expected[kind].add((refused["target"], refused["run_id"]))

    found = run("lock-contention", history)
    told = {
        kind: {
            (str(finding.target), ref.run_id)
            for finding in found
            if finding.values["kind"] == kind
            for ref in finding.runs[: int(finding.values["refused"])]
        }
        for kind in ("live", "outside")
    }
    told["abandoned"] = {
        (str(finding.target), ref.run_id) for finding in run("abandoned-lock", history) for ref in finding.runs[1:]
    }
    assert told == expected


@pytest.mark.parametrize("offset", [-1.5, -0.5, 0.0, 0.5, 1.5])
def test_a_refusal_within_a_second_of_the_holders_end_is_only_possible(offset: float) -> None:
    history: History = {"jobs": [], "effects": []}
    end = FIRST_DAY + timedelta(minutes=10)
    add_try(history, 1, FIRST_DAY, end, "done")
    add_try(history, 2, FIRST_DAY + timedelta(minutes=1), end + timedelta(seconds=offset), "rejected")
    [finding] = run("lock-contention", history)
    kind, precision = finding.values["kind"], finding.precision
    if offset < -1:
        assert (kind, precision) == ("live", "certain")
    elif offset <= 1:
        assert (kind, precision) == ("live", "possible")
    else:
        assert (kind, precision) == ("outside", "possible")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("detector", IDS)
def test_order_date_and_parts_of_the_input_do_not_matter(detector: str, seed: int) -> None:
    history = random_contention(seed)
    whole = facts(run(detector, history))
    assert facts(run(detector, history, order=seed + 1)) == whole
    assert facts(run(detector, history, shift=timedelta(days=800, hours=5, seconds=7))) == whole
    assert facts(run(detector, history, parts=3)) == whole


def test_random_histories_make_every_detector_speak() -> None:
    spoken = {name for name in IDS if any(run(name, random_contention(seed)) for seed in range(8))}
    assert spoken == set(IDS)


def test_requests_of_this_program_are_nobodys_limit() -> None:
    clear(STORE)
    STORE.execute(
        "INSERT INTO requests (request_no, requested_at, method, endpoint, status, quota_left) "
        "VALUES (1, '2026-03-02 10:00:00', 'GET', '/repos/octo/shop/actions/runs', 403, 0)"
    )
    try:
        assert detect(STORE, [DETECTORS["rate-limited"]]).findings == ()
    finally:
        STORE.execute("DELETE FROM requests")


def random_locks(seed: int) -> History:
    """Some runs of one step each, at two targets within ten minutes; times are whole seconds, no two alike."""
    chance = random.Random(seed)
    history: History = {"jobs": [], "effects": []}
    moments = chance.sample(range(0, 600, 5), 24)
    for number in range(12):
        begin, end = sorted(moments[2 * number : 2 * number + 2])
        outcome = chance.choice(["done", "unknown", "rejected", "rejected"])
        # Two seconds beside the others' multiples of five: never within a second of their ends.
        late = timedelta(seconds=2 if outcome == "rejected" else 0)
        start, stop = (FIRST_DAY + timedelta(seconds=moment) for moment in (begin, end))
        add_try(history, number + 1, start, stop + late, outcome, chance.choice(["terraform:a", "terraform:b"]))
        history["jobs"][-1]["conclusion"] = chance.choice(["cancelled", "failure", "success"])
    return history


def add_try(
    history: History, run_id: int, start: Any, stop: Any, outcome: str, target: str = "terraform:octo/shop"
) -> None:
    history["jobs"].append(
        {"job_id": run_id * 10, "run_id": run_id, "started_at": start, "completed_at": stop, "conclusion": "success"}
    )
    history["effects"].append(
        {"job_id": run_id * 10, "run_id": run_id, "tool": "terraform", "effect": "apply", "target": target}
        | {"started_at": start, "occurred_at": stop, "outcome": outcome, "text": HELD}
    )


def random_contention(seed: int) -> History:
    """Two dozen runs of half an hour that do all that these detectors look at, some of them cancelled."""
    chance = random.Random(seed)
    history: History = {table: [] for table in ("runs", "jobs", "effects", "cancellations", "concurrency_groups")}
    kinds = [
        ("terraform", "apply", "terraform:octo/shop", ("done", "unknown", "rejected")),
        ("git", "push", "git:x/octo/shop refs/heads/main", ("done", "rejected")),
        ("cache", "save", "cache:node-1", ("done", "rejected")),
        ("github", "request", "github-api:primary", ("rejected",)),
        ("kubectl", "deploy", "k8s:deployment/cart", ("done",)),
    ]
    for run_id in range(1, 25):
        created = FIRST_DAY + timedelta(seconds=chance.randint(0, 1800))
        started = created + timedelta(seconds=chance.randint(1, 300))
        ended = started + timedelta(seconds=chance.randint(60, 900))
        cancelled = chance.random() < 0.4
        file = chance.choice(["deploy.yml", "ci.yml"])
        history["runs"].append(
            {"run_id": run_id, "created_at": created, "head_branch": chance.choice(["main", "topic"])}
            | {"event": chance.choice(["pull_request", "workflow_dispatch"]), "display_title": "Deploy"}
            | {"workflow_path": file, "workflow_name": file, "conclusion": "cancelled" if cancelled else "success"}
        )
        history["jobs"].append(
            {"job_id": run_id * 10, "run_id": run_id, "created_at": created, "started_at": started}
            | {"completed_at": ended, "conclusion": "cancelled" if cancelled else "success"}
        )
        history["concurrency_groups"].append({"run_id": run_id, "attempt": 1, "group_name": file})
        if cancelled:
            history["cancellations"].append(
                {"run_id": run_id, "cause": "superseded-running", "cancelled_at": ended, "by_run_id": run_id % 24 + 1}
            )
        for place, (tool, effect, target, outcomes) in enumerate(kinds):
            if file == "deploy.yml" and chance.random() < 0.6:
                moment = started + (ended - started) * chance.random()
                history["effects"].append(
                    {"job_id": run_id * 10, "run_id": run_id, "tool": tool, "effect": effect, "target": target}
                    | {"started_at": started, "occurred_at": moment, "outcome": chance.choice(outcomes)}
                    | {"text": HELD, "line_no": 10 + place}
                )
    return history


def run(
    name: str, history: History, *, order: int = 0, shift: timedelta = timedelta(0), parts: int = 1
) -> list[Finding]:
    """One detector's findings on the history, which comes in so many parts, the last first."""
    clear(STORE)
    if parts == 1:
        plant(STORE, history, order=order, shift=shift)
    else:
        rows = complete(history)
        for part in reversed(range(parts)):
            plant_rows({table: rows[table][part::parts] for table in rows})
    result = detect(STORE, [DETECTORS[name]], {name: LOW.get(name, {})})
    assert result.failures == ()
    return list(result.findings)


def plant_rows(rows: History) -> None:
    """Rows that are complete already: nothing is added to them."""
    for table, given in rows.items():
        names = sorted({name for row in given for name in row})
        texts = [[None if row.get(name) is None else str(row[name]) for name in names] for row in given]
        STORE.insert(table, pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String), orient="row"))


def facts(findings: list[Finding]) -> list[tuple[Any, ...]]:
    """All of a finding but its time, in an order of their own."""
    return sorted(
        (finding.id, finding.severity, finding.precision, finding.message, finding.runs, str(finding.values))
        for finding in findings
    )
