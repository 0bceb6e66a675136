"""Text to tokens, by the rules of the runner's LexicalAnalyzer.cs (actions/runner at 258d6c8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from forensics.workflow.expression.problem import ExpressionError
from forensics.workflow.expression.scalars import NAN, WHITE_SPACE, parse_number

Kind: TypeAlias = Literal["value", "name", "property", "operator", "punctuation", "wildcard", "end"]

_BLANK = frozenset(WHITE_SPACE)
_BOUNDARY = frozenset("([)],.!><=&|") | _BLANK
_KEYWORD = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]*")
_OPERATORS = ("==", "!=", "<=", ">=", "&&", "||", "!", "<", ">")
_CONSTANTS: dict[str, bool | float | None] = {
    "null": None,
    "true": True,
    "false": False,
    "NaN": NAN,
    "Infinity": float("inf"),
}


@dataclass(frozen=True, slots=True)
class Token:
    """One token. ``text`` is as written; ``value`` is set where ``kind`` is value."""

    kind: Kind
    text: str
    start: int
    end: int
    value: bool | float | str | None = None


def read_tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """The tokens of ``text[start:end]``, one of kind ``end`` last; positions count in the whole text.

    Raises:
        ExpressionError: A string without its end, a number that is none, a character that begins nothing.
    """
    stop = len(text) if end is None else end
    at, previous = start, None
    while True:
        while at < stop and text[at] in _BLANK:
            at += 1
        token = _read(text, at, stop, previous) if at < stop else Token("end", "", stop, stop)
        yield token
        if token.kind == "end":
            return
        at, previous = token.end, token


def is_keyword(text: str) -> bool:
    """Whether a name may be written as it is: behind a dot, or as a context or function."""
    return _KEYWORD.fullmatch(text) is not None


def _read(text: str, at: int, stop: int, previous: Token | None) -> Token:
    first = text[at]
    if first in "()[],":
        return Token("punctuation", first, at, at + 1)
    if first == "*":
        return Token("wildcard", first, at, at + 1)
    if first == "'":
        return _read_string(text, at, stop)
    if first in "!<>=&|":
        return _read_operator(text, at, stop)
    if first == "." and not _begins_operand(previous):
        return Token("punctuation", first, at, at + 1)
    if first in "+-.0123456789":
        return _read_number(text, at, stop)
    return _read_word(text, at, stop, behind_dot=previous is not None and previous.text == ".")


def _begins_operand(previous: Token | None) -> bool:
    """Whether a dot after this token begins a number such as ``.5``."""
    return previous is None or previous.kind == "operator" or previous.text in ("(", "[", ",")


def _read_string(text: str, at: int, stop: int) -> Token:
    here = at + 1
    while here < stop:
        if text[here] != "'":
            here += 1
        elif here + 1 < stop and text[here + 1] == "'":
            here += 2
        else:
            return Token("value", text[at : here + 1], at, here + 1, text[at + 1 : here].replace("''", "'"))
    raise ExpressionError("A string does not end", text=text, offset=at, found=text[at:stop], expected="a closing '")


def _read_operator(text: str, at: int, stop: int) -> Token:
    for operator in _OPERATORS:
        if text.startswith(operator, at, stop):
            return Token("operator", operator, at, at + len(operator))
    raise ExpressionError(
        "Unexpected symbol", text=text, offset=at, found=text[at], expected=f"{text[at] * 2} or another operator"
    )


def _read_number(text: str, at: int, stop: int) -> Token:
    end = _find_boundary(text, at, stop, inside=".")
    number = parse_number(text[at:end])
    if number != number:
        raise ExpressionError("Unexpected symbol", text=text, offset=at, found=text[at:end], expected="a number")
    return Token("value", text[at:end], at, end, number)


def _read_word(text: str, at: int, stop: int, *, behind_dot: bool) -> Token:
    end = _find_boundary(text, at, stop)
    word = text[at:end]
    if not is_keyword(word):
        raise ExpressionError("Unexpected symbol", text=text, offset=at, found=word, expected="a value")
    if behind_dot:
        return Token("property", word, at, end)
    if word in _CONSTANTS:
        return Token("value", word, at, end, _CONSTANTS[word])
    return Token("name", word, at, end)


def _find_boundary(text: str, at: int, stop: int, *, inside: str = "") -> int:
    end = at + 1
    while end < stop and (text[end] not in _BOUNDARY or text[end] in inside):
        end += 1
    return end
