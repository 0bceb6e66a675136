"""Load a case on this machine: what is new in the evidence folder becomes rows, all of it or nothing.

The store is a function of the evidence: the same files give the same rows, in whatever order and in how
many ingests they came. Metadata is merged by rules that do not depend on order (`merge`); logs are kept as
units whose attribution is decided again when metadata comes in, and which are read again when it changed.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics import __version__
from forensics.effects.own import kept_rules
from forensics.effects.rule import RuleSet, digest_rules
from forensics.ingest.folder import Refused
from forensics.load.attribution import Attribution, Known, attribute
from forensics.load.known import read_known, read_steps
from forensics.load.metadata import load_metadata
from forensics.load.partition import PartitionResult, Reader, UnitResult
from forensics.load.prestart import SMALL
from forensics.load.record import StoredUnit, forget_units, read_units, record_units
from forensics.load.room import full_disk_told
from forensics.load.settle import LineWriter, settle_metadata
from forensics.load.unit import Unit, units_of_archive, units_of_files
from forensics.load.worker import Workers
from forensics.logs.steps import StepWindow
from forensics.model import Evidence, Progress
from forensics.store.store import Store

PARSER_VERSION = "1"
"""Raised when lines, steps or attribution come out differently: old units are then read again."""

_TASK_BYTES = 3 << 20
"""Evidence read as one task: small enough that no worker is left alone for long at the end."""
_LATE = 90_000
"""Numbers of partitions that are read after the others, apart from theirs."""


@dataclass(frozen=True)
class LoadSummary:
    """What one load did."""

    files: int
    units: int
    bytes: int
    """Bytes of log text read."""


def load(
    store: Store,
    root: Path,
    entries: Mapping[str, Evidence],
    refused: Sequence[Refused],
    *,
    workers: int,
    scratch: Path,
    progress: Progress,
    rules: Path | None = None,
) -> LoadSummary:
    """Bring the store up to the evidence; one transaction, so that a killed load leaves the case as it was.

    ``rules`` is the folder of the case's own rules: logs that were read with other ones are read again. Raises
    RuleInvalid, before anything is touched, where what lies there is no rule.
    """
    version = _version(rules)
    if not refused and _is_loaded(store, entries, version):
        return LoadSummary(0, 0, 0)
    own = kept_rules(rules) if rules else None
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with full_disk_told(scratch.parent), store.transaction():
            scratch.mkdir(parents=True)
            loading = _Load(store, root, entries, workers, scratch, progress, own, version)
            try:
                return loading.run(refused)
            finally:
                loading.close()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _new_entries(store: Store, entries: Mapping[str, Evidence]) -> list[Evidence]:
    loaded = {row[0]: row[1] for row in store.query("SELECT path, sha256 FROM evidence").rows}
    return [entry for path, entry in entries.items() if loaded.get(path) != entry.sha256]


def _is_loaded(store: Store, entries: Mapping[str, Evidence], version: str) -> bool:
    """Whether the store has all of the evidence, and as this program reads it."""
    return not _new_entries(store, entries) and not _has_outdated_units(store, version)


def _has_outdated_units(store: Store, version: str) -> bool:
    """Whether another version of this program, or other rules, read any of the logs."""
    outdated = "SELECT count(*) FROM log_units WHERE NOT ends_with(fingerprint, $version)"
    return store.query(outdated, {"version": version}).rows != [(0,)]


def _version(rules: Path | None) -> str:
    return f"{PARSER_VERSION} {__version__} {digest_rules(*([rules] if rules else []))}"


class _Load:
    """One load in progress: the steps share the store and the lists of what is known and new."""

    def __init__(
        self,
        store: Store,
        root: Path,
        entries: Mapping[str, Evidence],
        workers: int,
        scratch: Path,
        progress: Progress,
        rules: RuleSet | None,
        version: str,
    ) -> None:
        self.store = store
        self.root = root
        self.entries = entries
        self.workers = workers
        self.scratch = scratch
        self.progress = progress
        self.processes: Workers | None = None
        self.new = _new_entries(store, entries)
        if workers > 1 and sum(entry.size for entry in self.new) >= SMALL:
            self.processes = Workers(workers)
        self.steps: dict[int, tuple[StepWindow, ...]] = {}
        self.rounds = 0
        self.bytes = 0
        self.units: list[UnitResult] = []
        self.writer = LineWriter(store)
        self.rules = rules
        self.version = version

    def run(self, refused: Sequence[Refused]) -> LoadSummary:
        metadata = load_metadata(self.store, self.root, self.new, refused, self.progress)
        if not (metadata.described or metadata.logs or _has_outdated_units(self.store, self.version)):
            settle_metadata(self.store)
            return LoadSummary(len(self.new), 0, 0)
        known = read_known(self.store)
        stored = read_units(self.store)
        current = self._units(metadata.archives, stored)
        self.steps = read_steps(self.store)
        due = {
            unit_id: unit
            for unit_id, unit in current.items()
            if self._is_due(unit, stored.get(unit_id), known, metadata.described > 0)
        }
        # A text that has become part of an extracted archive is no unit of its own any more.
        forget_units(self.store, [unit_id for unit_id in stored if unit_id not in current or unit_id in due])
        self._read(due.values(), known)
        # A job whose log has turned up a second time is settled from both sources together.
        rivals = self._rivals(stored, due)
        while rivals:
            due.update({unit.unit_id: unit for unit in rivals})
            forget_units(self.store, [unit.unit_id for unit in rivals])
            self.rounds += 1
            self._take(self._reader(known).read_partition(_LATE + self.rounds, rivals))
            rivals = self._rivals(stored, due)
        self._write()
        settle_metadata(self.store)
        return LoadSummary(len(self.new), len(due), self.bytes)

    def close(self) -> None:
        """Let the worker processes go."""
        if self.processes:
            self.processes.close()

    def _units(self, archives: Mapping[str, Sequence[str]], stored: Mapping[str, StoredUnit]) -> dict[str, Unit]:
        """All units: of plain files as they lie together now, of archives as stored, and of new archives."""
        plain = self.store.query("SELECT path, sha256 FROM evidence WHERE kind = 'log'").rows
        units = units_of_files(plain) if plain else []
        for path, members in archives.items():
            units += units_of_archive(path, members, self.entries[path].sha256)
        kept = {unit_id: one.unit for unit_id, one in stored.items() if not one.unit.plain}
        return {**kept, **{unit.unit_id: unit for unit in units}}

    def _is_due(self, unit: Unit, stored: StoredUnit | None, known: Known, metadata_is_new: bool) -> bool:
        if stored is None or stored.unit.content != unit.content or not stored.fingerprint.endswith(self.version):
            return True
        if not metadata_is_new:
            return False
        attribution = attribute(unit, stored.clues, known)
        return stored.fingerprint != self._fingerprint(attribution)

    def _fingerprint(self, attribution: Attribution) -> str:
        said = [attribution.repository, str(attribution.run_id), str(attribution.attempt)]
        said += [f"{job.job_id} {job.name} {job.inferred} {self.steps.get(job.job_id)}" for job in attribution.jobs]
        return f"{hashlib.sha256(chr(10).join(said).encode()).hexdigest()[:32]} {self.version}"

    def _read(self, units: Iterable[Unit], known: Known) -> None:
        tasks = _tasks(units, self.entries)
        size = sum(weight for weight, _ in tasks)
        self.progress.start("Reading logs", size)
        reader = self._reader(known)
        if size < SMALL or self.workers < 2:
            for number, (weight, task) in enumerate(tasks):
                self._take(reader.read_partition(number, task))
                self.progress.advance(weight)
        else:
            self.processes = self.processes or Workers(self.workers)
            for weight, result in self.processes.read(reader, tasks):
                self._take(result)
                self.progress.advance(weight)
        self.progress.done()

    def _take(self, result: PartitionResult) -> None:
        """Store what one partition brought while the others are still being read."""
        self.bytes += result.bytes
        self.units += result.units
        self.writer.take(result)

    def _reader(self, known: Known) -> Reader:
        return Reader(self.root, known, self.steps, self.scratch, self.rules)

    def _rivals(self, stored: Mapping[str, StoredUnit], due: Mapping[str, Unit]) -> list[Unit]:
        """Stored units that were not read now and hold a log of a job that was."""
        jobs = {account.job_id for unit in self.units for account in unit.accounts}
        return [unit.unit for unit_id, unit in stored.items() if unit_id not in due and jobs & unit.job_ids]

    def _write(self) -> None:
        self.progress.start("Storing", None)
        repeated = self.writer.finish()
        record_units(self.store, [(unit, self._fingerprint(unit.attribution)) for unit in self.units], repeated)
        self.progress.done()


def _tasks(units: Iterable[Unit], entries: Mapping[str, Evidence]) -> list[tuple[int, list[Unit]]]:
    """Units by evidence file, small files together, big tasks first so that no worker ends alone."""
    by_file: dict[str, list[Unit]] = {}
    for unit in units:
        by_file.setdefault(unit.evidence_paths[0], []).append(unit)
    tasks: list[tuple[int, list[Unit]]] = []
    batch: list[Unit] = []
    weight = 0
    for path in sorted(by_file):
        batch += by_file[path]
        weight += entries[path].size
        if weight >= _TASK_BYTES:
            tasks.append((weight, batch))
            batch, weight = [], 0
    if batch:
        tasks.append((weight, batch))
    return sorted(tasks, key=lambda task: -task[0])
