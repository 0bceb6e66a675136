"""The legs of a job's matrix, and its ``matrix`` and ``strategy`` contexts.

Source of the rules: GitHub's page "Running variations of jobs in a workflow" (include, exclude), and
``MatrixBuilder.cs`` of the runner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from forensics.concurrency.contexts import compute
from forensics.workflow.document import Job
from forensics.workflow.expression import (
    Array,
    Known,
    Object,
    Pattern,
    Unknown,
    Value,
    as_string,
    make_object,
    open_object,
    to_text,
    unknown,
)

MOST_LEGS = 256
"""GitHub's limit of jobs that one matrix makes."""


@dataclass(frozen=True)
class Leg:
    """One job that a matrix makes; a job without a matrix is one leg without values."""

    values: Mapping[str, Value] | None
    """None where the matrix is not known."""
    index: int | None = 0
    total: int | None = 1

    @property
    def matrix(self) -> Value:
        """The ``matrix`` context."""
        return open_object("matrix") if self.values is None else make_object(self.values)

    def strategy(self, job: Job) -> Object:
        """The ``strategy`` context."""
        said = job.strategy
        known: dict[str, Value] = {
            "job-index": unknown("strategy.job-index") if self.index is None else float(self.index),
            "job-total": unknown("strategy.job-total") if self.total is None else float(self.total),
            "fail-fast": True,
            "max-parallel": 1.0 if said is None else unknown("strategy.max-parallel"),
        }
        if said is not None and said.fail_fast is not None:
            value = said.fail_fast.value
            known["fail-fast"] = value if isinstance(value, bool) else unknown("strategy.fail-fast")
        if said is not None and said.max_parallel is not None and isinstance(said.max_parallel.value, int):
            known["max-parallel"] = float(said.max_parallel.value)
        elif said is not None and self.total is not None:
            known["max-parallel"] = float(self.total)
        return make_object(known)


UNKNOWN_LEG = Leg(None, None, None)


def expand(job: Job, contexts: Mapping[str, Value]) -> tuple[Leg, ...] | None:
    """All legs in GitHub's order; None where the file alone does not tell.

    A job without a matrix has one leg. ``contexts`` are those that ``jobs.<id>.strategy`` may read.
    """
    matrix = job.strategy.matrix if job.strategy else None
    if matrix is None:
        return (Leg({}),)
    values = compute(matrix[""], contexts, "matrix") if "" in matrix else compute(matrix, contexts, "matrix")
    plain = _plain(values)
    if not isinstance(plain, dict):
        return None
    rows = _combine(plain)
    if rows is None or not 0 < len(rows) <= MOST_LEGS:
        return None
    return tuple(Leg(row, place, len(rows)) for place, row in enumerate(rows))


def keys(job: Job) -> tuple[str, ...]:
    """The matrix's own keys, in order, as the file has them."""
    matrix = job.strategy.matrix if job.strategy else None
    return tuple(key for key in matrix or () if key not in ("", "include", "exclude"))


def suffix(leg: Leg) -> str | None:
    """What GitHub adds to the job's name: `` (20, ubuntu-latest)``; None where it is not known."""
    if leg.values is None:
        return None
    words = [word for value in leg.values.values() for word in _words(value)]
    if not words:
        return ""
    if any(word is None for word in words):
        return None
    return f" ({', '.join(str(word) for word in words)})"


def _words(value: Value) -> list[str | None]:
    """The values of a leg as names show them; objects and arrays show what is in them."""
    if isinstance(value, Unknown | Pattern):
        return [None]
    if isinstance(value, Object):
        return [word for _, inner in value.properties.values() for word in _words(inner)]
    if isinstance(value, Array):
        return [word for inner in value.items for word in _words(inner)]
    text = as_string(Known(value))
    return [to_text(text)] if isinstance(text, Known) else [None]


def _plain(value: Value) -> Any:
    """Objects as dicts and arrays as lists one has to look into; None where any of it is open."""
    if not isinstance(value, Object) or value.absent is not None:
        return None
    return dict(value.properties.values())


def _combine(matrix: Mapping[str, Value]) -> list[dict[str, Value]] | None:
    own = {key: value for key, value in matrix.items() if key not in ("include", "exclude")}
    lists = []
    for value in own.values():
        if not isinstance(value, Array):
            return None
        lists.append(value.items)
    include, exclude = _rows(matrix.get("include")), _rows(matrix.get("exclude"))
    if include is None or exclude is None:
        return None
    every = islice(product(*lists), 20 * MOST_LEGS) if lists else iter(())
    rows = [dict(zip(own, row, strict=True)) for row in every]
    rows = [row for row in rows if not any(_matches(row, out) for out in exclude)]
    return _include(rows, include, tuple(own))


def _rows(value: Value) -> list[dict[str, Value]] | None:
    """``include`` and ``exclude`` as dicts; None where one is not known."""
    if value is None:
        return []
    if not isinstance(value, Array):
        return None
    rows = [_plain(item) for item in value.items]
    return None if any(row is None for row in rows) else rows


def _matches(row: Mapping[str, Value], part: Mapping[str, Value]) -> bool:
    return all(key in row and same(row[key], value) for key, value in part.items())


def _include(
    rows: list[dict[str, Value]], include: list[dict[str, Value]], own: tuple[str, ...]
) -> list[dict[str, Value]]:
    """Each entry is added to every combination whose own values it does not change; else it is one of its own."""
    extended = [dict(row) for row in rows]
    alone = []
    for entry in include:
        fits = [
            place
            for place, row in enumerate(rows)
            if all(same(row[key], value) for key, value in entry.items() if key in own)
        ]
        for place in fits:
            extended[place] |= {key: value for key, value in entry.items() if key not in own}
        if not fits:
            alone.append(dict(entry))
    return extended + alone


def same(one: Value, other: Value) -> bool:
    """Whether two values of a matrix are equal all through."""
    if isinstance(one, Object) and isinstance(other, Object):
        return one.properties.keys() == other.properties.keys() and all(
            same(one.properties[key][1], other.properties[key][1]) for key in one.properties
        )
    if isinstance(one, Array) and isinstance(other, Array):
        return len(one.items) == len(other.items) and all(map(same, one.items, other.items))
    return type(one) is type(other) and one == other


def read_suffix(job: Job, text: str) -> Leg:
    """A leg from the values in a job's name, in the order of the matrix's keys, where their count fits."""
    names = keys(job)
    words = text.split(", ")
    if not names or len(words) != len(names):
        return UNKNOWN_LEG
    return Leg(dict(zip(names, words, strict=True)), None, None)
