"""Real workflow files under planted runs of the commonest events: every one of them gets an answer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from forensics.workflow.read import read_workflow
from tests.concurrency.planted import planting

REAL = Path(__file__).parents[2].parent / "shared" / "real" / "workflows"
RUNS = {
    "push": {"head_branch": "main"},
    "pull_request": {"head_branch": "topic", "pulls": [12]},
    "schedule": {"head_branch": "main"},
    "workflow_dispatch": {"head_branch": "main"},
}


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="the real data is not here")
def test_groups_of_real_workflow_files():
    with planting() as case:
        run_id, expected = 0, set()
        for file in sorted(REAL.glob("*.y*ml")):
            text = file.read_text(encoding="utf-8")
            document = read_workflow(text, file.name)
            for event, said in RUNS.items():
                if event in document.events:
                    run_id += 1
                    case.run(run_id, text, path=file.name, event=event, **said)
                    if document.concurrency is not None:
                        expected.add(run_id)
        rows = [row for row in case.derive() if row["level"] == "workflow"]
    assert {row["run_id"] for row in rows} == expected
    assert all(row["missing"] for row in rows if row["group_name"] is None)
    told = Counter(row["confidence"] for row in rows)
    assert told["known"] + told["likely"] > 0.8 * len(rows)
