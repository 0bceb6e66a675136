"""How a check gets its id, and how it says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from forensics.audit.finding import Related, Risk
from forensics.model import SEVERITIES, Precision, Severity
from forensics.workflow.document import Place

if TYPE_CHECKING:
    from forensics.audit.checkout import Checkout
    from forensics.audit.play import Deed
    from forensics.audit.rule import Rule

Check: TypeAlias = "Callable[[Checkout, Rule], Iterator[Risk]]"

CHECKS: dict[str, Check] = {}
"""Every check by its rule's id."""


def check(name: str) -> Callable[[Check], Check]:
    """Make a function the check of the rule of this id."""

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


def tell(
    rule: Rule,
    path: str,
    place: Place,
    message: str,
    *,
    job: str | None = None,
    fix: str = "",
    writes: bool = True,
    severity: Severity | None = None,
    precision: Precision | None = None,
    related: Sequence[Related] = (),
) -> Risk:
    """A risk as the rule grades it: what only reads is at most low, unless the rule breaks every workflow alike."""
    grade = severity or rule.severity
    if rule.follows == "writes" and not writes:
        grade = at_most(grade, "low")
    return Risk(
        rule.id, rule.title, grade, precision or rule.precision, message, path, place.line, place.column, job, fix,
        tuple(related),
    )  # fmt: skip


def at_most(severity: Severity, limit: Severity) -> Severity:
    """The milder of the two."""
    return SEVERITIES[max(SEVERITIES.index(severity), SEVERITIES.index(limit))]


def listed(items: Iterable[str], most: int = 3) -> str:
    """``a, b and c``; ``a, b, c and 4 more``."""
    names = list(dict.fromkeys(items))
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def doings(deeds: Iterable[Deed]) -> str:
    """What jobs do, in a sentence: ``the job 'ship' deploys ('actions/deploy-pages', line 12)``."""
    from forensics.audit.reach import says

    found: dict[str, str] = {}
    for deed in deeds:
        found.setdefault(
            f"{deed.path} {deed.job} {deed.act.verb}",
            f"the job '{deed.job}' {says(deed.act.verb)} ({deed.act.what}, line {deed.act.place.line})",
        )
    return listed(found.values(), 2)
