"""What happened in an incident, in the order of time, each with where to look it up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from forensics.detect.record import Record
from forensics.detect.wording import duration
from forensics.model import Event, Incident, RunRef

MOST_EVENTS = 80
"""Events kept of an incident; what findings rest on goes last."""

MOST_ATTEMPTS = 40
"""Attempts that are told of."""

_KINDS = ("asked", "started", "deployed", "effect", "approved", "cancelled", "ended", "after")
"""Order of what happened at the same moment."""

_THINGS = frozenset({"comment", "issue", "pull-request", "release", "tag"})
"""Effects that are called by what they make; the others by what they do."""

_CAUSES: Mapping[str, str] = {
    "superseded-waiting": "evicted from its group's queue",
    "superseded-running": "cancelled in progress by its group",
    "deadlock": "cancelled in a deadlock with itself",
    "person": "cancelled by a person, an app or the API",
    "timeout": "cancelled because it took too long",
    "runner-lost": "cancelled because its runner was lost",
    "not-acquired": "cancelled because no runner took it",
    "fail-fast": "cancelled because another job of its matrix failed",
    "queue-full": "cancelled because its group's queue was full",
}


def sequence(
    incident: Incident, record: Record, following: Sequence[Mapping[str, Any]]
) -> tuple[tuple[Event, ...], int]:
    """The events by time, those without one last; and how many more there were.

    ``following`` are the first landings after the incident (``landing.Landings.following``).
    """
    proving = {
        (line.run_id, line.attempt, line.job_id, line.line)
        for finding in incident.findings
        for line in finding.evidence
        if line.matched
    }
    every: list[Event] = []
    for run in incident.runs[:MOST_ATTEMPTS]:
        every += _of_attempt(incident, run, record, proving)
    every += _after(incident, following)
    kept = sorted(every, key=lambda event: (_importance(event, proving), _when(event)))[:MOST_EVENTS]
    return tuple(sorted(kept, key=_when)), len(every) - len(kept)


def _of_attempt(
    incident: Incident, run: RunRef, record: Record, proving: set[tuple[int, int, int, int]]
) -> Iterator[Event]:
    jobs = {job["job_id"]: job for job in record.jobs.get(run, ())}
    effects = _effects_shown(incident, run, record, proving)
    writers = dict.fromkeys(effect["job_id"] for effect in effects)
    for row in record.attempts.get(run, ()):
        yield from _life(incident, run, row, executed=bool(jobs))
    for job_id in writers:
        if job_id in jobs and len(jobs) > 1:
            text = f"{_label(run)} began its job '{jobs[job_id]['name']}', which writes."
            yield Event(
                jobs[job_id]["started_at"], "started", text, incident.repository, run, job_id, jobs[job_id]["name"]
            )
    for effect in effects:
        job = jobs.get(effect["job_id"], {}).get("name")
        # A digest's first digits tell it from others; all of them would fill the line.
        identity = re.sub(r"\b(sha256:[0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", effect["identity"] or "")
        # What is applied has no name of its own; where one is told it is that of the lock.
        if effect["effect"] == "apply" or (effect["sha"] and effect["sha"].startswith(identity)):
            identity = ""
        of = "" if effect["effect"] in _THINGS else " of"
        what = f"{of} '{identity}'" if identity else ""
        commit = f" with commit {effect['sha'][:8]}" if effect["sha"] else ""
        outcome = "outcome unknown" if effect["outcome"] == "unknown" else effect["outcome"]
        yield Event(
            effect["occurred_at"],
            "effect",
            f"{_label(run)}: {effect['effect']}{what} on '{effect['target']}'{commit}: {outcome}.",
            incident.repository,
            run,
            effect["job_id"],
            job,
            effect["step_number"],
            effect["line_no"],
        )
    yield from _cancelled(incident, run, record, jobs)
    for row in record.approvals.get(run, ()):
        who = f"'{row['login']}'" if row["login"] else "Somebody"
        text = (
            f"{who} {row['state']} '{row['environment']}' for {_label(run, small=True)}; GitHub does not tell when."
        )
        yield Event(None, "approved", text, incident.repository, run)
    for row in record.deployments.get(run, ()):
        text = f"{_label(run)}: GitHub recorded its deployment to '{row['environment']}' as {row['state']}."
        job = jobs.get(row["job_id"], {}).get("name")
        yield Event(row["created_at"], "deployed", text, incident.repository, run, row["job_id"], job)


def _life(incident: Incident, run: RunRef, row: Mapping[str, Any], *, executed: bool) -> Iterator[Event]:
    """An attempt is asked for, waits, begins, ends; GitHub gives a start also to those that never began."""
    of = ", ".join(part for part in (row["event"], row["head_branch"], (row["head_sha"] or "")[:8]) if part)
    by = f" by '{row['actor']}'" if row["actor"] else ""
    yield Event(
        row["created_at"],
        "asked",
        f"{_label(run)} of '{row['workflow']}' was asked for{by}{f' ({of})' if of else ''}.",
        incident.repository,
        run,
    )
    if row["started_at"] is not None and (executed or row["conclusion"] not in ("cancelled", "skipped")):
        waited = ""
        if row["created_at"] is not None and row["started_at"] > row["created_at"]:
            waited = f" after {duration(row['started_at'] - row['created_at'])}"
        yield Event(row["started_at"], "started", f"{_label(run)} began{waited}.", incident.repository, run)
    if row["status"] == "completed":
        ended = row["completed_at"]
        yield Event(ended, "ended", f"{_label(run)} ended: {row['conclusion']}.", incident.repository, run)


def _cancelled(
    incident: Incident, run: RunRef, record: Record, jobs: Mapping[int, Mapping[str, Any]]
) -> Iterator[Event]:
    rows = record.cancellations.get(run, ())
    whole = {(row["cause"], row["by_run_id"]) for row in rows if row["job_id"] is None}
    for row in rows:
        if row["job_id"] is not None and (row["cause"], row["by_run_id"]) in whole:
            continue  # It ended with its run.
        job = jobs.get(row["job_id"], {}).get("name")
        who = f"Job '{job}' of {_label(run, small=True)}" if job else _label(run)
        how = _CAUSES.get(row["cause"], "cancelled; why is not known")
        if row["group_name"]:
            how += f" '{row['group_name']}'"
        if row["by_run_id"] is not None:
            how += f", on the arrival of run {row['by_run_id']}"
        if row["by_login"]:
            how += f" (by '{row['by_login']}')"
        yield Event(
            row["cancelled_at"],
            "cancelled",
            f"{who} was {how} ({row['confidence']}).",
            incident.repository,
            run,
            row["job_id"],
            job,
        )


def _effects_shown(
    incident: Incident, run: RunRef, record: Record, proving: set[tuple[int, int, int, int]]
) -> list[Mapping[str, Any]]:
    """What the attempt did at the incident's targets, or anywhere where the incident has none; once a job."""
    shown: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in record.effects.get(run, ()):
        if incident.targets and row["target"] not in incident.targets:
            continue
        key = row["job_id"], row["effect"], row["target"], row["identity"], row["outcome"]
        # The line that a finding rests on stands for the others that say the same.
        if key not in shown or (run.run_id, run.attempt, row["job_id"], row["line_no"]) in proving:
            shown[key] = row
    return list(shown.values())


def _after(incident: Incident, following: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
    for row in following:
        run = RunRef(row["run_id"], row["attempt"])
        commit = f" with commit {row['sha'][:8]}" if row["sha"] else ""
        text = f"{_label(run)} wrote '{row['target']}' next{commit}."
        yield Event(
            row["occurred_at"], "after", text, incident.repository, run,
            row["job_id"], row["job"], row["step_number"], row["line_no"],
        )  # fmt: skip


def _importance(event: Event, proving: set[tuple[int, int, int, int]]) -> int:
    if event.run and event.job_id is not None and event.line is not None:
        place = (event.run.run_id, event.run.attempt, event.job_id, event.line)
        return 0 if place in proving else 3
    return {"cancelled": 1, "asked": 1, "approved": 2, "ended": 2, "deployed": 4}.get(event.kind, 3)


def _when(event: Event) -> tuple[bool, datetime, int, tuple[int, int], int, int]:
    run = (event.run.run_id, event.run.attempt) if event.run else (0, 0)
    kind = _KINDS.index(event.kind)
    return event.at is None, event.at or datetime.max, kind, run, event.job_id or 0, event.line or 0


def _label(run: RunRef, *, small: bool = False) -> str:
    attempt = f" (attempt {run.attempt})" if run.attempt > 1 else ""
    return f"{'run' if small else 'Run'} {run.run_id}{attempt}"


def closest(events: Iterable[Event]) -> tuple[Event, Event] | None:
    """The first two events of different runs that lie closer together than the clocks can tell apart."""
    timed = [event for event in events if event.at is not None and event.kind in ("asked", "effect", "cancelled")]
    for one, other in pairwise(timed):
        if one.run is None or other.run is None or one.run.run_id == other.run.run_id:
            continue
        if (one.kind, other.kind) == ("asked", "cancelled"):
            continue  # The one may be the reason for the other, so it came first.
        if one.at is not None and other.at is not None and other.at - one.at <= timedelta(seconds=2):
            return one, other
    return None
