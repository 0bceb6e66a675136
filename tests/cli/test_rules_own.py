"""Rules of one's own: brought along once, kept in the case, refused before anything is loaded."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from forensics.cli.main import run
from forensics.effects.own import MAX_FILES

FERRY = """\
id: ferry
tool: ferry
title: ferry ship
about: Ships a crate.
effects:
  - effect: deploy
    start: '^ferry: shipping (?P<crate>\\S+)$'
    done: '^ferry: shipped (?P<crate>\\S+)$'
    target: 'ferry:{crate}'
examples:
  - name: shipped
    log: |
      ferry: shipping tea
      ferry: shipped tea
    effects:
      - {target: 'ferry:tea', line: 2, started: 1}
  - name: talk
    log: |
      tea was shipped
    effects: []
"""
LOG = """\
2026-11-02T10:00:01.0000000Z ferry: shipping tea
2026-11-02T10:00:05.0000000Z ferry: shipped tea
2026-11-02T10:00:09.0000000Z crane: lifted tea
"""
CRANE = """\
id: crane
tool: crane
title: crane lift
about: Lifts a crate.
effects:
  - effect: deploy
    done: '^crane: lifted (?P<crate>\\S+)$'
    target: 'crane:{crate}'
examples:
  - name: lifted
    log: |
      crane: lifted tea
    effects:
      - {target: 'crane:tea', line: 1}
  - name: talk
    log: |
      the crane lifted tea
    effects: []
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORENSICS_CASE", raising=False)
    (tmp_path / "job.txt").write_text(LOG)
    (tmp_path / "more.txt").write_text(LOG.replace("tea", "coffee").replace("10:0", "11:0"))
    return tmp_path


def rules(folder: Path, **texts: str) -> str:
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.yml").write_text(text)
    return str(folder)


def effects(capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert run(["sql", "--format", "csv", "SELECT target, outcome FROM effects ORDER BY ALL"]) == 0
    return capsys.readouterr().out.split()[1:]


def test_they_are_kept_and_used_by_later_ingests(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = rules(here / "mine", ferry=FERRY)
    assert run(["ingest", "--from", "job.txt", "--rules", mine]) == 0
    assert "Read with 1 rule of its own, kept in case/rules: ferry." in capsys.readouterr().err
    assert effects(capsys) == ["ferry:tea,done"]
    (here / "mine" / "ferry.yml").unlink()
    assert run(["ingest", "--from", "more.txt"]) == 0
    assert effects(capsys) == ["ferry:coffee,done", "ferry:tea,done"]


def test_a_case_is_read_again_with_other_rules_and_nothing_else(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ingest", "--from", "job.txt"]) == 0
    assert effects(capsys) == []
    assert run(["ingest", "--rules", rules(here / "one", ferry=FERRY)]) == 0
    assert effects(capsys) == ["ferry:tea,done"]
    assert run(["ingest", "--rules", rules(here / "two", crane=CRANE)]) == 0
    assert effects(capsys) == ["crane:tea,done"]
    assert [file.name for file in (here / "case" / "rules").iterdir()] == ["crane.yml"]
    assert [folder.name for folder in (here / "case").iterdir() if "rules" in folder.name] == ["rules"]


def test_the_order_in_which_rules_and_evidence_come_does_not_matter(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = rules(here / "mine", ferry=FERRY, crane=CRANE)
    assert run(["ingest", "--from", "job.txt", "--rules", mine]) == 0
    at_once = effects(capsys)
    for arguments in (["--from", "job.txt"], ["--rules", mine]):
        assert run(["ingest", "--case", "late", *arguments]) == 0
    capsys.readouterr()
    assert run(["sql", "--case", "late", "--format", "csv", "SELECT target, outcome FROM effects ORDER BY ALL"]) == 0
    assert capsys.readouterr().out.split()[1:] == at_once == ["crane:tea,done", "ferry:tea,done"]


def test_removed_rules_are_forgotten_by_the_next_ingest(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "--from", "job.txt", "--rules", rules(here / "mine", ferry=FERRY)]) == 0
    (here / "case" / "rules" / "ferry.yml").unlink()
    assert run(["ingest", "--from", "job.txt"]) == 0
    assert effects(capsys) == []


def test_status_lists_them_with_what_they_found(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "--from", "job.txt", "--rules", rules(here / "mine", ferry=FERRY, crane=CRANE)]) == 0
    (here / "case" / "rules" / "crane.yml").write_text("id: [")
    capsys.readouterr()
    assert run(["status"]) == 0
    shown = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    table = [[cell.strip() for cell in line if cell] for line in shown]
    assert ["rules of its own", "kinds of effect", "effects found"] in table
    assert ["rules/ferry.yml", "1", "1"] in table
    assert ["rules/crane.yml", "not a rule any more", "1"] in table
    assert run(["status", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["rules"] == [
        {"file": "crane.yml", "kinds": None, "effects": 1},
        {"file": "ferry.yml", "kinds": 1, "effects": 1},
    ]


def test_status_of_a_case_without_rules_of_its_own_says_nothing_of_them(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ingest", "--from", "job.txt"]) == 0
    capsys.readouterr()
    assert run(["status"]) == 0
    assert "rules of its own" not in capsys.readouterr().out


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run(["ingest", *arguments]) == 1
    return capsys.readouterr().err


def test_a_broken_rule_stops_everything_before_it_begins(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = rules(here / "broken", ferry=FERRY, crane=CRANE.replace("done:", "gone:"))
    said = refused(["--from", "job.txt", "--rules", broken], capsys)
    assert "broken/crane.yml:7:5: unknown key 'gone'" in said
    assert not (here / "case").exists()


def test_rules_edited_in_the_case_are_proved_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "--from", "job.txt", "--rules", rules(here / "mine", ferry=FERRY)]) == 0
    (here / "case" / "rules" / "ferry.yml").write_text("id: [")
    said = refused(["--from", "more.txt"], capsys)
    assert "rules/ferry.yml:1:" in said
    assert effects(capsys) == ["ferry:tea,done"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("  - {target: 'ferry:tea', line: 2", "  - {target: 'ferry:tin', line: 2", "example 'shipped' does not hold"),
        ("'^ferry: shipping (?P<crate>\\S+)$'", "'^.*(?P<crate>\\S+)$'", "lines that other tools print: ^.*"),
        ("^ferry: shipping ", "^ferry: shipping (?:\\w{250}){400}|", "not a regular expression"),
        ("^ferry: shipping ", "^(?:.?a?){3000}ferry|", "the pattern is too slow"),
        ("id: ferry", "id: npm", "differs from the file name"),
    ],
)
def test_a_rule_that_would_mislead_or_slow_a_load_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, why: str
) -> None:
    assert FERRY.count(old) == 1
    mine = rules(here / "mine", ferry=FERRY.replace(old, new))
    began = time.perf_counter()
    assert why in refused(["--from", "job.txt", "--rules", mine], capsys)
    assert time.perf_counter() - began < 30
    assert not (here / "case").exists()


def test_an_id_of_the_package_is_taken(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = rules(here / "mine", npm=FERRY.replace("id: ferry", "id: npm"))
    assert "id 'npm' is taken by rules/npm.yml" in refused(["--from", "job.txt", "--rules", mine], capsys)


def test_too_many_rules_and_none(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crowd = rules(here / "crowd", **{f"r{number}": "" for number in range(MAX_FILES + 1)})
    assert "more than 200" in refused(["--from", "job.txt", "--rules", crowd], capsys)
    assert "holds no rule files" in refused(["--from", "job.txt", "--rules", rules(here / "none")], capsys)


def test_rules_alone_need_a_case(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = rules(here / "mine", ferry=FERRY)
    assert run(["ingest", "--rules", mine]) == 3
    assert capsys.readouterr().err == snapshot("""\
Error: There is no evidence in case that could be read again.
  → Name what to take beside the rules: forensics ingest --from PATH --rules DIR, or --repo OWNER/NAME
""")
    assert not (here / "case").exists()
