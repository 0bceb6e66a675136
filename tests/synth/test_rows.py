"""The rows of the table of incidents: each retold in GitHub's forms, ingested, and found by the detector it names.

All rows go into one case, each as a repository of its own, and so do their quiet twins.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from forensics import pipeline
from forensics.config import Config, available_cpus
from forensics.detect.detector import load_detectors
from forensics.errors import UsageProblem
from forensics.model import Finding, Silent
from forensics.synth.history import History
from forensics.synth.row import Row, list_rows, load_row, read_row
from forensics.synth.synthesise import synthesise
from forensics.synth.write import write

ROWS = [load_row(name) for name in list_rows()]
KNOWN = {detector.id for detector in load_detectors()}
SETTINGS = {1, 10, 16, 26, 27, 35, 36, 37, 38, 39, 41, 42, 43, 45, 47, 51, 52, 53}
"""Rows of the settings family: the same times under the right settings must be silent."""
OTHERS = {
    3,
    4,
    5,
    6,
    7,
    8,
    11,
    12,
    13,
    15,
    17,
    19,
    20,
    21,
    23,
    24,
    25,
    28,
    29,
    30,
    31,
    32,
    34,
    46,
    48,
    49,
    50,
    54,
    55,
    56,
}
GRAVE = ("critical", "high")


Found = dict[str, list[Finding]]


def _ingest(histories: Sequence[History], folder: Path) -> Found:
    """Findings by repository, of all histories in one case."""
    for history in histories:
        write(history, folder / "in")
    config = Config(folder / "case", workers=min(2, available_cpus()))
    pipeline.ingest_files(config, [folder / "in"], Silent())
    homes = {run.run_id: history.repository for history in histories for run in history.runs}
    found: Found = {history.repository: [] for history in histories}
    result = pipeline.detect(config)
    assert result.failures == ()
    for finding in result.findings:
        places = {homes[run.run_id] for run in finding.runs}
        assert len(places) == 1, f"{finding.detector} names runs of several repositories"
        found[places.pop()].append(finding)
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    twins = [row.twin for row in ROWS if row.twin is not None]
    return _ingest([*(row.history for row in ROWS), *twins], tmp_path_factory.mktemp("rows"))


def _tell(findings: Sequence[Finding]) -> str:
    return "\n".join(f"{one.severity} {one.detector} {one.target} {one.runs}: {one.message}" for one in findings)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_row_is_found_by_the_detectors_that_it_names(row: Row, found: Found) -> None:
    missing = sorted({one.detector for one in row.expected} - KNOWN)
    findings = found[row.history.repository]
    for wanted in row.expected:
        if wanted.detector in missing:
            continue
        same = [
            one
            for one in findings
            if one.detector == wanted.detector
            and set(wanted.runs) <= set(one.runs)
            and wanted.target in (None, one.target)
        ]
        assert same, f"{wanted} is not found; found are:\n{_tell(findings)}"
    if missing:
        pytest.skip(f"not there yet: {', '.join(missing)}")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_nothing_grave_is_found_besides(row: Row, found: Found) -> None:
    declared = {one.detector for one in row.expected} | {one.detector for one in row.also}
    strange = [one for one in found[row.history.repository] if one.severity in GRAVE and one.detector not in declared]
    assert strange == [], _tell(strange)


@pytest.mark.parametrize("row", [row for row in ROWS if row.twin is not None], ids=lambda row: row.name)
def test_the_right_settings_are_silent_at_the_same_times(row: Row, found: Found) -> None:
    assert row.twin is not None
    declared = {one.detector for one in row.twin_also}
    strange = [one for one in found[row.twin.repository] if one.detector not in declared]
    assert strange == [], _tell(strange)


def test_every_row_of_the_table_has_its_scenario() -> None:
    assert [row.number for row in ROWS] == sorted(SETTINGS | OTHERS)
    assert len(ROWS) == 48
    assert {row.number for row in ROWS if row.twin is not None} >= SETTINGS


def test_also_and_twin_also_are_not_there_in_vain(found: Found) -> None:
    """An excuse that excuses nothing would hide tomorrow's false finding."""
    vain = []
    for row in ROWS:
        grave = {one.detector for one in found[row.history.repository] if one.severity in GRAVE}
        vain += [(row.name, "also", name) for name in {one.detector for one in row.also} & KNOWN - grave]
        if row.twin is not None:
            there = {one.detector for one in found[row.twin.repository]}
            vain += [
                (row.name, "twin_also", name) for name in {one.detector for one in row.twin_also} & KNOWN - there
            ]
    assert sorted(vain) == []


def test_ids_of_all_rows_are_apart() -> None:
    histories = [history for row in ROWS for history in (row.history, row.twin) if history is not None]
    runs = [run.run_id for history in histories for run in history.runs]
    jobs = [
        job.job_id
        for history in histories
        for run in history.runs
        for attempt in run.attempts
        for job in attempt.jobs
    ]
    assert len(set(runs)) == len(runs)
    assert len(set(jobs)) == len(jobs)


def test_rows_tell_where_they_come_from_and_what_of_the_times_is_real() -> None:
    for row in ROWS:
        assert row.sentence.endswith(".")
        assert row.sources
        assert all(source.startswith("https://github.com/") or source == "STATBUS-453" for source in row.sources)
        assert row.timing.endswith(".")
        assert row.expected, row.name


def test_a_row_is_written_like_any_scenario(tmp_path: Path) -> None:
    first, second = list_rows()[:2]
    written = synthesise([first, second, first], tmp_path)
    assert written.repository == "2 repositories"
    assert written.runs == len(load_row(first).history.runs) + len(load_row(second).history.runs)
    assert sorted(path.name for path in (tmp_path / "repos/octo").iterdir()) == sorted(
        load_row(name).history.name for name in (first, second)
    )


PLAIN = """\
title: A row
sentence: One run.
sources: ["https://github.com/octo/row/issues/1"]
timing: Made up.
workflows:
  ci.yml: |
    name: CI
    on: push
    jobs:
      test:
        runs-on: ubuntu-latest
        steps:
          - uses: actions/checkout@v4
          - name: Test
            run: make test
runs:
  - {id: one, at: 0, jobs: {test: [5, 65]}}
expects:
  - {detector: x, runs: [one]}
"""


def test_steps_that_the_row_leaves_out_share_the_time() -> None:
    row = read_row("99-plain", PLAIN)
    (job,) = row.history.runs[0].latest.jobs
    assert [step.name for step in job.steps] == ["Set up job", "Run actions/checkout@v4", "Test", "Complete job"]
    assert [(step.started_at - job.started_at).total_seconds() for step in job.steps] == [0, 15, 30, 45]
    assert job.completed_at == job.steps[-1].completed_at


def test_lines_have_the_times_that_the_row_gives_and_share_what_lies_between() -> None:
    steps = "{test: {at: [5, 65], steps: [{name: Test, at: [5, 45], log: TEXT}]}}"
    text = PLAIN.replace("{test: [5, 65]}", steps.replace("TEXT", '"@6 a\\nb\\n@8 c\\nd"'))
    with pytest.raises(UsageProblem):
        read_row("99-plain", text.replace("@6", "@soon"))
    lines = read_row("99-plain", text).history.runs[0].latest.jobs[0].steps[2].said
    assert lines is not None
    begin = read_row("99-plain", text).history.runs[0].created_at
    assert [(line, (moment - begin).total_seconds()) for moment, line in lines[:3]] == [
        ("a", 11),
        ("b", 12),
        ("c", 13),
    ]


WRONG: list[tuple[str, Callable[[str], str], str]] = [
    ("an unknown key", lambda text: text.replace("timing:", "timming:"), "timming"),
    (
        "a step outside its job",
        lambda text: text.replace("[5, 65]", "{at: [5, 65], steps: [{name: Test, at: [9, 61]}]}"),
        "Test",
    ),
    (
        "a step of no job",
        lambda text: text.replace("[5, 65]", "{at: [5, 65], steps: [{name: Tset, at: [9, 9]}]}"),
        "Tset",
    ),
    ("a run of no name", lambda text: text.replace("runs: [one]", "runs: [two]"), "two"),
    (
        "two runs of one name",
        lambda text: text.replace("expects:", "  - {id: one, at: 9, ended: 9}\nexpects:"),
        "one",
    ),
    ("an idle twin", lambda text: text + "twin: {replace: {nothing: else}}\n", "nothing"),
    ("a time of no clock", lambda text: text.replace("at: 0", "at: noon"), "noon"),
]


@pytest.mark.parametrize(("change", "named"), [pytest.param(*rest, id=what) for what, *rest in WRONG])
def test_a_file_of_another_form_is_refused(change: Callable[[str], str], named: str) -> None:
    with pytest.raises(UsageProblem, match=f"99-plain.yml cannot be read: .*{named}"):
        read_row("99-plain", change(PLAIN))


def test_repeated_runs_count_up() -> None:
    text = PLAIN.replace(
        "  - {id: one, at: 0, jobs: {test: [5, 65]}}\n",
        "  - repeat: 3\n    every: 100\n    at: 10\n    runs: [{id: one, at: 0, jobs: {test: [5, 65]}}]\n",
    ).replace("runs: [one]", "runs: [one-3]")
    runs = read_row("99-plain", text).history.runs
    gaps = [(b.created_at - a.created_at).total_seconds() for a, b in itertools.pairwise(runs)]
    assert gaps == [100, 100]
    assert len({run.commit.sha for run in runs}) == 3
