"""Where read lines go: Parquet files, with the effects found in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from forensics.effects.condense import Hits, condense
from forensics.effects.extract import JobContext, extract
from forensics.effects.rule import RuleSet
from forensics.load.attribution import Attribution, JobAttribution, Known
from forensics.load.spool import detach

_FLUSH_ROWS = 400_000
"""Rows gathered before they are written: about 80 MB of text, so that two workers stay below 1 GB."""

LINE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "run_id": pl.Int64, "attempt": pl.Int32, "job_id": pl.Int64, "step_number": pl.Int32, "line_no": pl.Int32,
    "logged_at": pl.Datetime("us"), "level": pl.String, "text": pl.String, "source_id": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Owner:
    """Whose lines they are."""

    attribution: Attribution
    job: JobAttribution
    source: int
    """The main source's id."""


class Sink:
    """Gathers frames and writes them; the files written are added to ``lines`` and ``effects``."""

    def __init__(
        self, out: Path, number: int, known: Known, rules: RuleSet, lines: list[Path], effects: list[Path]
    ) -> None:
        self.name = f"{number:05d}"
        self.most_bytes: int | None = None
        """Text gathered before it is written, where rows alone are no limit."""
        self._out = out
        self._known = known
        self._rules = rules
        self._lines = lines
        self._effects = effects
        self._frames: list[pl.DataFrame] = []
        self._rows = 0
        self._bytes = 0
        self._contexts: dict[int, JobContext] = {}
        self._jobs: dict[int, int] = {}

    def add(self, lines: pl.DataFrame, owner: Owner, size: int) -> None:
        """Take a job's lines, of about ``size`` bytes, with their ``step_number``."""
        self._own(owner)
        self._frames.append(_owned(lines, owner))
        self._rows += lines.height
        self._bytes += size
        if self._rows >= _FLUSH_ROWS or (self.most_bytes is not None and self._bytes >= self.most_bytes):
            self.flush()

    def add_stretches(self, stretches: Iterable[pl.DataFrame], owner: Owner, hits: Hits | None) -> None:
        """Take a job's lines as they come, and write them at once."""
        self.flush()
        self._own(owner)
        kept: list[pl.DataFrame] = []
        for lines in stretches:
            frame = _owned(lines, owner)
            self._write(frame)
            kept.append(detach(condense(frame, hits)) if hits else frame)
        if kept:
            self._search(pl.concat(kept))

    def flush(self) -> None:
        """Write what was gathered."""
        if not self._frames:
            return
        frame = pl.concat(self._frames)
        self._frames, self._rows, self._bytes = [], 0, 0
        self._write(frame)
        self._search(frame)

    def _own(self, owner: Owner) -> None:
        run = self._known.runs.get(owner.attribution.run_id)
        self._jobs[owner.source] = owner.job.job_id
        self._contexts[owner.source] = JobContext(run.workflow if run else None, owner.job.name)

    def _write(self, frame: pl.DataFrame) -> None:
        file = self._out / f"lines-{self.name}-{len(self._lines):04d}.parquet"
        # Read once, a moment later, and deleted: packing it would cost more than it saves.
        frame.select(list(LINE_SCHEMA)).write_parquet(file, compression="uncompressed", statistics=False)
        self._lines.append(file)

    def _search(self, frame: pl.DataFrame) -> None:
        """Two sources may give lines of one job, so each source is searched as if it were a job of its own."""
        found = extract(frame.drop("job_id").rename({"source_id": "job_id"}), self._rules, self._contexts).rename(
            {"job_id": "source_id"}
        )
        if found.is_empty():
            return
        jobs = {"source_id": list(self._jobs), "job_id": list(self._jobs.values())}
        schema = {"source_id": pl.Int64, "job_id": pl.Int64}
        file = self._out / f"effects-{self.name}-{len(self._lines):04d}.parquet"
        found.join(pl.DataFrame(jobs, schema=schema), on="source_id", how="left").write_parquet(file)
        self._effects.append(file)


def _owned(lines: pl.DataFrame, owner: Owner) -> pl.DataFrame:
    return lines.select(
        pl.lit(owner.attribution.run_id, pl.Int64).alias("run_id"),
        pl.lit(owner.attribution.attempt, pl.Int32).alias("attempt"),
        pl.lit(owner.job.job_id, pl.Int64).alias("job_id"),
        pl.col("step_number").cast(pl.Int32),
        "line_no", "logged_at", "level", "text",
        pl.lit(owner.source, pl.Int64).alias("source_id"),
        pl.lit(owner.attribution.repository).alias("repository"),
    )  # fmt: skip
