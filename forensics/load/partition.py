"""One partition of the work: some units are read, parsed, attributed, searched for effects, written as Parquet.

Runs in a worker process. It gets names and known metadata, reads evidence, and hands back small results;
the lines themselves go to Parquet files, which the store takes in bulk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from forensics.effects.extract import JobContext, extract
from forensics.effects.rule import RuleSet, own_rules
from forensics.errors import EvidenceUnreadable
from forensics.load.attribution import Attribution, JobAttribution, JobClue, Known, attribute
from forensics.load.jobread import JobRead, read_jobs, read_text
from forensics.load.scan import Problem, read_members
from forensics.load.unit import Text, Unit
from forensics.logs.steps import StepWindow, assign

_FLUSH_ROWS = 400_000
"""Rows gathered before they are written: about 80 MB of text, so that two workers stay below 1 GB."""

_BATCH_BYTES = 32 << 20
"""Text that is parsed in one pass."""

LINE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "run_id": pl.Int64, "attempt": pl.Int32, "job_id": pl.Int64, "step_number": pl.Int32, "line_no": pl.Int32,
    "logged_at": pl.Datetime("us"), "level": pl.String, "text": pl.String, "source_id": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class SourceAccount:
    """A row of ``log_sources``."""

    source_id: int
    main_source_id: int
    """Source under which the job's lines are stored: that of its first text."""
    evidence_path: str
    member: str
    form: str
    run_id: int
    attempt: int
    job_id: int
    attributed_by: str
    steps_by: str
    bytes: int
    lines_in: int
    lines_stored: int
    lines_duplicate: int
    lines_problem: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True)
class UnitResult:
    """What reading one unit gave."""

    unit: Unit
    clues: tuple[JobClue, ...]
    attribution: Attribution
    accounts: tuple[SourceAccount, ...]
    problems: tuple[Problem, ...]


@dataclass
class PartitionResult:
    """What a worker hands back."""

    units: list[UnitResult] = field(default_factory=list)
    lines: list[Path] = field(default_factory=list)
    effects: list[Path] = field(default_factory=list)
    bytes: int = 0


@dataclass(frozen=True)
class Reader:
    """What a worker needs for all its partitions."""

    root: Path
    known: Known
    steps: Mapping[int, Sequence[StepWindow]]
    """Steps of the known jobs."""
    out: Path
    rules: RuleSet | None = None
    """Rules for effects; None: those of the package, which every process has read already."""

    def read_partition(self, number: int, units: Sequence[Unit]) -> PartitionResult:
        """Read units that share evidence files; the files written carry ``number`` in their names."""
        result = PartitionResult()
        sink = _Sink(self, number, result)
        batch: list[tuple[Unit, Mapping[Text, bytes | EvidenceUnreadable]]] = []
        size = 0
        for unit, texts in _gather(self.root, units):
            batch.append((unit, texts))
            size += sum(len(data) for data in texts.values() if isinstance(data, bytes))
            if size >= _BATCH_BYTES:
                self._read_batch(batch, sink, result)
                result.bytes += size
                batch, size = [], 0
        self._read_batch(batch, sink, result)
        result.bytes += size
        sink.flush()
        return result

    def _read_batch(
        self,
        batch: Sequence[tuple[Unit, Mapping[Text, bytes | EvidenceUnreadable]]],
        sink: _Sink,
        result: PartitionResult,
    ) -> None:
        """Read units together: what passes over columns cost does not depend on how many logs share them."""
        archived = read_jobs(
            [
                (job, {text: data for text in job.texts if isinstance(data := texts.get(text), bytes)})
                for unit, texts in batch
                if unit.form == "archive"
                for job in unit.jobs
            ]
        )
        for unit, texts in batch:
            whole = {text: data for text, data in texts.items() if isinstance(data, bytes)}
            reads: list[JobRead] = []
            for job in unit.jobs:
                reads.extend(read_text(job, whole) if unit.form == "text" else next(archived))
            result.units.append(self._attribute(unit, texts, reads, sink))

    def _attribute(
        self,
        unit: Unit,
        texts: Mapping[Text, bytes | EvidenceUnreadable],
        reads: Sequence[JobRead],
        sink: _Sink,
    ) -> UnitResult:
        problems = [_damaged(text, error) for text, error in texts.items() if isinstance(error, EvidenceUnreadable)]
        clues = tuple(read.clue for read in reads)
        attribution = attribute(unit, clues, self.known)
        accounts: list[SourceAccount] = []
        for read, job_attribution in zip(reads, attribution.jobs, strict=True):
            accounts.extend(self._place(read, attribution, job_attribution, sink))
            problems.extend(_noted(read, attribution.run_id, job_attribution.job_id))
        if attribution.by == "made-up" and reads:
            problems.append(_about(unit, attribution, "made-up-run", attribution.remark))
        if attribution.doubt:
            problems.append(_about(unit, attribution, "doubtful-run", attribution.doubt))
        return UnitResult(unit, clues, attribution, tuple(accounts), tuple(problems))

    def _place(
        self, read: JobRead, attribution: Attribution, job: JobAttribution, sink: _Sink
    ) -> Iterator[SourceAccount]:
        """Give the lines their ids and steps, queue them for writing, and account for them."""
        lines, steps_by = read.lines, read.steps_by
        if "step_number" not in lines.columns:
            numbers, steps_by = assign(lines, self.steps.get(job.job_id, ()))
            lines = lines.with_columns(numbers.alias("step_number"))
        main = source_id(read.accounts[0][0], read.accounts[0][1])
        sink.add(lines, attribution, job, main)
        first_at, last_at = read.clue.first_at, read.clue.last_at
        for text, member, size, account in read.accounts:
            yield SourceAccount(
                source_id(text, member), main, text.evidence_path, member, account.role.partition(":")[0],
                attribution.run_id, attribution.attempt, job.job_id, attribution.by, steps_by, size,
                account.lines_in, account.lines_stored, account.lines_duplicate, account.lines_problem,
                first_at, last_at,
            )  # fmt: skip


class _Sink:
    """Gathers frames and writes them as Parquet, with the effects found in them."""

    def __init__(self, reader: Reader, number: int, result: PartitionResult) -> None:
        self._reader = reader
        self._number = number
        self._result = result
        self._frames: list[pl.DataFrame] = []
        self._rows = 0
        self._contexts: dict[int, JobContext] = {}
        self._jobs: dict[int, int] = {}

    def add(self, lines: pl.DataFrame, attribution: Attribution, job: JobAttribution, source: int) -> None:
        run = self._reader.known.runs.get(attribution.run_id)
        self._frames.append(
            lines.select(
                pl.lit(attribution.run_id, pl.Int64).alias("run_id"),
                pl.lit(attribution.attempt, pl.Int32).alias("attempt"),
                pl.lit(job.job_id, pl.Int64).alias("job_id"),
                pl.col("step_number").cast(pl.Int32),
                "line_no", "logged_at", "level", "text",
                pl.lit(source, pl.Int64).alias("source_id"),
                pl.lit(attribution.repository).alias("repository"),
            )
        )  # fmt: skip
        self._jobs[source] = job.job_id
        self._contexts[source] = JobContext(run.workflow if run else None, job.name)
        self._rows += lines.height
        if self._rows >= _FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        if not self._frames:
            return
        frame = pl.concat(self._frames)
        self._frames, self._rows = [], 0
        name = f"{self._number:05d}-{len(self._result.lines):04d}.parquet"
        lines = self._reader.out / f"lines-{name}"
        # Read once, a moment later, and deleted: packing it would cost more than it saves.
        frame.select(list(LINE_SCHEMA)).write_parquet(lines, compression="uncompressed", statistics=False)
        self._result.lines.append(lines)
        effects = self._effects(frame)
        if not effects.is_empty():
            file = self._reader.out / f"effects-{name}"
            effects.write_parquet(file)
            self._result.effects.append(file)

    def _effects(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Two sources may give lines of one job, so each source is searched as if it were a job of its own."""
        rules = self._reader.rules or own_rules()
        found = extract(frame.drop("job_id").rename({"source_id": "job_id"}), rules, self._contexts).rename(
            {"job_id": "source_id"}
        )
        jobs = {"source_id": list(self._jobs), "job_id": list(self._jobs.values())}
        schema = {"source_id": pl.Int64, "job_id": pl.Int64}
        return found.join(pl.DataFrame(jobs, schema=schema), on="source_id", how="left")


def source_id(text: Text, member: str) -> int:
    """Stable id of a log source; positive, 56 bits."""
    digest = hashlib.sha256(f"{text.evidence_path}\0{text.member}\0{member}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def _gather(root: Path, units: Sequence[Unit]) -> Iterator[tuple[Unit, Mapping[Text, bytes | EvidenceUnreadable]]]:
    """Read the evidence files in one pass each; a unit is given as soon as all its texts are there."""
    waiting: dict[Text, Unit] = {text: unit for unit in units for job in unit.jobs for text in job.texts}
    missing = {unit.unit_id: sum(len(job.texts) for job in unit.jobs) for unit in units}
    got: dict[str, dict[Text, bytes | EvidenceUnreadable]] = {unit.unit_id: {} for unit in units}
    for path in dict.fromkeys(path for unit in units for path in unit.evidence_paths):
        wanted = {text.member for text in waiting if text.evidence_path == path}
        failure: EvidenceUnreadable | None = None
        for member, data in read_members(root, path, wanted):
            text = Text(path, member)
            unit = waiting.pop(text, None)
            if unit is None:
                failure = data if isinstance(data, EvidenceUnreadable) else failure
                continue
            got[unit.unit_id][text] = data
            missing[unit.unit_id] -= 1
            if not missing[unit.unit_id]:
                yield unit, got.pop(unit.unit_id)
        for text in [text for text in waiting if text.evidence_path == path]:
            unit = waiting.pop(text)
            got[unit.unit_id][text] = failure or EvidenceUnreadable(
                "It is not there any more.", hint="forensics verify"
            )
            missing[unit.unit_id] -= 1
            if not missing[unit.unit_id]:
                yield unit, got.pop(unit.unit_id)


def _damaged(text: Text, error: EvidenceUnreadable) -> Problem:
    kind = "zip-bomb" if "bomb" in error.message else "bad-crc" if "checksum" in error.message else "damaged"
    return Problem(kind, text.evidence_path, text.member, f"{error.message} {error.hint}")


def _noted(read: JobRead, run_id: int, job_id: int) -> Iterable[Problem]:
    text, member = read.accounts[0][0], read.accounts[0][1]
    for kind, detail, lines in read.notes:
        # These lines are stored, with what could not be read replaced: none is left out because of it.
        yield Problem(kind, text.evidence_path, member, f"{detail} ({lines} lines)", 0, run_id, job_id)


def _about(unit: Unit, attribution: Attribution, kind: str, words: str | None) -> Problem:
    text = next(text for job in unit.jobs for text in job.texts)
    return Problem(kind, text.evidence_path, text.member, words or "", 0, attribution.run_id, None)
