"""What part each detector of the library plays in an incident."""

from __future__ import annotations

import pytest
from incident_findings import finding

from forensics.detect.detector import find_detectors
from forensics.detect.incident import group
from forensics.detect.role import PRECEDENCE, SETTINGS, WITNESSES, role_of

LIBRARY = {detector.id for detector in find_detectors()[0]}


def test_each_name_is_that_of_a_detector_and_stands_in_one_place() -> None:
    named = [*PRECEDENCE, *SETTINGS, *WITNESSES]
    assert set(named) <= LIBRARY
    assert len(set(named)) == len(named)


@pytest.mark.parametrize(
    "detector",
    [
        "log-gaps",
        "indistinct-runs",
        "queue-cost",
        "wasted-minutes",
        "clock-skew",
        "cache-race",
        "evaluator-disagrees",
    ],
)
def test_what_counts_or_judges_leads_no_incident_however_grave(detector: str) -> None:
    said = finding(detector, "high", (1, 2), None, 0, path="deploy.yml")
    assert role_of(said) == "witness"
    assert group([said]) == ()


def test_a_lock_left_behind_is_named_after_the_cut_that_left_it_and_before_that_runs_met() -> None:
    cut = finding("cancelled-mid-effect", "high", (1, 2), "terraform:prod", 10)
    left = finding("abandoned-lock", "high", (1, 2), "terraform:prod", 10)
    met = finding("overlapping-runs", "high", (1, 2), None, 5)
    (incident,) = group([met, left, cut])
    assert [one.detector for one in incident.findings] == [
        "cancelled-mid-effect",
        "abandoned-lock",
        "overlapping-runs",
    ]
    assert incident.title == "Cancelled mid effect at 'terraform:prod'; abandoned lock."
    (without_cut,) = group([met, left])
    assert without_cut.findings[0].detector == "abandoned-lock"


@pytest.mark.parametrize(
    "detector",
    ["version-race", "tag-overwrite", "stale-rerun", "flaky-duplicate", "duplicate-create", "rate-limited"],
)
def test_an_incident_is_named_for_what_came_of_it_not_for_the_meeting(detector: str) -> None:
    findings = [
        finding("overlapping-runs", "medium", (1, 2), "release:shop", 0),
        finding(detector, "medium", (1, 2), "release:shop", 5),
    ]
    (incident,) = group(findings)
    assert incident.findings[0].detector == detector


@pytest.mark.parametrize("detector", sorted(SETTINGS))
def test_a_setting_leads_nothing_and_contributes_to_what_happened_to_its_runs(detector: str) -> None:
    setting = finding(detector, "critical", (1, 2), "npm:cart", 0)
    assert group([setting]) == ()
    (incident,) = group([setting, finding("duplicate-effect", "high", (1, 2), "npm:cart", 600)])
    assert [one.detector for one in incident.findings] == ["duplicate-effect"]
    assert [one.rule for one in incident.contributing] == [detector]
