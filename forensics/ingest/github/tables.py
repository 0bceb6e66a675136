"""The tables that a live ingest writes all the time, as statements that take any number of rows at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """How rows of a table are written: as one list a column, so that the statement is the same for any number."""

    name: str
    key: int
    """How many of the columns, from the first, are the primary key."""
    columns: tuple[tuple[str, str], ...]

    def insert(self, *, careful: bool) -> str:
        """Parameters: one list a column. ``careful``: some may be there already, which takes four times as long."""
        names = [name for name, _ in self.columns]
        sets = ", ".join(f"{name} = excluded.{name}" for name in names[self.key :])
        conflict = f"ON CONFLICT ({', '.join(names[: self.key])}) DO UPDATE SET {sets}" if careful else ""
        return f"INSERT INTO {self.name} ({', '.join(names)}) SELECT {self._lists()} {conflict}"

    def update(self) -> str:
        """Rows that are there already; parameters as for ``insert``."""
        names = [name for name, _ in self.columns]
        sets = ", ".join(f"{name} = incoming.{name}" for name in names[self.key :])
        return f"UPDATE {self.name} SET {sets} FROM (SELECT {self._lists()}) AS incoming WHERE {self._same()}"  # noqa: S608

    def delete(self) -> str:
        """Parameters: one list for each column of the key."""
        return f"DELETE FROM {self.name} USING (SELECT {self._lists(self.key)}) AS incoming WHERE {self._same()}"  # noqa: S608

    def select(self) -> str:
        """All rows, columns in this order."""
        return f"SELECT {', '.join(name for name, _ in self.columns)} FROM {self.name}"  # noqa: S608

    def _lists(self, most: int | None = None) -> str:
        return ", ".join(f"unnest(?::{kind}[]) AS {name}" for name, kind in self.columns[:most])

    def _same(self) -> str:
        return " AND ".join(f"{self.name}.{name} = incoming.{name}" for name, _ in self.columns[: self.key])


WORK = Table(
    "work", 3,
    (
        ("repository", "VARCHAR"), ("kind", "VARCHAR"), ("key", "VARCHAR"), ("run_id", "BIGINT"),
        ("attempt", "INTEGER"), ("job_id", "BIGINT"), ("version", "VARCHAR"), ("priority", "INTEGER"),
        ("state", "VARCHAR"), ("tries", "INTEGER"), ("detail", "VARCHAR"), ("status", "INTEGER"),
        ("evidence_path", "VARCHAR"), ("asked_at", "TIMESTAMP"),
    ),
)  # fmt: skip
LISTINGS = Table(
    "listings", 4,
    (
        ("repository", "VARCHAR"), ("workflow", "VARCHAR"), ("starts_at", "TIMESTAMP"), ("ends_at", "TIMESTAMP"),
        ("total_count", "BIGINT"), ("listed", "BIGINT"), ("complete", "BOOLEAN"), ("detail", "VARCHAR"),
        ("listed_at", "TIMESTAMP"),
    ),
)  # fmt: skip
ANSWERS = Table(
    "answers", 3,
    (
        ("path", "VARCHAR"), ("accept", "VARCHAR"), ("token_mark", "VARCHAR"), ("etag", "VARCHAR"),
        ("next_page", "VARCHAR"), ("evidence_path", "VARCHAR"), ("sha256", "VARCHAR"), ("stored_at", "TIMESTAMP"),
    ),
)  # fmt: skip
REQUESTS = Table(
    "requests", 1,
    (
        ("request_no", "BIGINT"), ("requested_at", "TIMESTAMP"), ("method", "VARCHAR"), ("endpoint", "VARCHAR"),
        ("status", "INTEGER"), ("bytes", "BIGINT"), ("duration_ms", "INTEGER"), ("cost", "INTEGER"),
        ("quota_left", "INTEGER"), ("kind", "VARCHAR"), ("error", "VARCHAR"), ("ingest_no", "BIGINT"),
    ),
)  # fmt: skip
