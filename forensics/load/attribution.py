"""Which run, attempt and job a log belongs to: what its name says, its neighbours, then its own text.

A number in a name counts when it is labelled (``run-…``, ``job-…``), is known from metadata, or stands in
the text too. What nothing tells gets a made-up id: negative and stable, so that the same log gets the
same one whenever and wherever it is read.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from forensics.load.unit import Unit
from forensics.logs.archive import match_job

_GRACE = timedelta(seconds=5)
"""Runner clocks and API clocks differ by a second or two; a job's log may begin before its started_at."""
_SKEW = timedelta(minutes=5)
"""How far the clock of a self-hosted runner may be off before its log cannot be of a run."""


@dataclass(frozen=True)
class KnownRun:
    """A run as the metadata has it."""

    repository: str
    latest_attempt: int | None
    run_number: int | None
    head_sha: str | None
    workflow: str | None
    workflow_path: str | None
    created_at: datetime | None = None
    ended_at: datetime | None = None
    """When a completed run was last changed: after its last job."""


@dataclass(frozen=True)
class KnownJob:
    """A job as the metadata has it."""

    job_id: int
    run_id: int
    attempt: int
    name: str
    started_at: datetime | None
    completed_at: datetime | None


@dataclass
class Known:
    """What the metadata of the case says; read-only once made."""

    runs: Mapping[int, KnownRun] = field(default_factory=dict)
    jobs: Mapping[int, KnownJob] = field(default_factory=dict)
    neighbours: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Evidence folder or archive → the runs that JSON directly in it describes."""

    def __post_init__(self) -> None:
        """Index the jobs by run and attempt, and the runs by commit and number."""
        self.jobs_of: dict[tuple[int, int], list[KnownJob]] = {}
        for job in self.jobs.values():
            self.jobs_of.setdefault((job.run_id, job.attempt), []).append(job)
        self.by_commit: dict[tuple[str, int], list[int]] = {}
        for run_id, run in self.runs.items():
            if run.head_sha and run.run_number:
                self.by_commit.setdefault((run.head_sha, run.run_number), []).append(run_id)


@dataclass(frozen=True)
class JobClue:
    """What one job's log itself says; kept in the store so that attribution can be decided again."""

    name: str | None
    """The job's name as the archive or the gh text has it."""
    said_name: str | None
    """``Complete job name:``, the full one."""
    own_run_ids: tuple[int, ...]
    """Runs that the text states as its own (artifact address, GITHUB_RUN_ID)."""
    run_ids: tuple[int, ...]
    """All runs that it names; a log may quote others."""
    attempt: int | None
    repository: str | None
    workflow_path: str | None
    first_at: datetime | None
    last_at: datetime | None
    digest: str
    """Digest of the text, for a made-up id."""

    @property
    def best_name(self) -> str | None:
        """The full name where the log says it."""
        return self.said_name or self.name


@dataclass(frozen=True)
class JobAttribution:
    """The job that a log was given to."""

    job_id: int
    name: str
    inferred: bool


@dataclass(frozen=True)
class Attribution:
    """The run that a unit was given to, and the job of each of its logs, in their order."""

    repository: str
    run_id: int
    attempt: int
    by: str
    """name, neighbour, text or made-up."""
    jobs: tuple[JobAttribution, ...]
    remark: str | None = None
    """Why it could not be decided, for a made-up one."""
    doubt: str | None = None
    """What speaks against a run that was decided on."""


def attribute(unit: Unit, clues: Sequence[JobClue], known: Known) -> Attribution:
    """Decide run, attempt and jobs of a unit from its name, its neighbours and its texts."""
    job = _job_by_name(unit, clues, known)
    run_id, by, remark = (job.run_id, "name", None) if job else _run(unit, clues, known)
    attempt = job.attempt if job else _attempt(unit, clues, run_id, known)
    run = known.runs.get(run_id)
    said = next((clue.repository for clue in clues if clue.repository), None)
    repository = (run.repository if run else "") or unit.named.repository or said or ""
    if job is not None and len(clues) == 1:
        jobs = [JobAttribution(job.job_id, job.name, False)]
    else:
        jobs = [_job(unit, clue, run_id, attempt, known, single=len(clues) == 1) for clue in clues]
        if unit.form == "archive":
            jobs = _tell_apart(jobs, clues, run_id, attempt, known)
            jobs = _tell_namesakes(jobs, clues, known.jobs_of.get((run_id, attempt), []))
    return Attribution(repository, run_id, attempt, by, tuple(jobs), remark, _doubt(clues, run_id, by))


def _doubt(clues: Sequence[JobClue], run_id: int, by: str) -> str | None:
    """What the user is to check: a text that calls itself another run's than its name does."""
    own = sorted({one for clue in clues for one in clue.own_run_ids})
    if by != "name" or not own or run_id in own:
        return None
    return (
        f"Its name says run {run_id}, its text says run {', '.join(map(str, own[:3]))}; the name was followed. "
        "Check which file it is, and give it the right name."
    )


def _tell_apart(
    jobs: list[JobAttribution], clues: Sequence[JobClue], run_id: int, attempt: int, known: Known
) -> list[JobAttribution]:
    """Files of an archive are different jobs: a second one that says the name of a first goes by its file's name."""
    taken: set[int] = set()
    apart = []
    for number, (job, clue) in enumerate(zip(jobs, clues, strict=True)):
        if job.job_id in taken:
            others = [other for other in known.jobs_of.get((run_id, attempt), []) if other.job_id not in taken]
            found = _match(replace(clue, said_name=None), [other.name for other in others])
            if found is not None:
                job = JobAttribution(others[found].job_id, others[found].name, False)
            else:
                name = clue.name or f"{job.name} ({number})"
                job = JobAttribution(made_up_id(f"job {run_id} {attempt} {number} {name.casefold()}"), name, True)
        taken.add(job.job_id)
        apart.append(job)
    return apart


def _tell_namesakes(
    jobs: list[JobAttribution], clues: Sequence[JobClue], known: Sequence[KnownJob]
) -> list[JobAttribution]:
    """Logs of jobs that share one exact name (a matrix without names) go by their times, else by their order."""
    counted = Counter(job.name for job in known)
    told = list(jobs)
    for name in [name for name, count in counted.items() if count > 1]:
        logs = [at for at, job in enumerate(jobs) if job.inferred and _match(clues[at], [name]) == 0]
        taken = {job.job_id for job in jobs}
        left = [job for job in known if job.name == name and job.job_id not in taken]
        for at, job in _pair(logs, left, clues).items():
            told[at] = JobAttribution(job.job_id, job.name, False)
    return told


def _pair(logs: list[int], jobs: list[KnownJob], clues: Sequence[JobClue]) -> dict[int, KnownJob]:
    """Log → job: those that fit in time with one job only, again and again; then the rest by order, or not at all."""
    pairs: dict[int, KnownJob] = {}
    while True:
        fitting = {at: [job for job in jobs if _lies_within(clues[at], job)] for at in logs}
        wanted = Counter(found[0].job_id for found in fitting.values() if len(found) == 1)
        sure = {at: found[0] for at, found in fitting.items() if len(found) == 1 and wanted[found[0].job_id] == 1}
        if not sure:
            break
        pairs |= sure
        given = {job.job_id for job in sure.values()}
        logs, jobs = [at for at in logs if at not in sure], [job for job in jobs if job.job_id not in given]
    # The files of an archive are numbered in the order of the jobs, which is that of their ids.
    in_order = list(zip(logs, sorted(jobs, key=lambda job: job.job_id), strict=False))
    if len(logs) == len(jobs) and not any(_contradicts(clues[at], job) for at, job in in_order):
        pairs |= dict(in_order)
    return pairs


def _lies_within(clue: JobClue, job: KnownJob) -> bool:
    """Whether the times of both are known and the log's lie in the job's."""
    moments = (clue.first_at, clue.last_at)
    return all(moment is not None and _covers(job, moment) for moment in moments)


def _contradicts(clue: JobClue, job: KnownJob) -> bool:
    """Whether what is known of the times of both cannot be of one job."""
    early = clue.first_at and job.started_at and clue.first_at < job.started_at - _GRACE
    late = clue.last_at and job.completed_at and clue.last_at > job.completed_at + _GRACE
    return bool(early or late)


def _job_by_name(unit: Unit, clues: Sequence[JobClue], known: Known) -> KnownJob | None:
    """The known job whose id stands in the name of a single text."""
    if unit.form != "text" or len(clues) > 1:
        return None
    candidates = [unit.named.job_id or 0, *unit.named.numbers]
    return next((known.jobs[number] for number in candidates if number in known.jobs), None)


def _run(unit: Unit, clues: Sequence[JobClue], known: Known) -> tuple[int, str, str | None]:
    named = unit.named
    if named.run_id is not None:
        return named.run_id, "name", None
    in_text = _run_ids_in_text(clues, known)
    for number in named.numbers:
        if number in known.runs or number in in_text:
            return number, "name", None
    if named.sha and named.run_number:
        found = known.by_commit.get((named.sha, named.run_number), [])
        if len(found) == 1:
            return found[0], "name", None
    neighbours = _neighbours(unit, known)
    agreed = [run_id for run_id in neighbours if run_id in in_text]
    if len(agreed) == 1:
        return agreed[0], "neighbour", None
    if len(neighbours) == 1 and _may_be_of(neighbours[0], clues, known):
        return neighbours[0], "neighbour", None
    if in_text:
        return in_text[0], "text", None
    if unit.form == "archive" and len(named.numbers) == 1:
        # A run-log archive with one id in its name was downloaded under its run's id.
        return named.numbers[0], "name", None
    return _made_up_run(unit, clues), "made-up", _remark(unit)


def _neighbours(unit: Unit, known: Known) -> tuple[int, ...]:
    """Runs of the JSON beside a unit: in its own archive, else in its folder."""
    inside = () if unit.plain else known.neighbours.get(unit.evidence_paths[0], ())
    return inside or known.neighbours.get(unit.directory, ())


def _may_be_of(run_id: int, clues: Sequence[JobClue], known: Known) -> bool:
    """Whether nothing in the texts speaks against a run whose JSON merely lies beside them."""
    if any(clue.own_run_ids and run_id not in clue.own_run_ids for clue in clues):
        return False
    run = known.runs.get(run_id)
    if run is None:
        return True
    repositories = {clue.repository.casefold() for clue in clues if clue.repository}
    if repositories and run.repository and run.repository.casefold() not in repositories:
        return False
    begun = min((clue.first_at for clue in clues if clue.first_at), default=None)
    if begun is None:
        return True
    # No job executes before its run is there. One that begins after the end is a later attempt's or another run's.
    early = run.created_at is not None and begun < run.created_at - _SKEW
    return not early and not (run.ended_at is not None and begun > run.ended_at + _SKEW)


def _run_ids_in_text(clues: Sequence[JobClue], known: Known) -> list[int]:
    """Ids the texts state as their own; else those they merely name, when it is one or one is known."""
    own = [run_id for clue in clues for run_id in clue.own_run_ids]
    if own:
        return own
    named = list(dict.fromkeys(run_id for clue in clues for run_id in clue.run_ids))
    known_ones = [run_id for run_id in named if run_id in known.runs]
    return named if len(named) == 1 else known_ones if len(known_ones) == 1 else []


def _remark(unit: Unit) -> str:
    hint = f" Its name has {unit.named.numbers[0]}, which may be a run or a job." if unit.named.numbers else ""
    return (
        "Nothing says which run this log belongs to: neither its path, nor fitting JSON beside it, nor its text."
        f"{hint} Put the run's id into the name (run-ID.log) or its JSON (gh run view ID --json) beside it."
    )


def _attempt(unit: Unit, clues: Sequence[JobClue], run_id: int, known: Known) -> int:
    if unit.named.attempt:
        return unit.named.attempt
    said = next((clue.attempt for clue in clues if clue.attempt), None)
    if said:
        return said
    run = known.runs.get(run_id)
    latest = (run.latest_attempt if run else None) or 1
    moment = min((clue.first_at for clue in clues if clue.first_at), default=None)
    if latest > 1 and moment:
        for attempt in range(latest, 0, -1):
            if any(_covers(job, moment) for job in known.jobs_of.get((run_id, attempt), [])):
                return attempt
    return latest


def _covers(job: KnownJob, moment: datetime) -> bool:
    if job.started_at is None or job.completed_at is None:
        return False
    return job.started_at - _GRACE <= moment <= job.completed_at + _GRACE


def _job(unit: Unit, clue: JobClue, run_id: int, attempt: int, known: Known, *, single: bool) -> JobAttribution:
    jobs = known.jobs_of.get((run_id, attempt), [])
    names = [job.name for job in jobs]
    found = _match(clue, names)
    if found is None and single and unit.form == "text" and len(jobs) == 1:
        found = 0
    if found is not None:
        return JobAttribution(jobs[found].job_id, jobs[found].name, False)
    if unit.form == "text" and single and unit.named.job_id:
        return JobAttribution(unit.named.job_id, clue.best_name or f"job {unit.named.job_id}", True)
    name = clue.best_name
    seed = f"job {run_id} {attempt} {name.casefold()}" if name else f"job {run_id} {attempt} {clue.digest}"
    return JobAttribution(made_up_id(seed), name or "unknown job", True)


def _match(clue: JobClue, names: Sequence[str]) -> int | None:
    for name in (clue.said_name, clue.name):
        if name and names.count(name) == 1:
            return names.index(name)
    for name in (clue.said_name, clue.name):
        if name and names:
            found = match_job(name, names)
            if found is not None:
                return found
    return None


def _made_up_run(unit: Unit, clues: Sequence[JobClue]) -> int:
    named = unit.named
    if named.sha and named.run_number:
        # tinuous: one folder is one run, whichever of its files are there.
        return made_up_id(f"run {named.workflow} {named.sha} {named.run_number}")
    return made_up_id("run " + " ".join(sorted(clue.digest for clue in clues)))


def made_up_id(seed: str) -> int:
    """A stable negative id, far from GitHub's positive ones."""
    return -(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:7], "big") + 1)
