"""Risks of workflow files for other readers: JSON, Markdown, and SARIF 2.1.0 with lines, for code scanning.

Everything in a message or a fix comes from files that anybody may have written; see forensics.detect.formats for
what each format does about that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from forensics import __version__
from forensics.audit import Audit, Risk, Rule
from forensics.detect.formats import LEVELS, SARIF_PRECISIONS, SARIF_SCHEMA, escaped
from forensics.model import SEVERITIES

SCHEMA = 1
"""Version of the JSON format; it changes when a reader of the last would break."""


def to_json(audit: Audit) -> str:
    """The fixed format: schema, files, findings."""
    return json.dumps(
        {"schema": SCHEMA, "files": audit.files, "findings": [_risk(risk) for risk in audit.risks]}, indent=2
    )


def to_markdown(audit: Audit) -> str:
    """A heading with the counts, a table, and a fix for each finding that has one; hostile text stays text."""
    if not audit.risks:
        return "## Concurrency settings\n\nNothing was found."
    counts = [(severity, sum(risk.severity == severity for risk in audit.risks)) for severity in SEVERITIES]
    told = ", ".join(f"{count} {severity}" for severity, count in counts if count)
    rows = [
        f"| {risk.severity} | {escaped(f'{risk.path}:{risk.line}')} | {risk.rule} | {escaped(risk.message)} |"
        for risk in audit.risks
    ]
    fixes = [
        f"\n**{escaped(f'{risk.path}:{risk.line}')}** {escaped(risk.title)}\n\n{_code(risk.fix)}"
        for risk in audit.risks
        if risk.fix and risk.severity not in ("info",)
    ]
    return "\n".join(
        [
            f"## Concurrency settings: {told}",
            "",
            "| severity | where | rule | what |",
            "| --- | --- | --- | --- |",
            *rows,
            *fixes,
        ]
    )


def to_sarif(audit: Audit) -> str:
    """A SARIF 2.1.0 log: a rule for each rule, a result with its place for each risk, the fix as text."""
    places = {rule.id: place for place, rule in enumerate(audit.rules)}
    run = {
        "tool": {
            "driver": {
                "name": "forensics",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in audit.rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(risk, places) for risk in audit.risks],
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _risk(risk: Risk) -> dict[str, Any]:
    return {
        "id": risk.id,
        "rule": risk.rule,
        "severity": risk.severity,
        "precision": risk.precision,
        "title": risk.title,
        "message": risk.message,
        "path": risk.path,
        "line": risk.line,
        "column": risk.column,
        "job": risk.job,
        "fix": risk.fix,
        "related": [
            {"path": other.path, "line": other.line, "column": other.column, "message": other.message}
            for other in risk.related
        ],
    }


def _code(text: str) -> str:
    """Lines as a code block that nothing in them can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}yaml\n{text}\n{fence}"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": _sarif_text(rule.title)},
        "fullDescription": {"text": _sarif_text(rule.question)},
        "help": {"text": _sarif_text(f"What to do: {rule.remedy}\n\nWhen it is wrong: {rule.false_positives}")},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {
            "precision": SARIF_PRECISIONS[rule.precision],
            "severity": rule.severity,
            "tags": ["concurrency", "github-actions"],
        },
    }


def _result(risk: Risk, places: dict[str, int]) -> dict[str, Any]:
    fix = f"\n\nFor example:\n{risk.fix}" if risk.fix else ""
    return {
        "ruleId": risk.rule,
        **({"ruleIndex": places[risk.rule]} if risk.rule in places else {}),
        "level": LEVELS[risk.severity],
        "message": {"text": _sarif_text(risk.message + fix)},
        "locations": [_location(risk.path, risk.line, risk.column)],
        "relatedLocations": [
            {**_location(other.path, other.line, other.column), "message": {"text": _sarif_text(other.message)}}
            for other in risk.related
        ],
        "partialFingerprints": {"findingId/v1": risk.id},
        "properties": {key: value for key, value in _risk(risk).items() if key not in ("message", "rule", "related")},
    }


def _location(path: str, line: int, column: int) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(path)},
            "region": {"startLine": max(line, 1), "startColumn": max(column, 1)},
        }
    }


def _sarif_text(text: str) -> str:
    """Text without embedded links: SARIF reads [text](address) in any message (3.11.6)."""
    return re.sub(r"([\\\[\]])", r"\\\1", text)


def worst_first(risks: Sequence[Risk]) -> dict[str, int]:
    """How many of each severity there are, worst first, none left out that there is."""
    return {severity: count for severity in SEVERITIES if (count := sum(risk.severity == severity for risk in risks))}
