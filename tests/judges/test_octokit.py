"""Octokit, GitHub's own client for JavaScript, takes the stand-in for GitHub's API under another address."""

from __future__ import annotations

import json
import shutil
import zipfile
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from tests.judges import truth
from tests.judges.program import TOKEN, Program
from tests.standin import Judge, StandIn, dense_world

pytestmark = pytest.mark.judge
SCRIPT = Path(__file__).parent / "clients" / "ask_octokit.mjs"


def test_octokit(node: Program, verdict: Callable[[str], None]) -> None:
    """Proves: paging by the numeric Link, ``filter=all``, log redirects without the token, groups, a typed 404."""
    world = dense_world(230, 12)
    run = truth.pick_rerun(world, partial=True)
    shutil.copy(SCRIPT, node.folder)  # where the packages are: that is how node finds them
    with StandIn(world, judge=Judge.load()) as github:
        where = {"API_URL": github.api_url, "TOKEN": TOKEN, "OWNER": truth.OWNER, "REPO": truth.NAME}
        saw = json.loads(node.say(SCRIPT.name, **where, RUN_ID=str(run.run_id)))
        downloads = github.asked("download")
    assert [entry["id"] for entry in saw["runs"]] == world.run_ids()[::-1]
    assert truth.read_runs(saw["runs"]) == truth.tell_runs(world)
    numeric = [address for address in saw["asked"] if "/repositories/" in address]
    assert len([address for address in numeric if "/actions/runs?" in address]) == 2  # pages 2 and 3

    known = {job: said for job, said in truth.tell_jobs(world).items() if said[0] == run.run_id}
    assert {job["id"]: (run.run_id, job["run_attempt"], job["conclusion"]) for job in saw["all"]} == known
    assert {job["id"] for job in saw["latest"]} == {job.job_id for job in run.latest.jobs}
    assert {job["id"] for job in saw["first"]} == {job.job_id for job in run.attempts[0].jobs}

    with zipfile.ZipFile(BytesIO(b64decode(saw["logs"]["base64"]))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == truth.tell_archive(
            world, run, run.attempts[0]
        )
    ran = next(job for job in run.attempts[0].jobs if job.executed)
    lines = saw["log"]["text"].removeprefix("\ufeff").splitlines()
    assert lines == truth.tell_log(world, run, run.attempts[0], ran)
    assert len(downloads) == 2
    assert all(seen.status == 200 and seen.authorization is None for seen in downloads)

    assert [group["group_name"] for group in saw["groups"]["concurrency_groups"]] == truth.tell_groups(world, run)
    assert saw["missing"]["status"] == 404
    assert "Not Found" in saw["missing"]["message"]
    verdict(f"octokit: {len(saw['runs'])} runs in 3 pages, {len(saw['all'])} jobs of 2 attempts, logs, groups")
