"""Where a workflow file says ``concurrency``, and what that comes to in given contexts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from forensics.concurrency.contexts import compute
from forensics.workflow.document import Concurrency, Scalar
from forensics.workflow.expression import (
    ExpressionError,
    Known,
    Missing,
    Object,
    Outcome,
    Pattern,
    Template,
    Unknown,
    Value,
    as_string,
    parse_template,
    references,
    to_text,
    unknown,
)

Level = Literal["workflow", "job", "called"]


@dataclass(frozen=True)
class Setting:
    """What one ``concurrency`` came to."""

    group: Known | Pattern | Unknown
    """Known(str) where the name is known; Pattern also where all of it is a gap that was made text."""
    cancel_in_progress: bool | None
    queue: str | None
    text: str
    """The name with ``?`` for what is not known."""
    missing: tuple[str, ...]
    """What would have to be known for the name, a sentence without its full stop each."""

    @property
    def name(self) -> str | None:
        """The name, where it is known."""
        return str(self.group.value) if isinstance(self.group, Known) else None


class Slot:
    """One ``concurrency`` of one file."""

    def __init__(self, level: Level, concurrency: Concurrency, path: str) -> None:
        self.level = level
        self.concurrency = concurrency
        self.path = path
        written = concurrency.whole or concurrency.group
        self.expression = written.text if written is not None else None
        self.line = (written.place if written is not None else concurrency.place).line
        parts = (concurrency.whole, concurrency.group, concurrency.cancel_in_progress, concurrency.queue)
        self.references = tuple(dict.fromkeys(name for part in parts for name in read_references(part)))
        """All that it may read: dotted paths in lower case."""
        self.group_references = tuple(dict.fromkeys(name for part in parts[:2] for name in read_references(part)))
        self.literal = not any(part is not None and part.is_expression for part in parts[:2])

    def evaluate(self, contexts: Mapping[str, Value]) -> Setting:
        """Name and settings in these contexts."""
        said = self.concurrency
        if said.whole is not None:
            return _from_whole(compute(said.whole, contexts, "concurrency"))
        group: Value = unknown("group", "is not in the file")
        if said.group is not None:
            group = said.group.text if not said.group.is_expression else compute(said.group, contexts, "group")
        return _setting(
            group,
            _settled(said.cancel_in_progress, contexts, "cancel-in-progress"),
            _settled(said.queue, contexts, "queue"),
        )


def read_references(said: Scalar | None) -> tuple[str, ...]:
    """The dotted paths of contexts that a scalar may read; none where GitHub refuses the scalar."""
    if said is None or not said.is_expression:
        return ()
    try:
        template: Template = parse_template(str(said.value))
    except ExpressionError:
        return ()
    return references(template)


def _settled(said: Scalar | None, contexts: Mapping[str, Value], name: str) -> Value:
    if said is None:
        return None
    return compute(said, contexts, name)


def _from_whole(value: Value) -> Setting:
    """``concurrency: ${{ … }}``: a name, or a mapping as fromJSON gives it."""
    if isinstance(value, Object):
        inner = {key.lower(): item for key, item in value.properties.values()}
        return _setting(inner.get("group"), inner.get("cancel-in-progress"), inner.get("queue"))
    if isinstance(value, Unknown) and value.among is None:
        # It may be a mapping: then there is no name to make a text of.
        return Setting(value, None, None, to_text(value), _reasons(value.missing))
    return _setting(value, None, None)


def _setting(group: Value, cancel: Value, queue: Value) -> Setting:
    outcome = as_string(_outcome(group))
    return Setting(
        outcome,
        _flag(cancel),
        _queue(queue),
        to_text(outcome),
        tuple(outcome.reasons) if isinstance(outcome, Pattern) else (),
    )


def _outcome(value: Value) -> Outcome:
    return value if isinstance(value, Pattern | Unknown) else Known(value)


def _flag(value: Value) -> bool | None:
    if value is None:
        return False
    if isinstance(value, bool):
        return value
    # A string that GitHub's reader takes for a boolean where it needs one.
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _queue(value: Value) -> str | None:
    if value is None:
        return "single"
    return value if isinstance(value, str) and value in ("single", "max") else None


def _reasons(missing: tuple[Missing, ...]) -> tuple[str, ...]:
    return tuple(map(str, missing))
