"""From findings to told incidents: group them, find their first causes, and tell them from the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from forensics.detect.cause import with_causes
from forensics.detect.collecting import uncollected
from forensics.detect.detector import load_library
from forensics.detect.impact import weigh
from forensics.detect.incident import group
from forensics.detect.landing import Landings, read_landings
from forensics.detect.record import Record, read_facts, read_groups, read_record
from forensics.detect.sequence import closest, sequence
from forensics.detect.wording import stamp
from forensics.model import Event, Finding, Incident, Story
from forensics.store.store import Store

MOST_TOLD = 200
"""Incidents that ``detect`` and the report tell; ``explain`` tells any."""

_LISTED = 5
"""Runs named in one sentence of what is unknown."""


def find_incidents(store: Store, findings: Sequence[Finding]) -> tuple[Incident, ...]:
    """The incidents of a case's findings, worst first, with their settings and first causes, not yet told."""
    if not findings:
        return ()
    with uncollected():
        known = read_facts(store, findings)
        incidents = group(findings, known)
        return with_causes(incidents, read_groups(store, incidents), known)


def tell(store: Store, incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """The same incidents with their stories, read from the store in one pass."""
    if not incidents:
        return ()
    load_library(store)
    record = read_record(store, incidents)
    landings = read_landings(store, incidents)
    return tuple(replace(one, story=_story(one, record, landings)) for one in incidents)


def tell_worst(store: Store, incidents: Sequence[Incident], most: int = MOST_TOLD) -> tuple[Incident, ...]:
    """All of them, the first ``most`` told."""
    return (*tell(store, incidents[:most]), *incidents[most:])


def _story(incident: Incident, record: Record, landings: Landings) -> Story:
    events, left_out = sequence(incident, record, landings.following.get(incident.id, ()))
    live = tuple(landings.live[incident.repository, target] for target in incident.targets)
    return Story(
        events=events,
        events_left_out=left_out,
        impact=weigh(incident, record, landings.seen_until.get(incident.repository)),
        live=live,
        unknown=tuple(_unknown(incident, record, events)),
    )


def _unknown(incident: Incident, record: Record, events: Sequence[Event]) -> Iterator[str]:
    """What is not known, as sentences with numbers; of what is live, that says it itself."""
    yield from _missing_logs(incident, record)
    open_runs = [
        str(run.run_id)
        for run in incident.runs
        if any(row["status"] != "completed" for row in record.attempts.get(run, ()))
    ]
    if open_runs:
        who = "it" if len(open_runs) == 1 else "they"
        yield f"{_runs(open_runs)} had not ended when the case was taken, so what {who} did since is unknown."
    if made_up := [str(run.run_id) for run in incident.runs if run.run_id < 0]:
        are = "is" if len(made_up) == 1 else "are"
        yield f"{_runs(made_up)} {are} known from a log alone: who asked for it, and when, is unknown."
    yield from _groups(incident, record)
    if close := closest(events):
        one, other = (event.run.run_id if event.run else "?" for event in close)
        yield (
            f"The order of what lies within two seconds is not sure, as of runs {one} and {other} at "
            f"{stamp(close[0])}: the API knows whole seconds, and runners have clocks of their own."
        )
    possible = sum(finding.precision == "possible" for finding in incident.findings)
    if possible:
        yield f"{possible} of the {len(incident.findings)} findings {'is' if possible == 1 else 'are'} only possible."


def _missing_logs(incident: Incident, record: Record) -> Iterator[str]:
    without = {run: [job for job in record.jobs.get(run, ()) if not job["has_log"]] for run in incident.runs}
    bare = {str(run.run_id): len(jobs) for run, jobs in without.items() if jobs}
    if bare:
        jobs = sum(bare.values())
        word, have, they = ("job", "has", "it") if jobs == 1 else ("jobs", "have", "they")
        who = _runs(list(bare), small=True)
        yield f"{jobs} executed {word} of {who} {have} no log in the case: what {they} wrote is unknown."


def _groups(incident: Incident, record: Record) -> Iterator[str]:
    vague: dict[str, list[str]] = {}
    for run in incident.runs:
        for row in record.groups.get(run, ()):
            if row["confidence"] in ("pattern", "unknown"):
                why = f" ({row['missing'][0]})" if row["missing"] else ""
                name = f"only known as '{row['pattern']}'" if row["pattern"] else "not known"
                vague.setdefault(f"{name}{why}", []).append(str(run.run_id))
    for said, runs in vague.items():
        yield f"The group of {_runs(list(dict.fromkeys(runs)), small=True)} is {said}."


def _runs(ids: Sequence[str], *, small: bool = False) -> str:
    more = f" and {len(ids) - _LISTED} more" if len(ids) > _LISTED else ""
    word = "run" if len(ids) == 1 else "runs"
    return f"{word if small else word.capitalize()} {', '.join(ids[:_LISTED])}{more}"
