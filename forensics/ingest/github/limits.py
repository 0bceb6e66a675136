"""When the next request may be asked: the server's clock, its limits, our pace, and one wait for all.

Rows 12 to 16 and 33 of the fault matrix. The door (:meth:`Limits.turn`) lets requests through one by one, so that
what one of them learns holds for every later one, and a wait is made once for all of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from forensics.errors import LimitReached
from forensics.ingest.github.answer import Observer, Policy, moment
from forensics.ingest.github.verdict import Quota, Wait, quota_of, server_time

LONGEST_WAIT = 2 * 3600.0
"""Seconds; the primary limit is reset every hour, so a longer wait is not what was meant."""
_MINUTE = 60.0
_GO_ON = "What was fetched is kept; run the same command again{when}."


class Limits:
    """What is known of the server's limits, and the door that keeps them.

    ``reserve`` is the number of requests left to others who use the same token.
    """

    def __init__(self, policy: Policy, observer: Observer, *, reserve: int) -> None:
        self.concurrency = max(1, policy.concurrency)
        """Requests at once; 1 after a secondary limit (row 14)."""
        self.requests_made = 0
        self.strikes = 0
        """Secondary limits met in a row."""
        self._policy = policy
        self._observer = observer
        self._reserve = reserve
        self._offset = 0.0
        self._quota: Quota | None = None
        self._until = 0.0  # by our clock; 0 when nobody has to wait
        self._why = ""
        self._waits = 0
        self._begun: deque[float] = deque()
        self._under_way = 0
        self._door = asyncio.Lock()
        self._freed = asyncio.Event()

    def now(self) -> float:
        """Seconds since the epoch by the server's clock, as far as it is known."""
        return self._policy.clock() + self._offset

    @property
    def quota(self) -> tuple[int | None, int | None, datetime | None]:
        """Requests left, of how many, until when (naive UTC); None for what the server does not tell."""
        if self._quota is None:
            return None, None, None
        resets_at = self._quota.resets_at
        return self._quota.left, self._quota.limit, None if resets_at is None else moment(resets_at)

    def learn(self, headers: Mapping[str, str], status: int) -> None:
        """Take the server's clock and the primary limit from an answer.

        The clock only from answers below 500, which a proxy in between might have given.
        """
        date = server_time(headers)
        if date is not None and status < 500:
            self._offset = date - self._policy.clock()
        quota = quota_of(headers)
        if quota is None or not quota.core:
            return
        known = self._quota
        if known and known.resets_at and quota.resets_at:
            if quota.resets_at < known.resets_at - 1:
                return  # overtaken: an answer from before the reset
            if abs(quota.resets_at - known.resets_at) <= 1 and known.left < quota.left:
                return  # overtaken by the answer to a later request of the same hour
        self._quota = quota

    def forget_quota(self) -> None:
        """Another token has a limit of its own."""
        self._quota = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[int]:
        """Wait until a request may be begun; it is under way until the context ends.

        Gives the number of waits so far, by which :meth:`hold` knows what the request could not know yet. Raises
        :class:`LimitReached` when the budget is spent, or when there is a limit and no wish to wait.
        """
        async with self._door:
            while not await self._open():
                pass
            self._under_way += 1
            self.requests_made += 1
            self._begun.append(self._policy.clock())
        try:
            yield self._waits
        finally:
            self._under_way -= 1
            self._freed.set()

    def hold(self, wait: Wait, turn: int) -> None:
        """Make all wait. ``turn`` is what :meth:`turn` gave to the request that was refused.

        Of several requests under way at once, all of which are refused, the first begins the wait and the others join
        it. Raises :class:`LimitReached` where waiting is not wanted, or would be too long or in vain.
        """
        first = turn == self._waits
        if wait.lower_concurrency:
            self.concurrency = 1
        if not first and not wait.named:
            return
        if first and wait.lower_concurrency:
            self.strikes += 1
            if self.strikes > self._policy.secondary_tries:
                message = f"GitHub's secondary limit was met {self.strikes} times in a row."
                raise LimitReached(message, hint=_GO_ON.format(when=" in an hour"))
        self._begin_wait(wait.seconds, wait.why)

    def succeeded(self, turn: int) -> None:
        """A request that was begun after the last wait went well."""
        if turn == self._waits:
            self.strikes = 0

    def _begin_wait(self, seconds: float, why: str) -> None:
        if not self._policy.wait or seconds > LONGEST_WAIT:
            when = f" after {moment(self.now() + min(seconds, 10**8)):%Y-%m-%d %H:%M:%S} UTC"
            raise LimitReached(why, hint=_GO_ON.format(when=when))
        until = self._policy.clock() + seconds
        if not self._until:
            self._waits += 1
        elif until <= self._until + 1:
            return  # the same moment, named again
        self._until, self._why = until, why

    async def _open(self) -> bool:
        """Whether a request may be begun now; otherwise something was waited for and all is to be looked at anew."""
        if self._until:
            await self._rest()
            return False
        budget = self._policy.budget
        if budget is not None and self.requests_made >= budget:
            raise LimitReached(f"The budget of {budget} requests is spent.", hint=_GO_ON.format(when=""))
        if self._under_way >= self.concurrency:
            await self._place()
            return False
        return await self._above_reserve() and await self._in_pace()

    async def _rest(self) -> None:
        until = self._until
        seconds = until - self._policy.clock()
        if seconds > 0:
            self._observer.waiting(seconds, self._why)
            await self._policy.sleep(seconds)
        if self._until == until:  # else it was prolonged meanwhile
            self._until = 0.0
            if self._quota and self._quota.left <= self._kept_back(self._quota):
                self._quota = None  # of the hour that is over, or to be told anew

    async def _place(self) -> None:
        self._freed.clear()
        await self._freed.wait()

    async def _above_reserve(self) -> bool:
        """Row 15: what is under way may still be counted, so it is waited for before the reset is."""
        quota = self._quota
        if quota is None or quota.resets_at is None or quota.resets_at < self.now():
            return True  # no limit is invented (row 16)
        if quota.left - self._under_way > self._kept_back(quota):
            return True
        if self._under_way:
            await self._place()
            return False
        why = f"{quota.left} requests are left until {moment(quota.resets_at):%H:%M:%S} UTC; they are left to others."
        if quota.left <= 0:
            why = f"GitHub's limit is used up; it is reset at {moment(quota.resets_at):%H:%M:%S} UTC."
        self._begin_wait(quota.resets_at - self.now() + 1, why)
        return False

    def _kept_back(self, quota: Quota) -> int:
        """The reserve, but never more than half of a small limit: the ingest would not get on at all."""
        return self._reserve if quota.limit is None else min(self._reserve, quota.limit // 2)

    async def _in_pace(self) -> bool:
        """No more requests within any minute than the policy says: GitHub's secondary limit counts 900 points."""
        if self._policy.per_minute is None:
            self._begun.clear()
            return True
        now = self._policy.clock()
        while self._begun and not 0 <= now - self._begun[0] < _MINUTE:
            self._begun.popleft()
        if len(self._begun) < self._policy.per_minute:
            return True
        seconds = self._begun[0] + _MINUTE - now
        self._observer.waiting(seconds, f"{self._policy.per_minute} requests were made within a minute.")
        await self._policy.sleep(seconds)
        self._begun.popleft()
        return False
