"""What happened in the made-up repository: runs, attempts, jobs, steps, with times finer than GitHub shows.

Times are naive UTC. The API shows them cut to whole seconds; logs show them by the runner's clock, that is
plus `Runner.skew`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from forensics.synth.commits import Commit, Person
from forensics.synth.template import WORKFLOW_FILES, WorkflowTemplate, load_workflow

START = datetime(2026, 11, 2)
"""First day of every made-up history, a Monday: fixed, so that the same seed gives the same bytes on any day."""

_RUN_IDS_FROM = 41_700_000_000
_JOB_IDS_FROM = 127_000_000_000


@dataclass(frozen=True)
class Runner:
    """The machine that ran a job."""

    runner_id: int
    name: str
    group_id: int
    group_name: str
    skew: timedelta
    """What its clock is ahead of GitHub's."""

    @property
    def hosted(self) -> bool:
        """Whether it is one of GitHub's own, which always are in group 0."""
        return self.group_id == 0


@dataclass(frozen=True)
class Annotation:
    """What GitHub noted on a job's check run."""

    level: str
    """notice, warning or failure."""
    message: str
    line: int = 1


@dataclass(frozen=True)
class Step:
    """One step of an executed job."""

    number: int
    """As in the jobs API: clean-up steps take high numbers, so there are holes."""
    name: str
    conclusion: str
    started_at: datetime
    completed_at: datetime
    mode: str = ""
    """Which course of events its log tells; empty for the usual one."""
    said: tuple[tuple[datetime, str], ...] | None = None
    """Its lines word for word with GitHub's time of each; None where `forensics.synth.tellers` knows them."""


@dataclass(frozen=True)
class Job:
    """One job of one attempt."""

    job_id: int
    name: str
    conclusion: str
    created_at: datetime
    started_at: datetime
    completed_at: datetime
    runner: Runner | None
    """None when it never got one."""
    steps: tuple[Step, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    copied: bool = False
    """Taken over from an earlier attempt with its old times: not an execution."""
    status: str = "completed"
    """Of one that has not ended, what GitHub says of it; its conclusion and end then do not count."""

    @property
    def executed(self) -> bool:
        """Whether a runner ran it in this attempt."""
        return self.runner is not None and not self.copied


@dataclass(frozen=True)
class Attempt:
    """One attempt of a run."""

    number: int
    asked_at: datetime
    """When the run was created, or the re-run asked for."""
    actor: Person
    jobs: tuple[Job, ...]
    updated_at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)
    """What its logs know: version, digest, merge commit …"""
    outcome: str = ""
    """What GitHub concluded where no job says it (a run that never began), else empty."""
    status: str = "completed"

    @property
    def conclusion(self) -> str:
        """As GitHub sums up its jobs."""
        if self.outcome:
            return self.outcome
        said = {job.conclusion for job in self.jobs}
        return next((worst for worst in ("cancelled", "failure") if worst in said), "success")

    @property
    def ended_at(self) -> datetime:
        """When its last job ended."""
        return max((job.completed_at for job in self.jobs), default=self.updated_at)


@dataclass(frozen=True)
class Run:
    """One run of one workflow."""

    workflow: str
    """File name of the workflow."""
    event: str
    commit: Commit
    created_at: datetime
    actor: Person
    attempts: tuple[Attempt, ...]
    number: int = 0
    """Its id where that does not follow from its time."""
    groups: tuple[str, ...] | None = None
    """What GitHub's endpoint says of its concurrency groups; None where nobody asked."""

    @property
    def run_id(self) -> int:
        """Grows with `created_at`, as GitHub's do."""
        if self.number:
            return self.number
        return _RUN_IDS_FROM + milliseconds(self.created_at)

    @property
    def latest(self) -> Attempt:
        """The only attempt that GitHub's lists show."""
        return self.attempts[-1]

    @property
    def lane(self) -> tuple[str, str]:
        """Workflow and branch: what two runs share when they may get in each other's way."""
        return self.workflow, self.commit.branch


@dataclass(frozen=True)
class History:
    """A repository's life over some days."""

    owner: str
    name: str
    seed: int
    days: int
    commits: tuple[Commit, ...]
    """Oldest first."""
    runs: tuple[Run, ...]
    """Oldest first."""
    workflows: tuple[WorkflowTemplate, ...] = ()
    """Its own workflow files; none for those of the made-up shop."""

    @property
    def files(self) -> tuple[str, ...]:
        """Names of its workflow files, in the order in which it got them."""
        return tuple(workflow.file for workflow in self.workflows) or WORKFLOW_FILES

    def workflow(self, file: str) -> WorkflowTemplate:
        """One of its workflow files."""
        own = next((workflow for workflow in self.workflows if workflow.file == file), None)
        return own or load_workflow(file)

    @property
    def repository(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"

    @property
    def main(self) -> tuple[Commit, ...]:
        """The default branch, oldest first."""
        return tuple(commit for commit in self.commits if commit.branch == "main")

    def executions(self) -> Iterator[tuple[Run, Attempt, Job]]:
        """Every job that a runner ran, copies of partial re-runs left out."""
        for run in self.runs:
            for attempt in run.attempts:
                for job in attempt.jobs:
                    if job.executed:
                        yield run, attempt, job

    def windows(self) -> tuple[datetime, ...]:
        """Start of each working day's two hours without merges: there an incident fits between quiet runs."""
        days = (START + timedelta(days=day) for day in range(self.days))
        return tuple(day + timedelta(hours=12, minutes=30) for day in days if day.weekday() < 5)

    def joined_by(self, commits: Iterable[Commit], runs: Iterable[Run]) -> History:
        """The same history with more in it, again oldest first; ids of the new runs stay as they are."""
        return replace(
            self,
            commits=tuple(sorted((*self.commits, *commits), key=lambda commit: commit.pushed_at)),
            runs=_keep_apart(tuple(runs), self.runs),
        )

    def replacing(self, old: Run, new: Run) -> History:
        """The same history with one run told differently."""
        others = tuple(run for run in self.runs if run is not old)
        return replace(self, runs=others).joined_by((), (new,))


def _keep_apart(fixed: tuple[Run, ...], others: tuple[Run, ...]) -> tuple[Run, ...]:
    """All runs, oldest first; what chance gave the id of another run or job gets the next free one."""
    runs = list(fixed)
    taken = {run.run_id for run in fixed}
    for run in others:
        free = run
        while free.run_id in taken:
            moment = free.created_at + timedelta(milliseconds=1)
            first = replace(free.attempts[0], asked_at=moment)
            free = replace(free, created_at=moment, attempts=(first, *free.attempts[1:]))
        taken.add(free.run_id)
        runs.append(free)
    used: set[int] = set()
    return tuple(_with_own_jobs(run, used) for run in sorted(runs, key=lambda run: run.created_at))


def _with_own_jobs(run: Run, used: set[int]) -> Run:
    attempts = []
    for attempt in run.attempts:
        jobs = []
        for job in attempt.jobs:
            number = job.job_id
            while number in used:
                number += 10
            used.add(number)
            jobs.append(job if number == job.job_id else replace(job, job_id=number))
        attempts.append(replace(attempt, jobs=tuple(jobs)))
    return replace(run, attempts=tuple(attempts))


def milliseconds(moment: datetime) -> int:
    """Milliseconds since a week before the first day, so that earlier commits count too."""
    return int((moment - START + timedelta(days=7)) / timedelta(milliseconds=1))


def make_job_id(moment: datetime, index: int) -> int:
    """An id that grows with the time at which the job appeared; ``index`` (0-9) tells jobs of one attempt apart."""
    return _JOB_IDS_FROM + milliseconds(moment) * 10 + index


def cut(moment: datetime) -> datetime:
    """The whole second that the API shows."""
    return moment.replace(microsecond=0)
