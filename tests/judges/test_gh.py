"""gh, GitHub's own client for the terminal, takes the stand-in for github.com."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest

from forensics.synth.history import Attempt, Job
from tests.judges import truth
from tests.judges.program import Program, led_to
from tests.standin import Judge, StandIn, World, dense_world, faults

pytestmark = pytest.mark.judge
REPO = ("-R", truth.REPOSITORY)
BOM = "\ufeff"


@pytest.fixture(scope="module")
def world() -> World:
    return dense_world(150, 10)


@pytest.fixture
def github(world: World) -> Iterator[StandIn]:
    with StandIn(world, tls=True, judge=Judge.load()) as standin:
        yield standin


@pytest.fixture
def ask(gh: Program, github: StandIn) -> Program:
    return Program(gh.command, {**gh.environment, **led_to(github)}, gh.folder)


def test_list_and_pages(ask: Program, world: World, verdict: Callable[[str], None]) -> None:
    """Proves: gh's own list and its ``api --paginate`` (by the numeric Link) show every run once, as it stands."""
    fields = "databaseId,attempt,conclusion,status,workflowName,headSha"
    listed = json.loads(ask.say("run", "list", *REPO, "--limit", "1000", "--json", fields))
    assert {run["databaseId"]: (run["attempt"], run["conclusion"]) for run in listed} == truth.tell_runs(world)
    assert [run["databaseId"] for run in listed] == world.run_ids()[::-1]
    assert {run["workflowName"] for run in listed} == {"CI", "Deploy", "Docs", "Infrastructure", "Release"}
    pages = ask.say(
        "api", "--paginate", f"repos/{truth.REPOSITORY}/actions/runs?per_page=40", "--jq", ".workflow_runs[].id"
    )
    assert [int(line) for line in pages.split()] == world.run_ids()[::-1]
    verdict(f"gh: run list and api --paginate show {len(listed)} of {len(world.run_ids())} runs")


@pytest.mark.parametrize("partial", [True, False], ids=["re-run in part", "re-run as a whole"])
def test_logs_of_each_attempt(ask: Program, world: World, verdict: Callable[[str], None], partial: bool) -> None:
    """Proves: gh finds jobs, archive members and lines of either attempt; nothing is lost, doubled or mixed up.

    Jobs that a partial re-run took over are missing in the archive: gh asks for their logs one by one.
    """
    run = truth.pick_rerun(world, partial=partial)
    told = 0
    for attempt in run.attempts:
        text = ask.say("run", "view", *REPO, str(run.run_id), "--attempt", str(attempt.number), "--log")
        assert _by_job(text) == {
            job.name: truth.tell_log(world, run, wrote, known)
            for job in attempt.jobs
            for wrote, known in [_origin(run.attempts, attempt, job)]
            if known.executed
        }
        told += text.count("\n")
    how = "in part" if partial else "as a whole"
    verdict(f"gh: run view --attempt 1 and 2 --log, a run run again {how}: {told} lines, none lost or doubled")


def test_one_job(ask: Program, world: World, verdict: Callable[[str], None]) -> None:
    """Proves: a job found by its id alone, its steps as GitHub numbers them, and its log.

    The log is that of a job of the latest attempt: whatever job is named, gh looks into that one's archive.
    """
    run = truth.pick_rerun(world, partial=True)
    job = next(job for job in run.attempts[0].jobs if job.conclusion == "failure")
    shown = ask.say("run", "view", *REPO, "--job", str(job.job_id))
    failed = next(step.name for step in job.steps if step.conclusion == "failure")
    assert f"X {job.name} in " in shown
    assert f"X {failed}" in shown
    latest = next(job for job in run.latest.jobs if job.executed)
    text = ask.say("run", "view", *REPO, "--job", str(latest.job_id), "--log")
    assert _by_job(text) == {latest.name: truth.tell_log(world, run, run.latest, latest)}
    verdict(f"gh: run view --job: the failed step of a failed job, and {text.count(chr(10))} lines of another")


def test_concurrency_groups(ask: Program, world: World, verdict: Callable[[str], None]) -> None:
    """Proves: the groups of past runs of all workflows can be asked for, and nobody is in them."""
    named = set()
    for run in {run.workflow: run for run in truth.runs(world)}.values():
        told = json.loads(ask.say("api", f"repos/{truth.REPOSITORY}/actions/runs/{run.run_id}/concurrency_groups"))
        assert [group["group_name"] for group in told["concurrency_groups"]] == truth.tell_groups(world, run)
        assert all(group["group_members"] == [] for group in told["concurrency_groups"])
        named |= set(truth.tell_groups(world, run))
    assert named
    verdict(f"gh: api …/concurrency_groups: {len(named)} groups of runs of all workflows")


def test_a_queue(ask: Program, github: StandIn) -> None:
    """Proves: who holds a group and who waits for it, in GitHub's order."""
    holder = github.world.add_run(workflow="docs.yml", phase="in_progress")
    waiting = github.world.add_run(workflow="docs.yml", phase="queued")
    try:
        told = json.loads(ask.say("api", f"repos/{truth.REPOSITORY}/actions/runs/{waiting}/concurrency_groups"))
        queue = {(member["position"], member["run_id"]) for member in told["concurrency_groups"][0]["group_members"]}
        assert queue == {(0, holder), (1, waiting)}
        listed = ask.say("run", "list", *REPO, "--status", "queued", "--json", "databaseId", "--jq", ".[].databaseId")
        assert listed.split() == [str(waiting)]
    finally:
        github.world.delete_run(holder)
        github.world.delete_run(waiting)


def test_words_for_refusals(ask: Program, github: StandIn, verdict: Callable[[str], None]) -> None:
    """Proves: gh recognises refusals by header, status and body, and gives the advice that it has for each."""
    world = github.world
    github.inject(faults.sso_required())
    sso = ask.run("run", "list", *REPO)
    assert sso.returncode == 1
    assert "Authorize in your web browser:  https://github.com/orgs/acme/sso?" in sso.stderr
    wrong = ask.run("run", "list", *REPO, GH_TOKEN="wrong", GITHUB_TOKEN="wrong")
    assert wrong.returncode == 1
    assert "HTTP 401: Bad credentials" in wrong.stderr
    assert "gh auth login" in wrong.stderr
    run_id = world.run_ids()[0]
    world.expire_logs(run_id)
    gone = ask.run("run", "view", *REPO, str(run_id), "--log")
    assert gone.returncode == 1
    assert "failed to get run log: HTTP 410" in gone.stderr
    missing = ask.run("api", f"repos/{truth.REPOSITORY}/actions/runs/1")
    assert "HTTP 404" in missing.stderr
    verdict("gh: SSO, 401, 404 and 410 are told in the words that it has for GitHub's own")


def _by_job(text: str) -> dict[str, list[str]]:
    """What ``--log`` prints is ``job TAB step TAB line``; an archive's files begin with a byte order mark.

    gh shows an escape as ``^[``, so that no log can steer a terminal.
    """
    jobs: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        job, _, said = line.split("\t", 2)
        jobs[job].append(said.removeprefix(BOM).replace("^[[", "\x1b["))
    return dict(jobs)


def _origin(attempts: tuple[Attempt, ...], attempt: Attempt, job: Job) -> tuple[Attempt, Job]:
    """The attempt that ran a job: this one, or an earlier one that it was taken over from."""
    for earlier in attempts[attempt.number - 1 :: -1]:
        known = next(entry for entry in earlier.jobs if entry.name == job.name)
        if not known.copied:
            return earlier, known
    raise AssertionError(job.name)
