"""A detector file is taken only when its head and its SQL say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.detect import detector as module
from forensics.detect.detector import check_detectors, checking_store, load_detectors, load_library, packaged_queries
from forensics.errors import DetectorInvalid, UsageProblem
from forensics.store.store import Store

SOUND = """\
-- id: long-runs
-- title: A run took long
-- severity: low
-- precision: likely
-- question: Which runs took longer than they may?
-- params:
--   limit_minutes: {default: 30, means: What is too long.}
-- columns: {minutes: How long it took.}
-- example: one long run
-- false_positives: "Deploys at night: they wait for each other."
-- remedy: Look at the log.
SELECT
    a.started_at AS occurred_at,
    a.run_id,
    a.attempt,
    a.repository,
    epoch(a.completed_at - a.started_at) / 60 AS minutes,
    'Run ' || a.run_id || ' took long.' AS message
FROM attempts AS a
WHERE epoch(a.completed_at - a.started_at) / 60 > $limit_minutes
"""


def write(folder: Path, text: str, name: str = "long-runs") -> Path:
    (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    return folder


def test_a_sound_file_is_taken_beside_the_packaged_ones(tmp_path: Path) -> None:
    detectors = {detector.id: detector for detector in load_detectors(write(tmp_path, SOUND))}
    own = detectors["long-runs"]
    assert set(detectors) > {"long-runs", "overlapping-runs", "duplicate-effect"}
    assert (own.title, own.severity, own.precision) == ("A run took long", "low", "likely")
    assert own.settings({}) == {"limit_minutes": 30}
    assert own.settings({"limit_minutes": "5"}) == {"limit_minutes": 5}
    assert own.columns == {"minutes": "How long it took."}
    assert own.sql.startswith("SELECT") and "$limit_minutes" in own.sql
    assert own.doc({"limit_minutes": 7}).params == {"limit_minutes": 7}
    assert own.doc().question == "Which runs took longer than they may?"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: long-runs", "id: other", "its id is 'other', not 'long-runs'"),
        ("severity: low", "severity: terrible", "severity is 'terrible'"),
        ("precision: likely", "precision: sure", "precision is 'sure'"),
        ("-- title: A run took long\n", "", "its head lacks title"),
        ("-- remedy:", "-- remedy: x\n-- cure:", "its head has unknown keys: cure"),
        ("-- title: A run", "-- title: [A run", "its head is not YAML"),
        ("title: A run took long", "title: 7", "title in its head is not text"),
        ("{minutes: How long it took.}", "[minutes]", "columns in its head is not a mapping"),
        ("{minutes: How long it took.}", "{minutes: 1}", "columns without explanation: minutes"),
        ("{minutes: How long it took.}", "{}", "returns undeclared columns: minutes"),
        ("{minutes: How long it took.}", "{minutes: m, hours: h}", "declares columns it does not return: hours"),
        ("{default: 30, means: What is too long.}", "30", "parameter limit_minutes is not described"),
        ("> $limit_minutes", "> 30", "declares parameters it does not use: limit_minutes"),
        ("> $limit_minutes", "> $limit_minutes * $factor", "uses undeclared parameters: factor"),
        ("FROM attempts", "FROM tries", "its SQL does not fit the case"),
        ("FROM attempts", "FROM FROM attempts", "its SQL does not parse"),
        ("FROM attempts", "FROM read_csv('/etc/passwd') AS f, attempts", "its SQL does not fit the case"),
        ("SELECT\n", "DELETE FROM runs;\nSELECT\n", "it must hold exactly one SELECT, and holds: DELETE, SELECT"),
        (" AS message", " AS text", "does not return message"),
        ("a.run_id,", "a.run_id AS run_no,", "does not return run_id (or runs)"),
        ("a.run_id,", "a.run_id::VARCHAR AS run_id,", "column run_id is VARCHAR, not BIGINT"),
        ("a.run_id,", "[{'run': a.run_id}] AS runs,", "column runs is STRUCT(run BIGINT)[], not"),
        ("a.attempt,", "a.attempt, a.attempt AS attempt,", "returns columns twice: attempt"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name_and_reason(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SOUND
    with pytest.raises(DetectorInvalid) as caught:
        load_detectors(write(tmp_path, SOUND.replace(old, new)))
    assert said in caught.value.message
    assert "long-runs.sql" in caught.value.message
    assert caught.value.hint


def test_the_packaged_ones_fit_an_empty_case() -> None:
    """Not looked at when they are loaded, so here."""
    with checking_store() as store:
        for file in sorted(packaged_queries().glob("*.sql")):
            module.read_detector(file, store)


def test_a_file_without_head_or_text_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "SELECT 1", "bare")
    write(tmp_path, "-- id: only-a-head", "head")
    (tmp_path / "bytes.sql").write_bytes(b"-- id: \xff\xfe")
    sound, errors = check_detectors(tmp_path)
    assert sound == ()
    assert [error.message.rsplit("/", 1)[-1][:32] for error in errors] == [
        "bare.sql: it has no head.",
        "bytes.sql: cannot be read: 'utf-",
        "head.sql: its head lacks title, ",
    ]


def test_one_bad_file_does_not_hide_the_good_ones(tmp_path: Path) -> None:
    write(tmp_path, SOUND)
    write(tmp_path, SOUND.replace("severity: low", "severity: none").replace("long-runs", "bad"), "bad")
    sound, errors = check_detectors(tmp_path)
    assert [detector.id for detector in sound] == ["long-runs"]
    assert len(errors) == 1


def test_two_files_of_one_id_are_refused(tmp_path: Path) -> None:
    taken = (packaged_queries() / "duplicate-effect.sql").read_text(encoding="utf-8")
    with pytest.raises(DetectorInvalid, match="its id is also that of"):
        load_detectors(write(tmp_path, taken, "duplicate-effect"))


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="is not a folder"):
        load_detectors(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("given", "said"),
    [({"limit": 3}, "has no parameter 'limit'"), ({"limit_minutes": "soon"}, "limit_minutes cannot be 'soon'")],
)
def test_parameters_that_do_not_fit_are_told(tmp_path: Path, given: dict[str, object], said: str) -> None:
    (own,) = check_detectors(write(tmp_path, SOUND))[0]
    with pytest.raises(UsageProblem, match=said):
        own.settings(given)


def test_the_store_that_files_are_checked_on_reaches_no_files() -> None:
    with checking_store() as store:
        for sql in ("FROM read_text('/etc/hostname')", "SET enable_external_access = true"):
            with pytest.raises(Exception, match=r"Permission Error|Cannot change"):
                store.query(sql)


def test_the_library_is_temporary_and_works_on_a_case_that_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "case.duckdb"
    Store.write(path).close()
    with Store.read(path) as store:
        load_library(store)
        load_library(store)
        assert store.query("SELECT count(*) FROM write_effects").rows == [(0,)]
    with Store.read(path) as store:
        left = store.query("SELECT count(*) FROM duckdb_views() WHERE NOT internal").rows
    assert left == [(0,)]


@pytest.mark.parametrize(
    "statement", ["CREATE VIEW stays AS SELECT 1", "DELETE FROM runs", "SELECT 1", "CREATE TABLE temporary (x INT)"]
)
def test_the_library_makes_temporary_things_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "wrong.sql").write_text(statement, encoding="utf-8")
    monkeypatch.setattr(module, "packaged_queries", lambda: tmp_path)
    with Store.memory() as store, pytest.raises(DetectorInvalid, match=r"wrong\.sql"):
        load_library(store)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (0.44, "0.4 s"), (1, "1 s"), (9.97, "10 s"), (35, "35 s"), (59.7, "1 min 0 s"),
        (250, "4 min 10 s"), (3599.6, "1 h 0 min"), (7500, "2 h 5 min"), (86400, "1 d 0 h"), (100000, "1 d 3 h"),
    ],
)  # fmt: skip
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    with checking_store() as store:
        assert store.query("SELECT duration_text($seconds::DOUBLE)", {"seconds": seconds}).rows == [(text,)]
