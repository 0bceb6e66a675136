"""From the case and the findings to an ``Analysis``: all that a report is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from forensics.detect.detector import load_library
from forensics.detect.run import DetectionResult
from forensics.detect.story import find_incidents, tell_worst
from forensics.errors import UsageProblem
from forensics.model import Analysis, Attempt, Coverage, Effect, Evidence, Finding, JobTiming
from forensics.store.store import Store

_AROUND = timedelta(hours=1)
"""What is shown before and after the runs of a single finding."""

MOST_SHOWN = 20
"""Incidents that the report may show with their events; ``forensics.report.limits`` shows no more."""

_ATTEMPTS = """
SELECT
    attempts.repository,
    attempts.run_id,
    attempts.attempt,
    runs.run_number,
    coalesce(runs.workflow_name, runs.workflow_path, 'unknown workflow') AS workflow,
    coalesce(attempt_lanes.lane, 'no lane known') AS lane,
    coalesce(runs.display_title, runs.name, '') AS title,
    runs.event,
    runs.head_branch AS branch,
    runs.head_sha AS sha,
    coalesce(attempts.actor, runs.actor) AS actor,
    attempts.status,
    attempts.conclusion,
    attempts.created_at,
    attempts.started_at,
    attempts.completed_at,
    runs.inferred OR attempts.inferred AS inferred
FROM attempts
INNER JOIN runs ON attempts.run_id = runs.run_id
LEFT JOIN attempt_lanes ON attempts.run_id = attempt_lanes.run_id AND attempts.attempt = attempt_lanes.attempt
WHERE
    ($start IS NULL OR coalesce(attempts.completed_at, attempts.created_at) >= $start)
    AND ($end IS NULL OR coalesce(attempts.created_at, attempts.started_at) <= $end)
ORDER BY coalesce(attempts.created_at, attempts.started_at), attempts.run_id, attempts.attempt
"""

_EFFECTS = """
SELECT repository, run_id, attempt, job_id, step_number, started_at, occurred_at, tool, effect, target, identity,
    outcome, sha, rule, line_no, text
FROM effects
WHERE ($start IS NULL OR occurred_at >= $start) AND ($end IS NULL OR occurred_at <= $end)
ORDER BY occurred_at, run_id, job_id, line_no, rule, target
"""

_TIMINGS = """
SELECT
    coalesce(runs.workflow_name, runs.workflow_path, 'unknown workflow') AS workflow,
    jobs.name AS job,
    list(greatest(0, epoch(jobs.started_at - jobs.created_at))::INTEGER ORDER BY jobs.started_at, jobs.job_id)
        FILTER (WHERE jobs.created_at IS NOT NULL) AS queue_seconds,
    list(greatest(0, epoch(jobs.completed_at - jobs.started_at))::INTEGER ORDER BY jobs.started_at, jobs.job_id)
        FILTER (WHERE jobs.conclusion = 'success') AS run_seconds
FROM jobs
INNER JOIN runs ON jobs.run_id = runs.run_id
WHERE
    NOT jobs.copied AND NOT jobs.inferred AND coalesce(jobs.executed, TRUE)
    AND jobs.started_at IS NOT NULL AND jobs.completed_at IS NOT NULL
    AND ($start IS NULL OR jobs.completed_at >= $start) AND ($end IS NULL OR jobs.started_at <= $end)
GROUP BY ALL
ORDER BY count(*) DESC, workflow, job
"""


def read_analysis(
    store: Store,
    coverage: Coverage,
    result: DetectionResult,
    *,
    version: str,
    generated_at: datetime,
    finding: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Analysis:
    """Read what a report shows. Times are UTC and inclusive; raises UsageProblem for an unknown finding."""
    load_library(store)
    findings = result.findings
    if finding is not None:
        findings = tuple(one for one in findings if one.id == finding)
        if not findings:
            raise UsageProblem(f"There is no finding '{finding}'.", hint="List them with: forensics detect")
        start, end = start or _edge(store, findings[0], first=True), end or _edge(store, findings[0], first=False)
    window = {"start": start, "end": end}
    attempts = tuple(Attempt(**row) for row in store.query(_ATTEMPTS, window).dicts())
    shown = {(attempt.run_id, attempt.attempt) for attempt in attempts}
    if start or end:
        findings = tuple(one for one in findings if any((run.run_id, run.attempt) in shown for run in one.runs))
    shown_ids = {one.id for one in findings}
    incidents = [
        one
        for one in find_incidents(store, result.findings)
        if any(member.id in shown_ids for member in one.findings)
    ]
    effects = [Effect(**row) for row in store.query(_EFFECTS, window).dicts()]
    return Analysis(
        title=_title(coverage, findings, finding),
        generated_at=generated_at,
        version=version,
        coverage=coverage,
        findings=findings,
        detectors=result.docs,
        attempts=attempts,
        effects=tuple(effect for effect in effects if (effect.run_id, effect.attempt) in shown),
        timings=tuple(_timing(row) for row in store.query(_TIMINGS, window).dicts()),
        evidence=_evidence(store),
        notes=_notes(store, coverage, result, start, end),
        incidents=tell_worst(store, incidents, MOST_SHOWN),
    )


def _timing(row: dict[str, Any]) -> JobTiming:
    return JobTiming(row["workflow"], row["job"], tuple(row["queue_seconds"] or ()), tuple(row["run_seconds"] or ()))


def _edge(store: Store, finding: Finding, *, first: bool) -> datetime | None:
    """An hour before the first of the finding's runs, or after the last."""
    column = "min(coalesce(created_at, started_at))" if first else "max(coalesce(completed_at, created_at))"
    rows = store.query(
        f"SELECT {column} FROM attempts WHERE run_id IN (SELECT unnest($runs))",  # noqa: S608
        {"runs": [run.run_id for run in finding.runs]},
    ).rows
    moment = rows[0][0]
    if not isinstance(moment, datetime):
        return None
    return moment - _AROUND if first else moment + _AROUND


def _title(coverage: Coverage, findings: Sequence[Finding], finding: str | None) -> str:
    where = ", ".join(coverage.repositories[:3]) or "a repository without a name"
    more = f" and {len(coverage.repositories) - 3} more" if len(coverage.repositories) > 3 else ""
    return f"{findings[0].title} in {findings[0].repository or where}" if finding else f"{where}{more}"


def _evidence(store: Store) -> tuple[Evidence, ...]:
    rows = store.query("SELECT path, sha256, size, source, taken_at FROM evidence ORDER BY path").rows
    return tuple(Evidence(*row) for row in rows)


def _notes(
    store: Store, coverage: Coverage, result: DetectionResult, start: datetime | None, end: datetime | None
) -> tuple[str, ...]:
    """What limits the report, as sentences with numbers."""
    notes = []
    if start or end:
        notes.append(
            f"Only {f'from {start:%Y-%m-%d %H:%M} UTC' if start else 'from the beginning'} "
            f"{f'to {end:%Y-%m-%d %H:%M} UTC' if end else 'to the end'} is shown; coverage counts the whole case."
        )
    bare = store.query("SELECT count(*) FROM attempts AS a ANTI JOIN jobs AS j USING (run_id, attempt)").rows[0][0]
    if bare:
        notes.append(
            f"{bare:,} of {coverage.attempts:,} attempts have neither jobs nor logs in the case: "
            "only that they were there is known, not when they executed."
        )
    without = coverage.jobs_executed - coverage.jobs_with_log
    if without > 0:
        notes.append(
            f"{without:,} of {coverage.jobs_executed:,} executed jobs have no log in the case: "
            "what they did to the world is unknown."
        )
    made_up = dict(coverage.problems).get("made-up-run", 0)
    if made_up:
        notes.append(
            f"{made_up:,} logs could not be given to a run; each stands as a run of its own with a negative id."
        )
    notes.append(
        "API times have a grain of one second and runners have clocks of their own: an overlap counts as certain "
        "only when it is longer than both allow."
    )
    notes.extend(f"The detector '{name}' could not run: {reason}" for name, reason in result.failures)
    notes.extend(result.remarks)
    return tuple(notes)
