"""Findings for other readers: the fixed JSON format, Markdown for a summary or an issue, SARIF 2.1.0.

Names and messages hold text that anybody may have written. JSON carries it as data; Markdown gets every
character that means something there as an entity; SARIF gets its link brackets escaped.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import quote

from forensics import __version__
from forensics.detect.run import as_json
from forensics.detect.suppress import Suppressed
from forensics.model import SEVERITIES, Coverage, DetectorDoc, EvidenceLine, Finding, Incident, Precision, Severity

SCHEMA = 1
"""Version of the JSON format; it changes when a reader of the last would break."""

LEVELS: Mapping[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
"""SARIF knows three levels."""

SARIF_PRECISIONS: Mapping[Precision, str] = {"certain": "very-high", "likely": "high", "possible": "medium"}
"""As GitHub's code scanning names them."""

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

# Fields of evidence in Markdown stay readable: this many lines for a finding, so much of each line.
_MOST_LINES = 6
_LONGEST_LINE = 300

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def to_json(
    findings: Sequence[Finding],
    coverage: Coverage | None,
    incidents: Sequence[Incident] = (),
    suppressed: Sequence[Suppressed] = (),
) -> str:
    """The fixed format, as text that is the same for the same findings."""
    return json.dumps(as_document(findings, coverage, incidents, suppressed), indent=2)


def as_document(
    findings: Sequence[Finding],
    coverage: Coverage | None,
    incidents: Sequence[Incident] = (),
    suppressed: Sequence[Suppressed] = (),
) -> dict[str, Any]:
    """The fixed format (docs/design.md), before it is written.

    ``incidents`` came later and name findings by id; ``suppressed`` are whole findings that ``findings`` lacks.
    """
    return {
        "schema": SCHEMA,
        "findings": [as_record(finding) for finding in findings],
        "coverage": as_json(asdict(coverage)) if coverage else {},
        "incidents": [incident_record(incident) for incident in incidents],
        "suppressed": [
            as_record(one.finding) | {"until": one.by.until.isoformat(), "why": one.by.why} for one in suppressed
        ],
    }


def incident_record(incident: Incident) -> dict[str, Any]:
    """An incident as JSON has it, its findings as their ids; ``story`` is null where it is not told."""
    return {
        "id": incident.id,
        "severity": incident.severity,
        "title": incident.title,
        "repository": incident.repository,
        "started_at": as_json(incident.started_at),
        "ended_at": as_json(incident.ended_at),
        "runs": [asdict(run) for run in incident.runs],
        "targets": list(incident.targets),
        "findings": [finding.id for finding in incident.findings],
        "first_cause": as_json(asdict(incident.first_cause)) if incident.first_cause else None,
        "contributing": [as_json(asdict(one)) for one in incident.contributing],
        "story": as_json(asdict(incident.story)) if incident.story else None,
    }


def to_markdown(findings: Sequence[Finding], incidents: Sequence[Incident] = ()) -> str:
    """The incidents, then the findings with their counts, a table, and the log lines of each.

    Hostile text stays text.
    """
    if not findings:
        return "## Findings\n\nNothing was found."
    if incidents:
        return f"{_incidents(incidents)}\n\n{to_markdown(findings)}"
    counts = [(severity, sum(finding.severity == severity for finding in findings)) for severity in SEVERITIES]
    told = ", ".join(f"{count} {severity}" for severity, count in counts if count)
    rows = [
        f"| {finding.severity} | {finding.precision} | {_time(finding)} | {escaped(finding.message)} "
        f"| {escaped(', '.join(_run_name(run.run_id, run.attempt) for run in finding.runs[:8]))} |"
        for finding in findings
    ]
    details = [_details(finding) for finding in findings if finding.evidence]
    return "\n".join(
        [
            f"## Findings: {told}",
            "",
            "| severity | precision | time (UTC) | what | runs |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            *details,
        ]
    )


def to_sarif(
    findings: Sequence[Finding],
    detectors: Sequence[DetectorDoc],
    workflow_paths: Mapping[int, str] | None = None,
    failures: Sequence[tuple[str, str]] = (),
    suppressed: Sequence[Suppressed] = (),
) -> str:
    """A SARIF 2.1.0 log: a rule for each detector, a result for each finding, those suppressed with their reason.

    ``workflow_paths`` gives the workflow file by run id; a result whose file is not known has no physical location.
    """
    places = {detector.id: place for place, detector in enumerate(detectors)}
    run = {
        "tool": {
            "driver": {
                "name": "forensics",
                "semanticVersion": __version__,
                "rules": [_rule(detector) for detector in detectors],
            }
        },
        "invocations": [
            {
                "executionSuccessful": not failures,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": _sarif_text(f"{name}: {reason}")}}
                    for name, reason in failures
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [
            *(_result(finding, places, workflow_paths or {}) for finding in findings),
            *(
                _result(one.finding, places, workflow_paths or {})
                | {"suppressions": [{"kind": "external", "status": "accepted", "justification": one.by.why}]}
                for one in suppressed
            ),
        ],
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def escaped(text: str) -> str:
    """Any text as one line of inert Markdown: no markup, no link, no mention, no reference, no hidden character."""
    shown = re.sub(r"[^\w ,.;:/=+'%-]", lambda match: f"&#{ord(match[0])};", visible(text))
    # What GitHub links without being asked: addresses by scheme or www, and _emphasis_.
    shown = shown.replace("_", "&#95;").replace("://", "&#58;//")
    return re.sub(r"(?i)\b(www)\.", r"\1&#46;", shown)


def visible(text: str) -> str:
    """Control, bidi and zero-width characters as U+XXXX, so that they can be seen and do nothing."""
    return "".join(
        f"U+{ord(character):04X}" if unicodedata.category(character) in _INVISIBLE else character
        for character in text
    )


def _incidents(incidents: Sequence[Incident]) -> str:
    rows = [
        f"| {incident.severity} | {_stamp(incident.started_at)} | {escaped(incident.title)} "
        f"| {escaped(incident.first_cause.text if incident.first_cause else 'unknown')} "
        f"| {len(incident.findings)} | {len(incident.runs)} | `{incident.id}` |"
        for incident in incidents
    ]
    heading = "| severity | began (UTC) | what | first cause | findings | runs | id |"
    told = f"## {len(incidents):,} incident{'s' if len(incidents) != 1 else ''}"
    return "\n".join([told, "", heading, "| --- | --- | --- | --- | --- | --- | --- |", *rows])


def as_record(finding: Finding) -> dict[str, Any]:
    """A finding as JSON has it (docs/design.md, fixed)."""
    return {
        "id": finding.id,
        "detector": finding.detector,
        "severity": finding.severity,
        "precision": finding.precision,
        "message": finding.message,
        "occurred_at": as_json(finding.occurred_at),
        "repository": finding.repository,
        "runs": [{"run_id": run.run_id, "attempt": run.attempt} for run in finding.runs],
        "target": finding.target,
        "evidence": [_line(line) for line in finding.evidence],
        "values": dict(finding.values),
    }


def _line(line: EvidenceLine) -> dict[str, Any]:
    return {
        "run_id": line.run_id,
        "attempt": line.attempt,
        "job_id": line.job_id,
        "step": line.step,
        "line": line.line,
        "logged_at": as_json(line.logged_at),
        "text": line.text,
        "matched": line.matched,
    }


def _run_name(run_id: int, attempt: int) -> str:
    return f"{run_id}" if attempt == 1 else f"{run_id} attempt {attempt}"


def _time(finding: Finding) -> str:
    return _stamp(finding.occurred_at)


def _stamp(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "unknown"


def _details(finding: Finding) -> str:
    lines = [line for line in finding.evidence if line.matched][:_MOST_LINES]
    shown = [
        f"- run {_run_name(line.run_id, line.attempt)}, job {line.job_id}, line {line.line}: "
        f"{escaped(line.text[:_LONGEST_LINE])}"
        for line in lines
    ]
    return "\n".join(["", f"**{finding.id}** {escaped(finding.title)}", "", *shown])


def _rule(detector: DetectorDoc) -> dict[str, Any]:
    return {
        "id": detector.id,
        "name": "".join(part.capitalize() for part in detector.id.split("-")),
        "shortDescription": {"text": _sarif_text(detector.title)},
        "fullDescription": {"text": _sarif_text(detector.question)},
        "help": {
            "text": _sarif_text(f"What to do: {detector.remedy}\n\nWhen it is wrong: {detector.false_positives}"),
        },
        "defaultConfiguration": {"level": LEVELS[detector.severity]},
        "properties": {
            "precision": SARIF_PRECISIONS[detector.precision],
            "severity": detector.severity,
            "parameters": as_json(detector.params),
            "tags": ["concurrency", "github-actions"],
        },
    }


def _result(finding: Finding, places: Mapping[str, int], workflow_paths: Mapping[int, str]) -> dict[str, Any]:
    paths = dict.fromkeys(workflow_paths[run.run_id] for run in finding.runs if run.run_id in workflow_paths)
    return {
        "ruleId": finding.detector,
        **({"ruleIndex": places[finding.detector]} if finding.detector in places else {}),
        "level": LEVELS[finding.severity],
        "message": {"text": _sarif_text(finding.message)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(path)}}} for path in list(paths)[:1]],
        "relatedLocations": [
            {"physicalLocation": {"artifactLocation": {"uri": quote(path)}}} for path in list(paths)[1:]
        ],
        "partialFingerprints": {"findingId/v1": finding.id},
        "properties": {key: value for key, value in as_record(finding).items() if key not in ("message", "detector")},
    }


def _sarif_text(text: str) -> str:
    """Text without embedded links: SARIF reads [text](address) in any message (3.11.6)."""
    return re.sub(r"([\\\[\]])", r"\\\1", text)
