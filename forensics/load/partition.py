"""One partition of the work: some units are read, parsed, attributed, searched for effects, written as Parquet.

Runs in a worker process. It gets names and known metadata, reads evidence, and hands back small results;
the lines themselves go to Parquet files, which the store takes in bulk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from forensics.effects.rule import RuleSet, own_rules
from forensics.errors import EvidenceUnreadable
from forensics.load import spool
from forensics.load.attribution import Attribution, JobAttribution, JobClue, Known, attribute
from forensics.load.jobread import JobRead, read_jobs, read_text
from forensics.load.scan import Problem, read_members
from forensics.load.sink import Owner, Sink
from forensics.load.spool import Parked, Spool
from forensics.load.stream import read_slowly
from forensics.load.unit import JobTexts, Text, Unit
from forensics.logs import boundary
from forensics.logs.steps import StepWindow, assign, lay_out
from forensics.logs.stretch import Entangled

_BATCH_BYTES = 32 << 20
"""Text that is parsed in one pass."""


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
        sink = Sink(self.out, number, self.known, self._rules, result.lines, result.effects)
        sizes = spool.weigh(self.root, units)
        big = {unit.unit_id for unit in units if sum(sizes.get(text, 0) for text in unit.texts) > spool.BIG_UNIT}
        self._read_small([unit for unit in units if unit.unit_id not in big], sink, result)
        for unit in units:
            if unit.unit_id in big:
                self._read_big(unit, sizes, sink, result)
        sink.flush()
        return result

    def _read_small(self, units: Sequence[Unit], sink: Sink, result: PartitionResult) -> None:
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

    def _read_big(self, unit: Unit, sizes: Mapping[Text, int], sink: Sink, result: PartitionResult) -> None:
        """Read a unit some jobs at a time; their lines wait on disk until all clues are there."""
        sink.flush()
        sink.most_bytes = spool.BATCH
        lot = Spool(self.out, sink.name)
        failures: dict[Text, bytes | EvidenceUnreadable] = {}
        reads: list[JobRead | Parked] = []
        for jobs in spool.batches(unit.jobs, sizes):
            for read in self._read_lot(replace(unit, jobs=jobs), sizes, lot, failures):
                reads.append(read)
                result.bytes += sum(size for _, _, size, _ in read.accounts)
        result.units.append(self._attribute(unit, failures, reads, sink))

    def _read_lot(
        self, unit: Unit, sizes: Mapping[Text, int], lot: Spool, failures: dict[Text, bytes | EvidenceUnreadable]
    ) -> Iterator[Parked]:
        """The logs of some jobs of a unit, parked; a huge one alone, in stretches."""
        huge = unit.jobs[0].job
        if len(unit.jobs) == 1 and huge and sizes.get(huge, 0) > spool.HUGE_TEXT:
            begun = lot.begin()
            try:
                yield self._read_huge(unit, unit.jobs[0], lot)
                return
            except (Entangled, EvidenceUnreadable):
                # Read whole, it is told what is wrong with it.
                lot.forget(begun)
        ((_, texts),) = _gather(self.root, [unit])
        failures |= {text: data for text, data in texts.items() if isinstance(data, EvidenceUnreadable)}
        for read in _read_unit(unit, texts):
            yield lot.park(read)

    def _read_huge(self, unit: Unit, job: JobTexts, lot: Spool) -> Parked:
        system = None
        if job.system:
            ((_, texts),) = _gather(self.root, [replace(unit, jobs=(replace(job, job=None, steps=()),))])
            found = texts[job.system]
            if isinstance(found, EvidenceUnreadable):
                raise found
            system = found
        return read_slowly(self.root, unit, job, system, lot, self._rules)

    @property
    def _rules(self) -> RuleSet:
        return self.rules or own_rules()

    def _read_batch(
        self,
        batch: Sequence[tuple[Unit, Mapping[Text, bytes | EvidenceUnreadable]]],
        sink: Sink,
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
        reads: Sequence[JobRead | Parked],
        sink: Sink,
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
        self, read: JobRead | Parked, attribution: Attribution, job: JobAttribution, sink: Sink
    ) -> Iterator[SourceAccount]:
        """Give the lines their ids and steps, queue them for writing, and account for them."""
        main = source_id(read.accounts[0][0], read.accounts[0][1])
        size = sum(size for _, _, size, _ in read.accounts)
        if isinstance(read, Parked) and read.outline is not None:
            steps_by = self._place_stretches(read, read.outline, Owner(attribution, job, main), sink)
        else:
            lines, steps_by = next(read.stretches()) if isinstance(read, Parked) else read.lines, read.steps_by
            if "step_number" not in lines.columns:
                numbers, steps_by = assign(lines, self.steps.get(job.job_id, ()))
                lines = lines.with_columns(numbers.alias("step_number"))
            sink.add(lines, Owner(attribution, job, main), size)
        first_at, last_at = read.clue.first_at, read.clue.last_at
        for text, member, size, account in read.accounts:
            yield SourceAccount(
                source_id(text, member), main, text.evidence_path, member, account.role.partition(":")[0],
                attribution.run_id, attribution.attempt, job.job_id, attribution.by, steps_by, size,
                account.lines_in, account.lines_stored, account.lines_duplicate, account.lines_problem,
                first_at, last_at,
            )  # fmt: skip

    def _place_stretches(self, read: Parked, outline: pl.DataFrame, owner: Owner, sink: Sink) -> str:
        """The same for a log in stretches; how its steps were found."""
        rows = outline["line_no"] - 1
        found = [replace(one, row=int(rows[one.row])) for one in boundary.find(outline)]
        layout = lay_out(found, self.steps.get(owner.job.job_id, ()))
        any_step = False

        def numbered() -> Iterator[pl.DataFrame]:
            nonlocal any_step
            for lines in read.stretches():
                numbers = layout.assign(lines, int(lines["line_no"][0]) - 1)
                any_step = any_step or numbers.null_count() < lines.height
                yield lines.with_columns(numbers.alias("step_number"))

        sink.add_stretches(numbered(), owner, read.hits)
        return layout.told(any_step)


def _read_unit(unit: Unit, texts: Mapping[Text, bytes | EvidenceUnreadable]) -> Iterator[JobRead]:
    """The logs of a unit whose texts are there."""
    whole = {text: data for text, data in texts.items() if isinstance(data, bytes)}
    if unit.form == "text":
        for job in unit.jobs:
            yield from read_text(job, whole)
        return
    own = [(job, {text: whole[text] for text in job.texts if text in whole}) for job in unit.jobs]
    for reads in read_jobs(own):
        yield from reads


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


def _noted(read: JobRead | Parked, run_id: int, job_id: int) -> Iterable[Problem]:
    text, member = read.accounts[0][0], read.accounts[0][1]
    for kind, detail, lines in read.notes:
        # These lines are stored, with what could not be read replaced: none is left out because of it.
        yield Problem(kind, text.evidence_path, member, f"{detail} ({lines} lines)", 0, run_id, job_id)


def _about(unit: Unit, attribution: Attribution, kind: str, words: str | None) -> Problem:
    text = next(text for job in unit.jobs for text in job.texts)
    return Problem(kind, text.evidence_path, text.member, words or "", 0, attribution.run_id, None)
