"""Makes a history of what a row's file says: every run, attempt, job, step and line where the file puts it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from forensics.model import RunRef
from forensics.synth.commits import PEOPLE, Commit, make_sha
from forensics.synth.execute import CANCELED, EXIT_CODE_1
from forensics.synth.history import Annotation, Attempt, History, Job, Run, Runner, Step
from forensics.synth.saying import read_lines, spread_steps
from forensics.synth.template import WorkflowTemplate, read_workflow

_FIRST_DAY = datetime(2026, 6, 1)
"""Of row 0; each row has its own day, after GitHub's queues of May 2026 and before now."""
_TWIN_AFTER = 60
"""Days: a twin must not meet its row at a target that they share."""
TWIN = 100
"""What a twin's number is above its row's."""
_RUN_IDS_FROM = 30_000_000_000
_JOB_IDS_FROM = 100_000_000_000
_IDS_OF_A_ROW = 10_000_000
_CLOCK = re.compile(r"(?:(\d+)d )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_ACTORS = {person.login: person for person in PEOPLE}

_RUN_KEYS = {
    "id", "at", "workflow", "event", "branch", "commit", "title", "actor", "tag", "pull_request", "values", "groups",
    "jobs", "ended", "conclusion", "status", "reruns",
}  # fmt: skip
_JOB_KEYS = {"at", "created", "conclusion", "status", "runner", "notes", "steps"}
_RERUN_KEYS = {"at", "actor", "jobs", "ended", "conclusion", "status", "values"}

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """A history, and its runs by the names that the file gives them."""

    history: History
    labels: Mapping[str, Run]

    def find(self, label: str) -> RunRef:
        """``name`` is a run's latest attempt, ``name#1`` its first."""
        name, _, attempt = label.partition("#")
        run = self.labels[name]
        return RunRef(run.run_id, int(attempt) if attempt else run.latest.number)


@dataclass
class _Teller:
    """What is the same for all runs of one row."""

    repository: str
    number: int
    start: datetime
    values: Mapping[str, str]
    workflows: tuple[WorkflowTemplate, ...]
    rng: Random
    commits: dict[str, Commit] = field(default_factory=dict)
    jobs: int = 0

    def moment(self, said: float | str, base: datetime) -> datetime:
        """Seconds after ``base``, or a clock time of the first day."""
        if not isinstance(said, str):
            return base + timedelta(seconds=said)
        days, hours, minutes, seconds = _matched(said)
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

    def next_job(self) -> int:
        """The id of one more job."""
        self.jobs += 1
        return _JOB_IDS_FROM + self.number * _IDS_OF_A_ROW + self.jobs


def retell(said: Said, repository: str, number: int) -> Told:
    """The history that a row's file tells.

    Args:
        said: the file's content: ``start``, ``values``, ``workflows``, ``runs``.
        repository: ``owner/name``; every row has a repository of its own.
        number: keeps ids and days apart from those of other rows.

    Raises:
        ValueError, KeyError: the file has another form than docs/scenarios.md says.
    """
    days = timedelta(days=number % TWIN + _TWIN_AFTER * (number // TWIN))
    hours, minutes, seconds = _matched(said.get("start", "09:00:00"))[1:]
    start = _FIRST_DAY + days + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    workflows = tuple(read_workflow(file, text) for file, text in said["workflows"].items())
    rng = Random(f"forensics row {number}")  # noqa: S311 - made-up data must be repeatable, not secret
    teller = _Teller(repository, number, start, _texts(said.get("values")), workflows, rng)
    listed = sorted(_unroll(said["runs"], teller), key=lambda entry: entry[1])
    labels: dict[str, Run] = {}
    for place, (entry, created) in enumerate(listed, start=1):
        label = str(entry["id"])
        if label in labels:
            raise ValueError(f"two runs are called {label!r}")
        labels[label] = _run(teller, entry, created, _RUN_IDS_FROM + number * _IDS_OF_A_ROW + place)
    owner, _, name = repository.partition("/")
    lasted = max(run.latest.updated_at for run in labels.values()) - start
    commits = tuple(sorted(teller.commits.values(), key=lambda commit: commit.pushed_at))
    history = History(owner, name, number, lasted.days + 1, commits, tuple(labels.values()), workflows)
    return Told(history, labels)


def _unroll(runs: Sequence[Said], teller: _Teller) -> Iterator[tuple[Said, datetime]]:
    """Each run with its creation; ``repeat`` tells some runs again and again, ``every`` so many seconds."""
    for entry in runs:
        if "repeat" not in entry:
            yield entry, teller.moment(entry["at"], teller.start)
            continue
        refuse_unknown(entry, {"repeat", "every", "at", "runs"}, "repeat")
        for turn in range(entry["repeat"]):
            base = teller.moment(entry["at"], teller.start) + timedelta(seconds=turn * entry["every"])
            for one in entry["runs"]:
                named = {**one, "id": f"{one['id']}-{turn + 1}"}
                if "commit" in one:
                    named["commit"] = f"{one['commit']}-{turn + 1}"
                yield named, teller.moment(one["at"], base)


def _run(teller: _Teller, entry: Said, created: datetime, run_id: int) -> Run:
    refuse_unknown(entry, _RUN_KEYS, f"run {entry['id']}")
    file = entry.get("workflow", teller.workflows[0].file)
    workflow = next(workflow for workflow in teller.workflows if workflow.file == file)
    commit = _commit(teller, entry, created)
    actor = _ACTORS[entry["actor"]] if "actor" in entry else commit.author
    facts = {**teller.values, **_texts(entry.get("values")), "digest": f"{teller.rng.getrandbits(256):064x}"}
    facts |= {"sha": commit.sha, "short": commit.sha[:7]}
    facts |= {f"sha_{label}": one.sha for label, one in teller.commits.items()}
    facts["artifact"] = str(teller.rng.randrange(10**9, 9 * 10**9))
    if entry.get("tag"):
        facts["ref_type"] = "tags"
    if commit.pull_request is not None:
        merge, base = make_sha(teller.rng), make_sha(teller.rng)
        facts |= {"pull_request": str(commit.pull_request), "merge_sha": merge, "base_sha": base}
    run = Run(file, entry.get("event", "push"), commit, created, actor, (), run_id, _groups(entry))
    attempts: list[Attempt] = []
    for number, one in enumerate((entry, *entry.get("reruns", ())), start=1):
        if number > 1:
            refuse_unknown(one, _RERUN_KEYS, f"re-run of {entry['id']}")
        asked = created if number == 1 else teller.moment(one["at"], created)
        who = _ACTORS[one["actor"]] if "actor" in one else actor
        jobs = tuple(_jobs(teller, workflow, one, asked, facts | _texts(one.get("values"))))
        if attempts:
            kept = {job.name for job in jobs}
            copies = [replace(job, job_id=teller.next_job(), copied=True) for job in attempts[-1].jobs]
            jobs = (*(job for job in copies if job.name not in kept), *jobs)
        known = facts | _texts(one.get("values"))
        attempts.append(replace(_attempt(teller, one, number, asked, jobs, known), actor=who))
    return replace(run, attempts=tuple(attempts))


def _attempt(
    teller: _Teller, said: Said, number: int, asked: datetime, jobs: tuple[Job, ...], facts: Mapping[str, str]
) -> Attempt:
    executed = [job.completed_at for job in jobs]
    ended = (
        teller.moment(said["ended"], asked) if said.get("ended") is not None else max(executed) + timedelta(seconds=1)
    )
    outcome, status = said.get("conclusion", ""), said.get("status", "completed")
    if not outcome and jobs and all(job.conclusion == "skipped" for job in jobs):
        outcome = "skipped"
    return Attempt(number, asked, PEOPLE[0], jobs, ended, facts, outcome, status)


def _commit(teller: _Teller, entry: Said, created: datetime) -> Commit:
    """Runs that name the same commit share it; the branch may be another (a tag of the same commit)."""
    label, branch = str(entry.get("commit", entry["id"])), str(entry.get("branch", "main"))
    known = teller.commits.get(label)
    if known is None:
        author = PEOPLE[len(teller.commits) % len(PEOPLE)]
        pushed = created - timedelta(seconds=2)
        known = Commit(make_sha(teller.rng), branch, f"Change {label}", author, pushed, pushed, "apps")
        teller.commits[label] = known
    return replace(
        known,
        branch=branch.replace("{sha}", known.sha),
        subject=str(entry.get("title", known.subject)),
        pull_request=entry.get("pull_request"),
    )


def _groups(entry: Said) -> tuple[str, ...] | None:
    return tuple(entry["groups"]) if "groups" in entry else None


def _jobs(
    teller: _Teller, workflow: WorkflowTemplate, said: Said, asked: datetime, facts: Mapping[str, str]
) -> Iterator[Job]:
    for name, entry in (said.get("jobs") or {}).items():
        if isinstance(entry, list):
            entry = {"at": entry}
        elif entry == "skipped":
            entry = {"at": [2, 2], "conclusion": "skipped", "runner": "none"}
        refuse_unknown(entry, _JOB_KEYS, f"job {name}")
        yield _job(teller, workflow, str(name), entry, asked, facts)


def _job(
    teller: _Teller, workflow: WorkflowTemplate, name: str, said: Said, asked: datetime, facts: Mapping[str, str]
) -> Job:
    first, last = said["at"]
    starts, ends = teller.moment(first, asked), teller.moment(last, asked)
    created = (
        teller.moment(said["created"], asked) if "created" in said else max(asked, starts - timedelta(seconds=3))
    )
    runner = _runner(teller, said.get("runner"))
    job_id = teller.next_job()
    if runner is None:
        conclusion = said.get("conclusion", "cancelled")
        notes = _notes(said, conclusion, facts, ran=False)
        status = said.get("status", "completed")
        return Job(job_id, name, conclusion, created, starts, ends, None, (), notes, False, status)
    listed = [_step(teller, step, starts, facts) for step in said.get("steps", ())]
    steps = spread_steps(workflow.job(name), listed, starts, ends)
    worst = (step.conclusion for step in steps if step.conclusion in ("failure", "cancelled"))
    conclusion = said.get("conclusion") or next(worst, "success")
    notes = _notes(said, conclusion, facts, ran=True)
    return Job(
        job_id, name, conclusion, created, starts, ends, runner, steps, notes, False, said.get("status", "completed")
    )


def _runner(teller: _Teller, said: str | None) -> Runner | None:
    if said == "none":
        return None
    number = 1_000_400_000 + teller.rng.randrange(90_000)
    if said is not None:
        return Runner(40 + len(said), said, 1, "Default", timedelta(0))
    return Runner(number, f"GitHub Actions {number}", 0, "GitHub Actions", timedelta(milliseconds=20))


def _notes(said: Said, conclusion: str, facts: Mapping[str, str], *, ran: bool) -> tuple[Annotation, ...]:
    """The file's own annotations, and what GitHub notes on every job that failed or was cancelled."""
    own = tuple(Annotation("failure", _fill(text, facts)) for text in said.get("notes", ()))
    usual = {"failure": (EXIT_CODE_1,), "cancelled": (CANCELED,)}
    return (*own, *(usual.get(conclusion, ()) if ran else ()))


def _step(teller: _Teller, said: Said, base: datetime, facts: Mapping[str, str]) -> Step:
    refuse_unknown(said, {"name", "at", "conclusion", "log"}, f"step {said.get('name')}")
    first, last = (teller.moment(moment, base) for moment in said["at"])
    known = {**facts, "repository": teller.repository}
    lines = read_lines(_fill(said.get("log", ""), known), first, last, lambda when: teller.moment(when, base))
    return Step(0, said["name"], said.get("conclusion", "success"), first, last, said=lines)


def _fill(text: str, known: Mapping[str, str]) -> str:
    """The text with ``{name}`` replaced where the name is known."""
    return re.sub(r"\{([a-z_0-9]+)\}", lambda found: known.get(found[1], found[0]), text)


def _texts(said: Said | None) -> dict[str, str]:
    return {key: str(value) for key, value in (said or {}).items()}


def _matched(said: str) -> tuple[int, int, int, float]:
    found = _CLOCK.fullmatch(said)
    if found is None:
        raise ValueError(f"{said!r} is no clock time like 11:11:47 or 2d 11:11:47")
    return int(found[1] or 0), int(found[2]), int(found[3]), float(found[4])


def refuse_unknown(said: Said, known: set[str], where: str) -> None:
    """Raise ValueError for a key that nobody reads: it would be silently left out."""
    unknown = sorted(set(said) - known)
    if unknown:
        raise ValueError(f"{where} has the unknown key {unknown[0]!r}")
