"""What the rooms hand each other: frozen dataclasses, all times UTC and naive, ids as GitHub's integers.

A run or job that is known only from a log gets a *made-up* id: negative, stable (a hash of what is
known), and announced in `problems`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
"""Worst first."""

Precision = Literal["certain", "likely", "possible"]
"""How sure a finding is: certain survives the clock's grain, likely rests on one inference, possible on more."""


@dataclass(frozen=True, order=True)
class RunRef:
    """One attempt of one run."""

    run_id: int
    attempt: int


@dataclass(frozen=True)
class EvidenceLine:
    """A log line that proves something, found again by its ids."""

    run_id: int
    attempt: int
    job_id: int
    step: int | None
    line: int
    """``line_no`` in ``log_lines``: 1-based within the job's log."""
    logged_at: datetime | None
    text: str
    matched: bool = True
    """False for lines shown only as context."""


@dataclass(frozen=True)
class Finding:
    """What a detector says about one thing; ``id`` is stable across rebuilds of the case."""

    id: str
    """``<detector>-<10 hex digits of a hash of what it is about>``."""
    detector: str
    title: str
    severity: Severity
    precision: Precision
    message: str
    """A whole sentence with numbers."""
    occurred_at: datetime | None
    repository: str
    runs: tuple[RunRef, ...]
    target: str | None
    evidence: tuple[EvidenceLine, ...]
    values: Mapping[str, Any] = field(default_factory=dict)
    """The query's own columns, JSON-ready."""


@dataclass(frozen=True)
class DetectorDoc:
    """What a detector's header says, for the report and the field guide."""

    id: str
    title: str
    severity: Severity
    precision: Precision
    question: str
    false_positives: str
    remedy: str
    params: Mapping[str, Any]
    sql: str
    """The query as it ran, without the header."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of a run, as the report draws it."""

    repository: str
    run_id: int
    attempt: int
    run_number: int | None
    workflow: str
    """The workflow's name, else its path, else 'unknown workflow'."""
    lane: str
    """What it competes for: a concurrency group when known, else workflow and branch."""
    title: str
    event: str | None
    branch: str | None
    sha: str | None
    actor: str | None
    status: str | None
    conclusion: str | None
    created_at: datetime | None
    """When the attempt was asked for; waiting is drawn from here."""
    started_at: datetime | None
    """When its first job began to execute."""
    completed_at: datetime | None
    inferred: bool = False
    """True when known only from a log."""


@dataclass(frozen=True)
class Effect:
    """One thing done to the world, as a log line announced it."""

    repository: str
    run_id: int
    attempt: int
    job_id: int
    step_number: int | None
    started_at: datetime | None
    occurred_at: datetime | None
    tool: str
    effect: str
    target: str
    identity: str | None
    outcome: str
    """done, rejected, failed, no-op or unknown."""
    sha: str | None
    rule: str
    line_no: int
    text: str


@dataclass(frozen=True)
class JobTiming:
    """How long the executed jobs of one name waited for a runner and ran, in whole seconds."""

    workflow: str
    job: str
    queue_seconds: tuple[int, ...]
    run_seconds: tuple[int, ...]


@dataclass(frozen=True)
class Coverage:
    """What the case has and what it lacks; every number can be derived again by ``forensics status``."""

    repositories: tuple[str, ...]
    first_at: datetime | None
    last_at: datetime | None
    runs: int
    attempts: int
    jobs: int
    jobs_executed: int
    jobs_with_log: int
    log_lines: int
    effects: int
    lines_in: int
    lines_stored: int
    lines_duplicate: int
    lines_problem: int
    problems: tuple[tuple[str, int], ...]
    """Kind of problem and how often, most frequent first."""


@dataclass(frozen=True)
class Evidence:
    """One row of the manifest: a file taken into the case exactly as received."""

    path: str
    """Relative to ``evidence/``, with forward slashes."""
    sha256: str
    size: int
    source: str
    """Where it came from, as the user named it, without the machine's absolute path."""
    taken_at: datetime


@dataclass(frozen=True)
class Analysis:
    """All that a report is made of; the report asks the store nothing."""

    title: str
    generated_at: datetime
    version: str
    coverage: Coverage
    findings: tuple[Finding, ...]
    """Worst first, then by time."""
    detectors: tuple[DetectorDoc, ...]
    """Every detector that ran, also those that found nothing."""
    attempts: tuple[Attempt, ...]
    effects: tuple[Effect, ...]
    timings: tuple[JobTiming, ...]
    evidence: tuple[Evidence, ...]
    notes: tuple[str, ...] = ()
    """Sentences for the method section: what is unknown, thinned or assumed."""
    host: str = "https://github.com"
    """Base of links to runs and jobs."""


class Progress(Protocol):
    """Where long work says how far it is; the command line draws it, tests stay silent."""

    def start(self, what: str, total: int | None) -> None:
        """Begin a stretch of work of ``total`` units (None: not known), replacing the one before."""

    def advance(self, amount: int) -> None:
        """So many more units are done."""

    def note(self, text: str) -> None:
        """Say something once, whole, above the bar."""

    def status(self, text: str) -> None:
        """A short text beside the bar, in place of the one before: what has been used up, what is left."""

    def waiting(self, seconds: float, why: str) -> None:
        """Nothing happens for so long, for the reason given as a whole sentence; the time left is counted down."""

    def done(self) -> None:
        """The stretch is over."""


class Silent:
    """Progress that nobody watches."""

    def start(self, what: str, total: int | None) -> None:
        """Say nothing."""

    def advance(self, amount: int) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def status(self, text: str) -> None:
        """Say nothing."""

    def waiting(self, seconds: float, why: str) -> None:
        """Say nothing."""

    def done(self) -> None:
        """Say nothing."""
