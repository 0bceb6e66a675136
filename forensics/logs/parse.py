"""A log's bytes into a frame of lines: the one reader of log text, for job logs and for ``gh run view --log``.

The law: one row for each line, whatever the bytes. Nothing here looks at a line in Python; the passes are Polars'
over whole columns, and a pass whose sign does not occur in the bytes is left out.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Literal

import polars as pl

from forensics.logs import colour, hints, level, stamp
from forensics.logs.hints import Hints
from forensics.logs.lines import Note, count_lines, split, to_utf8, utf16_note

__all__ = ["Form", "Hints", "Note", "ParsedLog", "count_lines", "parse", "parse_together", "sniff"]

Form = Literal["raw", "gh"]
"""``raw``: a job or step log as stored by GitHub. ``gh``: job and step before each line, parted by tabs."""

UNKNOWN_STEP = "UNKNOWN STEP"
"""What gh writes where it could not map a line to a step."""
HEAD, LONG_HEAD = 1 << 16, 1 << 20
"""Bytes that ``sniff`` looks at first, and when those show nothing."""

_NONE = pl.Series(dtype=pl.UInt32)
_DAY = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_START = rb"^(?:\xef\xbb\xbf)*"
_RUNNER = re.compile(_START + _DAY + rb"\.\d{7}Z(?: |\r?$)", re.MULTILINE)
_OTHER = re.compile(_START + _DAY + rb"(?:\.\d{1,9})?Z ", re.MULTILINE)
_GH = re.compile(rb"^[^\t\n]*\t[^\t\n]*\t(?:\xef\xbb\xbf)*" + _DAY + rb"(?:\.\d{1,9})?Z(?: |\r?$)", re.MULTILINE)
# ``grep -n`` and ``grep -A`` over a gh text: an excerpt whose numbers would pass for parts of job names.
_NUMBERED = re.compile(rb"^ *(\d+)[:-][^\t\n]*\t[^\t\n]*\t(?:\xef\xbb\xbf)*" + _DAY, re.MULTILINE)


@dataclass(frozen=True)
class ParsedLog:
    """A text as lines.

    ``lines`` has ``line_no`` Int32 (1-based), ``logged_at`` Datetime("us") (UTC; a line without time stamp has that
    of the line before, null before the first of its job), ``stamped`` Boolean, ``level`` String or null, ``text``
    String; in form gh also ``job`` String (null only when no line names one) and ``step`` String (null for gh's
    UNKNOWN STEP).
    """

    form: Form
    lines: pl.DataFrame
    hints: Hints
    hints_by_job: dict[str, Hints] = field(default_factory=dict)
    """In form gh, for each job in order of appearance."""
    notes: tuple[Note, ...] = ()


def sniff(head: bytes, *, lenient: bool = False) -> Form | None:
    """Tell what kind of log a file is by its first bytes; None when it is none.

    A fifth of the non-blank lines must be stamped as a runner does, or half of them in another precision. With
    ``lenient`` one stamped line is enough, for prose with an excerpt in it.
    """
    head = to_utf8(head[:LONG_HEAD])
    return _sniff(head[:HEAD], lenient) or (_sniff(head[:LONG_HEAD], lenient) if len(head) > HEAD else None)


def _sniff(head: bytes, lenient: bool) -> Form | None:
    total = sum(1 for line in head.splitlines() if line.strip())
    runner, gh = len(_RUNNER.findall(head)), len(_GH.findall(head))
    other = len(_OTHER.findall(head))
    numbers = set(_NUMBERED.findall(head))
    if gh and len(numbers) > max(1, gh // 2):
        return None
    if max(gh, runner) and (lenient or max(gh, runner) * 5 >= total):
        return "gh" if gh > runner else "raw"
    return "raw" if other and (lenient or other * 2 >= total) else None


def parse(data: bytes, form: Form | None = None) -> ParsedLog:
    """Read a whole text. ``form`` is sniffed (leniently, else raw) when not given. Raises nothing for any bytes."""
    if form is None:
        form = sniff(data, lenient=True) or "raw"
    column, notes = split(data)
    read, part = _read_gh(column) if form == "gh" else (stamp.read(column), None)
    lines = _complete(read, part)
    whole, by_job = hints.read_by_job(lines) if form == "gh" else (hints.read(lines), {})
    return ParsedLog(form, lines, whole, by_job, notes)


def is_ordinary(data: bytes) -> bool:
    """Whether a raw text may be read together with others and come out as it does alone.

    Two things are decided by a text as a whole: stamps of another precision, and colour codes that lost their ESC.
    """
    start = data[3:64] if data.startswith(codecs.BOM_UTF8) else data[:64]
    # Where a real ESC stands it was not lost; only a text without one is searched as a whole.
    return _RUNNER.match(start) is not None and (b"\x1b[" in data[:HEAD] or b"Z [36;1m" not in data)


@dataclass(frozen=True)
class SplitTexts:
    """Several raw texts as one column of lines, not yet looked at."""

    lines: pl.Series
    counts: tuple[int, ...]
    """Lines of each text."""
    notes: tuple[Note, ...]

    @cached_property
    def starts(self) -> list[int]:
        """Where each text begins in ``lines``."""
        return list(accumulate(self.counts, initial=0))[:-1]


def split_together(texts: Sequence[bytes]) -> SplitTexts:
    """Lines of several texts in one pass: most files are small."""
    plain = [to_utf8(data) for data in texts]
    counts = tuple(count_lines(data) for data in plain)
    column, notes = split(b"".join(data if data.endswith(b"\n") or not data else data + b"\n" for data in plain))
    told = (utf16_note(new) for new, old in zip(plain, texts, strict=True) if new is not old)
    return SplitTexts(column, counts, (*told, *notes))


def parse_together(texts: Sequence[bytes]) -> tuple[list[pl.DataFrame], tuple[Note, ...]]:
    """Lines of several raw texts, as ``ParsedLog.lines`` of each, read in one pass."""
    parts = split_together(texts)
    return parse_split(parts), parts.notes


def parse_split(texts: SplitTexts) -> list[pl.DataFrame]:
    """As ``parse_together``, of texts that are split already."""
    part = pl.concat(
        [pl.repeat(at, count, dtype=pl.UInt32, eager=True) for at, count in enumerate(texts.counts)] or [_NONE]
    )
    lines = _complete(stamp.read(texts.lines), part)
    line_no = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("line_no")
    return [
        lines.slice(at, count).with_columns(line_no) for at, count in zip(texts.starts, texts.counts, strict=True)
    ]


def _complete(read: pl.DataFrame, part: pl.Series | None) -> pl.DataFrame:
    """Lines with time and level, from what a text's lines were split into; ``part`` numbers jobs or files in it."""
    text, cyan = colour.strip(read["text"])
    kind = level.assign(text, cyan, read["stamped"], part)
    logged_at = pl.col("logged_at").forward_fill()
    if part is not None and not read["stamped"].all():
        read = read.with_columns(part.alias("part"))
        logged_at = logged_at.over("part")
    line_no = pl.int_range(1, read.height + 1, dtype=pl.Int32)
    columns = ["line_no", "logged_at", "stamped", "level", "text"] + [c for c in ("job", "step") if c in read.columns]
    return read.with_columns(logged_at, text=text, level=kind, line_no=line_no).select(columns)


def _read_gh(line: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """As ``stamp.read``, with ``job`` and ``step``; and the number of the job's section that each line is in.

    A line belongs to gh's table when a stamp follows the second tab, or when job and step are those of a line that
    has one; others continue the line before. Lines before the first are given to its job.
    """
    parts = line.str.splitn("\t", 3).struct.unnest()
    read = stamp.read(parts["field_2"])
    frame = read.with_columns(parts["field_0"].alias("job"), parts["field_1"].alias("step"), line.alias("line"))
    known = frame.filter("stamped").select("job", "step").unique().with_columns(known=pl.lit(True))
    frame = frame.join(known, on=["job", "step"], how="left", maintain_order="left")
    inside = pl.col("known").fill_null(False) & pl.col("text").is_not_null()
    frame = frame.with_columns(
        text=pl.when(inside).then("text").otherwise("line"),
        stamped=pl.col("stamped") & inside,
        job=pl.when(inside).then("job").forward_fill().backward_fill(),
        step=pl.when(inside).then("step").forward_fill(),
    ).with_columns(step=pl.when(pl.col("step") != UNKNOWN_STEP).then("step"))
    part = frame["job"].fill_null("").rle_id()
    return frame.select("logged_at", "stamped", "text", "job", "step"), part
