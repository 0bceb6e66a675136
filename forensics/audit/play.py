"""A workflow played through in each scene: who would hold which group, and what would be done under its protection.

Reusable workflows of the same checkout are played inside their callers, because that is where they run: with the
caller's ``github`` context, the caller's groups held, and the inputs of the call (section A5 of the facts on
concurrency).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from forensics.audit.group import Lane, Tri, condition_holds, evaluate_lane, key_of, read_template
from forensics.audit.reach import CURRENT, Act, find_acts
from forensics.audit.scene import Scene, contexts_of, plan_scenes
from forensics.workflow.document import Concurrency, Document, Job, Place, Scalar, Trigger
from forensics.workflow.expression import ExpressionError, Known, Value, evaluate, make_object, open_object, unknown

MOST_LEVELS = 10
"""Of reusable workflows below each other; GitHub's limit."""

_IN_JOB = {name: open_object(name) for name in ("needs", "matrix", "strategy")}
_IN_STEP = {name: open_object(name) for name in ("secrets", "steps", "env", "runner", "job")}

_RUNS_ANYWAY = re.compile(r"\b(?:always|failure|cancelled)\s*\(", re.IGNORECASE)


@dataclass(frozen=True)
class Hold:
    """A group that a run, a job or a called workflow would take."""

    lane: Lane
    path: str
    job: str | None
    """The job whose ``concurrency`` it is; None for a workflow's own."""
    depth: int
    """0: in the workflow that the event starts; more: in workflows called from it."""
    around: tuple[Hold, ...]
    """What is held already when it is asked for, outermost first."""
    caller: str | None = None
    """The job of the starting workflow through which it is reached."""


@dataclass(frozen=True)
class Deed:
    """An act in a scene."""

    act: Act
    path: str
    job: str
    """Of the workflow in which the act stands."""
    happens: Tri
    holds: tuple[Hold, ...]
    """All groups that protect it, outermost first."""
    target: str | None
    caller: str
    """The job of the starting workflow through which it comes about; the act's own where there is no call."""


@dataclass(frozen=True)
class Situation:
    """One scene of one workflow, played."""

    scene: Scene
    holds: tuple[Hold, ...]
    deeds: tuple[Deed, ...]
    running: frozenset[str]
    """Jobs that are not surely skipped."""
    gated: frozenset[str]
    """Of these, jobs that may be skipped by their own ``if``."""

    @property
    def lane(self) -> Lane | None:
        """The workflow's own."""
        return next((hold.lane for hold in self.holds if hold.depth == 0 and hold.job is None), None)

    def job_lane(self, job: str) -> Lane | None:
        """A job's own."""
        return next((hold.lane for hold in self.holds if hold.depth == 0 and hold.job == job), None)


@dataclass(frozen=True)
class Script:
    """All that is kept of a file to play it: the document without its steps, and what the steps do."""

    document: Document
    acts: Mapping[str, tuple[Act, ...]]
    situations: tuple[Situation, ...] = ()
    steps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of jobs that start another workflow: what their steps say, for who waits for it."""

    @property
    def path(self) -> str:
        """Of the file."""
        return self.document.path

    @property
    def title(self) -> str:
        """Its name, else its path, as GitHub shows it."""
        return self.document.name or self.document.path

    @property
    def only_called(self) -> bool:
        """Whether nothing but a call starts it."""
        return bool(self.document.triggers) and all(event == "workflow_call" for event in self.document.events)


Library = Mapping[str, Script]
"""Scripts by the path that ``uses`` gives them, without './'."""


def prepare(document: Document) -> Script:
    """What is needed to play a document."""
    acts = {job.id: found for job in document.jobs if (found := find_acts(job))}
    steps = {
        job.id: tuple(step.run.text for step in job.steps if step.run is not None)
        for job in document.jobs
        if any(act.verb == "dispatch" for act in acts.get(job.id, ()))
    }
    slim = replace(
        document,
        jobs=tuple(replace(job, steps=(), env={}, outputs={}) for job in document.jobs),
        env={},
    )
    return Script(slim, acts, (), steps)


def play(script: Script, library: Library) -> tuple[Situation, ...]:
    """Every scene of a workflow; those of a file that neither takes a group nor does anything are none."""
    document = script.document
    if not script.acts and not any(_concurrencies(document)) and not any(job.call for job in document.jobs):
        return ()
    return tuple(
        _play_scene(script, scene, contexts_of(scene, document), library)
        for scene in plan_scenes(document, _mentions(document))
    )


def calls_locally(document: Document) -> bool:
    """Whether it calls a workflow of the same checkout."""
    return any(job.call is not None and job.call.local for job in document.jobs)


def called_path(uses: str) -> str:
    """``./.github/workflows/x.yml`` as a key of the library."""
    return uses.strip().removeprefix("./")


def clashes(situation: Situation) -> Iterator[tuple[Hold, Hold]]:
    """Each hold that asks for a group which is held around it: (the one around, it)."""
    for hold in situation.holds:
        key = key_of(hold.lane.group)
        for outer in hold.around:
            if key is not None and key == key_of(outer.lane.group):
                yield outer, hold


def _concurrencies(document: Document) -> Iterator[Concurrency]:
    for one in (document.concurrency, *(job.concurrency for job in document.jobs)):
        if one is not None:
            yield one


def _mentions(document: Document) -> list[str]:
    """Texts in which a branch may be named."""
    texts = []
    for concurrency in _concurrencies(document):
        texts += [scalar.text for scalar in (concurrency.group, concurrency.cancel_in_progress) if scalar is not None]
    return texts + [job.condition.text for job in document.jobs if job.condition is not None]


@dataclass(frozen=True)
class _Stage:
    """Where in the tree of calls the play is."""

    scene: Scene
    contexts: Mapping[str, Value]
    library: Library
    around: tuple[Hold, ...] = ()
    depth: int = 0
    happens: Tri = "yes"
    caller: str | None = None
    chain: tuple[str, ...] = ()


def _play_scene(script: Script, scene: Scene, contexts: Mapping[str, Value], library: Library) -> Situation:
    taken: list[Hold] = []
    deeds: list[Deed] = []
    stage = _Stage(scene, contexts, library, chain=(called_path(script.path),))
    running, gated = _play_workflow(script, stage, taken, deeds)
    return Situation(scene, tuple(taken), tuple(deeds), frozenset(running), frozenset(gated))


def _play_workflow(
    script: Script, stage: _Stage, taken: list[Hold], deeds: list[Deed]
) -> tuple[dict[str, Tri], set[str]]:
    around = _take(script, None, script.document.concurrency, stage, stage.contexts, stage.around, taken)
    in_job = {
        **stage.contexts,
        **_IN_JOB,
    }
    in_step = {**in_job, **_IN_STEP}
    running = _running(script.document, in_job)
    for job in script.document.jobs:
        if job.id not in running:
            continue
        inside = replace(stage, happens=_and(stage.happens, running[job.id]), caller=stage.caller or job.id)
        held = _take(script, job.id, job.concurrency, inside, in_job, around, taken)
        for act in script.acts.get(job.id, ()):
            happens = inside.happens
            for condition in act.conditions:
                happens = _and(happens, condition_holds(condition, in_step))
            if happens != "no":
                target = _target(act, stage.scene)
                deeds.append(Deed(act, script.path, job.id, happens, held, target, inside.caller or job.id))
        if job.call is not None and job.call.local:
            _play_call(job, replace(inside, around=held), in_job, taken, deeds)
    gated = {job.id for job in script.document.jobs if job.condition is not None and running.get(job.id) == "perhaps"}
    return running, gated


def _play_call(job: Job, stage: _Stage, in_job: Mapping[str, Value], taken: list[Hold], deeds: list[Deed]) -> None:
    path = called_path(job.call.uses.text) if job.call else ""
    called = stage.library.get(path)
    if called is None or path in stage.chain or stage.depth >= MOST_LEVELS:
        return
    trigger = called.document.trigger("workflow_call")
    inputs = _call_inputs(job.call.inputs if job.call else {}, trigger, in_job)
    contexts = {**stage.contexts, "inputs": make_object(inputs)}
    below = replace(stage, contexts=contexts, depth=stage.depth + 1, chain=(*stage.chain, path))
    _play_workflow(called, below, taken, deeds)


def _call_inputs(
    given: Mapping[str, Any], trigger: Trigger | None, contexts: Mapping[str, Value]
) -> dict[str, Value]:
    """Inputs as the called workflow sees them: what the call gives, else the declared default, else nothing."""
    inputs: dict[str, Value] = {}
    for name, says in (trigger.inputs if trigger else {}).items():
        declared = says if isinstance(says, Mapping) else {}
        default = declared.get("default")
        inputs[str(name)] = _evaluate(default, f"inputs.{name}", contexts) if default is not None else None
    for name, value in given.items():
        inputs[str(name)] = _evaluate(value, f"inputs.{name}", contexts)
    return inputs


def _evaluate(given: Any, name: str, contexts: Mapping[str, Value]) -> Value:
    plain = given.value if isinstance(given, Scalar) else given
    if isinstance(plain, str) and "${{" in plain:
        try:
            outcome = evaluate(read_template(plain), contexts)
        except ExpressionError:
            return unknown(name)
        return outcome.value if isinstance(outcome, Known) else outcome
    if isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    return plain if plain is None or isinstance(plain, str | bool | float) else unknown(name)


def _take(
    script: Script,
    job: str | None,
    concurrency: Concurrency | None,
    stage: _Stage,
    contexts: Mapping[str, Value],
    around: tuple[Hold, ...],
    taken: list[Hold],
) -> tuple[Hold, ...]:
    """Note a group as taken; return what is held inside it."""
    lane = evaluate_lane(concurrency, contexts, job) if concurrency is not None else None
    if lane is None:
        return around
    hold = Hold(lane, script.path, job, stage.depth, around, stage.caller)
    taken.append(hold)
    return (*around, hold)


def _running(document: Document, contexts: Mapping[str, Value]) -> dict[str, Tri]:
    """Jobs that are not surely skipped, by their own ``if`` or because one that they need surely is."""
    answers: dict[str, Tri] = {}
    for job in document.jobs:
        answers[job.id] = condition_holds(job.condition, contexts) if job.condition is not None else "yes"
    jobs = {job.id: job for job in document.jobs}
    for _ in document.jobs:
        changed = False
        for job in jobs.values():
            anyway = job.condition is not None and _RUNS_ANYWAY.search(job.condition.text)
            if answers[job.id] != "no" and not anyway and any(answers.get(need) == "no" for need in job.needs):
                answers[job.id] = "no"
                changed = True
        if not changed:
            break
    return {name: answer for name, answer in answers.items() if answer != "no"}


def _and(one: Tri, other: Tri) -> Tri:
    if "no" in (one, other):
        return "no"
    return "perhaps" if "perhaps" in (one, other) else "yes"


def _target(act: Act, scene: Scene) -> str | None:
    if act.target != CURRENT:
        return act.target
    return f"git:{scene.ref.removeprefix('refs/heads/')}" if scene.kind in ("branch", "other") else None


def place_of(script: Script, job: str | None) -> Place:
    """Where a job, or the workflow, begins."""
    found = script.document.job(job) if job else None
    return found.place if found else Place(1, 1)
