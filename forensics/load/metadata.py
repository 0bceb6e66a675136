"""New evidence files scanned: JSON merged, workflow files read, log texts listed, problems noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from forensics.errors import EvidenceUnreadable
from forensics.ingest.folder import Refused
from forensics.ingest.github.clone import blob_id
from forensics.ingest.recognise import decode
from forensics.load.documented import odd_type_head, odd_type_rest, unknown_values
from forensics.load.merge import SCHEMAS, merge_pages
from forensics.load.naming import Named, read_name
from forensics.load.page import Page, Row
from forensics.load.pages import read_page
from forensics.load.scan import Problem, Scan, scan
from forensics.model import Evidence, Progress
from forensics.store.store import Store
from forensics.workflow.load import WorkflowFile, load_workflow

_PROBLEM_SCHEMA = {
    "kind": pl.String, "evidence_path": pl.String, "member": pl.String, "detail": pl.String, "lines": pl.Int64,
    "run_id": pl.Int64, "job_id": pl.Int64,
}  # fmt: skip
_FILE_SCHEMA = {
    "repository": pl.String, "path": pl.String, "sha": pl.String, "name": pl.String,
    "triggers": pl.List(pl.String), "text": pl.String, "parsed": pl.String, "evidence_path": pl.String,
}  # fmt: skip


@dataclass
class Metadata:
    """What the scan of the new evidence brought, beside the rows that it wrote."""

    archives: dict[str, list[str]] = field(default_factory=dict)
    """Evidence path of each new archive → its log texts."""
    described: int = 0
    """Runs and jobs read from JSON: when there are any, attribution is decided again."""
    logs: int = 0
    """Log texts found, in archives and by themselves."""


@dataclass
class _OddType:
    """A field with another type than GitHub documents: how often, and where first."""

    count: int
    example: str
    evidence_path: str
    member: str


@dataclass
class _Gathered:
    seen: dict[str, list[Row]] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    neighbours: set[tuple[str, int]] = field(default_factory=set)
    evidence: list[dict[str, Any]] = field(default_factory=list)
    odd_types: dict[tuple[str, str], _OddType] = field(default_factory=dict)


def load_metadata(
    store: Store, root: Path, new: Sequence[Evidence], refused: Sequence[Refused], progress: Progress
) -> Metadata:
    """Scan new evidence and write everything but log lines, inside the caller's transaction."""
    metadata, gathered = Metadata(), _Gathered()
    progress.start("Reading metadata", len(new))
    for entry in new:
        found = scan(root, entry.path)
        gathered.problems += found.problems
        metadata.logs += len(found.logs)
        rows = _read_pages(entry, found, gathered, metadata) + _read_workflows(entry, found, gathered)
        if found.kind != "log" and found.logs:
            metadata.archives[entry.path] = found.logs
        gathered.evidence.append(_evidence_row(entry, found, rows))
        progress.advance(1)
    progress.done()
    gathered.problems += [Problem(one.kind, one.name, "", one.detail) for one in refused]
    _write(store, gathered)
    return metadata


def _read_pages(entry: Evidence, found: Scan, gathered: _Gathered, metadata: Metadata) -> int:
    objects = 0
    for member, data in found.pages:
        named = read_name(f"{entry.path}/{member}" if member else entry.path)
        page = read_page(data, named)
        objects += page.objects
        metadata.described += len(page.runs) + len(page.jobs)
        gathered.problems += _page_problems(entry, member, page)
        for key, count in page.odd_types.items():
            first = _OddType(0, page.odd_examples[key], entry.path, member)
            gathered.odd_types.setdefault(key, first).count += count
        for table, rows in page.tables().items():
            gathered.seen.setdefault(table, []).extend(rows)
        # JSON in an archive lies beside what the archive holds, not beside the other files of its folder.
        directory = entry.path if member else entry.path.rpartition("/")[0]
        gathered.neighbours |= {(directory, row["run_id"]) for row in page.runs if row["run_id"] is not None}
        gathered.neighbours |= {(directory, row["run_id"]) for row in page.jobs if row["run_id"] is not None}
    return objects


def _page_problems(entry: Evidence, member: str, page: Page) -> list[Problem]:
    problems = [
        Problem("not-used", entry.path, member, f"The case has no use for {what} ({count} of them).")
        for what, count in page.unread.items()
    ]
    problems += [Problem("unknown-value", entry.path, member, said) for said in unknown_values(page)]
    if page.broken:
        read = f"{page.objects} objects before that were read." if page.objects else "Nothing was read from it."
        detail = f"It is not sound JSON: {page.broken}. {read} Get it again."
        problems.append(Problem("broken-json", entry.path, member, detail))
    return problems


def _read_workflows(entry: Evidence, found: Scan, gathered: _Gathered) -> int:
    read = 0
    for member, data in found.workflows:
        full = f"{entry.path}/{member}" if member else entry.path
        named = read_name(full)
        workflow = None
        try:
            workflow = load_workflow(decode(data))
        except EvidenceUnreadable as error:
            gathered.problems.append(Problem("not-a-workflow", entry.path, member, f"{error.message} {error.hint}"))
        # The file of a run is one, sound or not: a run that failed at once has it to show why.
        if workflow is not None or named.blob is not None:
            read += 1
            gathered.files.append(_file_row(entry, full, named, data, workflow))
    return read


def _file_row(entry: Evidence, full: str, named: Named, data: bytes, workflow: WorkflowFile | None) -> dict[str, Any]:
    at = full.find(".github/workflows/")
    content = orjson.dumps(workflow.content, option=orjson.OPT_NON_STR_KEYS).decode() if workflow else None
    return {
        "repository": named.repository or "",
        "path": full[at:] if at >= 0 else full,
        "sha": f"blob:{blob_id(data)}",
        "name": workflow.name if workflow else None,
        "triggers": list(workflow.triggers) if workflow else None,
        "text": decode(data),
        "parsed": content,
        "evidence_path": entry.path,
    }


def _evidence_row(entry: Evidence, found: Scan, rows: int) -> dict[str, Any]:
    return {
        "path": entry.path, "sha256": entry.sha256, "size": entry.size, "source": entry.source,
        "taken_at": entry.taken_at, "kind": found.kind, "rows_read": rows,
    }  # fmt: skip


def _write(store: Store, gathered: _Gathered) -> None:
    without_id = merge_pages(store, gathered.seen)
    if without_id:
        detail = f"{without_id} objects carry no id and were left out; ask gh for databaseId."
        gathered.problems.append(Problem("without-id", "", "", detail))
    _insert_new(store, "workflow_files", gathered.files, _FILE_SCHEMA, ("repository", "path", "sha"))
    write_problems(store, gathered.problems)
    _write_odd_types(store, gathered)
    neighbours = [{"directory": directory, "run_id": run_id} for directory, run_id in sorted(gathered.neighbours)]
    schema = {"directory": pl.String, "run_id": pl.Int64}
    _insert_new(store, "neighbours", neighbours, schema, ("directory", "run_id"))
    evidence_schema: dict[str, Any] = {
        "path": pl.String, "sha256": pl.String, "size": pl.Int64, "source": pl.String,
        "taken_at": pl.Datetime("us"), "kind": pl.String, "rows_read": pl.Int64,
    }  # fmt: skip
    store.insert("evidence", pl.DataFrame(gathered.evidence, schema=evidence_schema))
    # What could not be read once and has been taken since is no problem any more.
    store.execute("DELETE FROM problems WHERE kind = 'unreadable' AND evidence_path IN (SELECT path FROM evidence)")


def _write_odd_types(store: Store, gathered: _Gathered) -> None:
    """One problem per kind of object and field, whichever of many loads met it: counts of later ones are added."""
    if not gathered.odd_types:
        return
    known = store.query("SELECT detail, evidence_path, member FROM problems WHERE kind = 'odd-type'").rows
    problems = []
    for (kind, name), odd in gathered.odd_types.items():
        head = odd_type_head(kind, name)
        said, path, member = f"0 {head}{odd_type_rest(odd.example)}", odd.evidence_path, odd.member
        said, path, member = next(
            (row for row in known if row[0].partition(" ")[2].startswith(head)), (said, path, member)
        )
        count, _, rest = said.partition(" ")
        problems.append(Problem("odd-type", path, member, f"{int(count) + odd.count} {rest}"))
        store.execute("DELETE FROM problems WHERE kind = 'odd-type' AND detail = $said", {"said": said})
    write_problems(store, problems)


def write_problems(store: Store, problems: Sequence[Problem]) -> None:
    """Add problems that are not there yet."""
    rows = [vars(problem) for problem in problems]
    _insert_new(store, "problems", rows, _PROBLEM_SCHEMA, tuple(_PROBLEM_SCHEMA))


def _insert_new(
    store: Store, table: str, rows: Sequence[dict[str, Any]], schema: dict[str, Any], keys: tuple[str, ...]
) -> None:
    if not rows:
        return
    frame = pl.DataFrame(list(rows), schema=schema).unique(subset=list(keys), maintain_order=True)
    store.frame_as("fresh", frame)
    match = " AND ".join(f"old.{key} IS NOT DISTINCT FROM fresh.{key}" for key in keys)
    known = f"SELECT 1 FROM {table} AS old WHERE {match}"  # noqa: S608
    store.execute(f"INSERT INTO {table} BY NAME SELECT * FROM fresh WHERE NOT EXISTS ({known})")  # noqa: S608
    store.drop_frame("fresh")


__all__ = ["SCHEMAS", "Metadata", "load_metadata", "write_problems"]
