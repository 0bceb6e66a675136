"""One incident told for other readers: JSON, and Markdown for an issue or a post-mortem."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from forensics.detect.formats import SCHEMA, as_record, escaped, incident_record
from forensics.detect.impact import as_sentences
from forensics.model import Contribution, DetectorDoc, Event, Finding, Incident

IN_FORCE = "in-force"
"""Rule of a setting that nothing accuses."""

MOST_LINES = 6
"""Proving log lines shown of one finding."""

_LONGEST_LINE = 300


def to_json(incident: Incident, finding: Finding | None) -> str:
    """The incident with all its fields, its findings in full, and which of them was asked for."""
    document = {
        "schema": SCHEMA,
        "incident": incident_record(incident),
        "finding": finding.id if finding else None,
        "findings": [as_record(one) for one in incident.findings],
    }
    return json.dumps(document, indent=2)


def to_markdown(incident: Incident, finding: Finding | None, docs: Sequence[DetectorDoc]) -> str:
    """The whole story; what people have to fill in (owner, what was done) is left to them."""
    return "\n".join(_markdown(incident, finding, docs))


def _markdown(incident: Incident, finding: Finding | None, docs: Sequence[DetectorDoc]) -> Iterator[str]:
    yield f"## {escaped(incident.title)}"
    yield ""
    yield f"{incident.severity} · `{incident.id}` · {escaped(incident.repository)} · {when(incident)}"
    if finding is not None:
        yield from ("", f"Asked for: **{finding.id}**: {escaped(finding.message)}")
    if cause := incident.first_cause:
        yield from ("", "### First cause", "", f"{escaped(cause.text)} ({cause.precision})")
    story = incident.story
    if story is not None:
        yield from ("", "### What happened", "", "| time (UTC) | what | where |", "| --- | --- | --- |")
        for event in story.events:
            yield f"| {stamp(event)} | {escaped(event.text)} | {escaped(place(event))} |"
        if story.events_left_out:
            yield from ("", f"{story.events_left_out:,} more events are left out.")
    yield from _list("Settings that contributed", map(setting, accused(incident)))
    yield from _list("Settings in force", map(setting, in_force(incident)))
    if story is not None:
        yield from _list("Impact", as_sentences(story.impact))
        yield from _list("What is live now", [live.text for live in story.live])
        yield from _list("What is unknown", story.unknown)
    yield from ("", "### Findings", "")
    for one in incident.findings:
        yield f"- {one.severity}, {one.precision}: {escaped(one.message)} (`{one.id}`)"
        for line in [line for line in one.evidence if line.matched][:MOST_LINES]:
            where = f"run {line.run_id}, job {line.job_id}, line {line.line}"
            yield f"  - {where}: {escaped(line.text[:_LONGEST_LINE])}"
    yield from _list("What to do", remedies(docs))


def _list(heading: str, sentences: Iterable[str]) -> Iterator[str]:
    lines = [f"- {escaped(sentence)}" for sentence in sentences]
    if lines:
        yield from ("", f"### {heading}", "", *lines)


def when(incident: Incident) -> str:
    """``2026-11-10 13:05:01 to 13:07:39 UTC``, the day again where it is another."""
    if incident.started_at is None or incident.ended_at is None:
        return "time unknown"
    same_day = incident.started_at.date() == incident.ended_at.date()
    end = f"{incident.ended_at:%H:%M:%S}" if same_day else f"{incident.ended_at:%Y-%m-%d %H:%M:%S}"
    return f"{incident.started_at:%Y-%m-%d %H:%M:%S} to {end} UTC"


def stamp(event: Event) -> str:
    """Its time to the second; that of a log line is finer, but no other event could be told apart by it."""
    return f"{event.at:%Y-%m-%d %H:%M:%S}" if event.at else "time unknown"


def place(event: Event) -> str:
    """Where to look an event up: ``job 'deploy', step 5, line 146``; '' where only its run is known."""
    job = f"job '{event.job}'" if event.job else f"job {event.job_id}" if event.job_id is not None else ""
    step = f"step {event.step}" if event.step is not None else ""
    line = f"line {event.line}" if event.line is not None else ""
    return ", ".join(part for part in (job, step, line) if part)


def accused(incident: Incident) -> tuple[Contribution, ...]:
    """The settings that the audit accuses."""
    return tuple(one for one in incident.contributing if one.rule != IN_FORCE)


def in_force(incident: Incident) -> tuple[Contribution, ...]:
    """The other settings that its runs had."""
    return tuple(one for one in incident.contributing if one.rule == IN_FORCE)


def setting(one: Contribution) -> str:
    """A setting with the place where it is written and the rule that says so."""
    return f"{one.text} {source(one)}"


def source(one: Contribution) -> str:
    """``[unique-group, likely; .github/workflows/deploy.yml:15]``."""
    where = (f"{one.path}:{one.line}" if one.line is not None else one.path) if one.path else "file not known"
    meant = "" if one.named else ", of the same workflow"
    return f"[{one.rule}, {one.precision}{meant}; {where}]"


def remedies(docs: Sequence[DetectorDoc]) -> tuple[str, ...]:
    """What each detector advises, worst first."""
    return tuple(f"{doc.title}: {doc.remedy}" for doc in docs)
