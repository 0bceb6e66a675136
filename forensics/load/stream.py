"""One text too large for memory: read stretch by stretch, parked, and what is asked of it as a whole gathered.

Gives what `jobread` gives. A text that cannot be read so raises ``Entangled`` and has to be read whole: one that has
step files beside it, one whose time jumps back (a section may stand there twice), and what `logs.stretch` refuses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from forensics.effects.condense import Hits
from forensics.effects.rule import RuleSet
from forensics.load.jobread import EDGE, clue
from forensics.load.scan import read_pieces
from forensics.load.spool import Parked, Spool, detach
from forensics.load.unit import JobTexts, Unit
from forensics.logs import boundary, stretch
from forensics.logs.hints import GatheredHints
from forensics.logs.job import PROLOGUE, MemberAccount, unseen
from forensics.logs.parse import LONG_HEAD, parse_together, sniff
from forensics.logs.stretch import Entangled, Stretches


def read_slowly(root: Path, unit: Unit, job: JobTexts, system: bytes | None, spool: Spool, rules: RuleSet) -> Parked:
    """A job's log whose own text is huge; ``system`` is the service's file where there is one.

    Raises Entangled, EvidenceUnreadable.
    """
    if job.job is None or job.steps:
        raise Entangled("step files")
    text = job.job
    source = _Watched(read_pieces(root, text.evidence_path, text.member))
    # An archive's job files are raw; of a text by itself its beginning tells.
    pieces = source.pieces() if unit.form == "archive" else _raw_only(source.pieces())
    stretches = Stretches(pieces, stretch.STRETCH)
    growing = _Growing(spool, unit.form == "text", Hits(rules))
    head = 0
    for lines in stretches:
        if not growing.rows and system is not None:
            (service,), _ = parse_together([system])
            fresh = unseen(service, lines.head(PROLOGUE)).select(lines.columns)
            head = fresh.height
            growing.add(fresh)
        growing.add(lines)
    if not stretches.lines:
        raise Entangled("no lines")
    accounts = [(text, text.member, source.size, MemberAccount("job", stretches.lines, stretches.lines, 0, 0))]
    notes = [(note.kind, note.detail, note.lines) for note in stretches.notes]
    if system is not None and job.system is not None:
        lines_in = service.height
        account = MemberAccount("system", lines_in, head, lines_in - head, 0)
        accounts.append((job.system, job.system.member, len(system), account))
    said = clue(job.name, growing.hints.hints(), growing.first_at, growing.last_at, source.digest)
    return Parked(said, accounts, "", notes, tuple(growing.files), growing.outline(), growing.hits)


@dataclass
class _Watched:
    """Bytes on their way, with what makes their digest."""

    source: Iterator[bytes]
    size: int = 0
    _head: bytes = b""
    _tail: bytes = b""

    def pieces(self) -> Iterator[bytes]:
        for piece in self.source:
            if len(self._head) < EDGE:
                self._head = (self._head + piece)[:EDGE]
            self._tail = (self._tail + piece[-EDGE:])[-EDGE:]
            self.size += len(piece)
            yield piece

    @property
    def digest(self) -> str:
        """As of the whole text."""
        return hashlib.sha256(b"%d\0%b\0%b\0" % (self.size, self._head, self._tail)).hexdigest()


def _raw_only(pieces: Iterator[bytes]) -> Iterator[bytes]:
    head: list[bytes] = []
    for piece in pieces:
        head.append(piece)
        if sum(map(len, head)) >= LONG_HEAD:
            break
    if sniff(b"".join(head), lenient=True) == "gh":
        raise Entangled("several jobs")
    yield from head
    yield from pieces


@dataclass
class _Growing:
    """What is known of a log so far; its lines are parked."""

    spool: Spool
    in_order: bool
    hits: Hits
    rows: int = 0
    files: list[Path] = field(default_factory=list)
    hints: GatheredHints = field(default_factory=GatheredHints)
    first_at: datetime | None = None
    last_at: datetime | None = None
    _before: datetime | None = None
    _kept: list[pl.DataFrame] = field(default_factory=list)

    def add(self, lines: pl.DataFrame) -> None:
        """Number, park and look through the next lines."""
        if lines.is_empty():
            return
        numbers = pl.int_range(self.rows + 1, self.rows + lines.height + 1, dtype=pl.Int32, eager=True)
        lines = lines.with_columns(numbers.alias("line_no"))
        self._take_times(lines["logged_at"])
        self.hints.take(lines)
        self.hits.take(lines)
        needed = boundary.needed(lines) | (lines["line_no"] <= boundary.OPENING)
        self._kept.append(detach(lines.filter(needed)))
        self.rows += lines.height
        self.files.append(self.spool.write(lines))

    def outline(self) -> pl.DataFrame:
        """The lines by which steps are found, with their ``line_no``."""
        return pl.concat(self._kept)

    def _take_times(self, stamps: pl.Series) -> None:
        if self.in_order:
            # A section that stands there twice is found by comparing lines far apart.
            joined = pl.concat([pl.Series("logged_at", [self._before], dtype=stamps.dtype), stamps])
            if joined.diff().dt.total_microseconds().lt(0).any():
                raise Entangled("time jumps back")
            self._before = stamps[-1]
        first, last = stamps.min(), stamps.max()
        if isinstance(first, datetime) and isinstance(last, datetime):
            self.first_at = min(self.first_at or first, first)
            self.last_at = max(self.last_at or last, last)
