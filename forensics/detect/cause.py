"""What an incident followed from: the settings that let it happen, and the first thing that went wrong.

The order of precedence: a setting that the audit accuses, a setting in force that did what was seen (a group that
cancels a run which writes, or that keeps only one waiting), the arrival that raced, the first refused or repeated
effect, the first finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from forensics.detect.incident import NOTHING, AttemptFacts
from forensics.detect.role import LET_IT_HAPPEN, role_of
from forensics.detect.wording import IN_FORCE
from forensics.model import Cause, Contribution, Finding, Incident, Precision, RunRef

MOST_IN_FORCE = 12
"""Settings in force that an incident lists."""

_WAITERS = frozenset({"evicted-waiter", "lost-tip", "starved-lane", "evicted-by-no-op"})
_PRECISIONS: Mapping[str, Precision] = {"known": "certain", "likely": "likely"}


def with_causes(
    incidents: Sequence[Incident],
    groups: Mapping[RunRef, Sequence[Mapping[str, Any]]],
    known: Mapping[RunRef, AttemptFacts],
) -> tuple[Incident, ...]:
    """The incidents with the settings in force added to those that the audit accuses, and with their first cause.

    ``groups`` are rows of ``concurrency_groups`` by attempt (``record.read_groups``).
    """
    made = []
    for incident in incidents:
        contributing = incident.contributing + in_force(incident, groups, known)
        made.append(
            replace(
                incident,
                contributing=contributing,
                first_cause=first_cause(replace(incident, contributing=contributing), known),
            )
        )
    return tuple(made)


def in_force(
    incident: Incident,
    groups: Mapping[RunRef, Sequence[Mapping[str, Any]]],
    known: Mapping[RunRef, AttemptFacts],
) -> tuple[Contribution, ...]:
    """The groups that the incident's attempts were in, each once, as far as their names are known."""
    found: dict[tuple[Any, ...], Contribution] = {}
    for run in incident.runs:
        for row in groups.get(run, ()):
            if row["group_name"] is None or row["confidence"] not in _PRECISIONS:
                continue
            key = (row["group_name"].lower(), row["path"], row["line"], row["cancel_in_progress"], row["queue"])
            if key not in found and len(found) < MOST_IN_FORCE:
                found[key] = _in_force(run, row, known.get(run, NOTHING))
    return tuple(found.values())


def _in_force(run: RunRef, row: Mapping[str, Any], facts: AttemptFacts) -> Contribution:
    who = f"job '{row['job_name']}' of run {run.run_id}" if row["job_name"] else f"run {run.run_id}"
    policy = {True: "cancels what is in progress", False: "lets what is in progress end"}.get(
        row["cancel_in_progress"], "may or may not cancel what is in progress"
    )
    waiting = "keeps up to 100 waiting" if row["queue"] == "max" else "keeps one waiting"
    return Contribution(
        rule=IN_FORCE,
        title=row["group_name"],
        finding_id=None,
        text=f"'{facts.workflow or 'unknown workflow'}': {who} was in the group '{row['group_name']}', "
        f"which {policy} and {waiting}.",
        precision=_PRECISIONS[row["confidence"]],
        named=True,
        path=row["path"],
        line=row["line"],
        group_name=row["group_name"],
        expression=row["expression"],
        cancel_in_progress=row["cancel_in_progress"],
        queue=row["queue"],
    )


def first_cause(incident: Incident, known: Mapping[RunRef, AttemptFacts]) -> Cause:
    """What came first, by the order of precedence."""
    return (
        _accused(incident)
        or _acted(incident)
        or _cancelled(incident)
        or _arrival(incident, known)
        or _effect(incident)
        or _first_finding(incident)
    )


def _accused(incident: Incident) -> Cause | None:
    """A setting that the audit accuses; first those that name a run of the incident, then the most direct."""
    accused = [one for one in incident.contributing if one.rule in LET_IT_HAPPEN]
    if not accused:
        return None
    # What let runs meet explains a meeting. A run that was cut off or evicted was kept apart from others.
    if not any(len(finding.runs) > 1 for finding in incident.findings):
        return None
    one = min(accused, key=lambda one: (not one.named, LET_IT_HAPPEN.index(one.rule), one.finding_id or ""))
    what = f": '{one.expression}'" if one.expression else ""
    where = f" ({one.path}{f':{one.line}' if one.line is not None else ''})" if one.path else ""
    return Cause("setting", f"{one.title.rstrip('.')}{what}{where}.", one.precision, None, one.finding_id)


def _acted(incident: Incident) -> Cause | None:
    """A setting in force that did what was seen."""
    settings = [one for one in incident.contributing if one.rule == IN_FORCE]
    cut = next((one for one in incident.findings if "written_again_seconds" in one.values), None)
    if cut is not None and cut.values.get("cause") in ("superseded-running", None):
        for one in settings:
            if one.cancel_in_progress and cut.values.get("by_run_id") is not None:
                text = f"The group '{one.group_name}' cancels what is in progress, also in the middle of a write."
                return Cause("setting", text, one.precision, cut.occurred_at, cut.id)
    evicted = next((one for one in incident.findings if one.detector in _WAITERS), None)
    if evicted is not None:
        for one in settings:
            if one.queue != "max" and not one.cancel_in_progress:
                text = f"The group '{one.group_name}' keeps only one run waiting: the next to come evicts it."
                return Cause("setting", text, one.precision, evicted.occurred_at, evicted.id)
    return None


def _cancelled(incident: Incident) -> Cause | None:
    """The cancellation that cut a write off."""
    for finding in incident.findings:
        if "written_again_seconds" in finding.values:
            return Cause("cancellation", finding.message, finding.precision, finding.occurred_at, finding.id)
    return None


def _arrival(incident: Incident, known: Mapping[RunRef, AttemptFacts]) -> Cause | None:
    """The first run that was asked for while another one of the incident had not ended."""
    before: tuple[datetime, AttemptFacts, RunRef] | None = None
    for run in incident.runs:
        facts = known.get(run, NOTHING)
        asked_at = facts.asked_at
        if asked_at is None:
            continue
        if (
            before is not None
            and before[2].run_id != run.run_id
            and before[1].ended_at
            and asked_at < before[1].ended_at
        ):
            text = (
                f"Run {run.run_id} ('{facts.workflow or 'unknown workflow'}') was asked for before run "
                f"{before[2].run_id} ('{before[1].workflow or 'unknown workflow'}') had ended, and nothing that is "
                "known here made it wait."
            )
            return Cause("arrival", text, "likely", asked_at)
        if before is None or (facts.ended_at or asked_at) > (before[1].ended_at or before[0]):
            before = (asked_at, facts, run)
    return None


def _effect(incident: Incident) -> Cause | None:
    """The first finding that is about an effect: refused, repeated, or out of order."""
    about = [one for one in _events(incident) if one.target is not None and one.occurred_at is not None]
    return _told("effect", min(about, key=_when)) if about else None


def _first_finding(incident: Incident) -> Cause:
    return _told("finding", min(_events(incident), key=_when))


def _events(incident: Incident) -> list[Finding]:
    """What happened, without what was merely seen beside it; a lone finding may be nothing else."""
    return [one for one in incident.findings if role_of(one) == "event"] or list(incident.findings)


def _told(kind: str, finding: Finding) -> Cause:
    # That it is the first thing known does not make it the cause.
    precision: Precision = "possible"
    return Cause(kind, finding.message, precision, finding.occurred_at, finding.id)


def _when(finding: Finding) -> tuple[datetime, str]:
    return finding.occurred_at or datetime.max, finding.id
