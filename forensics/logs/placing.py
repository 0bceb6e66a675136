"""Laying the steps of the jobs API against the lines at which steps may begin, without guessing.

Dynamic programming over pairs of step and boundary, both in order: the best total of what speaks for each pair. Only
what is the same in every best solution counts as found.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from forensics.logs.boundary import Boundary, Kind


class Window(NamedTuple):
    """A step to be placed; times in whole seconds."""

    name: str
    started: datetime | None
    completed: datetime | None
    ran: bool
    """False when it may have been skipped."""


_LATE = timedelta(seconds=3)
"""How long after its start a step's heading may be printed."""
_GRAIN = timedelta(seconds=1)
_MOST_CANDIDATES = 30
"""Beginnings considered for one step; one with more is not placed."""
_MOST_MISSING = 8
"""Steps in a row that may have left no heading."""

# What speaks for a pair of step and boundary, and against a solution.
_SAME_SECOND, _NEXT_SECOND = 4, 2
_SAME_NAME, _SAME_KIND = 10, 6
_MISSING, _MISSING_SHORT = -12, -5
"""For a step without a heading; less for one that may have been skipped."""
_STRAY = -8
"""For a heading that would lie inside a step that can hold none."""

_KINDS: dict[str, tuple[Kind, ...]] = {
    "Set up job": ("start",),
    "Complete job": ("end",),
    "Initialize containers": ("containers",),
    "Stop containers": ("stop-containers",),
}


@dataclass(frozen=True)
class Placing:
    """From ``row`` on lines belong to a step, or, when ``step`` is None, to nobody knows which."""

    row: int
    step: int | None
    """Index into the steps given."""
    kind: str
    """Kind of the boundary; empty when nothing is sure."""
    until: datetime | None = None
    """Second at which another step, of which no heading is known, may have begun."""


def place(boundaries: Sequence[Boundary], steps: Sequence[Window]) -> list[Placing]:
    """Where each step surely begins, and where that is unsure; by row."""
    possible, passed = _Layout(boundaries, steps).solve()
    placings: dict[int, Placing] = {}
    for step, found in enumerate(possible):
        sure = len(found) == 1 and step not in passed
        for at in found:
            row, kind = boundaries[at].row, boundaries[at].kind
            if sure:
                placings[row] = Placing(row, step, kind, _missing_from(step, steps, possible))
            else:
                placings.setdefault(row, Placing(row, None, ""))
    return [placings[row] for row in sorted(placings)]


def _missing_from(step: int, steps: Sequence[Window], possible: Sequence[set[int]]) -> datetime | None:
    """Start of the first step after this one that ran but has no heading, before one that may have."""
    for after in range(step + 1, len(steps)):
        if possible[after]:
            return None
        if steps[after].ran:
            return steps[after].started
    return None


class _Layout:
    """The search: nodes are pairs of step and boundary that may go together."""

    def __init__(self, boundaries: Sequence[Boundary], steps: Sequence[Window]) -> None:
        self._boundaries = boundaries
        self._steps = steps
        self._missing = [0, *accumulate(_MISSING if step.ran else _MISSING_SHORT for step in steps)]
        self._headings = [at for at, b in enumerate(boundaries) if b.kind == "run"]
        self._times = list(accumulate((boundaries[at].second for at in self._headings), max))
        in_time = sorted((b.second, at) for at, b in enumerate(boundaries))
        self._nodes = [self._candidates(step, in_time) for step in steps]

    def solve(self) -> tuple[list[set[int]], set[int]]:
        """For each step the boundaries it has in the best solutions, and the steps that one of them passes over."""
        count = len(self._steps)
        before: list[dict[int, int]] = [{} for _ in range(count)]
        for step, nodes in enumerate(self._nodes):
            for at, score in nodes.items():
                ways = [before[j][a] + w for j, a, w in self._edges_into(step, at)]
                before[step][at] = score + max([self._missing[step], *ways])
        totals = {(k, at): s + self._after(k, at) for k, found in enumerate(before) for at, s in found.items()}
        possible: list[set[int]] = [set() for _ in range(count)]
        passed: set[int] = set()
        if not totals:
            return possible, passed
        # Walk back along every best way.
        best = max(totals.values())
        waiting = [node for node, total in totals.items() if total == best]
        for step, _ in waiting:
            passed.update(range(step + 1, count))
        seen = set(waiting)
        while waiting:
            step, at = waiting.pop()
            possible[step].add(at)
            need = before[step][at] - self._nodes[step][at]
            if need == self._missing[step]:
                passed.update(range(step))
            for j, a, w in self._edges_into(step, at):
                if before[j][a] + w == need:
                    passed.update(range(j + 1, step))
                    if (j, a) not in seen:
                        seen.add((j, a))
                        waiting.append((j, a))
        return possible, passed

    def _edges_into(self, step: int, at: int) -> Iterator[tuple[int, int, int]]:
        """Nodes that may come directly before, and what the way from them adds."""
        for j in range(max(0, step - 1 - _MOST_MISSING), step):
            missing = self._missing[step] - self._missing[j + 1]
            for a in self._nodes[j]:
                if a < at:
                    yield j, a, missing if j + 1 < step else self._stray(j, a, at)

    def _after(self, step: int, at: int) -> int:
        """What lies behind the last placed step adds."""
        if step + 1 < len(self._steps):
            return self._missing[-1] - self._missing[step + 1]
        return self._stray(step, at, len(self._boundaries))

    def _stray(self, step: int, at: int, until: int) -> int:
        """Headings between two boundaries that cannot be inner ones of the step that begins at the first."""
        first, last = bisect_right(self._headings, at), bisect_left(self._headings, until)
        begins, completed = self._boundaries[at], self._steps[step].completed
        if begins.kind == "run" and not begins.single:
            # Inner steps of a composite action lie within its window.
            first = last if completed is None else max(first, bisect_right(self._times, completed + _GRAIN))
        return _STRAY * max(0, last - first)

    def _candidates(self, step: Window, in_time: Sequence[tuple[datetime, int]]) -> dict[int, int]:
        """Boundaries at which a step may begin, with what speaks for each."""
        name, started, completed, _ = step
        if started is None:
            return {}
        kinds = _KINDS.get(name, ("run", "build", "post") if name.startswith("Post ") else ("run", "build"))
        latest = started + _LATE if completed is None or "start" not in kinds else completed + _LATE
        if completed is not None:
            latest = min(latest, max(completed, started) + _GRAIN)
        first = bisect_left(in_time, (started - _GRAIN, -1))
        last = bisect_right(in_time, (latest, len(in_time)))
        if last - first > 100 * _MOST_CANDIDATES:
            return {}
        fitting = [at for _, at in in_time[first:last] if self._boundaries[at].kind in kinds]
        if len(fitting) > _MOST_CANDIDATES:
            return {}
        return {at: _score(step, self._boundaries[at]) for at in sorted(fitting)}


def _score(step: Window, boundary: Boundary) -> int:
    # The name of a step that was given none is its heading; archives have it without some signs.
    same_name = boundary.kind == "run" and _plain(boundary.heading) == _plain(step.name)
    if boundary.kind == "run" and not same_name and not step.ran:
        return _MISSING_SHORT  # nothing says that it ran at all
    score = _SAME_NAME if same_name else 0 if boundary.kind == "run" else _SAME_KIND
    if boundary.second == step.started:
        return score + _SAME_SECOND
    return score + _NEXT_SECOND if boundary.second - _GRAIN == step.started else score


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
