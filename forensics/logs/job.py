"""One job's lines from its job file, step files and ``system.txt``, each line once.

How the step files lie in the job file is in ``align``; lines of ``system.txt`` are the service's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from forensics.logs import hints
from forensics.logs.align import align
from forensics.logs.hints import Hints
from forensics.logs.parse import Note, parse_together
from forensics.logs.repeat import drop_repeats

__all__ = ["JobLog", "MemberAccount", "assemble", "drop_repeats", "join", "join_in_order"]

PROLOGUE = 50
"""Lines at the start of a job file among which those of system.txt are looked for; until 2025 they stood there."""

_STEP_OF_LINE = pl.col("step_number").repeat_by("count").explode(empty_as_null=False)

_EMPTY = pl.DataFrame(
    schema={
        "logged_at": pl.Datetime("us"),
        "stamped": pl.Boolean,
        "level": pl.String,
        "text": pl.String,
        "step_number": pl.Int32,
    }
)


@dataclass(frozen=True)
class MemberAccount:
    """What became of one file's lines: ``lines_in`` is the sum of the other three."""

    role: str
    """``job``, ``step:<number>`` or ``system``."""
    lines_in: int
    lines_stored: int
    lines_duplicate: int
    """Left out because another file of the job has the line too."""
    lines_problem: int


@dataclass(frozen=True)
class JobLog:
    """One job's log.

    ``lines`` has the columns of ``ParsedLog.lines`` and ``step_number`` Int32. Lines of ``system.txt`` come first, by
    the service before any step, and have no step: null, as have lines whose step is unknown.
    """

    lines: pl.DataFrame
    hints: Hints
    notes: tuple[Note, ...]
    steps_by: Literal["files", "unknown"]
    """``files`` when step files gave the steps, ``unknown`` when ``step_number`` is null throughout."""
    members: tuple[MemberAccount, ...]
    """In the order job, steps by number, system."""


def assemble(job: bytes | None, steps: Sequence[tuple[int, bytes]], system: bytes | None) -> JobLog:
    """Put one job's files together; any of them may be missing.

    Lines of the job file are all kept, in its order. Of a step file (number, bytes) those lines are kept that the job
    file lacks, after the line they follow; of system.txt those that do not open the job file. A job line without
    counterpart has the step of its neighbours where both agree. Raises ``ValueError`` for a step number given twice.
    """
    texts = [data for data in (job, *(data for _, data in steps), system) if data is not None]
    frames, notes = parse_together(texts)
    main = frames.pop(0) if job is not None else None
    head = frames.pop() if system is not None else None
    parts = [(number, frame) for (number, _), frame in zip(steps, frames, strict=True)]
    log = join(main, parts, head)
    return replace(log, hints=hints.read(log.lines), notes=notes)


def join(main: pl.DataFrame | None, steps: Sequence[tuple[int, pl.DataFrame]], head: pl.DataFrame | None) -> JobLog:
    """As ``assemble``, of files that are frames already (``parse_together``); without hints and notes."""
    ordered = sorted(steps, key=lambda step: step[0])
    if len({number for number, _ in ordered}) != len(ordered):
        raise ValueError("a step number was given twice")
    parts = [frame.with_columns(step_number=pl.lit(number, pl.Int32)) for number, frame in ordered]
    if parts:
        in_steps = pl.concat([_EMPTY, *(part.select(_EMPTY.columns) for part in parts)])
        body = align(main, in_steps) if main is not None else in_steps.with_columns(of_job=pl.lit(False))
    else:
        no_step = pl.lit(None, pl.Int32).alias("step_number")
        body = (_EMPTY if main is None else main.with_columns(no_step)).with_columns(of_job=pl.lit(True))
    accounts = _account([number for number, _ in ordered], parts, body, main)
    return _complete(body, head, accounts, "files" if parts else "unknown")


def join_in_order(main: pl.DataFrame, steps: Sequence[tuple[int, int]], head: pl.DataFrame | None) -> JobLog:
    """As ``join``, for a job file that ends with all lines of its step files, given as (number, lines) in order."""
    accounts = [MemberAccount("job", main.height, main.height, 0, 0)]
    accounts += [MemberAccount(f"step:{number}", count, 0, count, 0) for number, count in steps]
    before = main.height - sum(count for _, count in steps)
    stretches = [(None, before), *steps]
    numbers = pl.DataFrame(stretches, schema={"step_number": pl.Int32, "count": pl.UInt32}, orient="row")
    body = main.with_columns(numbers.filter(pl.col("count") > 0).select(_STEP_OF_LINE).to_series())
    return _complete(body, head, accounts, "files")


def _complete(
    body: pl.DataFrame,
    head: pl.DataFrame | None,
    accounts: list[MemberAccount],
    steps_by: Literal["files", "unknown"],
) -> JobLog:
    """Put the service's lines in front, number all, and account for them."""
    if head is not None:
        fresh = unseen(head, body.head(PROLOGUE))
        accounts.append(MemberAccount("system", head.height, fresh.height, head.height - fresh.height, 0))
        body = pl.concat([fresh, body], how="diagonal")
    lines = body.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("line_no"), *_EMPTY.columns)
    return JobLog(lines, Hints(), (), steps_by, tuple(accounts))


def _account(
    numbers: Sequence[int], parts: Sequence[pl.DataFrame], body: pl.DataFrame, main: pl.DataFrame | None
) -> list[MemberAccount]:
    """Accounts of job file and step files; a step's lines are stored as far as they are not the job file's."""
    accounts = [] if main is None else [MemberAccount("job", main.height, main.height, 0, 0)]
    if not parts:
        return accounts
    own = body.filter(~pl.col("of_job")).group_by("step_number").len()
    stored: dict[int, int] = dict(own.iter_rows())
    for number, part in zip(numbers, parts, strict=True):
        kept = stored.get(number, 0)
        accounts.append(MemberAccount(f"step:{number}", part.height, kept, part.height - kept, 0))
    return accounts


def unseen(system: pl.DataFrame, opening: pl.DataFrame) -> pl.DataFrame:
    """Lines of system.txt that the job's first lines do not have, counting repetitions."""
    # A few dozen lines of each job: a join would cost more in being set up than Python does in comparing.
    seen = Counter(opening["text"].to_list())
    fresh = []
    for text in system["text"].to_list():
        fresh.append(seen[text] <= 0)
        seen[text] -= 1
    return system.filter(pl.Series(fresh, dtype=pl.Boolean)).select(_EMPTY.columns[:-1])
