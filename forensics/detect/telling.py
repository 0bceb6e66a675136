"""One incident told for other readers: JSON, and Markdown for an issue or a post-mortem."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from forensics.detect.formats import SCHEMA, as_record, escaped, incident_record
from forensics.detect.wording import accused, as_sentences, in_force, place, remedies, setting, stamp, when
from forensics.model import DetectorDoc, Finding, Incident

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
