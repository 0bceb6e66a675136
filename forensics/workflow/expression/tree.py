"""The tree of an expression: frozen nodes that know where they stand.

Two trees are equal when they mean the same; where they stand does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as OneOf
from typing import TypeAlias

Comparison: TypeAlias = OneOf["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of the text, from 0, the end not included."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal:
    """null, true, false, a number (always a float) or a string with its quotes taken off."""

    value: bool | float | str | None
    span: Span = field(compare=False)

    def __eq__(self, other: object) -> bool:
        # In Python true equals 1 and 0 equals false; here they are different literals. NaN is always the one NAN.
        if not isinstance(other, Literal) or type(self.value) is not type(other.value):
            return False
        return self.value is other.value or self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class Context:
    """A named value: ``github``, ``inputs`` …; the name as written."""

    name: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """``target.key`` and ``target[key]``."""

    target: Node
    key: Node
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Filter:
    """``target.*`` and ``target[*]``."""

    target: Node
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; the name in lower case."""

    name: str
    arguments: tuple[Node, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """``!operand``."""

    operand: Node
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """One of the six comparisons."""

    operator: Comparison
    left: Node
    right: Node
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """``a && b && c``; no operand is itself an And, as in the runner, which counts such a row as one level."""

    operands: tuple[Node, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """``a || b || c``; no operand is itself an Or."""

    operands: tuple[Node, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Concat:
    """Text and expressions of one scalar, joined: what the runner writes as ``format('text{0}', …)``."""

    parts: tuple[Node, ...]
    """Literals with strings stand for the text between the expressions."""
    span: Span = field(compare=False)


Node: TypeAlias = Literal | Context | Index | Filter | Call | Not | Compare | And | Or | Concat


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below, from left to right."""
    match node:
        case Literal() | Context():
            return ()
        case Index(target, key):
            return (target, key)
        case Filter(target):
            return (target,)
        case Call(_, arguments):
            return arguments
        case Not(operand):
            return (operand,)
        case Compare(_, left, right):
            return (left, right)
        case And(operands) | Or(operands):
            return operands
        case Concat(parts):
            return parts


def depth(node: Node) -> int:
    """Levels of the tree as the runner counts them: a leaf alone is 1; each operator, index and call adds one."""
    deepest, rest = 0, [(node, 1)]
    while rest:
        here, level = rest.pop()
        deepest = max(deepest, level)
        rest.extend((child, level + 1) for child in children(here))
    return deepest
