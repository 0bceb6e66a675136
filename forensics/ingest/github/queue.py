"""What is still to be asked, in the store: a killed ingest goes on where its last commit left it.

Everything is known in memory as well, so that asking costs no SQL; changes are gathered, and one commit writes them
all or none of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from forensics.ingest.github.answer import RETRIED_LATER, GoneState, Remembered, RequestRecord, moment
from forensics.ingest.github.scope import Completeness
from forensics.ingest.github.tables import ANSWERS, LISTINGS, REQUESTS, WORK
from forensics.ingest.github.tombstones import write_tombstones
from forensics.ingest.github.windows import Listing
from forensics.store.coverage import read_accounts
from forensics.store.store import Store

Key = tuple[str, str, str]
"""Repository, kind, key."""

STATES = frozenset({"waiting", "done", "skipped", *get_args(GoneState)})


@dataclass(frozen=True)
class Item:
    """One thing to ask GitHub for; repository, kind and key say which one."""

    repository: str
    kind: str
    key: str
    run_id: int | None = None
    attempt: int | None = None
    job_id: int | None = None
    version: str = ""
    """State of the thing that it is asked for; another version is asked for anew."""
    priority: int = 100
    """Lower first."""

    @property
    def identity(self) -> Key:
        """Which thing, whatever its version."""
        return self.repository, self.kind, self.key


@dataclass(frozen=True)
class Settled:
    """What became of an item."""

    item: Item
    state: str
    """``done``, ``skipped``, a GoneState, or ``waiting`` when it is to be asked again at once."""
    detail: str = ""
    """Why it is not to be had, in a sentence without secrets."""
    status: int | None = None
    evidence_path: str | None = None


@dataclass(frozen=True)
class _Known:
    """A row of table ``work``."""

    item: Item
    state: str = "waiting"
    tries: int = 0
    detail: str = ""
    status: int | None = None
    evidence_path: str | None = None
    asked_at: datetime | None = None

    def row(self) -> tuple[Any, ...]:
        item = self.item
        return (
            *item.identity, item.run_id, item.attempt, item.job_id, item.version, item.priority,
            self.state, self.tries, self.detail, self.status, self.evidence_path, self.asked_at,
        )  # fmt: skip


@dataclass(frozen=True)
class _Answer:
    """A row of table ``answers``."""

    etag: str
    next_page: str | None
    evidence_path: str
    sha256: str
    stored_at: datetime


@dataclass
class _Pending:
    """What the next commit writes."""

    work: set[Key] = field(default_factory=set)
    dropped_work: set[Key] = field(default_factory=set)
    requests: list[tuple[Any, ...]] = field(default_factory=list)
    answers: set[Key] = field(default_factory=set)
    listings: set[_Span] = field(default_factory=set)
    dropped_listings: set[_Span] = field(default_factory=set)


_Span = tuple[str, str, datetime, datetime]


class Queue:
    """The work of one case, on a store opened for writing; at most one at a time (:class:`IngestLock`)."""

    def __init__(self, store: Store, evidence_root: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._root = evidence_root
        self._clock = clock
        self._pending = _Pending()
        self._known: dict[Key, _Known] = {}
        self._open: dict[str, dict[Key, Item]] = {}
        self._stored: set[Key] = set()
        self._outdated: set[tuple[Key, str]] = set()
        self._settled_now: set[Key] = set()
        self._ingest_no: int | None = None
        self._doubtful = False
        """True after a commit that failed: a full disk may have let it last all the same."""
        for row in store.query(WORK.select()).rows:
            self._know(_Known(Item(*row[:8]), *row[8:]))
        self._stored.update(self._known)
        self._answers = {row[:3]: _Answer(*row[3:]) for row in store.query(ANSWERS.select()).rows}
        self._listings = {row[:4]: Listing(*row) for row in store.query(LISTINGS.select()).rows}
        numbers = store.query("SELECT coalesce(max(request_no), 0) FROM requests").rows
        self._request_no = int(numbers[0][0])

    def add(self, items: Iterable[Item]) -> int:
        """Note what there is to ask for; return how many wait now because of it.

        New things wait, and known ones of another version wait again. What the last ingest left ``not-ready`` or
        ``failed`` waits again too; what this one did, does not. Others stay as they are, and a waiting one takes
        the new priority.
        """
        count = 0
        for item in items:
            known = self._known.get(item.identity)
            if known is None:
                self._change(_Known(item))
                count += 1
            elif known.item.version != item.version:
                self._outdated.add((item.identity, known.item.version))
                self._outdated.discard((item.identity, item.version))
                self._change(_Known(item))
                count += known.state != "waiting"
            elif known.state == "waiting":
                if known.item.priority != item.priority:
                    self._change(replace(known, item=replace(known.item, priority=item.priority)))
            elif known.state in RETRIED_LATER and item.identity not in self._settled_now:
                self._change(replace(known, item=item, state="waiting"))
                count += 1
        return count

    def waiting(self, repository: str, kinds: Collection[str] = ()) -> list[Item]:
        """What is to be asked of one repository (of some kinds; none means all): by priority, newest run first."""
        found = [item for item in self._open.get(repository, {}).values() if not kinds or item.kind in kinds]
        return sorted(found, key=_turn)

    def state_of(self, repository: str, kind: str, key: str) -> tuple[str, str] | None:
        """State and version of a thing; None when it was never added."""
        known = self._known.get((repository, kind, key))
        return (known.state, known.item.version) if known else None

    def settle(self, results: Iterable[Settled]) -> None:
        """Note what became of items, for the next commit.

        An item that was added in a newer version meanwhile goes on waiting for that. ValueError for an unknown state.
        """
        now = moment(self._clock())
        for result in results:
            item = result.item
            if result.state not in STATES:
                raise ValueError(f"{result.state!r} is no state of work")
            if (item.identity, item.version) in self._outdated:
                continue
            known = self._known.get(item.identity)
            tries = known.tries if known and known.item.version == item.version else 0
            settled = _Known(item, result.state, tries, result.detail, result.status, result.evidence_path)
            if known and result.state != "waiting" and settled == replace(known, asked_at=None):
                continue
            self._settled_now.add(item.identity)
            self._change(replace(settled, tries=tries + 1, asked_at=now))

    def retry_later(self, repository: str) -> int:
        """At the start of an ingest: let wait what failed or was not ready at the last one; return how many."""
        again = [
            known
            for known in self._known.values()
            if known.item.repository == repository and known.state in RETRIED_LATER
        ]
        for known in again:
            self._change(replace(known, state="waiting"))
        return len(again)

    def rename(self, old: str, new: str) -> None:
        """Let a repository have its new name; what is known under both names stays as the new one has it."""
        for known in [known for known in self._known.values() if known.item.repository == old]:
            self._drop(known.item.identity)
            moved = replace(known, item=replace(known.item, repository=new))
            if moved.item.identity not in self._known:
                self._change(moved)
        for listing in self.listings(old):
            self._drop_listing(listing)
            moved_listing = replace(listing, repository=new)
            if _span(moved_listing) not in self._listings:
                self.note_listing(moved_listing)

    def record(self, request: RequestRecord) -> None:
        """Note a request, for the next commit."""
        self._request_no += 1
        self._pending.requests.append(
            (
                self._request_no, request.requested_at, request.method, request.endpoint, request.status,
                request.bytes, request.duration_ms, request.cost, request.quota_left, request.kind, request.error,
                self._ingest_no,
            )
        )  # fmt: skip

    def remember(
        self,
        path: str,
        accept: str,
        token_mark: str,
        etag: str,
        next_page: str | None,
        evidence_path: str,
        sha256: str,
    ) -> None:
        """Note an answer that lies in the evidence with its ETag, for the next commit."""
        key = (path, accept, token_mark)
        self._answers[key] = _Answer(etag, next_page, evidence_path, sha256, moment(self._clock()))
        self._pending.answers.add(key)

    def recall(self, path: str, accept: str, token_mark: str) -> Remembered | None:
        """What is remembered of an address; None too when its evidence is gone or is not what it was (row 43)."""
        known = self._answers.get((path, accept, token_mark))
        body = self._body(known) if known else None
        if known is None or body is None:
            return None
        return Remembered(known.etag, body, known.next_page, known.evidence_path)

    def _body(self, known: _Answer) -> bytes | None:
        root = self._root.resolve()
        try:
            # A case may come from anybody: its rows lead nowhere but into its own evidence.
            file = (root / known.evidence_path).resolve()
            body = file.read_bytes() if file.is_relative_to(root) else b""
        except (OSError, ValueError):
            return None
        return body if sha256(body).hexdigest() == known.sha256 else None

    def listings(self, repository: str, workflow: str | None = None) -> list[Listing]:
        """Windows that were listed, oldest first: of one workflow, of '' for all together, or (None) of any."""
        found = [
            listing
            for listing in self._listings.values()
            if listing.repository == repository and workflow in (None, listing.workflow)
        ]
        return sorted(found, key=_span)

    def note_listing(self, listing: Listing) -> None:
        """Note a window that was listed, for the next commit; a complete one makes those within it superfluous."""
        if listing.complete:
            for other in self.listings(listing.repository, listing.workflow):
                if listing.starts_at <= other.starts_at and other.ends_at <= listing.ends_at:
                    self._drop_listing(other)
        span = _span(listing)
        self._listings[span] = listing
        self._pending.listings.add(span)
        self._pending.dropped_listings.discard(span)

    def commit(self) -> None:
        """Write everything gathered in one transaction; when that fails it is still there for the next one."""
        if self._pending == _Pending():
            return
        # In one thread to its end: Ctrl-C meanwhile cannot leave rows written and not noted as written.
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(self._commit).result()

    def _commit(self) -> None:
        pending = self._pending
        work = [self._known[key] for key in sorted(pending.work)]
        stored = [one.row() for one in work if one.item.identity in self._stored]
        new = [one.row() for one in work if one.item.identity not in self._stored]
        listings = [tuple(vars(self._listings[span]).values()) for span in sorted(pending.listings)]
        answers = [(*key, *vars(self._answers[key]).values()) for key in sorted(pending.answers)]
        careful, self._doubtful = self._doubtful, True
        with self._store.transaction():
            self._write(WORK.delete(), sorted(pending.dropped_work))
            self._write(WORK.update(), stored)
            self._write(WORK.insert(careful=careful), new)
            self._write(LISTINGS.delete(), sorted(pending.dropped_listings))
            self._write(LISTINGS.insert(careful=True), listings)
            self._write(ANSWERS.insert(careful=True), answers)
            self._write(REQUESTS.insert(careful=careful), pending.requests)
        self._doubtful = False
        self._stored |= pending.work
        self._stored -= pending.dropped_work
        self._pending = _Pending()

    def _write(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._store.execute(sql, [list(column) for column in zip(*rows, strict=True)])

    def begin_ingest(self, scope_json: str, started_at: datetime) -> int:
        """Write down at once that an ingest began; its number, which later requests get. No secrets in the scope."""
        number = int(self._store.query("SELECT coalesce(max(ingest_no), 0) + 1 FROM ingests").rows[0][0])
        self._store.execute(
            "INSERT INTO ingests (ingest_no, started_at, scope) VALUES (?, ?, ?)", [number, started_at, scope_json]
        )
        self._ingest_no = number
        return number

    def end_ingest(self, number: int, ended_at: datetime, outcome: str, requests: int, waited: float) -> None:
        """Write down how an ingest ended, and everything gathered with it."""
        self.commit()
        self._store.execute(
            "UPDATE ingests SET ended_at = ?, outcome = ?, requests = ?, waited_seconds = ? WHERE ingest_no = ?",
            [ended_at, outcome, requests, waited, number],
        )

    def completeness(self, repository: str | None = None) -> list[Completeness]:
        """What became of the things of each kind (of one repository; None means all), as of the last commit."""
        counts: dict[str, list[tuple[int, ...]]] = {}
        for one in read_accounts(self._store):
            if repository in (None, one.repository):
                counts.setdefault(one.kind, []).append(
                    (one.listed, one.fetched, one.expired, one.refused, one.waiting, one.skipped)
                )
        return [Completeness(kind, *map(sum, zip(*counts[kind], strict=True))) for kind in sorted(counts)]

    def tombstones_into_problems(self) -> None:
        """Commit, and say in table ``problems`` what is not to be had and what is still to be asked for."""
        self.commit()
        write_tombstones(self._store)

    def _know(self, known: _Known) -> None:
        key = known.item.identity
        self._known[key] = known
        waiting = self._open.setdefault(known.item.repository, {})
        if known.state == "waiting":
            waiting[key] = known.item
        else:
            waiting.pop(key, None)

    def _change(self, known: _Known) -> None:
        self._know(known)
        self._pending.work.add(known.item.identity)
        self._pending.dropped_work.discard(known.item.identity)

    def _drop(self, key: Key) -> None:
        del self._known[key]
        self._open[key[0]].pop(key, None)
        self._pending.work.discard(key)
        self._pending.dropped_work.add(key)

    def _drop_listing(self, listing: Listing) -> None:
        span = _span(listing)
        del self._listings[span]
        self._pending.listings.discard(span)
        self._pending.dropped_listings.add(span)


def _span(listing: Listing) -> _Span:
    return listing.repository, listing.workflow, listing.starts_at, listing.ends_at


def _turn(item: Item) -> tuple[int, int, str, str]:
    # What belongs to no run (the repository, its workflows) goes before the runs.
    newest_first = -item.run_id if item.run_id is not None else -(1 << 63)
    return item.priority, newest_first, item.key, item.kind


__all__ = ["STATES", "Item", "Key", "Listing", "Queue", "Settled"]
