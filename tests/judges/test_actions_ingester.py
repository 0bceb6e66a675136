"""github-actions-ingester fills a PostgreSQL from the stand-in: another program's idea of the same history."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from forensics.synth.history import START, cut
from tests.judges import truth
from tests.judges.ours import Case
from tests.judges.postgres import PostgresMissing, serve_postgres
from tests.judges.program import TOKEN, Program, require
from tests.standin import Judge, StandIn, World, dense_world

pytestmark = pytest.mark.judge


def test_parity(installed: Callable[[str], Program], case: Case, verdict: Callable[[str], None]) -> None:
    """Proves: another ingester gets every run and every job of every attempt, with conclusions and times as they are.

    It asks an Enterprise Server's address (``/api/v3``). Then the oracle: our case has the same runs and jobs.
    """
    world = dense_world(120, 8)
    ingester = installed("github-actions-ingester")
    try:
        with serve_postgres() as postgres, StandIn(world, judge=Judge.load()) as github:
            ingester.say("run", "--once", **_settings(postgres.url, github))
            runs = postgres.rows("SELECT id, run_attempt, conclusion, created_at, event FROM gha.workflow_runs")
            jobs = postgres.rows(
                "SELECT id, run_id, run_attempt, conclusion, started_at, completed_at, steps FROM gha.workflow_jobs"
            )
            workflows = postgres.rows("SELECT path, cardinality(triggers) AS triggers FROM gha.workflows")
            case.ingest(github)
    except PostgresMissing as lacking:
        require(False, str(lacking))
    assert truth.read_runs(runs) == truth.tell_runs(world)
    assert {row["id"]: (row["created_at"], row["event"]) for row in runs} == {
        run.run_id: (_iso(run.created_at), run.event) for run in truth.runs(world)
    }
    assert {row["id"]: _facts(row) for row in jobs} == _job_facts(world)
    assert len(workflows) == 5
    assert all(row["triggers"] for row in workflows)  # read from the file on the default branch

    ours = case.rows("SELECT run_id AS id, latest_attempt AS run_attempt, conclusion FROM runs")
    assert truth.read_runs(ours) == truth.read_runs(runs)
    our_jobs = case.rows(
        """SELECT job_id AS id, run_id, attempt AS run_attempt, conclusion, started_at, completed_at,
            (SELECT count(*) FROM steps WHERE steps.job_id = jobs.job_id) AS steps
        FROM jobs"""
    )
    assert {row["id"]: _facts(row) for row in our_jobs} == {row["id"]: _facts(row) for row in jobs}
    verdict(f"github-actions-ingester: {len(runs)} runs and {len(jobs)} jobs in PostgreSQL, the same as in our case")


def _settings(database: str, github: StandIn) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    days = (datetime.now(UTC).replace(tzinfo=None) - START).days + 2
    return {
        "GHA_GITHUB_API_BASE": f"{github.api_url}/api/v3",
        "GHA_GITHUB_TOKEN": TOKEN,
        "GHA_REPOS": truth.REPOSITORY,
        "GHA_DATABASE_URL": database,
        "GHA_BACKFILL_DAYS": str(days),
        "GHA_API_RATE_LIMIT_RPS": "50",  # its usual 5 a second are meant for GitHub
        "GHA_LISTEN_HOST": "127.0.0.1",
        "GHA_LISTEN_PORT": str(port),
    }


def _facts(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is compared of a job; PostgreSQL writes UTC as ``+00:00``, our JSON as ``Z``."""
    times = [
        row[name] and row[name].removesuffix("+00:00").removesuffix("Z") for name in ("started_at", "completed_at")
    ]
    return row["run_id"], row["run_attempt"], row["conclusion"], *times, row["steps"]


def _job_facts(world: World) -> dict[int, tuple[Any, ...]]:
    return {
        job.job_id: (
            run.run_id,
            attempt.number,
            job.conclusion,
            cut(job.started_at).isoformat(),
            cut(job.completed_at).isoformat(),
            len(job.steps),
        )
        for run in truth.runs(world)
        for attempt in run.attempts
        for job in attempt.jobs
    }


def _iso(moment: datetime) -> str:
    return f"{cut(moment).isoformat()}+00:00"
