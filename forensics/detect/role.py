"""What part a finding plays in an incident: it happened, it let things happen, or it was merely seen beside them."""

from __future__ import annotations

from typing import Literal

from forensics.model import SEVERITIES, Finding

Role = Literal["event", "setting", "witness"]
"""Events connect and found incidents; settings contribute to those whose runs they name; witnesses only join."""

LET_IT_HAPPEN = (
    "missing-group", "unique-group", "wrong-lane", "group-case-collision", "collapsed-group", "mixed-policy",
    "queue-max-with-cancel",
)  # fmt: skip
"""Detectors that accuse a setting, the most direct first: it can be what an incident began with."""

SETTINGS = frozenset(LET_IT_HAPPEN)
"""Their time is that of the first of many runs, so they join nothing to anything."""

WITNESSES = frozenset(
    {
        "cache-race", "clock-skew", "duration-change", "duration-outlier", "evaluator-disagrees", "flaky-job",
        "impossible-times", "indistinct-runs", "log-gaps", "missing-run", "queue-cost", "schedule-drift",
        "schedule-overlap", "silent-gap", "skipped-schedule", "twin-runs", "wasted-minutes",
    }
)  # fmt: skip
"""Detectors that compare with what is usual, count costs, or judge clocks, logs or us: no story of their own."""

PRECEDENCE = (
    "out-of-order-effect", "stale-rerun", "tag-overwrite", "duplicate-effect", "cancelled-mid-effect",
    "abandoned-lock", "overlapping-effects", "version-race", "publish-conflict", "lost-tip", "evicted-waiter",
    "deadlock", "dispatch-deadlock", "merge-queue-cancel", "required-check-cancelled", "parked-holder",
    "starved-lane", "zombie-run", "evicted-by-no-op", "flaky-duplicate", "repeated-effect", "cancelled-after-effect",
    "lock-contention", "rate-limited", "duplicate-create", "stale-overwrite", "push-rejected", "overlapping-runs",
)  # fmt: skip
"""Which finding an incident is named for: what became of the world, then of the runs, then that they met.

Others come after, so that a new detector renames no incident.
"""

_PLACES = {detector: place for place, detector in enumerate(PRECEDENCE)}
_GRAVE = frozenset(SEVERITIES[:3])


def role_of(finding: Finding) -> Role:
    """The part of one finding. Of a detector that is not known here, what names a workflow's file is a setting."""
    if finding.detector in WITNESSES:
        return "witness"
    if finding.detector in SETTINGS or (finding.detector not in _PLACES and finding.values.get("path")):
        return "setting"
    return "event" if finding.severity in _GRAVE else "witness"


def precedence(finding: Finding) -> int:
    """Place of its detector; the same for all that are not listed."""
    return _PLACES.get(finding.detector, len(PRECEDENCE))
