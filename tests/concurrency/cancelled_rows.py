"""Rows for tests of what is derived from runs, jobs, annotations and groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from forensics.store.store import Store

Row = dict[str, Any]

DEFAULTS: Mapping[str, Row] = {
    "runs": {
        "repository": "octo/shop", "workflow_path": ".github/workflows/deploy.yml", "workflow_name": "Deploy",
        "event": "push", "status": "completed", "head_branch": "main", "inferred": False,
    },
    "attempts": {"repository": "octo/shop", "attempt": 1, "status": "completed", "inferred": False},
    "jobs": {
        "repository": "octo/shop", "attempt": 1, "name": "deploy", "status": "completed", "conclusion": "success",
        "executed": True, "copied": False, "inferred": False,
    },
    "steps": {"status": "completed", "name": "Deploy"},
    "annotations": {"repository": "octo/shop", "level": "failure", "path": ".github"},
    "concurrency_groups": {"attempt": 1, "level": "workflow", "source": "evaluated", "confidence": "known"},
    "evidence": {"sha256": "00", "size": 0, "source": "test", "taken_at": datetime(2026, 3, 9)},
    "workflow_versions": {"repository": "octo/shop", "source": "exact", "blob": "00"},
}  # fmt: skip


def plant(store: Store, tables: Mapping[str, Sequence[Row]]) -> None:
    """Replace the tables' rows; of what a row does not say, the default counts, else NULL."""
    for table in DEFAULTS:
        store.execute(f"DELETE FROM {table}")
    for table, said in tables.items():
        rows = [{**DEFAULTS[table], **row} for row in said]
        names = sorted({name for row in rows for name in row})
        cells = [[None if row.get(name) is None else str(row[name]) for name in names] for row in rows]
        store.insert(table, pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row"))
