"""Rule files: YAML 1.2 into rules, every complaint with file, line and column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from forensics.effects.act import KINDS, OUTCOMES, Act, Example, Expected, Pattern, Place, Rule
from forensics.effects.template import BUILTINS, Template, read_template
from forensics.errors import RuleInvalid

MAX_BYTES = 256 * 1024
"""A rule file is a page of text; anything larger is a mistake."""

_RULE_KEYS = ("id", "tool", "title", "about", "misses", "effects", "examples")
_ACT_KEYS = (
    "effect", "about", *KINDS, "alone", "many", "in-turn", "within", "otherwise", "command-required", "target",
    "identity",
)  # fmt: skip
_EXAMPLE_KEYS = ("name", "log", "repository", "workflow", "job", "effects")
_EXPECTED_KEYS = ("target", "identity", "outcome", "line", "started", "effect", "sha")
_OTHERWISE = ("unknown", "done", "rejected", "failed", "none")
_GROUP = re.compile(r"\(\?P<([^>]*)>")
_GUIDE = "See docs/rules.md for the keys of a rule file."


def read_rule(path: Path, shown: str, *, draft: bool = False, proved: bool = False) -> Rule:
    """Read one rule file; ``shown`` is its name in messages.

    A ``draft`` may still be without examples. Of a file that is ``proved`` already they are left out: they are its
    larger half, and every worker of a load would read them for nothing.

    Raises:
        RuleInvalid: with ``shown``, line and column, and what is wrong there.
    """
    source = _load(path, shown, proved)
    node = _Node(source, Place(shown, 1, 1))
    node.allow(_RULE_KEYS)
    rule_id, tool = node.text("id"), node.text("tool")
    if rule_id != path.stem:
        raise node.wrong("id", f"id '{rule_id}' differs from the file name '{path.stem}'")
    acts = tuple(_read_act(item, rule_id, tool) for item in node.items("effects"))
    if not acts:
        raise node.wrong("effects", "there is no effect")
    unproved = (draft or proved) and "examples" not in source
    examples = () if unproved else tuple(_read_example(item) for item in node.items("examples"))
    if not unproved and len({bool(example.effects) for example in examples}) != 2:
        raise node.wrong("examples", "there has to be an example with an effect and one without")
    return Rule(
        rule_id, tool, node.text("title"), node.text("about"), node.text("misses", ""), acts, examples, node.place
    )


def _load(path: Path, shown: str, proved: bool) -> CommentedMap:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RuleInvalid(f"{shown}: larger than {MAX_BYTES} bytes", hint=_GUIDE)
        text = path.read_text(encoding="utf-8")
        head, found, _ = text.partition("\nexamples:\n")
        source = YAML(typ="rt", pure=True).load(head if proved and found and "\neffects:\n" in head else text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{shown}:{mark.line + 1}:{mark.column + 1}" if mark else shown
        raise RuleInvalid(f"{place}: {error.problem or 'not YAML'}", hint=_GUIDE) from error
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise RuleInvalid(f"{shown}: cannot be read: {error}", hint=_GUIDE) from error
    if not isinstance(source, CommentedMap):
        raise RuleInvalid(f"{shown}:1:1: not a mapping", hint=_GUIDE)
    return source


class _Node:
    """A mapping of the file that knows where its keys and values stand."""

    def __init__(self, source: CommentedMap, place: Place) -> None:
        self.source = source
        self.place = place

    def at(self, key: str) -> Place:
        if key not in self.source:
            return self.place
        line, column = self.source.lc.value(key)
        return Place(self.place.file, line + 1, column + 1)

    def wrong(self, key: str, why: str) -> RuleInvalid:
        return RuleInvalid(f"{self.at(key)}: {why}", hint=_GUIDE)

    def allow(self, keys: tuple[str, ...]) -> None:
        for key in self.source:
            if key not in keys:
                line, column = self.source.lc.key(key)
                place = Place(self.place.file, line + 1, column + 1)
                raise RuleInvalid(f"{place}: unknown key '{key}'; there are {', '.join(keys)}", hint=_GUIDE)

    def value(self, key: str, kind: type, default: Any = ...) -> Any:
        found = self.source.get(key, default)
        if found is ...:
            raise self.wrong(key, f"key '{key}' is missing")
        if found is not default and (not isinstance(found, kind) or (kind is int and isinstance(found, bool))):
            raise self.wrong(key, f"'{key}' has to be {kind.__name__}, not {type(found).__name__}")
        return found

    def text(self, key: str, default: Any = ...) -> Any:
        found = self.value(key, str, default)
        return str(found).strip() if isinstance(found, str) else found

    def items(self, key: str) -> list[_Node]:
        found: CommentedSeq = self.value(key, list)
        nodes = []
        for index, item in enumerate(found):
            place = self.item(found, index)
            if not isinstance(item, CommentedMap):
                raise RuleInvalid(f"{place}: not a mapping", hint=_GUIDE)
            nodes.append(_Node(item, place))
        return nodes

    def item(self, sequence: CommentedSeq, index: int) -> Place:
        line, column = sequence.lc.item(index)
        return Place(self.place.file, line + 1, column + 1)

    def texts(self, key: str) -> list[tuple[str, Place]]:
        """One text or a list of texts, with their places."""
        found = self.source.get(key, [])
        if isinstance(found, str):
            return [(str(found), self.at(key))]
        if not isinstance(found, CommentedSeq):
            if found == []:
                return []
            raise self.wrong(key, f"'{key}' has to be a text or a list of texts")
        for index, item in enumerate(found):
            if not isinstance(item, str):
                raise RuleInvalid(f"{self.item(found, index)}: not a text", hint=_GUIDE)
        return [(str(item), self.item(found, index)) for index, item in enumerate(found)]


def _read_act(node: _Node, rule_id: str, tool: str) -> Act:
    node.allow(_ACT_KEYS)
    patterns = {kind: tuple(_read_pattern(*item) for item in node.texts(kind)) for kind in KINDS}
    known = {name for group in patterns.values() for pattern in group for name in pattern.groups}
    known |= set(BUILTINS)
    alone = frozenset(text for text, _ in node.texts("alone"))
    if not patterns["start"]:
        alone = frozenset(OUTCOMES) - {"void"}
    if unknown := alone - set(OUTCOMES):
        raise node.wrong("alone", f"'{min(unknown)}' is no outcome; there are {', '.join(OUTCOMES)}")
    otherwise = node.text("otherwise", "unknown")
    if otherwise not in _OTHERWISE:
        raise node.wrong("otherwise", f"'{otherwise}' is none of {', '.join(_OTHERWISE)}")
    act = Act(
        rule=rule_id,
        tool=tool,
        effect=node.text("effect"),
        about=node.text("about", ""),
        patterns=patterns,
        target=_read_templates(node, "target", known),
        identity=_read_templates(node, "identity", known),
        alone=alone,
        many=node.value("many", bool, False),
        within=node.value("within", int, None),
        otherwise=otherwise,
        in_turn=node.value("in-turn", bool, False),
        command_required=node.value("command-required", bool, False),
    )
    if not act.triggers:
        raise node.wrong("effect", "there is neither a 'start' nor an outcome that stands alone")
    if (act.of("dry-run") or act.command_required) and not act.of("command"):
        raise node.wrong("effect", "'dry-run' and 'command-required' need 'command'")
    if not act.target:
        raise node.wrong("target", "key 'target' is missing")
    _require_certain_target(node, act)
    return act


def _require_certain_target(node: _Node, act: Act) -> None:
    """The last target has to be known whichever lines give the effect, or its row would have none."""
    endings = [(kind, pattern) for kind in OUTCOMES if kind != "void" for pattern in act.of(kind)]
    known = [set(pattern.groups) for kind, pattern in endings if kind in act.alone]
    for start in act.of("start"):
        if act.otherwise != "none":
            known.append(set(start.groups))
        known += [{*start.groups, *pattern.groups} for _, pattern in endings]
    certain = set.intersection(*known) | {"repository", "job"}
    if missing := act.target[-1].names - certain:
        raise node.wrong(
            "target",
            f"the last target needs '{min(missing)}', which not every way to the effect gives",
        )


def _read_pattern(regex: str, place: Place) -> Pattern:
    if not regex.startswith("^"):
        raise RuleInvalid(f"{place}: pattern has to begin with '^': {regex}", hint=_GUIDE)
    if "(?<" in regex:
        raise RuleInvalid(f"{place}: write a named group as (?P<name>…): {regex}", hint=_GUIDE)
    try:
        pl.Series([""]).str.contains(regex)
    except pl.exceptions.ComputeError as error:
        reason = str(error).split("This error occurred")[0].strip().splitlines()[-1]
        raise RuleInvalid(f"{place}: not a regular expression (Rust's syntax): {reason}", hint=_GUIDE) from error
    return Pattern(regex, tuple(dict.fromkeys(_GROUP.findall(regex))), place)


def _read_templates(node: _Node, key: str, known: set[str]) -> tuple[Template, ...]:
    templates = []
    for text, place in node.texts(key):
        try:
            template = read_template(text)
        except ValueError as error:
            raise RuleInvalid(f"{place}: {error}", hint=_GUIDE) from error
        if unknown := template.names - known:
            raise RuleInvalid(
                f"{place}: unknown placeholder '{min(unknown)}'; there are {', '.join(sorted(known))}", hint=_GUIDE
            )
        templates.append(template)
    return tuple(templates)


def _read_example(node: _Node) -> Example:
    node.allow(_EXAMPLE_KEYS)
    return Example(
        name=node.text("name"),
        log=str(node.value("log", str)),
        repository=node.text("repository", "octo/shop"),
        workflow=node.text("workflow", "Release"),
        job=node.text("job", "release"),
        effects=tuple(_read_expected(item) for item in node.items("effects")),
        place=node.place,
    )


def _read_expected(node: _Node) -> Expected:
    node.allow(_EXPECTED_KEYS)
    values: Mapping[str, Any] = {
        "target": node.text("target"),
        "identity": node.text("identity", None),
        "outcome": node.text("outcome", "done"),
        "line": node.value("line", int),
        "started": node.value("started", int, None),
        "effect": node.text("effect", None),
        "sha": node.text("sha", None),
    }
    return Expected(**values)
