"""toJSON and fromJSON as the runner has them: two spaces of indentation, Newtonsoft's escapes, G15 numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import JSONDecodeError
from typing import Any, NoReturn

from forensics.workflow.expression.problem import ExpressionError
from forensics.workflow.expression.scalars import WHITE_SPACE, format_number
from forensics.workflow.expression.values import (
    Array,
    Missing,
    Object,
    Pattern,
    Unknown,
    Value,
    missing_of,
    to_value,
)

# What JsonConvert.ToString escapes: the usual, control characters, and what ends a line in JavaScript.
_ESCAPED = re.compile('["\\\\\x00-\x1f\x85\u2028\u2029]')
# What a value can begin with for Newtonsoft: JSON, and ' / (comment), NaN, Infinity, undefined, new, .5
_BEGINNINGS = frozenset("{[\"'/-.0123456789tfnNIu")
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def write_json(value: Value, level: int = 0) -> Iterator[str | Unknown]:
    """The text of toJSON in pieces; what is not known leaves a gap."""
    if isinstance(value, str):
        yield _quote(value)
    elif value is None:
        yield "null"
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, float):
        yield format_number(value)
    elif isinstance(value, Array):
        yield from _write_members(value, "[]", level)
    elif isinstance(value, Object):
        if value.absent is not None:
            yield Unknown((*missing_of(*(held for _, held in value.properties.values())), value.absent))
        else:
            yield from _write_members(value, "{}", level)
    elif isinstance(value, Pattern):
        # A gap may need escapes, so that it is no longer the text of the leaf itself.
        yield '"'
        for piece in value.pieces:
            yield _escape(piece) if isinstance(piece, str) else Unknown(piece.missing)
        yield '"'
    else:
        yield Unknown(value.missing)


def read_json(text: str) -> Value:
    """The value of fromJSON.

    The runner reads with Newtonsoft, which forgives much: comments, single quotes, trailing commas, names without
    quotes, and whatever follows the first value. What only such a reader takes is Unknown here, not an error.

    Raises:
        ExpressionError: The text is empty, begins like no value, or stops in the middle, which no reader takes.
    """
    if not text.strip(WHITE_SPACE):
        raise ExpressionError("fromJSON cannot read an empty string", expected="JSON")
    if text.strip(WHITE_SPACE)[0] not in _BEGINNINGS:
        raise ExpressionError(f"fromJSON cannot read '{_shorten(text)}'", expected="JSON")
    try:
        # make_object settles names that differ in case only; of the very same name json keeps the last value.
        return to_value(json.loads(text, parse_int=float, parse_constant=_refuse_constant))
    except JSONDecodeError as error:
        if error.pos >= len(text.rstrip(WHITE_SPACE)) or error.msg.startswith("Unterminated string"):
            raise ExpressionError(f"fromJSON cannot read '{_shorten(text)}': it ends too early") from error
        return _doubtful(text, error.msg)
    except ExpressionError as error:
        return _doubtful(text, error.what)
    except (ValueError, RecursionError) as error:
        return _doubtful(text, str(error))


def _write_members(value: Array | Object, brackets: str, level: int) -> Iterator[str | Unknown]:
    members: Any = value.items if isinstance(value, Array) else value.properties.values()
    if not members:
        yield brackets
        return
    indent = "  " * (level + 1)
    before = f"{brackets[0]}\n"
    for member in members:
        if isinstance(value, Array):
            yield f"{before}{indent}"
            yield from write_json(member, level + 1)
        else:
            yield f"{before}{indent}{_quote(member[0])}: "
            yield from write_json(member[1], level + 1)
        before = ",\n"
    yield f"\n{'  ' * level}{brackets[1]}"


def _quote(text: str) -> str:
    return f'"{_escape(text)}"'


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}", text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _doubtful(text: str, problem: str) -> Unknown:
    return Unknown((Missing(f"fromJSON('{_shorten(text)}')", f"is not strict JSON ({problem}); GitHub may read it"),))


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
