"""A tree back to text, with no more parentheses than it needs; reading that gives the same tree."""

from __future__ import annotations

from forensics.workflow.expression.lexer import is_keyword
from forensics.workflow.expression.tree import (
    And,
    Call,
    Compare,
    Concat,
    Context,
    Filter,
    Index,
    Literal,
    Node,
    Not,
    Or,
)

_OR, _AND, _EQUAL, _ORDER, _NOT, _INDEX, _ATOM = 5, 6, 10, 11, 16, 19, 20


def print_node(node: Node) -> str:
    """The expression as text, without ``${{ }}``; functions in lower case, contexts as written."""
    return _print(node, 0)


def _print(node: Node, least: int) -> str:
    text, precedence = _print_bare(node)
    return f"({text})" if precedence < least else text


def _print_bare(node: Node) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds."""
    match node:
        case Literal(value):
            # A literal cannot be indexed without parentheses.
            return _print_literal(value), _INDEX - 1
        case Context(name):
            return name, _ATOM
        case Call(name, arguments):
            return f"{name}({', '.join(_print(each, 0) for each in arguments)})", _ATOM
        case Filter(target):
            return f"{_print(target, _INDEX)}.*", _INDEX
        case Index(target, Literal(str(key))) if is_keyword(key):
            return f"{_print(target, _INDEX)}.{key}", _INDEX
        case Index(target, key):
            return f"{_print(target, _INDEX)}[{_print(key, 0)}]", _INDEX
        case Not(operand):
            return f"!{_print(operand, _NOT)}", _NOT
        case Compare(operator, left, right):
            precedence = _EQUAL if operator in ("==", "!=") else _ORDER
            return f"{_print(left, precedence)} {operator} {_print(right, precedence + 1)}", precedence
        case And(operands):
            return " && ".join(_print(each, _AND + 1) for each in operands), _AND
        case Or(operands):
            return " || ".join(_print(each, _OR + 1) for each in operands), _OR
        case Concat(parts):
            return _print_concat(parts), _ATOM


def _print_literal(value: bool | float | str | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value != value:
        return "NaN"
    # All digits, unlike toJSON and format: reading it again has to give the same number.
    return repr(value).replace("inf", "Infinity").removesuffix(".0")


def _print_concat(parts: tuple[Node, ...]) -> str:
    """As the runner writes it: every part that is no text is an argument of format()."""
    template = ""
    arguments: list[str] = []
    for part in parts:
        if isinstance(part, Literal) and isinstance(part.value, str):
            template += part.value.replace("{", "{{").replace("}", "}}")
        else:
            template += f"{{{len(arguments)}}}"
            arguments.append(_print(part, 0))
    return f"format({', '.join((_print_literal(template), *arguments))})"
