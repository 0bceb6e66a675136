"""A small GitHub for tests: runs and jobs arrive at groups, wait, hold, evict; who evicted whom is written down.

The rules are those of the facts, A3: per arrival its own settings decide. Times are exact inside, and cut to whole
seconds in the rows, as the API has them.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

FIRST = datetime(2026, 3, 2, 8)

Row = dict[str, Any]
Item = tuple[int, int | None]
"""A run, or one job of it: (run_id, job_id)."""


@dataclass
class Lease:
    """A run or job, from its arrival at a group to its end."""

    item: Item
    group: str
    cancel: bool
    queue: str
    service: float
    """Seconds it would hold the group."""
    arrived: float
    acquired: float | None = None
    ended: float | None = None
    stopped: float | None = None
    """When it was told to stop."""
    by: Item | None = None
    conclusion: str = "success"
    reason: str = ""


@dataclass
class World:
    """All groups of a repository; ``run`` lets time pass until nothing happens any more."""

    chance: Random
    leases: list[Lease] = field(default_factory=list)
    ends: dict[Item, Callable[[float], None]] = field(default_factory=dict)
    """What follows when a lease has been released: the next job of the same run."""
    _clock: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    _held: dict[str, Lease] = field(default_factory=dict)
    _waiting: dict[str, list[Lease]] = field(default_factory=lambda: defaultdict(list))
    _count: int = 0

    def at(self, moment: float, do: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._clock, (moment, self._count, do))

    def run(self) -> None:
        while self._clock:
            moment, _, do = heapq.heappop(self._clock)
            do(moment)

    def arrive(self, lease: Lease, now: float) -> None:
        self.leases.append(lease)
        key = lease.group.lower()
        holder, waiting = self._held.get(key), self._waiting[key]
        if holder is None:
            self._acquire(lease, now)
            return
        if lease.queue == "max" and not lease.cancel:
            if len(waiting) < 100:
                waiting.append(lease)
            else:
                self._end_waiter(lease, now, None, "queue-full")
            return
        for other in waiting:
            self._end_waiter(other, now, lease.item, "superseded-waiting")
        waiting[:] = [lease]
        if lease.cancel and holder.stopped is None:
            self.stop(holder, now, lease.item, "superseded-running")

    def stop(self, lease: Lease, now: float, by: Item | None, reason: str) -> None:
        """Ask a holder to end; it may take its time."""
        lease.stopped, lease.by, lease.conclusion, lease.reason = now, by, "cancelled", reason
        tail = self.chance.choice([0.4, 0.8, 1.5, 2.2, 11.0, 45.0])
        self.at(now + self.chance.uniform(0.3, 1.2) + tail, lambda t: self._release(lease, t))

    def stop_by_hand(self, lease: Lease, now: float) -> None:
        """Somebody presses the button, on a holder or a waiter, if it still is one."""
        key = lease.group.lower()
        if lease in self._waiting[key]:
            self._waiting[key].remove(lease)
            self._end_waiter(lease, now, None, "person")
        elif self._held.get(key) is lease and lease.stopped is None:
            self.stop(lease, now, None, "person")

    def _acquire(self, lease: Lease, now: float) -> None:
        self._held[lease.group.lower()] = lease
        lease.acquired = now + self.chance.uniform(0.3, 1.5)
        self.at(lease.acquired + lease.service, lambda t: self._release(lease, t))

    def _release(self, lease: Lease, now: float) -> None:
        key = lease.group.lower()
        if self._held.get(key) is not lease or (lease.stopped is not None and now < lease.stopped):
            return
        lease.ended = now
        del self._held[key]
        if self._waiting[key]:
            self._acquire(self._waiting[key].pop(0), now)
        if lease.item in self.ends:
            self.ends[lease.item](now)

    def _end_waiter(self, lease: Lease, now: float, by: Item | None, reason: str) -> None:
        lease.stopped, lease.by, lease.conclusion, lease.reason = now, by, "cancelled", reason
        lease.ended = now + self.chance.uniform(0.2, 2.3)
        if lease.item in self.ends:
            self.ends[lease.item](lease.ended)


def moment(seconds: float) -> datetime:
    """As the API shows it."""
    return FIRST + timedelta(seconds=int(seconds))
