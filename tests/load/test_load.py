"""The laws of loading: same evidence, same rows; nothing lost; nothing twice."""

import io
import itertools
import json
import zipfile
from pathlib import Path

import planted
import pytest

from forensics import pipeline
from forensics.config import Config
from forensics.errors import NothingToAnalyse
from forensics.model import Silent
from forensics.store.store import Store


def write(folder: Path, files: dict[str, bytes | str]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def ingest(case: Path, *paths: Path) -> pipeline.IngestSummary:
    return pipeline.ingest_files(Config(case, workers=1), paths, Silent())


def ask(case: Path, sql: str):
    with Store.read(case / "case.duckdb") as store:
        return store.query(sql).rows


def tables(case: Path) -> dict[str, list[str]]:
    """All rows of all tables as text, without when they were taken."""
    with Store.read(case / "case.duckdb") as store:
        names = [row[0] for row in store.query("SELECT table_name FROM duckdb_tables() ORDER BY 1").rows]
        return {
            name: sorted(repr({k: v for k, v in row.items() if k != "taken_at"}) for row in rows.dicts())
            for name in names
            for rows in [store.query(f'SELECT * FROM "{name}"')]
        }


PIECES = {
    "runs.json": planted.runs_page(planted.run_object(run_attempt=2, run_started_at="2026-05-01T11:00:00Z",
                                                      updated_at="2026-05-01T11:01:00Z", conclusion="failure")),
    "old.json": json.dumps(planted.run_object(status="in_progress", conclusion=None,
                                              updated_at="2026-05-01T10:00:05Z")).encode(),
    "attempts/1/jobs.json": planted.jobs_page(),
    "actions/runs/31000000001/attempts/1/logs.zip": planted.log_zip(),
    f"job-{planted.JOB_ID}.log": planted.job_text(),
    "run-31000000001-attempt-1.txt": planted.gh_text(),
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole")
    source = write(root / "in", PIECES)
    ingest(root / "case", source)
    return root / "case", source


def test_a_line_is_stored_once_however_often_it_was_found(whole):
    case, _ = whole
    assert ask(case, "SELECT count(*), count(DISTINCT line_no) FROM log_lines") == [(9 - 1, 9 - 1)]
    assert ask(case, "SELECT text, step_number FROM log_lines WHERE text LIKE '+ %'") == [("+ left-pad@1.2.3", 2)]
    assert ask(case, "SELECT tool, effect, identity, outcome, job_id FROM effects") == [
        ("npm", "publish", "left-pad@1.2.3", "done", planted.JOB_ID)
    ]


def test_every_line_is_accounted_for(whole):
    case, _ = whole
    rows = ask(case, "SELECT lines_in, lines_stored, lines_duplicate, lines_problem FROM log_sources")
    assert all(row[0] == sum(row[1:]) for row in rows)
    assert sum(row[1] for row in rows) == ask(case, "SELECT count(*) FROM log_lines")[0][0]
    # A job file, three step files, a job log and a gh text: the same eight lines four times.
    assert sum(row[0] for row in rows) == 4 * 8


def test_states_come_from_the_newest_observation(whole):
    case, _ = whole
    assert ask(case, "SELECT status, conclusion, latest_attempt, inferred FROM runs") == [
        ("completed", "failure", 2, False)
    ]
    assert ask(case, "SELECT attempt, conclusion, started_at::VARCHAR FROM attempts ORDER BY 1") == [
        (1, None, "2026-05-01 10:00:01"),
        (2, "failure", "2026-05-01 11:00:00"),
    ]


def test_ingesting_again_changes_nothing(whole, tmp_path):
    case, source = whole
    before = tables(case)
    again = ingest(case, source)
    assert (again.files_taken, again.files_known) == (0, len(PIECES))
    assert tables(case) == before


def test_the_evidence_of_a_case_makes_the_same_case(whole, tmp_path):
    case, _ = whole
    ingest(tmp_path / "second", case / "evidence")
    ingest(tmp_path / "third", case)
    assert tables(tmp_path / "second") == tables(case) == tables(tmp_path / "third")


def test_the_order_of_ingests_does_not_matter(whole, tmp_path):
    """Piece by piece, in several orders; among them logs before the metadata that says whose they are."""
    case, _ = whole
    expected = tables(case)
    orders = list(itertools.permutations(sorted(PIECES)))
    for number in range(0, len(orders), 131):
        target = tmp_path / str(number)
        for name in orders[number]:
            (tmp_path / f"{number}-in" / "in").mkdir(parents=True, exist_ok=True)
            write(tmp_path / f"{number}-in" / "in", {name: PIECES[name]})
            ingest(target, tmp_path / f"{number}-in" / "in")
        assert tables(target) == expected, orders[number]


def test_a_load_that_dies_leaves_the_case_as_it_was_and_is_made_up_for(whole, tmp_path, monkeypatch):
    from forensics.load import local

    case, _ = whole
    source = write(tmp_path / "in", PIECES)
    first = write(tmp_path / "first" / "in", {"runs.json": PIECES["runs.json"]})
    target = tmp_path / "case"
    ingest(target, first)
    before = tables(target)
    with monkeypatch.context() as patched:
        patched.setattr(local, "settle_metadata", lambda store: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ingest(target, source)
    assert tables(target) == before
    ingest(target, source)
    assert tables(target) == tables(case)


def test_a_log_that_nothing_explains_gets_a_made_up_run_until_something_does(tmp_path):
    source = write(tmp_path / "in", {"build.log": planted.job_text()})
    ingest(tmp_path / "case", source)
    (made_up,) = ask(tmp_path / "case", "SELECT run_id, inferred FROM runs")
    assert made_up[0] < 0 and made_up[1]
    assert ask(tmp_path / "case", "SELECT kind FROM problems") == [("made-up-run",)]
    assert ask(tmp_path / "case", "SELECT name, started_at IS NOT NULL FROM jobs") == [("deploy", True)]
    write(source, {"run.json": planted.runs_page(), "jobs.json": planted.jobs_page()})
    ingest(tmp_path / "case", source)
    assert ask(tmp_path / "case", "SELECT run_id, inferred FROM runs") == [(planted.RUN_ID, False)]
    assert ask(tmp_path / "case", "SELECT DISTINCT job_id, step_number FROM log_lines ORDER BY 2") == [
        (planted.JOB_ID, step) for step in (1, 2, 3)
    ]
    assert ask(tmp_path / "case", "SELECT kind FROM problems") == []


def test_an_excerpt_pasted_into_several_notes_is_one_act(tmp_path):
    note = "# What failed\n\n```text\n" + planted.gh_text() + "```\n"
    files = {"monday.md": note, "tuesday.md": note + "\nStill the same.\n"}
    ingest(tmp_path / "case", write(tmp_path / "in", files))
    assert ask(tmp_path / "case", "SELECT count(DISTINCT run_id) FROM log_lines") == [(2,)]
    assert ask(tmp_path / "case", "SELECT identity, count(*) FROM effects GROUP BY 1") == [("left-pad@1.2.3", 1)]


def test_an_extracted_archive_is_as_good_as_the_archive(tmp_path):
    files = {f"runs/{planted.RUN_ID}/1_deploy.txt": planted.job_text()} | {
        f"runs/{planted.RUN_ID}/deploy/{n}_{name}.txt": planted.step_text(n) for n, (name, _) in planted.STEPS.items()
    }
    ingest(tmp_path / "case", write(tmp_path / "in", files))
    assert ask(tmp_path / "case", "SELECT run_id, count(*), count(step_number) FROM log_lines GROUP BY 1") == [
        (planted.RUN_ID, 8, 8)
    ]


def test_the_new_layout_has_its_steps_from_the_jobs(tmp_path):
    files = {"jobs.json": planted.jobs_page(), f"run-{planted.RUN_ID}.zip": planted.log_zip(old_layout=False)}
    ingest(tmp_path / "case", write(tmp_path / "in", files))
    assert ask(tmp_path / "case", "SELECT step_number FROM log_lines WHERE text LIKE '+ %'") == [(2,)]
    assert ask(tmp_path / "case", "SELECT workflow_path FROM runs") == [(".github/workflows/release.yml",)]


def test_one_bad_file_never_stops_the_others(tmp_path):
    files = {
        "good/run.json": planted.runs_page(),
        f"good/run-{planted.RUN_ID}.zip": planted.log_zip(),
        "photo.zip": b"\xff\xd8\xff\xe0" + b"\0" * 50,
        "empty.zip": b"PK\x05\x06" + bytes(18),
        "expired.log": b'{"message": "Server Error", "documentation_url": "https://docs.example"}',
        "cut.zip": planted.log_zip()[:300],
        "cut.json": planted.runs_page()[:100],
        "empty.json": b"",
        "broken.yml": "on: push\njobs: [\n",
        "notes.docx": b"\x00\x01",
        "table.yml": "a: 1\n",
    }
    summary = ingest(tmp_path / "case", write(tmp_path / "in", files))
    assert summary.runs == 1 and summary.log_lines == 8
    assert dict(summary.problems) == {
        "damaged": 3, "broken-json": 1, "not-a-workflow": 2, "not-recognised": 1, "empty": 1, "not-used": 1,
    }  # fmt: skip
    details = " ".join(row[0] for row in ask(tmp_path / "case", "SELECT detail FROM problems"))
    for words in (
        "JPEG picture",
        "not a readable zip archive",
        "cut short",
        "line 3",
        "is empty",
        "lacks 'on'",
        "no file",
        "Server Error",
    ):
        assert words in details


def test_an_empty_folder_says_what_could_be_ingested(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(NothingToAnalyse, match="nothing to ingest"):
        ingest(tmp_path / "case", tmp_path / "in")
    assert not (tmp_path / "case" / "case.duckdb").exists()
    with pytest.raises(NothingToAnalyse, match="no file or folder"):
        ingest(tmp_path / "case", tmp_path / "absent")


def test_a_log_that_a_re_run_copied_is_known_by_its_stamps_alone(tmp_path):
    files = {f"runs/{planted.RUN_ID}/attempts/{n}/logs.zip": planted.log_zip() for n in (1, 2)}
    ingest(tmp_path / "case", write(tmp_path / "in", files))
    assert ask(tmp_path / "case", "SELECT attempt, copied FROM jobs ORDER BY 1") == [(1, False), (2, True)]


def test_a_name_that_the_text_contradicts_is_a_problem(tmp_path):
    own = planted.stamp(
        9, "Artifact download URL: https://github.example/acme/shop/actions/runs/31000000002/artifacts/5"
    )
    source = write(tmp_path / "in", {f"run-{planted.RUN_ID}.log": planted.job_text() + own + "\n"})
    for _ in range(2):
        ingest(tmp_path / "case", source)
        assert ask(tmp_path / "case", "SELECT kind, run_id FROM problems") == [("doubtful-run", planted.RUN_ID)]


def test_a_file_that_could_be_read_at_last_is_no_problem_any_more(tmp_path):
    source = write(tmp_path / "in", {"run.json": planted.runs_page()})
    (source / "jobs.json").symlink_to(tmp_path / "jobs.json")
    ingest(tmp_path / "case", source)
    assert ask(tmp_path / "case", "SELECT kind, evidence_path FROM problems") == [("unreadable", "in/jobs.json")]
    write(tmp_path, {"jobs.json": planted.jobs_page()})
    ingest(tmp_path / "case", source)
    assert ask(tmp_path / "case", "SELECT kind FROM problems") == []


def bundle(**members):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return sink.getvalue()


def test_json_in_an_archive_is_a_neighbour_of_what_is_in_it_and_of_nothing_else(tmp_path):
    other = planted.run_object(31000000002)
    log = planted.job_text()
    files = {
        "one.zip": bundle(run_json=planted.runs_page(), build_log=log),
        "two.zip": bundle(run_json=planted.runs_page(other), build_log=log.replace("left-pad", "right-pad")),
        "bare.zip": bundle(build_log=log.replace("left-pad", "no-pad")),
    }
    ingest(tmp_path / "case", write(tmp_path / "in", files))
    rows = ask(tmp_path / "case", "SELECT evidence_path, run_id, attributed_by FROM log_sources ORDER BY 1")
    assert rows[1:] == [("in/one.zip", planted.RUN_ID, "neighbour"), ("in/two.zip", 31000000002, "neighbour")]
    assert rows[0][1] < 0 and rows[0][2] == "made-up"


def test_a_case_handed_over_as_an_archive_brings_no_problem(whole, tmp_path):
    case, _ = whole
    files = {path.relative_to(case).as_posix(): path.read_bytes() for path in case.rglob("*") if path.is_file()}
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"case/{name}", data)
    ingest(tmp_path / "case", write(tmp_path / "in", {"handed.zip": sink.getvalue()}))
    assert ask(tmp_path / "case", "SELECT kind, member FROM problems") == []
    assert ask(tmp_path / "case", "SELECT count(*) FROM log_lines") == ask(case, "SELECT count(*) FROM log_lines")
