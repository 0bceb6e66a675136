"""Outcomes as text: as GitHub would make a string of them, and to show to people."""

from __future__ import annotations

from forensics.workflow.expression.decision import alternatives, concat, may_match, pieces_of
from forensics.workflow.expression.values import Known, Outcome, Pattern, Value


def as_string(outcome: Outcome) -> Known | Pattern:
    """What GitHub makes of an outcome where it needs a string, as for a group: Known with a str, or Pattern."""
    text = concat(pieces_of(_value(outcome)))
    return text if isinstance(text, Pattern) else Known(text)


def to_text(outcome: Outcome, *, gap: str = "?") -> str:
    """The string with ``gap`` for each part that is not known: ``deploy-?``. To show only: gaps do not compare."""
    return "".join(piece if isinstance(piece, str) else gap for piece in pieces_of(_value(outcome)))


def may_equal(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes, of one run or of two, can be the same string without regard to case.

    False is certain; True is where nothing excludes it. A gap with a short list of what it can be counts as that.
    """
    lefts, rights = _spelled(one), _spelled(other)
    return any(may_match(pieces_of(left), pieces_of(right)) for left in lefts for right in rights)


def _spelled(outcome: Outcome) -> tuple[Value, ...]:
    value = _value(outcome)
    known = alternatives(value)
    if known is None:
        return (value,)
    return tuple(each for one in known for each in alternatives(one) or (one,))


def _value(outcome: Outcome) -> Value:
    return outcome.value if isinstance(outcome, Known) else outcome
