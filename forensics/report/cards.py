"""The findings as cards: facts, close-up, evidence lines, the query; and those beyond the limit as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forensics.model import SEVERITIES, Attempt, DetectorDoc, EvidenceLine, Finding
from forensics.report.charts import CloseUp, close_up
from forensics.report.index import CaseIndex, ref_of
from forensics.report.limits import Limits
from forensics.report.links import detector_anchor, finding_anchor, line_url, run_url
from forensics.report.text import (
    clip,
    counted,
    fact_label,
    fact_named,
    moment,
    number,
    params_text,
    sql_text,
    stamp,
    visible,
)

CARD_FACTS = 14
CARD_RUNS = 12


@dataclass(frozen=True)
class Line:
    """One evidence line."""

    at: str
    place: str
    url: str | None
    text: str
    matched: bool


@dataclass(frozen=True)
class Check:
    """A detector's documentation."""

    id: str
    anchor: str
    title: str
    question: str
    false_positives: str
    remedy: str
    params: str
    sql: str
    severity: str
    precision: str
    found: int


@dataclass(frozen=True)
class Card:
    """One finding."""

    anchor: str
    position: int
    """Place among all findings, from 1."""
    label: str
    severity: str
    precision: str
    title: str
    message: str
    at: str
    repository: str
    detector: str
    check: Check | None
    """Documentation and query, in the first card of each detector only."""
    check_label: str
    """Label of the card that has it, empty if this is the one."""
    check_anchor: str
    remedy: str
    facts: tuple[tuple[str, str], ...]
    runs: tuple[tuple[str, str | None], ...]
    more_runs: int
    picture: CloseUp | None
    lines: tuple[Line, ...]
    more_lines: str


def severity_of(finding: Finding | DetectorDoc) -> str:
    """Return the severity, 'info' if it is none of the five: it becomes a class name."""
    return finding.severity if finding.severity in SEVERITIES else "info"


def checks(index: CaseIndex) -> tuple[Check, ...]:
    """Return the documentation of every detector that ran."""
    return tuple(
        Check(
            id=clip(d.id, 80),
            anchor=detector_anchor(d.id),
            title=clip(d.title, 160),
            question=clip(d.question, 1_500),
            false_positives=clip(d.false_positives, 3_000),
            remedy=clip(d.remedy, 1_500),
            params=clip(params_text(d.params), 600),
            sql=sql_text(d.sql),
            severity=severity_of(d),
            precision=clip(d.precision, 20),
            found=sum(f.detector == d.id for f in index.analysis.findings),
        )
        for d in index.analysis.detectors
    )


def cards(index: CaseIndex, limits: Limits, documents: Sequence[Check]) -> tuple[Card, ...]:
    """Return the findings that get a card, worst first; anchors are unique."""
    by_id = {d.id: c for d, c in zip(index.analysis.detectors, documents, strict=True)}
    shown: dict[str, str] = {}
    made = []
    for position, finding in enumerate(index.analysis.findings[: limits.cards], 1):
        elsewhere = shown.get(finding.detector, "")
        shown.setdefault(finding.detector, f"F-{position:02d}")
        made.append(_card(index, limits, position, finding, by_id.get(finding.detector), elsewhere))
    return tuple(made)


def _card(
    index: CaseIndex, limits: Limits, position: int, finding: Finding, check: Check | None, elsewhere: str
) -> Card:
    lines, more = _lines(index, finding, limits)
    refs = tuple(dict.fromkeys(finding.runs))
    values = [(name, value) for name, value in finding.values.items() if value is not None]
    return Card(
        anchor=finding_anchor(finding.id),
        position=position,
        label=f"F-{position:02d}",
        severity=severity_of(finding),
        precision=clip(finding.precision, 20),
        title=clip(finding.title, 200),
        message=clip(finding.message, 1_500),
        at=moment(finding.occurred_at),
        repository=clip(finding.repository, 120),
        detector=clip(finding.detector, 80),
        check=None if elsewhere else check,
        check_label=elsewhere,
        check_anchor=detector_anchor(finding.detector),
        remedy=check.remedy if check else "",
        facts=tuple((fact_label(name), fact_named(name, value)) for name, value in values[:CARD_FACTS]),
        runs=tuple(_run(index, finding, ref.run_id, ref.attempt) for ref in refs[:CARD_RUNS]),
        more_runs=max(0, len(refs) - CARD_RUNS),
        picture=close_up(index, finding),
        lines=lines,
        more_lines=more,
    )


def _run(index: CaseIndex, finding: Finding, run_id: int, attempt: int) -> tuple[str, str | None]:
    known = f"{run_id}" + (f" attempt {attempt}" if attempt > 1 else "")
    return known, run_url(index.analysis.host, finding.repository, run_id, attempt)


def _lines(index: CaseIndex, finding: Finding, limits: Limits) -> tuple[tuple[Line, ...], str]:
    """Return the lines to show in their order, matched ones never left out for context, and what is left out."""
    every = finding.evidence
    order = sorted(range(len(every)), key=lambda i: (not every[i].matched, i))
    kept = [every[i] for i in sorted(order[: limits.lines])]
    left = len(every) - len(kept)
    matched = sum(e.matched for e in every) - sum(e.matched for e in kept)
    more = f"{counted(left, 'more line')} not shown, {number(matched)} of them matched." if left else ""
    return tuple(_line(index, finding, e, limits.line_characters) for e in kept), more


def _line(index: CaseIndex, finding: Finding, line: EvidenceLine, characters: int) -> Line:
    attempt: Attempt | None = index.attempts.get(ref_of(line))
    repository = attempt.repository if attempt else finding.repository
    host, step = index.analysis.host, line.step
    return Line(
        at=stamp(line.logged_at),
        place=f"{line.run_id} · {'?' if step is None else step}:{line.line}",
        url=line_url(host, repository, line.run_id, line.attempt, line.job_id, step),
        text=visible(line.text, characters),
        matched=line.matched,
    )


@dataclass(frozen=True)
class Row:
    """A finding beyond the limit of cards."""

    anchor: str
    label: str
    severity: str
    message: str
    at: str
    runs: str


def rows(index: CaseIndex, limits: Limits) -> tuple[tuple[Row, ...], int]:
    """Return the findings without a card, as rows, and how many have not even that."""
    findings = index.analysis.findings
    shown = findings[limits.cards : limits.cards + limits.rows]
    made = tuple(
        Row(
            anchor=finding_anchor(f.id),
            label=f"F-{position:02d}",
            severity=severity_of(f),
            message=clip(f.message, 300),
            at=stamp(f.occurred_at),
            runs=", ".join(str(r.run_id) for r in tuple(dict.fromkeys(f.runs))[:4]),
        )
        for position, f in enumerate(shown, limits.cards + 1)
    )
    return made, max(0, len(findings) - limits.cards - limits.rows)
