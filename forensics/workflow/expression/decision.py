"""Truth, equality, order and text of values, decided as far as what is not known allows.

Answers are True, False or None: None is "it depends on what is not known". The rules for known values are those of
EvaluationResult.cs in the runner (actions/runner at 258d6c8).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any, TypeAlias

from forensics.workflow.expression.problem import ExpressionError
from forensics.workflow.expression.scalars import fold, may_be_number, order_key, parse_number
from forensics.workflow.expression.values import (
    Array,
    Object,
    Pattern,
    Unknown,
    Value,
    format_scalar,
    is_certain,
    missing_of,
)

Pieces: TypeAlias = Sequence[str | Unknown]

MOST_TEXT = 524_288
"""Characters: the runner gives one evaluation a megabyte, and .NET needs two bytes for each."""
_MOST_PIECES = 1_024
_MOST_COMBINATIONS = 64
_ORDER: dict[str, Callable[[Any, Any], bool]] = {"<": operator.lt, ">": operator.gt}


def truth(value: Value) -> bool | None:
    """Whether it holds: all but null, false, 0, NaN and '' do."""
    if value is None or value is True or value is False:
        return bool(value)
    if isinstance(value, str):
        return value != ""
    if isinstance(value, float):
        return value == value and value != 0
    if isinstance(value, Unknown):
        return _agreed(truth(one) for one in value.among) if value.among is not None else None
    if isinstance(value, Pattern):
        return True if any(isinstance(piece, str) or _never_empty(piece) for piece in value.pieces) else None
    return True


def equal(left: Value, right: Value) -> bool | None:
    """``==``: loose, strings without regard to case, NaN equal to nothing, collections by identity."""
    if is_certain(left) and is_certain(right):
        return _equal_known(left, right)
    if _is_nan(left) or _is_nan(right):
        return False
    pairs = _combine(left, right)
    if pairs is None:
        return None
    return _agreed(_equal_alternatives(one, other) for one, other in pairs)


def in_order(sign: str, left: Value, right: Value) -> bool | None:
    """``<``, ``<=``, ``>``, ``>=``; nothing but numbers, strings and booleans has an order."""
    if len(sign) == 2 and (same := equal(left, right)) is not False:
        return True if same or in_order(sign[0], left, right) else None
    if is_certain(left) and is_certain(right):
        return _ordered_known(sign[0], left, right)
    if _is_nan(left) or _is_nan(right):
        return False
    pairs = _combine(left, right)
    if pairs is None:
        return None
    return _agreed(_ordered_alternatives(sign[0], one, other) for one, other in pairs)


def alternatives(value: Value) -> tuple[Value, ...] | None:
    """All that the value can be, Unknown not among them; None where there is no such list."""
    if isinstance(value, Unknown):
        return value.among
    if isinstance(value, Pattern):
        return _spell_out(value)
    return (value,)


def pieces_of(value: Value) -> tuple[str | Unknown, ...]:
    """The value as a string, in pieces."""
    if isinstance(value, Pattern):
        return value.pieces
    if isinstance(value, Unknown):
        return (value,)
    return (format_scalar(value),)


def concat(parts: Iterable[str | Unknown]) -> str | Pattern:
    """The parts as one string: a str where all of it is known.

    Raises:
        ExpressionError: It would be longer than the runner allows.
    """
    pieces: list[str | Unknown] = []
    run: list[str] = []
    length = 0
    for part in parts:
        if isinstance(part, str):
            run.append(part)
            length += len(part)
            if length > MOST_TEXT:
                raise ExpressionError(f"A string of more than {MOST_TEXT:,} characters comes out")
        else:
            if text := "".join(run):
                pieces.append(text)
            run = []
            pieces.append(part)
            if len(pieces) > _MOST_PIECES:
                return Pattern((Unknown(missing_of(*pieces)),))
    if not pieces:
        return "".join(run)
    if text := "".join(run):
        pieces.append(text)
    return Pattern(tuple(pieces))


def may_match(left: Pieces, right: Pieces) -> bool:
    """Whether two strings of which parts are not known can be the same, without regard to case.

    Exact for gaps that can be anything: two patterns that both have gaps can be the same if neither their beginnings
    nor their ends exclude it, for the gaps of each can take in the middle of the other.
    """
    one, other = _folded(left), _folded(right)
    if len(one) == 1 and len(other) == 1 and one[0] is not None and other[0] is not None:
        return one[0] == other[0]
    if None not in one:
        return _fits("".join(map(str, one)), other)
    if None not in other:
        return _fits("".join(map(str, other)), one)
    return _compatible(one[0] or "", other[0] or "", str.startswith) and _compatible(
        one[-1] or "", other[-1] or "", str.endswith
    )


def _equal_known(left: Value, right: Value) -> bool:
    left, right = _coerce(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right or fold(left) == fold(right)
    if isinstance(left, Array | Object) or isinstance(right, Array | Object):
        return left is right
    # Left are null beside null, two booleans, two numbers: NaN is unequal to itself in Python too.
    return type(left) is type(right) and left == right


def _ordered_known(sign: str, left: Value, right: Value) -> bool:
    left, right = _coerce(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _ORDER[sign](order_key(left), order_key(right))
    if isinstance(left, bool | float) and type(left) is type(right):
        return _ORDER[sign](left, right)
    return False


def _coerce(left: Value, right: Value) -> tuple[Value, Value]:
    """Values of two kinds as numbers where one is a number, a boolean or null, and the other no collection."""
    if type(left) is type(right):
        return left, right
    return _number(left), _number(right)


def _number(value: Value) -> Value:
    if isinstance(value, str):
        return parse_number(value)
    if value is None:
        return 0.0
    return float(value) if isinstance(value, bool) else value


def _equal_alternatives(left: Value, right: Value) -> bool | None:
    """Equality of two that are no Unknown, but may be Pattern."""
    if is_certain(left) and is_certain(right):
        return _equal_known(left, right)
    if isinstance(left, str | Pattern) and isinstance(right, str | Pattern):
        one, other = pieces_of(left), pieces_of(right)
        if not may_match(one, other):
            return False
        return True if _same(one, other) else None
    return None if _may_be_numeric(left, right) else False


def _ordered_alternatives(sign: str, left: Value, right: Value) -> bool | None:
    if is_certain(left) and is_certain(right):
        return _ordered_known(sign, left, right)
    if isinstance(left, str | Pattern) and isinstance(right, str | Pattern):
        return None
    return None if _may_be_numeric(left, right) else False


def _may_be_numeric(left: Value, right: Value) -> bool:
    """Whether a string with gaps can compare with what is no string: both have to be numbers then."""
    if isinstance(left, Array | Object) or isinstance(right, Array | Object):
        return False
    strings = [value for value in (left, right) if isinstance(value, str | Pattern)]
    return all(may_be_number(piece) for each in strings for piece in pieces_of(each) if isinstance(piece, str))


def _same(left: Pieces, right: Pieces) -> bool:
    """Whether two strings are surely the same, because the same things are unknown in the same places."""
    return len(left) == len(right) and all(map(_same_piece, left, right))


def _same_piece(left: str | Unknown, right: str | Unknown) -> bool:
    if isinstance(left, str) or isinstance(right, str):
        return isinstance(left, str) and isinstance(right, str) and fold(left) == fold(right)
    return left is right or (left.leaf and right.leaf and left.missing[0].name == right.missing[0].name)


def _is_nan(value: Value) -> bool:
    return isinstance(value, float) and value != value


def _never_empty(gap: Unknown) -> bool:
    """Whether this gap surely has characters in it."""
    return gap.among is not None and all(
        one not in (None, "") if not isinstance(one, Pattern) else truth(one) for one in gap.among
    )


def _combine(left: Value, right: Value) -> Iterator[tuple[Value, Value]] | None:
    """Every pair of what the two can be; None where there are too many."""
    ones, others = alternatives(left), alternatives(right)
    if ones is None or others is None or len(ones) * len(others) > _MOST_COMBINATIONS:
        return None
    return product(ones, others)


def _agreed(answers: Iterable[bool | None]) -> bool | None:
    """The answer that all give; None if they differ, or there are none."""
    seen = set(answers)
    return seen.pop() if len(seen) == 1 else None


def _spell_out(pattern: Pattern) -> tuple[Value, ...]:
    """Every string that a pattern can be, if its gaps are few enough; otherwise the pattern itself."""
    choices: list[tuple[str | Unknown, ...]] = []
    combinations = 1
    for piece in pattern.pieces:
        if isinstance(piece, str):
            choices.append((piece,))
            continue
        if piece.among is None or any(isinstance(one, Pattern | Unknown) for one in piece.among):
            return (pattern,)
        choices.append(tuple(format_scalar(one) for one in piece.among if not isinstance(one, Pattern | Unknown)))
        combinations *= len(choices[-1])
        if combinations > _MOST_COMBINATIONS:
            return (pattern,)
    return tuple(dict.fromkeys(concat(choice) for choice in product(*choices)))


def _folded(pieces: Pieces) -> list[str | None]:
    """Folded text, None for a gap; at least one."""
    return [fold(piece) if isinstance(piece, str) else None for piece in pieces] or [""]


def _fits(text: str, pattern: list[str | None]) -> bool:
    """Whether a folded string is one that the pattern, which has gaps, can be."""
    first, last = pattern[0] or "", pattern[-1] or ""
    if len(pattern) == 1:
        return pattern[0] is None or pattern[0] == text
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in pattern[1:-1]:
        if piece is None:
            continue
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _compatible(one: str, other: str, touches: Callable[[str, str], bool]) -> bool:
    return touches(one, other) or touches(other, one)
