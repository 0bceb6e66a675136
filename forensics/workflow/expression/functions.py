"""The functions of the expression language.

Each gets its arguments as nodes and what evaluates them, because the runner evaluates lazily: an argument that
``format`` does not mention, or that a ``case`` does not reach, never runs and cannot fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from forensics.workflow.expression.decision import (
    Pieces,
    alternatives,
    concat,
    equal,
    may_match,
    pieces_of,
)
from forensics.workflow.expression.format_string import read_format
from forensics.workflow.expression.json_text import read_json, write_json
from forensics.workflow.expression.printer import print_node
from forensics.workflow.expression.problem import ExpressionError
from forensics.workflow.expression.scalars import fold
from forensics.workflow.expression.values import (
    Array,
    Missing,
    Object,
    Pattern,
    Unknown,
    Value,
    either,
    format_scalar,
    missing_of,
)

if TYPE_CHECKING:
    from forensics.workflow.expression.tree import Node

    Run: TypeAlias = Callable[[Node], Value]
    Function: TypeAlias = Callable[[Sequence[Node], Run], Value]

MOST_ARGUMENTS = 255
_MOST_TESTS = 64
_MOST_FORMAT_PIECES = 10_000
_GAP = Unknown(())


@dataclass(frozen=True)
class Signature:
    """A function by its name as GitHub writes it, and how many arguments it takes."""

    name: str
    least: int
    most: int
    odd: bool = False
    only_at: str = ""
    """Where it is not everywhere: where it is. It cannot be evaluated outside a running workflow."""

    def find_problem(self, count: int) -> str:
        """What the function takes instead, if not this many."""
        if self.least <= count <= self.most and (count % 2 or not self.odd):
            return ""
        if self.odd:
            return f"an odd number of arguments, {self.least} to {self.most}"
        amount = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
        return f"{amount} argument{'' if amount == '1' else 's'}"


SIGNATURES = {
    signature.name.lower(): signature
    for signature in (
        Signature("case", 3, MOST_ARGUMENTS, odd=True),
        Signature("contains", 2, 2),
        Signature("endsWith", 2, 2),
        Signature("format", 1, MOST_ARGUMENTS),
        Signature("fromJSON", 1, 1),
        Signature("join", 1, 2),
        Signature("startsWith", 2, 2),
        Signature("toJSON", 1, 1),
        Signature("hashFiles", 1, MOST_ARGUMENTS, only_at="steps"),
        Signature("success", 0, MOST_ARGUMENTS, only_at="an if"),
        Signature("failure", 0, MOST_ARGUMENTS, only_at="an if"),
        Signature("always", 0, 0, only_at="an if"),
        Signature("cancelled", 0, 0, only_at="an if"),
    )
}
"""By lower-case name; how many arguments, from ExpressionConstants.cs and workflow-v1.0.json."""


def call(name: str, arguments: Sequence[Node], run: Run) -> Value:
    """The value of a function of SIGNATURES. Raises ExpressionError where it fails in every case."""
    function = _FUNCTIONS.get(name)
    if function is None:
        signature = SIGNATURES[name]
        return Unknown(
            (Missing(f"{signature.name}()", f"is decided while a workflow runs, only in {signature.only_at}"),)
        )
    return function(arguments, run)


def attempt(node: Node, run: Run, *, sure: bool) -> Value:
    """The value of a node that perhaps never runs: unless it surely does, its failure is one more unknown."""
    try:
        return run(node)
    except ExpressionError as error:
        if sure:
            raise
        return Unknown((Missing(print_node(node), f"fails: {error.what}"),))


def _case(arguments: Sequence[Node], run: Run) -> Value:
    possible: list[Value] = []
    undecided: list[Value] = []
    for at in range(0, len(arguments) - 1, 2):
        predicate = attempt(arguments[at], run, sure=not undecided)
        if isinstance(predicate, Unknown):
            if (
                not undecided
                and predicate.among is not None
                and not any(isinstance(x, bool) for x in predicate.among)
            ):
                raise _not_boolean(predicate)
            undecided.append(predicate)
            possible.append(attempt(arguments[at + 1], run, sure=False))
        elif not isinstance(predicate, bool):
            if undecided:
                undecided.append(Unknown((Missing("a predicate of case", "is no boolean, which fails"),)))
                return Unknown(missing_of(*undecided, *possible))
            raise _not_boolean(predicate)
        elif predicate:
            possible.append(attempt(arguments[at + 1], run, sure=not undecided))
            return either(possible, missing_of(*undecided))
    possible.append(attempt(arguments[-1], run, sure=not undecided))
    return either(possible, missing_of(*undecided))


def _not_boolean(value: Value) -> ExpressionError:
    shown = "" if isinstance(value, Unknown | Pattern) else f" '{format_scalar(value)}'"
    return ExpressionError(f"A predicate of case must be a boolean, and{shown} is none")


def _contains(arguments: Sequence[Node], run: Run) -> Value:
    search = run(arguments[0])
    if isinstance(search, Object) or (isinstance(search, Array) and not search.items):
        return False
    item = attempt(arguments[1], run, sure=not isinstance(search, Unknown))
    return _decide(search, item, _contains_one)


def _contains_one(search: Value, item: Value) -> bool | None:
    if isinstance(search, Object):
        return False
    if isinstance(search, Array):
        answers = [equal(item, one) for one in search.items]
        return True if True in answers else None if None in answers else False
    if isinstance(item, Array | Object):
        return False
    whole, part = pieces_of(search), pieces_of(item)
    if not may_match((_GAP, *_trim(part), _GAP), whole):
        return False
    known = fold(part[0]) if len(part) == 1 and isinstance(part[0], str) else None
    surely = known is not None and any(known in fold(piece) for piece in whole if isinstance(piece, str))
    return True if surely or known == "" else None


def _starts_with(arguments: Sequence[Node], run: Run) -> Value:
    return _test_edge(arguments, run, _starts_one)


def _ends_with(arguments: Sequence[Node], run: Run) -> Value:
    return _test_edge(arguments, run, _ends_one)


def _test_edge(arguments: Sequence[Node], run: Run, test: Callable[[Value, Value], bool | None]) -> Value:
    whole = run(arguments[0])
    if isinstance(whole, Array | Object):
        return False
    part = attempt(arguments[1], run, sure=not isinstance(whole, Unknown))
    return _decide(whole, part, test)


def _starts_one(whole: Value, part: Value) -> bool | None:
    if isinstance(whole, Array | Object) or isinstance(part, Array | Object):
        return False
    text, wanted = pieces_of(whole), pieces_of(part)
    if not may_match((*_trim(wanted), _GAP), text):
        return False
    known = isinstance(wanted[0], str) and len(wanted) == 1
    return True if known and _starts(text[0], wanted[0]) else None


def _ends_one(whole: Value, part: Value) -> bool | None:
    if isinstance(whole, Array | Object) or isinstance(part, Array | Object):
        return False
    text, wanted = pieces_of(whole), pieces_of(part)
    if not may_match((_GAP, *_trim(wanted)), text):
        return False
    known = isinstance(wanted[0], str) and len(wanted) == 1
    return True if known and _ends(text[-1], wanted[0]) else None


def _starts(text: str | Unknown, wanted: str | Unknown) -> bool:
    if not isinstance(wanted, str) or not wanted:
        return True
    return isinstance(text, str) and fold(text).startswith(fold(wanted))


def _ends(text: str | Unknown, wanted: str | Unknown) -> bool:
    if not isinstance(wanted, str) or not wanted:
        return True
    return isinstance(text, str) and fold(text).endswith(fold(wanted))


def _trim(pieces: Pieces) -> Pieces:
    """The pieces without an empty string as the only one, which is no piece of a pattern."""
    return () if pieces == ("",) else pieces


def _decide(left: Value, right: Value, test: Callable[[Value, Value], bool | None]) -> Value:
    """The answer of a test, asked of everything that the two can be."""
    ones, others = alternatives(left), alternatives(right)
    if ones is not None and others is not None and len(ones) * len(others) <= _MOST_TESTS:
        answers = {test(one, other) for one in ones for other in others}
        if len(answers) == 1 and (answer := answers.pop()) is not None:
            return answer
    return Unknown(missing_of(left, right, *_held(left)), among=(False, True))


def _held(value: Value) -> tuple[Value, ...]:
    return value.items if isinstance(value, Array) else ()


def _format(arguments: Sequence[Node], run: Run) -> Value:
    template = run(arguments[0])
    if isinstance(template, Pattern | Unknown):
        return Pattern((Unknown(missing_of(template)),))
    pieces: list[str | Unknown] = []
    filled: dict[int, tuple[str | Unknown, ...]] = {}
    for part in read_format(format_scalar(template), len(arguments) - 1):
        if isinstance(part, str):
            pieces.append(part)
            continue
        if part not in filled:
            filled[part] = pieces_of(run(arguments[part + 1]))
        pieces.extend(filled[part])
        if len(pieces) > _MOST_FORMAT_PIECES:
            pieces = list(pieces_of(concat(pieces)))
    return concat(pieces)


def _join(arguments: Sequence[Node], run: Run) -> Value:
    items = run(arguments[0])
    if isinstance(items, Object):
        return ""
    if not isinstance(items, Array):
        if isinstance(items, Unknown):
            return Pattern((Unknown(missing_of(items)),))
        return items if isinstance(items, Pattern) else format_scalar(items)
    separator: tuple[str | Unknown, ...] = (",",)
    if len(items.items) > 1 and len(arguments) > 1:
        given = run(arguments[1])
        if isinstance(given, Unknown):
            separator = (Unknown(given.missing),)
        elif not isinstance(given, Array | Object):
            separator = pieces_of(given)
    return concat(_interleave(items.items, separator))


def _interleave(items: Sequence[Value], separator: Pieces) -> Iterator[str | Unknown]:
    for place, item in enumerate(items):
        yield from separator if place else ()
        yield from pieces_of(item)


def _to_json(arguments: Sequence[Node], run: Run) -> Value:
    return concat(write_json(run(arguments[0])))


def _from_json(arguments: Sequence[Node], run: Run) -> Value:
    text = run(arguments[0])
    if isinstance(text, Unknown | Pattern):
        return Unknown(missing_of(text))
    return read_json(format_scalar(text))


_FUNCTIONS: dict[str, Function] = {
    "case": _case,
    "contains": _contains,
    "endswith": _ends_with,
    "format": _format,
    "fromjson": _from_json,
    "join": _join,
    "startswith": _starts_with,
    "tojson": _to_json,
}
