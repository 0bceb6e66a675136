"""A case is brought to this version's schema, or left exactly as it was."""

import hashlib
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest

from forensics.errors import CaseLocked, CaseTooNew, CaseUnreadable, NothingToAnalyse
from forensics.store.migrate import latest_version, migrations
from forensics.store.store import STORAGE_VERSION, Store


def tables(store: Store) -> set[str]:
    return {row[0] for row in store.query("SELECT table_name FROM duckdb_tables() WHERE NOT internal").rows}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_new_case_gets_every_migration_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "case.duckdb"
    for _ in range(2):
        with Store.write(path) as store:
            applied = store.query("SELECT version, name FROM schema_versions ORDER BY version").rows
            assert applied == [(migration.number, migration.name) for migration in migrations()]
            assert {"runs", "attempts", "jobs", "steps", "log_lines", "effects", "problems", "findings"} <= tables(
                store
            )


def test_migrations_are_numbered_without_holes() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, latest_version() + 1))


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from forensics.store import migrate

    path = tmp_path / "case.duckdb"
    broken = migrate.Migration(latest_version() + 1, "broken", "CREATE TABLE half (a INTEGER); SELECT nonsense;")
    known = migrations()
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "migrations", lambda: (*known, broken))
        with pytest.raises(CaseUnreadable, match="nonsense"):
            Store.write(path)
    with Store.write(path) as store:
        assert "half" not in tables(store)
        assert store.query("SELECT max(version) FROM schema_versions").rows == [(latest_version(),)]


@pytest.mark.parametrize("opening", [Store.write, Store.read])
def test_a_newer_case_is_refused_and_not_touched(tmp_path: Path, opening: object) -> None:
    path = tmp_path / "case.duckdb"
    with Store.write(path) as store:
        store.execute(f"INSERT INTO schema_versions VALUES ({latest_version() + 1}, 'from_the_future')")
    before = digest(path)
    with pytest.raises(CaseTooNew, match=f"version {latest_version() + 1}") as raised:
        opening(path)  # type: ignore[operator]
    assert "newer forensics" in raised.value.hint
    assert digest(path) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["case.duckdb"]


def test_an_older_case_is_not_read_before_it_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forensics.store import store as store_module

    path = tmp_path / "case.duckdb"
    Store.write(path).close()
    monkeypatch.setattr(store_module, "latest_version", lambda: latest_version() + 1)
    with pytest.raises(CaseUnreadable, match="this program needs"):
        Store.read(path)


def test_a_case_that_another_process_writes_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "case.duckdb"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent("""
                import sys
                from pathlib import Path
                from forensics.store.store import Store
                with Store.write(Path(sys.argv[1])):
                    print("held", flush=True)
                    sys.stdin.read()
            """),
            str(path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout and holder.stdin
    with holder:
        assert holder.stdout.readline() == "held\n"
        for opening in (Store.write, Store.read):
            with pytest.raises(CaseLocked, match=f"PID {holder.pid}"):
                opening(path)
        holder.stdin.close()
        holder.wait(timeout=30)
    Store.read(path).close()


@pytest.mark.parametrize("content", [b"this is not a database", b"\0" * 4096, b"PK\x03\x04" + b"x" * 9000])
def test_a_file_that_is_no_case_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "case.duckdb"
    path.write_bytes(content)
    for opening in (Store.read, Store.write):
        with pytest.raises(CaseUnreadable, match="cannot be opened") as raised:
            opening(path)
        assert "evidence" in raised.value.hint
    assert path.read_bytes() == content


def test_a_damaged_case_is_named(tmp_path: Path) -> None:
    path = tmp_path / "case.duckdb"
    with Store.write(path) as writer:
        # Random digits do not compress away.
        writer.execute("INSERT INTO repositories (repository) SELECT hash(i)::VARCHAR FROM range(30000) AS r(i)")
    sound = path.read_bytes()
    path.write_bytes(sound[: len(sound) // 2])
    # What lies in the half that is left can still be read; what does not is not taken for an empty answer.
    with pytest.raises(CaseUnreadable) as raised, Store.read(path) as store:
        for table in sorted(tables(store)):
            store.query(f"SELECT * FROM {table}")
    assert "evidence" in raised.value.hint


def test_where_there_is_no_case_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(NothingToAnalyse, match="no case"):
        Store.read(tmp_path / "case.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_new_files_have_the_format_that_the_long_term_line_reads(tmp_path: Path) -> None:
    path = tmp_path / "case.duckdb"
    Store.write(path).close()
    with duckdb.connect(str(path), read_only=True) as connection:
        tags = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'case'").fetchall()
    assert STORAGE_VERSION.rsplit(".", 1)[0] in tags[0][0]["storage_version"]


def test_every_table_and_column_says_what_it_is() -> None:
    with Store.memory() as store:
        silent = store.query(
            "SELECT table_name, '' FROM duckdb_tables() WHERE NOT internal AND coalesce(comment, '') = '' "
            "UNION ALL SELECT table_name, column_name FROM duckdb_columns() "
            "WHERE NOT internal AND coalesce(comment, '') = ''"
        )
        columns = store.query("SELECT count(*) FROM duckdb_columns() WHERE NOT internal")
    assert silent.rows == []
    assert columns.rows[0][0] > 150


def first_version_case(path: Path) -> None:
    """A case as the program wrote it before it could ask GitHub: only the first migration applied."""
    from forensics.store import migrate

    known = migrations()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migrate, "migrations", lambda: known[:1])
        with Store.write(path) as store:
            store.execute(
                "INSERT INTO requests VALUES (1, '2026-11-02', 'GET', '/repos/acme/shop', 200, 10, 20, 1, 4999)"
            )
            store.execute("INSERT INTO repositories (repository) VALUES ('acme/shop')")


def test_a_case_of_the_first_version_gets_the_live_ingest_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "case.duckdb"
    first_version_case(path)
    before = digest(path)
    with pytest.raises(CaseUnreadable, match="schema version 1"):
        Store.read(path)
    assert digest(path) == before
    with Store.write(path) as store:
        assert {"work", "listings", "answers", "ingests"} <= tables(store)
        assert store.query("SELECT request_no, endpoint, quota_left, kind, error, ingest_no FROM requests").rows == [
            (1, "/repos/acme/shop", 4999, None, None, None)
        ]
    with Store.read(path) as store, Store.memory() as fresh:
        columns = (
            "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY table_name, column_index"
        )
        assert store.query(columns).rows == fresh.query(columns).rows
