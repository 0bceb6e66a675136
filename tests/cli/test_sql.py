"""`forensics sql`: what goes in, and what comes out in each format."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from forensics.cli.main import run
from forensics.cli.shell import Shell, complete
from forensics.store.store import Store

Sql = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("case")
    with Store.write(folder / "case.duckdb") as store:
        store.execute(
            "INSERT INTO problems VALUES ('odd', 'a,b.zip', '', 'say \"no\"\n=1+1', 3, 7, NULL), "
            "('odd', 'c.zip', '\x1b[31mred\u202e', 'é', 0, NULL, NULL)"
        )
    return folder


@pytest.fixture
def sql(case: Path, capsys: pytest.CaptureFixture[str]) -> Sql:
    def ask(*arguments: str) -> tuple[int, str, str]:
        code = run(["sql", "--case", str(case), *arguments])
        return code, *capsys.readouterr()

    return ask


def test_a_table_for_people(sql: Sql) -> None:
    assert sql("SELECT kind, member, lines FROM problems") == (
        0,
        "kind  member             lines\n"
        "────  ─────────────────  ─────\n"
        "odd                          3\n"
        "odd   \\x1b[31mred\\u202e      0\n",
        "2 rows\n",
    )


def test_csv_is_unaltered(sql: Sql) -> None:
    query = (
        "SELECT evidence_path, detail, run_id, lines > 0 AS b, '2026-11-02 03:04:05'::TIMESTAMP AS t FROM problems"
    )
    assert sql(query, "--format", "csv") == (
        0,
        "evidence_path,detail,run_id,b,t\n"
        '"a,b.zip","say ""no""\n=1+1",7,true,2026-11-02T03:04:05\n'
        "c.zip,é,,false,2026-11-02T03:04:05\n",
        "",
    )


def test_json_has_types_and_iso_times(sql: Sql) -> None:
    code, out, _ = sql(
        "SELECT 1 AS n, sum(2::BIGINT) AS big, 1.50::DECIMAL(4, 2) AS d, 'nan'::DOUBLE AS nan, NULL AS nothing, "
        "TIMESTAMP '2026-11-02 03:04:05.123456' AS t, DATE '2026-11-02' AS day, [1, 2] AS list, "
        "'{\"a\": [1]}'::JSON AS j, INTERVAL 90 SECOND AS i, 170141183460469231731687303715884105727 AS huge",
        "--format",
        "json",
    )
    assert code == 0
    assert json.loads(out) == [
        {
            "n": 1,
            "big": 2,
            "d": 1.5,
            "nan": None,
            "nothing": None,
            "t": "2026-11-02T03:04:05.123456Z",
            "day": "2026-11-02",
            "list": [1, 2],
            "j": {"a": [1]},
            "i": 90.0,
            "huge": 170141183460469231731687303715884105727,
        }
    ]


@pytest.mark.parametrize(("form", "nothing"), [("json", "[]\n"), ("csv", "kind\n"), ("table", "kind\n────\n")])
def test_an_empty_answer_is_an_answer(sql: Sql, form: str, nothing: str) -> None:
    code, out, _ = sql("SELECT kind FROM problems WHERE false", "--format", form)
    assert (code, out) == (0, nothing)


def test_parquet_into_a_file_by_its_ending(sql: Sql, tmp_path: Path) -> None:
    out = tmp_path / "answer.parquet"
    assert sql("SELECT lines FROM problems ORDER BY 1", "-o", str(out)) == (0, "", "")
    assert pl.read_parquet(out).rows() == [(0,), (3,)]
    assert list(tmp_path.iterdir()) == [out]


def test_parquet_into_a_pipe(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", pipe)
    assert run(["sql", "--case", str(case), "SELECT 42 AS it", "--format", "parquet"]) == 0
    assert isinstance(pipe.buffer, io.BytesIO)
    assert pl.read_parquet(pipe.buffer.getvalue()).rows() == [(42,)]


def test_a_failed_query_leaves_no_file_and_keeps_the_old_one(sql: Sql, tmp_path: Path) -> None:
    out = tmp_path / "answer.csv"
    assert sql("FROM nowhere", "-o", str(out))[0] == 1
    assert list(tmp_path.iterdir()) == []
    out.write_text("old")
    # It fails after the first rows are written.
    assert sql("SELECT CASE WHEN range = 99999 THEN error('late') END FROM range(100000)", "-o", str(out))[0] == 1
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_two_columns_of_one_name_are_refused_where_one_would_be_lost(sql: Sql, form: str) -> None:
    code, out, err = sql("SELECT 1 AS a, 2 AS a", "--format", form)
    assert (code, out) == (1, "")
    assert "'a'" in err or '"a"' in err


def test_a_table_says_how_many_rows_it_left_out(sql: Sql) -> None:
    code, out, err = sql("FROM range(2500)")
    assert code == 0
    assert len(out.splitlines()) == 2 + 1000
    assert err == "… and 1,500 more rows; --format csv, json or parquet gives all.\n"


def test_other_formats_give_all(sql: Sql) -> None:
    code, out, _ = sql("FROM range(25000)", "--format", "csv")
    assert code == 0
    assert len(out.splitlines()) == 1 + 25000


def test_a_script_from_a_file_may_prepare_its_question(sql: Sql, tmp_path: Path) -> None:
    script = tmp_path / "question.sql"
    script.write_text("CREATE TEMP MACRO twice(x) AS x * 2;\n-- and then\nSELECT twice(21) AS it;\n")
    assert sql("-f", str(script), "--format", "csv") == (0, "it\n42\n", "")


@pytest.mark.parametrize("arguments", [("-f", "-"), ()])
def test_a_script_from_standard_input(sql: Sql, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 1 AS a"))
    assert sql(*arguments, "--format", "csv") == (0, "a\n1\n", "")


def test_two_answers_do_not_fit_into_one_output(sql: Sql) -> None:
    code, out, err = sql("SELECT 1; SELECT 2", "--format", "csv")
    assert (code, out) == (2, "")
    assert "2 answers" in err
    assert sql("SELECT 1; SELECT 2")[0] == 0


@pytest.mark.parametrize("query", ["", "  ", "/* nothing */ -- at all", ";"])
def test_no_query_is_an_error(sql: Sql, query: str) -> None:
    code, out, err = sql(query)
    assert (code, out) == (2, "")
    assert "no query" in err


def test_sql_that_writes_is_refused(sql: Sql) -> None:
    code, out, err = sql("DELETE FROM problems")
    assert (code, out) == (1, "")
    assert "read-only" in err
    assert sql("SELECT count(*) AS n FROM problems", "--format", "csv")[1] == "n\n2\n"


def test_the_shared_views_are_there(sql: Sql) -> None:
    assert sql("SELECT * FROM executed_jobs", "--format", "json")[:2] == (0, "[]\n")


def test_the_saved_questions_are_listed_and_asked(sql: Sql) -> None:
    code, out, err = sql("--list")
    assert code == 0
    assert "busiest-lanes" in out
    assert "--saved NAME" in err
    assert sql("--saved", "problems-by-kind", "--format", "csv")[1].splitlines()[1].startswith("odd,2,2,1,3,")


def test_the_schema_is_shown_with_meanings(sql: Sql) -> None:
    code, out, err = sql("--schema")
    assert err == ""
    assert code == 0
    assert "What is missing or odd" not in out
    assert any(line.split()[:3] == ["problems", "kind", "VARCHAR"] for line in out.splitlines())


def conversation(case: Path, *lines: str | type[BaseException]) -> None:
    """Run the shell on these lines; an exception class stands for the key that raises it."""
    left = iter(lines)

    def ask(prompt: str) -> str:
        line = next(left, EOFError)
        if isinstance(line, str):
            return line
        raise line

    with Store.read(case / "case.duckdb") as store:
        Shell(store, ask).run()


@pytest.fixture
def said(case: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., tuple[str, str]]]:
    def talk(*lines: str | type[BaseException]) -> tuple[str, str]:
        conversation(case, *lines)
        return tuple(capsys.readouterr())  # type: ignore[return-value]

    yield talk


def test_the_shell_reads_until_a_semicolon(said: Callable[..., tuple[str, str]]) -> None:
    assert said("SELECT", "  ';' AS a", "-- ;", ";", "SELECT 2 AS b")[0] == "a\n─\n;\nb\n─\n2\n"


def test_an_error_keeps_the_shell_alive(said: Callable[..., tuple[str, str]]) -> None:
    out, err = said("SELEC 1;", "FROM nowhere;", "DROP TABLE problems;", ".nonsense", "SELECT 1 AS a;")
    assert out == "a\n─\n1\n"
    assert sum(line.startswith("Error: ") for line in err.splitlines()) == 4


def test_control_c_drops_what_was_typed(said: Callable[..., tuple[str, str]]) -> None:
    assert said("SELECT 1 AS", KeyboardInterrupt, "SELECT 2 AS b;")[0] == "b\n─\n2\n"


def test_quit_ends_it(said: Callable[..., tuple[str, str]]) -> None:
    assert said(".quit", "SELECT 1 AS a;") == ("", "")


def test_dot_commands(said: Callable[..., tuple[str, str]]) -> None:
    assert "What is missing or odd" in said(".tables")[0]
    assert "Short name of the kind" in said(".schema problems")[0]
    assert "There is no table" in said(".schema nowhere")[1]
    assert "slowest-steps" in said(".saved")[0]
    assert said(".saved problems-by-kind")[0].splitlines()[2].startswith("odd")
    assert ".quit" in said(".help")[1]


@pytest.mark.parametrize(
    ("typed", "done"),
    [
        ("SELECT 1;", True),
        ("SELECT 1", False),
        ("SELECT ';", False),
        ("", True),
        ("SELEC 1;", True),
        ("SELECT 1 -- ;", False),
    ],
)
def test_when_a_statement_is_complete(typed: str, done: bool) -> None:
    assert complete(typed) is done
