"""Rows 37 to 40, 55, 56 and 58 of the fault matrix, a whole ingest each: odd values, files and secrets."""

import pytest

from tests.ingest.live.account import (
    CI,
    DEPLOY,
    DOCS,
    LINT,
    TEST_22,
    altered,
    beside,
    details,
    differing,
    hasty,
    problems,
    still_world,
    told,
    unlike,
    work,
)
from tests.ingest.live.drive import Login, ingest, rows
from tests.standin import DROPPED, StandIn, faults

SECRET = "ghs_P1antedSecretP1antedSecretP1anted99"


@pytest.mark.parametrize("value", [None, DROPPED], ids=["null", "missing"])
def test_row_37_fields_of_runs_that_are_null_or_missing_are_unknown_and_lose_nothing(value, tmp_path):
    world = still_world()
    fields = (
        "actor", "triggering_actor", "head_branch", "head_commit", "pull_requests", "display_title", "name",
        "head_repository", "workflow_id", "path", "referenced_workflows", "run_started_at",
    )  # fmt: skip
    world.alter_run(DOCS, **dict.fromkeys(fields, value))
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
    shown = rows(
        tmp_path / "case", "SELECT actor, head_branch, display_title, status FROM runs WHERE run_id = $r", r=DOCS
    )
    assert shown == [(None, None, None, "completed")]
    assert work(tmp_path / "case")["logs", f"{DOCS}/1"] == "done"
    assert rows(tmp_path / "case", "SELECT count(*) > 0 FROM log_lines WHERE run_id = $r", r=DOCS) == [(True,)]
    assert rows(tmp_path / "case", "SELECT json_valid(raw) FROM runs WHERE run_id = $r", r=DOCS) == [(True,)]
    assert problems(tmp_path / "case") == {}


@pytest.mark.parametrize("value", [None, DROPPED], ids=["null", "missing"])
def test_row_37_fields_of_jobs_and_annotations_that_are_null_or_missing(value, tmp_path):
    world = still_world()
    fields = (
        "runner_id",
        "runner_name",
        "runner_group_name",
        "started_at",
        "completed_at",
        "labels",
        "workflow_name",
    )
    world.alter_job(TEST_22, **dict.fromkeys(fields, value))
    with StandIn(world) as stand_in:
        wrong = altered(_bare_annotations, kind="annotations")
        case, clean, _ = beside(stand_in, tmp_path, wrong)
    assert unlike(case, clean) == {}
    shown = rows(case, "SELECT started_at, completed_at, runner_name, name FROM jobs WHERE job_id = $j", j=TEST_22)
    assert shown == [(None, None, None, "test (22)")]
    assert rows(case, "SELECT message, path, title FROM annotations") == [("It is odd.", None, None)]
    assert problems(case) == {}


def _bare_annotations(notes):
    return [{"annotation_level": None, "message": "It is odd."} for _ in notes]


def test_row_38_values_that_github_has_not_documented_are_kept_and_counted(tmp_path):
    world = still_world()
    world.alter_run(DOCS, conclusion="superseded", event="pull_request_nightly")
    world.alter_job(TEST_22, conclusion="evaporated")
    world.alter_run(DEPLOY, status="paused")
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
    case = tmp_path / "case"
    assert rows(case, "SELECT event, conclusion FROM runs WHERE run_id = $r", r=DOCS) == [
        ("pull_request_nightly", "superseded")
    ]
    assert rows(case, "SELECT conclusion FROM jobs WHERE job_id = $j", j=TEST_22) == [("evaporated",)]
    said = "\n".join(row[0] for row in rows(case, "SELECT detail FROM problems WHERE kind = 'unknown-value'"))
    for value in ("superseded", "pull_request_nightly", "evaporated", "paused"):
        assert value in said
    assert "unknown-value" in told(case)


def test_row_39_fields_that_are_new_or_of_another_type_do_no_harm(tmp_path):
    world = still_world()
    world.alter_run(DOCS, temperature=36.6, actor="just-a-name", run_number="17", head_branch=["main"], labels={})
    world.alter_job(TEST_22, labels="ubuntu", runner_id="twelve", steps_total=10**18, name=7)
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
    case = tmp_path / "case"
    assert rows(case, "SELECT actor, head_branch, raw->>'temperature' FROM runs WHERE run_id = $r", r=DOCS) == [
        ("just-a-name", None, "36.6")
    ]
    assert rows(case, "SELECT name, runner_id FROM jobs WHERE job_id = $j", j=TEST_22) == [("7", None)]
    assert work(case)["jobs", str(CI)] == work(case)["logs", f"{DOCS}/1"] == "done"


def test_row_39_each_field_of_another_type_is_said_once_with_its_count(tmp_path):
    world = still_world()
    world.alter_run(DOCS, run_number="17")
    world.alter_run(DEPLOY, run_number="18", actor="allowed")
    world.alter_job(TEST_22, labels="ubuntu", steps={"a": 1}, runner_id=True)
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
    said = sorted(text.partition(". ")[0] for text in details(tmp_path / "case", "odd-type"))
    assert [text.partition(" of the ")[2].partition(", which")[0] for text in said] == [
        "jobs have something else in labels than a list",
        "jobs have something else in runner_id than a number",
        "jobs have something else in steps than a list",
        "runs have something else in run_number than a number",
    ]
    assert all("for example" in text and int(text.partition(" ")[0]) >= 1 for text in said)
    assert "odd-type" in told(tmp_path / "case")


def test_row_39_an_answer_of_another_shape_loses_only_itself(tmp_path):
    with StandIn(still_world()) as stand_in:
        wrong = [
            altered(lambda page: {"deployments": page}, kind="deployments"),
            altered(lambda page: {**page, "jobs": None}, target=f"/runs/{DOCS}/jobs"),
            altered(lambda page: [7, None, "x"], kind="annotations"),
        ]  # fmt: skip
        ingest(stand_in, tmp_path / "clean")
        stand_in.inject(*wrong)
        ingest(stand_in, tmp_path / "case")
    case = tmp_path / "case"
    assert rows(case, "SELECT count(DISTINCT run_id) FROM log_lines") == [(4,)]
    assert work(case)["jobs", str(CI)] == "done"


def test_row_40_times_that_cannot_be_are_kept_and_stop_nothing(tmp_path):
    world = still_world()
    world.alter_job(TEST_22, started_at="2026-11-02T09:00:00Z", completed_at="2026-11-02T08:00:00Z")
    world.alter_job(LINT, started_at="0001-01-01T00:00:00Z", completed_at="not a time")
    world.alter_run(DOCS, run_started_at="99999-01-01T00:00:00Z", updated_at="2026-11-02T12:01:27Z")
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
    case = tmp_path / "case"
    times = "SELECT started_at IS NULL, completed_at IS NULL, raw->>'started_at' FROM jobs WHERE job_id = $j"
    assert rows(case, times, j=LINT) == [(True, True, "0001-01-01T00:00:00Z")]
    negative = "SELECT completed_at < started_at FROM jobs WHERE job_id = $j"
    assert rows(case, negative, j=TEST_22) == [(True,)]
    assert details(case, "odd-times") == [
        f"1 jobs end before they began; each counts as ended when it began. GitHub's JSON is kept in raw; "
        f"for example job {TEST_22}.",
        f"1 jobs have times that cannot be; they count as unknown. GitHub's JSON is kept in raw; "
        f"for example job {LINT}.",
        f"1 runs have times that cannot be; they count as unknown. GitHub's JSON is kept in raw; "
        f"for example run {DOCS}.",
    ]
    assert rows(case, "SELECT count(DISTINCT run_id) FROM log_lines") == [(5,)]


def test_row_40_times_long_ago_or_to_come_are_unknown_and_told_once_however_often_it_is_settled(tmp_path):
    world = still_world()
    world.alter_job(TEST_22, started_at="1970-01-01T00:00:00Z")
    world.alter_job(LINT, completed_at="2999-01-01T00:00:00Z")
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
        before = details(tmp_path / "case", "odd-times")
        ingest(stand_in, tmp_path / "case")
    case = tmp_path / "case"
    assert [text.partition(";")[0] for text in before] == ["2 jobs have times that cannot be"]
    assert details(case, "odd-times") == before
    assert rows(case, "SELECT started_at FROM jobs WHERE job_id = $j", j=TEST_22) == [(None,)]
    assert rows(case, "SELECT raw->>'completed_at' FROM jobs WHERE job_id = $j", j=LINT) == [
        ("2999-01-01T00:00:00Z",)
    ]
    lasted = "SELECT max(completed_at - started_at) < INTERVAL 1 DAY FROM attempts"
    assert rows(case, lasted) == [(True,)]


# --- row 55: workflow files


def test_row_55_a_workflow_file_that_is_not_there_has_a_tombstone(tmp_path):
    world = still_world()
    world.put_file(".github/workflows/docs.yml", None)
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
        lost = {
            key: state for (kind, key), state in work(tmp_path / "case").items() if kind == "file" and state != "done"
        }
        assert [key.partition("@")[0] for key in lost] == [".github/workflows/docs.yml"]
        assert set(lost.values()) == {"deleted"}
        assert problems(tmp_path / "case") == {"workflow-file-deleted": 1}
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case")
        assert not stand_in.asked("contents")
    assert rows(tmp_path / "case", "SELECT count(DISTINCT run_id) FROM log_lines") == [(5,)]


def test_row_55_a_workflow_file_of_more_than_a_megabyte_is_taken_raw(tmp_path):
    world = still_world()
    text = b"on: push\njobs:\n  a:\n    runs-on: x\n    steps: []\n" + b"# padding\n" * 120_000
    world.put_file(".github/workflows/docs.yml", text)
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
    assert rows(tmp_path / "case", "SELECT length(text) FROM workflow_files WHERE path LIKE '%docs.yml'") == [
        (len(text),)
    ]


# --- row 56: secrets


def test_row_56_neither_token_nor_signature_is_anywhere_in_the_case(tmp_path):
    """The server repeats the token in errors, and storage repeats the signature, as both do."""
    world = still_world(tokens=(SECRET,))
    echo = faults.refuse(403, f"Resource not accessible with token {SECRET}")
    repeated = f"<Error><Code>AuthenticationFailed</Code><Detail>sig=abcdefgh12345678 {SECRET}</Detail></Error>"
    spelt = faults.said(403, repeated.encode(), "application/xml").on("download", times=6)
    with StandIn(world) as stand_in:
        stand_in.inject(
            echo.on("deployments"),
            spelt,
            faults.unicorn(500).on("groups", times=5),
            faults.dropped().on("download", nth=8),
        )
        summary = ingest(stand_in, tmp_path / "case", login=Login(SECRET), policy=hasty(world, concurrency=1))
        signed = {seen.query["sig"] for seen in stand_in.requests if seen.origin == "blob"}
    assert len(signed) >= 5
    needles = [SECRET.encode(), b"sig=", *(one.encode() for one in signed)]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > 20
    found = [(file.name, needle) for file in files for needle in needles if needle in file.read_bytes()]
    assert found == []
    assert SECRET not in str(summary)
    assert SECRET not in told(tmp_path / "case")
    assert SECRET not in str(rows(tmp_path / "case", "SELECT * FROM requests"))


# --- row 58: annotations


def test_row_58_all_pages_of_annotations_are_taken(tmp_path):
    world = still_world()
    world.annotate(LINT, 230)
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
        assert len(stand_in.asked("annotations")) == 3
    assert rows(tmp_path / "case", "SELECT count(*) FROM annotations WHERE job_id = $j", j=LINT) == [(231,)]


def test_row_58_a_second_page_that_fails_is_not_taken_for_the_end(tmp_path):
    world = still_world()
    world.annotate(LINT, 130)
    with StandIn(world) as stand_in:
        wrong = faults.unicorn(502).on("annotations", nth=2, times=5)
        case, clean, _ = beside(stand_in, tmp_path, wrong, policy=hasty(world))
        assert unlike(case, clean) == {("annotations", str(LINT)): "failed"}
        ingest(stand_in, case)
    assert differing(case, clean) == set()
