"""Whatever SQL a stranger writes, it sees the case and nothing else, and changes nothing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import QueryRefused
from forensics.store.store import Store, split_statements


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case with one row, and a secret beside it; no test can change it, that is the point."""
    path = tmp_path_factory.mktemp("case") / "case.duckdb"
    with Store.write(path) as store:
        store.execute("INSERT INTO problems VALUES ('odd', 'a.zip', '', 'why', 3, 7, NULL)")
    (path.parent / "secret.csv").write_text("secret\nhunter2\n")
    return path


@pytest.fixture(scope="module")
def reader(case: Path) -> Iterator[Store]:
    with Store.read(case) as store:
        yield store


def state(folder: Path) -> dict[str, str]:
    """Every file below the folder with its hash."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


READS_A_FILE = (
    "SELECT * FROM read_csv('{folder}/secret.csv')",
    "SELECT * FROM '{folder}/secret.csv'",
    "SELECT content FROM read_text('{folder}/*')",
    "SELECT content FROM read_blob('/etc/passwd')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM sniff_csv('{folder}/secret.csv')",
    "SELECT * FROM read_json('/proc/self/environ')",
    "SELECT * FROM parquet_scan('{folder}/secret.csv')",
    "COPY problems FROM '{folder}/secret.csv'",
    "ATTACH '{folder}/other.duckdb'",
    "IMPORT DATABASE '{folder}'",
    "SELECT getenv('HOME')",
)

WRITES = (
    "COPY (SELECT 1) TO '{folder}/out.csv'",
    # DuckDB lets a closed connection reach the database's own companions; the next writer would replay this one.
    "COPY (SELECT 1) TO '{folder}/case.duckdb.wal'",
    "WITH x AS (COPY (SELECT 1) TO '{folder}/case.duckdb.wal') SELECT 1",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/case.duckdb.wal'",
    "EXPLAIN (ANALYZE) cOpY (SELECT 1) TO '{folder}/case.duckdb.wal.recovery'",
    "PREPARE p AS COPY (SELECT 1) TO '{folder}/case.duckdb.wal'; EXECUTE p",
    "WITH x AS (/**/COPY/**/(SELECT 1) TO '{folder}/case.duckdb.wal') SELECT 1",
    "WITH x AS (--\nCOPY (SELECT 1) TO '{folder}/case.duckdb.wal') SELECT 1",
    "WITH x AS (\u00a0COPY\u00a0(SELECT 1) TO '{folder}/case.duckdb.wal') SELECT 1",
    "WITH x AS (\ufeffCOPY\u2003(SELECT 1) TO '{folder}/case.duckdb.wal') SELECT 'é', 1",
    "EXPORT DATABASE '{folder}/exported'",
    "INSERT INTO problems VALUES ('a', 'b', 'c', 'd', 1, 1, 1)",
    "WITH x AS (INSERT INTO problems VALUES ('a', 'b', 'c', 'd', 1, 1, 1) RETURNING kind) SELECT * FROM x",
    "UPDATE problems SET kind = 'x'",
    "DELETE FROM problems",
    "DROP TABLE problems",
    "ALTER TABLE problems ADD COLUMN x INTEGER",
    "CREATE TABLE mine (a INTEGER)",
    "CREATE VIEW mine AS SELECT 1",
    "COMMENT ON TABLE problems IS 'x'",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "CALL enable_logging(storage_path='{folder}/log')",
)

REACHES_OUT = (
    "SELECT * FROM read_csv('https://registry.example/x.csv')",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "INSTALL httpfs FROM 'https://registry.example'",
)

RECONFIGURES = (
    "SET enable_external_access = true",
    "SET GLOBAL lock_configuration = false",
    "RESET lock_configuration",
    "SET allowed_directories = ['/']",
    "SET temp_directory = '{folder}/elsewhere'",
    "SET memory_limit = '1TB'",
    "PRAGMA enable_profiling",
    "SET profiling_output = '{folder}/profile.json'",
    "SET python_enable_replacements = true",
)


@pytest.mark.parametrize("sql", [*READS_A_FILE, *WRITES, *REACHES_OUT, *RECONFIGURES])
def test_hostile_sql_is_refused_and_leaves_no_trace(case: Path, sql: str) -> None:
    before = state(case.parent)
    for way in ("query", "frame", "execute", "stream"):
        with Store.read(case) as store:
            with pytest.raises(QueryRefused) as raised:
                answer = getattr(store, way)(sql.format(folder=case.parent))
                if way == "stream":
                    list(answer)
            assert "hunter2" not in raised.value.message
            assert raised.value.hint
    assert state(case.parent) == before


def test_variables_of_the_program_are_no_tables(reader: Store) -> None:
    secret_frame = pl.DataFrame({"secret": ["hunter2"]})
    assert secret_frame.height == 1
    with pytest.raises(QueryRefused, match="secret_frame"):
        reader.query("SELECT * FROM secret_frame")


def test_the_word_copy_may_be_talked_about(reader: Store) -> None:
    rows = reader.query(
        """SELECT 'COPY x TO y', "copy", $$copy$$ -- copy\n FROM (SELECT 1 AS "copy") /* copy */"""
    ).rows
    assert rows == [("COPY x TO y", 1, "copy")]


def test_what_one_needs_for_asking_is_allowed(reader: Store) -> None:
    reader.execute("CREATE TEMP TABLE mine AS SELECT lines * 2 AS twice FROM problems")
    reader.execute("CREATE TEMP MACRO half(x) AS x / 2")
    reader.execute("SET VARIABLE wanted = 6")
    assert reader.query("SELECT half(twice) FROM mine WHERE twice = getvariable('wanted')").rows == [(3.0,)]
    assert reader.query("DESCRIBE problems").rows[0][0] == "kind"
    assert reader.query("EXPLAIN SELECT 1").rows


def test_what_is_made_for_asking_is_gone_afterwards(case: Path) -> None:
    with Store.read(case) as store:
        store.execute("CREATE TEMP TABLE mine AS SELECT 1")
    with Store.read(case) as store, pytest.raises(QueryRefused, match="mine"):
        store.query("FROM mine")


def test_times_are_utc_whatever_the_machine_says(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    with Store.read(case) as store:
        assert store.query("SELECT '2026-07-01 12:00:00+00'::TIMESTAMPTZ::TIMESTAMP::VARCHAR").rows == [
            ("2026-07-01 12:00:00",)
        ]
        assert store.query("SELECT now()").rows[0][0].utcoffset().total_seconds() == 0


def test_several_readers_at_once(case: Path) -> None:
    with Store.read(case) as one, Store.read(case) as other:
        assert one.query("FROM problems").rows == other.query("FROM problems").rows


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_answered_or_refused(reader: Store, text: str) -> None:
    try:
        reader.query(text)
    except QueryRefused as refused:
        assert refused.message


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_splits_or_is_refused(text: str) -> None:
    try:
        found = split_statements(text)
    except QueryRefused:
        return
    assert all(statement.sql and statement.kind for statement in found)
