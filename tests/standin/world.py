"""What there is on the stand-in GitHub: repositories with runs that appear, run again, finish and go.

Made from the synthesiser's histories. Times are naive UTC of the stand-in's own clock, which begins an hour after the
last thing that happened in the histories and goes on with real time: no test depends on the day it is run on.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

from forensics.synth.commits import PEOPLE, Commit, Person, make_sha
from forensics.synth.execute import rerun, start_run
from forensics.synth.history import Attempt, History, Job, Run
from forensics.synth.template import WORKFLOW_FILES, load_workflow

Phase = Literal["queued", "in_progress", "completed"]
DROPPED: Any = object()
"""In `World.alter_run` and `World.alter_job`: the field is not there at all."""

_FACTS = {"version": "9.9.0", "previous": "9.8.0", "add": "1", "change": "0"}
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


class World:
    """Everything the stand-in knows. Every public method may be called from any thread, at any time.

    ``tokens`` may be given as names; ``tok`` alone by default. ``clock`` replaces the world's own clock.
    """

    def __init__(
        self,
        histories: Sequence[History] = (),
        *,
        tokens: Sequence[str] = ("tok",),
        clock: Callable[[], float] | None = None,
        limit: int = 5000,
    ) -> None:
        self.lock = threading.RLock()
        self.version = 0
        """Grows with every change."""
        self.tokens: dict[str, Token] = {name: Token() for name in tokens}
        self.limit = limit
        """Requests an hour and token."""
        self.search_results = 1000
        self.search_total = 2500
        """What ``total_count`` of a filtered list never exceeds (redherring's source)."""
        self.app: App | None = None
        self.repositories: list[Repository] = []
        self.moved: dict[str, int] = {}
        """Old name → id of the repository."""
        self._scripts: list[tuple[re.Pattern[str] | None, int, Callable[[World], object]]] = []
        self._seen = 0
        self._rng = Random("forensics stand-in")
        last = datetime(2026, 11, 2)
        for place, history in enumerate(histories):
            last = max(last, self._settle(place, history))
        begin = (last + timedelta(hours=1)).replace(microsecond=0, tzinfo=UTC).timestamp()
        started = time.monotonic()
        self._clock = clock or (lambda: begin + time.monotonic() - started)
        self._skipped = 0.0

    def _settle(self, place: int, history: History) -> datetime:
        repository = Repository(884_120_417 + place * 1_000_003, history)
        last = datetime(2026, 11, 2)
        for run in history.runs:
            repository.adopt(run, "completed", run.latest.updated_at)
            last = max(last, run.latest.updated_at)
        repository.commits.update({commit.sha: commit for commit in history.commits})
        repository.shas.update(repository.commits)
        self.repositories.append(repository)
        return last

    # -- time

    def clock(self) -> float:
        """Seconds since the epoch by the stand-in's clock: what ``Date`` says."""
        return self._clock() + self._skipped

    def now(self) -> datetime:
        """The same as naive UTC."""
        return datetime.fromtimestamp(self.clock(), UTC).replace(tzinfo=None)

    def skip(self, seconds: float) -> None:
        """Let time pass: what ``Policy.sleep`` of a test should do."""
        with self.lock:
            self._skipped += seconds

    def _reach(self, moment: datetime) -> None:
        """Be no earlier than this."""
        self._skipped += max(0.0, (moment - self.now()).total_seconds())

    # -- what happens by itself

    def at(self, number: int, change: Callable[[World], object]) -> None:
        """Just before the API answers its n-th request (counted from the beginning) something happens."""
        with self.lock:
            self._scripts.append((None, number, change))

    def before(self, target: str, change: Callable[[World], object], *, nth: int = 1) -> None:
        """Just before the n-th request from now whose path and query match the pattern, something happens."""
        with self.lock:
            self._scripts.append((re.compile(target), nth, change))

    def asked(self, target: str) -> None:
        """The server tells of a request."""
        self._seen += 1
        due, later = [], []
        for pattern, left, change in self._scripts:
            if pattern is None:
                (due if left <= self._seen else later).append((pattern, left, change))
            elif pattern.search(target):
                (due if left <= 1 else later).append((pattern, left - 1, change))
            else:
                later.append((pattern, left, change))
        self._scripts = later
        for _, _, change in due:
            change(self)

    # -- who may ask

    def revoke(self, token: str) -> None:
        """From now on 401."""
        with self.lock:
            self.tokens.pop(token, None)

    def install_app(self, app_id: int, installation_id: int, public_key: str | None = None) -> None:
        """Let a GitHub App fetch tokens for an hour each."""
        with self.lock:
            self.app = App(app_id, installation_id, public_key)

    # -- repositories

    def repository(self, full_name: str | None = None) -> Repository:
        """By name, in any case of letters; the first one by default."""
        if full_name is None:
            return self.repositories[0]
        return next(entry for entry in self.repositories if entry.full_name.lower() == full_name.lower())

    def find(self, full_name: str) -> Repository | None:
        """The same, or None."""
        return next((entry for entry in self.repositories if entry.full_name.lower() == full_name.lower()), None)

    def rename(self, full_name: str, new_name: str) -> None:
        """The old name answers with 301 from now on; ``new_name`` is ``owner/name``."""
        with self.lock:
            entry = self.repository(full_name)
            self.moved[full_name.lower()] = entry.repository_id
            owner, _, name = new_name.partition("/")
            entry.history = replace(entry.history, owner=owner, name=name)
            self.changed(entry)

    def remove(self, full_name: str) -> None:
        """404 from now on: deleted, or made private."""
        with self.lock:
            self.repositories.remove(self.repository(full_name))
            self.version += 1

    def put_file(self, path: str, content: bytes | None, *, sha: str = "", repository: str | None = None) -> None:
        """Give a file other content, at one commit or all; None: it is not there."""
        with self.lock:
            entry = self.repository(repository)
            entry.files[sha, path] = content
            self.changed(entry)

    # -- runs

    def run_ids(self, repository: str | None = None) -> list[int]:
        """Oldest first."""
        return list(self.repository(repository).runs)

    def state(self, run_id: int) -> RunState:
        """A run, whose repository is sought."""
        return self._home(run_id).runs[run_id]

    def add_run(
        self,
        run: Run | None = None,
        *,
        workflow: str = "ci.yml",
        event: str = "push",
        phase: Phase = "completed",
        repository: str | None = None,
    ) -> int:
        """A run appears: the given one, or a new one of the newest commit, created now. Gives its id.

        A new run that has completed took its time: the clock moves on to its end.
        """
        with self.lock:
            entry = self.repository(repository)
            if run is None:
                run = self._start(entry, workflow, event)
            ended = run.latest.updated_at
            entry.adopt(run, phase, ended if phase == "completed" else self.now())
            if phase == "completed":
                self._reach(ended)
            self.changed(entry)
            return run.run_id

    def rerun(self, run_id: int, *, only_failed: bool = False, phase: Phase = "completed") -> int:
        """One more attempt, asked for now. Gives its number."""
        with self.lock:
            entry = self._home(run_id)
            state = entry.runs[run_id]
            actor = self._rng.choice(PEOPLE)
            state.run = run_again(state.run, self.now(), actor, self._rng, only_failed=only_failed)
            state.phase, state.updated_at = phase, self.now()
            if phase == "completed":
                self.finish(run_id)
            self.changed(entry)
            return state.run.latest.number

    def begin(self, run_id: int) -> None:
        """A queued run is in progress."""
        self._turn(run_id, "in_progress", self.now())

    def finish(self, run_id: int) -> None:
        """The latest attempt ends; the clock moves on to that."""
        with self.lock:
            ended = self.state(run_id).run.latest.updated_at
            self._reach(ended)
            self._turn(run_id, "completed", ended)

    def touch(self, run_id: int) -> None:
        """Only ``updated_at`` changes, as GitHub does now and then."""
        self._turn(run_id, self.state(run_id).phase, self.now())

    def delete_run(self, run_id: int) -> None:
        """Gone from the lists, 404 by its id."""
        with self.lock:
            entry = self._home(run_id)
            del entry.runs[run_id]
            self.changed(entry)

    def expire_logs(self, run_id: int, attempt: int | None = None) -> None:
        """410 from now on, for one attempt or all."""
        with self.lock:
            entry = self._home(run_id)
            state = entry.runs[run_id]
            state.expired |= {attempt} if attempt else {known.number for known in state.run.attempts}
            self.changed(entry)

    def put_archive(self, run_id: int, attempt: int, content: bytes | None) -> None:
        """Give an attempt another log archive (hostile, sparse …); None: it has none, 404."""
        with self.lock:
            entry = self._home(run_id)
            entry.runs[run_id].archives[attempt] = content
            self.changed(entry)

    def alter_run(self, run_id: int, **fields: Any) -> None:
        """Show the run with other values (null, unknown enum, extra fields), or without them (`DROPPED`)."""
        with self.lock:
            entry = self._home(run_id)
            entry.runs[run_id].altered.update(fields)
            self.changed(entry)

    def alter_job(self, job_id: int, **fields: Any) -> None:
        """The same for a job."""
        with self.lock:
            for entry in self.repositories:
                found = entry.find_job(job_id)
                if found:
                    found[0].altered_jobs.setdefault(job_id, {}).update(fields)
                    self.changed(entry)
                    return
            raise KeyError(job_id)

    def changed(self, entry: Repository) -> None:
        """Forget what was worked out from the old state."""
        entry.job_index = {}
        self.version += 1

    def _turn(self, run_id: int, phase: Phase, moment: datetime) -> None:
        with self.lock:
            entry = self._home(run_id)
            state = entry.runs[run_id]
            state.phase = phase
            state.updated_at = max(moment, state.updated_at + timedelta(seconds=1))
            self._reach(state.updated_at)
            self.changed(entry)

    def _home(self, run_id: int) -> Repository:
        for entry in self.repositories:
            if run_id in entry.runs:
                return entry
        raise KeyError(run_id)

    def _start(self, entry: Repository, workflow: str, event: str) -> Run:
        """A new run of a new commit on the default branch, later than every other."""
        newest = next(reversed(entry.runs.values()), None)
        moment = self.now()
        if newest is not None:
            moment = max(moment, newest.run.created_at + timedelta(milliseconds=2))
        author = self._rng.choice(PEOPLE)
        commit = Commit(make_sha(self._rng), "main", "Change one more thing", author, moment, moment, "tests")
        return start_run(load_workflow(workflow), commit, event, moment, self._rng, facts=_FACTS)


def run_again(run: Run, at: datetime, actor: Person, rng: Random, *, only_failed: bool) -> Run:
    """The run with one more attempt, whose logs know what every course of events may ask for."""
    again = rerun(run, load_workflow(run.workflow), at, actor, rng, only_failed=only_failed)
    last = replace(again.latest, facts={**_FACTS, **again.latest.facts})
    return replace(again, attempts=(*run.attempts, last))
