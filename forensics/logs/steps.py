"""Which step each line of a job's log belongs to, when no step files say so.

The log has lines at which steps begin; the jobs API has each step's name and window, in whole seconds by the same
runner's clock. The two sequences are laid against each other. Where several ways of doing so are equally good, the
lines concerned stay without step: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from forensics.logs import boundary
from forensics.logs.boundary import Boundary
from forensics.logs.placing import Placing, Window, place


@dataclass(frozen=True)
class StepWindow:
    """A step as the jobs API has it."""

    number: int
    name: str
    started_at: datetime | None
    """Whole seconds, UTC."""
    completed_at: datetime | None
    conclusion: str | None = None
    """Skipped steps are left out; without it, a step without duration counts as perhaps skipped."""


def assign(lines: pl.DataFrame, steps: Sequence[StepWindow]) -> tuple[pl.Series, str]:
    """Step number of each line (Int32, null where it cannot be told), and how it was found.

    ``lines`` is one job's: ``logged_at``, ``stamped``, ``level``, ``text``, perhaps gh's ``step``. How: ``gh`` by the
    step names in gh's text, ``boundaries`` by headings within the windows, ``times`` by windows alone, ``unknown``.
    """
    ran = sorted((step for step in steps if step.conclusion != "skipped"), key=lambda step: step.number)
    if not ran or lines.is_empty():
        return _none(lines.height), "unknown"
    if "step" in lines.columns and lines["step"].null_count() < lines.height:
        return _by_name(lines["step"], ran), "gh"
    if all(step.started_at is None for step in ran):
        return _none(lines.height), "unknown"
    layout = lay_out(boundary.find(lines), ran)
    numbers = layout.assign(lines)
    return numbers, layout.told(numbers.null_count() < lines.height)


@dataclass(frozen=True)
class Layout:
    """Which lines of a log belong to which step; good for any stretch of the log."""

    steps: tuple[StepWindow, ...]
    """Those with a start; may be empty."""
    placings: tuple[Placing, ...] | None
    """None where only the windows can tell."""

    def assign(self, lines: pl.DataFrame, first: int = 0) -> pl.Series:
        """Step number of each line of a stretch that begins at row ``first`` of the log."""
        if not self.steps:
            return _none(lines.height)
        if self.placings is None:
            return _by_time(lines, self.steps)
        return _between(lines, self.steps, self.placings, first)

    def told(self, any_step: bool) -> str:
        """How it was found, given whether a line of the log has a step."""
        return "boundaries" if self.placings is not None else "times" if any_step else "unknown"


def lay_out(boundaries: Sequence[Boundary], steps: Sequence[StepWindow]) -> Layout:
    """Lay steps against all boundaries of a log."""
    ran = sorted((step for step in steps if step.conclusion != "skipped"), key=lambda step: step.number)
    timed = tuple(step for step in ran if step.started_at is not None)
    placings = place(boundaries, [_window(step) for step in timed]) if timed else []
    sure = any(placing.kind in ("run", "post") for placing in placings)
    return Layout(timed, tuple(placings) if sure else None)


def _window(step: StepWindow) -> Window:
    ran = step.conclusion is not None or step.started_at != step.completed_at
    return Window(step.name, step.started_at, step.completed_at, ran)


def _none(height: int) -> pl.Series:
    return pl.repeat(None, height, dtype=pl.Int32, eager=True).alias("step_number")


def _by_name(named: pl.Series, steps: Sequence[StepWindow]) -> pl.Series:
    """Numbers of gh's step names; of steps of one name each stretch of lines is the next, if their counts agree."""
    stretches = pl.DataFrame({"name": named, "stretch": named.rle_id()}).filter(pl.col("name").is_not_null())
    stretches = stretches.unique("stretch", maintain_order=True)
    numbers: dict[int, int] = {}
    for (name,), part in stretches.group_by(["name"], maintain_order=True):
        same = [step.number for step in steps if step.name == name]
        if len(same) == 1:
            same *= part.height
        if len(same) == part.height:
            numbers.update(zip(part["stretch"], same, strict=True))
    return (
        named.rle_id()
        .replace_strict(list(numbers), list(numbers.values()), default=None, return_dtype=pl.Int32)
        .alias("step_number")
        if numbers
        else _none(len(named))
    )


def _between(lines: pl.DataFrame, steps: Sequence[StepWindow], placings: Sequence[Placing], first: int) -> pl.Series:
    """Every line from a sure beginning on is that step's, until something else may begin."""
    rows = [placing.row for placing in placings]
    numbers = [steps[placing.step].number if placing.step is not None else None for placing in placings]
    starts = pl.DataFrame(
        {"row": rows, "number": numbers, "until": [placing.until for placing in placings]},
        schema={"row": pl.UInt32, "number": pl.Int32, "until": pl.Datetime("us")},
    )
    return (
        lines.select(second=pl.col("logged_at").dt.truncate("1s"))
        .with_row_index("row", offset=first)
        .join_asof(starts, on="row", strategy="backward")
        # A step without a heading may have begun at ``until``.
        .select(pl.when(pl.col("until").is_null() | (pl.col("second") < pl.col("until"))).then("number"))
        .to_series()
        .alias("step_number")
    )


def _by_time(lines: pl.DataFrame, steps: Sequence[StepWindow]) -> pl.Series:
    """The step whose window alone holds a line's second."""
    windows = pl.DataFrame(
        {
            "number": [step.number for step in steps],
            "started": [step.started_at for step in steps],
            "completed": [step.completed_at for step in steps],
        },
        schema={"number": pl.Int32, "started": pl.Datetime("us"), "completed": pl.Datetime("us")},
    ).sort("started", "number")
    second = lines["logged_at"].dt.truncate("1s")
    open_end = pl.lit(datetime.max)
    ends = windows.select(pl.col("completed").fill_null(open_end)).to_series().sort()
    begun = windows["started"].search_sorted(second, side="right").cast(pl.Int64)
    ended = ends.search_sorted(second, side="left").cast(pl.Int64)
    frame = pl.DataFrame({"second": second, "begun": begun, "ended": ended})
    alone = pl.col("second").is_not_null() & (pl.col("begun") - pl.col("ended") == 1)
    last = windows.with_row_index("begun", offset=1).select(pl.col("begun").cast(pl.Int64), "number", "completed")
    found = frame.with_columns(alone=alone).join(last, on="begun", how="left", maintain_order="left")
    inside = pl.col("alone") & (pl.col("second") <= pl.col("completed").fill_null(open_end))
    return found.select(pl.when(inside).then("number").alias("step_number")).to_series()
