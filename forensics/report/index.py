"""Finds in an analysis, by id, what the parts of the page show together: attempts, effects, findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from forensics.model import Analysis, Attempt, DetectorDoc, Effect, EvidenceLine, Finding, RunRef

State = str
"""ok, failed, cancelled, running or other: how a bar is drawn."""

_STATES: dict[str, State] = {
    "success": "ok",
    "failure": "failed",
    "timed_out": "failed",
    "startup_failure": "failed",
    "cancelled": "cancelled",
}
_LIVE = frozenset({"in_progress", "queued", "pending", "waiting", "requested"})

STATES: tuple[State, ...] = ("ok", "failed", "cancelled", "running", "other")

DUPLICATE = "duplicate-effect"
OUT_OF_ORDER = "out-of-order-effect"
CUT_OFF = "cancelled-mid-effect"
OVERLAPS = ("overlapping-effects", "overlapping-runs")


def ref_of(row: Attempt | Effect | EvidenceLine) -> RunRef:
    """Return the attempt that a row belongs to."""
    return RunRef(row.run_id, row.attempt)


def state_of(attempt: Attempt) -> State:
    """Return how an attempt ended, as the five ways in which a bar is drawn."""
    if attempt.conclusion is None and attempt.status in _LIVE:
        return "running"
    return _STATES.get(attempt.conclusion or "", "other")


@dataclass(frozen=True)
class Span:
    """When an attempt waited and executed; UTC, in order."""

    asked: datetime
    started: datetime
    ended: datetime
    executed: bool
    """False if it ended without ever executing."""


class CaseIndex:
    """Looks things of one analysis up; computes each table once."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self._spans: dict[RunRef, Span | None] = {}

    @cached_property
    def attempts(self) -> dict[RunRef, Attempt]:
        """Attempt by its ids."""
        return {ref_of(attempt): attempt for attempt in self.analysis.attempts}

    @cached_property
    def effects(self) -> dict[RunRef, list[Effect]]:
        """Effects of an attempt, by time."""
        found: dict[RunRef, list[Effect]] = defaultdict(list)
        for effect in self.analysis.effects:
            found[ref_of(effect)].append(effect)
        for effects in found.values():
            effects.sort(key=when)
        return found

    @cached_property
    def documents(self) -> dict[str, DetectorDoc]:
        """Detector's documentation by its id."""
        return {document.id: document for document in self.analysis.detectors}

    @cached_property
    def findings(self) -> dict[RunRef, list[int]]:
        """Positions of the findings that name an attempt."""
        found: dict[RunRef, list[int]] = defaultdict(list)
        for position, finding in enumerate(self.analysis.findings):
            for ref in dict.fromkeys(finding.runs):
                found[ref].append(position)
        return found

    @cached_property
    def end(self) -> datetime | None:
        """The latest time known in the case; runs without an end are drawn up to here."""
        times = [t for a in self.analysis.attempts for t in (a.created_at, a.started_at, a.completed_at) if t]
        return max(times, default=None)

    def span_of(self, attempt: Attempt) -> Span | None:
        """Return when an attempt waited and executed, or None if it has no time at all."""
        ref = ref_of(attempt)
        if ref not in self._spans:
            self._spans[ref] = self._span(attempt)
        return self._spans[ref]

    def _span(self, attempt: Attempt) -> Span | None:
        times = (attempt.created_at, attempt.started_at, attempt.completed_at)
        known = [at for at in times if at is not None]
        if not known:
            return None
        ended = attempt.completed_at
        if ended is None:
            ended = self.end if state_of(attempt) == "running" and self.end else max(known)
        executed = attempt.started_at is not None
        started = min(attempt.started_at or ended, ended)
        asked = min(attempt.created_at or started, started)
        return Span(asked, started, ended, executed)

    def effects_of(self, finding: Finding) -> list[Effect]:
        """Return the effects that a finding rests on, by time.

        Those whose own line is among its evidence; else those of its runs on its target, with its identity if
        its values name one.
        """
        lines = {(e.run_id, e.attempt, e.job_id, e.line) for e in finding.evidence if e.matched}
        refs = {*finding.runs, *(ref_of(e) for e in finding.evidence)}
        candidates = [effect for ref in sorted(refs) for effect in self.effects.get(ref, ())]
        proven = [e for e in candidates if (e.run_id, e.attempt, e.job_id, e.line_no) in lines]
        if not proven and finding.target is not None:
            identity = finding.values.get("identity")
            proven = [e for e in candidates if e.target == finding.target and identity in (None, e.identity)]
        return sorted(proven, key=when)

    @cached_property
    def twice(self) -> frozenset[int]:
        """``id()`` of the effects that a finding says were done, or tried, twice."""
        found = (f for f in self.analysis.findings if f.detector == DUPLICATE)
        return frozenset(id(effect) for finding in found for effect in self.effects_of(finding))

    @cached_property
    def proven(self) -> frozenset[int]:
        """``id()`` of all effects that any finding rests on."""
        return frozenset(id(effect) for f in self.analysis.findings for effect in self.effects_of(f))

    def extent_of(self, finding: Finding) -> tuple[datetime, datetime] | None:
        """Return from when to when a finding's runs waited or executed; its own time if they have none.

        A finding that stands for many runs over days is shown where it first occurred: half an hour on both sides.
        """
        spans = [s for s in map(self.span_of, self.attempts_of(finding)) if s]
        times = [t for s in spans for t in (s.asked, s.ended)]
        at = finding.occurred_at
        if at is not None:
            times.append(at)
        if not times:
            return None
        first, last = min(times), max(times)
        if at is not None and len(spans) > 2 and (last - first).total_seconds() > 6 * 3_600:
            near = [s for s in spans if abs((s.started - at).total_seconds()) <= 1_800 or s.started <= at <= s.ended]
            first, last = _bounds([t for s in near for t in (s.asked, s.ended)] + [at])
        return first, last

    def attempts_of(self, finding: Finding) -> list[Attempt]:
        """Return the attempts a finding names, as far as the analysis has them, in the finding's order."""
        return [self.attempts[ref] for ref in dict.fromkeys(finding.runs) if ref in self.attempts]


def when(effect: Effect) -> tuple[datetime, int, int, int]:
    """Return a sort key: by time (unknown first), then by place."""
    return (effect.occurred_at or effect.started_at or datetime.min, effect.run_id, effect.job_id, effect.line_no)


def _bounds(times: Iterable[datetime]) -> tuple[datetime, datetime]:
    ordered = sorted(times)
    return ordered[0], ordered[-1]
