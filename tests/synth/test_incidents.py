"""Every planted incident really is in what was written, and lies among runs that it does not disturb."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from forensics.errors import UsageProblem
from forensics.model import RunRef
from forensics.synth.deeds import DEPLOYMENT, list_deeds
from forensics.synth.incidents import SCENARIOS, Expected, Planted
from forensics.synth.synthesise import DEMO, plan, synthesise


def read_log(root: Path, run: RunRef, job: str) -> str:
    """A job's log without time stamps and colours."""
    with zipfile.ZipFile(root / f"actions/runs/{run.run_id}/attempts/{run.attempt}/logs.zip") as archive:
        name = next(name for name in archive.namelist() if re.fullmatch(rf"\d+_{re.escape(job)}\.txt", name))
        text = archive.read(name).decode("utf-8-sig")
    return re.sub(r"\x1b\[[0-9;]*m", "", re.sub(r"(?m)^\S+Z ", "", text))


def read_jobs(root: Path, run: RunRef) -> dict[str, dict[str, str]]:
    jobs = json.loads((root / f"actions/runs/{run.run_id}/attempts/{run.attempt}/jobs.json").read_bytes())["jobs"]
    return {job["name"]: job for job in jobs}


def find(expected: tuple[Expected, ...], detector: str, target: str | None = None) -> Expected:
    return next(one for one in expected if one.detector == detector and target in (None, one.target))


def test_demo_expects_what_its_incidents_are_about(planted: Planted) -> None:
    assert sorted({one.detector for one in planted.expected}) == [
        "abandoned-lock",
        "cancelled-mid-effect",
        "duplicate-effect",
        "duration-outlier",
        "out-of-order-effect",
        "overlapping-effects",
        "overlapping-runs",
        "tag-overwrite",
        "unique-group",
        "version-race",
    ]


def test_double_publish_one_accepted_one_refused(planted: Planted, root: Path) -> None:
    found = find(planted.expected, "duplicate-effect", "npm:@acme/storefront-sdk")
    first, second = found.runs
    assert f"\n+ {found.identity}\n" in read_log(root, first, "npm")
    version = (found.identity or "").rpartition("@")[2]
    refused = read_log(root, second, "npm")
    assert "\nnpm error code E403\n" in refused
    assert f"You cannot publish over the previously published versions: {version}.\n" in refused
    assert f"\n+ {found.identity}\n" not in refused


def test_double_publish_release_page_takes_both(planted: Planted, root: Path) -> None:
    found = find(planted.expected, "duplicate-effect", "release:acme/storefront")
    ready = f"🎉 Release ready at https://github.com/acme/storefront/releases/tag/{found.identity}\n"
    first, second = (read_log(root, run, "github-release") for run in found.runs)
    assert f"Creating new GitHub release for tag {found.identity}..." in first
    assert f"Found release {found.identity} (with id=" in second
    assert ready in first
    assert ready in second


def test_double_publish_partial_rerun_publishes_again(planted: Planted, root: Path) -> None:
    found = [one for one in planted.expected if one.detector == "duplicate-effect"][-1]
    first, second = found.runs
    assert (first.run_id, first.attempt, second.attempt) == (second.run_id, 1, 2)
    assert f"\n+ {found.identity}\n" in read_log(root, first, "npm")
    assert "cannot publish over the previously published versions" in read_log(root, second, "npm")
    before, after = read_jobs(root, first), read_jobs(root, second)
    assert after["image"]["started_at"] == before["image"]["started_at"]
    assert after["image"]["id"] != before["image"]["id"]
    assert after["npm"]["started_at"] > before["npm"]["completed_at"]


def test_racing_deploys_end_on_the_older_commit_all_green(planted: Planted, root: Path) -> None:
    found = find(planted.expected, "out-of-order-effect")
    older, newer = (next(run for run in planted.history.runs if run.run_id == ref.run_id) for ref in found.runs)
    assert older.commit.pushed_at < newer.commit.pushed_at
    assert {older.latest.conclusion, newer.latest.conclusion} == {"success"}
    assert older.latest.jobs[0].started_at < newer.latest.jobs[0].started_at
    ends = {}
    for deed in list_deeds(planted.history):
        if deed.run in (older, newer):
            ends[deed.run.run_id, deed.target] = deed.occurred_at
    for target in (DEPLOYMENT, "docker:ghcr.io/acme/storefront:production"):
        assert ends[older.run_id, target] > ends[newer.run_id, target]
    for ref, run in zip(found.runs, (older, newer), strict=True):
        log = read_log(root, ref, "deploy")
        assert re.search(r"\n#19 pushing manifest for ghcr\.io/acme/storefront:production@sha256:\S+ \S+ done\n", log)
        assert '\ndeployment "storefront" successfully rolled out\n' in log
        assert f"git log -1 --format=%H\n{run.commit.sha}\n" in log


def test_cancelled_apply_leaves_a_lock_that_the_next_run_meets(planted: Planted, root: Path) -> None:
    killed, next_one = find(planted.expected, "cancelled-mid-effect").runs
    log = read_log(root, killed, "apply")
    assert "aws_db_instance.orders_replica: Modifying..." in log
    assert "Apply complete!" not in log
    assert "\n##[error]The operation was canceled.\n" in log
    job = read_jobs(root, killed)["apply"]
    notes = json.loads((root / f"check-runs/{job['id']}/annotations.json").read_bytes())
    reason = "Canceling since a higher priority waiting request for 'terraform-production' exists"
    assert reason in [note["message"] for note in notes]
    victim = next(run for run in planted.history.runs if run.run_id == killed.run_id)
    after = [
        run for run in planted.history.runs if run.workflow == "infra.yml" and run.created_at > victim.created_at
    ]
    assert after[0].run_id == next_one.run_id
    refused = read_log(root, next_one, "plan")
    assert "Error: Error acquiring the state lock" in refused
    who = re.search(r"Who: +runner@(\S+)", refused)
    assert who
    assert who[1] == job["runner_name"]
    made = re.search(r"Created: +(\S+ \S+)\d{3} \+0000 UTC", refused)
    assert made
    assert job["started_at"] < datetime.fromisoformat(made[1]).isoformat() < job["completed_at"]
    # It waited until the victim had let go.
    assert min(job.started_at for job in after[0].attempts[0].jobs) > victim.latest.ended_at


def test_slow_step_takes_ten_times_its_usual_time(planted: Planted, root: Path) -> None:
    (slow,) = find(planted.expected, "duration-outlier").runs
    durations = {}
    for run, attempt, job in planted.history.executions():
        for step in job.steps:
            if step.name == "Integration tests" and step.conclusion == "success":
                key = (run.run_id, attempt.number, job.name)
                durations[key] = (step.completed_at - step.started_at).total_seconds()
    hung = durations.pop((slow.run_id, 1, "test (22)"))
    assert hung > 5 * max(durations.values())
    assert "waiting for lock on relation orders (1140 s)" in read_log(root, slow, "test (22)")


@pytest.mark.parametrize("seed", range(20))
def test_incidents_go_as_planned_whatever_the_dice(seed: int) -> None:
    planted = plan(DEMO, seed=seed)
    runs = {run.run_id: run for run in planted.history.runs}
    deeds = list(list_deeds(planted.history))
    for one in planted.expected:
        assert {ref.run_id for ref in one.runs} <= runs.keys()
    race = [runs[ref.run_id] for ref in find(planted.expected, "out-of-order-effect").runs]
    older, newer = ([deed for deed in deeds if deed.run is run] for run in race)
    assert min(deed.occurred_at for deed in older) > max(deed.occurred_at for deed in newer if deed.effect == "apply")
    found = find(planted.expected, "duplicate-effect", "release:acme/storefront")
    said = {
        (deed.run.run_id, deed.effect): (deed.outcome, deed.occurred_at)
        for deed in deeds
        if deed.run.run_id in {ref.run_id for ref in found.runs}
    }
    first, second = (ref.run_id for ref in found.runs)
    for effect, outcomes in {
        "push": ("done", "done"),
        "tag": ("done", "rejected"),
        "publish": ("done", "rejected"),
        "release": ("done", "done"),
    }.items():
        assert (said[first, effect][0], said[second, effect][0]) == outcomes
        assert said[first, effect][1] < said[second, effect][1], effect
    killed, _ = find(planted.expected, "cancelled-mid-effect").runs
    assert [deed.outcome for deed in deeds if deed.run.run_id == killed.run_id] == ["unknown"]


@pytest.mark.parametrize("seed", range(0, 20, 4))
def test_versions_still_count_up_when_a_patch_release_came_between(seed: int) -> None:
    history = plan(["double-publish"], seed=seed).history
    latest = "2.0.0"
    for run in history.runs:
        if run.workflow == "release.yml":
            facts = run.latest.facts
            assert facts["previous"] == latest or facts["version"] == latest
            latest = facts["version"]


def test_quiet_plants_nothing() -> None:
    assert plan(["quiet"]) == plan([])
    assert plan(["quiet"]).expected == ()


def test_every_scenario_says_what_it_is_about() -> None:
    assert list(SCENARIOS) == ["double-publish", "racing-deploys", "cancelled-apply", "slow-step", "quiet"]
    for scenario in SCENARIOS.values():
        assert scenario.title
        assert scenario.sentence.endswith(".")


@pytest.mark.parametrize(
    ("scenarios", "sizes", "message"),
    [
        (["double-trouble"], {}, "There is no scenario 'double-trouble'."),
        (["quiet"], {"days": 0}, "The number of days must be at least 1, not 0."),
        (["quiet"], {"runs_per_day": -3}, "The number of runs per day must be at least 1, not -3."),
        (["double-publish", "slow-step"], {"days": 1}, "2 incidents do not fit into 1 working days, one a day."),
    ],
)
def test_wrong_arguments_are_refused(
    scenarios: list[str], sizes: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageProblem, match=re.escape(message)) as raised:
        synthesise(scenarios, tmp_path, **sizes)
    assert raised.value.hint
    assert list(tmp_path.iterdir()) == []
