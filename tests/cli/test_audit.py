"""``forensics audit --workflows``: from a bare checkout to findings, without a case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.audit import audit_checkout, audit_texts
from forensics.cli.audit import rows
from forensics.cli.audit_formats import to_json, to_markdown, to_sarif
from forensics.cli.main import forensics
from forensics.errors import NothingToAnalyse, UsageProblem

SHIP = """\
name: Ship
on:
  push:
    branches: [main]
concurrency:
  group: ship
  cancel-in-progress: true
jobs:
  ship:
    runs-on: ubuntu-latest
    steps:
      - run: terraform apply -auto-approve
"""
SOUND = "on: push\njobs:\n  test: {runs-on: ubuntu-latest, steps: [{run: make}]}\n"
HOSTILE = "\x1b]8;;https://evil.example\x07[x](javascript:alert(1))\u202e<script>|`"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "ship.yml").write_text(SHIP)
    (folder / "test.yaml").write_text(SOUND)
    (folder / "notes.txt").write_text("git push")
    return tmp_path


def audit(*arguments: str | Path) -> Result:
    return CliRunner().invoke(forensics, ["--debug", "audit", *map(str, arguments)])


def test_a_checkout_its_folder_and_a_file_say_the_same(checkout: Path) -> None:
    folder = checkout / ".github" / "workflows"
    told = [
        json.loads(audit("--workflows", path, "--format", "json").stdout)["findings"]
        for path in (checkout, folder, folder / "ship.yml")
    ]
    assert told[0] == told[1] == told[2]
    assert [(each["rule"], each["severity"], each["path"], each["line"], each["column"]) for each in told[0]] == [
        ("cancels-a-mutation", "high", ".github/workflows/ship.yml", 7, 23)
    ]


def test_the_table_tells_place_message_and_fix(checkout: Path) -> None:
    result = audit("--workflows", checkout)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "high      .github/workflows/ship.yml:7:23",
        "          A newer run in the group 'ship' cancels the one in progress, and on a push to 'main' the",
        "          job 'ship' applies infrastructure (terraform apply, line 12): that may be cut off halfway,",
        "          and leave a lock or half of the work behind.",
        "          | cancel-in-progress: false",
        f"          {audit_checkout(checkout).risks[0].id} · likely",
    ]
    assert result.stderr == "2 workflow files, 18 rules, 1 finding: 1 high.\n"


def test_fail_on_sets_the_exit_code(checkout: Path) -> None:
    assert audit("--workflows", checkout, "--fail-on", "high").exit_code == 10
    assert audit("--workflows", checkout, "--fail-on", "critical").exit_code == 0
    assert audit("--workflows", checkout, "--only", "missing-group", "--fail-on", "info").exit_code == 0


def test_sarif_has_lines_rules_and_the_fix(checkout: Path) -> None:
    run = json.loads(audit("--workflows", checkout, "--format", "sarif").stdout)["runs"][0]
    (result,) = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "cancels-a-mutation"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": ".github/workflows/ship.yml"},
        "region": {"startLine": 7, "startColumn": 23},
    }
    assert result["level"] == "error"
    assert result["message"]["text"].endswith("For example:\ncancel-in-progress: false")


def test_one_broken_file_is_told_and_the_others_go_on(checkout: Path) -> None:
    folder = checkout / ".github" / "workflows"
    (folder / "broken.yml").write_text("on: [push\njobs: {")
    (folder / "latin.yml").write_bytes(b"name: caf\xe9")
    (folder / "huge.yml").write_text("#" * 1_000_001)
    (folder / "link.yml").symlink_to("/etc/hostname")
    audited = audit_checkout(checkout)
    assert audited.files == 5
    assert {(risk.rule, risk.path.rpartition("/")[2]) for risk in audited.risks} == {
        ("cancels-a-mutation", "ship.yml"),
        ("invalid-workflow", "broken.yml"),
        ("invalid-workflow", "latin.yml"),
        ("invalid-workflow", "huge.yml"),
    }


def test_what_it_cannot_look_at_it_says(checkout: Path, tmp_path: Path) -> None:
    for arguments in (("--workflows", tmp_path / "absent"), ("--workflows", tmp_path / ".github")):
        error = CliRunner().invoke(forensics, ["audit", *map(str, arguments)]).exception
        assert isinstance(error, NothingToAnalyse)
        assert error.hint.startswith("Name a checkout")
    error = CliRunner().invoke(forensics, ["audit", "--workflows", str(checkout), "--only", "x"]).exception
    assert isinstance(error, UsageProblem)
    assert "missing-group" in error.hint


def test_many_files_are_read_by_several_processes_with_the_same_result(tmp_path: Path) -> None:
    for number in range(70):
        text = SHIP.replace("group: ship", f"group: ship-{number}").replace("name: Ship", f"name: Ship {number}")
        (tmp_path / f"{number}.yml").write_text(text)
    assert audit_checkout(tmp_path, workers=2) == audit_checkout(tmp_path, workers=1)
    assert len(audit_checkout(tmp_path).risks) == 70


def test_hostile_names_stay_text_in_every_format() -> None:
    text = SHIP.replace("name: Ship", f"name: {json.dumps(HOSTILE)}").replace("group: ship", 'group: "a`b\\e[31m"')
    audited = audit_texts({f".github/workflows/{HOSTILE}.yml": text})
    assert audited.risks
    for line in rows(audited.risks, 80):
        assert "\x07" not in line
        assert "\u202e" not in line
        assert "\x1b]" not in line
        assert "\x1b[31m" not in line.replace("\x1b[31m\x1b[1m", "")
    shown = to_markdown(audited)
    assert "<script>" not in shown
    assert "](javascript" not in shown
    assert "\x1b" not in shown
    assert json.loads(to_json(audited))["findings"][0]["path"] == f".github/workflows/{HOSTILE}.yml"
    assert json.loads(to_sarif(audited))["runs"][0]["results"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_told_about_and_never_crashes(text: str) -> None:
    audited = audit_texts({"a.yml": text, "b.yml": SHIP})
    assert "cancels-a-mutation" in {risk.rule for risk in audited.risks if risk.path == "b.yml"}
    list(rows(audited.risks, 80))
    to_markdown(audited), to_json(audited), to_sarif(audited)


PIECES = st.sampled_from(
    ["${{ github.ref }}", "${{ github.head_ref || github.run_id }}", "${{ inputs.a }}", "${{ matrix.x }}", "x", "-",
     "", "${{ github.event.number }}", "${{ fromJSON('') }}", "${{ needs.a.outputs.b }}", "${{ vars.V }}", "${{ 1 }}"]
)  # fmt: skip
EVENTS = st.sampled_from(
    ["push", "pull_request", "merge_group", "workflow_dispatch", "workflow_call", "schedule: [{cron: '1 1 * * *'}]",
     "issue_comment", "release", "workflow_run: {workflows: [A]}", "no_such_event"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(EVENTS, min_size=1, max_size=4, unique=True),
    st.lists(PIECES, max_size=3).map("".join),
    st.lists(PIECES, max_size=3).map("".join),
    st.sampled_from(["true", "false", "${{ github.event_name == 'push' }}", "${{ vars.X }}", "maybe"]),
    st.sampled_from(["git push", "npm publish", "make", "gh workflow run b.yml && gh run watch 1"]),
)
def test_any_settings_are_judged(events: list[str], group: str, inner: str, cancel: str, script: str) -> None:
    on = "".join(f"  {event}\n" if ": " in event else f"  {event}:\n" for event in events)
    text = (
        f"on:\n{on}concurrency: {{group: {json.dumps(group)}, cancel-in-progress: {json.dumps(cancel)}}}\n"
        f"jobs:\n  a:\n    runs-on: x\n    concurrency: {json.dumps(inner)}\n"
        f"    strategy: {{matrix: {{x: [1, 2, 3]}}}}\n    steps: [{{run: {json.dumps(script)}}}]\n"
        "  b: {uses: ./.github/workflows/b.yml}\n"
    )
    audited = audit_texts({".github/workflows/a.yml": text, ".github/workflows/b.yml": text})
    assert audited == audit_texts({".github/workflows/b.yml": text, ".github/workflows/a.yml": text})
    assert all(risk.line >= 1 and risk.column >= 1 and risk.message.endswith((".", "!")) for risk in audited.risks)
