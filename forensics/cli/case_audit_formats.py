"""The audit of a case for other readers: JSON, Markdown, and SARIF 2.1.0 with findings and risks in one log."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime

from forensics.cli import audit_formats
from forensics.detect import formats
from forensics.detect.formats import escaped
from forensics.outcome import CaseAudit

SCHEMA = 1
"""Version of the JSON format; it changes when a reader of the last would break."""


def to_json(audit: CaseAudit) -> str:
    """Schema, workflows, agreement, findings (as ``detect`` gives them) and risks by repository."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "workflows": [dataclasses.asdict(one) for one in audit.accounts],
            "agreement": [dataclasses.asdict(one) for one in audit.agreement],
            "findings": json.loads(formats.to_json(audit.findings, audit.coverage))["findings"],
            "risks": {
                repository: json.loads(audit_formats.to_json(one))["findings"]
                for repository, one in audit.audits.items()
            },
        },
        indent=2,
        default=_moment,
    )


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='seconds')}Z"
    raise TypeError(type(value).__name__)


def to_markdown(audit: CaseAudit) -> str:
    """A table of the workflows, what happened, and what the files of each repository promise."""
    rows = [
        f"| {escaped(one.workflow_path)} | {one.runs} | {one.groups} | {one.overlapping} | {one.evicted} | "
        f"{one.cancelled} | {one.deadlocked} | {escaped('; '.join(one.settings))} |"
        for one in audit.accounts
    ]
    heading = "| workflow | runs | groups | overlapping | evicted | cancelled | deadlocked | settings |"
    parts = [
        "\n".join(["## Workflows", "", heading, "|" + " --- |" * 8, *rows]),
        *_versions(audit),
        formats.to_markdown(audit.findings),
        *(audit_formats.to_markdown(one) for one in audit.audits.values()),
    ]
    return "\n\n".join(parts)


def _versions(audit: CaseAudit) -> list[str]:
    """A table of the settings' versions, if there are any."""
    rows = [
        f"| {escaped(version.setting)} | {escaped(f'{version.path or one.workflow_path}:{version.line or 1}')} | "
        f"{escaped((version.blob or '')[:12])} | {version.runs} | {version.first_run_id} | {version.last_run_id} |"
        for one in audit.accounts
        for version in one.versions
    ]
    heading = "| setting | file | blob | runs | first run | last run |"
    return ["\n".join(["## Settings", "", heading, "|" + " --- |" * 6, *rows])] if rows else []


def to_sarif(audit: CaseAudit) -> str:
    """One log with a run for what happened and a run for each repository's files."""
    log = json.loads(formats.to_sarif(audit.findings, audit.docs, audit.workflow_paths, audit.failures))
    for number, one in enumerate(audit.audits.values(), 1):
        added = json.loads(audit_formats.to_sarif(one))["runs"]
        for run in added:
            run["automationDetails"] = {"id": f"forensics/audit/{number}"}
        log["runs"] += added
    return json.dumps(log, indent=2)
