"""The audit of a case for other readers: JSON, Markdown, and SARIF 2.1.0 with findings and risks in one log."""

from __future__ import annotations

import dataclasses
import json

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
    )


def to_markdown(audit: CaseAudit) -> str:
    """A table of the workflows, what happened, and what the files of each repository promise."""
    rows = [
        f"| {escaped(one.workflow_path)} | {one.runs} | {one.groups} | {one.evicted} | {one.cancelled} | "
        f"{one.deadlocked} | {escaped('; '.join(one.settings))} |"
        for one in audit.accounts
    ]
    heading = "| workflow | runs | groups | evicted | cancelled | deadlocked | settings |"
    parts = [
        "\n".join(["## Workflows", "", heading, "| --- | --- | --- | --- | --- | --- | --- |", *rows]),
        formats.to_markdown(audit.findings),
        *(audit_formats.to_markdown(one) for one in audit.audits.values()),
    ]
    return "\n\n".join(parts)


def to_sarif(audit: CaseAudit) -> str:
    """One log with a run for what happened and a run for each repository's files."""
    log = json.loads(formats.to_sarif(audit.findings, audit.docs, audit.workflow_paths, audit.failures))
    for number, one in enumerate(audit.audits.values(), 1):
        added = json.loads(audit_formats.to_sarif(one))["runs"]
        for run in added:
            run["automationDetails"] = {"id": f"forensics/audit/{number}"}
        log["runs"] += added
    return json.dumps(log, indent=2)
