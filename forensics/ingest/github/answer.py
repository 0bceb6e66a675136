"""What the parts of the live ingest hand each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import orjson

JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
API_VERSION = "2022-11-28"
"""The version whose shapes are recorded; GitHub supports it until 2028 at least."""

GoneState = Literal[
    "expired",  # logs past their retention
    "deleted",  # was listed, is not there any more
    "blocked",  # 451
    "no-permission",  # this endpoint is not open to this token
    "unavailable",  # this server does not have the endpoint
    "not-ready",  # too young: ask again at the next ingest
    "corrupt",  # came broken each time it was asked for
    "refused",  # an archive that is a bomb or not one at all
    "failed",  # the server failed each time: ask again at the next ingest
]
RETRIED_LATER: frozenset[GoneState] = frozenset({"not-ready", "failed"})
"""States that the next ingest asks for again; the others are final."""


@dataclass(frozen=True)
class Server:
    """A GitHub: github.com, GHE.com or an Enterprise Server."""

    api_url: str
    """Base of all addresses, without a slash at the end: ``https://api.github.com`` or ``https://host/api/v3``."""
    host: str
    """The host that people and git remotes name: ``github.com``."""

    @property
    def is_dotcom(self) -> bool:
        """Whether GitHub's own published limits hold: an Enterprise Server has none unless its owner sets them."""
        return self.api_url == "https://api.github.com" or self.host.endswith(".ghe.com")


@dataclass(frozen=True)
class Policy:
    """How patient, how careful and how fast; tests set the clock."""

    concurrency: int = 6
    """Requests under way at once; GitHub allows 100 and advises few."""
    reserve: int = 50
    """Requests of the primary limit that are left to whoever else uses the token."""
    budget: int | None = None
    """Requests that this ingest may make."""
    wait: bool = True
    """False: stop (exit 5, resumable) instead of waiting for a limit to reset."""
    tries: int = 5
    secondary_tries: int = 6
    failures_in_a_row: int = 10
    """Items that failed one after the other before the server is taken to be down."""
    deadline: float = 60.0
    """Seconds that one request may take in all."""
    download_deadline: float = 1800.0
    stall: float = 60.0
    """Seconds without a byte of a download."""
    per_minute: int | None = 850
    """Requests begun within any minute; GitHub's secondary limit is 900 points. None: no pace."""
    max_hops: int = 4
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.time
    """Seconds since the epoch by this machine; the server's clock is learnt from its answers."""
    jitter: Callable[[], float] = field(default=lambda: 0.5)
    """A share of the back-off to add, 0 to 1."""


@dataclass(frozen=True)
class Answer:
    """A good answer of the API."""

    path: str
    """Path and query that gave it, below the base address, as last redirected: ``/repos/o/r/actions/runs?page=2``."""
    body: bytes
    etag: str | None = None
    next_page: str | None = None
    """Path and query of the next page, rebased to our base address; None on the last."""
    unchanged: bool = False
    """True for 304: ``body`` is the one that was remembered."""
    evidence_path: str | None = None
    """Where that body lies in the evidence already (only with ``unchanged``)."""
    server_time: datetime | None = None
    """``Date`` of the answer, naive UTC."""
    moved: bool = False
    """True when a 301 or 308 led here: the repository has another name now."""
    warnings: tuple[str, ...] = ()
    """Whole sentences: results that are partial for want of SSO, a Link header that was missing."""

    def json(self) -> Any:
        """The document; the client has made sure that there is one."""
        return orjson.loads(self.body)


@dataclass(eq=False)  # not frozen: Python writes the traceback into an exception
class Gone(Exception):
    """One thing is not to be had; the ingest goes on, with a row that says what, why and when."""

    state: GoneState
    detail: str
    """A whole sentence without secrets: what was asked, what the server said, what would help."""
    status: int | None = None
    body: bytes = b""
    """The server's answer, as evidence of the absence."""


@dataclass(frozen=True)
class RequestRecord:
    """A row of table ``requests``."""

    requested_at: datetime
    """Naive UTC by the server's clock as far as it is known."""
    method: str
    endpoint: str
    """Path and query without secrets; for a download the host and path alone."""
    kind: str
    """What it was for: repository, workflows, runs, jobs, attempt, groups, annotations, logs, job-log, download …"""
    status: int | None
    bytes: int
    duration_ms: int
    cost: int
    """What it counted against the primary limit: 0 for 304 and for downloads."""
    quota_left: int | None
    error: str | None = None
    """Why no answer came, or what was wrong with it."""


@dataclass(frozen=True)
class Remembered:
    """An answer that was stored with its ETag."""

    etag: str
    body: bytes
    next_page: str | None
    evidence_path: str


class Memory(Protocol):
    """Answers of earlier ingests (:mod:`forensics.ingest.github.queue` keeps them in the store)."""

    def recall(self, path: str, accept: str, token_mark: str) -> Remembered | None:
        """What is remembered of this address, or None; None too when its body is not in the evidence any more."""


class Observer(Protocol):
    """Who is told what the client does."""

    def record(self, request: RequestRecord) -> None:
        """A request was made."""

    def waiting(self, seconds: float, why: str) -> None:
        """All requests wait so long; ``why`` is a whole sentence."""


class Credential(Protocol):
    """As whom to ask."""

    @property
    def source(self) -> str:
        """Where the token came from, as the user knows it: ``GH_TOKEN``, ``gh auth token`` …"""

    @property
    def mark(self) -> str:
        """A fingerprint that tells two tokens apart and gives neither away."""

    async def token(self) -> str:
        """The token to use now; renewed when it is about to expire."""

    async def renewed(self) -> bool:
        """After a 401: whether a fresh token could be had."""


@dataclass(frozen=True)
class Location:
    """Where a download lies."""

    url: str | None
    """Absolute address, good for about a minute; None when the server sent the bytes itself."""
    stream: AsyncIterator[bytes] | None = None
    """The bytes, when there was no redirect."""
    length: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def moment(seconds: float) -> datetime:
    """Seconds since the epoch as naive UTC, microseconds cut to milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
