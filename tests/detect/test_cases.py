"""Every detector on its planted histories (tests/detectors/<id>.yml), and what must hold for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from history_tables import DEFAULTS, Row, clear, complete, plant, read_durations, read_files, read_rows
from ruamel.yaml import YAML

from forensics.detect.detector import Detector, load_detectors
from forensics.detect.run import detect
from forensics.model import Finding
from forensics.store.store import Store

FOLDER = Path(__file__).parents[1] / "detectors"
TABLES = {*DEFAULTS, "log_lines"}

DETECTORS = {detector.id: detector for detector in load_detectors()}
STORE = Store.memory()
"""One for all cases: making the tables anew takes longer than a case does."""

CASES = [
    pytest.param(file.stem, case, id=f"{file.stem}: {case['name']}")
    for file in sorted(FOLDER.glob("*.yml"))
    for case in YAML(typ="safe").load(file)["cases"]
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_case(name: str, case: Mapping[str, Any]) -> None:
    """The findings are those expected, in this order, in every field that the case names."""
    assert set(case) <= TABLES | {"clock", "durations", "files", "name", "why", "params", "finds"}
    findings = run(DETECTORS[name], case)
    assert [told(finding, expected) for finding, expected in zip(findings, case["finds"], strict=False)] == case[
        "finds"
    ]
    assert [finding.message for finding in findings[len(case["finds"]) :]] == []


@pytest.mark.parametrize(("name", "case"), CASES)
def test_neither_the_order_of_rows_nor_the_date_matters(name: str, case: Mapping[str, Any]) -> None:
    """Nothing but the times changes. Both laws at once: a run takes a tenth of a second, and there are hundreds."""
    shift = timedelta(days=1234, hours=7, minutes=51, seconds=13)
    if case.get("clock") == "weekly":  # schedules go by the day of the week and the time of day
        shift = timedelta(weeks=176)
    moved = run(DETECTORS[name], case, shift=shift, order=1)
    back = [
        replace(
            finding,
            occurred_at=finding.occurred_at and finding.occurred_at - shift,
            evidence=tuple(
                replace(line, logged_at=line.logged_at and line.logged_at - shift) for line in finding.evidence
            ),
        )
        for finding in moved
    ]
    assert back == run(DETECTORS[name], case)


@pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS)
def test_every_detector_has_a_firing_and_a_quiet_case_and_shows_its_example(detector: Detector) -> None:
    cases = [param.values[1] for param in CASES if param.values[0] == detector.id]
    assert detector.example in [case["name"] for case in cases if case["finds"]]
    assert any(not case["finds"] for case in cases)


def test_every_file_of_cases_belongs_to_a_detector() -> None:
    assert {file.stem for file in FOLDER.glob("*.yml")} == set(DETECTORS)


def run(
    detector: Detector, case: Mapping[str, Any], *, shift: timedelta = timedelta(0), order: int = 0
) -> list[Finding]:
    said: dict[str, list[Row]] = {table: read_rows(table, case[table]) for table in TABLES & set(case)}
    if "durations" in case:
        said |= read_durations(case["durations"])
    if "files" in case:
        said |= read_files(case["files"], complete(said)["runs"])
    clear(STORE)
    plant(STORE, said, shift=shift, order=order)
    result = detect(STORE, [detector], {detector.id: case.get("params", {})})
    assert result.failures == ()
    return list(result.findings)


def told(finding: Finding, expected: Mapping[str, Any]) -> dict[str, Any]:
    """Of a finding, what the case names: its own fields, attempts as '1' or '1#2', else the query's columns."""
    shown = {
        **finding.values,
        "severity": finding.severity,
        "precision": finding.precision,
        "message": finding.message,
        "target": finding.target,
        "repository": finding.repository,
        "runs": " ".join(
            f"{run.run_id}" if run.attempt == 1 else f"{run.run_id}#{run.attempt}" for run in finding.runs
        ),
        "evidence": [f"{line.job_id}:{line.line} {line.text}" for line in finding.evidence if line.matched],
    }
    return {name: shown[name] for name in expected}
