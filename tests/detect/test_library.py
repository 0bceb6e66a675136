"""Views that several detectors read are computed once, and nothing else changes."""

from forensics.detect.detector import load_library
from forensics.detect.library import in_order, shared_views, views_of, worth_sharing
from forensics.store.store import Store

VIEWS = {
    "runs_seen": "SELECT * FROM runs",
    "jobs_seen": "SELECT * FROM jobs",
    "pairs": "SELECT * FROM runs_seen INNER JOIN jobs_seen USING (run_id)",
}


def test_what_two_questions_read_is_shared():
    assert worth_sharing(VIEWS, ["SELECT 1 FROM pairs", "SELECT 2 FROM pairs"]) == ["pairs"]


def test_what_one_shared_view_reads_is_computed_with_it():
    questions = ["SELECT 1 FROM pairs", "SELECT 2 FROM pairs", "SELECT 3 FROM jobs_seen"]
    assert worth_sharing(VIEWS, questions) == ["jobs_seen", "pairs"]


def test_a_view_read_through_two_others_is_shared():
    views = VIEWS | {"spans": "SELECT * FROM jobs_seen -- runs_seen"}
    assert worth_sharing(views, ["SELECT * FROM pairs", "SELECT * FROM spans"]) == ["jobs_seen"]


def test_one_question_shares_nothing():
    assert worth_sharing(VIEWS, ["SELECT * FROM pairs AS a, pairs AS b"]) == []


def test_within_they_are_computed_once_and_afterwards_they_are_views_again():
    with Store.memory() as store:
        views = views_of(load_library(store))
        store.execute("INSERT INTO runs BY NAME SELECT 'o/r' AS repository, 1 AS run_id, FALSE AS inferred")
        questions = ["SELECT run_id FROM named_runs", "SELECT count(*) FROM named_runs"]
        with shared_views(store, views, questions):
            store.execute("UPDATE runs SET run_id = 2")
            assert store.query(questions[0]).rows == [(1,)]
        assert store.query(questions[0]).rows == [(2,)]
        left = "SELECT count(*) FROM duckdb_tables() WHERE temporary AND table_name LIKE '%kept'"
        assert store.query(left).rows == [(0,)]


def test_views_come_after_what_they_read_whatever_their_files_are_called():
    views = [f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}" for name, sql in VIEWS.items()]
    macros = [
        "CREATE OR REPLACE TEMP MACRO four(n) AS 2 * twice(n)",
        "CREATE OR REPLACE TEMP MACRO twice(n) AS 2 * n",
    ]
    made = in_order([*views[::-1], *macros])
    assert made.index(macros[1]) < made.index(macros[0])
    assert made.index(views[2]) > max(made.index(views[0]), made.index(views[1]))
    assert sorted(made) == sorted([*views, *macros])
