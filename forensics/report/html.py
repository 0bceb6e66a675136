"""Writes the incident report: one HTML file that needs nothing else and trusts nothing that it shows.

Safety, in layers: every value is escaped by the template (autoescape for all), hidden characters are replaced, data
for the script stands in a JSON block that is never executed, and a Content-Security-Policy lets run only the one
script and the one style sheet of this version, by hash, and load nothing.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from forensics.errors import ForensicsError
from forensics.model import Analysis, JobTiming
from forensics.report.cards import cards, checks, rows
from forensics.report.charts import Series, histogram, percentile
from forensics.report.impact import weigh
from forensics.report.incidents import briefs, grouped, sections
from forensics.report.index import CaseIndex, ref_of, state_of
from forensics.report.limits import HARD_LIMIT_BYTES, STEPS, Limits
from forensics.report.links import repository_url, run_url
from forensics.report.summary import tell
from forensics.report.text import (
    clean,
    clip,
    counted,
    duration,
    fact,
    json_block,
    moment,
    number,
    percent,
    span_of_days,
    stamp,
)
from forensics.report.timeline import Timeline, build

RUN_ROWS = 50
SERIES = 8
TIMING_ROWS = 100
FIRST_SCREEN_FINDINGS = 6


def render(analysis: Analysis) -> str:
    """Return the report of an analysis as one HTML document.

    Pure: the same analysis gives the same text, with line feeds only. At most 2 MB as UTF-8 as long as the last of
    the steps in ``limits`` allows; what is left out is said in its method section.
    """
    index = CaseIndex(analysis)
    text = ""
    for step, limits in enumerate(STEPS):
        text = _page(index, limits, step)
        if len(text.encode()) <= HARD_LIMIT_BYTES:
            break
    return text


def write(analysis: Analysis, path: Path) -> int:
    """Render the report into a file, all or nothing, and return its size in bytes.

    Raises ``ForensicsError`` if the folder cannot be made or written to; a file that was there is then untouched.
    """
    content = render(analysis).encode()
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".report-", suffix=".html", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:  # bytes: a newline stays what the hashes were made over
                file.write(content)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ForensicsError(
            f"cannot write the report to {target}: {reason}", hint="choose another place with -o FILE"
        ) from error
    return len(content)


@dataclass(frozen=True)
class Assets:
    """The style sheet and the script of this version, and the policy that admits exactly these two."""

    style: str
    script: str
    policy: str


@cache
def assets() -> Assets:
    """Read the two static files; line feeds only, since the parser hashes them so."""
    static = files("forensics.report").joinpath("static")
    style, script = (
        static.joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")
        for name in ("report.css", "report.js")
    )
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return Assets(style, script, policy)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("forensics.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["n"] = number
    return environment


def _finalize(value: object) -> object:
    return value if isinstance(value, Markup) else clean(value)


@dataclass(frozen=True)
class RunRow:
    """One row of the runs table, in the order of its columns."""

    anchor: str
    name: str
    url: str | None
    repository: str
    title: str
    workflow: str
    branch: str
    event: str
    actor: str
    asked: str
    waited: str
    ran: str
    result: str
    state: str
    effects: int


@dataclass(frozen=True)
class TimingRow:
    """Queue and run time of the jobs of one name."""

    workflow: str
    job: str
    queue: tuple[str, ...]
    run: tuple[str, ...]


@dataclass(frozen=True)
class Timing:
    """The timing section: two pictures and their numbers."""

    queue: Markup | None
    run: Markup | None
    rows: tuple[TimingRow, ...]
    drawn: int
    jobs: int


def _page(index: CaseIndex, limits: Limits, step: int) -> str:
    """Render one page within the given limits."""
    analysis = index.analysis
    timeline = build(index, limits)
    documents = checks(index)
    made = cards(index, limits, documents)
    table, dropped = rows(index, limits)
    first, further, unlisted = briefs(index, limits)
    template = _environment().get_template("report.html.j2")
    return template.render(
        page=_frame(index),
        summary=tell(index),
        timeline=timeline,
        data=Markup(json_block(timeline.data)),  # noqa: S704  escaped for its place: no <, > or & is left
        impact=weigh(index),
        cards=made,
        groups=grouped(index, made, limits),
        incidents=sections(index, limits),
        first_incidents=first[:FIRST_SCREEN_FINDINGS],
        more_incidents=further,
        incidents_dropped=unlisted,
        incident_total=len(analysis.incidents),
        finding_total=len(analysis.findings),
        documented={card.check.anchor for card in made if card.check},
        rows=table,
        rows_dropped=dropped,
        first_findings=FIRST_SCREEN_FINDINGS,
        checks=documents,
        timing=_timing(analysis.timings),
        runs=_run_rows(index, timeline, limits),
        run_total=len(timeline.shown),
        method=_method(index, timeline, limits, step, dropped),
    )


def _frame(index: CaseIndex) -> dict[str, Any]:
    """Return what stands around the sections: policy, style, script, head line."""
    analysis, made = index.analysis, assets()
    coverage = analysis.coverage
    names = coverage.repositories
    return {
        "policy": made.policy,
        "style": Markup(made.style),  # noqa: S704  the package's own file
        "script": Markup(made.script),  # noqa: S704  the package's own file
        "title": clip(analysis.title, 120),
        "several": len(set(names)) > 1,
        "repositories": [(clip(n, 120), repository_url(analysis.host, n)) for n in names[:50]],
        "repository_count": len(names),
        "window": span_of_days(coverage.first_at, coverage.last_at),
        "volume": f"{counted(coverage.runs, 'run')}, {counted(coverage.jobs, 'job')}"
        + (f", {percent(coverage.jobs_with_log, coverage.jobs_executed)} % of logs read" if coverage.jobs else ""),
        "made": f"{stamp(analysis.generated_at)[:16]} UTC",
        "version": clip(analysis.version, 40),
    }


def _run_rows(index: CaseIndex, timeline: Timeline, limits: Limits) -> list[RunRow]:
    seen: set[int] = set()
    made = []
    for attempt in timeline.shown[:RUN_ROWS]:
        span = index.span_of(attempt)
        first = attempt.run_id not in seen
        seen.add(attempt.run_id)
        name = f"#{attempt.run_number}" if attempt.run_number is not None else f"{attempt.run_id}"
        made.append(
            RunRow(
                anchor=f"run-{attempt.run_id}" if first else f"run-{attempt.run_id}-{attempt.attempt}",
                name=name + (f" attempt {attempt.attempt}" if attempt.attempt > 1 else ""),
                url=run_url(index.analysis.host, attempt.repository, attempt.run_id, attempt.attempt),
                repository=clip(attempt.repository, 120),
                title=clip(attempt.title, 60) if limits.titles else "",
                workflow=clip(attempt.workflow, 120),
                branch=clip(attempt.branch, 120),
                event=clip(attempt.event, 120),
                actor=clip(attempt.actor, 120),
                asked="unknown" if span is None else stamp(span.asked.replace(microsecond=0)),
                waited="–" if span is None else duration(int((span.started - span.asked).total_seconds())),
                ran=duration(int((span.ended - span.started).total_seconds())) if span and span.executed else "–",
                result=clip(attempt.conclusion or attempt.status or "unknown", 40),
                state=state_of(attempt),
                effects=len(index.effects.get(ref_of(attempt), ())),
            )
        )
    return made


def _timing(timings: Sequence[JobTiming]) -> Timing:
    """Return the job names with most samples as histograms and numbers."""
    order = sorted(timings, key=lambda t: (-len(t.run_seconds) - len(t.queue_seconds), t.workflow, t.job))
    drawn = order[:SERIES]
    return Timing(
        queue=_histogram("Waiting for a runner", drawn, lambda t: t.queue_seconds),
        run=_histogram("Run time", drawn, lambda t: t.run_seconds),
        rows=tuple(
            TimingRow(clip(t.workflow, 80), clip(t.job, 80), _quantiles(t.queue_seconds), _quantiles(t.run_seconds))
            for t in order[:TIMING_ROWS]
        ),
        drawn=len(drawn),
        jobs=len(order),
    )


def _histogram(
    title: str, timings: Sequence[JobTiming], seconds: Callable[[JobTiming], tuple[int, ...]]
) -> Markup | None:
    series = [
        Series(clip(t.job, 80), clip(t.workflow, 80), tuple(sorted(values)))
        for t in timings
        if (values := seconds(t))
    ]
    return histogram(title, series) if series else None


def _quantiles(seconds: Sequence[int]) -> tuple[str, ...]:
    """Return count, median, p95 and longest as text."""
    if not seconds:
        return ("0", "–", "–", "–")
    ordered = sorted(seconds)
    chosen = (percentile(ordered, 0.5), percentile(ordered, 0.95), ordered[-1])
    return (number(len(ordered)), *(duration(second) for second in chosen))


def _method(index: CaseIndex, timeline: Timeline, limits: Limits, step: int, dropped: int) -> dict[str, Any]:
    """Return what the report rests on, and what it leaves out."""
    analysis = index.analysis
    c = analysis.coverage
    accounted = c.lines_stored + c.lines_duplicate + c.lines_problem
    left_out = [*timeline.notes, *_left_out(analysis, limits, dropped)]
    if step:
        left_out.append(f"Shortened in {counted(step, 'step')} to stay under {number(HARD_LIMIT_BYTES)} bytes.")
    return {
        "coverage": _coverage(analysis),
        "lines_add_up": c.lines_in == accounted,
        "lines_difference": abs(c.lines_in - accounted),
        "problems": [(clip(kind, 160), number(count)) for kind, count in c.problems[:100]],
        "problem_count": sum(count for _, count in c.problems),
        "files": [
            (clip(e.path, 200), clip(e.source, 160), number(e.size), clip(e.sha256, 64), stamp(e.taken_at)[:19])
            for e in analysis.evidence[: limits.files]
        ],
        "file_count": len(analysis.evidence),
        "notes": [clip(note, 600) for note in analysis.notes[:200]],
        "left_out": left_out,
        "made": moment(analysis.generated_at),
    }


def _left_out(analysis: Analysis, limits: Limits, dropped: int) -> list[str]:
    said = []
    if len(analysis.findings) > limits.cards:
        said.append(
            f"{counted(limits.cards, 'finding')} of {number(len(analysis.findings))} have a card; the others are "
            "rows of a table."
        )
    if dropped:
        said.append(f"{counted(dropped, 'finding')} not even a row: `forensics detect` lists all.")
    if any(len(f.evidence) > limits.lines for f in analysis.findings[: limits.cards]):
        said.append(f"At most {limits.lines} evidence lines a finding; matched lines come first.")
    if any(len(e.text) > limits.line_characters for f in analysis.findings[: limits.cards] for e in f.evidence):
        said.append(f"At most {number(limits.line_characters)} characters of an evidence line.")
    if len(analysis.evidence) > limits.files:
        said.append(f"{number(limits.files)} of {counted(len(analysis.evidence), 'input file')} listed.")
    return said


def _coverage(analysis: Analysis) -> list[tuple[str, str, str]]:
    """Return name, number and share or remark of what the case has."""
    c = analysis.coverage
    kinds = Counter(e.outcome for e in analysis.effects)
    outcomes = ", ".join(f"{clip(kind, 20)} {number(n)}" for kind, n in sorted(kinds.items()))
    return [
        ("Repositories", number(len(c.repositories)), fact(list(c.repositories[:5]))),
        ("Runs", number(c.runs), f"{counted(c.attempts, 'attempt')}"),
        ("Jobs", number(c.jobs), f"{number(c.jobs_executed)} executed, the others skipped or copied"),
        ("Executed jobs with log", number(c.jobs_with_log), f"{percent(c.jobs_with_log, c.jobs_executed)} %"),
        ("Log lines to search", number(c.log_lines), ""),
        ("Effects announced in logs", number(c.effects), outcomes),
        ("Lines in", number(c.lines_in), "as read from the sources"),
        ("· stored", number(c.lines_stored), f"{percent(c.lines_stored, c.lines_in)} %"),
        ("· duplicates", number(c.lines_duplicate), "the same content found twice, stored once"),
        ("· problems", number(c.lines_problem), "not readable; kinds below"),
    ]
