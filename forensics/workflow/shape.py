"""What may stand at a place of a workflow file: the words in which schema_triggers and schema_jobs are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from forensics.workflow.expression.availability import ALLOWED, Availability

Kind: TypeAlias = Literal["string", "boolean", "number", "null"]

NOTHING = Availability(())
"""No expression may stand here."""

RUN = ALLOWED["concurrency"]
WORKFLOW_ENV = ALLOWED["env"]
CALL_OUTPUT = ALLOWED["on.workflow_call.outputs.value"]
CALLED_JOBS = ALLOWED["jobs.strategy"]
JOB_IF = ALLOWED["jobs.if"]
JOB = ALLOWED["jobs.concurrency"]
JOB_SECRETS = ALLOWED["jobs.secrets"]
STEP = ALLOWED["jobs.steps"]
STEP_IF = ALLOWED["jobs.steps.if"]
JOB_DEFAULTS = Availability((*JOB.contexts, "env"))
JOB_OUTPUT = Availability(STEP.contexts)
ENVIRONMENT_URL = Availability(tuple(name for name in STEP.contexts if name != "secrets"))
CREDENTIALS = Availability((*JOB.contexts, "secrets", "env"))


@dataclass(frozen=True)
class Shape:
    """What may stand at one place."""

    what: str
    """For messages: "expected" and this."""
    scalars: frozenset[Kind] = frozenset()
    nonempty: bool = False
    values: tuple[str, ...] = ()
    """The only strings there may be."""
    items: Shape | None = None
    """Of each item, where a list may stand."""
    fields: Mapping[str, Shape] | None = None
    """By key, where a mapping may stand."""
    required: tuple[str, ...] = ()
    loose: Shape | None = None
    """Of the values under any other key."""
    choices: Mapping[str, Shape] = field(default_factory=dict)
    """For a mapping that is one of several: by the key that tells which."""
    available: Availability = NOTHING
    condition: bool = False
    """An ``if``: an expression also without ``${{ }}``."""

    @property
    def is_mapping(self) -> bool:
        """Whether a mapping may stand here."""
        return self.fields is not None or self.loose is not None or bool(self.choices)


def text(what: str = "text", available: Availability = NOTHING, *, nonempty: bool = False) -> Shape:
    """A string; true, 1.5 and nothing are taken as one, as GitHub does."""
    return Shape(what, frozenset({"string"}), nonempty=nonempty, available=available)


def word(what: str = "text", available: Availability = NOTHING) -> Shape:
    """A string that is not empty."""
    return text(f"{what} (not empty)", available, nonempty=True)


def one_of(*values: str) -> Shape:
    """One of these strings."""
    listed = ", ".join(f"'{value}'" for value in values)
    return Shape(listed if len(values) == 1 else f"one of {listed}", frozenset({"string"}), values=values)


def boolean(available: Availability = NOTHING) -> Shape:
    """True or false, without quotes."""
    return Shape("true or false, without quotes", frozenset({"boolean"}), available=available)


def number(available: Availability = NOTHING) -> Shape:
    """A number, without quotes."""
    return Shape("a number, without quotes", frozenset({"number"}), available=available)


def words(what: str, item: Shape | None = None, available: Availability = NOTHING) -> Shape:
    """A string that is not empty, or a list of them."""
    item = item or word(available=available)
    return Shape(
        f"{what} or a list of them", item.scalars, item.nonempty, item.values, items=item, available=available
    )


def rows(what: str, item: Shape, available: Availability = NOTHING) -> Shape:
    """A list."""
    return Shape(what, items=item, available=available)


def table(what: str, value: Shape, available: Availability = NOTHING) -> Shape:
    """A mapping with keys of the author's choice."""
    return Shape(what, loose=value, available=available)


def record(
    what: str, fields: Mapping[str, Shape], required: tuple[str, ...] = (), available: Availability = NOTHING
) -> Shape:
    """A mapping with certain keys."""
    return Shape(what, fields=fields, required=required, available=available)


def either(what: str, *shapes: Shape, available: Availability = NOTHING) -> Shape:
    """What fits one of these; at most one of them is a list, at most one a mapping."""
    return Shape(
        what,
        frozenset().union(*(shape.scalars for shape in shapes)),
        any(shape.nonempty for shape in shapes),
        tuple(value for shape in shapes for value in shape.values),
        next((shape.items for shape in shapes if shape.items), None),
        next((shape.fields for shape in shapes if shape.fields is not None), None),
        tuple(name for shape in shapes for name in shape.required),
        next((shape.loose for shape in shapes if shape.loose), None),
        available=available,
    )


def maybe(shape: Shape) -> Shape:
    """The same, or nothing at all behind the colon."""
    return either(f"{shape.what}, or nothing", Shape("nothing", frozenset({"null"})), shape)


def anything(available: Availability) -> Shape:
    """Whatever YAML holds. It may hold itself, so it is made once for each availability."""
    scalars: frozenset[Kind] = frozenset({"string", "boolean", "number", "null"})
    shape = Shape("anything", scalars, available=available)
    # The one place where a shape holds itself; nobody else sees it before it is whole.
    object.__setattr__(shape, "items", shape)
    object.__setattr__(shape, "loose", shape)
    return shape


def condition(available: Availability) -> Shape:
    """An ``if``."""
    return Shape("a condition", frozenset({"string"}), available=available, condition=True)
