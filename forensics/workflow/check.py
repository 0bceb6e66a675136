"""Does a file have the shape that GitHub takes? Every place where not, with what was found and what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal

from forensics.workflow.compose import Leaf, Node, Row, Table
from forensics.workflow.document import Place, Refusal
from forensics.workflow.expression import ExpressionError, parse, parse_template
from forensics.workflow.expression import Node as Expression
from forensics.workflow.expression.availability import Availability
from forensics.workflow.expression.functions import SIGNATURES
from forensics.workflow.expression.tree import Call, Concat, Context, children
from forensics.workflow.expression.tree import Literal as Constant
from forensics.workflow.shape import STEP_IF, Shape

MOST_REFUSALS = 100
"""Nobody reads more; GitHub itself stops at 10."""

_OPENING = "${{"
_INSERT = re.compile(r"\s*\$\{\{\s*insert\s*\}\}\s*")
_LONGEST_SHOWN = 60


class Check:
    """Walks nodes and shapes side by side and collects refusals."""

    def __init__(self, lines: int) -> None:
        self.refusals: list[Refusal] = []
        self._lines = lines

    def refuse(self, place: Place, message: str, severity: Literal["error", "warning"] = "error") -> None:
        """Add one, unless there are plenty."""
        if len(self.refusals) < MOST_REFUSALS:
            self.refusals.append(Refusal(place, message, severity))

    def visit(self, node: Node, shape: Shape, name: str) -> None:
        """A node that stands under ``name``."""
        if isinstance(node, Leaf):
            self._visit_leaf(node, shape, name)
        elif isinstance(node, Row):
            if shape.items is None:
                self.refuse(node.place, f"{_title(name)} is a list; expected {shape.what}.")
                return
            for item in node.items:
                self.visit(item, shape.items, name)
        elif shape.choices:
            self._visit_choice(node, shape, name)
        elif shape.fields is None and shape.loose is None:
            self.refuse(node.place, f"{_title(name)} is a mapping; expected {shape.what}.")
        else:
            self._visit_table(node, shape, name)

    def _visit_choice(self, node: Table, shape: Shape, name: str) -> None:
        for key, _ in node.pairs:
            chosen = shape.choices.get(key.text)
            if chosen is not None:
                self._visit_table(node, chosen, name)
                return
        self.refuse(node.place, f"{_title(name)} lacks what it does; expected {shape.what}.")

    def _visit_table(self, node: Table, shape: Shape, name: str) -> None:
        fields, loose = shape.fields or {}, shape.loose
        seen: dict[str, Leaf] = {}
        computed = False
        for key, value in node.pairs:
            text = key.text
            if _OPENING in text:
                computed = True
                self._visit_computed(key, value, shape)
                continue
            upper = text.upper()
            if upper in seen:
                first = seen[upper]
                self.refuse(key.place, f"'{_short(text)}' is already defined at line {first.line}; expected it once.")
                continue
            seen[upper] = key
            field = fields.get(text, loose)
            if field is None:
                self._refuse_key(key, shape, name)
            elif not text:
                self.refuse(key.place, f"A key in {_title(name, inside=True)} is empty; expected a name.")
            else:
                self.visit(value, field, text)
        if not computed:
            for required in shape.required:
                if required.upper() not in seen:
                    self.refuse(node.place, f"{_title(name)} lacks '{required}'; expected {shape.what}.")

    def _visit_computed(self, key: Leaf, value: Node, shape: Shape) -> None:
        """A key that is an expression, as ``${{ insert }}``."""
        if not shape.available.contexts:
            self.refuse(key.place, f"The key '{_short(key.text)}' is an expression; expected a fixed name here.")
            return
        if not _INSERT.fullmatch(key.text):
            self._check_template(key, shape.available)
        if shape.fields is None and shape.loose is not None:
            self.visit(value, shape.loose, key.text)

    def _refuse_key(self, key: Leaf, shape: Shape, name: str) -> None:
        names = list(shape.fields or ())
        near = get_close_matches(key.text, names, 1, 0.7)
        guess = f"did you mean '{near[0]}'? Expected" if near else "expected"
        listed = ", ".join(names)
        self.refuse(
            key.place, f"Unknown key '{_short(key.text)}' in {_title(name, inside=True)}; {guess} one of: {listed}."
        )

    def _visit_leaf(self, leaf: Leaf, shape: Shape, name: str) -> None:
        value = leaf.value
        if isinstance(value, str):
            if _OPENING in value:
                constant = self._check_template(leaf, shape.available, allowed=shape)
                if constant is None:
                    return
                # From here on GitHub has the string: what looks at the leaf later must see it too.
                leaf.value = value = constant
            if shape.condition:
                self._check_condition(leaf, value, shape.available)
                return
            kind = "string"
        elif value is None:
            kind = "null"
        else:
            kind = "boolean" if isinstance(value, bool) else "number"
        if kind != "string" and kind in shape.scalars:
            return
        if "string" in shape.scalars:
            text = value if isinstance(value, str) else leaf.text
            if text in shape.values if shape.values else (text or not shape.nonempty):
                return
        self.refuse(leaf.place, _say_unexpected(name, value, leaf, shape))

    def _check_template(self, leaf: Leaf, available: Availability, allowed: Shape | None = None) -> str | None:
        """Refuse what is wrong with a scalar with expressions; its text where it is nothing but a string."""
        text = str(leaf.value)
        found = _read(text, False)
        if isinstance(found, ExpressionError):
            self._refuse_expression(leaf, found)
            return None
        if isinstance(found.node, Constant) and isinstance(found.node.value, str):
            return found.node.value
        problems = tuple(_find_unavailable(found, available))
        for problem, offset in problems:
            self.refuse(self._place_in(leaf, text, offset), problem)
        if not available.contexts:
            if not problems:
                self.refuse(leaf.place, f"'{_short(text)}' is an expression; GitHub evaluates none here.")
        elif allowed is not None and allowed.condition and isinstance(found.node, Concat):
            self.refuse(
                leaf.place,
                "The condition is text with an expression in it, so it always holds; put all of it into one ${{ }}.",
                "warning",
            )
        return None

    def _check_condition(self, leaf: Leaf, text: str, available: Availability) -> None:
        if not text.strip():
            return
        found = _read(text, True)
        if isinstance(found, ExpressionError):
            self._refuse_expression(leaf, found)
            return
        for problem, offset in _find_unavailable(found, available):
            self.refuse(self._place_in(leaf, text, offset), problem)

    def _refuse_expression(self, leaf: Leaf, error: ExpressionError) -> None:
        found = f": found '{_short(error.found)}'" if error.found else ""
        expected = f"; expected {error.expected}" if error.expected else ""
        place = leaf.place if error.offset is None else self._place_in(leaf, str(leaf.value), error.offset)
        self.refuse(place, f"The expression is wrong. {error.what}{found}{expected}.")

    def _place_in(self, leaf: Leaf, text: str, offset: int) -> Place:
        """Where a character of a scalar stands: exact on one line, the line in a literal block, else its begin."""
        line = text.count("\n", 0, offset)
        if leaf.style == "|":
            return Place(min(leaf.line + 1 + line, self._lines), 1)
        quotes = 1 if leaf.style in ("'", '"') else 0
        if leaf.width == len(text) + 2 * quotes:
            return Place(leaf.line, leaf.column + quotes + offset)
        return leaf.place


@dataclass(frozen=True)
class _Found:
    """An expression, and what it uses: name, whether a function, with arguments, and offset.

    Kept by text, not by node: nodes are equal wherever they stand.
    """

    node: Expression
    uses: tuple[tuple[str, bool, bool, int], ...]


@lru_cache(maxsize=8192)
def _read(text: str, bare: bool) -> _Found | ExpressionError:
    """An expression without ``${{ }}``, or a scalar with them."""
    try:
        node = parse(text) if bare else parse_template(text).node
    except ExpressionError as error:
        return error
    return _Found(node, tuple(_walk(node)))


def _walk(node: Expression) -> Iterable[tuple[str, bool, bool, int]]:
    if isinstance(node, Context):
        yield node.name, False, False, node.span.start
    elif isinstance(node, Call) and SIGNATURES[node.name].only_at:
        yield SIGNATURES[node.name].name, True, bool(node.arguments), node.span.start
    for child in children(node):
        yield from _walk(child)


def _find_unavailable(found: _Found, available: Availability) -> Iterable[tuple[str, int]]:
    for name, is_function, has_arguments, offset in found.uses:
        if not is_function:
            if name.lower() not in available.contexts:
                there = f"there are {', '.join(available.contexts)}" if available.contexts else "there is no context"
                yield f"The context '{name}' is not available here; {there}.", offset
        elif name.lower() not in available.functions:
            yield (
                f"The function '{name}()' is not available here; it is in {SIGNATURES[name.lower()].only_at}.",
                offset,
            )
        elif has_arguments and name in ("success", "failure") and available == STEP_IF:
            yield f"'{name}()' takes no arguments in the condition of a step.", offset


def _say_unexpected(name: str, value: object, leaf: Leaf, shape: Shape) -> str:
    text = _short(value if isinstance(value, str) else leaf.text)
    if value is None or text == "":
        return f"{_title(name)} is empty; expected {shape.what}."
    near = get_close_matches(text, shape.values, 1, 0.7)
    guess = f"; did you mean '{near[0]}'?" if near and len(shape.values) > 3 else f"; expected {shape.what}."
    return f"{_title(name)} is '{text}'{guess}"


def _title(name: str, *, inside: bool = False) -> str:
    if not name:
        return "the workflow" if inside else "The workflow"
    return f"'{_short(name)}'"


def _short(text: str) -> str:
    line = text.replace("\r", " ").replace("\n", " ")
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 1]}…"
