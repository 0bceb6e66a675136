"""Incidents that can be planted in a quiet history, each with what must be found in the end.

Each comes from a real kind of incident; the workflow files hold the concurrency setting that let it happen.
An incident lives in one of the history's windows, two hours without merges, so it never meets a quiet run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from forensics.model import RunRef
from forensics.synth.commits import PEOPLE, Commit, make_sha
from forensics.synth.deeds import DEPLOYMENT, INFRASTRUCTURE
from forensics.synth.execute import Cancellation, Twist, Twists, rerun, start_run
from forensics.synth.history import History, Job, Run
from forensics.synth.quiet import push_to_main
from forensics.synth.scene import IMAGE, PACKAGE
from forensics.synth.template import load_workflow


@dataclass(frozen=True)
class Expected:
    """Something that a detector must find."""

    detector: str
    """Id of the detector."""
    runs: tuple[RunRef, ...]
    """The attempts it must name, oldest first."""
    target: str | None = None
    """What was touched, as the effect rules name it."""
    identity: str | None = None
    """What came into being twice."""


@dataclass(frozen=True)
class Planted:
    """A history with an incident in it."""

    history: History
    expected: tuple[Expected, ...]


@dataclass(frozen=True)
class Scenario:
    """A kind of incident."""

    title: str
    sentence: str
    plant: Callable[[History, datetime], Planted]
    """(history, start of a window) → the history with the incident, and what must be found."""


def plant_double_publish(history: History, window: datetime) -> Planted:
    """Two pushes six seconds apart release the same version; later a partial re-run publishes another one again."""
    rng = _rng(history, "double-publish")
    minor = _released_minor(history, window)
    first = _commit(rng, "Accept lower-case currency codes in refunds", "packages", window, 5 * 60)
    second = _commit(rng, "Type the refund payload", "packages", first.pushed_at, 6.4)
    facts = {"version": f"2.{minor}.1", "previous": f"2.{minor}.0"}
    winner = _push(first, "release.yml", rng, _release_pace(96.0, 21.0), facts=facts)
    loser = _push(
        second,
        "release.yml",
        rng,
        _release_pace(118.0, 31.0)
        | {
            ("image", "Push release tag"): Twist(seconds=2.9, mode="tag-exists"),
            ("npm", "Publish package"): Twist(seconds=6.8, conclusion="failure", mode="already-published"),
            ("github-release", "Create GitHub release"): Twist(seconds=5.2, mode="found"),
        },
        facts=facts,
    )
    third = _commit(rng, "Keep trailing zeros in prices", "packages", window, 40 * 60)
    slow = {("npm", "Verify package"): Twist(seconds=64.0, conclusion="failure", mode="not-visible")}
    facts = {"version": f"2.{minor}.2", "previous": f"2.{minor}.1"}
    again = _push(third, "release.yml", rng, slow, facts=facts)
    refused = {("npm", "Publish package"): Twist(conclusion="failure", mode="already-published")}
    asked = again.latest.ended_at + timedelta(minutes=9)
    workflow = load_workflow("release.yml")
    again = rerun(again, workflow, asked, PEOPLE[3], rng, only_failed=True, twists=refused)
    history = _tell_next_release(history, window, f"2.{minor}.2")
    tests = _test_serially((first, second, third), rng)
    history = history.joined_by((first, second, third), (winner, loser, again, *tests))
    pair = (_ref(winner), _ref(loser))
    image = f"docker:{IMAGE}:2.{minor}.1"
    return Planted(
        history,
        (
            Expected("duplicate-effect", pair, f"npm:{PACKAGE}", f"{PACKAGE}@2.{minor}.1"),
            Expected("version-race", pair, f"git-tag:github.com/{history.repository} v2.{minor}.1", f"v2.{minor}.1"),
            Expected("duplicate-effect", pair, f"release:{history.repository}", f"v2.{minor}.1"),
            Expected(
                "duplicate-effect", (_ref(again, 1), _ref(again, 2)), f"npm:{PACKAGE}", f"{PACKAGE}@2.{minor}.2"
            ),
            Expected("overlapping-runs", pair),
            Expected("overlapping-effects", pair, image),
            Expected("unique-group", pair, image),
        ),
    )


def plant_racing_deploys(history: History, window: datetime) -> Planted:
    """The older commit's deploy begins first but ends last, for its build cache is cold; every check is green."""
    rng = _rng(history, "racing-deploys")
    older = _commit(rng, "Show delivery estimate for parcels", "apps", window, 22 * 60)
    newer = _commit(rng, "Hide delivery estimate for gift cards", "apps", older.pushed_at, 95)
    build, roll = ("deploy", "Build and push production image"), ("deploy", "Wait for rollout")
    cold = {build: Twist(seconds=243.0, mode="cold-cache"), roll: Twist(seconds=58.0)}
    warm = {build: Twist(seconds=71.0), roll: Twist(seconds=44.0)}
    late, early = _push(older, "deploy.yml", rng, cold), _push(newer, "deploy.yml", rng, warm)
    history = history.joined_by((older, newer), (late, early, *_test_serially((older, newer), rng)))
    pair = (_ref(late), _ref(early))
    image = f"docker:{IMAGE}:production"
    return Planted(
        history,
        (
            Expected("out-of-order-effect", pair, DEPLOYMENT),
            Expected("tag-overwrite", pair, image),
            Expected("overlapping-runs", pair),
            Expected("overlapping-effects", pair, image),
            Expected("unique-group", pair, image),
        ),
    )


def plant_cancelled_apply(history: History, window: datetime) -> Planted:
    """A newer push cancels a Terraform apply half-way; the next run finds the lock that it left."""
    rng = _rng(history, "cancelled-apply")
    first = _commit(rng, "Move session storage to its own subnet", "infra", window, 35 * 60)
    facts = {"add": "3", "change": "1"}
    long = {("apply", "Terraform apply"): Twist(seconds=150.0)}
    dice = rng.getrandbits(64)
    # Told twice with the same dice: once to learn when the apply begins, once with the cancel in its middle.
    uncut = _push(first, "infra.yml", Random(dice), long, facts=facts)  # noqa: S311
    began = next(step for step in _job(uncut, "apply").steps if step.name == "Terraform apply").started_at
    second = _commit(rng, "Tighten the bucket policy of the image store", "infra", began, 41)
    arrives = push_to_main(second, Random(second.sha))["infra.yml"]  # noqa: S311
    reason = "Canceling since a higher priority waiting request for 'terraform-production' exists"
    cut = Cancellation(arrives + timedelta(seconds=1.1), reason, tail=10.3, mode="killed")
    killed = _push(first, "infra.yml", Random(dice), long, facts=facts, cancellation=cut)  # noqa: S311
    holder = _job(killed, "apply").runner
    lock = {
        "lock_id": f"{rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4{rng.getrandbits(12):03x}"
        f"-a{rng.getrandbits(12):03x}-{rng.getrandbits(48):012x}",
        "lock_who": f"runner@{holder.name if holder else ''}",
        "lock_created": f"{began + timedelta(seconds=1.4)}{rng.randrange(1000):03d} +0000 UTC",
    }
    locked = {("plan", "Terraform plan"): Twist(seconds=4.2, conclusion="failure", mode="locked")}
    refused = start_run(
        load_workflow("infra.yml"),
        second,
        "push",
        arrives,
        rng,
        begins_at=killed.latest.ended_at + timedelta(seconds=1.3),
        twists=locked,
        facts={"add": "1", "change": "2", **lock},
    )
    unlocked_at = refused.latest.ended_at + timedelta(minutes=26)
    refused = rerun(refused, load_workflow("infra.yml"), unlocked_at, PEOPLE[1], rng, only_failed=False)
    history = history.joined_by((first, second), (killed, refused, *_test_serially((first, second), rng)))
    pair = (_ref(killed), _ref(refused, 1))
    return Planted(
        history,
        (Expected("cancelled-mid-effect", pair, INFRASTRUCTURE), Expected("abandoned-lock", pair, INFRASTRUCTURE)),
    )


def plant_slow_step(history: History, window: datetime) -> Planted:
    """The integration tests of one run hang on a database lock for ten times their usual time, and still pass."""
    rng = _rng(history, "slow-step")
    midnight = window.replace(hour=0, minute=0)
    usual = [
        run
        for run in history.runs
        if run.lane == ("ci.yml", "main") and midnight <= run.created_at < midnight + timedelta(days=1)
    ]
    # The last one of the day has the lane for itself until the next morning.
    old = usual[-1]
    hung = {("test (22)", "Integration tests"): Twist(seconds=1287.0, mode="hung")}
    new = start_run(load_workflow("ci.yml"), old.commit, old.event, old.created_at, rng, actor=old.actor, twists=hung)
    return Planted(history.replacing(old, new), (Expected("duration-outlier", (_ref(new),)),))


def _rng(history: History, name: str) -> Random:
    return Random(f"forensics {name} {history.seed}")  # noqa: S311 - made-up data must be repeatable, not secret


def _commit(rng: Random, subject: str, area: str, start: datetime, after: float) -> Commit:
    """A merge to the default branch ``after`` seconds from ``start``."""
    moment = start + timedelta(seconds=after)
    return Commit(make_sha(rng), "main", subject, rng.choice(PEOPLE), moment, moment, area)


def _push(
    commit: Commit,
    file: str,
    rng: Random,
    twists: Twists,
    *,
    facts: dict[str, str] | None = None,
    cancellation: Cancellation | None = None,
) -> Run:
    """The run of one workflow that a push to the default branch starts."""
    # The run's creation must not depend on the dice of its course.
    created = push_to_main(commit, Random(commit.sha))[file]  # noqa: S311
    workflow = load_workflow(file)
    return start_run(workflow, commit, "push", created, rng, twists=twists, facts=facts, cancellation=cancellation)


def _test_serially(commits: tuple[Commit, ...], rng: Random) -> list[Run]:
    """The CI runs of these pushes: their group lets one in at a time, so a later one's jobs appear late."""
    runs: list[Run] = []
    for commit in commits:
        created = push_to_main(commit, Random(commit.sha))["ci.yml"]  # noqa: S311
        free = max((run.latest.ended_at + timedelta(seconds=1.2) for run in runs), default=created)
        begins = max(created, free)
        runs.append(start_run(load_workflow("ci.yml"), commit, "push", created, rng, begins_at=begins))
    return runs


def _release_pace(image: float, build: float) -> dict[tuple[str, str], Twist]:
    """Fixed durations where the order of two releases depends on them."""
    return {
        ("version", "Compute next version"): Twist(seconds=2.3),
        ("image", "Build and push release image"): Twist(seconds=image),
        ("npm", "Install dependencies"): Twist(seconds=14.0),
        ("npm", "Build package"): Twist(seconds=build),
    }


def _released_minor(history: History, moment: datetime) -> int:
    """Second number of the last version released before this moment."""
    versions = [
        run.latest.facts["version"]
        for run in history.runs
        if run.workflow == "release.yml" and run.created_at < moment
    ]
    return max((int(version.split(".")[1]) for version in versions), default=0)


def _tell_next_release(history: History, moment: datetime, version: str) -> History:
    """The next release has this one as its latest tag."""
    later = (run for run in history.runs if run.workflow == "release.yml" and run.created_at > moment)
    run = next(later, None)
    if run is None:
        return history
    attempts = tuple(replace(attempt, facts={**attempt.facts, "previous": version}) for attempt in run.attempts)
    return history.replacing(run, replace(run, attempts=attempts))


def _job(run: Run, name: str) -> Job:
    return next(job for job in run.latest.jobs if job.name == name)


def _ref(run: Run, attempt: int | None = None) -> RunRef:
    return RunRef(run.run_id, attempt or run.latest.number)


SCENARIOS: dict[str, Scenario] = {
    "double-publish": Scenario(
        "Double publish",
        "Two pushes seconds apart release the same version; the registry refuses the second, the release page takes"
        " both; later a re-run publishes once more.",
        plant_double_publish,
    ),
    "racing-deploys": Scenario(
        "Racing deploys",
        "An older commit's deploy ends after a newer one's: production runs old code and every check is green.",
        plant_racing_deploys,
    ),
    "cancelled-apply": Scenario(
        "Cancelled apply",
        "A newer push cancels a Terraform apply half-way, and the next run meets the lock that it left behind.",
        plant_cancelled_apply,
    ),
    "slow-step": Scenario(
        "Slow step",
        "Integration tests hang for ten times their usual time and still pass.",
        plant_slow_step,
    ),
    "quiet": Scenario(
        "Quiet",
        "Nothing goes wrong, and nothing may be found.",
        lambda history, _: Planted(history, ()),
    ),
}
"""Name on the command line → scenario."""
