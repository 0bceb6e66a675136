"""Brings a case file to the schema of this version: numbered SQL files, each applied once, in order.

A case written by a newer version is refused before anything is written to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

from forensics.errors import CaseTooNew


@dataclass(frozen=True)
class Migration:
    """One step of the schema."""

    number: int
    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """All steps that this version knows, in order; numbers are 1, 2, 3 … without holes."""
    found = []
    for entry in resources.files("forensics.store").joinpath("migrations").iterdir():
        matched = re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name)
        if matched:
            found.append(Migration(int(matched[1]), matched[2], entry.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.number))


def latest_version() -> int:
    """Number of the newest step that this version knows."""
    return migrations()[-1].number


def schema_version(connection: Any) -> int:
    """Number of the newest step applied to the open database; 0 for an empty one."""
    known = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'schema_versions' AND NOT temporary"
    ).fetchall()
    if not known[0][0]:
        return 0
    return int(connection.execute("SELECT coalesce(max(version), 0) FROM schema_versions").fetchall()[0][0])


def check_version(connection: Any, where: str) -> int:
    """The version of an open case; raises CaseTooNew for one that a newer program wrote."""
    version = schema_version(connection)
    if version > latest_version():
        raise CaseTooNew(
            f"The case {where} has schema version {version}; this program knows versions up to {latest_version()}.",
            hint="Install a newer forensics, or ingest the case's evidence folder into a new case: "
            "forensics ingest --case NEW --from CASE/evidence",
        )
    return version


def migrate(connection: Any, where: str) -> int:
    """Apply what is missing, each step in one transaction with its record; return how many were applied."""
    version = check_version(connection, where)
    pending = [migration for migration in migrations() if migration.number > version]
    for migration in pending:
        connection.execute("BEGIN")
        if migration.number == 1:
            connection.execute(
                "CREATE TABLE schema_versions (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL);"
                "COMMENT ON TABLE schema_versions IS 'Migrations applied to this case.';"
                "COMMENT ON COLUMN schema_versions.version IS 'Number of the migration.';"
                "COMMENT ON COLUMN schema_versions.name IS 'Its name.'"
            )
        connection.execute(migration.sql)
        connection.execute("INSERT INTO schema_versions VALUES (?, ?)", [migration.number, migration.name])
        connection.execute("COMMIT")
    return len(pending)
