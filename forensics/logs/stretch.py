"""A raw log too large for memory, parsed stretch by stretch into the lines that it has as a whole.

What a line comes to depends on others in a few ways only: the time of a line without stamp, whether it stands in a
step's header, the precision of most stamps, and whether colour codes lost their ESC. The first two reach over a few
thousand lines at most; a text that is odd in one of the last two is refused (``Entangled``) and must be read whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import polars as pl

from forensics.logs import colour, level, stamp
from forensics.logs.lines import Note, is_utf16, split

STRETCH = 6 << 20
"""Bytes that are parsed at once."""

_ESC_LOST = "[36;1m"
_RUN = "##[group]Run "


class Entangled(Exception):
    """The text is one whose lines cannot be read without having seen all of them."""


class Stretches:
    """The lines of one raw text, a stretch at a time; ``size`` bytes each, and more where a header asks for it."""

    def __init__(self, pieces: Iterable[bytes], size: int = STRETCH) -> None:
        self._pieces = pieces
        self._size = size
        self._notes: dict[tuple[str, str], int] = {}
        self._last_at: datetime | None = None
        self._odd = 0
        self._other = 0
        self.lines = 0
        """Lines given so far."""

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Frames as ``ParsedLog.lines`` has them, but ``line_no``. Raises ``Entangled``, perhaps at the end."""
        rest = b""
        for data, is_last in self._blocks():
            rest += data
            if not self.lines and is_utf16(rest):
                raise Entangled("UTF-16")
            frame, done = self._parse(rest, is_last)
            if done:
                rest = rest[done:]
                self.lines += frame.height
                yield frame
        if self._odd > self.lines // 2 and self._other > self.lines - self._odd:
            raise Entangled("stamps of another precision")

    @property
    def notes(self) -> tuple[Note, ...]:
        """What had to be mended, once all lines have been given."""
        return tuple(Note(kind, detail, lines) for (kind, detail), lines in self._notes.items())

    def _blocks(self) -> Iterator[tuple[bytes, bool]]:
        """Whole lines of ``size`` bytes and more together; the last block says so."""
        waiting: list[bytes] = []
        held = 0
        for piece in self._pieces:
            waiting.append(piece)
            held += len(piece)
            if held < self._size or b"\n" not in piece:
                continue
            data = b"".join(waiting)
            end = data.rfind(b"\n") + 1
            yield data[:end], False
            waiting, held = [data[end:]], len(data) - end
        yield b"".join(waiting), True

    def _parse(self, data: bytes, is_last: bool) -> tuple[pl.DataFrame, int]:
        """The lines that later ones cannot change, and how many bytes they are."""
        column, notes = split(data)
        read = stamp.read(column, by_runner=True)
        text, cyan = colour.strip(read["text"])
        # Codes whose ESC was lost are told from text by the log as a whole.
        if read["text"].str.starts_with(_ESC_LOST).any():
            raise Entangled("colour codes without ESC")
        frame = read.select(
            pl.col("logged_at").forward_fill().fill_null(pl.lit(self._last_at, pl.Datetime("us"))),
            "stamped",
            level=level.assign(text, cyan, read["stamped"]),
            text=text,
        )
        height = frame.height if is_last else _settled(frame)
        done = len(data)
        if height < frame.height:
            done = _end_of_line(data, frame.height - height)
            frame, column = frame.head(height), column.head(height)
            notes = split(data[:done])[1] if notes else ()
        self._account(frame, column, notes)
        return frame, done

    def _account(self, frame: pl.DataFrame, column: pl.Series, notes: Iterable[Note]) -> None:
        if frame.is_empty():
            return
        self._last_at = frame["logged_at"][-1]
        odd = ~frame["stamped"]
        if odd.any():
            self._odd += int(odd.sum() or 0)
            self._other += stamp.count_other(column)
        for note in notes:
            key = (note.kind, note.detail)
            self._notes[key] = self._notes.get(key, 0) + note.lines


def _settled(frame: pl.DataFrame) -> int:
    """How many lines come before a step's header that may go on behind the last one."""
    tail = frame.tail(level.LONGEST_HEADER).with_row_index("row")
    marks = tail.filter(pl.col("level").is_in(["group", "endgroup"]) & pl.col("stamped")).tail(1)
    if marks.is_empty() or marks["level"][0] != "group" or not str(marks["text"][0]).startswith(_RUN):
        return frame.height
    return frame.height - tail.height + int(marks["row"][0])


def _end_of_line(data: bytes, lines: int) -> int:
    """Bytes before the last so many lines; the data ends with a line end."""
    end = len(data) - 1
    for _ in range(lines):
        end = data.rfind(b"\n", 0, end)
    return end + 1
