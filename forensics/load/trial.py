"""One log, read without a case: to try a rule on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from forensics.effects.walk import JobContext
from forensics.errors import EvidenceUnreadable, NothingToAnalyse
from forensics.load.jobread import JobRead, read_jobs, read_text
from forensics.load.scan import read_members, scan
from forensics.load.unit import JobTexts, Text, Unit, units_of_archive


@dataclass(frozen=True)
class TriedJob:
    """The log of one job."""

    name: str | None
    """None where the log does not tell."""
    lines: pl.DataFrame
    """As ``effects.extract`` takes them."""
    about: JobContext


def read_tried(log: Path | bytes) -> Iterator[TriedJob]:
    """The jobs of a log: a text (one job, or those of ``gh run view --log``), or an archive of a run's logs.

    Raises NothingToAnalyse where there is none, EvidenceUnreadable where it is damaged.
    """
    for number, (read, name) in enumerate(_read(log), start=1):
        lines = read.lines
        if "step_number" not in lines.columns:
            lines = lines.with_columns(step_number=pl.lit(None, pl.Int32))
        columns = lines.select(
            pl.lit(read.clue.repository or "").alias("repository"),
            pl.lit(1, pl.Int64).alias("run_id"),
            pl.lit(1, pl.Int32).alias("attempt"),
            pl.lit(number, pl.Int64).alias("job_id"),
            pl.col("step_number").cast(pl.Int32),
            "line_no",
            "logged_at",
            "level",
            "text",
        )
        yield TriedJob(name, columns, JobContext(read.clue.workflow_path, name))


def _read(log: Path | bytes) -> Iterator[tuple[JobRead, str | None]]:
    if isinstance(log, bytes):
        yield from _read_text(Text("-", ""), log)
        return
    found = scan(log.parent, log.name)
    if found.kind in ("zip", "tar", "gzip", "xz"):
        texts = _texts(log, found.logs)
        for unit in units_of_archive(log.name, found.logs, ""):
            yield from _read_unit(unit, texts)
        if not found.logs:
            said = found.problems[0].detail if found.problems else "It holds no job's log."
            raise NothingToAnalyse(
                f"There is no log in {log}: {said}", hint="Name a job's log or a run's log archive."
            )
    else:
        # A file that is named here is read as a text, whatever it looks like: it may be an excerpt without stamps.
        try:
            data = log.read_bytes()
        except OSError as error:
            raise NothingToAnalyse(f"{log} cannot be read: {error.strerror}.", hint="Check the path.") from error
        yield from _read_text(Text(log.name, ""), data)


def _texts(log: Path, members: Sequence[str]) -> dict[Text, bytes]:
    texts = {}
    for member, data in read_members(log.parent, log.name, set(members)):
        if isinstance(data, EvidenceUnreadable):
            raise data
        texts[Text(log.name, member)] = data
    return texts


def _read_unit(unit: Unit, texts: dict[Text, bytes]) -> Iterator[tuple[JobRead, str | None]]:
    for job in unit.jobs:
        mine = {text: texts[text] for text in job.texts if text in texts}
        if unit.form == "text":
            reads = read_text(job, mine)
        else:
            (reads,) = read_jobs([(job, mine)])
        yield from ((read, read.clue.best_name or _member(job)) for read in reads)


def _read_text(text: Text, data: bytes) -> Iterator[tuple[JobRead, str | None]]:
    job = JobTexts(None, text, (), None)
    yield from ((read, read.clue.best_name) for read in read_text(job, {text: data}))


def _member(job: JobTexts) -> str | None:
    return job.job.member if job.job else None
