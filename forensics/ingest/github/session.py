"""What the stages of one ingest share: the client, the queue, the evidence, and when to commit."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from forensics.errors import ServerFailing
from forensics.ingest.evidence import EvidenceFolder
from forensics.ingest.github.answer import JSON, RETRIED_LATER, Answer, Gone, RequestRecord, Server
from forensics.ingest.github.queue import Item, Queue, Settled
from forensics.model import Progress

if TYPE_CHECKING:
    from forensics.ingest.github.client import Client
    from forensics.ingest.github.download import Downloader

COMMIT_EVERY = 0.25
"""Seconds between commits: what a killed ingest asks for again, at most, beside what was under way."""

Run = dict[str, Any]
"""A run object as GitHub sent it."""


@dataclass
class Session:
    """One ingest under way."""

    server: Server
    queue: Queue
    folder: EvidenceFolder
    progress: Progress
    mark: str = ""
    """Fingerprint of the token, part of the key of what is remembered."""
    client: Client = field(init=False)
    downloader: Downloader = field(init=False)
    waited: float = 0.0
    warnings: list[str] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    """Requests made so far, by kind."""
    _committed: float = field(default_factory=time.monotonic)

    def record(self, request: RequestRecord) -> None:
        """Observer: a request was made."""
        self.queue.record(request)
        self.requests[request.kind] = self.requests.get(request.kind, 0) + 1
        self.progress.status(self._quota())

    def waiting(self, seconds: float, why: str) -> None:
        """Observer: all requests wait."""
        self.waited += seconds
        # A wait may be long: what is finished must not be lost with it.
        self.commit()
        self.progress.waiting(seconds, why)

    def _quota(self) -> str:
        made = f"{sum(self.requests.values()):,} requests"
        left, _, resets_at = self.client.quota
        if left is None:
            return made
        return f"{made}, {left:,} left" + (f", resets {resets_at:%H:%M} UTC" if resets_at else "")

    def warn(self, sentences: Iterable[str]) -> None:
        """Say each sentence once."""
        for sentence in sentences:
            if sentence not in self.warnings:
                self.warnings.append(sentence)
                self.progress.note(sentence)

    def keep(self, answer: Answer, name: str, *, conditional: bool = False) -> str:
        """Put an answer into the evidence; its path there. ``conditional``: remember its ETag."""
        self.warn(answer.warnings)
        if answer.unchanged and answer.evidence_path:
            return answer.evidence_path
        taken = self.folder.put(answer.body, name, f"{self.server.api_url}{answer.path}").evidence
        if conditional and answer.etag:
            self.queue.remember(
                answer.path,
                JSON,
                self.mark,
                answer.etag,
                answer.next_page,
                taken.path,
                taken.sha256,
            )
        return taken.path

    def keep_absence(self, gone: Gone, name: str) -> str | None:
        """Put the server's word that something is not to be had into the evidence; not what passes by itself."""
        if not gone.body or gone.state in RETRIED_LATER:
            return None
        return self.folder.put(gone.body, name, gone.detail).evidence.path

    def settle(self, results: Iterable[Settled]) -> None:
        """Note what became of things that belong together, all at once, and commit when it is time."""
        self.queue.settle(results)
        if time.monotonic() - self._committed >= COMMIT_EVERY:
            self.commit()

    def commit(self) -> None:
        """Make everything so far last: first the files, then the rows that rely on them."""
        self.folder.sync()
        self.queue.commit()
        self._committed = time.monotonic()


def gone(item: Item, why: Gone, evidence_path: str | None = None) -> Settled:
    """The outcome of an item that is not to be had."""
    return Settled(item, why.state, why.detail, why.status, evidence_path)


def root(repository: str) -> str:
    """Folder of a repository in the evidence, as its address in the API."""
    return f"repos/{repository}"


__all__ = ["COMMIT_EVERY", "Run", "ServerFailing", "Session", "gone", "root"]
