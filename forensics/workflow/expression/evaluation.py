"""A tree and contexts to an outcome: known, a pattern, or unknown.

The law it keeps: whatever the unknown leaves turn out to be, the outcome holds for it. Where GitHub would fail for
some of what they can be, the outcome is Unknown; where it fails for all, ExpressionError is raised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from forensics.workflow.expression import functions
from forensics.workflow.expression.decision import alternatives, concat, equal, in_order, pieces_of, truth
from forensics.workflow.expression.problem import ExpressionError
from forensics.workflow.expression.scalars import fold, parse_number
from forensics.workflow.expression.template import Template
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
    children,
)
from forensics.workflow.expression.values import (
    FALSY,
    Array,
    Missing,
    Object,
    Outcome,
    Pattern,
    Unknown,
    Value,
    either,
    format_scalar,
    missing_of,
    to_outcome,
)

_Scope: TypeAlias = Mapping[str, Value]
_LARGEST_INDEX = 2_147_483_647


def evaluate(expression: Node | Template, contexts: Mapping[str, Value]) -> Outcome:
    """What an expression or a scalar comes to.

    ``contexts`` are values by name, in any case; a context that is not given is unknown. The outcome is
    ``Known(value)`` with null as None and numbers as float, ``Pattern`` for a string with gaps, or ``Unknown``.

    Raises:
        ExpressionError: GitHub fails here whatever the unknown values are: fromJSON of an empty string, a brace too
            many for format, a predicate of case that is no boolean, a string beyond a megabyte.
    """
    scope = {name.lower(): value for name, value in contexts.items()}
    try:
        if isinstance(expression, Template):
            return to_outcome(_run(expression.node, scope))
        return to_outcome(_run(expression, scope))
    except ExpressionError as error:
        if isinstance(expression, Template):
            raise error.in_text(expression.text) from error
        raise


def _run(node: Node, scope: _Scope) -> Value:
    return _RUNNERS[type(node)](node, scope)


def _literal(node: Literal, scope: _Scope) -> Value:
    return node.value


def _context(node: Context, scope: _Scope) -> Value:
    name = node.name.lower()
    return scope[name] if name in scope else Unknown((Missing(name, "is not given"),), leaf=True)


def _not(node: Not, scope: _Scope) -> Value:
    operand = _run(node.operand, scope)
    return _boolean(_negate(truth(operand)), operand)


def _compare(node: Compare, scope: _Scope) -> Value:
    left, right = _run(node.left, scope), _run(node.right, scope)
    if node.operator == "==":
        answer = equal(left, right)
    elif node.operator == "!=":
        answer = _negate(equal(left, right))
    else:
        answer = in_order(node.operator, left, right)
    return _boolean(answer, left, right)


def _negate(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _boolean(answer: bool | None, *operands: Value) -> Value:
    return Unknown(missing_of(*operands), among=(False, True)) if answer is None else answer


def _and(node: And, scope: _Scope) -> Value:
    return _logical(node.operands, scope, stop=False, stopping=_falsy)


def _or(node: Or, scope: _Scope) -> Value:
    return _logical(node.operands, scope, stop=True, stopping=_truthy)


def _logical(
    operands: tuple[Node, ...], scope: _Scope, *, stop: bool, stopping: Callable[[Value], tuple[Value, ...]]
) -> Value:
    """The first operand whose truth is ``stop``, else the last.

    Where it is not known whether an operand is the one, all that it can be if it is goes on a list: ``stopping``.
    """
    undecided: list[Value] = []
    value: Value = None
    for place, operand in enumerate(operands, start=1):
        value = (
            functions.attempt(operand, partial(_run, scope=scope), sure=False) if undecided else _run(operand, scope)
        )
        holds = truth(value)
        if holds is stop:
            break
        if holds is None and place < len(operands):
            undecided.append(value)
    if not undecided:
        return value
    # `x || x` is x, though it is not known which of the two it was.
    if isinstance(same := either([*undecided, value], ()), Unknown) and same.leaf:
        return same
    return either([one for each in undecided for one in stopping(each)] + [value], missing_of(*undecided))


def _falsy(value: Value) -> tuple[Value, ...]:
    """What a value can be if it does not hold: there are not many such values."""
    known = alternatives(value)
    if isinstance(value, Pattern):
        return ("",)
    return FALSY if known is None else tuple(one for one in known if truth(one) is not True)


def _truthy(value: Value) -> tuple[Value, ...]:
    known = alternatives(value)
    return (value,) if known is None else tuple(one for one in known if truth(one) is not False)


def _call(node: Call, scope: _Scope) -> Value:
    try:
        return functions.call(node.name, node.arguments, partial(_run, scope=scope))
    except ExpressionError as error:
        if error.offset is None:
            error.offset = node.span.start
        raise


def _concat(node: Concat, scope: _Scope) -> Value:
    pieces: list[str | Unknown] = []
    for part in node.parts:
        pieces.extend(pieces_of(_run(part, scope)))
    return concat(pieces)


def _index(node: Index, scope: _Scope) -> Value:
    target = _run(node.target, scope)
    kind = type(target)
    if kind is not Object and kind is not Array and kind is not Unknown:
        return None  # nothing else has properties, and the runner does not even evaluate the key
    key = functions.attempt(node.key, partial(_run, scope=scope), sure=kind is not Unknown)
    return _look_up(target, key)


def _look_up(target: Value, key: Value) -> Value:
    if isinstance(target, Unknown):
        return _look_up_unknown(target, key)
    if not isinstance(target, Object | Array):
        return None
    if isinstance(key, Unknown | Pattern):
        return _look_up_any(target, key)
    if isinstance(target, Object):
        return _look_up_property(target, key)
    if target.filtered:
        return _look_up_each(target, key)
    place = _place(key)
    return target.items[place] if place is not None and place < len(target.items) else None


def _look_up_property(target: Object, key: Value) -> Value:
    if isinstance(key, Array | Object | Unknown | Pattern):
        return None
    name = format_scalar(key)
    if (found := target.properties.get(fold(name))) is not None:
        return found[1]
    if target.absent is None:
        return None
    return Unknown((Missing(f"{target.absent.name}.{name}", target.absent.why),), leaf=True)


def _look_up_unknown(target: Unknown, key: Value) -> Value:
    if target.among is not None:
        return either([_look_up(one, key) for one in target.among], target.missing)
    if target.leaf and not isinstance(key, Unknown | Pattern | Array | Object):
        first = target.missing[0]
        return Unknown((Missing(f"{first.name}.{format_scalar(key)}", first.why),), leaf=True)
    return Unknown(missing_of(target, key))


def _look_up_any(target: Object | Array, key: Unknown | Pattern) -> Value:
    """An index that is not known: one of what it can find, or null."""
    known = alternatives(key)
    if known is not None and not any(isinstance(one, Pattern) for one in known):
        return either([_look_up(target, one) for one in known], missing_of(key))
    if isinstance(target, Array):
        if target.filtered:
            return Unknown(missing_of(key))
        return either([*target.items, None], missing_of(key))
    if target.absent is not None:
        return Unknown((*missing_of(key), target.absent))
    return either([*(value for _, value in target.properties.values()), None], missing_of(key))


def _look_up_each(target: Array, key: Value) -> Value:
    """An index behind ``.*``: of each item that has it, in one array. Unknown as a whole if an item may have it."""
    found: list[Value] = []
    for item in target.items:
        if isinstance(item, Unknown) or (isinstance(item, Array) and item.filtered):
            return Unknown(missing_of(*target.items))
        if isinstance(item, Array):
            place = _place(key)
            if place is not None and place < len(item.items):
                found.append(item.items[place])
        elif isinstance(item, Object) and not isinstance(key, Array | Object | Unknown | Pattern):
            name = fold(format_scalar(key))
            if name in item.properties:
                found.append(item.properties[name][1])
            elif item.absent is not None:
                return Unknown(missing_of(_look_up_property(item, key)))
    return Array(tuple(found), filtered=True)


def _place(key: Value) -> int | None:
    """The place in an array that an index means: rounded down, not negative, 32 bits."""
    number = parse_number(key) if isinstance(key, str) else 0.0 if key is None else key
    if isinstance(number, Array | Object | Unknown | Pattern) or not 0 <= number <= _LARGEST_INDEX + 0.999:
        return None
    return math.floor(number)


def _filter(node: Filter, scope: _Scope) -> Value:
    target = _run(node.target, scope)
    if isinstance(target, Unknown):
        missing = (
            tuple(Missing(f"{each.name}.*", each.why) for each in target.missing) if target.leaf else target.missing
        )
        return Unknown(missing, leaf=target.leaf)
    if isinstance(target, Array) and target.filtered:
        return _spread(target)
    return _members(target)


def _members(target: Value) -> Value:
    if isinstance(target, Array):
        return Array(target.items, filtered=True)
    if isinstance(target, Object):
        if target.absent is not None:
            return Unknown((Missing(f"{target.absent.name}.*", target.absent.why),))
        return Array(tuple(value for _, value in target.properties.values()), filtered=True)
    return Array((), filtered=True)


def _spread(target: Array) -> Value:
    """``.*`` behind ``.*``: the members of each item, in one array."""
    found: list[Value] = []
    for item in target.items:
        members = Unknown(item.missing) if isinstance(item, Unknown) else _members(item)
        if not isinstance(members, Array):
            return Unknown(missing_of(members))
        found.extend(members.items)
    return Array(tuple(found), filtered=True)


_RUNNERS: dict[type[Any], Callable[[Any, _Scope], Value]] = {
    And: _and,
    Call: _call,
    Compare: _compare,
    Concat: _concat,
    Context: _context,
    Filter: _filter,
    Index: _index,
    Literal: _literal,
    Not: _not,
    Or: _or,
}


def references(expression: Node | Template) -> tuple[str, ...]:
    """The dotted paths of contexts that it may read, in lower case, each once, from left to right.

    An index that is not written out is ``*``: ``inputs[github.ref]`` reads ``inputs.*`` and ``github.ref``.
    """
    return tuple(dict.fromkeys(_references(expression.node if isinstance(expression, Template) else expression)))


def _references(node: Node) -> Iterator[str]:
    path: list[str] = []
    keys: list[Node] = []
    here = node
    while isinstance(here, Index | Filter):
        key = here.key if isinstance(here, Index) else None
        path.append(format_scalar(key.value).lower() if isinstance(key, Literal) else "*")
        keys += [key] if key is not None else []
        here = here.target
    if isinstance(here, Context):
        yield ".".join((here.name.lower(), *reversed(path)))
    else:
        for child in children(here):
            yield from _references(child)
    for key in reversed(keys):
        yield from _references(key)
