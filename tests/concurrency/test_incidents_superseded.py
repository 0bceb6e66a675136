"""Incidents of their real size and rhythm, from runs and groups to findings: nothing but arrivals tells the cause."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from forensics.concurrency.cancellations import derive_cancellations
from forensics.detect.detector import load_detectors
from forensics.detect.run import detect
from forensics.model import Finding
from forensics.store.store import Store
from tests.concurrency.cancelled_rows import Row, plant

STORE = Store.memory()
DETECTORS = {one.id: one for one in load_detectors()}
BEGIN = datetime(2026, 3, 2, 14)


def tell(runs: list[tuple[float, float, str]], *, cancel: bool, events: dict[int, str] | None = None) -> None:
    """Plant runs of one group, given as (came, ended, conclusion) in seconds, and derive; number is place."""
    tables: dict[str, list[Row]] = {
        name: [] for name in ("runs", "attempts", "jobs", "concurrency_groups", "evidence")
    }
    for run_id, (came, ended, conclusion) in enumerate(runs, start=1):
        created, touched = BEGIN + timedelta(seconds=int(came)), BEGIN + timedelta(seconds=int(ended))
        run = {"run_id": run_id, "run_number": run_id, "created_at": created, "conclusion": conclusion}
        said = {"event": (events or {}).get(run_id, "push"), "head_sha": f"{run_id:040x}"}
        tables["runs"].append({**run, **said})
        attempt = {"run_id": run_id, "created_at": created, "conclusion": conclusion}
        tables["attempts"].append({**attempt, "started_at": created, "completed_at": touched, "updated_at": touched})
        tables["evidence"].append({"path": f"actions/runs/{run_id}/attempts/1/jobs.json"})
        group = {"run_id": run_id, "group_name": "deploy-main", "queue": "single"}
        tables["concurrency_groups"].append({**group, "cancel_in_progress": cancel})
        if conclusion != "cancelled" or cancel:
            times = {"created_at": created, "started_at": created, "completed_at": touched}
            skipped = {"executed": False} if conclusion == "skipped" else {}
            job = {"run_id": run_id, "job_id": run_id * 10, "conclusion": conclusion}
            tables["jobs"].append({**job, **times, **skipped})
    plant(STORE, tables)
    derive_cancellations(STORE)


def find(detector: str) -> tuple[Finding, ...]:
    result = detect(STORE, [DETECTORS[detector]])
    assert result.failures == ()
    return result.findings


def causes() -> dict[str, int]:
    asked = "SELECT cause || ' ' || confidence, count(*) FROM cancellations WHERE job_id IS NULL GROUP BY ALL"
    return dict(STORE.query(asked).rows)


def test_sixteen_of_24_deploys_never_began_each_ended_by_the_next_push() -> None:
    """devthrottle 2436: no jobs, and every cancellation one to three seconds after the next run's creation."""
    chance = Random(2436)
    runs: list[tuple[float, float, str]] = []
    # Eight times: one holds for ten minutes, two come and give way, the last of them runs next.
    for start in range(0, 8 * 1200, 1200):
        second, third, fourth = start + 100, start + 220, start + 1200
        runs.append((start, start + 1150, "success"))
        runs.append((second, third + chance.randint(1, 3), "cancelled"))
        runs.append((third, fourth + chance.randint(1, 3), "cancelled"))
    runs.append((8 * 1200, 8 * 1200 + 600, "success"))
    tell(runs, cancel=False)
    assert causes() == {"superseded-waiting likely": 16}
    (found,) = find("evicted-waiter")
    assert (found.values["evicted"], found.values["kind"], found.severity) == (16, "shipped-later", "low")
    assert find("starved-lane") == ()
    tell([(came, ended, "success") for came, ended, _ in runs], cancel=False)
    assert find("evicted-waiter") == ()


def test_events_that_end_in_a_skip_evict_eight_deploys_of_a_hundred_runs() -> None:
    """worldmonitor 7592: of 100 runs 8 cancelled, 90 skipped, 2 done."""
    runs: list[tuple[float, float, str]] = [(0, 3000, "success")]
    events: dict[int, str] = {}
    for place in range(8):
        came = 60 + 120 * place
        runs += [(came, came + 42, "cancelled"), (came + 40, 3001, "skipped")]
        events[len(runs)] = "deployment_status"
    for place in range(82):
        runs.append((4000 + 30 * place, 4005 + 30 * place, "skipped"))
        events[len(runs)] = "issue_comment"
    runs.append((9000, 9600, "success"))
    assert len(runs) == 100
    tell(runs, cancel=False, events=events)
    assert causes() == {"superseded-waiting likely": 8}
    (found,) = find("evicted-by-no-op")
    assert (found.values["evicted"], found.values["no_ops"], found.severity) == (8, 8, "medium")
    tell(runs[:-1], cancel=False, events=events)
    (found,) = find("evicted-by-no-op")
    assert (found.values["never_shipped"], found.severity) == (8, "high")


def test_83_of_a_hundred_runs_of_main_are_cancelled_by_pushes_that_come_faster_than_they_take() -> None:
    """BusinessCentral.AL.Runner 3158: a merge every few minutes, a run of a quarter of an hour."""
    runs: list[tuple[float, float, str]] = []
    clock = 0.0
    for number in range(100):
        calm = number % 6 == 5 or number == 99
        runs.append((clock, clock + (900 if calm else 182), "success" if calm else "cancelled"))
        clock += 1000 if calm else 180
    tell(runs, cancel=True)
    assert sum(conclusion == "cancelled" for _, _, conclusion in runs) == 83
    assert causes() == {"superseded-running likely": 83}
    (found,) = find("starved-lane")
    assert (found.values["cancelled"], found.values["succeeded"], found.values["kind"]) == (83, 17, "share")
    # The same merges an hour apart: nobody is cancelled.
    tell([(3600.0 * place, 3600.0 * place + 900, "success") for place in range(100)], cancel=True)
    assert (causes(), find("starved-lane")) == ({}, ())
