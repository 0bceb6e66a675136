"""Which run a ``workflow_run`` event was about: GitHub records the later run, not what it came after."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from forensics.concurrency.past import Upstream

if TYPE_CHECKING:
    from forensics.concurrency.reading import Record

_AFTER, _BEFORE = timedelta(seconds=2), timedelta(seconds=20)
"""The event comes within seconds of the completion; times have a grain of one second."""


class Completions:
    """When runs of each repository completed."""

    def __init__(self, rows: Iterable[Record]) -> None:
        ended: dict[str, list[tuple[datetime, int, Record]]] = {}
        for place, row in enumerate(rows):
            if row.completed_at is not None:
                ended.setdefault(row.repository, []).append((row.completed_at, place, row))
        self._ended = {repository: sorted(found, key=lambda one: one[:2]) for repository, found in ended.items()}

    def before(self, row: Record) -> Upstream | None:
        """The one attempt of another workflow that completed when this run was created; None when several did."""
        if row.created_at is None:
            return None
        ended = self._ended.get(row.repository, [])
        first = bisect_left(ended, row.created_at - _BEFORE, key=lambda one: one[0])
        last = bisect_right(ended, row.created_at + _AFTER, key=lambda one: one[0])
        found = [one for _, _, one in ended[first:last] if one.path != row.path]
        if len(found) != 1:
            return None
        one = found[0]
        return Upstream(
            one.run_id, one.run_number, one.attempt, one.workflow_name, one.path, one.event,
            one.head_branch, one.head_sha, one.head_repository, one.conclusion,
        )  # fmt: skip
