"""What the detectors last said, kept in the case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import polars as pl

from forensics.model import Finding
from forensics.store.store import Store

_SCHEMA: dict[str, Any] = {
    "finding_id": pl.String, "detector": pl.String, "severity": pl.String, "precision": pl.String,
    "message": pl.String, "occurred_at": pl.Datetime("us"), "repository": pl.String, "target": pl.String,
    "runs": pl.String, "evidence": pl.String, "values": pl.String,
}  # fmt: skip


def write_findings(store: Store, findings: Sequence[Finding]) -> None:
    """Replace the table ``findings``."""
    rows = [
        {
            "finding_id": finding.id, "detector": finding.detector, "severity": finding.severity,
            "precision": finding.precision, "message": finding.message, "occurred_at": finding.occurred_at,
            "repository": finding.repository, "target": finding.target,
            "runs": _json(finding.runs),
            "evidence": _json(finding.evidence),
            "values": _json(dict(finding.values)),
        }
        for finding in findings
    ]  # fmt: skip
    with store.transaction():
        store.execute("DELETE FROM findings")
        store.insert("findings", pl.DataFrame(rows, schema=_SCHEMA))


def _json(value: Any) -> str:
    # It makes objects of dataclasses itself; ``dataclasses.asdict`` would copy every value first.
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
