"""Whatever goes wrong is said in a sentence on stderr, with a hint and the right exit code."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from forensics import errors, pipeline
from forensics.cli.main import Terminated, run
from forensics.config import Config
from forensics.errors import ForensicsError, NothingToAnalyse
from forensics.store.store import Store

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ForensicsError)]


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `forensics status` fail in this way."""

    def fail(config: Config) -> Any:
        raise error

    monkeypatch.setattr(pipeline, "status", fail)


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_has_its_code_message_and_hint(
    kind: type[ForensicsError], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, kind("It went wrong.", hint="Do that."))
    assert run(["status"]) == kind.exit_code
    assert capsys.readouterr() == ("", "Error: It went wrong.\n  → Do that.\n")


def test_the_codes_are_those_of_the_design() -> None:
    assert {kind.__name__: kind.exit_code for kind in KINDS if kind.exit_code != 1} == {
        "UsageProblem": 2,
        "NothingToAnalyse": 3,
        "Incomplete": 5,
        "LimitReached": 5,
        "ServerFailing": 5,
        "Interrupted": 130,
        "AccessRefused": 4,
    }


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "Error: Interrupted.\n"),
        (Terminated(), 143, "Error: Terminated.\n"),
        (BrokenPipeError(), 0, ""),
        (
            OSError(errno.ENOSPC, "No space left on device", "case/case.duckdb"),
            1,
            "The disk is full: case/case.duckdb.",
        ),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 1, "The disk is full."),
        (RuntimeError("failed: No space left on device (os error 28)"), 1, "The disk is full."),
        (
            PermissionError(errno.EACCES, "Permission denied", "evidence/a.zip"),
            1,
            "Permission denied: evidence/a.zip.",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x"), 1, "No such file or directory: x."),
        (MemoryError(), 1, "not enough memory"),
        (
            ZeroDivisionError("division by zero"),
            1,
            "Unexpected ZeroDivisionError: division by zero\n  → This is a fault",
        ),
    ],
)
def test_what_nobody_raised_on_purpose(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, error)
    assert run(["status"]) == code
    output = capsys.readouterr()
    assert said in output.err
    assert "Traceback" not in output.err
    assert output.out == ""


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(monkeypatch, ZeroDivisionError("division by zero"))
    assert run(["--debug", "status"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_hostile_names_cannot_move_the_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "a\x1b[2J\x9b31m\u202eb\x07\r.zip"
    failing(monkeypatch, NothingToAnalyse(f"Nothing in {hostile}.", hint=f"Look at {hostile}."))
    assert run(["status"]) == 3
    shown = r"a\x1b[2J\x9b31m\u202eb\x07\r.zip"
    assert capsys.readouterr().err == f"Error: Nothing in {shown}.\n  → Look at {shown}.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["status", "--no-such-option"],
        ["detect", "--fail-on", "terrible"],
        ["report", "--from", "yesterday"],
        ["report", "--from", "2026-11-03", "--to", "2026-11-02"],
        ["ingest"],
        ["sql", "FROM runs", "--list"],
        ["sql", "-f", "no-such-file.sql"],
        ["synth", "double-publish"],
        ["synth", "no-such-scenario", "-o", "somewhere"],
        ["detectors", "no-such-detector"],
        ["rules", "no-such-rule"],
        ["detectors", "--check", "no-such-folder"],
        ["status", "--case", ""],
    ],
)
def test_wrong_arguments_exit_with_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("Error: ")
    assert "→" in output.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["status"], ["detect"], ["report"], ["verify"], ["sql", "FROM runs"]])
def test_no_case_exits_with_3_and_makes_none(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORENSICS_CASE", raising=False)
    assert run(arguments) == 3
    assert "forensics ingest --from" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_environment_may_name_the_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Store.write(tmp_path / "mine" / "case.duckdb").close()
    monkeypatch.setenv("FORENSICS_CASE", str(tmp_path / "mine"))
    assert run(["sql", "SELECT 41 + 1 AS it", "--format", "csv"]) == 0
    assert capsys.readouterr().out == "it\n42\n"


def test_a_full_output_is_an_error(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "forensics", "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert "The disk is full" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    Store.write(tmp_path / "case.duckdb").close()
    asked = ["sql", "--case", str(tmp_path), "FROM range(2000000)", "--format", "csv"]
    program = [sys.executable, "-m", "forensics", *asked]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout and running.stderr
        assert running.stdout.readline() == "range\n"
        running.stdout.close()
        assert running.stderr.read() == ""
        assert running.wait(timeout=60) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_long_query(tmp_path: Path, number: signal.Signals, code: int) -> None:
    Store.write(tmp_path / "case.duckdb").close()
    endless = "SELECT sum(a.range * b.range) FROM range(1000000) AS a, range(1000000000) AS b"
    program = textwrap.dedent("""
        import signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from forensics.cli.main import main
        from forensics.store.store import Store
        original = Store.stream
        def stream(self, sql, **more):
            print("asking", file=sys.stderr, flush=True)
            return original(self, sql, **more)
        Store.stream = stream
        main()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program, "sql", "--case", str(tmp_path), endless],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr
        assert running.stderr.readline() == "asking\n"
        time.sleep(0.3)
        os.kill(running.pid, number)
        try:
            assert running.wait(timeout=30) == code
        finally:
            running.kill()
        assert "Traceback" not in running.stderr.read()
