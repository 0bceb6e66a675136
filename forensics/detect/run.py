"""Runs the detectors on an open case: rows of their SQL become findings with their log lines.

A detector that fails (one's own, mostly) is told by name; the others go on.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any, cast

import polars as pl

from forensics.detect.collecting import uncollected
from forensics.detect.detector import PRECISIONS, STANDARD_COLUMNS, Detector, load_library
from forensics.detect.library import shared_views, views_of
from forensics.detect.suppress import Suppressed
from forensics.errors import ForensicsError, QueryRefused, UsageProblem
from forensics.model import SEVERITIES, DetectorDoc, EvidenceLine, Finding, Precision, RunRef, Severity
from forensics.store.store import Store

CONTEXT_LINES = 2
"""Log lines shown before and after each line that proves something."""

MAX_EVIDENCE_LINES = 16
"""Proving lines kept of one finding; the message's numbers count all."""

Line = tuple[int, int, int]
"""Run, attempt and job of a log."""

_PLACES = {severity: place for place, severity in enumerate(SEVERITIES)}


@dataclass(frozen=True)
class DetectionResult:
    """What one pass over the case brought."""

    findings: tuple[Finding, ...]
    """Worst first, then by time."""
    docs: tuple[DetectorDoc, ...]
    """Every detector that ran, with the parameters in force."""
    failures: tuple[tuple[str, str], ...]
    """Detectors that could not run, and why."""
    seconds: Mapping[str, float]
    """How long each detector took, by id."""
    shared_seconds: float = 0.0
    """How long the views took that several of them read."""
    suppressed: tuple[Suppressed, ...] = ()
    """Findings that the team has accepted; not among ``findings``."""
    remarks: tuple[str, ...] = ()
    """Sentences on suppressions and lanes."""


@dataclass(slots=True)
class _Draft:
    """A row on its way to a finding, checked; its log lines are fetched when those of all are known."""

    detector: Detector
    row: Mapping[str, Any]
    id: str
    severity: Severity
    precision: Precision
    repository: str
    runs: tuple[RunRef, ...]
    lines: Sequence[tuple[Line, int]]


def detect(
    store: Store, detectors: Sequence[Detector], params: Mapping[str, Mapping[str, Any]] | None = None
) -> DetectionResult:
    """Run the detectors, with ``params`` by detector's id where they differ from the defaults.

    Give a store from ``Store.read``: detectors may come from anyone, and that one reaches nothing but the case.
    Raises UsageProblem for a parameter or detector that does not exist.
    """
    given = params or {}
    if strangers := sorted(set(given) - {detector.id for detector in detectors}):
        raise UsageProblem(
            f"There is no detector {strangers[0]!r} to set parameters of.", hint="List them: forensics detectors"
        )
    # A row becomes some ten objects, none in a cycle.
    with uncollected():
        return _detect(store, detectors, given)


def _detect(store: Store, detectors: Sequence[Detector], given: Mapping[str, Mapping[str, Any]]) -> DetectionResult:
    settings = {detector.id: detector.settings(given.get(detector.id, {})) for detector in detectors}
    views = views_of(load_library(store))
    drafts: list[_Draft] = []
    failures: list[tuple[str, str]] = []
    seconds: dict[str, float] = {}
    started = perf_counter()
    with shared_views(store, views, [detector.sql for detector in detectors]):
        sharing = perf_counter() - started
        for detector in detectors:
            started = perf_counter()
            try:
                drafts += _run(store, detector, settings[detector.id])
            except ForensicsError as error:
                failures.append((detector.id, f"{error.message} {error.hint}".strip()))
            seconds[detector.id] = perf_counter() - started
    findings = sorted(_findings(store, drafts), key=rank)
    docs = tuple(detector.doc(given.get(detector.id)) for detector in detectors)
    return DetectionResult(tuple(findings), docs, tuple(failures), seconds, sharing)


def as_json(value: Any) -> Any:
    """A value of any SQL type as JSON has it: times as RFC 3339 UTC, what JSON cannot carry as text or null."""
    match value:
        case None | bool() | str():
            return value
        case int():
            # Sums are 128 bits wide in SQL, JSON readers stop at 64.
            return value if abs(value) < 2**63 else str(value)
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return as_json(float(value))
        case datetime():
            return value.isoformat(timespec="microseconds" if value.microsecond else "seconds") + "Z"
        case timedelta():
            return value.total_seconds()
        case date() | time():
            return value.isoformat()
        case Mapping():
            return {str(key): as_json(item) for key, item in value.items()}
        case list() | tuple():
            return [as_json(item) for item in value]
        case bytes():
            return value.hex()
        case _:
            return str(value)


def _run(store: Store, detector: Detector, settings: Mapping[str, Any]) -> list[_Draft]:
    """One detector's rows, each with an id of its own that does not depend on the engine's order."""
    drafts = [_draft(detector, row) for row in store.query(detector.sql, dict(settings) or None).dicts()]
    _fill_repositories(store, [draft for draft in drafts if not draft.repository])
    named: dict[str, list[_Draft]] = {}
    for draft in drafts:
        named.setdefault(draft.id, []).append(draft)
    for same in named.values():
        if len(same) > 1:
            same.sort(key=_order_of_same)
            for number, draft in enumerate(same[1:], start=2):
                draft.id = f"{draft.id}-{number}"
    return drafts


def _order_of_same(draft: _Draft) -> tuple[int, datetime, str, str]:
    at = draft.row["occurred_at"] or datetime.max
    return _PLACES[draft.severity], at, draft.row["message"], str(tuple(draft.lines))


def _draft(detector: Detector, row: Mapping[str, Any]) -> _Draft:
    runs = _runs(row)
    if not runs:
        raise QueryRefused(f"{detector.id} returned a row without a run.", hint="Return run_id or runs in every row.")
    if not row["message"]:
        raise QueryRefused(f"{detector.id} returned a row without a message.", hint="A NULL in || makes all NULL.")
    about = row.get("about") or "\n".join([str(row.get("target")), *(f"{run.run_id}/{run.attempt}" for run in runs)])
    severity = _one_of(detector, "severity", row.get("severity") or detector.severity, SEVERITIES)
    precision = _one_of(detector, "precision", row.get("precision") or detector.precision, PRECISIONS)
    return _Draft(
        detector,
        row,
        f"{detector.id}-{hashlib.sha256(about.encode()).hexdigest()[:10]}",
        cast(Severity, severity),
        cast(Precision, precision),
        row.get("repository") or "",
        runs,
        _lines(row.get("evidence") or ())[:MAX_EVIDENCE_LINES],
    )


def _runs(row: Mapping[str, Any]) -> tuple[RunRef, ...]:
    """The attempts that a row names, each once, in the row's order."""
    named = [(entry["run_id"], entry["attempt"] or 1) for entry in row.get("runs") or () if entry]
    named.append((row.get("run_id"), row.get("attempt") or 1))
    named.append((row.get("other_run_id"), row.get("other_attempt") or 1))
    # Told apart as pairs: these hash many times as fast as what they become.
    return tuple([RunRef(run_id, attempt) for run_id, attempt in dict.fromkeys(named) if run_id is not None])


def _lines(entries: Sequence[Mapping[str, Any]]) -> list[tuple[Line, int]]:
    """The log lines that a row points at, each once."""
    pointed = [
        ((entry["run_id"], entry["attempt"], entry["job_id"]), entry["line_no"])
        for entry in entries
        if entry and None not in entry.values()
    ]
    return list(dict.fromkeys(pointed))


def _fill_repositories(store: Store, drafts: Sequence[_Draft]) -> None:
    """Where the SQL did not return the repository, it is that of the first run."""
    if not drafts:
        return
    wanted = sorted({draft.runs[0].run_id for draft in drafts})
    known = dict(
        store.query(
            "SELECT run_id, min(repository) FROM runs WHERE run_id IN (SELECT unnest($wanted)) GROUP BY run_id",
            {"wanted": wanted},
        ).rows
    )
    for draft in drafts:
        draft.repository = known.get(draft.runs[0].run_id, "")


def _findings(store: Store, drafts: Sequence[_Draft]) -> Iterator[Finding]:
    """The drafts as findings; all their log lines, with context, come from one pass over the logs."""
    wanted = {(*log, line) for draft in drafts for log, line in draft.lines}
    texts = _fetch(store, wanted) if wanted else {}
    for draft in drafts:
        row = draft.row
        yield Finding(
            id=draft.id,
            detector=draft.detector.id,
            title=draft.detector.title,
            severity=draft.severity,
            precision=draft.precision,
            message=row["message"],
            occurred_at=row["occurred_at"],
            repository=draft.repository,
            runs=draft.runs,
            target=row.get("target"),
            evidence=tuple(_evidence(draft.lines, texts)),
            values={name: as_json(value) for name, value in row.items() if name not in STANDARD_COLUMNS},
        )


def _fetch(store: Store, wanted: Iterable[tuple[int, int, int, int]]) -> dict[Line, dict[int, tuple[Any, ...]]]:
    """Step, time and text of the lines and their neighbours, by log and number."""
    places = pl.DataFrame(
        sorted(wanted),
        schema={"run_id": pl.Int64, "attempt": pl.Int32, "job_id": pl.Int64, "line_no": pl.Int32},
        orient="row",
    )
    store.frame_as("wanted_lines", places)
    try:
        rows = store.query(
            "WITH near AS (SELECT DISTINCT run_id, attempt, job_id, line_no + unnest(range(-$context, $context + 1)) "
            "AS line_no FROM wanted_lines) "
            "SELECT run_id, attempt, job_id, line_no, any_value(step_number), any_value(logged_at), min(text) "
            "FROM log_lines INNER JOIN near USING (run_id, attempt, job_id, line_no) "
            "GROUP BY run_id, attempt, job_id, line_no",
            {"context": CONTEXT_LINES},
        ).rows
    finally:
        store.drop_frame("wanted_lines")
    texts: dict[Line, dict[int, tuple[Any, ...]]] = {}
    for run_id, attempt, job_id, line_no, *found in rows:
        texts.setdefault((run_id, attempt, job_id), {})[line_no] = tuple(found)
    return texts


def _evidence(
    lines: Sequence[tuple[Line, int]], texts: Mapping[Line, Mapping[int, tuple[Any, ...]]]
) -> list[EvidenceLine]:
    """Each proving line among its neighbours, log by log in the row's order, no line twice."""
    proving: dict[Line, list[int]] = {}
    for log, line in lines:
        proving.setdefault(log, []).append(line)
    shown: list[EvidenceLine] = []
    for log, matched in proving.items():
        known = texts.get(log)
        if known is None:
            continue
        run_id, attempt, job_id = log
        for line in _near(matched):
            if found := known.get(line):
                step, logged_at, text = found
                shown.append(EvidenceLine(run_id, attempt, job_id, step, line, logged_at, text, line in matched))
    return shown


def _near(lines: Sequence[int]) -> Iterable[int]:
    if len(lines) == 1:
        return range(lines[0] - CONTEXT_LINES, lines[0] + CONTEXT_LINES + 1)
    return sorted({line + offset for line in lines for offset in range(-CONTEXT_LINES, CONTEXT_LINES + 1)})


def rank(finding: Finding) -> tuple[int, datetime, str]:
    """Order of findings: the worst first, then by time, then by id."""
    return _PLACES[finding.severity], finding.occurred_at or datetime.max, finding.id


def _one_of(detector: Detector, name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise QueryRefused(
            f"{detector.id} returned the {name} {value!r}.", hint=f"It may be one of {', '.join(allowed)}."
        )
    return value
