"""Pairs announcements with outcomes: the lines of one job in order, a few hundred at most, in; effects out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from forensics.effects.act import OUTCOMES, Act
from forensics.effects.template import Template

ERROR = "error"
"""Kind of match of a ``##[error]`` line: the end of an attempt that says nothing about itself."""

HEADED = "headed"
"""Kind of match of a line that shows what the step was told to do."""

REFINE_WITHIN = 30
"""Lines after a failure in which the tool still gives the reason, and so may turn it into a rejection."""


@dataclass(frozen=True)
class JobContext:
    """What a log does not say about its own job."""

    workflow: str | None = None
    job: str | None = None


@dataclass(frozen=True)
class Match:
    """One pattern that a line matched."""

    act: int
    """Index of the act; -1 for what concerns all."""
    kind: str
    groups: Mapping[str, str]


@dataclass(frozen=True)
class Line:
    """One log line that means something."""

    repository: str
    run_id: int
    attempt: int
    job_id: int
    step_number: int | None
    line_no: int
    logged_at: datetime | None
    text: str
    segment: int
    matches: tuple[Match, ...]


@dataclass
class _Attempt:
    """One announced effect that waits for its outcome."""

    started: Line
    groups: dict[str, str]
    soft: dict[str, str]
    """What lines before the announcement told; weaker than ``groups``."""
    last: Line
    error: Line | None = None
    outcomes: int = 0


@dataclass
class _Failure:
    """A reported failure whose reason may still follow."""

    row: dict[str, Any]
    line: Line
    attempt: _Attempt | None
    groups: Mapping[str, str]


@dataclass
class _Scope:
    """One act within one segment of a step."""

    act: Act
    header: Mapping[str, str]
    context: Mapping[str, str]
    """Shared by the whole job and filled as its lines are read."""
    open: list[_Attempt] = field(default_factory=list)
    failures: list[_Failure] = field(default_factory=list)
    after_seen: bool = False


class _Job:
    """What is known of the job so far, and the effects found."""

    def __init__(self, acts: Sequence[Act], about: JobContext, last_segment: int) -> None:
        self.acts = acts
        self.about = about
        self.last_segment = last_segment
        self.context: list[dict[str, str]] = [{} for _ in acts]
        self.fetched: str | None = None
        self.sha: str | None = None
        self.rows: list[dict[str, Any]] = []
        self.scopes: dict[int, _Scope] = {}


def walk_job(
    lines: Sequence[Line], acts: Sequence[Act], about: JobContext, last_segment: int
) -> list[dict[str, Any]]:
    """The effects of one job as rows of ``EFFECT_SCHEMA``.

    Args:
        lines: its meaningful lines in order.
        acts: what ``Match.act`` counts in.
        about: workflow and job name.
        last_segment: the one in which its log ends; what is silent there may have been cut off.
    """
    job = _Job(acts, about, last_segment)
    for _, group in groupby(lines, key=lambda line: line.segment):
        segment = list(group)
        job.scopes = dict(_scopes(job, segment))
        before = len(job.rows)
        for line in segment:
            _read_line(job, line)
        for scope in job.scopes.values():
            _close(job, scope)
        job.rows[before:] = _without_repeats(job.rows[before:])
    return job.rows


def _without_repeats(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of the rows in which a step says the same of the same thing (printed twice, tried again)."""
    first: dict[tuple[str, ...], dict[str, Any]] = {}
    for number, row in enumerate(rows):
        repeatable = row["identity"] is not None and row["outcome"] != "unknown"
        key = (row["rule"], row["target"], row["identity"], row["outcome"]) if repeatable else (str(number),)
        first.setdefault(key, row)
    return list(first.values())


def _scopes(job: _Job, segment: Sequence[Line]) -> Iterator[tuple[int, _Scope]]:
    """The acts that may happen in this segment: not in a dry run, and commanded where that is required."""
    told = any(match.kind == HEADED for line in segment for match in line.matches)
    for index in {match.act for line in segment for match in line.matches if match.act >= 0}:
        act = job.acts[index]
        by_line = [[match for match in line.matches if match.act == index] for line in segment]
        kinds = [{match.kind for match in found} for found in by_line]
        commands = [found for found in kinds if "command" in found]
        real = [found for found in commands if "dry-run" not in found]
        if commands and not real:
            continue
        if act.command_required and told and not real:
            continue
        yield index, _Scope(act, _single_values(by_line), job.context[index])


def _single_values(by_line: Sequence[Sequence[Match]]) -> dict[str, str]:
    """Groups of header patterns, as far as the header gives only one value for them."""
    values: dict[str, set[str]] = {}
    for match in (match for found in by_line for match in found if match.kind == "header"):
        for name, value in match.groups.items():
            values.setdefault(name, set()).add(value)
    return {name: min(found) for name, found in values.items() if len(found) == 1}


def _read_line(job: _Job, line: Line) -> None:
    by_act: dict[int, dict[str, Mapping[str, str]]] = {}
    for match in line.matches:
        if match.kind == "checkout":
            _note_checkout(job, line, match.groups)
        elif match.kind == ERROR:
            _note_error(job, line)
        elif match.kind == "context":
            job.context[match.act].update(match.groups)
        elif match.act >= 0:
            by_act.setdefault(match.act, {}).setdefault(match.kind, match.groups)
    for index, kinds in by_act.items():
        scope = job.scopes.get(index)
        if scope is not None and "except" not in kinds:
            _read_kinds(job, scope, line, kinds)


def _note_checkout(job: _Job, line: Line, groups: Mapping[str, str]) -> None:
    """A job may check out other repositories, too; only its own commit says what was deployed."""
    if "fetched" in groups:
        job.fetched = groups["fetched"]
    elif not (job.fetched and line.repository and job.fetched.casefold() != line.repository.casefold()):
        job.sha = groups["sha"]


def _note_error(job: _Job, line: Line) -> None:
    for scope in job.scopes.values():
        for attempt in scope.open:
            attempt.error = attempt.error or line


def _read_kinds(job: _Job, scope: _Scope, line: Line, kinds: Mapping[str, Mapping[str, str]]) -> None:
    if "after" in kinds:
        scope.after_seen = True
    if "end" in kinds:
        _close(job, scope)
    for outcome in OUTCOMES:
        if outcome not in kinds or (outcome == "done" and scope.act.of("after") and not scope.after_seen):
            continue
        if _settle(job, scope, line, outcome, kinds[outcome]):
            return
    if "progress" in kinds:
        attempt = _waiting(scope, line, kinds["progress"])
        if attempt is not None:
            attempt.groups.update(kinds["progress"])
            attempt.last, attempt.error = line, None
    elif "start" in kinds:
        _announce(job, scope, line, kinds["start"])


def _announce(job: _Job, scope: _Scope, line: Line, groups: Mapping[str, str]) -> None:
    """Begin an attempt; the same announcement again, without an outcome between, goes on with the old one."""
    if scope.act.otherwise == "none":
        scope.open = []
    for attempt in scope.open:
        if attempt.outcomes == 0 and all(attempt.groups.get(name) == value for name, value in groups.items()):
            attempt.last, attempt.error = line, None
            return
    if scope.act.in_turn:
        for attempt in scope.open:
            if attempt.error is None:
                _emit(job, scope, line, "done", {}, attempt)
                attempt.outcomes += 1
    scope.open = [attempt for attempt in scope.open if attempt.outcomes == 0]
    scope.open.append(_Attempt(line, dict(groups), dict(scope.context), line))


def _waiting(scope: _Scope, line: Line, groups: Mapping[str, str]) -> _Attempt | None:
    """The youngest open attempt that the line can belong to."""
    for attempt in reversed(scope.open):
        near = scope.act.within is None or line.line_no - attempt.last.line_no <= scope.act.within
        if near and _agree(attempt.groups, groups):
            return attempt
    return None


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(one.get(name, value) == value for name, value in other.items())


def _settle(job: _Job, scope: _Scope, line: Line, outcome: str, groups: Mapping[str, str]) -> bool:
    """Use the line as an outcome; False when there is nothing that it could be the outcome of."""
    attempt = _waiting(scope, line, groups)
    if attempt is None:
        if outcome in ("rejected", "no-op") and _refine(scope, line, outcome, groups):
            return True
        if outcome not in scope.act.alone:
            return False
    elif outcome == "void":
        scope.open.remove(attempt)
        return True
    row = _emit(job, scope, line, outcome, groups, attempt)
    if outcome == "failed":
        scope.failures.append(_Failure(row, line, attempt, groups))
    if attempt is not None:
        attempt.outcomes += 1
        attempt.last = line
        if not scope.act.many:
            scope.open.remove(attempt)
    return True


def _refine(scope: _Scope, line: Line, outcome: str, groups: Mapping[str, str]) -> bool:
    """A reason that follows the failure tells that it was a rejection."""
    for failure in reversed(scope.failures):
        known = {**(failure.attempt.groups if failure.attempt else {}), **failure.groups}
        if line.line_no - failure.line.line_no <= REFINE_WITHIN and _agree(known, groups):
            scope.failures.remove(failure)
            failure.row.update(outcome=outcome, line_no=line.line_no, occurred_at=line.logged_at, text=line.text)
            return True
    return False


def _close(job: _Job, scope: _Scope) -> None:
    """No outcome came: the effect may or may not have happened."""
    for attempt in scope.open:
        outcome = scope.act.otherwise
        if outcome == "done" and (attempt.error or attempt.last.segment >= job.last_segment):
            outcome = "unknown"
        if attempt.outcomes == 0 and outcome != "none":
            _emit(job, scope, attempt.error or attempt.last, outcome, {}, attempt)
    scope.open = []


def _emit(
    job: _Job, scope: _Scope, line: Line, outcome: str, groups: Mapping[str, str], attempt: _Attempt | None
) -> dict[str, Any]:
    """Add the effect's row."""
    values: dict[str, str | None] = {
        "repository": line.repository or "?",
        "workflow": job.about.workflow or "?",
        "job": job.about.job or "?",
        "sha": job.sha,
        **(attempt.soft if attempt else scope.context),
        **scope.header,
        **(attempt.groups if attempt else {}),
        **groups,
    }
    target = _first(scope.act.target, values) or f"{scope.act.tool}:?"
    identity = _first(scope.act.identity, values)
    started = attempt.started if attempt else line
    row = {
        "repository": line.repository,
        "run_id": line.run_id,
        "attempt": line.attempt,
        "job_id": line.job_id,
        "step_number": line.step_number if line.step_number is not None else started.step_number,
        "started_at": started.logged_at,
        "occurred_at": line.logged_at,
        "tool": scope.act.tool,
        "effect": scope.act.effect,
        "target": target,
        "identity": identity,
        "outcome": outcome,
        "sha": job.sha,
        "rule": scope.act.rule,
        "line_no": line.line_no,
        "started_line_no": started.line_no if attempt else None,
        "text": line.text,
    }
    job.rows.append(row)
    return row


def _first(templates: Sequence[Template], values: Mapping[str, str | None]) -> str | None:
    return next((text for template in templates if (text := template.fill(values)) is not None), None)
