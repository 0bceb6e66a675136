"""Rules that users bring along: proved before anything is loaded, and kept in the case that is read with them.

What a case says about effects follows from its evidence and from the rules. So the rules lie in the case, in
``CASE/rules``, and every later ingest reads with them until others take their place.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import polars as pl

from forensics.effects.act import KINDS, Act, Pattern
from forensics.effects.check import check, example_lines
from forensics.effects.read import read_rule
from forensics.effects.rule import RuleSet, load_rules
from forensics.errors import RuleInvalid

MAX_FILES = 200
"""Rule files in one folder; all of them are looked for in one pass."""

MOST_TRIGGERED = 0.02
"""Share of other tools' lines with which an effect may begin; each such line is looked at again, which takes time."""

MOST_MATCHED = 0.2
"""Share of other tools' lines that any pattern may match."""

_PROBE = 4096
_SLOW = 0.25
"""Seconds of one processor for one line of the longest kind; a sound pattern takes less than a thousandth of it."""


@dataclass(frozen=True)
class OwnRules:
    """Rules of a folder that have been proved."""

    files: Mapping[str, bytes]
    """By file name, what is kept in the case."""


def read_own(directory: Path) -> OwnRules:
    """Read and prove a folder of rules beside those of the package: form, examples, and what they may cost.

    Raises:
        RuleInvalid: there are none or too many; a file is not a rule, names its place; an id is taken; an
            example does not hold; a pattern matches nearly everything or is slow.
    """
    files = _files(directory)
    if not files:
        raise RuleInvalid(
            f"{directory} holds no rule files.",
            hint="A rule is a .yml file (docs/rules.md). To have none in a case any more, remove its folder rules/.",
        )
    if len(files) > MAX_FILES:
        raise RuleInvalid(
            f"{directory} holds {len(files)} rule files, more than {MAX_FILES}.", hint="Leave out those not needed."
        )
    rules = load_rules(directory)
    own = rules.only(*(file.stem for file in files))
    package = RuleSet(tuple(rule for rule in rules.rules if rule not in own.rules))
    _require_bounded(rules, own, package)
    check(own)
    return OwnRules({file.name: file.read_bytes() for file in files})


def keep_own(own: OwnRules, folder: Path) -> None:
    """Make ``folder`` hold these rules and no others; a reader sees the old ones or the new ones."""
    fresh, old = folder.with_name(f".{folder.name}-new"), folder.with_name(f".{folder.name}-old")
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, data in own.files.items():
        (fresh / name).write_bytes(data)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def kept(folder: Path) -> tuple[str, ...]:
    """The ids of the rules that a case keeps, sorted; none where it keeps none."""
    return tuple(file.stem for file in _files(folder))


def kept_files(folder: Path) -> tuple[tuple[str, str, int | None], ...]:
    """Of each rule file that a case keeps: name, id, and how many kinds of effect it finds; sorted.

    The number is None where somebody has changed the file, and now it is no rule.
    """
    return tuple((file.name, file.stem, _kinds(file)) for file in _files(folder))


def _kinds(file: Path) -> int | None:
    try:
        return len(read_rule(file, file.name, proved=True).acts)
    except RuleInvalid:
        return None


def kept_rules(folder: Path) -> RuleSet | None:
    """The package's rules and those that a case keeps; None where it keeps none, and the package's are all.

    Raises:
        RuleInvalid: somebody has changed the files, and now they are no rules.
    """
    if not kept(folder):
        return None
    rules = load_rules(folder, proved=True)
    _require_whole(rules)
    return rules


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.yml"))


def _require_bounded(rules: RuleSet, own: RuleSet, package: RuleSet) -> None:
    """Refuse what would make a load slow, or the engine give up in the midst of it."""
    _require_whole(rules)
    lines = chain.from_iterable(example_lines(example)["text"] for rule in package.rules for example in rule.examples)
    others = pl.Series("text", list(lines), dtype=pl.String)
    for act in own.acts:
        for kind, pattern in _patterns(act):
            _require_quick(pattern)
            _require_choosy(act, kind, pattern, others)


def _require_whole(rules: RuleSet) -> None:
    """All announcements are looked for as one expression, which has a limit in size."""
    try:
        pl.Series([""]).str.contains(rules.trigger)
    except pl.exceptions.ComputeError as error:
        raise RuleInvalid(
            "All rules together are too large for one pass over the log.",
            hint="Look for long repetitions such as \\w{200} in the rules of your own and shorten them.",
        ) from error


def _patterns(act: Act) -> Iterable[tuple[str, Pattern]]:
    return ((kind, pattern) for kind in KINDS for pattern in act.of(kind))


def _require_quick(pattern: Pattern) -> None:
    """Matching is linear in the line, but a pattern of a million states takes its time for each character."""
    line = pl.Series(["a" * _PROBE, "a1 " * (_PROBE // 3)])
    if min(_measure(pattern, line) for _ in range(2)) > _SLOW:
        raise RuleInvalid(
            f"{pattern.place}: the pattern is too slow: {pattern.regex}",
            hint="Shorten repetitions with a count, above all one inside another.",
        )


def _measure(pattern: Pattern, lines: pl.Series) -> float:
    begun = time.process_time()
    lines.str.contains(pattern.without_groups)
    return time.process_time() - begun


def _require_choosy(act: Act, kind: str, pattern: Pattern, others: pl.Series) -> None:
    most = MOST_TRIGGERED if pattern in act.triggers else MOST_MATCHED
    found = int(others.str.contains(pattern.regex).sum())
    if found > most * len(others):
        raise RuleInvalid(
            f"{pattern.place}: '{kind}' matches {found:,} of {len(others):,} lines that other tools print: "
            f"{pattern.regex}",
            hint="Begin the pattern with words that only this tool prints.",
        )
