"""Some pieces of work at a time, until all are done, one fails for good, or somebody says stop."""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from forensics.errors import ForensicsError, Interrupted, LimitReached

GRACE = 5.0
"""Seconds that what is under way has to come to an end after a signal."""

Work = Callable[[], Awaitable[None]]


@dataclass
class Stop:
    """Whether, and by which signal, the ingest was asked to end."""

    signal: int | None = None
    idle: Callable[[], bool] = field(default=lambda: False)
    """Whether everything only waits, so that there is nothing worth finishing."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM for a wish to stop, where signals can be had (main thread, not Windows)."""
        loop = asyncio.get_running_loop()
        taken = []
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.request, number)
                taken.append((number, before))
        try:
            yield
        finally:
            for number, before in taken:
                loop.remove_signal_handler(number)
                # The loop leaves the system's default behind, and a load between two stages would end without a word.
                signal.signal(number, before)

    def request(self, number: int) -> None:
        """Take nothing new up; what is under way may finish, unless it was asked before or only waits."""
        again = self.signal is not None
        self.signal = number
        if again or self.idle():
            self._cancel()
        else:
            asyncio.get_running_loop().call_later(GRACE, self._cancel)

    def watch(self, task: asyncio.Task[None]) -> None:
        """A task that is cancelled when time is up."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    def check(self) -> None:
        """Raise Interrupted after a signal."""
        if self.signal is not None:
            name = signal.Signals(self.signal).name
            raise Interrupted(
                f"Stopped by {name}; everything that was fetched is kept.",
                hint="Run the same command again: it goes on where it stopped.",
                exit_code=128 + self.signal,
            )


async def work_through(works: Iterable[Work], count: int, stop: Stop) -> None:
    """Do all pieces of work, ``count`` at a time.

    The first ForensicsError cancels the others and is raised; after LimitReached or a signal nothing new is begun,
    what is under way is finished, and LimitReached or Interrupted is raised.
    """
    waiting = deque(works)
    limits: list[LimitReached] = []

    async def take() -> None:
        while waiting and stop.signal is None and not limits:
            try:
                await waiting.popleft()()
            except LimitReached as limit:
                # The others have been paid for: cancelled, they would be paid for again.
                limits.append(limit)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(count, len(waiting))):
                stop.watch(group.create_task(take()))
    except* ForensicsError as errors:
        raise _first(errors) from None
    stop.check()
    if limits:
        raise limits[0]


def _first(errors: BaseExceptionGroup[ForensicsError]) -> ForensicsError:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, ForensicsError):
        raise TypeError(f"not an error of ours: {error!r}")
    return error
