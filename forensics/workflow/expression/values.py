"""What an expression works with: GitHub's six kinds of values, and what is not or not wholly known.

The evaluator passes values around bare: null is None, a number is always a float, and beside Array and Object stand
Pattern (a string with gaps) and Unknown (anything). An outcome, as callers get it, says which of the three it is:
Known, Pattern or Unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from forensics.workflow.expression.problem import ExpressionError
from forensics.workflow.expression.scalars import NAN, fold, format_number

Scalar: TypeAlias = bool | float | str | None

_MOST_LEVELS = 100
_MOST_ALTERNATIVES = 16


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is not known: its dotted name, and why as the end of a sentence."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} {self.why}"


@dataclass(frozen=True, eq=False, slots=True)
class Array:
    """An array; two are equal only if they are the same one."""

    items: tuple[Value, ...]
    filtered: bool = False
    """Made by ``.*``: a further index goes into each item."""


@dataclass(frozen=True, eq=False, slots=True)
class Object:
    """An object with case-insensitive names; two are equal only if they are the same one."""

    properties: Mapping[str, tuple[str, Value]]
    """By folded name: the name as written, and the value."""
    absent: Missing | None = None
    """None: it is closed, what is not in it is null. Else it is open: what is not in it is not known either; the
    name is the object's own, to which the property's is added."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything."""

    missing: tuple[Missing, ...]
    """What would have to be known."""
    leaf: bool = False
    """It is the very value of ``missing[0]``, not something made from it."""
    among: tuple[Value, ...] | None = None
    """All that it can be, where that is a short list; Pattern may be in it, Unknown is not. None: no such list."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is not known and why, a sentence without its full stop each."""
        return tuple(map(str, self.missing))


@dataclass(frozen=True, slots=True)
class Pattern:
    """A string of which parts are not known: literal text (never empty, never two in a row) and gaps."""

    pieces: tuple[str | Unknown, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What is not known and why, each once."""
        return tuple(map(str, missing_of(self)))

    @property
    def prefix(self) -> str:
        """What it surely begins with."""
        return self.pieces[0] if isinstance(self.pieces[0], str) else ""

    @property
    def suffix(self) -> str:
        """What it surely ends with."""
        return self.pieces[-1] if isinstance(self.pieces[-1], str) else ""


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is known. In an Array or Object there may be items that are not."""

    value: Scalar | Array | Object


Value: TypeAlias = Scalar | Array | Object | Pattern | Unknown
Outcome: TypeAlias = Known | Pattern | Unknown

FALSY: tuple[Scalar, ...] = (None, False, 0.0, NAN, "")
"""All values that do not hold (-0 is 0 wherever one could see it)."""


def to_value(plain: Any, *, level: int = 1) -> Value:
    """A value from plain data as json or YAML readers give it; values pass unchanged, objects become closed.

    Raises:
        ExpressionError: It nests more than 100 levels deep, or holds something that GitHub has no kind for.
    """
    if plain is None or isinstance(plain, bool | float | str | Array | Object | Pattern | Unknown):
        return plain
    if isinstance(plain, int):
        return _to_float(plain)
    if level > _MOST_LEVELS:
        raise ExpressionError(f"A value nests deeper than {_MOST_LEVELS} levels")
    if isinstance(plain, Mapping):
        return make_object({str(name): to_value(value, level=level + 1) for name, value in plain.items()})
    if isinstance(plain, list | tuple):
        return Array(tuple(to_value(item, level=level + 1) for item in plain))
    raise ExpressionError(f"There is no value of GitHub's for a Python {type(plain).__name__}")


def make_object(properties: Mapping[str, Value], *, absent: Missing | None = None) -> Object:
    """An object; closed, or open with what to say about properties that it lacks.

    Of names that differ only in case the last value wins, under the first name, as in the runner.
    """
    folded: dict[str, tuple[str, Value]] = {}
    for name, value in properties.items():
        key = fold(name)
        folded[key] = (folded[key][0] if key in folded else name, value)
    return Object(folded, absent)


def open_object(name: str, properties: Mapping[str, Any] | None = None, *, why: str = "is not recorded") -> Object:
    """An object called ``name`` of which only some properties are known: plain data or values."""
    known = {key: to_value(value) for key, value in (properties or {}).items()}
    return make_object(known, absent=Missing(name, why))


def unknown(name: str, why: str = "is not recorded", *, among: Iterable[Value] | None = None) -> Unknown:
    """A value that is not known, by its dotted name; ``among`` lists all that it can be."""
    return Unknown((Missing(name, why),), leaf=True, among=None if among is None else tuple(among))


def missing_of(*values: Value) -> tuple[Missing, ...]:
    """What would have to be known for these values, each once, in order."""
    found: dict[Missing, None] = {}
    for value in values:
        if isinstance(value, Unknown):
            found.update(dict.fromkeys(value.missing))
        elif isinstance(value, Pattern):
            found.update(dict.fromkeys(missing_of(*value.pieces)))
    return tuple(found)


def to_outcome(value: Value) -> Outcome:
    """The value with its certainty."""
    return value if isinstance(value, Pattern | Unknown) else Known(value)


def is_certain(value: Value) -> bool:
    """Whether it is neither Pattern nor Unknown."""
    return type(value) is not Unknown and type(value) is not Pattern


def format_scalar(value: Scalar | Array | Object) -> str:
    """The string that GitHub makes of a known value: null is empty, collections are their kind's name."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_number(value)
    return "Array" if isinstance(value, Array) else "Object"


def either(values: Iterable[Value], missing: tuple[Missing, ...]) -> Value:
    """One of these, it is not known which, for want of ``missing``; just the one where all are the same."""
    distinct: dict[object, Value] = {}
    for value in values:
        distinct.setdefault(_identity(value), value)
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    alternatives: dict[object, Value] = {}
    for value in distinct.values():
        if not isinstance(value, Unknown):
            alternatives[_identity(value)] = value
        elif value.among is None:
            return Unknown(_united(missing, values=distinct.values()))
        else:
            alternatives.update((_identity(one), one) for one in value.among)
    if len(alternatives) == 1:
        return next(iter(alternatives.values()))
    united = _united(missing, values=distinct.values())
    return Unknown(united, among=tuple(alternatives.values()) if len(alternatives) <= _MOST_ALTERNATIVES else None)


def _united(missing: tuple[Missing, ...], values: Iterable[Value]) -> tuple[Missing, ...]:
    return tuple(dict.fromkeys((*missing, *missing_of(*values))))


def _identity(value: Value) -> object:
    """Equal for values that are the same in every way that an expression can see."""
    if isinstance(value, Array | Object):
        return id(value)
    if isinstance(value, Unknown):
        # What is made from the same things need not be the same.
        return ("leaf", value.missing[0].name) if value.leaf else id(value)
    if isinstance(value, Pattern):
        return tuple(map(_identity, value.pieces))
    if isinstance(value, float) and value != value:
        return "NaN", float
    return value, type(value)


def _to_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
