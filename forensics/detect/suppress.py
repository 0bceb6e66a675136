"""Findings that a team has accepted are set apart, with the reason; none is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from forensics.model import Finding
from forensics.settings import Suppression

Workflow = tuple[str | None, str | None]
"""Path and name."""


@dataclass(frozen=True)
class Suppressed:
    """A finding that is not shown, and the reason given."""

    finding: Finding
    by: Suppression


@dataclass(frozen=True)
class Divided:
    """What the suppressions made of the findings."""

    findings: tuple[Finding, ...]
    """Those left, in their order."""
    suppressed: tuple[Suppressed, ...]
    expired: tuple[Suppression, ...]
    """Suppressions that would still hide something, had their time not run out."""
    idle: tuple[Suppression, ...]
    """Those that meet nothing: what they were for may be gone."""


def divide(
    findings: Sequence[Finding],
    suppressions: Sequence[Suppression],
    workflows: Mapping[int, Workflow],
    today: date,
) -> Divided:
    """Set the suppressed findings apart; the first suppression that fits is the reason.

    ``workflows`` are path and name by run. A suppression holds through the day ``until``.
    """
    left: list[Finding] = []
    suppressed: list[Suppressed] = []
    used: set[Suppression] = set()
    for finding in findings:
        fitting = [one for one in suppressions if _fits(one, finding, workflows.get)]
        used.update(fitting)
        valid = [one for one in fitting if today <= one.until]
        if valid:
            suppressed.append(Suppressed(finding, valid[0]))
        else:
            left.append(finding)
    return Divided(
        tuple(left),
        tuple(suppressed),
        tuple(one for one in suppressions if one in used and one.until < today),
        tuple(one for one in suppressions if one not in used),
    )


def _fits(one: Suppression, finding: Finding, workflow_of: Callable[[int], Workflow | None]) -> bool:
    return (
        fnmatchcase(finding.detector, one.detector)
        and fnmatchcase(finding.id, one.finding)
        and fnmatchcase(finding.repository, one.repository)
        and (one.target == "*" or (finding.target is not None and fnmatchcase(finding.target, one.target)))
        # Two workflows racing is not what was accepted for one of them.
        and (
            one.workflow == "*"
            or all(one.matches_workflow(*(workflow_of(run.run_id) or (None, None))) for run in finding.runs)
        )
    )
