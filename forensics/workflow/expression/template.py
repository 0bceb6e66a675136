"""A scalar of a workflow file: text with expressions in ``${{ }}``.

Source: ParseScalar in TemplateReader.cs of the runner (actions/runner at 258d6c8).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from forensics.workflow.expression.functions import MOST_ARGUMENTS
from forensics.workflow.expression.parser import (
    MOST_CHARACTERS,
    MOST_REMEMBERED,
    check_depth,
    check_length,
    parse_part,
    utf16_length,
)
from forensics.workflow.expression.problem import ExpressionError
from forensics.workflow.expression.scalars import WHITE_SPACE
from forensics.workflow.expression.tree import Concat, Literal, Node, Span

_OPENING = "${{"


@dataclass(frozen=True)
class Template:
    """A scalar that was read."""

    text: str
    """The scalar as the YAML reader gives it; the positions of all nodes count in it."""
    node: Node
    """A string literal for text alone; the expression itself where the scalar is nothing but one ``${{ }}``, which
    then keeps its type; else Concat."""

    @property
    def parts(self) -> tuple[Node, ...]:
        """Text, as string literals, and expressions, in order."""
        return self.node.parts if isinstance(self.node, Concat) else (self.node,)

    @property
    def is_literal(self) -> bool:
        """Whether it is text alone, or an expression that is nothing but a literal."""
        return isinstance(self.node, Literal)


def parse_template(text: str) -> Template:
    """Read a scalar.

    Raises:
        ExpressionError: A ``${{`` without its ``}}``, an empty or wrong expression, ``${{ insert }}``, or one of the
            limits, which hold for ``format('text{0}', …)``, as which the runner keeps text with expressions.
    """
    return _parse_short(text) if len(text) <= MOST_REMEMBERED else _parse(text)


def _parse(text: str) -> Template:
    whole = Span(0, len(text))
    parts: list[Node] = []
    characters = len("format('')")
    at = 0
    while (start := text.find(_OPENING, at)) >= 0:
        parts += _text(text, at, start)
        characters += _escaped_length(text[at:start])
        at = _find_end(text, start)
        inside = text[start + len(_OPENING) : at - 2]
        parts.append(_read_expression(text, start, inside))
        characters += len("{0}, ") + len(str(len(parts))) - 1 + utf16_length(inside.strip(WHITE_SPACE))
    parts += _text(text, at, len(text))
    if len(parts) == 1:
        return Template(text, parts[0])
    if not parts:
        return Template(text, Literal("", whole))
    node = Concat(tuple(parts), whole)
    if characters + _escaped_length(text[at:]) > MOST_CHARACTERS:
        raise ExpressionError(f"Text and expressions together have more than {MOST_CHARACTERS:,} characters")
    if sum(not _is_text(part, text) for part in parts) >= MOST_ARGUMENTS:
        raise ExpressionError(f"There are more than {MOST_ARGUMENTS - 1} expressions in one scalar")
    check_depth(node, text, 0)
    return Template(text, node)


_parse_short = lru_cache(maxsize=2048)(_parse)


def _find_end(text: str, start: int) -> int:
    """Behind the ``}}`` that closes the ``${{`` at ``start``; one in a string does not close it."""
    in_string = False
    for at in range(start + len(_OPENING), len(text)):
        if text[at] == "'":
            in_string = not in_string
        elif not in_string and text[at] == "}" and text[at - 1] == "}":
            return at + 1
    raise ExpressionError("An expression does not end", text=text, offset=start, found=_OPENING, expected="}}")


def _read_expression(text: str, start: int, inside: str) -> Node:
    check_length(inside.strip(WHITE_SPACE))
    first = start + len(_OPENING)
    if inside.strip(WHITE_SPACE) == "insert":
        raise ExpressionError(
            "Only a mapping can be inserted", text=text, offset=start, found="insert", expected="an expression"
        )
    return parse_part(text, first, first + len(inside))


def _text(text: str, start: int, end: int) -> list[Node]:
    return [Literal(text[start:end], Span(start, end))] if start < end else []


def _is_text(part: Node, text: str) -> bool:
    """Whether a part is text between expressions: a literal whose place holds just what it is."""
    return isinstance(part, Literal) and text[part.span.start : part.span.end] == part.value


def _escaped_length(text: str) -> int:
    return utf16_length(text) + sum(map(text.count, "'{}"))
