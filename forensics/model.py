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
class Event:
    """One thing that happened in an incident, with where to look it up."""

    at: datetime | None
    """UTC; None where nobody recorded when."""
    kind: str
    """asked, started, effect, cancelled, approved, deployed, ended or after (what set a target right again)."""
    text: str
    """A whole sentence."""
    repository: str
    run: RunRef | None
    job_id: int | None = None
    job: str | None = None
    step: int | None = None
    line: int | None = None
    """``line_no`` of the log line that tells it; the times of events without one are the API's, to the second."""


@dataclass(frozen=True)
class Contribution:
    """A setting that let an incident happen."""

    rule: str
    """The detector of the audit that says so, or 'in-force' for a setting as it was, which nothing accuses."""
    title: str
    """The detector's, or the name of the group."""
    finding_id: str | None
    text: str
    """A whole sentence."""
    precision: Precision
    named: bool
    """True where it names one of the incident's runs; else the setting of their workflow is meant."""
    path: str | None = None
    line: int | None = None
    group_name: str | None = None
    expression: str | None = None
    cancel_in_progress: bool | None = None
    queue: str | None = None


@dataclass(frozen=True)
class Cause:
    """What came first of all that an incident followed from."""

    kind: str
    """setting, arrival, cancellation, effect or finding: in this order of precedence."""
    text: str
    """A whole sentence."""
    precision: Precision
    at: datetime | None = None
    finding_id: str | None = None


@dataclass(frozen=True)
class Impact:
    """An incident in numbers."""

    done_twice: int = 0
    """Things that were created more than once, each accepted."""
    refused: int = 0
    """Writes that the target rejected."""
    out_of_order: int = 0
    """Landings of an older commit after a newer one."""
    cut_off: int = 0
    """Writes that a cancellation ended in the middle."""
    runs_cancelled: int = 0
    minutes_wasted: float = 0.0
    """Minutes that runners worked in attempts which were cancelled or failed."""
    wrong_seconds: Mapping[str, float] = field(default_factory=dict)
    """By target: from the wrong landing (or the cut) to the next right one, or to the case's end where none came."""
    still_wrong: tuple[str, ...] = ()
    """Those of them that no landing has set right in this case."""
    never_shipped: tuple[str, ...] = ()
    """Commits that no later success took along."""


@dataclass(frozen=True)
class Live:
    """What a target holds at the end of the case."""

    target: str
    sha: str | None
    """None where it is not known."""
    run: RunRef | None
    at: datetime | None
    newest_sha: str | None
    """The newest commit of that branch in the case."""
    is_newest: bool | None
    """None where it is not known."""
    text: str
    """A whole sentence."""


@dataclass(frozen=True)
class Story:
    """What the store knows of an incident beyond its findings."""

    events: tuple[Event, ...]
    """By time; those without one last."""
    events_left_out: int
    impact: Impact
    live: tuple[Live, ...]
    unknown: tuple[str, ...]
    """What is not known and why, as whole sentences."""


@dataclass(frozen=True)
class Incident:
    """Findings that tell one story: the same attempts, targets and time."""

    id: str
    """``incident-<10 hex digits>`` of its anchor's id; findings of further detectors do not change it."""
    severity: Severity
    title: str
    """A whole sentence."""
    repository: str
    findings: tuple[Finding, ...]
    """Worst first; no finding is in two incidents."""
    runs: tuple[RunRef, ...]
    targets: tuple[str, ...]
    started_at: datetime | None
    ended_at: datetime | None
    contributing: tuple[Contribution, ...] = ()
    first_cause: Cause | None = None
    story: Story | None = None
    """None until it is told (``forensics explain ID``, the report; ``detect`` tells the worst ones)."""


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
    incidents: tuple[Incident, ...] = ()
    """Worst first; the worst of them told."""


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
