"""What there is on the stand-in GitHub: repositories with runs that appear, run again, finish and go.

Made from the synthesiser's histories. Times are naive UTC of the stand-in's own clock, which begins an hour after the
last thing that happened in the histories and stands still unless told to go on: no test depends on the day it is
run on.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from forensics.synth.commits import PEOPLE, Commit, make_sha
from forensics.synth.execute import start_run
from forensics.synth.history import Annotation, History, Run
from forensics.synth.template import load_workflow
from tests.standin.state import FACTS, App, Phase, Repository, RunState, Token, run_again


class World:
    """Everything the stand-in knows. Every public method may be called from any thread, at any time.

    ``tokens`` may be given as names; ``tok`` alone by default. ``clock`` replaces the world's own clock, which stands
    still unless told to go on: what a test sees must not depend on how fast the machine is.
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
        self._scripts: list[_Script] = []
        self._seen = 0
        self._rng = Random("forensics stand-in")
        last = datetime(2026, 11, 2)
        for place, history in enumerate(histories):
            last = max(last, self._settle(place, history))
        begin = (last + timedelta(hours=1)).replace(microsecond=0, tzinfo=UTC).timestamp()
        self._clock = clock or (lambda: begin)
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
        """Let time pass."""
        with self.lock:
            self._skipped += seconds

    async def sleep(self, seconds: float) -> None:
        """Let time pass without waiting: for ``Policy(sleep=world.sleep, clock=world.clock)``."""
        self.skip(seconds)
        await asyncio.sleep(0)

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
        due: list[_Script] = []
        waiting: list[_Script] = []
        for script in self._scripts:
            pattern, left, change = script
            if pattern is None:
                (due if left <= self._seen else waiting).append(script)
            elif pattern.search(target):
                (due if left <= 1 else waiting).append((pattern, left - 1, change))
            else:
                waiting.append(script)
        self._scripts = waiting
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

    def annotate(self, job_id: int, count: int, level: str = "warning") -> None:
        """So many more annotations on a job, numbered from 1."""
        with self.lock:
            for entry in self.repositories:
                if found := entry.find_job(job_id):
                    state, attempt, job = found
                    notes = tuple(Annotation(level, f"Note {number}.", number) for number in range(1, count + 1))
                    noted = replace(job, annotations=(*job.annotations, *notes))
                    jobs = tuple(noted if known is job else known for known in attempt.jobs)
                    told = replace(attempt, jobs=jobs)
                    attempts = tuple(told if known is attempt else known for known in state.run.attempts)
                    state.run = replace(state.run, attempts=attempts)
                    self.changed(entry)
                    return
            raise KeyError(job_id)

    def changed(self, entry: Repository) -> None:
        """Forget what was worked out from the old state."""
        entry.job_index, entry.shown = {}, {}
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
        return start_run(load_workflow(workflow), commit, event, moment, self._rng, facts=FACTS)


_Script = tuple[re.Pattern[str] | None, int, Callable[[World], object]]
"""What must be asked for (or anything), how often or at which request of all, and what happens then."""
