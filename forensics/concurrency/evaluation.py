"""A slot evaluated for an attempt, once for each distinct set of values that it can read."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from forensics.concurrency.contexts import (
    called_inputs,
    inferred,
    rebuild_github,
    rebuild_inputs,
    rebuild_needs,
    rebuild_vars,
)
from forensics.concurrency.legs import Leg
from forensics.concurrency.past import PastRun
from forensics.concurrency.slots import Setting, Slot, read_references
from forensics.workflow.document import Document, Job, Scalar
from forensics.workflow.expression import Object, Value

_OF_RUN: Mapping[str, tuple[str, ...]] = {
    "github.run_id": ("run_id",),
    "github.run_number": ("run_number",),
    "github.run_attempt": ("attempt",),
    "github.actor": ("actor",),
    "github.triggering_actor": ("triggering_actor",),
    "github.sha": ("head_sha", "merge_commit"),
    "github.event": ("head_sha", "actor", "upstream"),
}
_ALL_OF_RUN = tuple(dict.fromkeys(name for names in _OF_RUN.values() for name in names))


@dataclass(frozen=True)
class Place:
    """Where in an attempt an expression stands: in the run's own file, or in one that a job of it calls."""

    document: Document
    """The run's own file: ``github`` is always the caller's."""
    run: PastRun
    caller: Place | None = None
    job: Job | None = None
    """The calling job."""
    leg: Leg | None = None
    results: Mapping[str, str] | None = None
    """Results of the caller's jobs."""
    called: Document | None = None
    key: Hashable = ()
    references: tuple[str, ...] = ()
    """What its inputs may read."""

    @property
    def inputs(self) -> Object:
        """The ``inputs`` context."""
        if self.caller is None or self.job is None or self.job.call is None or self.called is None:
            return rebuild_inputs(self.run, self.document)
        contexts = rebuild(self.caller, _wanted(self.references), self.job, self.leg, self.results)
        return called_inputs(self.called, self.job.call.inputs, contexts)

    def enter(self, job: Job, leg: Leg, name: str, results: Mapping[str, str], called: Document) -> Place:
        """The place in the workflow that a job here calls; ``name`` tells legs apart."""
        trigger = called.trigger("workflow_call")
        specs = trigger.inputs.values() if trigger is not None else ()
        given = [spec.get("default") for spec in specs if isinstance(spec, Mapping)]
        given += job.call.inputs.values() if job.call is not None else ()
        own = [path for value in given if isinstance(value, Scalar) for path in read_references(value)]
        references = tuple(dict.fromkeys((*own, *self.references)))
        key = (self.key, id(called), job.id, name, tuple(sorted(results.items())) if _reads(own, "needs") else ())
        return Place(self.document, self.run, self, job, leg, results, called, key, references)


@dataclass(frozen=True)
class Evaluated:
    """What a slot came to, and whether some of what it read only follows from other runs."""

    setting: Setting
    inferred: bool


class Evaluator:
    """Remembers what it has evaluated."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Evaluated] = {}
        self._fields: dict[Slot, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def evaluate(
        self,
        slot: Slot,
        place: Place,
        common: Hashable,
        job: Job | None = None,
        leg: Leg | None = None,
        name: str = "",
        results: Mapping[str, str] | None = None,
    ) -> Evaluated:
        """The slot at a place; ``common`` is ``signature(run)``, the rest is for a slot of a job."""
        references = slot.references
        if place.references and _reads(references, "inputs"):
            references = (*references, *place.references)
        key: Hashable = (slot, common, place.key, *(getattr(place.run, name) for name in self._volatile(slot, place)))
        if job is not None:
            needs = tuple(sorted((results or {}).items())) if _reads(references, "needs") else ()
            key = (key, name if _reads(references, "matrix", "strategy") else "", needs)
        found = self._known.get(key)
        if found is None:
            contexts = rebuild(place, _wanted(references), job, leg, results)
            found = Evaluated(slot.evaluate(contexts), inferred(place.run, place.document, references))
            self._known[key] = found
        return found

    def _volatile(self, slot: Slot, place: Place) -> tuple[str, ...]:
        """The fields that differ from run to run and that the slot, or the inputs given to its file, may read."""
        known = self._fields.get(slot)
        if known is None or known[0] != place.references:
            known = (place.references, _fields((*slot.references, *place.references)))
            self._fields[slot] = known
        return known[1]


def signature(run: PastRun) -> Hashable:
    """What runs of one lane have in common, of all that expressions read."""
    target = run.event == "pull_request_target" and run.created_at
    return (
        run.repository, run.event, run.path, run.head_branch, run.head_repository, run.stated_ref, run.kind,
        run.number, run.base, run.guessed, target,
    )  # fmt: skip


def rebuild(
    place: Place,
    wanted: Mapping[str, frozenset[str] | None],
    job: Job | None = None,
    leg: Leg | None = None,
    results: Mapping[str, str] | None = None,
) -> dict[str, Value]:
    """The contexts that are wanted, at a place; with a job, those of the job."""
    contexts: dict[str, Value] = {}
    if "github" in wanted:
        contexts["github"] = rebuild_github(place.run, place.document, wanted["github"])
    if "inputs" in wanted:
        contexts["inputs"] = place.inputs
    if "vars" in wanted:
        contexts["vars"] = rebuild_vars()
    if job is not None and leg is not None:
        if "matrix" in wanted:
            contexts["matrix"] = leg.matrix
        if "strategy" in wanted:
            contexts["strategy"] = leg.strategy(job)
        if "needs" in wanted:
            contexts["needs"] = rebuild_needs(job, results or {})
    return contexts


def _wanted(references: Iterable[str]) -> dict[str, frozenset[str] | None]:
    """Context → properties that may be read; None for all."""
    wanted: dict[str, frozenset[str] | None] = {}
    for reference in references:
        context, _, rest = reference.partition(".")
        name = rest.partition(".")[0]
        before = wanted.get(context, frozenset())
        wanted[context] = None if before is None or name in ("", "*") else before | {name}
    return wanted


def _fields(references: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for reference in references:
        first = ".".join(reference.split(".")[:2])
        if first in ("github", "github.*"):
            return _ALL_OF_RUN
        found |= dict.fromkeys(_OF_RUN.get(first, ()))
    return tuple(found)


def _reads(references: Iterable[str], *contexts: str) -> bool:
    return any(reference.partition(".")[0] in contexts for reference in references)
