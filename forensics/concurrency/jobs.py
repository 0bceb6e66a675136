"""Which job of the workflow file a job of a past run was, by the name that GitHub gave it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from forensics.concurrency.contexts import compute
from forensics.concurrency.legs import UNKNOWN_LEG, Leg, expand, read_suffix, suffix
from forensics.workflow.document import Document, Job
from forensics.workflow.expression import Known, Pattern, Unknown, Value, as_string, unknown

BETWEEN = " / "
"""Parts a calling job's name from that of the job that it called."""


@dataclass(frozen=True)
class Identified:
    """A job of a past run as a job of a file."""

    job: Job
    leg: Leg
    name: str
    """The name of this job; of a call, without what follows for the called job."""
    rest: str | None = None
    """Of a call, the name of the called job in the called file."""


@dataclass(frozen=True)
class _Shape:
    """How a leg's name reads."""

    job: Job
    leg: Leg | None
    """None: to be read from the suffix."""
    text: re.Pattern[str]
    loose: bool


class Names:
    """The names that the jobs of one file can have."""

    def __init__(self, document: Document) -> None:
        self._shapes = [shape for job in document.jobs for shape in _shapes(job)]
        # What is wholly known comes first: a pattern may fit more than its own.
        self._shapes.sort(key=lambda shape: shape.loose)
        self._found: dict[str, Identified | None] = {}

    def identify(self, name: str) -> Identified | None:
        """The job that has this name; None where none fits."""
        if name not in self._found:
            self._found[name] = self._identify(name)
        return self._found[name]

    def _identify(self, name: str) -> Identified | None:
        for shape in self._shapes:
            if matched := shape.text.fullmatch(name):
                return _identified(shape, matched[0], matched, None)
        for shape in self._shapes:
            if shape.job.call is None:
                continue
            # A name may hold the sign itself: the shortest beginning that fits is the caller's.
            for cut in re.finditer(re.escape(BETWEEN), name):
                if matched := shape.text.fullmatch(name[: cut.start()]):
                    return _identified(shape, matched[0], matched, name[cut.end() :])
        return None


def _identified(shape: _Shape, name: str, matched: re.Match[str], rest: str | None) -> Identified:
    leg = shape.leg
    if leg is None:
        inside = matched.groupdict().get("values")
        leg = read_suffix(shape.job, inside) if inside is not None else UNKNOWN_LEG
    return Identified(shape.job, leg, name, rest)


_UNREAD: Mapping[str, Value] = {name: unknown(name) for name in ("github", "inputs", "vars", "needs")}
"""Names of jobs are read without a run: what depends on one is a gap."""


def _shapes(job: Job) -> list[_Shape]:
    legs = expand(job, _UNREAD)
    if legs is None:
        return [_shape(job, None, None)]
    return [_shape(job, leg, leg) for leg in legs] + ([_bare(job)] if job.strategy and job.strategy.matrix else [])


def _shape(job: Job, leg: Leg | None, known: Leg | None) -> _Shape:
    said = job.name.value if job.name is not None else None
    text = _name(job, known)
    dynamic = isinstance(said, str) and "${{" in said
    pattern = _regex(text)
    loose = not isinstance(text, Known)
    if not dynamic and (known is None or known.values):
        end = suffix(known) if known is not None else None
        # With a name: that has no expression GitHub adds the values as well.
        pattern += re.escape(end) if end is not None else r" \((?P<values>.*)\)"
        loose = loose or end is None
    return _Shape(job, leg, re.compile(pattern, re.DOTALL), loose)


def _bare(job: Job) -> _Shape:
    """A job of a matrix that was skipped, or cancelled before it had legs: its name as the file has it."""
    said = job.name.text if job.name is not None else job.id
    return _Shape(job, UNKNOWN_LEG, re.compile(re.escape(said)), False)


def _name(job: Job, leg: Leg | None) -> Known | Pattern:
    if job.name is None or job.name.text == "":
        return Known(job.id)
    contexts = dict(_UNREAD)
    contexts["matrix"] = leg.matrix if leg is not None else unknown("matrix")
    contexts["strategy"] = (leg or UNKNOWN_LEG).strategy(job)
    value = compute(job.name, contexts, "name")
    return as_string(value if isinstance(value, Pattern | Unknown) else Known(value))


def _regex(name: Known | Pattern) -> str:
    if isinstance(name, Known):
        return re.escape(str(name.value))
    return "".join(re.escape(piece) if isinstance(piece, str) else ".*" for piece in name.pieces)


def results_of(document: Document, conclusions: Mapping[str, list[str | None]]) -> dict[str, str]:
    """``needs.<id>.result`` by job id, from the conclusions of each job's legs; unfinished ones are left out.

    Source of the order: a matrix has failed when a leg failed, else is cancelled when one was (GitHub's page
    "Contexts", needs.<job_id>.result).
    """
    told: dict[str, str] = {}
    for job in document.jobs:
        said = conclusions.get(job.id)
        if not said or any(one is None for one in said):
            continue
        kinds = {"failure" if one == "timed_out" else one for one in said}
        found = next((one for one in ("failure", "cancelled", "success", "skipped") if one in kinds), None)
        if found is not None:
            told[job.id] = found
    return told
