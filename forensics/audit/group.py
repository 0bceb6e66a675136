"""Group names as outcomes: what they look like, when two are surely the same, and which are never shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from forensics.workflow.document import Concurrency, Place, Scalar
from forensics.workflow.expression import (
    ExpressionError,
    Known,
    Node,
    Outcome,
    Pattern,
    Template,
    Unknown,
    Value,
    as_string,
    evaluate,
    parse,
    parse_template,
)
from forensics.workflow.expression.decision import truth
from forensics.workflow.expression.scalars import fold

Group: TypeAlias = Known | Pattern
Tri: TypeAlias = Literal["yes", "no", "perhaps"]

EACH_RUN = {
    "github.run_id", "github.run_number", "github.event.workflow_run.id", "github.event.comment.id",
    "github.event.deployment.id", "github.event.deployment_status.id", "github.event.check_run.id",
    "github.event.review.id",
}  # fmt: skip
"""Values that no two runs of a workflow share."""

EACH_COMMIT = {
    "github.sha", "github.workflow_sha", "github.event.after", "github.event.head_commit.id",
    "github.event.pull_request.head.sha", "github.event.merge_group.head_sha",
    "github.event.pull_request.merge_commit_sha",
}  # fmt: skip
"""Values that differ between two commits, and so between two runs of an event that brings a new one."""

NEW_COMMIT = {"push", "pull_request", "pull_request_target", "merge_group", "release"}
"""Events that come with a commit of their own; a schedule or dispatch may meet the same one twice."""

CONSTANT = ("vars.", "github.repository", "github.server_url", "github.api_url")
"""Beginnings of names whose value is the same in every run of a repository (section B2 of the facts)."""


@dataclass(frozen=True)
class Lane:
    """One ``concurrency:`` in one scene."""

    job: str | None
    """None: the workflow's own."""
    place: Place
    """Of the group, else of the key."""
    group: Group | None
    """None where GitHub could not make a name of it."""
    cancels: Tri
    """Whether a new run or job ends the one in progress."""
    queue: str
    """``single`` or ``max``."""
    cancel_place: Place
    cancel_text: str = ""
    """As written; empty where the key is missing."""


def evaluate_lane(concurrency: Concurrency, contexts: Mapping[str, Value], job: str | None) -> Lane | None:
    """What a ``concurrency:`` comes to; None where the whole mapping is one expression."""
    if concurrency.group is None:
        return None
    cancel = concurrency.cancel_in_progress
    return Lane(
        job,
        concurrency.group.place,
        evaluate_group(concurrency.group, contexts),
        holds(cancel, contexts) if cancel else "no",
        concurrency.queue.text.lower() if concurrency.queue else "single",
        cancel.place if cancel else concurrency.place,
        cancel.text if cancel else "",
    )


def evaluate_group(scalar: Scalar, contexts: Mapping[str, Value]) -> Group | None:
    """The group's name in these contexts; None where GitHub fails to evaluate it."""
    if not scalar.is_expression:
        return Known(scalar.text)
    try:
        return as_string(evaluate(read_template(scalar.text), contexts))
    except ExpressionError:
        return None


def holds(scalar: Scalar, contexts: Mapping[str, Value]) -> Tri:
    """Whether a value or condition is true in these contexts."""
    if isinstance(scalar.value, bool):
        return "yes" if scalar.value else "no"
    if not scalar.is_expression:
        return {"true": "yes", "false": "no"}.get(scalar.text.lower(), "perhaps")  # type: ignore[return-value]
    try:
        return _tri(evaluate(read_template(scalar.text), contexts))
    except ExpressionError:
        return "perhaps"


def condition_holds(scalar: Scalar, contexts: Mapping[str, Value]) -> Tri:
    """Whether an ``if``, which needs no ``${{ }}``, lets its job or step run."""
    if isinstance(scalar.value, bool):
        return "yes" if scalar.value else "no"
    try:
        return _tri(evaluate(read_condition(scalar.text), contexts))
    except ExpressionError:
        return "perhaps"


@lru_cache(maxsize=8192)
def read_template(text: str) -> Template:
    """A scalar with expressions; read once. Raises ExpressionError."""
    return parse_template(text)


@lru_cache(maxsize=8192)
def read_condition(text: str) -> Node | Template:
    """An ``if``; read once. Raises ExpressionError."""
    return parse_template(text) if "${{" in text else parse(text)


def key_of(group: Group | None) -> tuple[str, ...] | None:
    """The same for two groups of ONE run exactly if they are surely one name; None where that cannot be said."""
    if group is None:
        return None
    if isinstance(group, Known):
        return (fold(str(group.value)),) if group.value else None
    pieces: list[str] = []
    for piece in group.pieces:
        if isinstance(piece, str):
            pieces.append(fold(piece))
        elif piece.leaf:
            pieces.append(f"\0{piece.missing[0].name}")
        else:
            return None
    return tuple(pieces)


def shared_key(group: Group | None) -> tuple[str, ...] | None:
    """The same for the groups of TWO runs exactly if they are surely one name; None where that cannot be said."""
    key = key_of(group)
    if key is None or any(piece.startswith("\0") and not is_constant(piece[1:]) for piece in key):
        return None
    return key


def is_constant(name: str) -> bool:
    """Whether a value is the same in every run of a repository."""
    return name.lower().startswith(CONSTANT)


def depends_on(group: Group | None) -> set[str]:
    """Names of the values that the group is made of and that are not known."""
    if group is None or isinstance(group, Known):
        return set()
    return {missing.name for piece in group.pieces if isinstance(piece, Unknown) for missing in piece.missing}


def never_shared(group: Group | None, event: str) -> str:
    """The value that makes the group another one in every run, or ''."""
    if group is None or isinstance(group, Known):
        return ""
    unique = EACH_RUN | (EACH_COMMIT if event in NEW_COMMIT else set())
    names = [piece.missing[0].name for piece in group.pieces if isinstance(piece, Unknown) and piece.leaf]
    return next((name for name in names if name in unique), "")


def show_group(group: Group | None) -> str:
    """A name to show: ``ci-<github.run_id>``."""
    if group is None:
        return "?"
    if isinstance(group, Known):
        return str(group.value)
    return "".join(piece if isinstance(piece, str) else f"<{_gap(piece)}>" for piece in group.pieces)


def _gap(gap: Unknown) -> str:
    return gap.missing[0].name if gap.leaf else "?"


def _tri(outcome: Outcome) -> Tri:
    value = outcome.value if isinstance(outcome, Known) else outcome
    answer = truth(value)
    return "perhaps" if answer is None else "yes" if answer else "no"
