"""redherring, which looks for flaky tests in a repository's history, reads the stand-in's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from forensics.synth.history import START
from tests.judges import truth
from tests.judges.program import Program, led_to
from tests.standin import Judge, StandIn, dense_world

pytestmark = pytest.mark.judge


def test_redherring_twice(installed: Callable[[str], Program], verdict: Callable[[str], None]) -> None:
    """Proves: ``created`` windows by day, counts by status, jobs of earlier attempts, job logs, and 304 for an ETag.

    It counts the runs that passed and failed, and reads the logs of jobs that failed before a re-run passed.
    """
    world = dense_world(300, 20)
    redherring = installed("redherring")
    # Its windows end today; the stand-in's history begins on a fixed day.
    days = (datetime.now(UTC).replace(tzinfo=None) - START).days + 1
    with StandIn(world, tls=True, judge=Judge.load()) as github:
        first = _scan(redherring, github, days)
        asked = github.asked()
        again = _scan(redherring, github, days)
        later = github.asked()[len(asked) :]
    assert set(github.tunnels) == {"api.github.com", truth.BLOBS}
    conclusions = Counter(conclusion for _, conclusion in truth.tell_runs(world).values())
    assert first["runs"]["passed"] == conclusions["success"]
    assert first["runs"]["failed"] == conclusions["failure"]
    failed = {
        (run.run_id, attempt.number, job.name)
        for run in truth.runs(world)
        for attempt in run.attempts[:-1]
        for job in attempt.jobs
        if run.latest.conclusion == "success" and job.conclusion == "failure"
    }
    assert failed
    assert {(job["run_id"], job["attempt"], job["job"]) for job in first["failed_jobs"]} == failed
    assert {job["kind"] for job in first["failed_jobs"]}.isdisjoint({"log expired"})
    logs = [seen for seen in asked if seen.kind == "job-log"]
    assert len(logs) == len(failed)
    assert again["failed_jobs"] == first["failed_jobs"]
    assert again["runs"] == first["runs"]
    unchanged = [seen for seen in later if seen.status == 304]
    assert unchanged
    # Whole days are asked for in the same words again; the day that is not over is not.
    assert {seen.kind for seen in later if seen.status != 304} <= {"runs"}
    assert sum(seen.status != 304 for seen in later) <= 4
    verdict(
        f"redherring: {first['runs']['passed']} passed, {first['runs']['failed']} failed, {len(failed)} failed jobs "
        f"read; again: {len(unchanged)} of {len(later)} answers are 304"
    )


def _scan(redherring: Program, github: StandIn, days: int) -> dict[str, Any]:
    options = ("--days", str(days), "--format", "json", "--quiet", "--no-notes")
    told: dict[str, Any] = json.loads(redherring.say("scan", truth.REPOSITORY, *options, **led_to(github)))
    return told
