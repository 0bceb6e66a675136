"""How the parts of an incident are said, for the terminal, Markdown and the report alike; text is not yet escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from forensics.model import Contribution, DetectorDoc, Event, Impact, Incident

IN_FORCE = "in-force"
"""Rule of a setting that nothing accuses."""

_SHAS = 5
"""Commits that a sentence names."""


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
    """The other settings that its runs had; of those that one line of a file made, the first speaks for all."""
    same: dict[tuple[object, ...], list[Contribution]] = {}
    for one in incident.contributing:
        if one.rule == IN_FORCE:
            made_by = (one.path, one.line, one.expression) if one.path and one.expression else (one.group_name,)
            same.setdefault((*made_by, one.cancel_in_progress, one.queue, one.precision), []).append(one)
    return tuple(_speaking(several) for several in same.values())


def _speaking(several: Sequence[Contribution]) -> Contribution:
    first, *others = several
    if not others:
        return first
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return replace(first, text=f"{first.text} The same line also made the group '{others[0].group_name}'{more}.")


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


def as_sentences(impact: Impact) -> tuple[str, ...]:
    """What is not nothing, one short sentence each."""
    counts = (
        (impact.done_twice, "thing was created more than once", "things were created more than once"),
        (
            impact.out_of_order,
            "landing of an older commit after a newer one",
            "landings of older commits after newer ones",
        ),
        (impact.cut_off, "write was cut off in the middle", "writes were cut off in the middle"),
        (impact.refused, "write was refused", "writes were refused"),
        (impact.runs_cancelled, "run was cancelled", "runs were cancelled"),
        (len(impact.never_shipped), "commit was never shipped", "commits were never shipped"),
    )
    told = [f"{count:,} {one if count == 1 else many}." for count, one, many in counts if count]
    if impact.never_shipped:
        told[-1] = f"{told[-1][:-1]}: {', '.join(sha[:8] for sha in impact.never_shipped[:_SHAS])}."
    if impact.minutes_wasted:
        told.append(f"{impact.minutes_wasted:,} minutes of runners went into attempts that were cancelled or failed.")
    # A write that was cut off may have done all, some or nothing.
    was = "may have been half-done" if impact.cut_off and not impact.out_of_order else "was wrong"
    for target, seconds in impact.wrong_seconds.items():
        time = duration(timedelta(seconds=seconds))
        if target in impact.still_wrong:
            told.append(f"'{target}' {was} for at least {time}; nothing in this case set it right.")
        else:
            told.append(f"'{target}' {was} for {time}, until the next right landing.")
    known = impact.wrong_seconds
    told += [
        f"'{target}' went wrong, and nothing set it right." for target in impact.still_wrong if target not in known
    ]
    return tuple(told)


def duration(span: timedelta) -> str:
    """As the detectors say it (``duration_text`` of queries/lib): '0.4 s', '35 s', '4 min 10 s', '2 h 5 min'."""
    seconds = span.total_seconds()
    if seconds < 9.95 and round(seconds, 1) != int(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"
