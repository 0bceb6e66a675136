"""A small case for tests of groups: runs, jobs, annotations and workflow files, said in one line each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from forensics.concurrency.groups import derive
from forensics.store.store import Store, split_statements

LIBRARY = Path(__file__).parents[2] / "queries" / "lib"
DAY = datetime(2026, 6, 1, 10)
SHOP = "octo/shop"


def load_views(store: Store) -> None:
    """The views that groups need and give."""
    for name in ("workflow_files", "executions", "groups"):
        for statement in split_statements((LIBRARY / f"{name}.sql").read_text(encoding="utf-8")):
            store.execute(statement.sql)


class Case:
    """A case being planted. Files are given as path → text; each run uses them at its own commit."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.repository(SHOP)

    def repository(self, name: str, default_branch: str | None = "main") -> None:
        self._put("repositories", {"repository": name, "default_branch": default_branch})

    def file(self, text: str, path: str = "ci.yml", *, repository: str = SHOP) -> str:
        """A content that the case knows; gives its blob."""
        blob = hashlib.sha1(text.encode()).hexdigest()
        row = {"repository": repository, "path": _path(path), "sha": f"blob:{blob}", "text": text}
        known = self.store.query("SELECT 1 FROM workflow_files WHERE sha = $sha AND path = $path",
                                 {"sha": row["sha"], "path": row["path"]}).rows  # fmt: skip
        if not known:
            self._put("workflow_files", {**row, "evidence_path": path})
        return blob

    def run(
        self,
        run_id: int,
        text: str | None = None,
        *,
        path: str = "ci.yml",
        source: str = "exact",
        calls: Mapping[str, str] | None = None,
        pulls: list[int] | None = None,
        base: str = "main",
        at: int = 0,
        jobs: tuple[str, ...] = (),
        ref: str | None = None,
        attempts: int = 1,
        **said: Any,
    ) -> None:
        """A run of a file, ``at`` seconds after ten; ``calls`` are called files, ``ref`` what its log states."""
        sha = hashlib.sha1(str(run_id).encode()).hexdigest()
        row = {
            "repository": SHOP, "run_id": run_id, "run_number": run_id, "workflow_path": _path(path),
            "workflow_name": "CI", "event": "push", "status": "completed", "conclusion": "success",
            "head_branch": "main", "head_sha": sha, "head_repository": SHOP, "latest_attempt": attempts,
            "created_at": DAY + timedelta(seconds=at), "actor": "mira", "triggering_actor": "mira", "inferred": False,
            **said,
        }  # fmt: skip
        called = [
            {"path": f"{name}@main" if "/.github/" in name else f"{SHOP}/{_path(name)}@main", "sha": sha, "ref": "x"}
            for name in calls or ()
        ]
        listed = [{"number": n, "head": {"ref": row["head_branch"]}, "base": {"ref": base}} for n in pulls or ()]
        raw = json.dumps({"referenced_workflows": called, "pull_requests": listed})
        self._put("runs", {**row, "raw": raw})
        for attempt in range(1, attempts + 1):
            self._put("attempts", {"repository": row["repository"], "run_id": run_id, "attempt": attempt,
                                   "created_at": row["created_at"], "inferred": False})  # fmt: skip
        if text is not None:
            self._version(row["repository"], path, sha, self.file(text, path, repository=row["repository"]), source)
        for name, inside in (calls or {}).items():
            owner, _, rest = name.partition("/.github/")
            where = (owner, ".github/" + rest) if rest else (row["repository"], name)
            self._version(where[0], where[1], sha, self.file(inside, where[1], repository=where[0]), "exact")
        for place, name in enumerate(jobs):
            self.job(run_id * 100 + place, run_id, name, at=at + 10)
        if ref is not None:
            line = f"Job defined at: {row['repository']}/{row['workflow_path']}@{ref}"
            self._put("log_lines", {"run_id": run_id, "attempt": 1, "job_id": run_id * 100, "line_no": 1,
                                    "text": line, "source_id": 1})  # fmt: skip

    def job(self, job_id: int, run_id: int, name: str, *, at: int = 10, **said: Any) -> None:
        times = {"started_at": DAY + timedelta(seconds=at), "completed_at": DAY + timedelta(seconds=at + 60)}
        row = {"repository": SHOP, "job_id": job_id, "run_id": run_id, "attempt": 1, "name": name,
               "conclusion": "success", "copied": False, "inferred": False, **times, **said}  # fmt: skip
        self._put("jobs", row)

    def annotate(self, run_id: int, message: str, *, job_id: int | None = None, attempt: int = 1) -> None:
        self._put("annotations", {"repository": SHOP, "run_id": run_id, "attempt": attempt, "job_id": job_id,
                                  "message": message})  # fmt: skip

    def asked(self, run_id: int, *names: str) -> None:
        """What GitHub's endpoint said."""
        for name in names:
            self._put("concurrency_groups", {"run_id": run_id, "group_name": name, "source": "github",
                                             "confidence": "known"})  # fmt: skip

    def derive(self) -> list[dict[str, Any]]:
        """All derived rows by run, attempt, level and job."""
        load_views(self.store)
        derive(self.store)
        return self.rows()

    def rows(self) -> list[dict[str, Any]]:
        query = (
            "FROM concurrency_groups WHERE level IS NOT NULL ORDER BY run_id, attempt, level, job_name, group_name"
        )
        return self.store.query(query).dicts()

    def groups(self) -> dict[int, str | None]:
        """Run → name of its workflow-level group, known or likely."""
        return {row["run_id"]: row["group_name"] for row in self.derive() if row["level"] == "workflow"}

    def told(self, *columns: str) -> list[tuple[Any, ...]]:
        """Derived rows, these columns of them."""
        return [tuple(row[name] for name in columns) for row in self.derive()]

    def _version(self, repository: str, path: str, commit: str, blob: str, source: str) -> None:
        self._put("workflow_versions", {"repository": repository, "path": _path(path), "commit": commit,
                                        "blob": blob, "source": source})  # fmt: skip

    def _put(self, table: str, row: Mapping[str, Any]) -> None:
        self.store.insert(table, pl.DataFrame([{name: value for name, value in row.items() if value is not None}]))


@contextmanager
def planting() -> Iterator[Case]:
    with Store.memory() as store:
        yield Case(store)


def _path(name: str) -> str:
    return name if "/" in name else f".github/workflows/{name}"
