"""Every rule on its cases (tests/audit/cases/<id>.yml): workflow files in, findings with place and words out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from forensics.audit import Risk, Rule, audit_texts, load_rules
from forensics.audit.checks import CHECKS

FOLDER = Path(__file__).parent / "cases"
RULES = {rule.id: rule for rule in load_rules()}
CASES = [
    pytest.param(file.stem, case, id=f"{file.stem}: {case['name']}")
    for file in sorted(FOLDER.glob("*.yml"))
    for case in YAML(typ="safe").load(file)["cases"]
]


def files_of(case: Mapping[str, Any]) -> dict[str, str]:
    return case.get("files") or {".github/workflows/ci.yml": case["text"]}


@pytest.mark.parametrize(("name", "case"), CASES)
def test_case(name: str, case: Mapping[str, Any]) -> None:
    """The findings are those expected, worst first, in every field that the case names, and no others."""
    assert set(case) <= {"name", "text", "files", "finds"}
    risks = audit_texts(files_of(case), only=[name]).risks
    assert [told(risk, expected) for risk, expected in zip(risks, case["finds"], strict=False)] == case["finds"]
    assert [risk.message for risk in risks[len(case["finds"]) :]] == []


@pytest.mark.parametrize(("name", "case"), [each for each in CASES if each.values[0] != "invalid-workflow"])
def test_the_files_of_a_case_are_ones_that_github_runs(name: str, case: Mapping[str, Any]) -> None:
    if name == "queue-max-with-cancel" and case["name"] == "both at once":
        pytest.skip("that GitHub refuses it is what the case is about")
    assert audit_texts(files_of(case), only=["invalid-workflow"]).risks == ()


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_order_of_files_and_other_rules_change_nothing(name: str, case: Mapping[str, Any]) -> None:
    files = files_of(case)
    mine = audit_texts(files, only=[name]).risks
    turned = audit_texts(dict(reversed(files.items())), only=[name]).risks
    together = tuple(risk for risk in audit_texts(files).risks if risk.rule == name)
    assert mine == turned == together


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_has_a_firing_and_a_quiet_case_and_shows_its_example(rule: Rule) -> None:
    cases = [param.values[1] for param in CASES if param.values[0] == rule.id]
    assert rule.example in [case["name"] for case in cases if case["finds"]]
    assert any(not case["finds"] for case in cases)


def test_rules_checks_and_cases_are_of_the_same_names() -> None:
    assert set(RULES) == set(CHECKS) == {file.stem for file in FOLDER.glob("*.yml")}


def told(risk: Risk, expected: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "at": f"{risk.path.rpartition('/')[2]}:{risk.line}:{risk.column}",
        "severity": risk.severity,
        "precision": risk.precision,
        "message": risk.message,
        "fix": risk.fix,
        "job": risk.job,
        "related": [f"{other.path.rpartition('/')[2]}:{other.line}" for other in risk.related],
    }
    return {name: shown[name] for name in expected}
