"""What a rule file says, once it is read: acts, their patterns and names, and the examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from forensics.effects.template import Template

OUTCOMES = ("void", "no-op", "rejected", "failed", "done")
"""Outcomes that a line can prove, in the order in which they are tried; ``void`` takes the announcement back."""

BODY_KINDS = ("except", "after", "end", *OUTCOMES, "progress", "start")
"""Kinds of pattern that look at what the step printed."""

HEADER_KINDS = ("header", "command", "dry-run")
"""Kinds of pattern that look at what the step was told to do: script, inputs, ``[command]`` lines."""

KINDS = (*BODY_KINDS, *HEADER_KINDS, "context")
"""Every kind; ``context`` looks at any line of the job, before the announcement or in its step's environment."""


@dataclass(frozen=True)
class Place:
    """Where something stands in a rule file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Pattern:
    """One regular expression of a rule, anchored at the start of the line by its ``^``."""

    regex: str
    groups: tuple[str, ...]
    place: Place = field(compare=False)

    @property
    def without_groups(self) -> str:
        """The same with nameless groups, so that several can stand in one alternation."""
        regex = self.regex
        for name in self.groups:
            regex = regex.replace(f"(?P<{name}>", "(?:")
        return regex


@dataclass(frozen=True)
class Act:
    """One kind of effect of one tool: how it is announced, how it ends, and how to name what it touched."""

    rule: str
    tool: str
    effect: str
    about: str
    patterns: Mapping[str, tuple[Pattern, ...]]
    """By kind, one of :data:`KINDS`."""
    target: tuple[Template, ...]
    """The first whose placeholders are all known is taken; the last is always known."""
    identity: tuple[Template, ...]
    alone: frozenset[str]
    """Outcomes that prove themselves without an announcement."""
    many: bool
    """One announcement may be followed by several outcomes, each an effect of its own."""
    within: int | None
    """How many lines an outcome may lie after the last line of its attempt; None: anywhere in the step."""
    otherwise: str
    """Outcome of an announcement that nothing follows; 'none': no effect. 'done' needs a step that ended well: no
    ``##[error]`` after the announcement, and a log that goes on behind the step; else it is 'unknown'."""
    in_turn: bool
    """The tool does one after the other: the next announcement proves the one before."""
    command_required: bool
    """The step's script, where the log shows it, has to contain ``command``."""

    def of(self, kind: str) -> tuple[Pattern, ...]:
        """Its patterns of one kind."""
        return self.patterns.get(kind, ())

    @property
    def triggers(self) -> tuple[Pattern, ...]:
        """Patterns of which one has to match somewhere for the act to be looked at."""
        return self.of("start") + tuple(p for kind in OUTCOMES if kind in self.alone for p in self.of(kind))


@dataclass(frozen=True)
class Expected:
    """One effect that an example has to give; ``line`` and ``started`` count from 1 within its log."""

    target: str
    identity: str | None
    outcome: str
    line: int
    started: int | None
    effect: str | None
    sha: str | None


@dataclass(frozen=True)
class Example:
    """A log excerpt and the effects in it: the rule's own test."""

    name: str
    log: str
    repository: str
    workflow: str
    job: str
    effects: tuple[Expected, ...]
    place: Place = field(compare=False)


@dataclass(frozen=True)
class Rule:
    """One rule file."""

    id: str
    tool: str
    title: str
    about: str
    misses: str
    """What it does not see, and why."""
    acts: tuple[Act, ...]
    examples: tuple[Example, ...]
    place: Place = field(compare=False)
