"""Text of a YAML file to nodes that know where they stand, as GitHub's reader does it.

YAML 1.2's core schema decides what a plain scalar is (``on`` is a string), anchors and aliases work, merge keys do
not. Source: ``YamlObjectReader.cs`` of the runner (actions/runner at 258d6c8). GitHub scans with YamlDotNet, a port
of libyaml; we scan with libyaml itself, in C: it makes a tree of a file in well under a millisecond.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import yaml

from forensics.errors import EvidenceUnreadable
from forensics.workflow.document import Place, to_text

MOST_NODES = 200_000
"""Aliases may make a small file huge when it is written out ("billion laughs")."""

MOST_DEPTH = 100
"""GitHub allows 50; JSON, as which files are kept, about 250."""

# The C scanner; the Python one gives the same events, fifteen times slower, where PyYAML was built without libyaml.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULLS = frozenset(("", "null", "Null", "NULL", "~"))
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_CONSTANTS: dict[str, bool | None] = {**dict.fromkeys(_NULLS), **_BOOLEANS}
_NUMERIC = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = frozenset((".nan", ".NaN", ".NAN"))
_MOST_32_BITS = 0xFFFF_FFFF
# As many digits as a double can tell apart; Python refuses to read thousands of them as an integer.
_MOST_EXACT_DIGITS = 400

_TAG = "tag:yaml.org,2002:"


@dataclass(slots=True, eq=False)
class Leaf:
    """A scalar."""

    value: str | bool | int | float | None
    line: int
    column: int
    width: int = -1
    """Characters that it takes in the file with its quotes, anchor and tag; -1 where it is on several lines."""
    style: str = ""
    """``''`` plain, ``'`` and ``"`` quoted, ``|`` and ``>`` block."""
    size: int = 1
    height: int = 0

    @property
    def place(self) -> Place:
        """Where it begins."""
        return Place(self.line, self.column)

    @property
    def text(self) -> str:
        """The value as GitHub makes a string of it."""
        return self.value if isinstance(self.value, str) else to_text(self.value)


@dataclass(slots=True, eq=False)
class Row:
    """A sequence."""

    line: int
    column: int
    items: list[Node] = field(default_factory=list)
    size: int = 2
    height: int = 1

    @property
    def place(self) -> Place:
        """Where it begins."""
        return Place(self.line, self.column)


@dataclass(slots=True, eq=False)
class Table:
    """A mapping; keys as written, doubles among them."""

    line: int
    column: int
    pairs: list[tuple[Leaf, Node]] = field(default_factory=list)
    size: int = 2
    height: int = 1

    @property
    def place(self) -> Place:
        """Where it begins."""
        return Place(self.line, self.column)

    def get(self, name: str) -> Node | None:
        """The first value under a key."""
        # A loop, not next(): this is asked a hundred thousand times for a thousand files.
        for key, value in self.pairs:
            if key.value == name:
                return value
        return None


Node: TypeAlias = Leaf | Row | Table


@dataclass(frozen=True)
class Flaw:
    """Something that is sound YAML but that GitHub's reader does not take."""

    place: Place
    message: str


@dataclass(frozen=True)
class Composed:
    """A file."""

    root: Node
    flaws: tuple[Flaw, ...]


def compose(text: str) -> Composed:
    """Read a file of one document.

    Raises:
        EvidenceUnreadable: No sound YAML, with line and column; more than one document or none; aliases that hold
            themselves or unfold to more than MOST_NODES nodes; deeper than MOST_DEPTH.
    """
    return _Composer().compose(text)


class _Composer:
    """Builds the tree from events with a stack of its own: what is nested deeply must not exhaust Python's."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []
        self.anchors: dict[str, Node] = {}
        self.stack: list[Row | Table] = []
        self.keys: list[Leaf | bool | None] = []
        self.root: Node | None = None

    def compose(self, text: str) -> Composed:
        try:
            for event in yaml.parse(text.removeprefix("\ufeff"), Loader=_LOADER):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "an unknown place"
            raise EvidenceUnreadable(
                f"It is not sound YAML: {error.problem or error.context} at {where}.", hint="Mend that line."
            ) from error
        except yaml.reader.ReaderError as error:
            at = _where(text, error.position)
            raise EvidenceUnreadable(
                f"It is not sound YAML: {error.reason} at {at}.", hint="Take that character out."
            ) from error
        except (yaml.YAMLError, ValueError, RecursionError, MemoryError) as error:
            raise EvidenceUnreadable(f"It is not sound YAML: {error}.", hint="Check the file.") from error
        if isinstance(self.root, Leaf) and self.root.text == "":
            self.root = None
        if self.root is None:
            raise EvidenceUnreadable("It is empty.", hint="Leave it out, or check that it is whole.")
        return Composed(self.root, tuple(self.flaws))

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            node = self._leaf(event)
            if event.anchor is not None:
                self.anchors[event.anchor] = node
            self._add(node)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._open(event, Table if kind is yaml.MappingStartEvent else Row)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self.keys.pop()
            self._add(self.stack.pop())
        elif kind is yaml.AliasEvent:
            self._add(self._resolve(event))
        elif kind is yaml.DocumentStartEvent and self.root is not None:
            _refuse("There is a second document", event, "A workflow file is one document: take out the '---'.")

    def _open(self, event: Any, kind: type[Row | Table]) -> None:
        mark = event.start_mark
        node = kind(mark.line + 1, mark.column + 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self.stack.append(node)
        self.keys.append(None)
        if len(self.stack) > MOST_DEPTH:
            _refuse("It is nested too deeply", event, f"GitHub allows 50 levels, {MOST_DEPTH} are read.")

    def _resolve(self, event: Any) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:
            _refuse(f"There is no anchor '{event.anchor}'", event, "An alias needs its anchor before it.")
        if any(node is open_node for open_node in self.stack):
            _refuse("It is nested too deeply: an alias in it holds itself", event, "Check its anchors and aliases.")
        return node

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.size += node.size
        if parent.size > MOST_NODES:
            raise EvidenceUnreadable("Its aliases unfold to an absurd size.", hint="Check the file.")
        if node.height >= parent.height:
            parent.height = node.height + 1
            if parent.height > MOST_DEPTH:
                raise EvidenceUnreadable("Its aliases nest it too deeply.", hint="Check its anchors and aliases.")
        if isinstance(parent, Row):
            parent.items.append(node)
            return
        key = self.keys[-1]
        if key is None:
            if isinstance(node, Leaf):
                self.keys[-1] = node
            else:
                self.flaws.append(Flaw(node.place, "A key is a list or a mapping; expected text."))
                self.keys[-1] = False
            return
        if isinstance(key, Leaf):
            parent.pairs.append((key, node))
        self.keys[-1] = None

    def _leaf(self, event: Any) -> Leaf:
        mark = event.start_mark
        text, tag, style = event.value, event.tag, event.style or ""
        end = event.end_mark
        leaf = Leaf(
            text, mark.line + 1, mark.column + 1, end.column - mark.column if end.line == mark.line else -1, style
        )
        if tag is None:
            if not style:
                leaf.value = self._resolve_plain(leaf, text)
        elif tag != "!" and tag != f"{_TAG}str":
            self._apply_tag(leaf, text, tag)
        return leaf

    def _resolve_plain(self, leaf: Leaf, text: str) -> str | bool | int | float | None:
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] not in _NUMERIC:
            return text
        try:
            return _number(text)
        except ValueError:
            self.flaws.append(Flaw(leaf.place, f"The number '{text[:40]}' has more than 32 bits."))
            return text

    def _apply_tag(self, leaf: Leaf, text: str, tag: str) -> None:
        short = tag.removeprefix(_TAG)
        value = None if leaf.style else self._resolve_plain(leaf, text)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = {
            "bool": isinstance(value, bool),
            "null": value is None,
            "int": isinstance(value, int) and number,
            "float": number,
        }.get(short)
        if fits is None or not tag.startswith(_TAG):
            self.flaws.append(Flaw(leaf.place, f"The tag '{tag[:60]}' is not one that GitHub knows; leave it out."))
        elif leaf.style or not fits:
            self.flaws.append(
                Flaw(leaf.place, f"The value '{text[:40]}' does not fit the tag '!!{short}' before it.")
            )
        else:
            leaf.value = value


def _number(text: str) -> str | int | float:
    """The number that a plain scalar is, or the scalar. Raises ValueError for one too large for GitHub."""
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= _MOST_EXACT_DIGITS else float(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _BASED.fullmatch(text):
        bits = int(text[2:], 16 if text[1] == "x" else 8)
        if bits > _MOST_32_BITS:
            raise ValueError(text)
        return bits - (1 << 32) if bits >= 1 << 31 else bits
    if _INFINITY.fullmatch(text):
        return float("-inf") if text[0] == "-" else float("inf")
    return float("nan") if text in _NAN else text


def _refuse(what: str, event: Any, hint: str) -> NoReturn:
    mark = event.start_mark
    raise EvidenceUnreadable(f"{what} at line {mark.line + 1}, column {mark.column + 1}.", hint=hint)


def _where(text: str, position: int) -> str:
    before = text[:position] if 0 <= position <= len(text) else ""
    return f"line {before.count(chr(10)) + 1}, column {position - before.rfind(chr(10))}"
