"""Progress on stderr: a bar with the time left on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from forensics.cli.terminal import colour_wanted, is_terminal, say, visible

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 5.0


class Bar:
    """A progress bar for people; use as a context manager, so that the cursor comes back after an error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bars: RichProgress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
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

    def done(self) -> None:
        """Remove the bar."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None


class Lines:
    """Progress where nobody looks at a cursor: at most one line every few seconds, none for short work."""

    def __init__(self) -> None:
        self._what, self._total, self._count = "", None, 0  # type: str, int | None, int
        self._begun = self._said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.done()

    def start(self, what: str, total: int | None) -> None:
        """Begin to count."""
        self._what, self._total, self._count = what, total, 0
        self._begun = self._said = time.monotonic()

    def advance(self, amount: int) -> None:
        """Count, and say so when it is time."""
        self._count += amount
        now = time.monotonic()
        if self._what and now - self._said >= SECONDS_BETWEEN_LINES:
            self._said = now
            say(f"{visible(self._what)}: {self._far(now - self._begun)}")

    def _far(self, elapsed: float) -> str:
        if not self._total or not self._count:
            return f"{elapsed:.0f} s"
        share = min(self._count / self._total, 1.0)
        return f"{share:.0%}, about {elapsed * (1 - share) / share:.0f} s left"

    def note(self, text: str) -> None:
        """Say it."""
        say(visible(text))

    def done(self) -> None:
        """Forget what was counted."""
        self._what = ""


def shown() -> Bar | Lines:
    """The progress that suits stderr."""
    return Bar() if is_terminal(sys.stderr) else Lines()
