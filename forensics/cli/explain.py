"""``forensics explain``: the story of one incident."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from forensics.cli.detect import COLOURS, case_option, run_names
from forensics.cli.options import HELP, with_config, with_settings
from forensics.cli.terminal import plural, put, put_raw, say, visible, width
from forensics.config import Config

if TYPE_CHECKING:
    from forensics.model import Event, Finding, Incident
    from forensics.outcome import Explanation

STAMP = len("2026-11-10 13:05:01  ")
NARROW = 60
"""Below so many columns times stand on a line of their own."""


@click.command("explain", context_settings=HELP)
@click.argument("name", metavar="ID")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@with_settings
@with_config
def command(config: Config, name: str, form: str) -> None:
    """Tell the story of one incident, with its evidence.

    ID is that of an incident or of a finding, or the beginning of it that no other has; 'forensics detect' lists
    them. The story has the sequence of events, the first cause, the settings that contributed, the impact in
    numbers, what is live now, and what is not known.

    \b
    Examples:
      forensics explain incident-1949560875
      forensics explain duplicate-effect-b86f
      forensics explain incident-1949560875 --format markdown > post-mortem.md
    """
    from forensics import pipeline
    from forensics.detect.telling import to_json, to_markdown

    told = pipeline.explain(config, name)
    try:
        match form:
            case "json":
                put_raw(to_json(told.incident, told.finding) + "\n")
            case "markdown":
                put_raw(to_markdown(told.incident, told.finding, told.docs) + "\n")
            case _:
                for line in lines(told, width()):
                    put(line)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None
    finding = (told.finding or told.incident.findings[0]).id
    say(f"  → forensics report --finding {visible(finding)}{case_option(config)}")


def lines(told: Explanation, columns: int) -> Iterator[str]:
    """The story as lines of at most so many columns; all outside text is visible."""
    from forensics.detect.wording import accused, as_sentences, in_force, remedies, setting

    incident, story = told.incident, told.incident.story
    yield from _head(told, columns)
    if cause := incident.first_cause:
        yield from _section(f"First cause ({cause.precision})", [cause.text], columns)
    if story is not None:
        yield from _heading("What happened (UTC)")
        for event in story.events:
            yield from _event(event, columns)
        if story.events_left_out:
            more = f"… and {plural(story.events_left_out, 'event')} more, left out of every format"
            yield from textwrap.wrap(more, max(columns, 20), initial_indent="  ", subsequent_indent="    ")
    yield from _section("Settings that contributed", map(setting, accused(incident)), columns)
    yield from _section("Settings in force", map(setting, in_force(incident)), columns)
    if story is not None:
        yield from _section("Impact", as_sentences(story.impact) or ["No harm that this case can count."], columns)
        yield from _section("What is live now", [live.text for live in story.live], columns)
        yield from _section("What is unknown", story.unknown or ["Nothing that this case knows of."], columns)
    yield from _heading("Findings")
    for finding in incident.findings:
        yield from _finding(finding, columns)
    yield from _section("What to do", remedies(told.docs), columns)


def _head(told: Explanation, columns: int) -> Iterator[str]:
    from forensics.detect.wording import when

    incident = told.incident
    yield f"{click.style(incident.severity, fg=COLOURS[incident.severity], bold=True)}  {visible(incident.id)}"
    for line in textwrap.wrap(visible(incident.title), columns, break_on_hyphens=False):
        yield click.style(line, bold=True)
    runs = f"{'run' if len(incident.runs) == 1 else 'runs'} {_all_runs(incident)}"
    about = " · ".join(part for part in (visible(incident.repository), when(incident), runs) if part)
    yield from textwrap.wrap(about, columns, break_on_hyphens=False)
    if told.finding is not None and told.finding.id != incident.id:
        yield from _section("You asked for", [f"{told.finding.id}: {told.finding.message}"], columns)


def _all_runs(incident: Incident) -> str:
    return ", ".join(run_names([run]) for run in incident.runs)


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield click.style(text, bold=True)


def _section(heading: str, sentences: Iterable[str], columns: int) -> Iterator[str]:
    """A heading and its sentences; nothing where there is none."""
    wrapped = [line for sentence in sentences for line in _item(sentence, columns)]
    if wrapped:
        yield from _heading(heading)
        yield from wrapped


def _item(sentence: str, columns: int) -> list[str]:
    return textwrap.wrap(
        visible(sentence), max(columns, 20), initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False
    )


def _event(event: Event, columns: int) -> Iterator[str]:
    from forensics.detect.wording import place, stamp

    at, where = stamp(event), visible(place(event))
    indent = STAMP + 2 if columns >= NARROW else 4
    room = max(columns - indent, 16)
    texts = textwrap.wrap(visible(event.text), room, break_on_hyphens=False)
    texts += [click.style(line, dim=True) for line in textwrap.wrap(where, room, break_on_hyphens=False)]
    if columns >= NARROW:
        yield f"  {at:<{STAMP}}{texts[0]}"
    else:
        yield f"  {at}"
        yield f"    {texts[0]}"
    yield from (" " * indent + line for line in texts[1:])


def _finding(finding: Finding, columns: int) -> Iterator[str]:
    from forensics.detect.telling import MOST_LINES

    mark = click.style(finding.severity, fg=COLOURS[finding.severity], bold=True)
    yield f"  {mark}  {visible(finding.id)}  {finding.precision}"
    room = max(columns - 4, 16)
    yield from (f"    {line}" for line in textwrap.wrap(visible(finding.message), room, break_on_hyphens=False))
    proof = [line for line in finding.evidence if line.matched]
    for line in proof[:MOST_LINES]:
        attempt = f"#{line.attempt}" if line.attempt > 1 else ""
        step = f", step {line.step}" if line.step is not None else ""
        told = f"run {line.run_id}{attempt}, job {line.job_id}{step}, line {line.line}: {visible(line.text)}"
        wrapped = textwrap.wrap(told, room - 2, break_on_hyphens=False, subsequent_indent="  ")
        yield from (click.style(f"      {part}", dim=True) for part in wrapped[:MOST_LINES])
    if len(proof) > MOST_LINES:
        yield click.style(f"      … and {plural(len(proof) - MOST_LINES, 'line')} more", dim=True)
