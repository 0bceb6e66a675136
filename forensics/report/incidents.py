"""The incidents as sections: first cause, sequence of events, settings, impact, what is live, what is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forensics.detect.wording import accused, as_sentences, in_force, place, source
from forensics.model import SEVERITIES, Contribution, Event, Incident
from forensics.report.cards import Card
from forensics.report.index import CaseIndex
from forensics.report.limits import Limits
from forensics.report.links import finding_anchor, line_url, run_url
from forensics.report.text import clip, counted, moment, stamp

SENTENCES = 12
"""Sentences of one list; the number of the others is said."""

LISTED_FINDINGS = 12
LISTED_RUNS = 12
LONGEST = 600


@dataclass(frozen=True)
class Step:
    """One event."""

    at: str
    what: str
    where: str
    url: str | None


@dataclass(frozen=True)
class Section:
    """One incident."""

    anchor: str
    label: str
    severity: str
    title: str
    at: str
    repository: str
    cause: str
    cause_precision: str
    steps: tuple[Step, ...]
    more_steps: str
    settings: tuple[tuple[str, str], ...]
    """Sentence and source."""
    force: tuple[tuple[str, str], ...]
    impact: tuple[str, ...]
    live: tuple[str, ...]
    unknown: tuple[str, ...]
    told: bool
    """False where only its findings are known here."""
    findings: tuple[tuple[str, str], ...]
    """Anchor and label of its findings' cards or rows."""
    more_findings: int
    runs: tuple[tuple[str, str | None], ...]
    more_runs: int


@dataclass(frozen=True)
class Brief:
    """An incident beyond the limit, as a row; and the first ones, as lines of the summary."""

    anchor: str
    label: str
    severity: str
    title: str
    at: str
    findings: int
    runs: int


@dataclass(frozen=True)
class Group:
    """The cards of one incident, or those of none."""

    label: str
    """Empty for the cards of no incident."""
    anchor: str
    title: str
    cards: tuple[Card, ...]


def sections(index: CaseIndex, limits: Limits) -> tuple[Section, ...]:
    """Return the incidents that get a section, worst first."""
    labels = {f.id: f"F-{number:02d}" for number, f in enumerate(index.analysis.findings, 1)}
    incidents = index.analysis.incidents[: limits.incidents]
    # A finding beyond the limits of cards and rows has no place that a link could lead to.
    shown = {f.id for f in index.analysis.findings[: limits.cards + limits.rows]}
    return tuple(
        _section(index, limits, number, incident, {id: labels[id] for id in shown if id in labels})
        for number, incident in enumerate(incidents, 1)
    )


def briefs(index: CaseIndex, limits: Limits) -> tuple[tuple[Brief, ...], tuple[Brief, ...], int]:
    """Return the incidents with a section, those that are rows only, and how many have not even that."""
    incidents = index.analysis.incidents
    made = tuple(
        Brief(
            anchor=finding_anchor(one.id),
            label=_label(number),
            severity=_severity(one),
            title=clip(one.title, 300),
            at=stamp(one.started_at),
            findings=len(one.findings),
            runs=len(one.runs),
        )
        for number, one in enumerate(incidents[: limits.incidents + limits.rows], 1)
    )
    return made[: limits.incidents], made[limits.incidents :], max(0, len(incidents) - len(made))


def grouped(index: CaseIndex, cards: Sequence[Card], limits: Limits) -> tuple[Group, ...]:
    """Return the cards by incident, in the order of the incidents; those of none come last."""
    left = {card.anchor: card for card in cards}
    made = []
    for number, incident in enumerate(index.analysis.incidents[: limits.incidents + limits.rows], 1):
        own = [left.pop(anchor) for f in incident.findings if (anchor := finding_anchor(f.id)) in left]
        if own:
            made.append(Group(_label(number), finding_anchor(incident.id), clip(incident.title, 200), tuple(own)))
    if left:
        made.append(Group("", "", "", tuple(left.values())))
    return tuple(made)


def _section(index: CaseIndex, limits: Limits, number: int, incident: Incident, labels: Mapping[str, str]) -> Section:
    host, story, cause = index.analysis.host, incident.story, incident.first_cause
    events = story.events[: limits.events] if story else ()
    left = len(story.events) + story.events_left_out - len(events) if story else 0
    listed = [(finding_anchor(f.id), labels[f.id]) for f in incident.findings if f.id in labels]
    return Section(
        anchor=finding_anchor(incident.id),
        label=_label(number),
        severity=_severity(incident),
        title=clip(incident.title, 300),
        at=f"{moment(incident.started_at)} to {moment(incident.ended_at)}",
        repository=clip(incident.repository, 120),
        cause=clip(cause.text, LONGEST) if cause else "unknown",
        cause_precision=clip(cause.precision, 20) if cause else "unknown",
        steps=tuple(_step(host, event) for event in events),
        more_steps=f"{counted(left, 'more event')} not shown." if left else "",
        settings=tuple(_setting(one) for one in accused(incident)[:SENTENCES]),
        force=tuple(_setting(one) for one in in_force(incident)[:SENTENCES]),
        impact=_sentences(as_sentences(story.impact)) if story else (),
        live=_sentences([live.text for live in story.live]) if story else (),
        unknown=_sentences(story.unknown) if story else (),
        told=story is not None,
        findings=tuple(listed[:LISTED_FINDINGS]),
        more_findings=len(incident.findings) - len(listed[:LISTED_FINDINGS]),
        runs=tuple(
            (
                f"{run.run_id}" + (f" attempt {run.attempt}" if run.attempt > 1 else ""),
                run_url(host, incident.repository, run.run_id, run.attempt),
            )
            for run in incident.runs[:LISTED_RUNS]
        ),
        more_runs=max(0, len(incident.runs) - LISTED_RUNS),
    )


def _label(number: int) -> str:
    return f"I-{number:02d}"


def _severity(incident: Incident) -> str:
    """The severity, 'info' if it is none of the five: it becomes a class name."""
    return incident.severity if incident.severity in SEVERITIES else "info"


def _sentences(texts: Sequence[str]) -> tuple[str, ...]:
    made = tuple(clip(text, LONGEST) for text in texts[:SENTENCES])
    left = len(texts) - len(made)
    return (*made, f"{counted(left, 'more')}.") if left else made


def _setting(one: Contribution) -> tuple[str, str]:
    return clip(one.text, LONGEST), clip(source(one), 300)


def _step(host: str, event: Event) -> Step:
    url, label = None, ""
    if event.run is not None:
        label = f"{event.run.run_id}" + (f" attempt {event.run.attempt}" if event.run.attempt > 1 else "")
        job = event.job_id or 0
        url = line_url(host, event.repository, event.run.run_id, event.run.attempt, job, event.step)
    where = place(event)
    return Step(
        at=stamp(event.at),
        what=clip(event.text, LONGEST),
        where=clip(f"{label} · {where}" if where else label, 200),
        url=url,
    )
