"""A quiet history is quiet by brute force over its own objects, whatever the seed."""

from __future__ import annotations

import io
import zipfile
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import combinations
from math import log
from random import Random
from statistics import mean, stdev

import pytest

from forensics.synth.commits import PEOPLE
from forensics.synth.deeds import Deed, list_deeds
from forensics.synth.execute import rerun
from forensics.synth.history import History
from forensics.synth.logtext import pack_logs
from forensics.synth.quiet import live_quietly
from forensics.synth.template import load_workflow, pace

SEEDS = range(20)
_HISTORIES: dict[int, History] = {}


@pytest.fixture(params=SEEDS)
def history(request: pytest.FixtureRequest) -> History:
    seed: int = request.param
    if seed not in _HISTORIES:
        _HISTORIES[seed] = live_quietly(seed=seed)
    return _HISTORIES[seed]


def test_no_two_runs_of_one_workflow_and_branch_execute_at_once(history: History) -> None:
    spans = defaultdict(list)
    for run, _, job in history.executions():
        spans[run.lane].append((run.run_id, job.started_at, job.completed_at))
    for lane, jobs in spans.items():
        for (one, start, end), (other, other_start, other_end) in combinations(jobs, 2):
            assert one == other or end < other_start or other_end < start, lane


def writes(history: History) -> list[Deed]:
    """What changes something outside GitHub's own caches and artifacts."""
    return [deed for deed in list_deeds(history) if deed.effect not in ("save", "upload")]


def test_two_runs_never_write_to_one_target_at_once(history: History) -> None:
    spans = defaultdict(list)
    for deed in writes(history):
        spans[deed.target].append((deed.run.run_id, deed.step.started_at, deed.step.completed_at))
    assert len(spans) > 3
    for target, steps in spans.items():
        for (one, start, end), (other, other_start, other_end) in combinations(steps, 2):
            assert one == other or end < other_start or other_end < start, target


def test_nothing_is_created_twice(history: History) -> None:
    created = Counter((deed.tool, deed.target, deed.identity) for deed in writes(history) if deed.identity)
    assert created
    assert [what for what, times in created.items() if times > 1] == []


def test_every_deed_is_done(history: History) -> None:
    assert {deed.outcome for deed in list_deeds(history)} == {"done", "no-op"}


def test_what_reaches_a_target_comes_in_the_order_of_the_commits(history: History) -> None:
    place = {commit.sha: number for number, commit in enumerate(history.main)}
    reached = defaultdict(list)
    for deed in sorted(writes(history), key=lambda deed: deed.occurred_at):
        reached[deed.target].append(place[deed.run.commit.sha])
    for target, places in reached.items():
        assert places == sorted(places), target


def test_only_reading_workflows_are_ever_cancelled(history: History) -> None:
    cancelled = [run for run in history.runs if run.latest.conclusion == "cancelled"]
    assert cancelled
    assert {run.workflow for run in cancelled} == {"ci.yml"}


def test_ids_are_unique_and_grow_with_time(history: History) -> None:
    runs = [run.run_id for run in history.runs]
    assert runs == sorted(set(runs))
    jobs = [job.job_id for run in history.runs for attempt in run.attempts for job in attempt.jobs]
    assert len(jobs) == len(set(jobs))


def test_size_is_as_asked(history: History) -> None:
    assert 300 <= len(history.runs) <= 400


def test_people_push_in_working_hours_and_only_schedules_run_at_night(history: History) -> None:
    for run in history.runs:
        if run.event == "schedule":
            assert run.created_at.hour == 3
        else:
            assert run.created_at.weekday() < 5
            assert 7 <= run.created_at.hour < 19


def test_durations_are_log_normal_about_their_pace_from_first_day_to_last() -> None:
    lasted = defaultdict(list)
    for seed in range(4):
        for run, _, job in live_quietly(seed=seed).executions():
            for step in job.steps:
                if step.conclusion == "success":
                    seconds = (step.completed_at - step.started_at).total_seconds()
                    lasted[step.name].append((run.created_at, log(seconds)))
    assert len(lasted["Unit tests"]) > 500
    for name, values in lasted.items():
        if len(values) < 40:
            continue
        median, sigma = pace(name)
        logs = [value for _, value in sorted(values)]
        half = len(logs) // 2
        assert mean(logs) == pytest.approx(log(median), abs=0.15), name
        assert 0.1 < stdev(logs) < 0.35, name
        # Stationary: the two halves differ by no more than chance (five standard errors) allows.
        assert abs(mean(logs[:half]) - mean(logs[half:])) < 5 * sigma * (2 / half) ** 0.5, name


def test_jobs_wait_for_what_they_need_and_copies_keep_their_old_times(history: History) -> None:
    copied = 0
    for run in history.runs:
        for attempt in run.attempts:
            jobs = {job.name: job for job in attempt.jobs}
            assert jobs["build"].created_at >= jobs["lint"].completed_at if run.workflow == "ci.yml" else True
            for job in attempt.jobs:
                assert job.created_at <= job.started_at <= job.completed_at
                if job.copied:
                    copied += 1
                    assert attempt.number > 1
                    assert job.completed_at < attempt.asked_at
                else:
                    assert job.created_at >= attempt.asked_at
    assert copied


def test_first_attempts_begin_when_their_run_is_created(history: History) -> None:
    for run in history.runs:
        assert run.attempts[0].asked_at == run.created_at
        for attempt in run.attempts:
            assert attempt.updated_at > attempt.ended_at


def test_a_nightly_plan_that_is_run_again_has_logs_and_finds_nothing_to_change() -> None:
    history = live_quietly(seed=3, days=2)
    nightly = next(run for run in history.runs if run.event == "schedule")
    later = nightly.latest.ended_at + timedelta(minutes=5)
    again = rerun(nightly, load_workflow(nightly.workflow), later, PEOPLE[0], Random(1), only_failed=False)
    packed = pack_logs(history, again, again.latest)
    assert packed is not None
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        plan = archive.read(next(name for name in archive.namelist() if "/" not in name and "plan" in name))
    assert b"No changes." in plan
    assert b"to add" not in plan
