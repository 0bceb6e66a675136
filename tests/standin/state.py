"""A repository and its runs as they stand, and who may ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, Literal

from forensics.synth.commits import Commit, Person
from forensics.synth.execute import rerun
from forensics.synth.history import Attempt, History, Job, Run
from forensics.synth.template import WORKFLOW_FILES, load_workflow

Phase = Literal["queued", "in_progress", "completed"]
DROPPED: Any = object()
"""In `World.alter_run` and `World.alter_job`: the field is not there at all."""
FACTS = {"version": "9.9.0", "previous": "9.8.0", "add": "1", "change": "0"}
"""What logs of a release or a plan need to know."""


@dataclass
class RunState:
    """A run as it stands."""

    run: Run
    number: int
    """Within its workflow."""
    phase: Phase
    """Of the latest attempt; earlier ones have ended."""
    updated_at: datetime
    expired: set[int] = field(default_factory=set)
    """Attempts whose logs are past their retention."""
    altered: dict[str, Any] = field(default_factory=dict)
    altered_jobs: dict[int, dict[str, Any]] = field(default_factory=dict)
    archives: dict[int, bytes | None] = field(default_factory=dict)
    """Log archives by attempt, packed when first asked for; None: there is none."""

    @property
    def run_id(self) -> int:
        return self.run.run_id

    def attempt(self, number: int) -> Attempt | None:
        """One of its attempts."""
        return next((attempt for attempt in self.run.attempts if attempt.number == number), None)

    def phase_of(self, attempt: Attempt) -> Phase:
        """Only the latest attempt may not have ended."""
        return self.phase if attempt is self.run.latest else "completed"


@dataclass
class Repository:
    """One repository."""

    repository_id: int
    history: History
    runs: dict[int, RunState] = field(default_factory=dict)
    """Oldest first."""
    files: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    """(sha or empty for every sha, path) → content that differs from the synthesiser's; None: not there."""
    shas: set[str] = field(default_factory=set)
    commits: dict[str, Commit] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    job_index: dict[int, tuple[RunState, Attempt, Job]] = field(default_factory=dict)
    """By job id; empty until it is asked for."""
    shown: dict[str, bytes] = field(default_factory=dict)
    """JSON that stands in many answers."""

    @property
    def full_name(self) -> str:
        return self.history.repository

    def newest_first(self) -> list[RunState]:
        """As GitHub lists runs."""
        return list(self.runs.values())[::-1]

    def adopt(self, run: Run, phase: Phase, updated_at: datetime) -> RunState:
        """Take a run in; runs come oldest first, or the order is put right."""
        first = 310 * (1 + WORKFLOW_FILES.index(run.workflow))
        self.counters[run.workflow] = number = self.counters.get(run.workflow, first) + 1
        state = RunState(run, number, phase, updated_at)
        newest = next(reversed(self.runs), 0)
        self.runs[run.run_id] = state
        if run.run_id < newest:
            self.runs = dict(sorted(self.runs.items()))
        self.shas.add(run.commit.sha)
        self.commits.setdefault(run.commit.sha, run.commit)
        return state

    def find_job(self, job_id: int) -> tuple[RunState, Attempt, Job] | None:
        """A job by its id, which is its check run's too."""
        if not self.job_index:
            for state in self.runs.values():
                for attempt in state.run.attempts:
                    self.job_index.update({job.job_id: (state, attempt, job) for job in attempt.jobs})
        return self.job_index.get(job_id)


@dataclass
class Token:
    """As whom one may ask."""

    expires_at: float | None = None
    """Seconds since the epoch by the world's clock."""
    used: int = 0
    resets_at: float = 0.0


@dataclass(frozen=True)
class App:
    """A GitHub App that is installed in all repositories."""

    app_id: int
    installation_id: int
    public_key: str | None
    """PEM; None: signatures are not looked at, everything else of the JWT is."""


def run_again(run: Run, at: datetime, actor: Person, rng: Random, *, only_failed: bool) -> Run:
    """The run with one more attempt."""
    return rerun(run, load_workflow(run.workflow), at, actor, rng, only_failed=only_failed)
