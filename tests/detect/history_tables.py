"""Small histories as tables on one screen: what a case of tests/detectors/*.yml looks like, and how it becomes rows.

A table is text: a line of column names, then a line for each row; ``-`` is NULL, quotes keep blanks together.
Times are ``10:00:05`` on the first day or ``3d10:00:05`` three days later. All that is not said has a default:
a job names its run, an effect its job, and the run itself appears with them.
"""

from __future__ import annotations

import json
import random
import re
import shlex
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from forensics.store.store import Store

FIRST_DAY = datetime(2026, 3, 2)

Row = dict[str, Any]

SHORT = {
    "run": "run_id", "job": "job_id", "step": "step_number", "line": "line_no", "group": "group_name",
    "created": "created_at", "started": "started_at", "completed": "completed_at", "occurred": "occurred_at",
    "branch": "head_branch", "number": "run_number", "by": "by_run_id", "cancelled": "cancelled_at",
    "deployment": "deployment_id",
    "cancel": "cancel_in_progress", "path": "workflow_path", "workflow": "workflow_name", "updated": "updated_at",
}  # fmt: skip

DEFAULTS: Mapping[str, Row] = {
    "runs": {
        "repository": "octo/shop", "workflow_id": 7, "workflow_path": ".github/workflows/deploy.yml",
        "workflow_name": "Deploy", "event": "push", "status": "completed", "conclusion": "success",
        "head_branch": "main", "inferred": False,
    },
    "jobs": {
        "repository": "octo/shop", "attempt": 1, "name": "deploy", "status": "completed", "conclusion": "success",
        "executed": True, "copied": False, "inferred": False,
    },
    "steps": {"name": "Deploy", "status": "completed", "conclusion": "success"},
    "effects": {
        "repository": "octo/shop", "tool": "kubectl", "effect": "deploy", "target": "k8s:deployment/cart",
        "outcome": "done", "rule": "kubectl", "source_id": 1,
    },
    "concurrency_groups": {"source": "github", "confidence": "known"},
    "cancellations": {"attempt": 1, "confidence": "known"},
    "attempts": {"repository": "octo/shop", "inferred": False},
    "annotations": {"repository": "octo/shop", "level": "failure", "path": ".github"},
    "approvals": {"repository": "octo/shop", "environment": "production", "state": "approved"},
    "deployments": {"repository": "octo/shop", "environment": "production"},
    "deployment_statuses": {"repository": "octo/shop", "state": "success"},
    "repositories": {"repository": "octo/shop", "default_branch": "main"},
    "listings": {
        "repository": "octo/shop", "workflow": "", "total_count": 9, "listed": 9, "complete": True, "detail": "",
    },
    "workflow_files": {"repository": "octo/shop", "evidence_path": "x"},
    "workflow_versions": {"repository": "octo/shop", "source": "exact"},
    "workflows": {"repository": "octo/shop", "workflow_id": 7, "path": ".github/workflows/deploy.yml"},
    "work": {
        "repository": "octo/shop", "kind": "logs", "version": "1", "priority": 1, "state": "expired", "tries": 1,
        "detail": "", "status": 410,
    },
    "log_sources": {
        "attempt": 1, "unit_id": "x", "main_source_id": 1, "evidence_path": "x", "member": "", "form": "job",
        "bytes": 0, "lines_in": 0, "lines_stored": 0, "lines_duplicate": 0, "lines_problem": 0,
    },
}  # fmt: skip


def read_rows(table: str, text: str) -> list[Row]:
    """A table as rows with full column names; what is not said is left out."""
    lines = [shlex.split(line) for line in text.strip().splitlines()]
    names = [SHORT.get(name, name) for name in lines[0]]
    if table == "runs":
        names = ["head_sha" if name == "sha" else name for name in names]
    if table == "concurrency_groups":
        names = [{"workflow_path": "path", "line_no": "line"}.get(name, name) for name in names]
    return [{name: _value(name, text) for name, text in zip(names, line, strict=True)} for line in lines[1:]]


def read_durations(text: str) -> dict[str, list[Row]]:
    """Histories of one job each, an execution an hour: ``"99x100 1x1000"`` is 99 times 100 seconds, then 1,000.

    Columns: name, step (``-`` for a job without steps), seconds, and what else a job has.
    """
    tables: dict[str, list[Row]] = {"jobs": [], "steps": []}
    for row in read_rows("jobs", text):
        step, history = row.pop("step_number"), row.pop("seconds")
        for times, seconds in (part.split("x") for part in history.split()):
            for _ in range(int(times)):
                number = len(tables["jobs"]) + 1
                started = FIRST_DAY + timedelta(hours=number)
                completed = started + timedelta(seconds=float(seconds))
                # With its set-up a job takes a little longer than its step.
                ended = completed + timedelta(seconds=5 if step else 0)
                job = {"run_id": number, "job_id": number * 10, "started_at": started, "completed_at": ended}
                tables["jobs"].append({**job, **row})
                if step:
                    conclusion = row.get("conclusion", "success")
                    tables["steps"].append(
                        {"job_id": number * 10, "step_number": 3, "name": step, "conclusion": conclusion}
                        | {"started_at": started, "completed_at": completed}
                    )
    return tables


def read_files(texts: Mapping[str, str], runs: list[Row]) -> dict[str, list[Row]]:
    """Workflow files by path, as they stood at the commit of every run; ``path@sha`` is that of one commit only."""
    tables: dict[str, list[Row]] = {"workflow_files": [], "workflow_versions": []}
    for place, (name, text) in enumerate(texts.items()):
        path, _, commit = name.partition("@")
        parsed = json.dumps(YAML(typ="safe").load(text))
        tables["workflow_files"].append({"path": path, "sha": f"blob:{place}", "text": text, "parsed": parsed})
        commits = [commit] if commit else sorted({_sha(run) for run in runs})
        tables["workflow_versions"] += [{"path": path, "commit": one, "blob": str(place)} for one in commits]
    return tables


def complete(said: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """All tables with their defaults, and the runs, attempts and log lines that follow from the others."""
    rows = {table: [{**DEFAULTS[table], **row} for row in said.get(table, [])] for table in DEFAULTS}
    jobs = {row["job_id"]: row for row in rows["jobs"]}
    for place, effect in enumerate(rows["effects"], start=1):
        job = jobs.get(effect["job_id"], {})
        effect.setdefault("run_id", job.get("run_id"))
        effect.setdefault("attempt", job.get("attempt", 1))
        effect.setdefault("line_no", 10 * place)
        effect.setdefault("started_at", effect.get("occurred_at"))
        effect.setdefault("text", f"{effect['effect']} {effect['target']}: {effect['outcome']}")
        # `effects` inherit the repository of their job, so that a case says it once.
        effect["repository"] = job.get("repository", effect["repository"])
    _add_runs(rows)
    _add_attempts(rows)
    for row in rows["concurrency_groups"]:
        if row.get("group_name") is not None:
            row.setdefault("group_key", str(row["group_name"]).lower())
        if row.get("attempt") is not None:
            row.setdefault("level", "job" if row.get("job_id") else "workflow")
    for row in rows["cancellations"]:
        if row.get("group_name") is not None:
            row.setdefault("group_key", str(row["group_name"]).lower())
    for place, row in enumerate(rows["log_sources"], start=1):
        row.setdefault("source_id", place)
    for place, row in enumerate(rows["work"]):
        row.setdefault("key", str(place))
    for place, row in enumerate((*rows["deployment_statuses"], *rows["listings"])):
        row.setdefault("status_id" if "state" in row else "listed_at", place if "state" in row else FIRST_DAY)
    rows["log_lines"] = [
        {name: effect.get(name) for name in ("run_id", "attempt", "job_id", "step_number", "line_no", "text")}
        | {"logged_at": effect.get("occurred_at"), "source_id": 1}
        for effect in rows["effects"]
    ] + [{"source_id": 1, **row} for row in said.get("log_lines", [])]
    return rows


def plant(store: Store, said: Mapping[str, list[Row]], *, shift: timedelta = timedelta(0), order: int = 0) -> None:
    """Put a history into the store; ``shift`` moves its clock, ``order`` is a seed to shuffle its rows by."""
    for table, rows in complete(said).items():
        shuffled = random.Random(order).sample(rows, len(rows)) if order else rows
        names = sorted({name for row in rows for name in row})
        frame = pl.DataFrame(
            [[_text(row.get(name), shift) for name in names] for row in shuffled],
            schema=dict.fromkeys(names, pl.String),
            orient="row",
        )
        store.insert(table, frame)


def clear(store: Store) -> None:
    """Take all histories out again."""
    for table in (*DEFAULTS, "log_lines"):
        store.execute(f"DELETE FROM {table}")


def _add_runs(rows: dict[str, list[Row]]) -> None:
    known = {row["run_id"]: row for row in rows["runs"]}
    for row in (*rows["jobs"], *rows["effects"]):
        if row["run_id"] not in known:
            known[row["run_id"]] = {**DEFAULTS["runs"], "run_id": row["run_id"], "repository": row["repository"]}
            rows["runs"].append(known[row["run_id"]])
    for run_id, run in known.items():
        started = [job["started_at"] for job in rows["jobs"] if job["run_id"] == run_id and job.get("started_at")]
        run.setdefault("run_number", run_id)
        run.setdefault("head_sha", _sha(run))
        run.setdefault("created_at", min(started) - timedelta(seconds=10) if started else FIRST_DAY)


def _add_attempts(rows: dict[str, list[Row]]) -> None:
    """One attempt for each that a run, its jobs or a group speaks of, and that the case does not give itself."""
    known = {(row["run_id"], row["attempt"]) for row in rows["attempts"]}
    runs = {row["run_id"]: row for row in rows["runs"]}
    named = {(run_id, 1) for run_id in runs} | {(job["run_id"], job["attempt"]) for job in rows["jobs"]}
    for run_id, attempt in sorted(named - known):
        run = runs[run_id]
        jobs = [job for job in rows["jobs"] if (job["run_id"], job["attempt"]) == (run_id, attempt)]
        started = [job["started_at"] for job in jobs if job.get("started_at")]
        ended = [job["completed_at"] for job in jobs if job.get("completed_at")]
        created = run["created_at"] if attempt == 1 or not started else min(started) - timedelta(seconds=10)
        rows["attempts"].append(
            {**DEFAULTS["attempts"], "run_id": run_id, "attempt": attempt, "repository": run["repository"]}
            | {"status": run.get("status"), "conclusion": run.get("conclusion"), "created_at": created}
            | {"started_at": min(started, default=None), "updated_at": run.get("updated_at")}
            | {"completed_at": max(ended, default=run.get("updated_at"))}
        )


def _sha(run: Row) -> str:
    return run.get("head_sha") or f"{abs(run['run_id']):040x}"


def _value(name: str, text: str) -> Any:
    if text == "-":
        return None
    if name.endswith("_at"):
        days, hours, minutes, seconds = re.fullmatch(r"(?:(\d+)d)?(\d+):(\d+):([\d.]+)", text).groups()
        return FIRST_DAY + timedelta(
            days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds)
        )
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else text


def _text(value: Any, shift: timedelta) -> str | None:
    if isinstance(value, datetime):
        return (value + shift).isoformat(sep=" ")
    return None if value is None else str(value)
