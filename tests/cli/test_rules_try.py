"""``forensics rules --try``: one rule on one log, at the front door."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from forensics.cli.main import run

FERRY = """\
id: ferry
tool: ferry
title: ferry ship
about: Ships a crate.
effects:
  - effect: deploy
    start: '^ferry: shipping (?P<crate>\\S+)'
    done: '^ferry: shipped (?P<crate>\\S+) as (?P<number>\\d+)'
    rejected: '^ferry: berth taken'
    void: '^ferry: only rehearsing'
    otherwise: none
    target: 'ferry:{crate}'
    identity: '{number}'
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ferry.yml").write_text(FERRY)
    return tmp_path


def stamped(*texts: str) -> str:
    return "".join(f"2026-11-02T10:00:{at:02}.0000000Z {text}\n" for at, text in enumerate(texts, start=1))


def tried(capsys: pytest.CaptureFixture[str], *texts: str) -> str:
    Path("job.log").write_text(stamped(*texts))
    assert run(["rules", "--try", "ferry.yml", "job.log"]) == 0
    return capsys.readouterr().out


def test_effects_with_the_lines_that_prove_them(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = ("ferry: shipping tea", "waves", "ferry: shipped tea as 7", "ferry: shipping rum", "ferry: berth taken")
    assert tried(capsys, *texts) == snapshot("""\
line 3: done deploy ferry:tea = 7
  started  line 1: ferry: shipping tea
  done     line 3: ferry: shipped tea as 7
line 5: rejected deploy ferry:rum
  started  line 4: ferry: shipping rum
  rejected line 5: ferry: berth taken
""")


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["waves"], "no pattern matches"),
        (["ferry: shipping tea", "waves"], "start matched at line 1, no outcome in this step"),
        (
            ["waves", "ferry: shipped tea as 7"],
            "done matched at line 2, but no announcement ('start') comes before line 2",
        ),
        (
            ["ferry: shipping tea", "ferry: only rehearsing"],
            "start matched at line 1 and was taken back ('void') at line 2",
        ),
        (
            ["ferry: shipping tea", "ferry: shipped rum as 7"],
            "start matched at line 1 and done matched at line 2, but not in one step in this order, or their parts"
            " differ",
        ),
        (
            [
                "##[group]Run echo ferry: shipping tea",
                "\x1b[36;1mferry: shipping tea\x1b[0m",
                "##[endgroup]",
                "waves",
            ],
            "only the printed source of the step matches: start matched at line 2",
        ),
    ],
)
def test_what_was_near(here: Path, capsys: pytest.CaptureFixture[str], texts: list[str], why: str) -> None:
    assert tried(capsys, *texts) == f"nothing: deploy: {why}\n"


def test_an_outcome_in_another_step_is_near(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not in one step" in tried(
        capsys, "ferry: shipping tea", "##[group]Run true", "##[endgroup]", "ferry: shipped tea as 7"
    )


def test_a_run_log_archive_is_tried_job_by_job(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(here / "run.zip", "w") as archive:
        archive.writestr("0_ship.txt", stamped("ferry: shipping tea", "ferry: shipped tea as 7"))
        archive.writestr("1_test.txt", stamped("waves"))
    assert run(["rules", "--try", "ferry.yml", "run.zip"]) == 0
    said = capsys.readouterr()
    assert said.out == snapshot("""\
job ship
line 2: done deploy ferry:tea = 7
  started  line 1: ferry: shipping tea
  done     line 2: ferry: shipped tea as 7
job test
nothing: deploy: no pattern matches
""")
    assert said.err == "1 effect in 3 lines in 2 jobs.\n"


def test_stdin_and_a_rule_of_the_package(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = "ship\tPush\t2026-11-02T10:00:01.0Z To https://github.example/octo/shop\n"
    log += "ship\tPush\t2026-11-02T10:00:01.0Z    1a2b3c4..5d6e7f8  main -> main\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(log.encode())))
    assert run(["rules", "--try", "git-push", "-"]) == 0
    assert "line 2: done push git:github.example/octo/shop refs/heads/main = 5d6e7f8" in capsys.readouterr().out


def test_control_characters_of_a_log_are_visible(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tried(capsys, "ferry: shipping t\x07\x1b]0;owned\x07ea", "ferry: shipped t\x07\x1b]0;owned\x07ea as 7")
    assert "\\x07" in out
    assert "\x1b" not in out
    assert "\x07" not in out


@pytest.mark.parametrize("data", [b"", b"\x00\xff" * 5000, b"PK\x03\x04 not a zip", b"\xff\xfeA\x00", b"\n" * 1000])
def test_any_bytes_are_a_log_or_a_clear_error(here: Path, capsys: pytest.CaptureFixture[str], data: bytes) -> None:
    for name in ("odd.log", "odd.zip"):
        (here / name).write_bytes(data)
        code = run(["rules", "--try", "ferry.yml", name])
        said = capsys.readouterr()
        assert code == 0 or (code in (1, 3) and said.err.startswith("Error: "))
        assert "Traceback" not in said.err


def test_what_cannot_be_tried(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "bad.yml").write_text(FERRY.replace("id: ferry", "id: bad").replace("'^ferry: b", "'ferry: b"))
    for arguments, code, said in (
        (["ferry.yml", "none.log"], 3, "none.log"),
        (["ferry.yml", "."], 3, "cannot be read"),
        (["none.yml", "ferry.yml"], 2, "There is no rule file 'none.yml' and no rule of that id."),
        (["bad.yml", "ferry.yml"], 1, "bad.yml:9:15: pattern has to begin with '^'"),
    ):
        assert run(["rules", "--try", *arguments]) == code
        assert said in capsys.readouterr().err
    assert run(["rules", "npm", "--try", "ferry.yml", "ferry.yml"]) == 2
