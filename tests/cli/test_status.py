"""``forensics status`` of a case that was asked of GitHub: what came, what did not, and what was listed."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from forensics.cli.main import run
from forensics.ingest.github.answer import RequestRecord
from forensics.ingest.github.queue import Item, Listing, Queue, Settled
from forensics.store.store import Store

NOON = datetime(2026, 11, 23, 12)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORENSICS_CASE", raising=False)
    return tmp_path


def window(day: int, *, complete: bool = True, workflow: str = "") -> Listing:
    why = "" if complete else "GitHub counts 1,204 runs and showed 1,000 of them."
    return Listing(
        "acme/shop", workflow, datetime(2026, 10, day), datetime(2026, 10, day, 23, 59, 59),
        2 if complete else 1204, 2 if complete else 1000, complete, why, NOON,
    )  # fmt: skip


@pytest.fixture
def live(here: Path) -> Queue:
    """A case after one ingest of two runs' logs and a killed one of two requests."""
    with Store.write(here / "case" / "case.duckdb") as store:
        queue = Queue(store, here / "case" / "evidence")
        number = queue.begin_ingest('{"repositories":["acme/shop"]}', NOON)
        states = ("done", "done", "expired", "blocked", "waiting", "not-ready", "skipped")
        queue.settle(Settled(Item("acme/shop", "logs", str(key)), state) for key, state in enumerate(states))
        queue.settle([Settled(Item("acme/shop", "jobs", "1"), "done")])
        queue.note_listing(window(1))
        queue.note_listing(window(2, complete=False, workflow="deploy.yml"))
        queue.end_ingest(number, NOON, "limit-reached", 7, 61.4)
        queue.begin_ingest("{}", datetime(2026, 11, 23, 18, 30))
        for path in ("/a", "/b"):
            queue.record(RequestRecord(NOON, "GET", path, "runs", 200, 10, 10, 1, 4000))
        queue.commit()
    return queue


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert run(["status"]) == 0
    return capsys.readouterr().out.splitlines()


def test_status_counts_what_came_and_what_did_not(live: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    shown = lines(capsys)
    heading = next(number for number, line in enumerate(shown) if line.startswith("repository "))
    assert [line.split() for line in shown[heading : heading + 4] if "─" not in line] == [
        ["repository", "kind", "listed", "fetched", "expired", "refused", "waiting", "skipped"],
        ["acme/shop", "jobs", "1", "1", "0", "0", "0", "0"],
        ["acme/shop", "logs", "7", "2", "1", "1", "2", "1"],
    ]


def test_status_shows_the_windows_and_why_one_is_not_whole(live: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    shown = [line for line in lines(capsys) if line.startswith("acme/shop") and "2026-10" in line]
    first, second = (" ".join(line.split()) for line in shown)
    assert first == "acme/shop 2026-10-01 00:00:00 2026-10-01 23:59:59 2 complete"
    assert second.startswith(
        "acme/shop deploy.yml 2026-10-02 00:00:00 2026-10-02 23:59:59 1,000 of 1,204 GitHub counts 1,204"
    )


def test_status_says_how_the_last_ingest_ended(live: Queue, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "last ingest: killed, begun 2026-11-23 18:30 UTC, 2 requests, 0 s waited for limits" in lines(capsys)
    with Store.write(here / "case" / "case.duckdb") as store:
        Queue(store, here).end_ingest(2, NOON, "done", 1234, 61.4)
    assert "last ingest: done, begun 2026-11-23 18:30 UTC, 1,234 requests, 61 s waited for limits" in lines(capsys)


def test_many_windows_are_cut_to_the_latest(live: Queue, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.write(here / "case" / "case.duckdb") as store:
        queue = Queue(store, here)
        for day in range(3, 31):
            queue.note_listing(window(day))
        queue.commit()
    shown = lines(capsys)
    assert sum(line.startswith("acme/shop") and "2026-10" in line for line in shown) == 20
    assert "and 10 earlier windows" in shown


def test_json_has_all_of_it(live: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["completeness"][1] == {
        "repository": "acme/shop", "kind": "logs", "listed": 7, "fetched": 2, "expired": 1, "refused": 1,
        "waiting": 2, "skipped": 1,
    }  # fmt: skip
    assert [(one["workflow"], one["ends_at"], one["complete"]) for one in answer["windows"]] == [
        ("", "2026-10-01T23:59:59Z", True),
        ("deploy.yml", "2026-10-02T23:59:59Z", False),
    ]
    assert [(one["ingest_no"], one["outcome"], one["requests"]) for one in answer["ingests"]] == [
        (2, None, 2),
        (1, "limit-reached", 7),
    ]
    assert answer["ingests"][1]["scope"] == {"repositories": ["acme/shop"]}


def test_a_case_that_was_not_asked_of_github_says_nothing_of_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store.write(here / "case" / "case.duckdb").close()
    text = "\n".join(lines(capsys))
    assert not any(word in text for word in ("fetched", "runs of", "last ingest"))
