"""Effect rules: which lines of which tool announce, prove, refuse or undo something done to the world.

A rule is one YAML file; lying in the folder is registration. ``docs/rules.md`` tells how to write one.
Patterns are Rust regular expressions (the engine of Polars): matching time is linear in the length of a
line, whatever a hostile log prints.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import as_file, files
from pathlib import Path

from forensics.effects.act import Act, Pattern, Rule
from forensics.effects.read import read_rule
from forensics.errors import RuleInvalid

_BEFORE = re.compile(
    r"^(?:\(\?:##\\\[(?:error|warning|\(\?:error\|warning\)|\(\?:warning\|error\))\\\]\)\?)?"
    r"(?:\(\?:Error: \)\?)?(?:\\s\*| \*)?"
)
_PLAIN = re.compile(r"(?:(?:[^\\\[\](){}.*+?|^$]|\\[^\w])(?![*?{]))+")
_MARK = re.compile(r"^##\[(?:error|warning)\]")
_WORD_BOUNDARY = re.compile(r"(?<!\\)((?:\\\\)*)\\b")


@dataclass(frozen=True)
class RuleSet:
    """Rules that are used together, sorted by id."""

    rules: tuple[Rule, ...]

    @cached_property
    def acts(self) -> tuple[Act, ...]:
        """The acts of all rules, in order."""
        return tuple(act for rule in self.rules for act in rule.acts)

    @cached_property
    def trigger(self) -> str:
        """One regular expression that finds every line with which an effect can begin."""
        return alternation(pattern for act in self.acts for pattern in act.triggers)

    @cached_property
    def first_look(self) -> str:
        """The same without word boundaries: finds a few lines more, at a fraction of the time.

        Rust's regex decides a Unicode ``\\b`` by its slow engine as soon as a line holds anything but ASCII, and
        one such pattern in the alternation slows down all of them.
        """
        return _WORD_BOUNDARY.sub(r"\1", self.trigger)

    @cached_property
    def heads(self) -> tuple[tuple[Act, tuple[str, ...]], ...]:
        """Each act with the plain texts of which a trigger begins with one; an empty one stands for any beginning."""
        return tuple((act, tuple({head_of(pattern.regex) for pattern in act.triggers})) for act in self.acts)

    def only(self, *ids: str) -> RuleSet:
        """The rules of these ids."""
        return RuleSet(tuple(rule for rule in self.rules if rule.id in ids))


def head_of(regex: str) -> str:
    """The plain text with which whatever a pattern matches begins, behind what :func:`beginnings` takes away.

    >>> head_of(r"^(?:##\\[error\\])?(?:Error: )?Failed to (?P<what>push)"), head_of(r"^[a-z]+")
    ('Failed to ', '')
    """
    rest = _BEFORE.sub("", regex.removeprefix("^"))
    found = _PLAIN.match(rest)
    return "" if found is None or "|" in rest[: found.end() + 1] else re.sub(r"\\(.)", r"\1", found[0])


def beginnings(text: str) -> tuple[str, ...]:
    """A line as it is, and without what patterns allow for before their head: mark, "Error:", blanks."""
    unmarked = _MARK.sub("", text)
    plain = unmarked.removeprefix("Error: ")
    return (text, unmarked, plain, text.lstrip(), unmarked.lstrip(), plain.lstrip())


def alternation(patterns: Iterable[Pattern]) -> str:
    """One regular expression for all; of nothing, one that matches nothing."""
    unique = dict.fromkeys(pattern.without_groups for pattern in patterns)
    return "|".join(f"(?:{regex})" for regex in unique) or r"[^\s\S]"


def load_rules(*directories: Path, proved: bool = False) -> RuleSet:
    """The rules of the package and those of ``directories`` (every ``*.yml`` in them, not deeper).

    ``proved`` leaves out the examples, which only proving and explaining need.

    Raises:
        RuleInvalid: a file is not a rule, names its place; or two files have one id.
    """
    with as_file(files("forensics.effects") / "rules") as own:
        rules = _read_folder(own, own.name, proved)
    for directory in directories:
        if not directory.is_dir():
            raise RuleInvalid(f"{directory}: no such folder", hint="Name a folder that holds rule files (*.yml).")
        rules += _read_folder(directory, directory.name, proved)
    first: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in first:
            raise RuleInvalid(
                f"{rule.place}: id '{rule.id}' is taken by {first[rule.id].place.file}",
                hint="Give the rule an id of its own, equal to its file name.",
            )
        first[rule.id] = rule
    return RuleSet(tuple(first[rule_id] for rule_id in sorted(first)))


@lru_cache(maxsize=1)
def own_rules() -> RuleSet:
    """The rules of the package without their examples, read once in a process."""
    return load_rules(proved=True)


def digest_rules(*directories: Path) -> str:
    """Digest of the rule files of the package and of folders, which need not exist; reads no YAML.

    It tells whether logs were searched with other ones.
    """
    digest = hashlib.sha256()
    for file in sorted((files("forensics.effects") / "rules").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".yml"):
            digest.update(file.read_bytes())
    for own in (file for directory in directories for file in sorted(directory.glob("*.yml"))):
        digest.update(own.read_bytes())
    return digest.hexdigest()[:16]


def _read_folder(directory: Path, shown: str, proved: bool) -> list[Rule]:
    return [read_rule(path, f"{shown}/{path.name}", proved=proved) for path in sorted(directory.glob("*.yml"))]
