"""The first screen in words: a verdict with its numbers, two paragraphs, six figures.

Every number is counted from the findings and the coverage of the analysis; nothing is rated here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from forensics.model import SEVERITIES, Coverage, Finding, Severity
from forensics.report.charts import percentile
from forensics.report.impact import done_twice
from forensics.report.index import CUT_OFF, DUPLICATE, OUT_OF_ORDER, CaseIndex
from forensics.report.links import finding_anchor
from forensics.report.text import clip, counted, counted_in_words, day, duration, joined, number, percent

# What n findings of a detector mean, as the middle of a sentence. A detector that is not here is named by its title.
_CLAUSES = {
    DUPLICATE: ("effect happened twice", "effects happened twice"),
    OUT_OF_ORDER: ("older commit landed after a newer one", "older commits landed after newer ones"),
    "overlapping-effects": ("target was written by two runs at once", "targets were written by two runs at once"),
    CUT_OFF: ("effect was cut off by a cancellation", "effects were cut off by cancellations"),
    "overlapping-runs": ("overlap of runs in one lane was found", "overlaps of runs in one lane were found"),
    "duration-outlier": ("step took an unusual time", "steps took an unusual time"),
}
_REFUSED = ("effect was tried again and refused", "effects were tried again and refused")
_QUIET = {
    DUPLICATE: "effect done twice",
    OUT_OF_ORDER: "older commit landing after a newer one",
    "overlapping-effects": "target written by two runs at once",
    CUT_OFF: "effect cut off by a cancellation",
    "overlapping-runs": "overlap of runs in one lane",
    "duration-outlier": "unusual duration",
}


@dataclass(frozen=True)
class Figure:
    """One of the six numbers."""

    label: str
    value: str
    unit: str
    alarming: bool = False


@dataclass(frozen=True)
class Summary:
    """The first screen."""

    headline: str
    worst: str
    """The worst finding's own sentence, or what was looked for without result."""
    worst_anchor: str | None
    seen: str
    """What was read, and what was not."""
    figures: tuple[Figure, ...]
    counts: tuple[tuple[Severity, int], ...]


def tell(index: CaseIndex) -> Summary:
    """Return the first screen of an analysis."""
    findings = index.analysis.findings
    by_severity = Counter(f.severity for f in findings)
    return Summary(
        headline=_headline(index),
        worst=clip(findings[0].message, 600) if findings else _looked_for(index),
        worst_anchor=finding_anchor(findings[0].id) if findings else None,
        seen=_seen(index),
        figures=_figures(index),
        counts=tuple((s, by_severity[s]) for s in SEVERITIES if by_severity[s]),
    )


def _headline(index: CaseIndex) -> str:
    """Return the verdict: what grave findings say, or that there is none, and what was noted and is missing then."""
    findings = index.analysis.findings
    grave = [f for f in findings if f.severity in ("critical", "high", "medium")]
    if index.analysis.coverage.runs == 0 and not findings:
        return "No runs were read, so nothing can be said"
    if grave:
        sentence = _kinds(index, grave)
        return clip(sentence[:1].upper() + sentence[1:], 220)
    return _quiet_headline(index, findings)


def _quiet_headline(index: CaseIndex, noted: Sequence[Finding]) -> str:
    coverage = index.analysis.coverage
    missing = coverage.jobs_executed - coverage.jobs_with_log
    parts = [f"No incident found in {counted(coverage.runs, 'run')}"]
    if noted:
        parts.append(f"of lesser note, {_kinds(index, noted)}")
    if missing > 0:
        parts.append(f"{counted(missing, 'executed job has', 'executed jobs have')} no log")
    return clip("; ".join(parts), 260)


def _kinds(index: CaseIndex, findings: Sequence[Finding]) -> str:
    """Return up to three kinds of findings, worst first, as the rest of a sentence."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        refused = finding.detector == DUPLICATE and not done_twice(index, finding)
        groups.setdefault("refused" if refused else finding.detector, []).append(finding)
    told_first = [*_CLAUSES, "refused"]
    order = sorted(
        groups.items(),
        key=lambda item: (
            SEVERITIES.index(item[1][0].severity),
            told_first.index(item[0]) if item[0] in told_first else len(told_first),
        ),
    )
    told = [f for _, members in order[:3] for f in members]
    return joined([_clause(index, kind, members) for kind, members in order[:3]]) + _on_day(told)


def _clause(index: CaseIndex, kind: str, members: Sequence[Finding]) -> str:
    words = _REFUSED if kind == "refused" else _CLAUSES.get(kind)
    if words is not None:
        return counted_in_words(len(members), *words)
    document = index.documents.get(kind)
    title = clip(document.title if document else members[0].title, 80)
    return f"{title[:1].lower()}{title[1:]}" + (f" ({len(members)} times)" if len(members) > 1 else "")


def _on_day(findings: Sequence[Finding]) -> str:
    days = {f.occurred_at.date() for f in findings if f.occurred_at is not None}
    if len(days) != 1 or any(f.occurred_at is None for f in findings):
        return ""
    return next(f" on {day(f.occurred_at)}" for f in findings if f.occurred_at)


def _looked_for(index: CaseIndex) -> str:
    detectors = index.analysis.detectors
    if not detectors:
        return "No detector ran."
    known = [_QUIET[d.id] for d in detectors if d.id in _QUIET]
    others = len(detectors) - len(known)
    if others:
        known.append(f"result of {counted(others, 'other detector')}")
    absent = " and no ".join([", no ".join(known[:-1]), known[-1]] if len(known) > 1 else known)
    return f"In what was read there was no {absent}."


def _seen(index: CaseIndex) -> str:
    """Return what was read and what is missing, each with its number."""
    c, analysis = index.analysis.coverage, index.analysis
    found = len({f.detector for f in analysis.findings})
    detectors = counted(len(analysis.detectors), "detector")
    read = (
        f"{detectors} read {counted(c.runs, 'run')} ({counted(c.attempts, 'attempt')}) and "
        f"{counted(c.log_lines, 'log line')}, which announce {counted(c.effects, 'effect')}; "
        f"{f'{number(found)} of the detectors' if found else 'none of the detectors'} found something."
    )
    missing = c.jobs_executed - c.jobs_with_log
    if missing > 0:
        share = percent(missing, c.jobs_executed)
        read += (
            f" {counted(missing, 'executed job')} of {number(c.jobs_executed)} ({share} %) "
            f"{'has no log: what it' if missing == 1 else 'have no log: what they'} did to the world is unknown."
        )
    elif c.jobs_executed:
        read += f" All {counted(c.jobs_executed, 'executed job')} have their log."
    return read


def _figures(index: CaseIndex) -> tuple[Figure, ...]:
    findings = index.analysis.findings
    ran = {d.id for d in index.analysis.detectors} | {f.detector for f in findings}
    twice = [f for f in findings if f.detector == DUPLICATE and done_twice(index, f)]
    refused = sum(f.detector == DUPLICATE for f in findings) - len(twice)
    unit = f"effect{'s' if len(twice) != 1 else ''}" + (f", {number(refused)} more refused" if refused else "")

    def figure(label: str, detector: str, noun: str) -> Figure:
        if detector not in ran:
            return Figure(label, "–", "not looked for")
        found = sum(f.detector == detector for f in findings)
        return Figure(label, number(found), noun if found == 1 else f"{noun}s", found > 0)

    return (
        Figure("Happened twice", number(len(twice)), unit, bool(twice))
        if DUPLICATE in ran
        else figure("Happened twice", DUPLICATE, ""),
        figure("Landed out of order", OUT_OF_ORDER, "effect"),
        figure("Written at once", "overlapping-effects", "target"),
        figure("Cut off half-way", CUT_OFF, "effect"),
        _queue(index),
        _logs(index.analysis.coverage),
    )


def _queue(index: CaseIndex) -> Figure:
    waits = sorted(second for t in index.analysis.timings for second in t.queue_seconds)
    if not waits:
        return Figure("Wait for a runner, p95", "–", "unknown")
    return Figure("Wait for a runner, p95", duration(percentile(waits, 0.95)), counted(len(waits), "job"))


def _logs(coverage: Coverage) -> Figure:
    share = percent(coverage.jobs_with_log, coverage.jobs_executed)
    return Figure("Evidence coverage", share, "% of executed jobs")
