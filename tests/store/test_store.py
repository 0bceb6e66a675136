"""What goes in comes out, in parts or whole."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from forensics.errors import QueryRefused
from forensics.store.store import Result, Store, quoted, split_statements


@pytest.fixture
def store() -> Store:
    return Store.memory()


def test_a_frame_is_appended_by_name_and_what_it_lacks_is_unknown(store: Store) -> None:
    store.insert("steps", pl.DataFrame({"name": ["build"], "step_number": [2], "job_id": [1]}))
    assert store.query("SELECT job_id, step_number, name, conclusion FROM steps").dicts() == [
        {"job_id": 1, "step_number": 2, "name": "build", "conclusion": None}
    ]


def test_an_empty_frame_changes_nothing(store: Store) -> None:
    store.insert("steps", pl.DataFrame(schema={"job_id": pl.Int64}))
    assert store.query("SELECT count(*) FROM steps").rows == [(0,)]


def test_parquet_files_are_appended_by_name(store: Store, tmp_path: Path) -> None:
    files = []
    for number in (1, 2):
        files.append(tmp_path / f"it's {number}.parquet")
        pl.DataFrame({"step_number": [number], "job_id": [9]}).write_parquet(files[-1])
    store.insert_parquet("steps", files)
    store.insert_parquet("steps", [])
    assert store.query("SELECT job_id, step_number FROM steps ORDER BY ALL").rows == [(9, 1), (9, 2)]


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(QueryRefused), store.transaction():
        store.execute("INSERT INTO steps (job_id, step_number) VALUES (1, 1)")
        store.execute("INSERT INTO steps (job_id, step_number) VALUES (1, 1)")
    assert store.query("SELECT count(*) FROM steps").rows == [(0,)]
    with store.transaction():
        store.execute("INSERT INTO steps (job_id, step_number) VALUES (1, 1)")
    assert store.query("SELECT count(*) FROM steps").rows == [(1,)]


def test_a_frame_has_polars_types(store: Store) -> None:
    frame = store.frame("SELECT 1::BIGINT AS n, TIMESTAMP '2026-11-02 03:04:05' AS t, NULL::VARCHAR AS s")
    assert frame.schema == {"n": pl.Int64, "t": pl.Datetime("us"), "s": pl.String}
    assert frame.row(0) == (1, datetime(2026, 11, 2, 3, 4, 5), None)


def test_a_stream_comes_in_parts_and_names_columns_even_when_empty(store: Store) -> None:
    assert [len(part.rows) for part in store.stream("FROM range(25)", size=10)] == [10, 10, 5]
    assert list(store.stream("SELECT 1 AS a WHERE false")) == [Result(("a",), ("INTEGER",), [])]


def test_a_stream_left_early_does_not_block_the_store(store: Store) -> None:
    parts = store.stream("FROM range(1000000)", size=10)
    next(parts)
    parts.close()  # type: ignore[attr-defined]
    assert store.query("SELECT 1").rows == [(1,)]


def test_parameters_are_values_never_sql(store: Store) -> None:
    text = "'; DROP TABLE runs; --"
    assert store.query("SELECT $it AS it", {"it": text}).rows == [(text,)]
    assert store.frame("SELECT $it AS it", {"it": text}).rows() == [(text,)]
    assert store.query("SELECT count(*) FROM runs").rows == [(0,)]


def test_a_quoted_name_is_a_name(store: Store) -> None:
    hostile = 'a" FROM runs; DROP TABLE runs; --'
    answer = store.query(f"SELECT 1 AS {quoted(hostile)}")
    assert answer.columns == (hostile,)


def test_a_script_is_split_by_the_engine_itself() -> None:
    found = split_statements("CREATE TEMP VIEW v AS SELECT ';'; SELECT $a + $b FROM v -- ;\n")
    assert [(statement.kind, statement.parameters) for statement in found] == [
        ("CREATE", frozenset()),
        ("SELECT", frozenset({"a", "b"})),
    ]


def test_what_is_no_sql_is_refused_in_the_engines_words() -> None:
    with pytest.raises(QueryRefused, match='syntax error at or near "SELEC"'):
        split_statements("SELEC 1")
