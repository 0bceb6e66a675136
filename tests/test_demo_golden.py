"""The demonstration end to end: made up, ingested, judged, reported; pinned in reports/demo/.

After a wanted change: ``FORENSICS_ACCEPT=1 .venv/bin/python -m pytest tests/test_demo_golden.py``, then look at
what git shows. A difference leaves what came out in tests/actual/demo/.
"""

import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from forensics import pipeline
from forensics.config import Config
from forensics.detect.formats import to_json
from forensics.model import Silent
from forensics.report.html import render
from forensics.synth.synthesise import DEMO, synthesise

ROOT = Path(__file__).parents[1]
GOLDEN, ACTUAL = ROOT / "reports" / "demo", ROOT / "tests" / "actual" / "demo"
# The day after the made-up fortnight: what is shown must not depend on when it is made.
MADE_AT = datetime(2026, 11, 16, 9, 0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """File name → content of everything that is pinned."""
    root = tmp_path_factory.mktemp("demo")
    written = synthesise(DEMO, root / "history")
    config = Config(root / "case", workers=2)
    summary = pipeline.ingest_files(config, [root / "history"], Silent())
    analysis = pipeline.analyse(config)
    evidence = tuple(replace(entry, taken_at=MADE_AT) for entry in analysis.evidence)
    analysis = replace(analysis, generated_at=MADE_AT, evidence=evidence, version="demo")
    numbers = {
        "runs": summary.runs,
        "attempts": summary.attempts,
        "jobs": summary.jobs,
        "log_lines": summary.log_lines,
        "effects": summary.effects,
        "lines_in": summary.lines_in,
        "lines_stored": summary.lines_stored,
        "lines_duplicate": summary.lines_duplicate,
        "lines_problem": summary.lines_problem,
        "problems": dict(summary.problems),
        "planted": len(written.expected),
        "findings": [f"{one.severity} {one.detector}: {one.message}" for one in analysis.findings],
    }
    return {
        "incident.html": render(analysis),
        "findings.json": to_json(analysis.findings, analysis.coverage) + "\n",
        "numbers.json": json.dumps(numbers, indent=1, ensure_ascii=False) + "\n",
    }


@pytest.mark.parametrize("name", ["numbers.json", "findings.json", "incident.html"])
def test_the_demonstration_is_as_pinned(made, name):
    golden = GOLDEN / name
    if os.environ.get("FORENSICS_ACCEPT"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(made[name], encoding="utf-8", newline="")
    if golden.read_text(encoding="utf-8") != made[name]:
        ACTUAL.mkdir(parents=True, exist_ok=True)
        (ACTUAL / name).write_text(made[name], encoding="utf-8", newline="")
        pytest.fail(f"{name} differs from reports/demo/{name}; see tests/actual/demo/{name} and this file's head.")


def test_what_is_pinned_holds_every_planted_incident(made):
    numbers = json.loads(made["numbers.json"])
    # Besides what was planted, jobs fail at times as they do in quiet histories.
    graver = [one for one in numbers["findings"] if not one.startswith("info flaky-job")]
    assert len(graver) == numbers["planted"]
    assert numbers["lines_in"] == numbers["lines_stored"] + numbers["lines_duplicate"] + numbers["lines_problem"]
    assert numbers["problems"] == {}
