"""forensics.toml at the front door: what is suppressed is not shown, counted, and kept in JSON and SARIF."""

import json

import pytest

from forensics.cli.main import run
from forensics.store.store import Store
from tests.detect.history_tables import complete, plant, read_rows
from tests.detect.test_decided import HISTORY

TOML = """
[[suppress]]
detector = "duplicate-effect"
target = "npm:cart"
until = 9999-12-31
why = "The mirror\\u001b[31m is published to twice."
"""


@pytest.fixture
def case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Store.write(tmp_path / "case" / "case.duckdb") as store:
        plant(store, complete({table: read_rows(table, text.strip("\n")) for table, text in HISTORY.items()}))
    return tmp_path


def detect(capsys, *arguments):
    code = run(["detect", "--only", "duplicate-effect", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_file_in_the_current_folder_counts(case, capsys):
    (case / "forensics.toml").write_text(TOML, encoding="utf-8")
    _, out, err = detect(capsys, "--format", "json")
    said = json.loads(out)
    assert [finding["target"] for finding in said["findings"]] == ["npm:till"]
    assert [(one["target"], one["until"]) for one in said["suppressed"]] == [("npm:cart", "9999-12-31")]
    assert "1 finding of duplicate-effect suppressed until 9999-12-31" in err
    assert "\x1b[31m" not in err


def test_fail_on_does_not_count_what_is_suppressed(case, capsys):
    everything = TOML.replace('target = "npm:cart"\n', "")
    (case / "mine.toml").write_text(everything, encoding="utf-8")
    assert detect(capsys, "--fail-on", "low")[0] == 10
    code, out, _ = detect(capsys, "--fail-on", "low", "--settings", "mine.toml", "--format", "sarif")
    assert code == 0
    results = json.loads(out)["runs"][0]["results"]
    assert len(results) == 2
    assert all(one["suppressions"][0]["kind"] == "external" for one in results)


def test_the_report_counts_them(case, capsys):
    (case / "case" / "forensics.toml").write_text(TOML, encoding="utf-8")
    assert run(["report"]) == 0
    text = (case / "case" / "reports" / "incident.html").read_text(encoding="utf-8")
    assert "1 finding of duplicate-effect suppressed until 9999-12-31" in text


def test_a_mistake_is_said_with_the_next_step(case, capsys):
    (case / "forensics.toml").write_text("[[suppress]]\ndetector = 'duplicate-effect'\n", encoding="utf-8")
    code, _, err = detect(capsys)
    assert code == 2
    assert "forensics.toml cannot be used: [[suppress]] number 1 lacks 'until'" in err
    assert "docs/settings.md" in err
