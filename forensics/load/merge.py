"""Many observations of one run or job become one row, in whatever order they arrive.

A run is seen again and again: in lists, alone, by REST and by gh, running and finished. Two rules make the
result independent of the order: what never changes (branch, commit, event …) is taken from whoever knows
it, richer forms first; what changes (status, conclusion, times, latest attempt) is taken *together* from
the newest observation, because a conclusion of an older state must not fill the gap of a newer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from forensics.load.page import Row
from forensics.store.store import Store

_MOMENT = pl.Datetime("us")
_RUN_STATE = ("status", "conclusion", "run_started_at", "updated_at", "latest_attempt", "triggering_actor", "raw")
_ATTEMPT_STATE = ("status", "conclusion", "created_at", "updated_at", "actor", "raw")
_JOB_STATE = ("status", "conclusion", "started_at", "completed_at", "executed", "raw")

SCHEMAS: dict[str, dict[str, Any]] = {
    "repositories": {
        "repository": pl.String, "repository_id": pl.Int64, "default_branch": pl.String, "raw": pl.String,
    },
    "workflows": {
        "repository": pl.String, "workflow_id": pl.Int64, "path": pl.String, "name": pl.String,
        "state": pl.String, "created_at": _MOMENT, "updated_at": _MOMENT, "raw": pl.String,
    },
    "runs": {
        "repository": pl.String, "run_id": pl.Int64, "run_number": pl.Int64, "workflow_id": pl.Int64,
        "workflow_path": pl.String, "workflow_name": pl.String, "name": pl.String, "display_title": pl.String,
        "event": pl.String, "status": pl.String, "conclusion": pl.String, "head_branch": pl.String,
        "head_sha": pl.String, "head_repository": pl.String, "created_at": _MOMENT, "run_started_at": _MOMENT,
        "updated_at": _MOMENT, "latest_attempt": pl.Int32, "actor": pl.String, "triggering_actor": pl.String,
        "inferred": pl.Boolean, "raw": pl.String,
    },
    "attempts": {
        "repository": pl.String, "run_id": pl.Int64, "attempt": pl.Int32, "status": pl.String,
        "conclusion": pl.String, "created_at": _MOMENT, "started_at": _MOMENT, "completed_at": _MOMENT,
        "updated_at": _MOMENT, "actor": pl.String, "inferred": pl.Boolean, "raw": pl.String,
    },
    "jobs": {
        "repository": pl.String, "job_id": pl.Int64, "run_id": pl.Int64, "attempt": pl.Int32, "name": pl.String,
        "status": pl.String, "conclusion": pl.String, "created_at": _MOMENT, "started_at": _MOMENT,
        "completed_at": _MOMENT, "head_sha": pl.String, "head_branch": pl.String, "workflow_name": pl.String,
        "runner_id": pl.Int64, "runner_name": pl.String, "runner_group": pl.String,
        "labels": pl.List(pl.String), "executed": pl.Boolean, "copied": pl.Boolean, "inferred": pl.Boolean,
        "raw": pl.String,
    },
    "steps": {
        "job_id": pl.Int64, "step_number": pl.Int32, "name": pl.String, "status": pl.String,
        "conclusion": pl.String, "started_at": _MOMENT, "completed_at": _MOMENT,
    },
    "annotations": {
        "repository": pl.String, "job_id": pl.Int64, "run_id": pl.Int64, "attempt": pl.Int32,
        "level": pl.String, "title": pl.String, "message": pl.String, "path": pl.String,
        "start_line": pl.Int32, "raw": pl.String,
    },
    "deployments": {
        "repository": pl.String, "deployment_id": pl.Int64, "environment": pl.String, "task": pl.String,
        "ref": pl.String, "sha": pl.String, "created_at": _MOMENT, "updated_at": _MOMENT,
        "creator": pl.String, "raw": pl.String,
    },
    "deployment_statuses": {
        "repository": pl.String, "status_id": pl.Int64, "deployment_id": pl.Int64, "state": pl.String,
        "environment": pl.String, "log_url": pl.String, "run_id": pl.Int64, "job_id": pl.Int64,
        "created_at": _MOMENT, "creator": pl.String, "raw": pl.String,
    },
    "approvals": {
        "repository": pl.String, "run_id": pl.Int64, "environment": pl.String, "state": pl.String,
        "login": pl.String, "comment": pl.String, "raw": pl.String,
    },
    "concurrency_groups": {
        "run_id": pl.Int64, "attempt": pl.Int32, "job_id": pl.Int64, "group_name": pl.String,
        "cancel_in_progress": pl.Boolean, "queue": pl.String, "source": pl.String, "confidence": pl.String,
    },
    "workflow_versions": {
        "repository": pl.String, "path": pl.String, "commit": pl.String, "blob": pl.String, "source": pl.String,
    },
}  # fmt: skip
"""Polars types of the tables that are written from Python, by column."""

KEYS: dict[str, tuple[str, ...]] = {
    "repositories": ("repository",),
    "workflows": ("repository", "workflow_id"),
    "runs": ("run_id",),
    "attempts": ("run_id", "attempt"),
    "jobs": ("job_id",),
    "steps": ("job_id", "step_number"),
    "annotations": ("job_id", "raw"),
    "deployments": ("deployment_id",),
    "deployment_statuses": ("status_id",),
    "approvals": ("run_id", "environment", "raw"),
    "concurrency_groups": ("run_id", "attempt", "job_id", "group_name", "source"),
    "workflow_versions": ("repository", "path", "commit"),
}
"""What makes two rows the same thing. Run and job ids are unique on a server, whatever the repository."""


def merge_pages(store: Store, seen: Mapping[str, Sequence[Row]]) -> int:
    """Merge observations into the store, inside the caller's transaction; return the rows that had no id."""
    without_id = 0
    kept: dict[str, list[Row]] = {}
    for table, rows in seen.items():
        required = [column for column in KEYS[table] if column not in ("attempt", "raw", "job_id", "group_name")]
        required += ["job_id"] if table in ("jobs", "steps") else []
        kept[table] = [row for row in rows if all(row.get(column) is not None for column in required)]
        without_id += len(rows) - len(kept[table])
    runs = _merge_runs(store, kept.get("runs", []))
    _merge_attempts(store, kept.get("runs", []), runs)
    _merge_jobs(store, kept.get("jobs", []), runs)
    for table in ("repositories", "workflows", "steps", "deployments", "deployment_statuses"):
        _merge(store, table, kept.get(table, []), tuple(SCHEMAS[table]), _newest)
    for table in ("annotations", "concurrency_groups", "approvals"):
        _merge(store, table, kept.get(table, []), (), _newest)
    _merge(store, "workflow_versions", kept.get("workflow_versions", []), (), _surest)
    return without_id


def _newest(row: Row) -> tuple[Any, ...]:
    """Sort key: later observations last, richer forms last among equals, then content, so that it is total."""
    moment = row.get("updated_at") or row.get("completed_at") or row.get("created_at") or datetime.min
    return (
        row.get("attempt") or row.get("latest_attempt") or 0,
        moment,
        len(row.get("raw") or ""),
        row.get("raw") or "",
    )


def _surest(row: Row) -> tuple[Any, ...]:
    """Sort key: what was read last, after what only follows; then content, so that it is total."""
    return (row["source"] == "exact", row["blob"])


def _job_state_order(row: Row) -> tuple[Any, ...]:
    finished = row.get("completed_at") or datetime.min
    return (row.get("status") == "completed", finished, len(row.get("raw") or ""), row.get("raw") or "")


def _merge(store: Store, table: str, rows: Iterable[Row], state: tuple[str, ...], order: Any) -> dict[Any, Row]:
    """Merge rows with what the table has under the same keys, write them back, return them by key."""
    keys = KEYS[table]
    by_key: dict[Any, list[Row]] = {}
    for row in rows:
        by_key.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    if not by_key:
        return {}
    for old in _existing(store, table, by_key):
        by_key[tuple(old.get(key) for key in keys)].append(old)
    merged = {key: _merge_rows(group, state, order) for key, group in by_key.items()}
    _replace(store, table, list(merged.values()))
    return merged


def _merge_rows(rows: list[Row], state: tuple[str, ...], order: Any) -> Row:
    ranked = sorted(rows, key=order)
    newest = ranked[-1]
    result = dict(newest)
    for column in {column for row in rows for column in row}:
        if column in state and newest.get("raw") is not None:
            continue
        if result.get(column) in (None, ""):
            known = [row[column] for row in ranked if row.get(column) not in (None, "")]
            result[column] = known[-1] if known else result.get(column)
    # A row made up for a log gives way to the real object.
    if "inferred" in result:
        result["inferred"] = all(row.get("inferred", False) for row in rows)
    return result


def _existing(store: Store, table: str, by_key: Mapping[Any, Any]) -> list[Row]:
    first = KEYS[table][0]
    values = sorted({key[0] for key in by_key if key[0] is not None})
    rows = store.query(f"SELECT * FROM {table} WHERE {first} IN (SELECT unnest($values))", {"values": values})  # noqa: S608
    keys = KEYS[table]
    return [row for row in rows.dicts() if tuple(row.get(key) for key in keys) in by_key]


def _replace(store: Store, table: str, rows: list[Row]) -> None:
    schema = SCHEMAS[table]
    frame = pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema)
    keys = KEYS[table]
    store.frame_as("fresh", frame)
    match = " AND ".join(f"old.{key} IS NOT DISTINCT FROM fresh.{key}" for key in keys)
    store.execute(f"DELETE FROM {table} AS old USING fresh WHERE {match}")  # noqa: S608
    store.drop_frame("fresh")
    store.insert(table, frame)


def _merge_runs(store: Store, rows: list[Row]) -> dict[Any, Row]:
    seen = [{**row, "latest_attempt": row.get("attempt"), "inferred": False} for row in rows]
    merged = _merge(store, "runs", seen, _RUN_STATE, _newest)
    return {key[0]: row for key, row in merged.items()}


def _merge_attempts(store: Store, rows: list[Row], runs: Mapping[int, Row]) -> None:
    seen = []
    for row in rows:
        run = runs[row["run_id"]]
        attempt = row.get("attempt") or run.get("latest_attempt") or 1
        # A re-run keeps created_at; what was asked for anew is run_started_at (facts C5.2).
        asked = row["created_at"] if attempt == 1 else row.get("run_started_at")
        seen.append(
            {
                "repository": run["repository"], "run_id": row["run_id"], "attempt": attempt,
                "status": row["status"], "conclusion": row["conclusion"], "created_at": asked,
                "updated_at": row["updated_at"], "raw": row["raw"], "inferred": False,
                "actor": row.get("triggering_actor") or row.get("actor"),
            }
        )  # fmt: skip
    _merge(store, "attempts", seen, _ATTEMPT_STATE, _newest)


def _merge_jobs(store: Store, rows: list[Row], runs: Mapping[int, Row]) -> None:
    known = {run_id: row.get("latest_attempt") for run_id, row in runs.items()}
    missing = sorted({row["run_id"] for row in rows if row["run_id"] is not None} - known.keys())
    if missing:
        found = store.query(
            "SELECT run_id, latest_attempt FROM runs WHERE run_id IN (SELECT unnest($ids))", {"ids": missing}
        )
        known.update(dict(found.rows))
    seen = [
        {
            **row,
            "attempt": row.get("attempt") or known.get(row["run_id"]) or 1,
            "copied": False,
            "inferred": False,
        }
        for row in rows
        if row.get("run_id") is not None
    ]
    _merge(store, "jobs", seen, _JOB_STATE, _job_state_order)


def merge_inferred(store: Store, runs: Sequence[Row], jobs: Sequence[Row]) -> None:
    """Rows for what only logs tell of; a real object, earlier or later, has the last word."""
    made = [{**row, "latest_attempt": row["attempt"], "inferred": True} for row in runs]
    merged = _merge(store, "runs", made, _RUN_STATE, _newest)
    attempts = [
        {"repository": merged[(row["run_id"],)]["repository"], **_pick(row, "run_id", "attempt"), "inferred": True}
        for row in runs
    ]
    _merge(store, "attempts", attempts, _ATTEMPT_STATE, _newest)
    _merge(store, "jobs", [{**row, "copied": False, "inferred": True} for row in jobs], _JOB_STATE, _job_state_order)


def _pick(row: Row, *columns: str) -> Row:
    return {column: row[column] for column in columns}
