"""PyGithub and githubkit read the stand-in into their own classes: what does not fit them raises."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from forensics.synth.rest import stamp
from tests.judges import truth
from tests.judges.program import TOKEN, Program
from tests.standin import Judge, StandIn, dense_world

pytestmark = pytest.mark.judge
CLIENTS = Path(__file__).parent / "clients"


def test_pygithub(installed: Callable[[str], Program], verdict: Callable[[str], None]) -> None:
    """Proves: lists page by its own arithmetic; a run fetched alone, its attempts, jobs, steps and people."""
    world = dense_world(120, 8)
    run = truth.pick_rerun(world, partial=True)
    python = installed("python")
    with StandIn(world, judge=Judge.load()) as github:
        where = {"API_URL": github.api_url, "TOKEN": TOKEN, "REPOSITORY": truth.REPOSITORY, "RUN_ID": str(run.run_id)}
        saw = json.loads(python.say(CLIENTS / "ask_pygithub.py", **where))
    assert truth.read_runs(saw["runs"]) == truth.tell_runs(world)
    assert {(entry["id"], entry["created_at"], entry["actor"], entry["head_sha"]) for entry in saw["runs"]} == {
        (known.run_id, stamp(known.created_at), known.actor.login, known.commit.sha) for known in truth.runs(world)
    }
    jobs = {job.job_id: job for attempt in run.attempts for job in attempt.jobs}
    assert {job["id"]: (job["conclusion"], job["steps"]) for job in saw["jobs"]} == {
        number: (job.conclusion, [step.name for step in job.steps]) for number, job in jobs.items()
    }
    assert saw["first"] == {"run_attempt": 1, "conclusion": run.attempts[0].conclusion}
    assert len(saw["workflows"]) == 5
    verdict(f"PyGithub: {len(saw['runs'])} runs, {len(saw['jobs'])} jobs of 2 attempts, people, steps")


def test_pygithub_as_an_app(installed: Callable[[str], Program], verdict: Callable[[str], None]) -> None:
    """Proves: a token made from an App's signed claim by another library than ours is given, and opens the API."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    world = dense_world(120, 8, clock=time.time)  # a claim is good for minutes of the real clock
    world.install_app(4711, 990_017, public)
    where = {"REPOSITORY": truth.REPOSITORY, "APP_ID": "4711", "INSTALLATION_ID": "990017"}
    python = installed("python")
    with StandIn(world, judge=Judge.load()) as github:
        saw = json.loads(python.say(CLIENTS / "ask_as_app.py", told=private, API_URL=github.api_url, **where))
        used = {seen.authorization for seen in github.asked("runs")}
    assert saw["runs"] == world.run_ids()[::-1]
    assert used == {f"token {saw['token']}"}
    verdict("PyGithub: as a GitHub App, with a token made for it")


def test_githubkit(installed: Callable[[str], Program], verdict: Callable[[str], None]) -> None:
    """Proves: runs, jobs, attempts, workflows and deployments fit the models generated from GitHub's description."""
    world = dense_world(120, 8)
    run = truth.pick_rerun(world, partial=True)
    python = installed("python")
    with StandIn(world, judge=Judge.load()) as github:
        where = {"API_URL": github.api_url, "TOKEN": TOKEN, "OWNER": truth.OWNER, "REPO": truth.NAME}
        saw = json.loads(python.say(CLIENTS / "ask_githubkit.py", **where, RUN_ID=str(run.run_id)))
    assert truth.read_runs(saw["runs"]) == truth.tell_runs(world)
    assert {job["id"]: job["conclusion"] for job in saw["jobs"]} == {
        job.job_id: job.conclusion for attempt in run.attempts for job in attempt.jobs
    }
    assert saw["first"] == {"run_attempt": 1, "conclusion": run.attempts[0].conclusion}
    assert len(saw["workflows"]) == 5
    assert saw["deployments"]
    verdict(f"githubkit: {len(saw['runs'])} runs and all else fit the models generated from GitHub's description")
