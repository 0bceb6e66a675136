"""What the steps of a retold job are and say: the file tells those that matter, the others fill the time between."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from forensics.synth.history import Step
from forensics.synth.template import COMPLETE_STEP, SETUP_STEP, JobTemplate

_AT = re.compile(r"@(\S+) (.*)")
_MARGIN = timedelta(milliseconds=200)
"""Of a step before its first and after its last line."""

Lines = tuple[tuple[datetime, str], ...]


def read_lines(text: str, starts: datetime, ends: datetime, moment: Callable[[float | str], datetime]) -> Lines:
    """The lines of a step with their times.

    ``@12.5 text`` or ``@11:11:47 text`` says when; lines without share the time between those that have one.
    """
    lines = text.rstrip("\n").split("\n") if text.strip() else []
    known: dict[int, datetime] = {}
    for place, line in enumerate(lines):
        found = _AT.fullmatch(line)
        if found:
            said = found[1]
            known[place] = moment(said if ":" in said else float(said))
            lines[place] = found[2]
    margin = min(_MARGIN, (ends - starts) / 4)
    marks = {-1: starts + margin, **known}
    marks.setdefault(len(lines) - 1, max(ends - margin, max(marks.values())))
    told = []
    for place, line in enumerate(lines):
        before = max(mark for mark in marks if mark < place) if place not in marks else place
        after = min(mark for mark in marks if mark >= place)
        share = (place - before) / (after - before) if after > before else 0
        told.append((marks[before] + (marks[after] - marks[before]) * share, line))
    return tuple(told)


def spread_steps(template: JobTemplate, told: Sequence[Step], starts: datetime, ends: datetime) -> tuple[Step, ...]:
    """All steps of a job in their order, numbered: those told, and between them the workflow file's others.

    A step that the file of the row leaves out takes an equal share of the time between its neighbours; after a
    failed or cancelled step it is skipped.

    Raises:
        ValueError: a told step does not lie in the job's time, or not behind the one before it.
    """
    names = _order(template, [step.name for step in told])
    by_name = {step.name: step for step in told}
    if len(by_name) < len(told):
        raise ValueError(f"two steps of job {template.name} have one name")
    placed: list[Step] = []
    clock, stopped = starts, False
    waiting: list[str] = []
    for name in [*names, None]:
        if name is not None and name not in by_name:
            waiting.append(name)
            continue
        step = by_name[name] if name is not None else None
        until = step.started_at if step is not None else ends
        if until < clock or (step is not None and step.completed_at > ends):
            raise ValueError(f"step {name} of job {template.name} does not lie where it should")
        share = (until - clock) / max(1, len(waiting))
        for place, other in enumerate(waiting):
            begin, end = clock + share * place, clock + share * (place + 1)
            skipped = stopped and other != COMPLETE_STEP
            both = (end, end) if skipped else (begin, end)
            placed.append(_filler(other, "skipped" if skipped else "success", *both))
        waiting = []
        if step is not None:
            placed.append(step)
            clock = step.completed_at
            stopped = stopped or step.conclusion in ("failure", "cancelled")
    return tuple(replace(step, number=number) for number, step in enumerate(placed, start=1))


def _filler(name: str, conclusion: str, starts: datetime, ends: datetime) -> Step:
    """A step of which the row says nothing: it says nothing, unless every such step says the same."""
    usual = name in (SETUP_STEP, COMPLETE_STEP) or name.startswith("Run actions/checkout@")
    return Step(0, name, conclusion, starts, ends, said=None if usual else ())


def _order(template: JobTemplate, told: Sequence[str]) -> list[str]:
    """The file's steps in their order; told ones that it does not have (of a called workflow) in theirs."""
    own = [step.name for step in template.steps]
    strange = [name for name in told if name not in own]
    if own and strange:
        raise ValueError(f"job {template.name} has no step {strange[0]!r}")
    return [SETUP_STEP, *(own or told), COMPLETE_STEP]
