"""Progress on stderr: a bar with the time left on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from forensics.cli.terminal import colour_wanted, is_terminal, say, visible

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import Task, TaskID
    from rich.text import Text

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_SIGNS_OF_LIFE = 60.0
"""Between lines while nothing but the status changes: a wait for a limit may take an hour."""


class Bar:
    """A progress bar for people; use as a context manager, so that the cursor comes back after an error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            ProgressColumn,
            SpinnerColumn,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.table import Column
        from rich.text import Text

        class Beside(ProgressColumn):
            """The status, or the wait counted down; cut where the terminal ends."""

            def render(self, task: Task) -> Text:
                return Text(beside(task.fields, time.monotonic()), overflow="ellipsis", no_wrap=True)

        self._bars: RichProgress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            Beside(table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=Console(stderr=True, no_color=not colour_wanted(sys.stderr), highlight=False),
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, what: str, total: int | None) -> None:
        """Show a bar of ``total`` units in place of the one before."""
        self.done()
        self._task = self._bars.add_task(visible(what), total=total)

    def advance(self, amount: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.advance(self._task, amount)

    def note(self, text: str) -> None:
        """Say something above the bar."""
        self._bars.console.print(visible(text), markup=False)

    def status(self, text: str) -> None:
        """Show it beside the bar."""
        if self._task is not None:
            self._bars.update(self._task, status=visible(text))

    def waiting(self, seconds: float, why: str) -> None:
        """Count down beside the bar, in place of the status, until the wait is over."""
        if self._task is None:
            self.start("Waiting", None)
        if self._task is not None:
            self._bars.update(self._task, until=time.monotonic() + seconds, why=visible(why))

    def done(self) -> None:
        """Remove the bar."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


class Lines:
    """Progress where nobody looks at a cursor: at most one line every few seconds, none for short work."""

    def __init__(self) -> None:
        self._what, self._total, self._count = "", None, 0  # type: str, int | None, int
        self._status, self._until = "", 0.0
        self._begun = self._said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.done()

    def start(self, what: str, total: int | None) -> None:
        """Begin to count."""
        self._what, self._total, self._count, self._status = what, total, 0, ""
        self._begun = self._said = time.monotonic()

    def advance(self, amount: int) -> None:
        """Count, and say so when it is time."""
        self._count += amount
        self._say(SECONDS_BETWEEN_LINES)

    def _say(self, pause: float) -> None:
        now = time.monotonic()
        if self._what and now - self._said >= pause:
            self._said = now
            status = f" ({visible(self._status)})" if self._status else ""
            say(f"{visible(self._what)}: {self._far(now - self._begun)}{status}")

    def _far(self, elapsed: float) -> str:
        if not self._total or not self._count:
            return f"{elapsed:.0f} s"
        share = min(self._count / self._total, 1.0)
        return f"{share:.0%}, about {elapsed * (1 - share) / share:.0f} s left"

    def note(self, text: str) -> None:
        """Say it."""
        say(visible(text))

    def status(self, text: str) -> None:
        """Part of the next line; a line of its own when there was none for long."""
        self._status = text
        self._say(SECONDS_BETWEEN_SIGNS_OF_LIFE)

    def waiting(self, seconds: float, why: str) -> None:
        """Say it once, however many requests wait for the same; a pause of a few seconds is not worth a line."""
        until = time.monotonic() + seconds
        if seconds >= SECONDS_BETWEEN_LINES and until > self._until + 1:
            self._until = until
            say(f"{visible(why)} ({countdown(seconds)} to wait)")

    def done(self) -> None:
        """Forget what was counted."""
        self._what = self._status = ""


def beside(fields: dict[str, Any], now: float) -> str:
    """What stands beside a bar at the time ``now`` of the monotonic clock; its end may be cut."""
    left = float(fields.get("until", 0.0)) - now
    return f"{countdown(left)} to wait. {fields['why']}" if left > 0 else str(fields.get("status", ""))


def countdown(seconds: float) -> str:
    """Time left: ``0:09``, ``12:05``, ``1:02:05``."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shown() -> Bar | Lines:
    """The progress that suits stderr."""
    return Bar() if is_terminal(sys.stderr) else Lines()
