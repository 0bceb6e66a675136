"""`forensics detect`: what it prints, and the exit code that CI looks at."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from forensics import pipeline
from forensics.cli.detect import met, rows
from forensics.cli.main import run
from forensics.model import Coverage, DetectorDoc, Finding, RunRef

COVERAGE = Coverage(("acme/shop",), None, None, 3, 3, 3, 3, 2, 10, 2, 10, 10, 0, 0, ())
DOC = DetectorDoc("duplicate-effect", "Twice", "high", "certain", "What happened twice?", "-", "-", {}, "SELECT 1")
FINDING = Finding(
    id="duplicate-effect-0123456789",
    detector="duplicate-effect",
    title="Twice",
    severity="high",
    precision="certain",
    message="'shop@1.2.0' was published twice: by run 1 and, 41 s later, by run 2; the registry took both.",
    occurred_at=datetime(2026, 11, 2, 14, 3, 11),
    repository="acme/shop",
    runs=(RunRef(1, 1), RunRef(2, 3)),
    target="npm:shop",
    evidence=(),
)


@pytest.fixture
def detection(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the detectors say this."""

    def say(*findings: Finding, failures: tuple[tuple[str, str], ...] = ()) -> None:
        answer = pipeline.Detection(findings, (DOC,), failures, COVERAGE)
        monkeypatch.setattr(pipeline, "detect", lambda config, *, only, queries: answer)

    return say


def test_a_finding_is_a_sentence_and_its_references() -> None:
    assert list(rows([FINDING], 100)) == [
        "\x1b[31m\x1b[1mhigh    \x1b[0m  2026-11-02 14:03:11  "
        "'shop@1.2.0' was published twice: by run 1 and, 41 s later, by run 2;",
        "                               the registry took both.",
        " " * 31 + "\x1b[2mduplicate-effect-0123456789 · certain · acme/shop · runs 1, 2#3\x1b[0m",
    ]


def test_it_fits_a_narrow_terminal() -> None:
    plain = [line.replace("\x1b[2m", "").replace("\x1b[0m", "") for line in rows([FINDING], 40)]
    assert max(len(line) for line in plain[1:]) <= 40


def test_a_hostile_message_is_harmless() -> None:
    hostile = replace(FINDING, message="\x1b]0;owned\x07 '\u202egnp.js'")
    assert r"\x1b]0;owned\x07 '\u202egnp.js'" in "".join(rows([hostile], 100))


def test_the_next_step_and_the_sum_go_to_stderr(detection: Any, capsys: pytest.CaptureFixture[str]) -> None:
    detection(FINDING, replace(FINDING, severity="low"))
    assert run(["detect"]) == 0
    output = capsys.readouterr()
    assert "\x1b" not in output.out
    assert output.err == "2 findings of 1 detector: 1 high, 1 low.\n  → forensics report\n"


def test_nothing_found(detection: Any, capsys: pytest.CaptureFixture[str]) -> None:
    detection()
    assert run(["detect", "--fail-on", "info"]) == 0
    assert capsys.readouterr() == ("", "1 detector found nothing.\n  → forensics status   (what the case lacks)\n")


@pytest.mark.parametrize(
    ("level", "code"), [("critical", 0), ("high", 10), ("medium", 10), ("low", 10), ("info", 10)]
)
def test_fail_on_is_met_by_that_severity_and_worse(detection: Any, level: str, code: int) -> None:
    detection(FINDING)
    assert run(["detect", "--fail-on", level]) == code


def test_met_of_nothing_is_false() -> None:
    assert not met([], "info")


def test_a_detector_that_failed_is_named_and_fails_the_command(
    detection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    detection(FINDING, failures=(("mine", "division by \x1b zero"),))
    assert run(["detect"]) == 1
    output = capsys.readouterr()
    assert "published twice" in output.out
    assert "The detector mine failed: division by \\x1b zero" in output.err
    assert run(["detect", "--fail-on", "high"]) == 10


def test_json_follows_the_design(detection: Any, capsys: pytest.CaptureFixture[str]) -> None:
    detection(FINDING)
    assert run(["detect", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == 1
    assert said["findings"][0]["id"] == FINDING.id
    assert said["findings"][0]["runs"] == [{"run_id": 1, "attempt": 1}, {"run_id": 2, "attempt": 3}]
    assert said["coverage"]["runs"] == 3


@pytest.mark.parametrize("form", ["sarif", "markdown"])
def test_the_other_formats(detection: Any, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    detection(FINDING)
    assert run(["detect", "--format", form]) == 0
    out = capsys.readouterr().out
    assert "published twice" in out
    if form == "sarif":
        assert json.loads(out)["version"] == "2.1.0"


def test_more_findings_than_a_terminal_should_see(
    detection: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    detection(*[FINDING] * 60)
    assert run(["detect"]) == 0
    assert capsys.readouterr().out.count("published twice") == 60
    monkeypatch.setattr("forensics.cli.detect.is_terminal", lambda stream: True)
    assert run(["detect"]) == 0
    output = capsys.readouterr()
    assert output.out.count("published twice") == 50
    assert "… and 10 more" in output.err
