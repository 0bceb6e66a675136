"""What the commands of the pipeline hand back: plain records, for whoever prints them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.model import Coverage, DetectorDoc, Finding, Incident

if TYPE_CHECKING:
    from forensics.audit import Audit
    from forensics.audit.account import Agreement, WorkflowAccount
    from forensics.detect.suppress import Suppressed
    from forensics.ingest.github.scope import Completeness, Plan
    from forensics.store.coverage import Account, ListedWindow, PastIngest


@dataclass(frozen=True)
class IngestSummary:
    """What one ingest did, and what the case holds after it."""

    files_taken: int
    files_known: int
    bytes: int
    """Size of the files taken now."""
    runs: int
    attempts: int
    jobs: int
    log_lines: int
    effects: int
    lines_in: int
    lines_stored: int
    lines_duplicate: int
    lines_problem: int
    problems: tuple[tuple[str, int], ...]
    seconds: float


@dataclass(frozen=True)
class LiveSummary:
    """What one live ingest did."""

    plan: Plan
    """What was to be asked for, as it was announced."""
    completeness: tuple[Completeness, ...]
    logs: str
    """Which logs were wanted."""
    requests: int
    by_kind: Mapping[str, int]
    """Requests made, by what they were for."""
    waited: float
    """Seconds spent waiting for limits."""
    loaded: IngestSummary | None
    """None after a dry run."""
    moved: tuple[tuple[str, str], ...]
    """Repositories that have another name now: (asked for, called now)."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Detection:
    """What the detectors said."""

    findings: tuple[Finding, ...]
    docs: tuple[DetectorDoc, ...]
    failures: tuple[tuple[str, str], ...]
    """Detectors that could not run, and why."""
    coverage: Coverage
    workflow_paths: Mapping[int, str] = field(default_factory=dict)
    """Workflow file of each run that a finding names, where known."""
    incidents: tuple[Incident, ...] = ()
    """Findings that tell one story, worst first; the worst of them told."""
    suppressed: tuple[Suppressed, ...] = ()
    """Findings that forensics.toml sets apart, with the reasons; not among ``findings``."""
    remarks: tuple[str, ...] = ()
    """Sentences on suppressions and lanes."""


@dataclass(frozen=True)
class Explanation:
    """One incident told, or one finding that is in none, told as an incident of its own."""

    incident: Incident
    finding: Finding | None
    """The finding that was asked for; None where an incident was."""
    docs: tuple[DetectorDoc, ...]
    """The detectors of its findings and settings."""
    coverage: Coverage


@dataclass(frozen=True)
class CaseAudit:
    """What the concurrency settings of a case did and promise."""

    accounts: tuple[WorkflowAccount, ...]
    agreement: tuple[Agreement, ...]
    """How our evaluation compares with GitHub's word, by repository."""
    findings: tuple[Finding, ...]
    """What happened, worst first."""
    failures: tuple[tuple[str, str], ...]
    """Detectors that could not run, and why."""
    audits: Mapping[str, Audit]
    """What the files used last promise, by repository."""
    docs: tuple[DetectorDoc, ...]
    coverage: Coverage
    workflow_paths: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceAccount:
    """Lines of one evidence file."""

    evidence_path: str
    form: str
    lines_in: int
    stored: int
    duplicate: int
    problem: int


@dataclass(frozen=True)
class OwnRule:
    """A file of effect rules that a case is read with beside those of the package."""

    file: str
    """In the case's folder ``rules``."""
    kinds: int | None
    """Kinds of effect that it finds; None where the file was changed and is no rule any more."""
    effects: int
    """How many it found."""


@dataclass(frozen=True)
class Status:
    """What is in a case and what is missing."""

    coverage: Coverage
    kinds: tuple[tuple[str, int, int], ...]
    """Kind of evidence, files, rows or lines read."""
    sources: tuple[SourceAccount, ...]
    problems: tuple[tuple[str, int, str], ...]
    """Kind, how many, and one of them as an example."""
    completeness: tuple[Account, ...] = ()
    """What live ingests listed and what became of it; empty where nothing was asked of GitHub, like the next two."""
    windows: tuple[ListedWindow, ...] = ()
    ingests: tuple[PastIngest, ...] = ()
    """Live ingests, the last one first."""
    rules: tuple[OwnRule, ...] = ()
    """The case's own, by file name."""


@dataclass(frozen=True)
class Demo:
    """Where the demonstration lies and what it found."""

    case: Path
    report: Path
    findings: tuple[Finding, ...]
    seconds: float
