"""``forensics audit`` of a case: settings as written and as they acted, from the demonstration's history."""

import json

import pytest

from forensics import pipeline
from forensics.cli.main import run as run_command
from forensics.config import Config
from forensics.model import Silent


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited")
    config = Config(folder / "case", workers=1)
    pipeline.synthesise(["double-publish", "cancelled-apply"], folder / "history")
    pipeline.ingest_files(config, [folder / "history"], Silent())
    return config.case


def run(*arguments):
    return run_command(["audit", *map(str, arguments)])


def test_each_workflow_is_told_with_its_settings_and_what_they_did(case, capsys):
    assert run("--case", case) == 0
    out, err = capsys.readouterr()
    assert "acme/storefront  .github/workflows/infra.yml\n     workflow: terraform-production (cancels)\n" in out
    assert "What the files of acme/storefront promise:" in out
    assert "cancel-in-progress: false" in out
    assert "5 workflows:" in err


def test_json_has_accounts_agreement_findings_and_risks(case, capsys):
    assert run("--case", case, "--format", "json") == 0
    audit = json.loads(capsys.readouterr().out)
    assert set(audit) == {"schema", "workflows", "agreement", "findings", "risks"}
    infra = next(one for one in audit["workflows"] if one["workflow_path"].endswith("infra.yml"))
    assert infra["groups"] == 1
    assert infra["cancelled"] >= 1
    assert infra["settings"] == ["workflow: terraform-production (cancels)"]
    (version,) = infra["versions"]
    assert version["setting"] == infra["settings"][0]
    assert version["path"] == ".github/workflows/infra.yml"
    assert version["line"] > 1
    assert len(version["blob"]) == 40
    assert version["runs"] == infra["runs"]
    assert version["first_run_id"] < version["last_run_id"]
    assert version["first_at"] < version["last_at"]
    assert {risk["rule"] for risk in audit["risks"]["acme/storefront"]} >= {"cancels-a-mutation"}


def test_sarif_holds_a_run_for_what_happened_and_one_for_the_files(case, capsys):
    assert run("--case", case, "--format", "sarif") == 0
    log = json.loads(capsys.readouterr().out)
    assert len(log["runs"]) == 2
    assert all(one["tool"]["driver"]["name"] == "forensics" for one in log["runs"])


def test_one_rule_alone_and_the_exit_code(case, capsys):
    assert run("--case", case, "--only", "cancels-a-mutation", "--fail-on", "high") == 10
    out, _ = capsys.readouterr()
    assert "What happened" not in out
    assert "cancels-a-mutation" in out


def test_what_is_neither_rule_nor_detector_is_said(case, capsys):
    assert run("--case", case, "--only", "nonsense") == 2
    assert "There is no rule or detector of the audit called 'nonsense'." in capsys.readouterr().err


def test_without_a_case_the_next_step_is_named(tmp_path, capsys):
    assert run("--case", tmp_path / "none") == 3
    assert "There is no case" in capsys.readouterr().err
