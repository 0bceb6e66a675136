"""Lets one attempt of a workflow happen: from its YAML and a start time to jobs and steps with times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import log
from random import Random

from forensics.synth.commits import Commit, Person
from forensics.synth.history import Annotation, Attempt, Job, Run, Runner, Step, make_job_id
from forensics.synth.template import (
    COMPLETE_STEP,
    SETUP_STEP,
    JobTemplate,
    StepTemplate,
    WorkflowTemplate,
    pace,
)

_QUEUE_PACE = (3.5, 0.35)
"""Seconds that a job waits for a runner: median and sigma of the natural logarithm."""

_OWN_RUNNERS = (
    Runner(41, "infra-runner-1", 1, "Default", timedelta(milliseconds=310)),
    Runner(42, "infra-runner-2", 1, "Default", timedelta(milliseconds=-180)),
)

_OLD_ACTIONS = ("hashicorp/setup-terraform@v3", "softprops/action-gh-release@v2")
"""Actions made for a Node.js that runners no longer have."""

EXIT_CODE_1 = Annotation("failure", "Process completed with exit code 1.", 1)
_DEPRECATION = (
    "Node.js 20 is deprecated. The following actions target Node.js 20 but are being forced to run on Node.js 24: "
)
CANCELED = Annotation("failure", "The operation was canceled.", 1)


@dataclass(frozen=True)
class Twist:
    """How a step's course differs from the usual one."""

    seconds: float | None = None
    """Exactly how long it takes; by chance if None."""
    conclusion: str = "success"
    mode: str = ""
    annotation: Annotation | None = None
    """What GitHub notes when the step failed; by default the exit code."""


Twists = Mapping[tuple[str, str], Twist]
"""(job name, step name) → twist."""


@dataclass(frozen=True)
class Cancellation:
    """A cancel request, and why it came."""

    at: datetime
    reason: str
    """The annotation's text."""
    tail: float = 0.8
    """Seconds until the running step gives in (GitHub kills it after ten)."""
    mode: str = ""
    """What the cancelled step's log tells."""


@dataclass(frozen=True)
class Order:
    """Everything that decides how one attempt goes, besides chance."""

    workflow: WorkflowTemplate
    event: str
    branch: str
    at: datetime
    """When the run may begin: its creation, or the release of its concurrency group."""
    twists: Twists
    cancellation: Cancellation | None = None
    copies: Mapping[str, Job] | None = None
    """Jobs by name that a partial re-run takes over."""


def execute(order: Order, rng: Random) -> tuple[Job, ...]:
    """The attempt's jobs in the order of the workflow file; later ones appear when their ``needs`` have ended."""
    jobs: dict[str, list[Job]] = {}
    done: list[Job] = []
    for index, template in enumerate(order.workflow.jobs):
        copied = (order.copies or {}).get(template.name)
        if copied is not None:
            job = replace(copied, job_id=make_job_id(order.at, index), copied=True)
        else:
            job = _run_job(order, template, [job for key in template.needs for job in jobs[key]], index, rng)
        jobs.setdefault(template.key, []).append(job)
        done.append(job)
    return tuple(done)


def lasting(median: float, sigma: float, rng: Random) -> timedelta:
    """A log-normal duration."""
    return timedelta(seconds=rng.lognormvariate(log(median), sigma))


def _run_job(order: Order, template: JobTemplate, needs: list[Job], index: int, rng: Random) -> Job:
    ended = max((job.completed_at for job in needs if not job.copied), default=order.at)
    ready = max(ended, order.at) + timedelta(seconds=rng.uniform(0.6, 1.9))
    job_id = make_job_id(ready, index)
    unwanted = template.condition is not None and not _holds(template.condition, order)
    if unwanted or any(job.conclusion != "success" for job in needs):
        return Job(job_id, template.name, "skipped", ready, ready, ready, None)
    starts = ready + lasting(*_QUEUE_PACE, rng)
    cancellation = order.cancellation
    if cancellation and cancellation.at <= starts:
        noted = (Annotation("failure", cancellation.reason),)
        at = max(ready, cancellation.at)
        return Job(job_id, template.name, "cancelled", ready, at, at, None, annotations=noted)
    runner = _pick_runner(template, rng)
    steps, notes = _run_steps(order, template, starts, rng)
    conclusion = next((step.conclusion for step in steps if step.conclusion in ("failure", "cancelled")), "success")
    ends = steps[-1].completed_at + timedelta(seconds=rng.uniform(0.3, 1.4))
    return Job(job_id, template.name, conclusion, ready, starts, ends, runner, steps, notes)


def _holds(condition: str, order: Order) -> bool:
    answers = {
        "github.ref == 'refs/heads/main'": order.event != "pull_request" and order.branch == "main",
        "github.event_name == 'push'": order.event == "push",
    }
    return answers[condition]


def _pick_runner(template: JobTemplate, rng: Random) -> Runner:
    if "self-hosted" in template.labels:
        return rng.choice(_OWN_RUNNERS)
    number = 1_000_400_000 + rng.randrange(90_000)
    skew = timedelta(seconds=max(-0.4, min(0.4, rng.gauss(0.02, 0.12))))
    return Runner(number, f"GitHub Actions {number}", 0, "GitHub Actions", skew)


def _run_steps(
    order: Order, template: JobTemplate, starts: datetime, rng: Random
) -> tuple[tuple[Step, ...], tuple[Annotation, ...]]:
    """The main steps, then the clean-up steps of the actions that ran, last first, then ``Complete job``.

    GitHub numbers them so that with n main steps the clean-up of step i is 2n + 2 - i and the end 2n + 1.
    """
    plan: list[tuple[int, str, StepTemplate | None]] = [(1, SETUP_STEP, None)]
    plan += [(number, step.name, step) for number, step in enumerate(template.steps, start=2)]
    last = len(plan)
    clock = starts + timedelta(seconds=rng.uniform(0.2, 0.9))
    steps: list[Step] = []
    notes: list[Annotation] = []
    for number, name, _ in plan:
        if any(step.conclusion in ("failure", "cancelled") for step in steps):
            steps.append(Step(number, name, "skipped", clock, clock))
            continue
        step, noted = _run_step(order, template, number, name, clock, rng)
        steps.append(step)
        notes += noted
        clock = step.completed_at + timedelta(milliseconds=rng.uniform(4, 60))
    ran = {step.number for step in steps if step.conclusion != "skipped"}
    cleanups = [
        (2 * last + 2 - number, f"Post {name}")
        for number, name, step in reversed(plan)
        if step is not None and step.has_post and number in ran
    ]
    for number, name in [*cleanups, (2 * last + 1, COMPLETE_STEP)]:
        ends = clock + lasting(*pace(name), rng)
        steps.append(Step(number, name, "success", clock, ends))
        clock = ends + timedelta(milliseconds=rng.uniform(2, 20))
    old = [step.uses for step in template.steps if step.uses in _OLD_ACTIONS]
    if old:
        notes.append(Annotation("warning", _DEPRECATION + ", ".join(old)))
    return tuple(steps), tuple(notes)


def _run_step(
    order: Order, template: JobTemplate, number: int, name: str, starts: datetime, rng: Random
) -> tuple[Step, tuple[Annotation, ...]]:
    twist = order.twists.get((template.name, name), Twist())
    lasts = lasting(*pace(name), rng)
    ends = starts + (lasts if twist.seconds is None else timedelta(seconds=twist.seconds))
    cancellation = order.cancellation
    if cancellation and cancellation.at < ends:
        # A cancel that came while an earlier step was giving in hits this one at its very beginning.
        given_in = max(cancellation.at, starts) + timedelta(seconds=cancellation.tail)
        step = Step(number, name, "cancelled", starts, given_in, cancellation.mode)
        return step, (Annotation("failure", cancellation.reason), CANCELED)
    notes: tuple[Annotation, ...] = ()
    if twist.conclusion == "failure":
        notes = (twist.annotation or EXIT_CODE_1,)
    return Step(number, name, twist.conclusion, starts, ends, twist.mode), notes


def start_run(
    workflow: WorkflowTemplate,
    commit: Commit,
    event: str,
    created_at: datetime,
    rng: Random,
    *,
    actor: Person | None = None,
    begins_at: datetime | None = None,
    twists: Twists | None = None,
    cancellation: Cancellation | None = None,
    facts: Mapping[str, str] | None = None,
) -> Run:
    """A new run with its first attempt.

    Args:
        begins_at: when its concurrency group let it go; its creation by default. Jobs appear only then.
        facts: what its logs should know beyond what every run knows.
    """
    order = Order(workflow, event, commit.branch, begins_at or created_at, twists or {}, cancellation)
    who = actor or commit.author
    attempt = _attempt(1, created_at, who, execute(order, rng), rng, facts or {})
    return Run(workflow.file, event, commit, created_at, who, (attempt,))


def rerun(
    run: Run,
    workflow: WorkflowTemplate,
    at: datetime,
    actor: Person,
    rng: Random,
    *,
    only_failed: bool,
    twists: Twists | None = None,
) -> Run:
    """The same run with one more attempt: of all jobs, or of those that failed and what waited for them."""
    copies = {job.name: job for job in run.latest.jobs if job.conclusion == "success"} if only_failed else {}
    order = Order(workflow, run.event, run.commit.branch, at, twists or {}, None, copies)
    attempt = _attempt(run.latest.number + 1, at, actor, execute(order, rng), rng, run.latest.facts)
    return replace(run, attempts=(*run.attempts, attempt))


def _attempt(
    number: int, at: datetime, actor: Person, jobs: tuple[Job, ...], rng: Random, facts: Mapping[str, str]
) -> Attempt:
    """GitHub touches a few runs again hours later, so ``updated_at`` is not the end."""
    later = timedelta(seconds=rng.uniform(0.8, 3.0))
    if rng.random() < 0.04:
        later += timedelta(hours=rng.uniform(1, 30))
    ended = max(job.completed_at for job in jobs)
    known = {"digest": f"{rng.getrandbits(256):064x}", "artifact": str(rng.randrange(10**9, 9 * 10**9)), **facts}
    return Attempt(number, at, actor, jobs, ended + later, known)
