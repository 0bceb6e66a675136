"""An incident in numbers, each from its findings' own columns or from the record of its attempts."""

from __future__ import annotations

from datetime import datetime

from forensics.detect.record import Record
from forensics.model import Finding, Impact, Incident

_UNSHIPPED = frozenset({"lost-tip", "evicted-waiter"})


def weigh(incident: Incident, record: Record, seen_until: datetime | None) -> Impact:
    """Count what an incident did; ``seen_until`` is until when the case has seen anything of the repository."""
    columns = [finding.values for finding in incident.findings]
    cancelled, minutes = 0, 0.0
    for run in incident.runs:
        rows = record.attempts.get(run, ())
        conclusion = rows[0]["conclusion"] if rows else None
        cancelled += conclusion == "cancelled"
        if conclusion in ("cancelled", "failure", "timed_out"):
            minutes += sum(
                (job["completed_at"] - job["started_at"]).total_seconds() / 60
                for job in record.jobs.get(run, ())
                if job["completed_at"] is not None and job["completed_at"] > job["started_at"]
            )
    wrong, still = _wrong(incident, seen_until)
    return Impact(
        done_twice=sum(max(_number(values.get("accepted")), _number(values.get("made"))) > 1 for values in columns),
        refused=_refused(incident, record),
        # Several detectors may speak of one landing.
        out_of_order=len(
            {(one.target, one.occurred_at) for one in incident.findings if "stale_seconds" in one.values}
        ),
        cut_off=sum("written_again_seconds" in values for values in columns),
        runs_cancelled=cancelled,
        minutes_wasted=round(minutes, 1),
        wrong_seconds=wrong,
        still_wrong=still,
        never_shipped=_never_shipped(incident, record),
    )


def _refused(incident: Incident, record: Record) -> int:
    """Different things that a job was refused; retries of one count once."""
    return len(
        {
            (run, row["job_id"], row["effect"], row["target"], row["identity"])
            for run in incident.runs
            for row in record.effects.get(run, ())
            if row["outcome"] == "rejected" and (not incident.targets or row["target"] in incident.targets)
        }
    )


def _wrong(incident: Incident, seen_until: datetime | None) -> tuple[dict[str, float], tuple[str, ...]]:
    """By target, the longest time until the next right landing; and those that none has set right."""
    wrong: dict[str, float] = {}
    still = set()
    for finding in incident.findings:
        column = next((name for name in ("stale_seconds", "written_again_seconds") if name in finding.values), None)
        if column is None or finding.target is None:
            continue
        seconds = finding.values[column]
        if seconds is None:
            still.add(finding.target)
            seconds = _until(finding, seen_until)
        if seconds is not None:
            wrong[finding.target] = max(wrong.get(finding.target, 0.0), float(seconds))
    return dict(sorted(wrong.items())), tuple(sorted(still))


def _until(finding: Finding, seen_until: datetime | None) -> float | None:
    if finding.occurred_at is None or seen_until is None or seen_until < finding.occurred_at:
        return None
    return (seen_until - finding.occurred_at).total_seconds()


def _never_shipped(incident: Incident, record: Record) -> tuple[str, ...]:
    """Commits of which a finding says that no later success took them along."""
    shas: dict[str, None] = {}
    for finding in incident.findings:
        if finding.detector not in _UNSHIPPED or finding.values.get("kind", "never-shipped") != "never-shipped":
            continue
        if sha := finding.values.get("sha"):
            shas[str(sha)] = None
        else:
            # The last one that is named evicted the others.
            for run in finding.runs[:-1]:
                shas |= {row["head_sha"]: None for row in record.attempts.get(run, ()) if row["head_sha"]}
    return tuple(shas)


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0
