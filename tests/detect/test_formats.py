"""JSON as promised, Markdown that stays inert, SARIF as its schema wants it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from forensics.detect.detector import load_detectors
from forensics.detect.formats import escaped, to_json, to_markdown, to_sarif
from forensics.model import Coverage, EvidenceLine, Finding, RunRef

HOSTILE = (
    "<script>alert(1)</script> `x` [a](http://evil.example) @octocat #1 ![i](x) | \\ **b** www.evil.example"
    "\n\u202e\x1b[31m"
)

FINDING = Finding(
    id="duplicate-effect-0123456789",
    detector="duplicate-effect",
    title="One thing was created twice",
    severity="critical",
    precision="certain",
    message=f"'{HOSTILE}' was published twice.",
    occurred_at=datetime(2026, 3, 2, 10, 4, 35),
    repository="octo/shop",
    runs=(RunRef(1, 1), RunRef(2, 3)),
    target="npm:cart",
    evidence=(
        EvidenceLine(1, 1, 11, 3, 9, None, "before", matched=False),
        EvidenceLine(1, 1, 11, 3, 10, datetime(2026, 3, 2, 10, 4), HOSTILE),
    ),
    values={"accepted": 2},
)
COVERAGE = Coverage(
    ("octo/shop",), datetime(2026, 3, 2), None, 2, 2, 2, 2, 2, 9, 2, 9, 9, 0, 0, (("made-up-run", 1),)
)


def test_json_is_the_fixed_format() -> None:
    told = json.loads(to_json([FINDING], COVERAGE))
    assert told == {
        "schema": 1,
        "findings": [
            {
                "id": "duplicate-effect-0123456789",
                "detector": "duplicate-effect",
                "severity": "critical",
                "precision": "certain",
                "message": FINDING.message,
                "occurred_at": "2026-03-02T10:04:35Z",
                "repository": "octo/shop",
                "runs": [{"run_id": 1, "attempt": 1}, {"run_id": 2, "attempt": 3}],
                "target": "npm:cart",
                "evidence": [
                    {
                        "run_id": 1, "attempt": 1, "job_id": 11, "step": 3, "line": 9,
                        "logged_at": None, "text": "before", "matched": False,
                    },
                    {
                        "run_id": 1, "attempt": 1, "job_id": 11, "step": 3, "line": 10,
                        "logged_at": "2026-03-02T10:04:00Z", "text": HOSTILE, "matched": True,
                    },
                ],
                "values": {"accepted": 2},
            }
        ],
        "coverage": told["coverage"],
        "incidents": [],
        "suppressed": [],
    }  # fmt: skip
    assert told["coverage"]["repositories"] == ["octo/shop"]
    assert told["coverage"]["first_at"] == "2026-03-02T00:00:00Z"
    assert told["coverage"]["problems"] == [["made-up-run", 1]]
    assert json.loads(to_json([], None)) == {
        "schema": 1,
        "findings": [],
        "coverage": {},
        "incidents": [],
        "suppressed": [],
    }


def test_json_can_be_printed_on_any_terminal_or_pipe() -> None:
    """Lone surrogates, as a log may hold, must not stop the output."""
    broken = EvidenceLine(1, 1, 11, 3, 10, None, "half \ud83d")
    text = to_json([Finding(**{**FINDING.__dict__, "evidence": (broken,)})], None)
    assert json.loads(text.encode())["findings"][0]["evidence"][0]["text"] == "half \ud83d"


@pytest.mark.parametrize(
    "sign", ["<", ">", "`", "[", "]", "(", "@", "#", "!", "|", "\\", "*", "://", "www.", "\n", "\x1b", "\u202e"]
)
def test_markdown_of_hostile_text_holds_no_sign_that_does_anything(sign: str) -> None:
    """An entity begins with &# and a number: apart from those no '#' is left either."""
    import re

    assert sign not in re.sub(r"&#\d+;", "", escaped(HOSTILE))


def test_markdown_shows_the_findings_and_their_lines() -> None:
    text = to_markdown([FINDING])
    lines = text.splitlines()
    assert lines[0] == "## Findings: 1 critical"
    assert [line.count("|") for line in lines[2:5]] == [6, 6, 6]
    assert lines[4].startswith("| critical | certain | 2026-03-02 10:04:35 | ")
    assert "1, 2 attempt 3" in lines[4]
    assert "- run 1, job 11, line 10: " in text and "before" not in text
    assert to_markdown([]) == "## Findings\n\nNothing was found."


def test_sarif_has_what_its_schema_requires() -> None:
    docs = [detector.doc() for detector in load_detectors()]
    log = json.loads(to_sarif([FINDING], docs, {1: ".github/workflows/a b.yml", 2: ".github/workflows/c.yml"}))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "forensics"
    assert [rule["id"] for rule in rules] == [doc.id for doc in docs]
    (result,) = run["results"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "duplicate-effect"
    assert result["level"] == "error"
    assert result["partialFingerprints"] == {"findingId/v1": FINDING.id}
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": ".github/workflows/a%20b.yml"}}}]
    assert len(result["relatedLocations"]) == 1
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    for message in messages(log):
        assert "[a]" not in message.replace("\\[a\\]", "")


def test_sarif_says_what_failed_and_does_without_a_place() -> None:
    (run,) = json.loads(to_sarif([FINDING], [], failures=[("own", "no such column")]))["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "own: no such column"
    assert run["results"][0]["locations"] == []
    assert "ruleIndex" not in run["results"][0]


def messages(node: Any) -> list[str]:
    """All texts that a SARIF viewer may render."""
    if isinstance(node, list):
        return [text for item in node for text in messages(item)]
    if isinstance(node, dict):
        own = [node["message"]["text"]] if isinstance(node.get("message"), dict) else []
        return own + [text for item in node.values() for text in messages(item)]
    return []
