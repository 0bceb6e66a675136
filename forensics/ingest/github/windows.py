"""Windows of time to list runs by: as few as cover the span, and the same as last time, so that ETags match.

One search shows at most :data:`CAP` runs (facts/github-api.md, section 2), so a fuller window is halved.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

CAP = 1000
"""Runs that GitHub shows of one search."""
MOST_WINDOWS = 5
"""Windows to ask for anew where one search could show all: each costs a request even when nothing changed."""
KEPT_BEFORE = timedelta(days=1)
"""How far before the span a known window may begin: ``--since 30d`` moves on, the window is still worth its ETags."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, order=True)
class Window:
    """A span of ``created_at``: both seconds belong to it. Naive UTC, whole seconds, else ValueError."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if any(moment.tzinfo or moment.microsecond for moment in (self.start, self.end)):
            raise ValueError("a window is bounded by whole seconds in naive UTC")
        if self.start > self.end:
            raise ValueError(f"a window cannot end at {self.end}, before it starts at {self.start}")

    @property
    def created(self) -> str:
        """As the parameter ``created`` of a search."""
        return f"{self.start.isoformat()}Z..{self.end.isoformat()}Z"

    @property
    def divisible(self) -> bool:
        """Whether it is longer than the one second that GitHub's times can tell apart."""
        return self.start < self.end

    def halves(self) -> tuple[Window, Window]:
        """Two windows that are this one; ValueError for a single second."""
        if not self.divisible:
            raise ValueError(f"the second {self.created} cannot be halved")
        middle = self.start + timedelta(seconds=(self.end - self.start) // _SECOND // 2)
        return Window(self.start, middle), Window(middle + _SECOND, self.end)


@dataclass(frozen=True)
class Listing:
    """A window that was listed: a row of table ``listings``."""

    repository: str
    workflow: str
    """File name; empty for all workflows."""
    starts_at: datetime
    ends_at: datetime
    """Naive UTC; belongs to the window."""
    total_count: int
    """How many runs GitHub said there are."""
    listed: int
    """How many different ones it showed."""
    complete: bool
    detail: str
    """Why it is not complete, in a sentence; else empty."""
    listed_at: datetime


@dataclass(frozen=True)
class _Piece:
    """A part of the plan: a known window, a gap (of which nothing is known), or several joined."""

    start: datetime
    end: datetime
    runs: int


def plan(since: datetime, until: datetime, known: Sequence[Listing]) -> list[Window]:
    """The windows to list now, oldest first: together all of the span, no second twice, nothing after it.

    Windows that were listed whole before are asked for with the same bounds, and the gaps between them; the first
    may begin up to ``KEPT_BEFORE`` before ``since``. When that makes more than ``MOST_WINDOWS`` (four more for each
    further ``CAP`` runs known of), neighbours that hold little are joined into fresh ones. Fractions of seconds are
    cut off; the list is empty when ``since`` is after ``until``.
    """
    since, until = since.replace(microsecond=0), until.replace(microsecond=0)
    if since > until:
        return []
    kept = _kept(since, until, known)
    pieces = list(_filled(since, until, kept))
    thousands = max(1, -(-sum(piece.runs for piece in pieces) // CAP))
    if len(pieces) > 1 + (MOST_WINDOWS - 1) * thousands:
        pieces = _joined(since, pieces)
    return [Window(piece.start, piece.end) for piece in pieces]


def _kept(since: datetime, until: datetime, known: Iterable[Listing]) -> list[_Piece]:
    """Known windows that can be asked for again; of two that overlap the one listed last, then the larger."""
    fitting = [
        listing
        for listing in known
        if listing.complete
        and since - KEPT_BEFORE <= listing.starts_at <= listing.ends_at <= until
        and listing.ends_at >= since
    ]
    fitting.sort(
        key=lambda one: (one.listed_at, one.ends_at - one.starts_at, one.starts_at, one.total_count), reverse=True
    )
    kept: list[_Piece] = []
    for one in fitting:
        if all(one.ends_at < other.start or other.end < one.starts_at for other in kept):
            kept.append(_Piece(one.starts_at, one.ends_at, max(0, one.total_count)))
    return sorted(kept, key=lambda piece: piece.start)


def _filled(since: datetime, until: datetime, kept: Iterable[_Piece]) -> Iterable[_Piece]:
    """The known windows, and the gaps before, between and after them."""
    reached = since
    for piece in kept:
        if reached < piece.start:
            yield _Piece(reached, piece.start - _SECOND, 0)
        yield piece
        reached = piece.end + _SECOND
    if reached <= until:
        yield _Piece(reached, until, 0)


def _joined(since: datetime, pieces: Iterable[_Piece]) -> list[_Piece]:
    """Neighbours put together, oldest first, as long as they hold no more than half of what a search shows.

    Any two neighbours left hold more than that, so of n runs at most ``1 + 4 n / CAP`` windows are left.
    """
    joined: list[_Piece] = []
    for piece in pieces:
        if joined and joined[-1].runs + piece.runs <= CAP // 2:
            joined[-1] = _Piece(max(since, joined[-1].start), piece.end, joined[-1].runs + piece.runs)
        else:
            joined.append(piece)
    return joined
