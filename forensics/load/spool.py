"""Logs of a unit too large for memory, parked on disk between reading and attribution.

A unit's run and jobs are decided from the clues of all its logs, and its lines get their ids and steps after that. So
what a batch of jobs gave is parked in the load's own scratch folder and taken up again, job by job.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from forensics.effects.condense import Hits
from forensics.load.attribution import JobClue
from forensics.load.jobread import JobRead
from forensics.load.scan import weigh_members
from forensics.load.unit import JobTexts, Text, Unit
from forensics.logs.job import MemberAccount

BIG_UNIT = 48 << 20
"""Bytes of text from which on a unit is read in batches; up to it all is held at once, which is quicker."""

BATCH = 16 << 20
"""Text of a big unit that is held at once."""

HUGE_TEXT = 32 << 20
"""Bytes of a job's own text from which on it is read in stretches where that can be."""

_MOST_PACKED = 300
"""Times that a log is smaller when packed, at most: a smaller archive is not asked what it holds."""


@dataclass(frozen=True)
class Parked:
    """What ``JobRead`` has, with the lines on disk."""

    clue: JobClue
    accounts: list[tuple[Text, str, int, MemberAccount]]
    steps_by: str
    notes: list[tuple[str, str, int]]
    files: tuple[Path, ...]
    """The job's lines in order, a stretch in each file."""
    outline: pl.DataFrame | None = None
    """Of a log in several files the lines by which its steps are found, with ``line_no``."""
    hits: Hits | None = None
    """Of a log in several files what can have happened in it."""

    def stretches(self) -> Iterator[pl.DataFrame]:
        """The lines, one file after the other; each file goes once it is read."""
        for file in self.files:
            lines = pl.read_parquet(file, memory_map=False)
            file.unlink()
            yield lines


@dataclass
class Spool:
    """A folder for parked lines; ``name`` tells apart what several workers park there."""

    folder: Path
    name: str
    _count: int = field(default=0, init=False)

    def park(self, read: JobRead) -> Parked:
        """Put a job's lines on disk."""
        return Parked(read.clue, read.accounts, read.steps_by, read.notes, (self.write(read.lines),))

    def write(self, lines: pl.DataFrame) -> Path:
        """Put lines on disk."""
        file = self.folder / f"parked-{self.name}-{self._count:06d}.parquet"
        self._count += 1
        lines.write_parquet(file, compression="uncompressed", statistics=False)
        return file

    def begin(self) -> int:
        """Where the next file will stand."""
        return self._count

    def forget(self, begun: int) -> None:
        """Take back what was put on disk since then."""
        while self._count > begun:
            self._count -= 1
            (self.folder / f"parked-{self.name}-{self._count:06d}.parquet").unlink()


def weigh(root: Path, units: Sequence[Unit]) -> dict[Text, int]:
    """Bytes of the texts of units that may be big; a text that is not there is small or cannot be opened."""
    wanted: dict[str, set[str]] = {}
    for unit in units:
        for job in unit.jobs:
            for text in job.texts:
                wanted.setdefault(text.evidence_path, set()).add(text.member)
    sizes: dict[Text, int] = {}
    for path, members in wanted.items():
        if members != {""} and _size(root, path) * _MOST_PACKED < BIG_UNIT:
            continue
        sizes |= {Text(path, member): size for member, size in weigh_members(root, path, members).items()}
    return sizes


def _size(root: Path, path: str) -> int:
    try:
        return (root / path).stat().st_size
    except OSError:
        return 0


def batches(jobs: Sequence[JobTexts], sizes: Mapping[Text, int]) -> Iterator[tuple[JobTexts, ...]]:
    """The jobs in their order, as many together as may be held at once."""
    batch: list[JobTexts] = []
    held = 0
    for job in jobs:
        size = sum(sizes.get(text, 0) for text in job.texts)
        if batch and held + size > BATCH:
            yield tuple(batch)
            batch, held = [], 0
        batch.append(job)
        held += size
    if batch:
        yield tuple(batch)


def detach(lines: pl.DataFrame) -> pl.DataFrame:
    """The same lines without what they were taken from: a filtered frame holds on to all of its text."""
    copy = io.BytesIO()
    lines.write_ipc(copy)
    copy.seek(0)
    return pl.read_ipc(copy)
