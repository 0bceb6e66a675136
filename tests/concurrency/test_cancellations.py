"""The decision table, row by row: what the case has of one cancellation, and what is said of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from forensics.concurrency.cancellations import derive_cancellations
from forensics.store.store import Store
from tests.concurrency.cancelled_rows import Row, plant

STORE = Store.memory()
TEN = datetime(2026, 3, 2, 10)
SUPERSEDED = "Canceling since a higher priority waiting request for '{}' exists"


def run(run_id: int, second: int, *, group: str | None = "deploy", end: int | None = None, **more: Any) -> list:
    """Rows of one run that came in that second: (table, row); ``end`` of one that was cancelled without a job."""
    created = TEN + timedelta(seconds=second)
    ended = created + timedelta(seconds=900) if end is None else TEN + timedelta(seconds=end)
    conclusion = "success" if end is None else "cancelled"
    rows = [
        ("runs", {"run_id": run_id, "created_at": created, "conclusion": conclusion}),
        ("attempts", {"run_id": run_id, "created_at": created, "conclusion": conclusion, "updated_at": ended}),
    ]
    if more.pop("asked", True):
        rows.append(("evidence", {"path": f"repos/octo/shop/actions/runs/{run_id}/attempts/1/jobs.json"}))
    if group:
        settings = {"cancel_in_progress": False, "queue": "single", **more}
        rows.append(("concurrency_groups", {"run_id": run_id, "group_name": group, **settings}))
    return rows


def job(run_id: int, job_id: int, start: int, end: int, message: str | None = None, **more: Any) -> list:
    """Rows of one cancelled job, executed unless said otherwise, and what GitHub noted on it."""
    times = {"started_at": TEN + timedelta(seconds=start), "completed_at": TEN + timedelta(seconds=end)}
    said = {"run_id": run_id, "job_id": job_id, "conclusion": "cancelled", "created_at": times["started_at"]}
    rows = [("jobs", {**said, **times, **more})]
    return rows + ([("annotations", {"job_id": job_id, "message": message})] if message else [])


def say(*parts: list) -> list[dict[str, Any]]:
    tables: dict[str, list[Row]] = {}
    for table, row in (one for part in parts for one in part):
        tables.setdefault(table, []).append(row)
    plant(STORE, tables)
    count = derive_cancellations(STORE)
    rows = STORE.query("SELECT * FROM cancellations ORDER BY run_id, job_id NULLS FIRST").dicts()
    assert count == len(rows)
    return rows


def test_a_run_without_jobs_that_ends_when_another_of_its_group_arrives_was_evicted() -> None:
    (row,) = say(run(1, 0), run(2, 60, end=132), run(3, 130, group="Deploy"))
    assert (row["cause"], row["by_run_id"], row["confidence"]) == ("superseded-waiting", 3, "likely")
    assert (row["lag_seconds"], row["group_key"]) == (2.0, "deploy")
    assert row["detail"] == (
        "It ended without a single job, and run 3 arrived at 'deploy' at 2026-03-02 10:02:10 UTC, "
        "2 s before the cancellation shows."
    )


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (run(3, 127), "five seconds are too long, unless its row was touched later"),
        (run(3, 130, asked=True), "two are not"),
    ],
)
def test_only_an_arrival_in_the_last_seconds_is_likely(other: list, why: str) -> None:
    (row,) = say(run(1, 0), run(2, 60, end=132), other)
    assert row["confidence"] == ("possible" if "too long" in why else "likely")


@pytest.mark.parametrize(
    "other",
    [run(3, 130, group="pages"), run(3, 133), run(3, 130, queue="max"), []],
    ids=["another group", "after the end", "one that queues behind", "nobody"],
)
def test_without_an_arrival_that_evicts_the_cause_is_unknown(other: list) -> None:
    (row,) = say(run(1, 0), run(2, 60, end=132), other)
    assert (row["cause"], row["by_run_id"], row["confidence"]) == ("unknown", None, "unknown")
    assert "a person or app may have cancelled it" in row["detail"]


def test_jobs_that_nobody_asked_for_may_exist() -> None:
    (row,) = say(run(1, 0), run(2, 60, end=132, asked=False), run(3, 130))
    assert (row["cause"], row["confidence"]) == ("superseded-waiting", "possible")


def test_where_no_group_is_known_workflow_and_branch_make_it_possible() -> None:
    (row,) = say(run(2, 60, end=132, group=None), run(3, 130, group=None))
    assert (row["by_run_id"], row["confidence"]) == (3, "possible")


def test_of_a_burst_the_first_to_come_did_it() -> None:
    rows = say(run(1, 0), run(2, 60, end=132), run(3, 130, end=133), run(4, 131))
    assert [(row["run_id"], row["by_run_id"]) for row in rows] == [(2, 3), (3, 4)]


def test_a_rerun_arrives_again_and_evicts() -> None:
    again = {"run_id": 1, "attempt": 2, "created_at": TEN + timedelta(seconds=130), "conclusion": "success"}
    group = {"run_id": 1, "attempt": 2, "group_name": "deploy", "queue": "single"}
    (row,) = say(run(1, 0), run(2, 60, end=132), [("attempts", again), ("concurrency_groups", group)])
    assert (row["by_run_id"], row["by_attempt"]) == (1, 2)


def test_an_annotation_on_a_job_that_ran_is_cancel_in_progress() -> None:
    rows = say(
        run(2, 0, end=75),
        job(2, 21, 5, 72, SUPERSEDED.format("deploy")),
        job(2, 22, 5, 75),
        run(3, 60, cancel_in_progress=True),
    )
    assert [(row["job_id"], row["cause"], row["by_run_id"], row["confidence"]) for row in rows] == [
        (None, "superseded-running", 3, "known"),
        (21, "superseded-running", 3, "known"),
        (22, "superseded-running", 3, "known"),
    ]
    assert rows[0]["evidence"] == SUPERSEDED.format("deploy")


def test_a_job_in_its_own_group_is_evicted_by_another_leg_of_its_matrix() -> None:
    legs = [
        ("concurrency_groups", {"run_id": 2, "job_id": job_id, "level": "job", "group_name": "all"})
        for job_id in (21, 22, 23)
    ]
    rows = say(
        run(2, 0, end=300, group=None),
        job(2, 21, 5, 100, conclusion="success"),
        job(2, 22, 6, 8, SUPERSEDED.format("all"), executed=False),
        job(2, 23, 7, 200, conclusion="success"),
        legs,
    )
    assert [(row["job_id"], row["by_run_id"], row["by_job_id"], row["level"]) for row in rows] == [
        (None, 2, 23, "job"),
        (22, 2, 23, "job"),
    ]


@pytest.mark.parametrize(
    ("message", "cause", "group", "login"),
    [
        (
            "Canceling since a deadlock for concurrency group 'g' was detected between 'top level workflow' and 'x'",
            "deadlock",
            "'g'",
            None,
        ),
        (
            "Canceling since a deadlock was detected for concurrency group: 'g' between a top level workflow and 'x'",
            "deadlock",
            "'g'",
            None,
        ),
        ("The run was canceled by @hubot.", "person", None, "hubot"),
        ("The run was canceled by @janitor[bot].", "person", None, "janitor[bot]"),
        ("The job has exceeded the maximum execution time of 30m0s", "timeout", None, None),
        (
            "The job was not acquired by Runner of type hosted even after multiple attempts",
            "not-acquired",
            None,
            None,
        ),
        ("The runner has received a shutdown signal. This can happen when …", "runner-lost", None, None),
        ("The self-hosted runner: r lost communication with the server. Verify …", "runner-lost", None, None),
        ("The operation was canceled.", "unknown", None, None),
    ],
)
def test_what_github_notes_is_the_cause(message: str, cause: str, group: str | None, login: str | None) -> None:
    rows = say(run(2, 0, end=75, group=None), job(2, 21, 5, 72, message))
    assert [row["cause"] for row in rows] == [cause, cause]
    assert {row["confidence"] for row in rows} == {"unknown" if cause == "unknown" else "known"}
    assert rows[0]["group_name"] == (group.strip("'") if group else None)
    assert rows[0]["by_login"] == login


def test_fail_fast_ends_the_other_legs_and_not_the_run() -> None:
    rows = say(
        run(2, 0, group=None),
        job(2, 21, 5, 70, conclusion="failure", name="test (18)"),
        job(2, 22, 5, 72, 'The job was canceled because "_18" failed.', name="test (20)"),
        job(2, 23, 5, 72, name="test (22)"),
    )
    assert [(row["job_id"], row["cause"], row["confidence"]) for row in rows] == [
        (22, "fail-fast", "known"),
        (23, "fail-fast", "possible"),
    ]


def test_the_hundred_and_second_of_a_queueing_group_finds_it_full() -> None:
    waiting = [run(number, number, queue="max") for number in range(1, 102)]
    (row,) = say(*waiting, run(102, 200, queue="max", end=202))
    assert (row["cause"], row["confidence"], row["by_run_id"]) == ("queue-full", "likely", None)
    (row,) = say(*waiting[:60], run(102, 200, queue="max", end=202))
    assert row["cause"] == "unknown"
