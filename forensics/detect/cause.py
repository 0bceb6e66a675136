"""What an incident followed from: the settings that let it happen, and the first thing that went wrong.

The order of precedence: a setting that the audit accuses, a setting in force that did what was seen (a group that
takes runs by their arrival, that cancels a run which writes, or that keeps only one waiting), the arrival that
raced, the first refused or repeated effect, the first finding.
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
_CANCELLED_BY_GROUP = frozenset({"merge-queue-cancel", "required-check-cancelled", "starved-lane"})
_LISTED = 5
"""Runs named in one sentence."""

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
        settings = in_force(incident, groups, known)
        contributing = tuple([_placed(one, settings) for one in incident.contributing]) + settings
        whole = replace(incident, contributing=contributing)
        made.append(replace(whole, first_cause=first_cause(whole, known, groups)))
    return tuple(made)


def in_force(
    incident: Incident,
    groups: Mapping[RunRef, Sequence[Mapping[str, Any]]],
    known: Mapping[RunRef, AttemptFacts],
) -> tuple[Contribution, ...]:
    """The groups that the incident's attempts were in, each once, as far as their names are known."""
    found: dict[tuple[Any, ...], list[tuple[RunRef, Mapping[str, Any]]]] = {}
    for run in incident.runs:
        for row in groups.get(run, ()):
            if not _is_known(row):
                continue
            key = (row["group_name"].lower(), row["path"], row["line"], row["cancel_in_progress"], row["queue"])
            if key in found or len(found) < MOST_IN_FORCE:
                found.setdefault(key, []).append((run, row))
    return tuple(_in_force(of, known.get(of[0][0], NOTHING)) for of in found.values())


def _placed(one: Contribution, settings: Sequence[Contribution]) -> Contribution:
    """An accused group of which only the name was told, with the file and line of the one in force."""
    if one.path is not None or one.group_name is None:
        return one
    same = (other for other in settings if other.path and _same_name(one.group_name, other.group_name))
    found = next(same, None)
    return replace(one, path=found.path, line=found.line) if found else one


def _same_name(one: str | None, other: str | None) -> bool:
    # GitHub does not regard case in the names of groups.
    return one is not None and other is not None and one.lower() == other.lower()


def _in_force(of: Sequence[tuple[RunRef, Mapping[str, Any]]], facts: AttemptFacts) -> Contribution:
    row = of[0][1]
    jobs = {each["job_name"] for _, each in of}
    who = _named(list(dict.fromkeys(run.run_id for run, _ in of)))
    if row["job_name"] and len(jobs) == 1:
        who = f"job '{row['job_name']}' of {who}"
    was = "were" if who.startswith("runs ") else "was"
    policy = {True: "cancels what is in progress", False: "lets what is in progress end"}.get(
        row["cancel_in_progress"], "may or may not cancel what is in progress"
    )
    waiting = "keeps up to 100 waiting" if row["queue"] == "max" else "keeps one waiting"
    return Contribution(
        rule=IN_FORCE,
        title=row["group_name"],
        finding_id=None,
        text=f"'{facts.workflow or 'unknown workflow'}': {who} {was} in the group '{row['group_name']}', "
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


def _named(ids: Sequence[int]) -> str:
    if len(ids) == 1:
        return f"run {ids[0]}"
    shown = [str(one) for one in ids[:_LISTED]]
    rest = [f"{len(ids) - _LISTED} more"] if len(ids) > _LISTED else [shown.pop()]
    return f"runs {', '.join(shown)} and {rest[0]}"


def first_cause(
    incident: Incident, known: Mapping[RunRef, AttemptFacts], groups: Mapping[RunRef, Sequence[Mapping[str, Any]]]
) -> Cause:
    """What came first, by the order of precedence."""
    return (
        _accused(incident)
        or _let_in(incident, groups)
        or _acted(incident)
        or _cancelled(incident)
        or _arrival(incident, known, groups)
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
    what = f": '{one.expression or one.group_name}'" if one.expression or one.group_name else ""
    return Cause("setting", f"{one.title.rstrip('.')}{what}{_where(one)}.", one.precision, None, one.finding_id)


def _group(one: Contribution) -> str:
    return f"The group '{one.group_name}'"


def _where(one: Contribution) -> str:
    return f" ({one.path}{f':{one.line}' if one.line is not None else ''})" if one.path else ""


def _let_in(incident: Incident, groups: Mapping[RunRef, Sequence[Mapping[str, Any]]]) -> Cause | None:
    """A group that both runs were in, and that let the newer commit's go first, because it came first."""
    for finding in incident.findings:
        if (
            finding.detector != "out-of-order-effect"
            or finding.values.get("reason") != "race"
            or len(finding.runs) < 2
        ):
            continue
        older, newer = finding.runs[:2]
        if name := _shared(older, newer, groups):
            setting = next(
                one for one in incident.contributing if one.rule == IN_FORCE and _same_name(one.group_name, name)
            )
            text = (
                f"The group '{name}' lets runs in by their arrival, not by their commits: run {newer.run_id} had its "
                f"turn before run {older.run_id}, whose commit is older{_where(setting)}."
            )
            # That it was the group of the job that wrote is one inference.
            return Cause("setting", text, "likely", finding.occurred_at, finding.id)
    return None


def _shared(one: RunRef, other: RunRef, groups: Mapping[RunRef, Sequence[Mapping[str, Any]]]) -> str | None:
    """The name of a group that both attempts were in, as far as names are known."""
    theirs = {row["group_name"].lower() for row in groups.get(other, ()) if _is_known(row)}
    names = (row["group_name"] for row in groups.get(one, ()) if _is_known(row))
    return next((name for name in names if name.lower() in theirs), None)


def _is_known(row: Mapping[str, Any]) -> bool:
    return row["group_name"] is not None and row["confidence"] in _PRECISIONS


def _acted(incident: Incident) -> Cause | None:
    """A setting in force that did what was seen."""
    settings = [one for one in incident.contributing if one.rule == IN_FORCE]
    cut = next((one for one in incident.findings if "written_again_seconds" in one.values), None)
    if cut is not None and cut.values.get("cause") in ("superseded-running", None):
        for one in settings:
            if one.cancel_in_progress and cut.values.get("by_run_id") is not None:
                text = f"{_group(one)} cancels what is in progress, also in the middle of a write{_where(one)}."
                return Cause("setting", text, one.precision, cut.occurred_at, cut.id)
    if evicted := next((one for one in incident.findings if one.detector in _WAITERS), None):
        for one in settings:
            if one.queue != "max" and not one.cancel_in_progress and _may_be_of(evicted, one):
                text = f"{_group(one)} keeps only one run waiting: the next to come evicts it{_where(one)}."
                return Cause("setting", text, one.precision, evicted.occurred_at, evicted.id)
    if cancelled := next((one for one in incident.findings if one.detector in _CANCELLED_BY_GROUP), None):
        for one in settings:
            if one.cancel_in_progress and _may_be_of(cancelled, one):
                text = f"{_group(one)} cancels what is in progress when another run comes{_where(one)}."
                return Cause("setting", text, one.precision, cancelled.occurred_at, cancelled.id)
    return None


def _may_be_of(finding: Finding, setting: Contribution) -> bool:
    """Is it the group that the finding speaks of, where it speaks of one?"""
    name = finding.values.get("group_name") or finding.values.get("group")
    return name is None or _same_name(str(name), setting.group_name)


def _cancelled(incident: Incident) -> Cause | None:
    """The cancellation that cut a write off."""
    for finding in incident.findings:
        if "written_again_seconds" in finding.values:
            return Cause("cancellation", finding.message, finding.precision, finding.occurred_at, finding.id)
    return None


def _arrival(
    incident: Incident, known: Mapping[RunRef, AttemptFacts], groups: Mapping[RunRef, Sequence[Mapping[str, Any]]]
) -> Cause | None:
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
            group = _shared(before[2], run, groups)
            held = (
                f"though both were in the group '{group}'"
                if group
                else "and no group that is known here held it back"
            )
            text = (
                f"Run {run.run_id} ('{facts.workflow or 'unknown workflow'}') was asked for before run "
                f"{before[2].run_id} ('{before[1].workflow or 'unknown workflow'}') had ended, {held}."
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
