"""The units in the store: what was loaded from where, so that it can be judged and read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
import polars as pl

from forensics.load.attribution import JobClue
from forensics.load.merge import merge_inferred
from forensics.load.metadata import write_problems
from forensics.load.partition import SourceAccount, UnitResult
from forensics.load.scan import Problem
from forensics.load.unit import JobTexts, Text, Unit
from forensics.store.store import Store

UNIT_PROBLEMS = ("made-up-run", "doubtful-run", "invalid-utf8", "utf-16", "bad-crc", "zip-bomb", "damaged")
"""Kinds of problems that reading a unit brings; they go when it is read again."""

_SOURCE_SCHEMA: dict[str, Any] = {
    "source_id": pl.Int64, "unit_id": pl.String, "main_source_id": pl.Int64, "evidence_path": pl.String,
    "member": pl.String, "form": pl.String, "run_id": pl.Int64, "attempt": pl.Int32, "job_id": pl.Int64,
    "attributed_by": pl.String, "steps_by": pl.String, "bytes": pl.Int64, "lines_in": pl.Int64,
    "lines_stored": pl.Int64, "lines_duplicate": pl.Int64, "lines_problem": pl.Int64,
    "first_at": pl.Datetime("us"), "last_at": pl.Datetime("us"),
}  # fmt: skip


@dataclass(frozen=True)
class StoredUnit:
    """A unit as it was last loaded."""

    unit: Unit
    clues: tuple[JobClue, ...]
    fingerprint: str
    job_ids: frozenset[int]


def read_units(store: Store) -> dict[str, StoredUnit]:
    """The loaded units by id."""
    jobs: dict[str, set[int]] = {}
    for unit_id, job_id in store.query("SELECT DISTINCT unit_id, job_id FROM log_sources").rows:
        jobs.setdefault(unit_id, set()).add(job_id)
    rows = store.query("SELECT unit_id, fingerprint, unit, clues FROM log_units").rows
    return {
        unit_id: StoredUnit(
            _unit(unit_id, orjson.loads(unit)),
            tuple(_clue(clue) for clue in orjson.loads(clues)),
            fingerprint,
            frozenset(jobs.get(unit_id, ())),
        )
        for unit_id, fingerprint, unit, clues in rows
    }


def forget_units(store: Store, unit_ids: Sequence[str]) -> None:
    """Remove units with their lines, effects, sources and problems, before they are read again."""
    if not unit_ids:
        return
    ids = {"ids": list(unit_ids)}
    sources = "(SELECT source_id FROM log_sources WHERE unit_id IN (SELECT unnest($ids)))"
    store.execute(f"DELETE FROM log_lines WHERE source_id IN {sources}", ids)  # noqa: S608
    store.execute(f"DELETE FROM effects WHERE source_id IN {sources}", ids)  # noqa: S608
    store.execute(
        "DELETE FROM problems WHERE list_contains($kinds, kind) AND (evidence_path, member) IN "
        "(SELECT (evidence_path, member) FROM log_sources WHERE unit_id IN (SELECT unnest($ids)))",
        {**ids, "kinds": list(UNIT_PROBLEMS)},
    )
    store.execute("DELETE FROM log_sources WHERE unit_id IN (SELECT unnest($ids))", ids)
    store.execute("DELETE FROM log_units WHERE unit_id IN (SELECT unnest($ids))", ids)


def record_units(store: Store, units: Sequence[tuple[UnitResult, str]], repeated: Mapping[int, int]) -> None:
    """Write what was loaded: sources with their accounts, units, problems, and rows for unknown runs and jobs.

    ``repeated`` says for a main source how many of its lines were left out for another source of the job.
    """
    left = dict(repeated)
    sources: list[dict[str, Any]] = []
    rows: list[dict[str, str]] = []
    problems: list[Problem] = []
    for result, fingerprint in units:
        sources.extend(_source_row(result.unit.unit_id, account, left) for account in result.accounts)
        rows.append(
            {
                "unit_id": result.unit.unit_id,
                "fingerprint": fingerprint,
                "unit": orjson.dumps(_unit_json(result.unit)).decode(),
                "clues": orjson.dumps([asdict(clue) for clue in result.clues]).decode(),
            }
        )
        problems += result.problems
    store.insert("log_sources", pl.DataFrame(sources, schema=_SOURCE_SCHEMA))
    schema = {"unit_id": pl.String, "fingerprint": pl.String, "unit": pl.String, "clues": pl.String}
    store.insert("log_units", pl.DataFrame(rows, schema=schema))
    write_problems(store, problems)
    _record_inferred(store, [result for result, _ in units])


def _source_row(unit_id: str, account: SourceAccount, left: dict[int, int]) -> dict[str, Any]:
    """The account with the lines that another source of the job had already."""
    moved = min(left.get(account.main_source_id, 0), account.lines_stored)
    if moved:
        left[account.main_source_id] -= moved
    return {
        **vars(account),
        "unit_id": unit_id,
        "lines_stored": account.lines_stored - moved,
        "lines_duplicate": account.lines_duplicate + moved,
    }


def _record_inferred(store: Store, results: Sequence[UnitResult]) -> None:
    """Rows for runs and jobs that only logs tell of; real objects win over them whenever they come."""
    runs: list[dict[str, Any]] = []
    jobs: list[dict[str, Any]] = []
    for result in results:
        attribution, named = result.attribution, result.unit.named
        own = next((clue.workflow_path for clue in result.clues if clue.workflow_path), None)
        runs.append(
            {
                "repository": attribution.repository, "run_id": attribution.run_id,
                "run_number": named.run_number, "workflow_name": named.workflow, "workflow_path": own,
                "event": named.event, "head_branch": named.branch, "head_sha": named.sha,
                "attempt": attribution.attempt,
            }
        )  # fmt: skip
        for job, clue in zip(attribution.jobs, result.clues, strict=True):
            if job.inferred:
                jobs.append(
                    {
                        "repository": attribution.repository, "job_id": job.job_id,
                        "run_id": attribution.run_id, "attempt": attribution.attempt, "name": job.name,
                        "head_branch": named.branch, "head_sha": named.sha, "workflow_name": named.workflow,
                        "executed": True, "started_at": clue.first_at, "completed_at": clue.last_at,
                    }
                )  # fmt: skip
    merge_inferred(store, runs, jobs)


def _unit_json(unit: Unit) -> dict[str, Any]:
    return {
        "form": unit.form,
        "directory": unit.directory,
        "name": unit.name,
        "content": unit.content,
        "jobs": [
            {
                "name": job.name,
                "job": _text_json(job.job),
                "steps": [[number, name, _text_json(text)] for number, name, text in job.steps],
                "system": _text_json(job.system),
            }
            for job in unit.jobs
        ],
    }


def _text_json(text: Text | None) -> list[str] | None:
    return [text.evidence_path, text.member] if text else None


def _unit(unit_id: str, value: Mapping[str, Any]) -> Unit:
    jobs = tuple(
        JobTexts(
            job["name"],
            Text(*job["job"]) if job["job"] else None,
            tuple((number, name, Text(*text)) for number, name, text in job["steps"]),
            Text(*job["system"]) if job["system"] else None,
        )
        for job in value["jobs"]
    )
    return Unit(unit_id, value["form"], value["directory"], value["name"], jobs, value["content"])


def _clue(value: dict[str, Any]) -> JobClue:
    for key in ("first_at", "last_at"):
        value[key] = datetime.fromisoformat(value[key]) if value[key] else None
    for key in ("run_ids", "own_run_ids"):
        value[key] = tuple(value[key])
    return JobClue(**value)
