"""Laws of the timing detectors on random histories: order of rows, shift of the clock, split of the input, grain.

A history is of two repositories; each detector finds something in some of them, which is tested as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from random import Random

import pytest
from history_tables import FIRST_DAY, Row, plant, read_files

from forensics.detect.detector import load_detectors
from forensics.detect.run import detect
from forensics.model import Finding
from forensics.store.store import Store

TIMING = (
    "clock-skew",
    "duration-change",
    "duration-outlier",
    "flaky-duplicate",
    "flaky-job",
    "impossible-times",
    "schedule-drift",
    "silent-gap",
    "skipped-schedule",
)
DETECTORS = [detector for detector in load_detectors() if detector.id in TIMING]
SEEDS = (1, 2, 3, 4)
RUNS = 90
REPOSITORIES = ("octo/shop", "octo/bank")
NIGHTLY = "on:\n  schedule:\n    - cron: '30 3 * * *'\njobs: {}\n"

Tables = dict[str, list[Row]]


def make_history(seed: int, repository: str, *, skew: float = 0) -> Tables:
    """Ninety nightly runs with all that the timing detectors know: slow, late, missing, flaky, silent, skewed."""
    chance, base = Random(f"laws {seed} {repository}"), 1_000_000 * (1 + REPOSITORIES.index(repository))
    tables: Tables = {name: [] for name in ("runs", "jobs", "steps", "effects", "log_sources", "log_lines")}
    skewed, changes = skew or chance.choice((0, 45, -45)), chance.choice((1.0, 2.5))
    for night in range(RUNS):
        if night % 31 in (11, 12, 13):
            continue
        run_id = base + night
        created = FIRST_DAY + timedelta(days=night, hours=3, minutes=30 + chance.choice((4, 25, 40, 100)))
        tables["runs"].append(
            {"run_id": run_id, "repository": repository, "event": "schedule", "created_at": created}
        )
        flaky = chance.random() < 0.15
        for attempt in (1, 2) if flaky else (1,):
            seconds = 200 * chance.lognormvariate(0, 0.05) * (changes if night > 45 else 1)
            hangs = chance.random() < 0.03
            started = created + timedelta(seconds=20 + 7200 * (attempt - 1))
            conclusion = "failure" if flaky and attempt == 1 else "success"
            _add_job(tables, run_id, attempt, started, seconds + (3000 if hangs else 0), conclusion, hangs=hangs)
            _add_log(tables, repository, skewed if night % 5 else 0)
    for table in ("jobs", "effects"):
        for row in tables[table]:
            row["repository"] = repository
    odd = chance.choice(tables["jobs"])
    odd["created_at"] = odd["started_at"] + timedelta(seconds=30)
    files = read_files({".github/workflows/deploy.yml": NIGHTLY}, [])
    tables["workflow_files"] = [{**row, "repository": repository} for row in files["workflow_files"]]
    return tables


def _add_job(
    tables: Tables, run_id: int, attempt: int, started: datetime, seconds: float, conclusion: str, *, hangs: bool
) -> None:
    job_id, ended = run_id * 10 + attempt, started + timedelta(seconds=round(seconds))
    place = {"run_id": run_id, "job_id": job_id, "attempt": attempt}
    tables["jobs"].append(
        {**place, "started_at": started, "completed_at": ended, "conclusion": conclusion, "runner_name": "anvil"}
    )
    step = {"job_id": job_id, "step_number": 3, "name": "Build", "conclusion": conclusion}
    tables["steps"].append({**step, "started_at": started, "completed_at": ended})
    tables["effects"].append(
        {**place, "effect": "comment", "target": "issue:octo/x#1", "occurred_at": started + timedelta(seconds=9)}
        | {"line_no": 9000}
    )
    moments = [started + timedelta(seconds=seconds * part / 20) for part in range(3 if hangs else 20)]
    tables["log_lines"] += [
        {**place, "step_number": 3, "line_no": 100 + number, "logged_at": moment, "text": f"line {number}"}
        for number, moment in enumerate(moments)
    ]


def _add_log(tables: Tables, repository: str, skew: float) -> None:
    """The last job's log, by the clock of its runner."""
    job, own = tables["jobs"][-1], timedelta(seconds=skew)
    tables["log_sources"].append(
        {"run_id": job["run_id"], "job_id": job["job_id"], "attempt": job["attempt"], "unit_id": repository}
        | {"source_id": job["job_id"], "first_at": job["started_at"] + timedelta(seconds=1.5) + own}
        | {"last_at": job["completed_at"] - timedelta(seconds=1.5) + own}
    )


def find(*histories: Tables, shift: timedelta = timedelta(0), order: int = 0) -> list[Finding]:
    together: Tables = {}
    for history in histories:
        for table, rows in history.items():
            together[table] = together.get(table, []) + rows
    with Store.memory() as store:
        plant(store, together, shift=shift, order=order)
        result = detect(store, DETECTORS)
    assert result.failures == ()
    return list(result.findings)


@cache
def found(seed: int) -> tuple[Finding, ...]:
    return tuple(find(*(make_history(seed, repository) for repository in REPOSITORIES)))


def test_every_timing_detector_finds_something_in_these_histories() -> None:
    counts = Counter(finding.detector for seed in SEEDS for finding in found(seed))
    assert set(counts) == set(TIMING)


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    both = [make_history(seed, repository) for repository in REPOSITORIES]
    assert find(*both, order=seed) == list(found(seed))


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_a_year_of_whole_weeks_later_all_is_the_same(seed: int) -> None:
    """Whole weeks and no other shift: schedules go by the day of the week and the time of day."""
    shift = timedelta(weeks=52)
    moved = find(*(make_history(seed, repository) for repository in REPOSITORIES), shift=shift)
    assert moved_back(moved, shift) == by_id(found(seed))


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_hours_later_all_but_the_schedules_are_the_same(seed: int) -> None:
    shift = timedelta(days=3, hours=5, minutes=17, seconds=1)
    moved = find(*(make_history(seed, repository) for repository in REPOSITORIES), shift=shift)
    assert moved_back(unscheduled(moved), shift) == by_id(unscheduled(found(seed)))


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_each_repository_alone_has_the_findings_that_it_has_among_others(seed: int) -> None:
    alone = [finding for repository in REPOSITORIES for finding in find(make_history(seed, repository))]
    assert by_id(alone) == by_id(found(seed))


@pytest.mark.parametrize("skew", [-60, -4, 4, 60])
def test_a_skew_of_the_log_moves_no_finding_but_its_own(skew: float) -> None:
    """Durations, schedules and silences are each of one clock."""
    there = find(make_history(1, "octo/shop", skew=skew))
    here = find(make_history(1, "octo/shop", skew=0.001))
    others = [finding for finding in there if finding.detector != "clock-skew"]
    assert by_id(others) == by_id(here)
    told = [finding.values["skew_seconds"] for finding in there if finding.detector == "clock-skew"]
    assert told == [pytest.approx(skew, abs=0.01)]


def unscheduled(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if "schedule" not in finding.detector]


def by_id(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.id)


def moved_back(findings: Iterable[Finding], shift: timedelta) -> list[Finding]:
    return by_id(
        replace(
            finding,
            occurred_at=finding.occurred_at and finding.occurred_at - shift,
            evidence=tuple(
                replace(line, logged_at=line.logged_at and line.logged_at - shift) for line in finding.evidence
            ),
        )
        for finding in findings
    )
