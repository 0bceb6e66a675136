from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from report_cases import DAY, attempt, crowd, effect, empty, finding, incident, quiet

from forensics.model import Analysis, Attempt, RunRef
from forensics.report.index import CaseIndex
from forensics.report.limits import STEPS
from forensics.report.text import epoch
from forensics.report.timeline import Timeline, build


def built(analysis: Analysis, **limits: Any) -> Timeline:
    return build(CaseIndex(analysis), dataclasses.replace(STEPS[0], **limits))


def case(*attempts: Attempt, **more: Any) -> Analysis:
    return dataclasses.replace(quiet(), attempts=attempts, **{"effects": (), **more})


def bars(timeline: Timeline) -> list[tuple[str, int, int]]:
    """Lane name, sub-row and run id of each bar."""
    data = timeline.data
    lanes = [lane[0] for lane, count in zip(data["lanes"], data["bars"]["count"], strict=True) for _ in range(count)]
    columns = zip(lanes, data["bars"]["row"], data["bars"]["run"], strict=True)
    return [(lane, row, timeline.shown[run].run_id) for lane, row, run in columns]


def test_what_runs_write_to_is_a_lane_and_the_rest_is_what_they_queue_for() -> None:
    one = attempt(1, "Deploy", "10:00:00", "10:00:05", "10:05:00")
    two = attempt(2, "Deploy", "10:01:00", "10:06:00", "10:09:00", lane="elsewhere")
    lint = attempt(3, "Lint", "10:02:00", "10:02:01", "10:03:00", lane="lint main")
    writes = (
        effect(1, 9, "10:04:00", "kubectl", "apply", "prod", "a"),
        effect(2, 9, "10:08:00", "kubectl", "apply", "prod", "b"),
    )
    timeline = built(case(one, two, lint, effects=writes))
    assert [(lane.name, lane.note, lane.target) for lane in timeline.lanes] == [
        ("prod", "kubectl apply", True),
        ("lint main", "1 run", False),
    ]
    assert bars(timeline) == [("prod", 0, 1), ("prod", 1, 2), ("lint main", 0, 3)]  # 2 waited while 1 executed


def test_a_sub_row_is_used_again_once_it_is_free() -> None:
    times = [("10:00:00", "10:10:00"), ("10:01:00", "10:03:00"), ("10:04:00", "10:06:00"), ("10:20:00", "10:30:00")]
    runs = [attempt(i, "CI", start, start, end, lane="x") for i, (start, end) in enumerate(times, 1)]
    assert bars(built(case(*runs))) == [("x", 0, 1), ("x", 1, 2), ("x", 1, 3), ("x", 0, 4)]


def test_two_writers_at_once_are_marked_when_they_outlast_the_grain() -> None:
    one = attempt(1, "Deploy", "10:00:00", "10:00:00", "10:05:00")
    two = attempt(2, "Deploy", "10:03:00", "10:03:00", "10:08:00")
    three = attempt(3, "Deploy", "10:07:00", "10:07:58", "10:09:00")  # 2 s: may be a hand-over
    writes = tuple(effect(i, 9, "10:04:00", "kubectl", "apply", "prod", "a") for i in (1, 2, 3))
    timeline = built(case(one, two, three, effects=writes))
    base = timeline.data["base"]
    noon = int(epoch(DAY + timedelta(hours=10))) - base
    assert timeline.data["overlaps"] == [[0, noon + 180, noon + 300]]


def test_other_lanes_mark_only_what_an_overlap_finding_is_about() -> None:
    runs = [attempt(i, "CI", f"10:0{i}:00", f"10:0{i}:00", "10:09:00", lane="ci main") for i in (1, 2, 3)]
    assert built(case(*runs)).data["overlaps"] == []
    found = finding(1, "overlapping-runs", "medium", "Two runs.", "10:01:00", [], runs=(RunRef(1, 1), RunRef(2, 1)))
    timeline = built(case(*runs, findings=(found,)))
    (overlap,) = timeline.data["overlaps"]
    assert overlap[2] - overlap[1] == 7 * 60


def test_the_columns_tell_when_a_run_waited_and_executed() -> None:
    ran = attempt(1, "CI", "10:00:00", "10:00:20", "10:01:00")
    evicted = attempt(2, "CI", "10:00:30", "0:0:0", "10:05:30", started_at=None, conclusion="cancelled")
    live = attempt(3, "CI", "10:04:00", "10:04:10", "0:0:0", completed_at=None, status="in_progress", conclusion=None)
    timeless = attempt(4, "CI", "0:0:0", "0:0:0", "0:0:0", created_at=None, started_at=None, completed_at=None)
    timeline = built(case(ran, evicted, live, timeless))
    runs = timeline.data["runs"]
    ids = [a.run_id for a in timeline.shown]
    told = {i: tuple(runs[c][ids.index(i)] for c in ("waited", "ran")) for i in ids}
    states = {i: timeline.data["states"][runs["results"][runs["result"][ids.index(i)]][1]] for i in ids}
    assert told == {1: (20, 40), 2: (300, -1), 3: (10, 80), 4: (-1, -1)}
    assert states == {1: "ok", 2: "cancelled", 3: "running", 4: "ok"}
    assert any("no time at all" in note for note in timeline.notes)


def test_the_first_view_is_on_the_worst_finding() -> None:
    timeline = built(incident())
    start, end = (timeline.data["base"] + t for t in timeline.data["view"])
    assert start < epoch(DAY + timedelta(hours=14, minutes=6, seconds=2))
    assert end > epoch(DAY + timedelta(hours=14, minutes=12, seconds=9))
    assert end - start < 3_600


def test_effects_done_twice_are_marked_from_the_findings() -> None:
    effects = built(incident()).data["effects"]
    names = built(incident()).data["s"]
    twice = {names[identity] for identity, flag in zip(effects["identity"], effects["twice"], strict=True) if flag}
    assert twice == {"0412_ledger_rounding", "acme/payments-api:4.12.0"}


def test_runs_of_findings_survive_any_thinning_and_the_others_are_counted() -> None:
    analysis = crowd(500)
    timeline = built(analysis, intervals=20, titles=False)
    named = {run for f in analysis.findings for run in f.runs}
    assert named <= {RunRef(a.run_id, a.attempt) for a in timeline.shown}
    assert len(timeline.shown) == 20
    assert sum(count for _, count in timeline.data["hours"]) == 480
    assert any("480 are counted by the hour" in note for note in timeline.notes)
    assert timeline.data["runs"]["title"] == []


def test_effects_that_findings_rest_on_survive_any_thinning() -> None:
    analysis = crowd(500)
    timeline = built(analysis, effects=8)
    assert sum(timeline.data["effects"]["twice"]) == 4
    assert len(timeline.data["effects"]["at"]) == 8


def test_an_empty_case_has_an_empty_timeline() -> None:
    timeline = built(empty())
    assert timeline.lanes == ()
    assert timeline.data["view"] == [0, timeline.data["span"]]


def test_columns_that_repeat_themselves_are_written_shorter() -> None:
    runs = [
        attempt(100 + i, "CI", f"10:0{i}:00", f"10:0{i}:00", "10:09:00", sha="ab" if i else "cd") for i in range(3)
    ]
    runs[1] = dataclasses.replace(runs[1], attempt=2, repository="acme/web")
    columns = built(case(*runs)).data["runs"]  # newest first: 102, 101, 100
    assert columns["id"] == [102, -1, -1]
    assert columns["asked"][1:] == [-60, -60]
    assert columns["sha"] == ["ab", 0, "cd"]
    assert columns["attempt"] == [[1, 2]]
    assert columns["repository"] == [[1, 1]]


def test_ids_that_script_numbers_cannot_hold_are_text() -> None:
    assert "-812736450918273645" in built(incident()).data["runs"]["id"]
