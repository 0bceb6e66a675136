from __future__ import annotations

import dataclasses

from report_cases import DETECTORS, coverage, document, effect, empty, finding, incident, quiet

from forensics.report.impact import weigh
from forensics.report.index import CaseIndex
from forensics.report.summary import tell


def test_the_verdict_counts_the_worst_kinds_of_findings() -> None:
    summary = tell(CaseIndex(incident()))
    assert summary.headline == (
        "Two effects happened twice, one target was written by two runs at once, and one older commit landed after "
        "a newer one on 17 Nov 2026"
    )
    assert summary.worst == "Schema migration '0412_ledger_rounding' was applied by two runs 1 m 41 s apart."
    assert summary.worst_anchor == "duplicate-effect-0000000001"
    assert summary.counts == (("critical", 2), ("high", 3), ("low", 1))
    assert [(f.label, f.value, f.unit) for f in summary.figures] == [
        ("Happened twice", "2", "effects"),
        ("Landed out of order", "1", "effect"),
        ("Written at once", "1", "target"),
        ("Cut off half-way", "1", "effect"),
        ("Wait for a runner, p95", "1 m 02 s", "560 jobs"),
        ("Evidence coverage", "95.5", "% of executed jobs"),
    ]


def test_a_refused_second_try_did_not_happen_twice() -> None:
    tries = [
        effect(1, 11, "10:00:00", "npm", "publish", "npm:cart", "cart@1.2.3"),
        effect(2, 12, "10:00:30", "npm", "publish", "npm:cart", "cart@1.2.3", outcome="rejected"),
    ]
    found = finding(1, "duplicate-effect", "medium", "Two jobs tried.", "10:00:30", tries)
    index = CaseIndex(dataclasses.replace(incident(), findings=(found,), effects=tuple(tries)))
    assert tell(index).headline == "One effect was tried again and refused on 17 Nov 2026"
    assert tell(index).figures[0].value == "0"
    assert tell(index).figures[0].unit == "effects, 1 more refused"
    (repeat,) = weigh(index).repeats
    assert (repeat.what, repeat.gap, repeat.outcome, repeat.done_twice) == (
        "cart@1.2.3",
        "30 s",
        "done, then rejected",
        False,
    )


def test_a_quiet_case_says_what_was_looked_for_and_what_is_missing() -> None:
    summary = tell(CaseIndex(dataclasses.replace(quiet(), coverage=coverage(2_040))))
    assert summary.headline == "No incident found in 2,040 runs; 1 executed job has no log"
    assert summary.worst == (
        "In what was read there was no effect done twice, no target written by two runs at once, no older commit "
        "landing after a newer one, no effect cut off by a cancellation, no overlap of runs in one lane and no "
        "unusual duration."
    )
    assert "1 executed job of 4,080 (0.1 %) has no log: what it did to the world is unknown." in summary.seen


def test_what_is_merely_noted_is_no_incident() -> None:
    noted = dataclasses.replace(incident(), findings=incident().findings[5:], coverage=coverage(2_040))
    assert tell(CaseIndex(noted)).headline == (
        "No incident found in 2,040 runs; of lesser note, one step took an unusual time on 17 Nov 2026; "
        "1 executed job has no log"
    )


def test_a_case_without_runs_claims_nothing() -> None:
    summary = tell(CaseIndex(empty()))
    assert summary.headline == "No runs were read, so nothing can be said"
    assert summary.worst == "No detector ran."
    assert [f.value for f in summary.figures] == ["–"] * 6


def test_a_detector_of_ones_own_is_named_by_its_title() -> None:
    own = document("late-merge", "A merge waited for days")
    found = [
        dataclasses.replace(f, detector="late-merge", severity="high", occurred_at=None)
        for f in incident().findings[:3]
    ]
    index = CaseIndex(dataclasses.replace(incident(), findings=tuple(found), detectors=(*DETECTORS, own)))
    assert tell(index).headline == "A merge waited for days (3 times)"


def test_impact_pairs_the_effects_of_a_finding() -> None:
    impact = weigh(CaseIndex(incident()))
    first = impact.repeats[0]
    assert (first.what, first.gap, first.outcome, first.precision) == (
        "0412_ledger_rounding", "1 m 41 s", "done, each time", "certain",
    )  # fmt: skip
    assert (first.first.label, first.second.label) == ("19482216617 · 6:118", "19482218555 · 6:118")
    (late,) = impact.out_of_order
    assert (late.first.at, late.second.at) == ("2026-11-17 14:10:49", "2026-11-17 14:15:03")
    assert {d.what: d.outcomes for d in impact.deeds}["terraform apply"] == (0, 0, 1, 0, 1)
    assert impact.unknown_count == 1
