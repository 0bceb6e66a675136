"""The smaller commands: what they hand to the pipeline, what they print, how they end."""

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics import pipeline
from forensics.cli.main import run
from forensics.config import Config
from forensics.detect.detector import packaged_queries
from forensics.model import Coverage

COVERAGE = Coverage(
    repositories=("acme/shop",),
    first_at=datetime(2026, 11, 2, 10),
    last_at=datetime(2026, 11, 3, 11, 30),
    runs=2,
    attempts=3,
    jobs=4,
    jobs_executed=4,
    jobs_with_log=3,
    log_lines=10,
    effects=1,
    lines_in=14,
    lines_stored=10,
    lines_duplicate=3,
    lines_problem=1,
    problems=(("bad-crc", 1),),
)
STATUS = pipeline.Status(
    coverage=COVERAGE,
    kinds=(("zip", 2, 14),),
    sources=(
        pipeline.SourceAccount("small.zip", "job", 4, 3, 0, 1),
        pipeline.SourceAccount("lar\x1bge.zip", "job", 10, 7, 3, 0),
    ),
    problems=(("bad-crc", 1, "ship/2_x.txt: the member is damaged."),),
)
RUN = {
    "id": 7001,
    "name": "Tests",
    "run_number": 12,
    "run_attempt": 1,
    "jobs_url": "https://api.github.com/repos/acme/shop/actions/runs/7001/jobs",
    "status": "completed",
    "conclusion": "success",
    "event": "push",
    "created_at": "2026-11-02T10:00:00Z",
    "run_started_at": "2026-11-02T10:00:00Z",
    "updated_at": "2026-11-02T10:05:00Z",
    "head_branch": "main",
    "head_sha": "0123456789012345678901234567890123456789",
    "repository": {"full_name": "acme/shop"},
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORENSICS_CASE", raising=False)
    return tmp_path


@pytest.fixture
def case(here: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A case made from one run."""
    (here / "runs.json").write_text(json.dumps([RUN]))
    assert run(["ingest", "--from", "runs.json"]) == 0
    capsys.readouterr()
    return here / "case"


@pytest.mark.parametrize(
    "arguments",
    [["--from", "a", "--from", "b c"], ["--from", "a", "b c"], ["--case", "x", "--from", "a", "b c"]],
)
def test_ingest_takes_paths_in_either_way(monkeypatch: pytest.MonkeyPatch, here: Path, arguments: list[str]) -> None:
    taken: list[Any] = []

    def ingest_files(
        config: Config, paths: list[Path], progress: object, rules: Path | None
    ) -> pipeline.IngestSummary:
        taken.extend(paths)
        return pipeline.IngestSummary(2, 0, 10, 1, 1, 1, 5, 0, 5, 5, 0, 0, (), 0.1)

    monkeypatch.setattr(pipeline, "ingest_files", ingest_files)
    assert run(["ingest", *arguments]) == 0
    assert taken == [Path("a"), Path("b c")]


def test_ingest_says_what_it_did_on_stderr(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "runs.json").write_text(json.dumps([RUN]))
    assert run(["ingest", "--from", "runs.json"]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("Took 1 file (")
    assert "The case holds 1 run, 1 attempt, 0 jobs, 0 log lines and 0 effects." in output.err
    assert "Lines read: 0 = 0 stored + 0 duplicates + 0 left out for a reason." in output.err
    assert output.err.endswith("  → forensics detect\n")
    assert run(["ingest", "--from", "runs.json"]) == 0
    assert capsys.readouterr().err.startswith("Took 0 files (0 B)")


def test_status_accounts_for_every_line(
    monkeypatch: pytest.MonkeyPatch, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "status", lambda config: STATUS)
    assert run(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    account = lines.index(next(line for line in lines if line.startswith("lines of")))
    assert [line.split() for line in lines[account + 2 : account + 5]] == [
        [r"lar\x1bge.zip", "job", "10", "7", "3", "0"],
        ["small.zip", "job", "4", "3", "0", "1"],
        ["all", "14", "10", "3", "1"],
    ]
    assert "2026-11-02 10:00 to 2026-11-03 11:30" in "\n".join(lines)
    assert "the member is damaged." in lines[-1]


def test_status_as_json_has_everything(
    monkeypatch: pytest.MonkeyPatch, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "status", lambda config: STATUS)
    assert run(["status", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == 1
    assert said["coverage"]["first_at"] == "2026-11-02T10:00:00Z"
    assert said["coverage"]["problems"] == [{"kind": "bad-crc", "count": 1}]
    assert said["lines"][1] == {
        "evidence_path": "lar\x1bge.zip",
        "form": "job",
        "lines_in": 10,
        "stored": 7,
        "duplicate": 3,
        "problem": 0,
    }


def test_verify_names_what_changed(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify"]) == 0
    output = capsys.readouterr()
    assert output.out == ""
    assert "1 file checked" in output.err
    (file,) = [path for path in (case / "evidence").rglob("runs.json") if path.is_file()]
    # A hard link may join the evidence and the input; the input must not change with it.
    content = file.read_text()
    file.unlink()
    file.write_text(content.replace("success", "failure"))
    (case / "evidence" / "left behind\x07.txt").write_text("?")
    assert run(["verify"]) == 1
    output = capsys.readouterr()
    name = file.relative_to(case / "evidence").as_posix()
    assert output.out.splitlines() == [f"changed  {name}", r"unknown  left behind\x07.txt"]
    file.unlink()
    assert run(["verify"]) == 1
    assert f"missing  {name}" in capsys.readouterr().out


def test_report_prints_where_it_lies(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report"]) == 0
    output = capsys.readouterr()
    assert output.out == "case/reports/incident.html\n"
    assert Path(output.out.strip()).read_text().startswith("<!doctype html>")
    assert run(["report", "-o", "mine.html", "--from", "2026-11-02", "--to", "2026-11-02"]) == 0
    assert capsys.readouterr().out == "mine.html\n"


def test_detectors_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["detectors"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()[2:]] == sorted(
        file.stem for file in packaged_queries().glob("*.sql")
    )
    assert run(["detectors", "duplicate-effect"]) == 0
    explained = capsys.readouterr().out
    for part in ("What it asks", "When it is wrong", "What to do", "SELECT"):
        assert part in explained


def test_ones_own_detectors_are_checked_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (packaged_queries() / "duplicate-effect.sql").read_text()
    (tmp_path / "mine.sql").write_text(text.replace("-- id: duplicate-effect", "-- id: mine"))
    assert run(["detectors", "--check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "sound  mine\n"
    (tmp_path / "broken.sql").write_text("SELECT 1")
    assert run(["detectors", "--check", str(tmp_path)]) == 1
    output = capsys.readouterr()
    assert "sound  mine" in output.out
    assert "wrong  The detector file" in output.out
    assert output.err == "1 sound detector, 1 wrong file.\n"


def test_rules_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 2 + 12
    assert run(["rules", "npm"]) == 0
    explained = capsys.readouterr().out
    for part in ("What it finds", "What it does not see", "publish", "Examples"):
        assert part in explained


def test_ones_own_rules_are_checked_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = Path(pipeline.__file__).parent / "effects" / "rules"
    shutil.copy(rules / "cargo.yml", tmp_path)
    assert run(["rules", "--check", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("sound  cargo: ")
    (tmp_path / "broken.yml").write_text("id: broken\n")
    assert run(["rules", "--check", str(tmp_path)]) == 1
    output = capsys.readouterr()
    assert "wrong  broken.yml" in output.out
    assert "sound  cargo" in output.out
    assert output.err == "1 sound rule, 1 wrong file.\n"


def test_scenarios_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["synth"]) == 0
    assert {"double-publish", "racing-deploys", "cancelled-apply", "quiet"} <= {
        line.split()[0] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")
    }


def test_synth_writes_what_ingest_takes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["synth", "quiet", "-o", "made-up", "--seed", "3"]) == 0
    output = capsys.readouterr()
    assert output.out == "made-up\n"
    assert "0 incidents to be found" in output.err
    assert list(Path("made-up").rglob("*.zip"))
