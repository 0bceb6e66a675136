"""Rows become findings: ids, order, evidence, values; one failing detector does not stop the others."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from forensics.detect.detector import Detector, check_detectors
from forensics.detect.run import DetectionResult, as_json, detect
from forensics.errors import UsageProblem
from forensics.model import EvidenceLine, RunRef
from forensics.store.store import Store

HEAD = """\
-- id: {id}
-- title: Made for a test
-- severity: low
-- precision: likely
-- question: What does the test ask?
-- params: {params}
-- columns: {columns}
-- example: none
-- false_positives: none
-- remedy: none
"""


def make(folder: Path, sql: str, name: str = "own", params: str = "{}", columns: str = "{}") -> Detector:
    (folder / f"{name}.sql").write_text(HEAD.format(id=name, params=params, columns=columns) + sql, encoding="utf-8")
    sound, errors = check_detectors(folder)
    assert errors == ()
    return next(detector for detector in sound if detector.id == name)


def run(detector: Detector, **params: object) -> DetectionResult:
    with Store.memory() as store:
        store.execute("INSERT INTO runs BY NAME SELECT 'octo/shop' AS repository, 7 AS run_id, FALSE AS inferred")
        return detect(store, [detector], {detector.id: params} if params else None)


def test_a_row_of_the_least_columns_is_a_finding(tmp_path: Path) -> None:
    """The repository is looked up, attempt is 1, severity and precision are the head's, the id is of the run."""
    own = make(
        tmp_path, "SELECT TIMESTAMP '2026-03-02 10:00:00' AS occurred_at, 7 AS run_id, 'So it was.' AS message"
    )
    (finding,) = run(own).findings
    assert finding.id.startswith("own-") and len(finding.id) == len("own-") + 10
    assert (finding.repository, finding.runs, finding.target) == ("octo/shop", (RunRef(7, 1),), None)
    assert (finding.severity, finding.precision, finding.message) == ("low", "likely", "So it was.")
    assert (finding.values, finding.evidence) == ({}, ())


def test_the_id_is_of_what_it_is_about_and_nothing_else(tmp_path: Path) -> None:
    sql = "SELECT now()::TIMESTAMP AS occurred_at, {} AS run_id, 'In {} s.' AS message, {} AS about"
    ids = [
        run(make(tmp_path, sql.format(*texts), "own")).findings[0].id
        for texts in ((7, 1, "'one'"), (7, 2, "'one'"), (8, 1, "'one'"), (7, 1, "'other'"))
    ]
    assert ids[0] == ids[1] == ids[2] != ids[3]


def test_rows_about_the_same_keep_apart_in_a_fixed_order(tmp_path: Path) -> None:
    sql = "SELECT NULL::TIMESTAMP AS occurred_at, 7 AS run_id, m AS message, 'x' AS about FROM (VALUES {}) AS v (m)"
    first = run(make(tmp_path, sql.format("('a'), ('b'), ('c')"))).findings
    second = run(make(tmp_path, sql.format("('c'), ('b'), ('a')"))).findings
    assert len({finding.id for finding in first}) == 3
    assert {(finding.id, finding.message) for finding in first} == {(one.id, one.message) for one in second}


def test_findings_come_worst_first_then_by_time(tmp_path: Path) -> None:
    own = make(
        tmp_path,
        """
        SELECT TIMESTAMP '2026-03-02' + to_hours(hour) AS occurred_at, hour AS run_id, severity, severity AS message
        FROM (VALUES (5, 'info'), (4, 'high'), (3, 'critical'), (2, 'high'), (NULL, 'high')) AS v (hour, severity)
        WHERE hour IS NOT NULL
        """,
    )
    assert [(one.severity, one.runs[0].run_id) for one in run(own).findings] == [
        ("critical", 3),
        ("high", 2),
        ("high", 4),
        ("info", 5),
    ]


def test_runs_may_be_a_list_or_two_columns_and_are_told_once(tmp_path: Path) -> None:
    own = make(
        tmp_path,
        """
        SELECT
            NULL::TIMESTAMP AS occurred_at, 'x' AS message, 7 AS run_id, 2 AS attempt, 9 AS other_run_id,
            [run_ref(8, 1), run_ref(7, 2)] AS runs
        """,
    )
    assert run(own).findings[0].runs == (RunRef(8, 1), RunRef(7, 2), RunRef(9, 1))


def test_evidence_is_the_log_line_among_its_neighbours(tmp_path: Path) -> None:
    own = make(
        tmp_path,
        """
        SELECT
            NULL::TIMESTAMP AS occurred_at, 7 AS run_id, 'x' AS message,
            [line_ref(7, 1, 70, 5), line_ref(7, 1, 70, 6), line_ref(7, 1, 71, 1), line_ref(7, 1, 72, 1)] AS evidence
        """,
    )
    lines = [(7, 1, 70, 3, n, datetime(2026, 3, 2, 10, 0, n), f"line {n} of 70", 1) for n in range(1, 12)]
    lines += [(7, 1, 71, None, 1, None, "first line of 71", 1), (7, 2, 70, 3, 5, None, "of another attempt", 1)]
    names = ["run_id", "attempt", "job_id", "step_number", "line_no", "logged_at", "text", "source_id"]
    path = tmp_path / "case.duckdb"
    with Store.write(path) as store:
        store.insert("log_lines", pl.DataFrame(lines, schema=names, orient="row"))
    with Store.read(path) as store:
        result = detect(store, [own])
    assert result.failures == ()
    (finding,) = result.findings
    assert [(line.job_id, line.line, line.text, line.matched) for line in finding.evidence] == [
        (70, 3, "line 3 of 70", False),
        (70, 4, "line 4 of 70", False),
        (70, 5, "line 5 of 70", True),
        (70, 6, "line 6 of 70", True),
        (70, 7, "line 7 of 70", False),
        (70, 8, "line 8 of 70", False),
        (71, 1, "first line of 71", True),
    ]
    assert finding.evidence[2] == EvidenceLine(7, 1, 70, 3, 5, datetime(2026, 3, 2, 10, 0, 5), "line 5 of 70", True)


def test_own_columns_are_values_that_json_can_carry(tmp_path: Path) -> None:
    own = make(
        tmp_path,
        """
        SELECT
            NULL::TIMESTAMP AS occurred_at, 7 AS run_id, 'x' AS message, TIMESTAMP '2026-03-02 10:00:00.5' AS a,
            1.5::DECIMAL(9, 2) AS b, 'nan'::DOUBLE AS c, [1, NULL] AS d, {'k': DATE '2026-03-02'} AS e,
            170141183460469231731687303715884105727::HUGEINT AS f, INTERVAL 90 SECONDS AS g, '\\xAA'::BLOB AS h
        """,
        columns="{a: a, b: b, c: c, d: d, e: e, f: f, g: g, h: h}",
    )
    assert run(own).findings[0].values == {
        "a": "2026-03-02T10:00:00.500000Z",
        "b": 1.5,
        "c": None,
        "d": [1, None],
        "e": {"k": "2026-03-02"},
        "f": "170141183460469231731687303715884105727",
        "g": 90.0,
        "h": "aa",
    }
    assert as_json(datetime(2026, 3, 2, 10)) == "2026-03-02T10:00:00Z"


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT NULL::TIMESTAMP AS occurred_at, 7 AS run_id, error('gone wrong') AS message", "gone wrong"),
        ("SELECT NULL::TIMESTAMP AS occurred_at, NULL::BIGINT AS run_id, 'x' AS message", "a row without a run"),
        ("SELECT NULL::TIMESTAMP AS occurred_at, 7 AS run_id, NULL::VARCHAR AS message", "a row without a message"),
        (
            "SELECT NULL::TIMESTAMP AS occurred_at, 7 AS run_id, 'x' AS message, 'dire' AS severity",
            "returned the severity 'dire'",
        ),
    ],
)
def test_a_detector_that_fails_is_told_by_name_and_the_others_go_on(tmp_path: Path, sql: str, reason: str) -> None:
    good = make(tmp_path, "SELECT NULL::TIMESTAMP AS occurred_at, 7 AS run_id, 'Fine.' AS message", "good")
    bad = make(tmp_path, sql, "bad")
    with Store.memory() as store:
        result = detect(store, [bad, good])
    assert [finding.message for finding in result.findings] == ["Fine."]
    ((name, told),) = result.failures
    assert name == "bad" and reason in told
    assert set(result.seconds) == {"good", "bad"}
    assert [doc.id for doc in result.docs] == ["bad", "good"]


def test_parameters_are_given_by_detector(tmp_path: Path) -> None:
    own = make(
        tmp_path,
        "SELECT NULL::TIMESTAMP AS occurred_at, 7 AS run_id, 'Said ' || $word || '.' AS message",
        params="{word: {default: nothing, means: What is said.}}",
    )
    assert run(own).findings[0].message == "Said nothing."
    assert run(own, word="'; DROP TABLE runs").findings[0].message == "Said '; DROP TABLE runs."
    with Store.memory() as store, pytest.raises(UsageProblem, match="There is no detector 'other'"):
        detect(store, [own], {"other": {}})


def test_a_detector_reaches_nothing_but_the_case(tmp_path: Path) -> None:
    """Even if it had passed the checker: the connection itself refuses."""
    own = make(tmp_path, "SELECT NULL::TIMESTAMP AS occurred_at, 7 AS run_id, 'x' AS message")
    hostile = Detector(**{**own.__dict__, "sql": "SELECT content AS message FROM read_text('/etc/hostname')"})
    path = tmp_path / "case.duckdb"
    Store.write(path).close()
    with Store.read(path) as store:
        ((name, reason),) = detect(store, [hostile]).failures
    assert name == "own" and "Permission Error" in reason
