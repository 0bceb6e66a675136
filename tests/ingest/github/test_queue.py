"""What is committed is there again, what is not is asked for again, and every thing listed is accounted for once."""

import hashlib
import signal
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import QueryRefused
from forensics.ingest.github.answer import JSON, RAW, RETRIED_LATER, GoneState, RequestRecord
from forensics.ingest.github.queue import STATES, Item, Listing, Queue, Settled
from forensics.store.store import Store

REPOSITORY = "acme/shop"
NOON = datetime(2026, 11, 23, 12)
CLOCK = 1_795_435_200.0  # noon, as seconds since the epoch
FINAL = sorted(set(get_args(GoneState)) - RETRIED_LATER)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.memory() as store:
        yield store


@pytest.fixture(scope="module")
def shared() -> Iterator[Store]:
    """One store for many examples: each empties what it uses."""
    with Store.memory() as store:
        yield store


@pytest.fixture
def queue(store: Store, tmp_path: Path) -> Queue:
    return Queue(store, tmp_path, clock=lambda: CLOCK)


def again(store: Store, root: Path = Path("nowhere")) -> Queue:
    """The queue as the next process finds it."""
    return Queue(store, root, clock=lambda: CLOCK)


def item(key: str, version: str = "", *, kind: str = "jobs", run_id: int | None = None, priority: int = 100) -> Item:
    return Item(REPOSITORY, kind, key, run_id, version=version, priority=priority)


def keys(queue: Queue, *kinds: str) -> list[str]:
    return [one.key for one in queue.waiting(REPOSITORY, kinds)]


def request(path: str = "/repos/acme/shop") -> RequestRecord:
    return RequestRecord(NOON, "GET", path, "runs", 200, 5000, 120, 1, 4999)


def listing(first: int, last: int, *, complete: bool = True, workflow: str = "") -> Listing:
    why = "" if complete else "GitHub counts 12 runs and showed 10 of them."
    return Listing(
        REPOSITORY, workflow, datetime(2026, 11, first), datetime(2026, 11, last), 12, 10, complete, why, NOON
    )


# What is to be asked


def test_what_is_new_waits_and_what_is_known_is_not_added_twice(queue: Queue) -> None:
    assert queue.add([item("1"), item("2"), item("1")]) == 2
    assert queue.add([item("1"), item("2")]) == 0
    assert keys(queue) == ["1", "2"]


@pytest.mark.parametrize("state", ["done", "skipped", *FINAL])
def test_what_is_settled_for_good_waits_again_only_in_another_version(queue: Queue, state: str) -> None:
    queue.add([item("1", "1@10:00@in_progress")])
    queue.settle([Settled(item("1", "1@10:00@in_progress"), state)])
    assert queue.add([item("1", "1@10:00@in_progress")]) == 0
    assert keys(queue) == []
    assert queue.add([item("1", "1@10:07@completed")]) == 1
    assert queue.state_of(REPOSITORY, "jobs", "1") == ("waiting", "1@10:07@completed")


@pytest.mark.parametrize("state", sorted(RETRIED_LATER))
def test_what_failed_is_asked_for_at_the_next_ingest_and_not_in_circles_at_this_one(
    queue: Queue, store: Store, state: str
) -> None:
    queue.add([item("1"), item("2")])
    queue.settle([Settled(item("1"), state), Settled(item("2"), "done")])
    queue.commit()
    assert queue.add([item("1"), item("2")]) == 0
    assert again(store).add([item("1"), item("2")]) == 1
    following = again(store)
    assert following.retry_later("acme/other") == 0
    assert following.retry_later(REPOSITORY) == 1
    assert keys(following) == ["1"]


def test_an_answer_about_an_older_version_does_not_settle_the_newer_one(queue: Queue) -> None:
    """A run is run again while its first state is being fetched (fault matrix, row 34)."""
    queue.add([item("1", "1@10:00@completed")])
    asked = queue.waiting(REPOSITORY)
    queue.add([item("1", "2@10:30@queued")])
    queue.settle(Settled(one, "done") for one in asked)
    assert queue.state_of(REPOSITORY, "jobs", "1") == ("waiting", "2@10:30@queued")


def test_a_version_that_is_learnt_only_from_the_answer_is_kept(queue: Queue) -> None:
    queue.add([item("1")])
    queue.settle([Settled(item("1", "blob"), "done")])
    assert queue.state_of(REPOSITORY, "jobs", "1") == ("done", "blob")


def test_the_turn_is_priority_then_newest_run_then_key(queue: Queue) -> None:
    queue.add(
        [
            item("old", run_id=1),
            item("new/2", run_id=9),
            item("new/1", run_id=9),
            item("of no run"),
            item("urgent", run_id=1, priority=1),
        ]
    )
    queue.add([Item("acme/other", "jobs", "elsewhere"), item("log", kind="logs", run_id=5)])
    assert keys(queue, "jobs") == ["urgent", "of no run", "new/1", "new/2", "old"]
    assert keys(queue, "logs") == ["log"]
    assert len(keys(queue)) == 6


def test_a_waiting_thing_takes_the_new_priority(queue: Queue, store: Store) -> None:
    queue.add([item("1", run_id=2), item("2", run_id=1)])
    queue.add([item("2", run_id=1, priority=0)])
    queue.commit()
    assert keys(queue) == keys(again(store)) == ["2", "1"]


def test_a_state_that_does_not_exist_is_refused(queue: Queue) -> None:
    with pytest.raises(ValueError, match="'finished' is no state"):
        queue.settle([Settled(item("1"), "finished")])


def test_tries_count_within_a_version(queue: Queue, store: Store) -> None:
    queue.add([item("1", "a")])
    for state in ("failed", "waiting", "failed"):
        queue.settle([Settled(item("1", "a"), state)])
    queue.add([item("2"), item("1", "b")])
    queue.settle([Settled(item("2"), "failed", "No answer.", 502, "repos/x.json")])
    queue.commit()
    assert store.query("SELECT key, version, state, tries FROM work ORDER BY key").rows == [
        ("1", "b", "waiting", 0),
        ("2", "", "failed", 1),
    ]
    assert store.query("SELECT detail, status, evidence_path, asked_at FROM work WHERE key = '2'").rows == [
        ("No answer.", 502, "repos/x.json", NOON)
    ]


def test_a_renamed_repository_keeps_what_is_known_of_it(queue: Queue, store: Store) -> None:
    queue.add([item("done"), item("both"), item("open")])
    queue.settle([Settled(item("done"), "done"), Settled(item("both"), "done")])
    queue.note_listing(listing(1, 5))
    queue.commit()
    queue.add([Item("acme/store", "jobs", "both")])
    queue.rename(REPOSITORY, "acme/store")
    queue.commit()
    for one in (queue, again(store)):
        assert [(found.repository, found.key) for found in one.waiting("acme/store")] == [
            ("acme/store", "both"),
            ("acme/store", "open"),
        ]
        assert one.state_of("acme/store", "jobs", "done") == ("done", "")
        assert one.waiting(REPOSITORY) == one.listings(REPOSITORY) == []
        assert [found.repository for found in one.listings("acme/store")] == ["acme/store"]
    queue.rename("acme/store", REPOSITORY)
    queue.commit()
    assert keys(again(store)) == ["both", "open"]


# What lasts

operations = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from("abcd"), st.sampled_from(["", "1", "2"])),
        st.tuples(st.just("settle"), st.sampled_from("abcd"), st.sampled_from(sorted(STATES))),
        st.tuples(st.just("commit"), st.just(""), st.just("")),
        st.tuples(st.just("rename"), st.just(""), st.just("")),
    ),
    max_size=25,
)


def snapshot(queue: Queue) -> dict[str, Any]:
    names = (REPOSITORY, "acme/store")
    return {
        "states": {(name, key): queue.state_of(name, "jobs", key) for name in names for key in "abcd"},
        "waiting": {name: queue.waiting(name) for name in names},
    }


@settings(max_examples=60, deadline=None)
@given(operations)
def test_reopened_is_as_last_committed(shared: Store, doings: list[tuple[str, str, str]]) -> None:
    shared.execute("DELETE FROM work")
    queue = again(shared)
    committed = snapshot(queue)
    for what, key, value in doings:
        if what == "add":
            queue.add([item(key, value)])
        elif what == "settle":
            version = (queue.state_of(REPOSITORY, "jobs", key) or ("", ""))[1]
            queue.settle([Settled(item(key, version), value)])
        elif what == "rename":
            queue.rename(REPOSITORY, "acme/store")
        else:
            queue.commit()
            committed = snapshot(queue)
            assert snapshot(again(shared)) == committed
    assert snapshot(again(shared)) == committed


def test_killed_between_commits_only_the_uncommitted_is_lost(tmp_path: Path) -> None:
    script = """
        import os, signal, sys
        from pathlib import Path
        from forensics.ingest.github.queue import Item, Queue, Settled
        from forensics.store.store import Store
        store = Store.write(Path(sys.argv[1]) / "case.duckdb")
        queue = Queue(store, Path(sys.argv[1]))
        items = [Item("acme/shop", "jobs", str(number), number) for number in range(20)]
        queue.add(items)
        for one in items[:10]:
            queue.settle([Settled(one, "done")])
            queue.commit()
        queue.settle(Settled(one, "done") for one in items[10:])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Store.write(tmp_path / "case.duckdb") as store:
        assert keys(again(store)) == [str(number) for number in range(19, 9, -1)]


def test_what_a_failed_commit_did_not_write_the_next_one_writes(queue: Queue, store: Store) -> None:
    queue.add([item("1"), item("2")])
    queue.commit()
    queue.settle([Settled(item("1"), "done")])
    queue.add([item("3")])
    queue.record(request())
    queue.remember("/a", JSON, "mark", "etag", None, "a.json", "0" * 64)
    queue.note_listing(listing(1, 2))
    store.execute("ALTER TABLE requests RENAME TO away")
    with pytest.raises(QueryRefused):
        queue.commit()
    assert keys(again_without(store)) == ["1", "2"]
    store.execute("ALTER TABLE away RENAME TO requests")
    queue.commit()
    assert keys(again(store)) == ["2", "3"]
    counts = store.query("SELECT (FROM (SELECT count(*) FROM requests)), (FROM (SELECT count(*) FROM answers))")
    assert counts.rows == [(1, 1)]
    assert again(store).listings(REPOSITORY) == [listing(1, 2)]


def again_without(store: Store) -> Queue:
    """The next process while ``requests`` is away."""
    store.execute("CREATE TABLE requests (request_no BIGINT)")
    try:
        return again(store)
    finally:
        store.execute("DROP TABLE requests")


def test_a_commit_that_lasted_unnoticed_does_not_stand_in_the_way(
    queue: Queue, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = store.execute

    def lost(sql: str, *parameters: Any) -> None:
        execute(sql, *parameters)
        if sql == "COMMIT":
            raise QueryRefused("No answer to COMMIT.")

    queue.add([item("1")])
    queue.record(request())
    with monkeypatch.context() as patched:
        patched.setattr(store, "execute", lost)
        with pytest.raises(QueryRefused):
            queue.commit()
    queue.settle([Settled(item("1"), "done")])
    queue.record(request())
    queue.commit()
    assert again(store).state_of(REPOSITORY, "jobs", "1") == ("done", "")
    assert store.query("SELECT request_no FROM requests ORDER BY 1").rows == [(1,), (2,)]


def test_a_commit_of_a_few_among_ten_thousand_is_quick(tmp_path: Path) -> None:
    with Store.write(tmp_path / "case.duckdb") as store:
        queue = again(store)
        queue.add(item(str(number), "1@x", run_id=number) for number in range(10_000))
        queue.commit()
        waiting = queue.waiting(REPOSITORY)
        seconds = []
        for turn in range(15):
            queue.settle(Settled(one, "done") for one in waiting[turn * 5 : turn * 5 + 5])
            begun = time.perf_counter()
            queue.commit()
            seconds.append(time.perf_counter() - begun)
    # 4 ms on a quiet machine; 70 when all rows are written each time.
    assert statistics.median(seconds) < 0.04


# Requests, ETags, windows


def test_requests_are_numbered_on_and_belong_to_their_ingest(queue: Queue, store: Store) -> None:
    queue.record(request("/before"))
    assert queue.begin_ingest('{"since":"30 d"}', NOON) == 1
    queue.record(request("/first"))
    queue.end_ingest(1, datetime(2026, 11, 23, 13), "done", 1, 2.5)
    following = again(store)
    assert following.begin_ingest("{}", NOON) == 2
    following.record(
        RequestRecord(NOON, "GET", "/second", "logs", None, 0, 60_000, 1, None, "The server did not answer.")
    )
    following.commit()
    assert store.query(
        "SELECT request_no, endpoint, status, kind, error, ingest_no FROM requests ORDER BY 1"
    ).rows == [
        (1, "/before", 200, "runs", None, None),
        (2, "/first", 200, "runs", None, 1),
        (3, "/second", None, "logs", "The server did not answer.", 2),
    ]
    assert store.query("SELECT ended_at, outcome, requests, waited_seconds FROM ingests ORDER BY ingest_no").rows == [
        (datetime(2026, 11, 23, 13), "done", 1, 2.5),
        (None, None, None, None),
    ]


@pytest.fixture
def remembered(queue: Queue, store: Store, tmp_path: Path) -> Queue:
    """A queue reopened with one answer in it, whose body is in the evidence."""
    body = b'{"total_count":0}'
    (tmp_path / "repos").mkdir()
    (tmp_path / "repos" / "page-1.json").write_bytes(body)
    queue.remember(
        "/runs?page=1", JSON, "mark", 'W/"e"', "/runs?page=2", "repos/page-1.json", hashlib.sha256(body).hexdigest()
    )
    queue.commit()
    return again(store, tmp_path)


def test_an_answer_is_recalled_with_its_body(remembered: Queue) -> None:
    found = remembered.recall("/runs?page=1", JSON, "mark")
    assert found
    assert (found.etag, found.body, found.next_page) == ('W/"e"', b'{"total_count":0}', "/runs?page=2")
    assert found.evidence_path == "repos/page-1.json"


@pytest.mark.parametrize(
    ("path", "accept", "mark"),
    [("/runs?page=2", JSON, "mark"), ("/runs?page=1", RAW, "mark"), ("/runs?page=1", JSON, "")],
)
def test_an_etag_belongs_to_address_accept_and_token(remembered: Queue, path: str, accept: str, mark: str) -> None:
    """Row 44."""
    assert remembered.recall(path, accept, mark) is None


@pytest.mark.parametrize("what", ["lost", "changed"])
def test_an_answer_whose_body_is_not_what_it_was_is_asked_for_again(
    remembered: Queue, tmp_path: Path, what: str
) -> None:
    """Row 43."""
    body = tmp_path / "repos" / "page-1.json"
    if what == "lost":
        body.unlink()
    else:
        body.write_bytes(b'{"total_count":1}')
    assert remembered.recall("/runs?page=1", JSON, "mark") is None


def test_a_case_from_elsewhere_cannot_have_other_files_read(store: Store, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"{}")
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    (evidence / "link").symlink_to(secret)
    digest = hashlib.sha256(b"{}").hexdigest()
    queue = again(store, evidence)
    for path in ("../secret", str(secret), "link", "nul\0"):
        queue.remember("/a", JSON, "mark", "etag", None, path, digest)
        assert queue.recall("/a", JSON, "mark") is None


def test_a_window_listed_whole_makes_those_within_it_superfluous(queue: Queue, store: Store) -> None:
    for noted in (listing(1, 5), listing(5, 9, complete=False), listing(4, 8, workflow="deploy.yml")):
        queue.note_listing(noted)
    queue.commit()
    queue.note_listing(listing(2, 4, complete=False))
    queue.note_listing(listing(3, 9))
    queue.commit()
    for one in (queue, again(store)):
        assert one.listings(REPOSITORY, "") == [listing(1, 5), listing(2, 4, complete=False), listing(3, 9)]
        assert one.listings(REPOSITORY, "deploy.yml") == [listing(4, 8, workflow="deploy.yml")]
        assert len(one.listings(REPOSITORY)) == 4
        assert one.listings("acme/other") == []


def test_a_window_listed_again_replaces_what_was_said_of_it(queue: Queue, store: Store) -> None:
    queue.note_listing(listing(1, 5, complete=False))
    queue.commit()
    queue.note_listing(listing(1, 5))
    queue.commit()
    assert again(store).listings(REPOSITORY) == [listing(1, 5)]


# What became of it


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["jobs", "logs"]), st.sampled_from(sorted(STATES))), max_size=30))
def test_every_listed_thing_is_in_exactly_one_count(shared: Store, things: list[tuple[str, str]]) -> None:
    shared.execute("DELETE FROM work")
    queue = again(shared)
    for number, (kind, state) in enumerate(things):
        queue.settle([Settled(item(str(number), kind=kind), state)])
    queue.commit()
    accounts = queue.completeness()
    assert [one.kind for one in accounts] == sorted({kind for kind, _ in things})
    for one in accounts:
        states = [state for kind, state in things if kind == one.kind]
        assert one.listed == len(states)
        assert one.listed == one.fetched + one.expired + one.refused + one.waiting + one.skipped
        assert (one.fetched, one.expired, one.skipped) == tuple(
            states.count(state) for state in ("done", "expired", "skipped")
        )
        assert one.waiting == sum(state in ("waiting", *RETRIED_LATER) for state in states)


def test_completeness_is_of_one_repository_or_of_all(queue: Queue) -> None:
    for repository in ("acme/a", "acme/b"):
        queue.settle([Settled(Item(repository, "jobs", "1"), "done")])
    queue.commit()
    assert [one.fetched for one in queue.completeness()] == [2]
    assert [one.fetched for one in queue.completeness("acme/a")] == [1]
    assert queue.completeness("acme/c") == []


def problems(store: Store) -> list[tuple[Any, ...]]:
    return store.query("SELECT kind, run_id, job_id, detail FROM problems ORDER BY ALL").rows


def test_what_is_not_to_be_had_is_a_problem_of_the_case(queue: Queue, store: Store) -> None:
    store.execute("INSERT INTO problems VALUES ('made-up-run', '', '', 'Only a log is known.', 0, -5, NULL)")
    gone = Item(REPOSITORY, "logs", "7/2", 7, 2)
    queue.settle(
        [
            Settled(gone, "expired", "GitHub answered 410.", 410),
            Settled(Item(REPOSITORY, "annotations", "70", 7, 2, 70), "failed"),
            Settled(Item(REPOSITORY, "groups", "7", 7), "no-permission", "The token lacks actions=read."),
            Settled(Item(REPOSITORY, "groups", "8", 8), "no-permission", "The token lacks actions=read."),
            Settled(item("9", kind="logs"), "waiting"),
            Settled(item("10", kind="logs"), "skipped", "No job ran."),
        ]
    )
    queue.note_listing(listing(1, 2, complete=False))
    expected = [
        ("annotations-failed", 7, 70, "acme/shop, run 7, attempt 2, job 70: annotations are not to be had: "
         "The server failed each time; the next ingest asks again."),
        ("listing-incomplete", None, None, "acme/shop: Runs from 2026-11-01 00:00:00 to 2026-11-02 00:00:00 UTC are "
         "not all listed: GitHub counts 12 runs and showed 10 of them."),
        ("log-expired", 7, None, "acme/shop, run 7, attempt 2: logs are not to be had: GitHub answered 410."),
        ("made-up-run", -5, None, "Only a log is known."),
        ("no-permission", None, None,
         "acme/shop: 2 of kind groups are not to be had: The token lacks actions=read."),
        ("not-fetched", None, None,
         "acme/shop: 1 of kind logs were not asked for yet; the next ingest goes on with them."),
    ]  # fmt: skip
    for _ in range(2):
        queue.tombstones_into_problems()
        assert problems(store) == expected


def test_a_problem_goes_when_the_thing_was_had_after_all(queue: Queue, store: Store) -> None:
    queue.settle([Settled(item("1"), "failed"), Settled(item("2"), "waiting")])
    queue.note_listing(listing(1, 2, complete=False))
    queue.tombstones_into_problems()
    assert [row[0] for row in problems(store)] == ["jobs-failed", "listing-incomplete", "not-fetched"]
    queue.settle([Settled(item("1"), "done"), Settled(item("2"), "done")])
    queue.note_listing(listing(1, 2))
    queue.tombstones_into_problems()
    assert problems(store) == []
