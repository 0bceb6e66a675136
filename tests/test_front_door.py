"""Through the front door: the program as a user runs it, as a process of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from forensics import pipeline
from forensics.config import Config
from forensics.model import Silent
from forensics.synth.incidents import SCENARIOS
from forensics.synth.synthesise import synthesise

SHARED = Path(__file__).parents[2] / "shared"


def forensics(*arguments: object, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forensics", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, timeout=300, **options,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_what_was_planted_is_found_and_nothing_else_is_high(name, tmp_path):
    """Each scenario in a fortnight's quiet background: made up, ingested, judged."""
    written = synthesise([name], tmp_path / "in", seed=11, days=10, runs_per_day=12)
    config = Config(tmp_path / "case", workers=1)
    summary = pipeline.ingest_files(config, [tmp_path / "in"], Silent())
    coverage = pipeline.status(config).coverage
    assert (summary.runs, summary.attempts, coverage.jobs_executed, coverage.jobs_with_log) == (
        written.runs, written.attempts, written.jobs, written.jobs,
    )  # fmt: skip
    assert summary.lines_in == summary.lines_stored + summary.lines_duplicate + summary.lines_problem
    assert summary.problems == ()
    detection = pipeline.detect(config)
    assert detection.failures == ()
    involved = set()
    for expected in written.expected:
        found = [
            finding
            for finding in detection.findings
            if finding.detector == expected.detector
            and {(run.run_id, run.attempt) for run in expected.runs} <= {(r.run_id, r.attempt) for r in finding.runs}
            and expected.target in (None, finding.target)
        ]
        assert found, expected
        involved |= {run.run_id for run in expected.runs}
    others = [
        finding
        for finding in detection.findings
        if not involved & {run.run_id for run in finding.runs} and finding.severity in ("critical", "high", "medium")
    ]
    assert others == []
    if name == "quiet":
        # Jobs that fail at times are part of a quiet life: told, and no more than that.
        assert {(one.detector, one.severity) for one in detection.findings} <= {("flaky-job", "info")}


def test_from_nothing_to_a_report(tmp_path):
    made = forensics("synth", "racing-deploys", "-o", "made-up", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    ingested = forensics("ingest", "--from", "made-up", cwd=tmp_path)
    assert ingested.returncode == 0, ingested.stderr
    found = forensics("detect", "--format", "json", "--fail-on", "high", cwd=tmp_path)
    assert found.returncode == 10, found.stderr
    answer = json.loads(found.stdout)
    assert answer["schema"] == 1
    (first, *_) = [f for f in answer["findings"] if f["detector"] == "out-of-order-effect"]
    assert set(first) >= {
        "id", "detector", "severity", "precision", "message", "occurred_at", "repository", "runs", "target",
        "evidence", "values",
    }  # fmt: skip
    assert {"run_id", "attempt", "job_id", "step", "line", "logged_at", "text"} <= set(first["evidence"][0])
    reported = forensics("report", "-o", "incident.html", cwd=tmp_path)
    assert reported.returncode == 0, reported.stderr
    page = (tmp_path / "incident.html").read_text()
    assert first["id"] in page and "http-equiv" in page
    alone = forensics("report", "-o", "one.html", "--finding", first["id"], cwd=tmp_path)
    assert alone.returncode == 0, alone.stderr
    assert first["id"] in (tmp_path / "one.html").read_text()
    asked = forensics("sql", "SELECT count(*) AS runs FROM runs", "--format", "json", cwd=tmp_path)
    assert json.loads(asked.stdout) == [{"runs": json.loads(made.stderr.split(": ")[1].split(" ")[0])}]
    assert forensics("verify", cwd=tmp_path).returncode == 0
    victim = next((tmp_path / "case" / "evidence").rglob("*.zip"))
    victim.unlink()
    victim.write_bytes(b"forged")
    spoiled = forensics("verify", cwd=tmp_path)
    assert spoiled.returncode == 1
    assert victim.name in spoiled.stdout + spoiled.stderr


def test_a_killed_ingest_is_made_up_for_by_the_next(tmp_path):
    """SIGKILL at several moments; then one unbroken run must give what a clean one gives."""
    synthesise(["cancelled-apply"], tmp_path / "in", seed=3, days=5, runs_per_day=10)
    clean = forensics("ingest", "--case", "clean", "--from", "in", cwd=tmp_path)
    assert clean.returncode == 0, clean.stderr
    for delay in (0.3, 0.7, 1.1, 1.6, 2.2):
        process = subprocess.Popen(
            [sys.executable, "-m", "forensics", "ingest", "--case", "killed", "--from", "in"],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    resumed = forensics("ingest", "--case", "killed", "--from", "in", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    query = (
        "SELECT (SELECT count(*) FROM log_lines) AS lines, (SELECT sum(hash(text, line_no, job_id)) FROM log_lines) "
        "AS content, (SELECT sum(hash(identity, target, run_id)) FROM effects) AS effects, "
        "(SELECT count(*) FROM evidence) AS evidence, (SELECT sum(hash(job_id, started_at)) FROM jobs) AS jobs"
    )
    answers = [
        forensics("sql", "--case", case, query, "--format", "json", cwd=tmp_path) for case in ("clean", "killed")
    ]
    assert answers[0].stdout == answers[1].stdout != ""
    assert forensics("verify", "--case", "killed", cwd=tmp_path).returncode == 0


def test_two_ingests_at_once_the_second_is_told_to_wait(tmp_path):
    synthesise(["quiet"], tmp_path / "in", seed=3, days=2, runs_per_day=4)
    assert forensics("ingest", "--from", "in", cwd=tmp_path).returncode == 0
    holder = subprocess.Popen(
        [sys.executable, "-c",
         "import sys; from pathlib import Path; from forensics.store.store import Store\n"
         "with Store.write(Path('case/case.duckdb')): print('held', flush=True); sys.stdin.read()"],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout and holder.stdout.readline() == "held\n"
    second = forensics("ingest", "--from", "in", cwd=tmp_path)
    holder.communicate()
    assert second.returncode == 1
    assert "in use by another process" in second.stderr and "Traceback" not in second.stderr


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="mounting needs root")
def test_a_full_disk_is_told_and_the_next_ingest_goes_on(tmp_path):
    synthesise(["quiet"], tmp_path / "in", seed=3, days=6, runs_per_day=12)
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        full = forensics("ingest", "--case", disk / "case", "--from", "in", cwd=tmp_path)
        assert full.returncode == 1
        assert "disk is full" in full.stderr and "Traceback" not in full.stderr
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        after = forensics("ingest", "--case", disk / "case", "--from", "in", cwd=tmp_path)
        assert after.returncode == 0, after.stderr
        assert forensics("verify", "--case", disk / "case", cwd=tmp_path).returncode == 0
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs another user to be")
def test_an_unreadable_file_is_told_and_the_rest_is_loaded(tmp_path):
    source = tmp_path / "in"
    synthesise(["quiet"], source, seed=3, days=2, runs_per_day=4)
    (source / "secret.json").write_text("[]")
    (source / "secret.json").chmod(0)
    for path in (tmp_path, *tmp_path.parents):
        if path == Path("/tmp"):
            break
        path.chmod(0o777)
    code = (
        "import sys; from pathlib import Path; from forensics import pipeline; from forensics.config import Config\n"
        "from forensics.model import Silent\n"
        "print(pipeline.ingest_files(Config(Path('case'), workers=1), [Path('in')], Silent()).problems)"
    )
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", code],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    if "Permission denied" in done.stderr and "forensics" not in done.stderr:
        pytest.skip("the other user cannot reach this Python")
    assert done.stdout == "(('unreadable', 1),)\n", done.stderr


def test_a_hostile_archive_stays_inside(tmp_path):
    """Names that climb, names with escapes, and a member that is none of ours."""
    source = tmp_path / "in"
    source.mkdir()
    line = "2026-05-01T10:00:00.0000000Z + left-pad@1.2.3\n"
    with zipfile.ZipFile(source / "run-31000000001.zip", "w") as archive:
        archive.writestr("../../0_climb.txt", line)
        archive.writestr("/abs/0_root.txt", line)
        archive.writestr("0_\x1b[31mred.txt", line)
        archive.writestr("..\\..\\x.exe", b"MZ\x00")
    done = forensics("ingest", "--from", "in", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = forensics("status", cwd=tmp_path)
    assert "\x1b" not in told.stdout + told.stderr + done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case", "in"]
    outside = {path for path in tmp_path.parent.iterdir() if "climb" in path.name or "root" in path.name}
    assert outside == set()


@pytest.mark.real
@pytest.mark.skipif(not (SHARED / "real").is_dir(), reason="../shared/real is not here")
@pytest.mark.slow
def test_real_data_adds_up(tmp_path):
    folders = [argument for name in ("logs", "runs", "workflows") for argument in ("--from", SHARED / "real" / name)]
    done = forensics("ingest", *folders, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    query = (
        "SELECT (SELECT sum(lines_in) FROM log_sources) AS lines_in, "
        "(SELECT sum(lines_stored + lines_duplicate + lines_problem) FROM log_sources) AS accounted, "
        "(SELECT count(*) FROM log_lines) AS lines, (SELECT sum(lines_stored) FROM log_sources) AS stored, "
        "(SELECT count(*) FROM workflow_files) AS workflow_files, "
        "(SELECT count(*) FROM evidence WHERE kind IS NULL AND path NOT IN (SELECT evidence_path FROM problems)) "
        "AS lost"
    )
    (answer,) = json.loads(forensics("sql", query, "--format", "json", cwd=tmp_path).stdout)
    assert int(answer["lines_in"]) == int(answer["accounted"]) > 1_000_000
    assert int(answer["lines"]) == int(answer["stored"])
    assert (answer["workflow_files"], answer["lost"]) == (259, 0)
