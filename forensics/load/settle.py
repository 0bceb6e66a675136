"""After the rows are in: one source per job, times of attempts from their jobs, nothing left dangling."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from forensics.load.partition import UnitResult
from forensics.store.store import Store


def settle_duplicates(
    store: Store, units: Sequence[UnitResult], lines: Sequence[Path], effects: Sequence[Path]
) -> dict[int, int]:
    """Store lines and effects; of a job that several sources hold, each line once.

    Returns for each main source how many of its lines another source had already.
    """
    sources: dict[int, set[int]] = {}
    for unit in units:
        for account in unit.accounts:
            sources.setdefault(account.job_id, set()).add(account.main_source_id)
    contested = sorted(job_id for job_id, ids in sources.items() if len(ids) > 1)
    if not contested:
        store.insert_parquet("log_lines", lines)
        _insert_effects(store, "SELECT * FROM read_parquet($files)", effects, {})
        return {}
    named = {"files": [str(file) for file in lines], "jobs": contested}
    store.execute(
        "INSERT INTO log_lines BY NAME SELECT * FROM read_parquet($files) WHERE NOT list_contains($jobs, job_id)",
        named,
    )
    store.execute(_sql("contested.sql"), named)
    store.execute("INSERT INTO log_lines BY NAME SELECT * EXCLUDE (old_line_no, kept) FROM contested WHERE kept")
    _insert_effects(store, _sql("contested_effects.sql"), effects, {"jobs": contested})
    dropped = store.query("SELECT source_id, count(*) FROM contested WHERE NOT kept GROUP BY source_id").rows
    store.execute("DROP TABLE contested")
    return {int(source): int(count) for source, count in dropped}


def settle_metadata(store: Store) -> None:
    """Derive what follows from other rows: each statement gives the same when it is run again."""
    store.execute(_sql("settle.sql"))


def _insert_effects(store: Store, select: str, files: Sequence[Path], parameters: dict[str, object]) -> None:
    if files:
        names = {"files": [str(file) for file in files], **parameters}
        store.execute(f"INSERT INTO effects BY NAME {select}", names)


def _sql(name: str) -> str:
    return resources.files("forensics.load").joinpath("sql", name).read_text(encoding="utf-8")
