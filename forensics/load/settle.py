"""After the rows are in: one source per job, times of attempts from their jobs, nothing left dangling."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from forensics.load.partition import PartitionResult
from forensics.store.store import Store

_TOGETHER = 2_000_000
"""Lines stored by one statement: with fewer, DuckDB's second thread has nothing to do."""


class LineWriter:
    """Stores lines and effects while partitions are read; of a job that several sources hold, each once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sources: dict[int, set[int]] = {}
        self._stored: list[PartitionResult] = []
        self._held: list[PartitionResult] = []
        self._waiting: list[PartitionResult] = []
        self._waiting_lines = 0

    def take(self, result: PartitionResult) -> None:
        """Store a partition at once, unless it brings a job that another source has brought too."""
        jobs = set()
        for unit in result.units:
            for account in unit.accounts:
                jobs.add(account.job_id)
                self._sources.setdefault(account.job_id, set()).add(account.main_source_id)
        if any(len(self._sources[job_id]) > 1 for job_id in jobs):
            self._held.append(result)
            return
        self._stored.append(result)
        self._waiting.append(result)
        self._waiting_lines += sum(account.lines_stored for unit in result.units for account in unit.accounts)
        if self._waiting_lines >= _TOGETHER:
            self._store_waiting()

    def finish(self) -> dict[int, int]:
        """Settle what was held; say for each main source how many of its lines another source had already."""
        self._store_waiting()
        contested = sorted(job_id for job_id, sources in self._sources.items() if len(sources) > 1)
        if not contested:
            return {}
        jobs = {"jobs": contested}
        for table in ("log_lines", "effects"):
            self._store.execute(f"DELETE FROM {table} WHERE list_contains($jobs, job_id)", jobs)  # noqa: S608
        for table, held in (("log_lines", self._files(self._held, "lines")),
                            ("effects", self._files(self._held, "effects"))):  # fmt: skip
            if held:
                select = "SELECT * FROM read_parquet($files) WHERE NOT list_contains($jobs, job_id)"
                self._store.execute(f"INSERT INTO {table} BY NAME {select}", {**jobs, "files": held})
        return self._settle(jobs)

    def _store_waiting(self) -> None:
        self._store.insert_parquet("log_lines", [file for result in self._waiting for file in result.lines])
        self._store.insert_parquet("effects", [file for result in self._waiting for file in result.effects])
        self._waiting, self._waiting_lines = [], 0

    def _settle(self, jobs: dict[str, list[int]]) -> dict[int, int]:
        everything = [*self._stored, *self._held]
        self._store.execute(_sql("contested.sql"), {**jobs, "files": self._files(everything, "lines")})
        self._store.execute(
            "INSERT INTO log_lines BY NAME SELECT * EXCLUDE (old_line_no, kept) FROM contested WHERE kept"
        )
        effects = self._files(everything, "effects")
        if effects:
            select = _sql("contested_effects.sql")
            self._store.execute(f"INSERT INTO effects BY NAME {select}", {**jobs, "files": effects})
        dropped = self._store.query(
            "SELECT source_id, count(*) FROM contested WHERE NOT kept GROUP BY source_id"
        ).rows
        self._store.execute("DROP TABLE contested")
        return {int(source): int(count) for source, count in dropped}

    def _files(self, results: Sequence[PartitionResult], kind: str) -> list[str]:
        return [str(file) for result in results for file in getattr(result, kind)]


def settle_metadata(store: Store) -> None:
    """Derive what follows from other rows: each statement gives the same when it is run again."""
    store.execute(_sql("settle.sql"))


def _sql(name: str) -> str:
    return resources.files("forensics.load").joinpath("sql", name).read_text(encoding="utf-8")
