"""One attempt of a run: every ``concurrency`` that applied to it, with what it came to there."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from forensics.concurrency.evaluation import Evaluated, Evaluator, Place, signature
from forensics.concurrency.forms import Form, Forms
from forensics.concurrency.jobs import BETWEEN, Identified, results_of
from forensics.concurrency.reading import Attempted, Case, JobRow
from forensics.concurrency.slots import Slot
from forensics.workflow.document import Call

_MOST_CALLS = 10
"""Levels of calls that GitHub allows."""


@dataclass(frozen=True)
class Applied:
    """One ``concurrency`` that applied to an attempt."""

    slot: Slot
    evaluated: Evaluated
    file_source: str
    path: str | None
    """Of the file in which it stands."""
    job_id: int | None = None
    job_name: str | None = None
    """Name of the job; of a calling job, what the names of its called jobs begin with. None for the whole run."""
    jobs: frozenset[int] = frozenset()
    """The jobs that could only run while the group was held; empty for the whole run."""


class Attempts:
    """Applies the files of a case to its attempts."""

    def __init__(self, case: Case, forms: Forms) -> None:
        self._case = case
        self._forms = forms
        self._evaluator = Evaluator()

    def apply(self, attempted: Attempted, form: Form, jobs: Sequence[JobRow]) -> list[Applied]:
        """Everything that applied: first what stands at the top, then the jobs' by name."""
        place = Place(form.document, attempted.run)
        common = signature(attempted.run)
        found = []
        if form.own is not None:
            evaluated = self._evaluator.evaluate(form.own, place, common)
            found.append(Applied(form.own, evaluated, attempted.file_source, attempted.run.path))
        if form.needs_jobs and jobs:
            file = _File(form, attempted.run.repository, attempted.file_source, attempted.run.path)
            found += self._apply_jobs(place, common, file, [(row, row.name) for row in jobs], "", 0)
        return found

    def _apply_jobs(
        self, place: Place, common: Hashable, file: _File, rows: Sequence[tuple[JobRow, str]], before: str, depth: int
    ) -> Iterator[Applied]:
        known = [(row, found) for row, name in rows if (found := file.form.names.identify(name)) is not None]
        results = _results(file.form, known)
        calls: dict[str, list[tuple[JobRow, Identified]]] = {}
        for row, found in known:
            if found.job.call is not None:
                calls.setdefault(found.name, []).append((row, found))
            elif not row.idle and (slot := file.form.jobs.get(found.job.id)) is not None:
                told = self._evaluator.evaluate(slot, place, common, found.job, found.leg, found.name, results)
                yield Applied(
                    slot, told, file.source, file.path, row.job_id, before + found.name, frozenset((row.job_id,))
                )
        for name in sorted(calls):
            yield from self._apply_call(place, common, file, calls[name], results, before, depth)

    def _apply_call(
        self,
        place: Place,
        common: Hashable,
        file: _File,
        rows: Sequence[tuple[JobRow, Identified]],
        results: Mapping[str, str],
        before: str,
        depth: int,
    ) -> Iterator[Applied]:
        """The leases of a calling job: its own, and the one at the top of what it calls."""
        found = rows[0][1]
        active = frozenset(row.job_id for row, _ in rows if not row.idle)
        call = found.job.call
        if not active or call is None or depth >= _MOST_CALLS:
            return
        alone = next((row.job_id for row, inner in rows if inner.rest is None and not row.idle), None)
        slot = file.form.jobs.get(found.job.id)
        name = before + found.name
        if slot is not None:
            told = self._evaluator.evaluate(slot, place, common, found.job, found.leg, found.name, results)
            yield Applied(slot, told, file.source, file.path, alone, name, active)
        target = self._called(place.run.run_id, call, file)
        if target is None:
            return
        inside = place.enter(found.job, found.leg, found.name, results, target.form.document)
        if target.form.called is not None:
            told = self._evaluator.evaluate(target.form.called, inside, common)
            yield Applied(target.form.called, told, target.source, target.path, alone, name, active)
        inner = [(row, one.rest) for row, one in rows if one.rest is not None]
        yield from self._apply_jobs(inside, common, target, inner, name + BETWEEN, depth + 1)

    def _called(self, run_id: int, call: Call, file: _File) -> _File | None:
        """The called file: as the run object says, or for one beside the caller what is known of its path."""
        uses = call.uses.text.partition("@")[0]
        if call.local:
            repository, path = file.repository, uses.removeprefix("./")
        else:
            owner, _, rest = uses.partition("/")
            name, _, path = rest.partition("/")
            repository = f"{owner}/{name}"
        key = (repository.lower(), path)
        blob, source = self._case.called.get(run_id, {}).get(key, (None, "unknown"))
        if blob is None:
            blob, source = self._case.local.get(key), "only"
        form = self._forms.get(blob)
        if form is None:
            return None
        # A commit that only follows makes nothing certain of what it calls.
        source = source if source != "exact" or file.source == "exact" else file.source
        return _File(form, repository, source, path)


@dataclass(frozen=True)
class _File:
    """A file in use."""

    form: Form
    repository: str
    source: str
    path: str | None


def _results(form: Form, known: Sequence[tuple[JobRow, Identified]]) -> dict[str, str]:
    conclusions: dict[str, list[str | None]] = {}
    for row, found in known:
        conclusions.setdefault(found.job.id, []).append(row.conclusion)
    return results_of(form.document, conclusions)
