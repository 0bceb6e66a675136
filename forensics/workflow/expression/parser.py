"""Tokens to a tree, by precedence climbing.

Precedence, as Token.cs of the runner has it: ``()`` 20, ``[]``, ``.`` and calls 19, ``!`` 16, ``< <= > >=`` 11,
``== !=`` 10, ``&&`` 6, ``||`` 5; all but ``!`` from left to right.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from forensics.workflow.expression.availability import CONTEXTS
from forensics.workflow.expression.functions import SIGNATURES
from forensics.workflow.expression.lexer import Token, read_tokens
from forensics.workflow.expression.problem import ExpressionError
from forensics.workflow.expression.tree import (
    And,
    Call,
    Compare,
    Context,
    Filter,
    Index,
    Literal,
    Node,
    Not,
    Or,
    Span,
    depth,
)

MOST_CHARACTERS = 21_000
MOST_LEVELS = 50
MOST_REMEMBERED = 1_000
"""Characters of what is read once and remembered: groups are short, and nobody shall fill the memory with others."""
_NOT = 16
_PRECEDENCE = {"<": 11, "<=": 11, ">": 11, ">=": 11, "==": 10, "!=": 10, "&&": 6, "||": 5}
_A_VALUE = "a value"
# Ours recurses where the runner keeps a stack; more of this means more levels than allowed, or nonsense.
_MOST_RECURSION = 120


def parse(text: str) -> Node:
    """Read one expression, without ``${{ }}`` around it.

    Raises:
        ExpressionError: With the place, what was found and what was expected; also for contexts and functions that
            GitHub does not have, a wrong number of arguments, more than 21,000 characters and more than 50 levels.
    """
    return _parse_short(text) if len(text) <= MOST_REMEMBERED else _parse(text)


def _parse(text: str) -> Node:
    check_length(text)
    return parse_part(text, 0, len(text))


_parse_short = lru_cache(maxsize=2048)(_parse)


def parse_part(text: str, start: int, end: int) -> Node:
    """Read the expression in ``text[start:end]``; positions, also in errors, count in the whole text."""
    node = _Parser(text, start, end).parse()
    check_depth(node, text, start)
    return node


def check_length(text: str) -> None:
    """Raise ExpressionError for more characters than the runner reads."""
    if utf16_length(text) > MOST_CHARACTERS:
        raise ExpressionError(f"The expression has more than {MOST_CHARACTERS:,} characters")


def check_depth(node: Node, text: str, start: int) -> None:
    """Raise ExpressionError for more levels than the runner evaluates."""
    if depth(node) > MOST_LEVELS:
        raise _too_deep(text, start)


def utf16_length(text: str) -> int:
    """Characters as .NET counts them."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Parser:
    """One pass over the tokens of one expression, with one token of lookahead."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._tokens = read_tokens(text, start, end)
        self._token = next(self._tokens)
        self._recursion = 0

    def parse(self) -> Node:
        if self._at_end():
            raise self._refuse("The expression is empty", _A_VALUE)
        node = self._read_expression(0)
        if not self._at_end():
            raise self._refuse("Unexpected symbol", "an operator or the end")
        return node

    def _read_expression(self, lowest: int) -> Node:
        self._recursion += 1
        if self._recursion > _MOST_RECURSION:
            raise _too_deep(self._text, self._token.start)
        # Groups that stand first are counted, not recursed into: ((((a)))) has one level, however many there are.
        groups = []
        while self._token.text == "(":
            groups.append(self._advance())
        node = self._read_operand()
        for group in reversed(groups):
            node = self._read_operators(node, 0)
            self._expect(")", "an operator or ')'")
            node = self._read_indexes(replace(node, span=Span(group.start, self._end)))
        node = self._read_operators(node, lowest)
        self._recursion -= 1
        return node

    def _read_operators(self, left: Node, lowest: int) -> Node:
        while self._token.kind == "operator":
            operator = self._token.text
            precedence = _PRECEDENCE.get(operator, 0)
            if not precedence or precedence <= lowest:
                break
            self._advance()
            right = self._read_expression(precedence)
            left = _join(operator, left, right)
        return left

    def _read_operand(self) -> Node:
        token = self._token
        if token.kind == "value":
            self._advance()
            return Literal(token.value, Span(token.start, token.end))
        if token.text == "!" and token.kind == "operator":
            self._advance()
            operand = self._read_expression(_NOT)
            return Not(operand, Span(token.start, operand.span.end))
        if token.kind == "name":
            return self._read_indexes(self._read_name())
        raise self._refuse(self._surprise(), _A_VALUE)

    def _read_name(self) -> Node:
        name = self._advance()
        if self._token.text == "(":
            return self._read_call(name)
        if name.text.lower() not in CONTEXTS:
            raise self._refuse("Unrecognized named-value", f"one of {', '.join(CONTEXTS)}", name)
        return Context(name.text, Span(name.start, name.end))

    def _read_call(self, name: Token) -> Node:
        function = name.text.lower()
        if function not in SIGNATURES:
            raise self._refuse(
                "Unrecognized function", f"one of {', '.join(s.name for s in SIGNATURES.values())}", name
            )
        self._advance()
        arguments: list[Node] = []
        while self._token.text != ")" or arguments:
            arguments.append(self._read_expression(0))
            if self._token.text != ",":
                break
            self._advance()
        self._expect(")", "',', an operator or ')'")
        signature = SIGNATURES[function]
        if problem := signature.find_problem(len(arguments)):
            raise self._refuse(f"{signature.name} takes {problem}, not {len(arguments)}", "", name)
        return Call(function, tuple(arguments), Span(name.start, self._end))

    def _read_indexes(self, node: Node) -> Node:
        """What follows a context, a call, a group or another index: ``.name``, ``.*``, ``[key]``, ``[*]``."""
        while self._token.text in (".", "["):
            opening = self._advance()
            if self._token.kind == "wildcard":
                self._advance()
                self._close(opening)
                node = Filter(node, Span(node.span.start, self._end))
            elif opening.text == ".":
                if self._token.kind != "property":
                    raise self._refuse(self._surprise(), "a name or '*'")
                key = self._advance()
                node = Index(node, Literal(key.text, Span(key.start, key.end)), Span(node.span.start, key.end))
            else:
                inside = self._read_expression(0)
                self._close(opening)
                node = Index(node, inside, Span(node.span.start, self._end))
        return node

    def _close(self, opening: Token) -> None:
        if opening.text == "[":
            self._expect("]", "']'")

    def _expect(self, closing: str, expected: str) -> None:
        if self._token.text != closing:
            raise self._refuse(self._surprise(), expected)
        self._advance()

    def _surprise(self) -> str:
        return "The expression ends too early" if self._at_end() else "Unexpected symbol"

    def _at_end(self) -> bool:
        return self._token.kind == "end"

    def _advance(self) -> Token:
        token = self._token
        self._end = token.end
        self._token = next(self._tokens)
        return token

    def _refuse(self, what: str, expected: str, token: Token | None = None) -> ExpressionError:
        here = token or self._token
        return ExpressionError(what, text=self._text, offset=here.start, found=here.text, expected=expected)


def _join(operator: str, left: Node, right: Node) -> Node:
    """The node of a binary operator; rows of && and of || become one node, as in the runner."""
    span = Span(left.span.start, right.span.end)
    if operator == "&&":
        return And(_operands(left, And) + _operands(right, And), span)
    if operator == "||":
        return Or(_operands(left, Or) + _operands(right, Or), span)
    return Compare(operator, left, right, span)  # type: ignore[arg-type]  # the six that are left


def _operands(node: Node, kind: type[And] | type[Or]) -> tuple[Node, ...]:
    return node.operands if isinstance(node, kind) else (node,)


def _too_deep(text: str, offset: int) -> ExpressionError:
    return ExpressionError(f"The expression has more than {MOST_LEVELS} levels", text=text, offset=offset)
