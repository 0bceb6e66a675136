"""The groups in force, for every attempt and job of a case, written into ``concurrency_groups``."""

from __future__ import annotations

import gc
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from forensics.concurrency.attempt import Attempts
from forensics.concurrency.forms import Forms
from forensics.concurrency.proof import Held, prove
from forensics.concurrency.reading import Attempted, Case, JobRow, Told, is_empty, read_case, read_jobs
from forensics.store.store import Store
from forensics.workflow.expression import Known, may_equal

_REACTION = timedelta(seconds=300)
"""A holder that is cancelled by a newcomer may take five minutes to end (GitHub's cancellation timeout)."""
_GRAIN = timedelta(seconds=2)

_SCHEMA: dict[str, Any] = {
    "run_id": pl.Int64, "attempt": pl.Int32, "job_id": pl.Int64, "group_name": pl.String,
    "cancel_in_progress": pl.Boolean, "queue": pl.String, "source": pl.String, "confidence": pl.String,
    "level": pl.String, "job_name": pl.String, "pattern": pl.String, "expression": pl.String, "path": pl.String,
    "line": pl.Int32, "missing": pl.List(pl.String), "agrees": pl.Boolean, "file_source": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class GroupSummary:
    """What was found out."""

    rows: int
    attempts: int
    """Attempts that have a row."""
    by_level: Mapping[str, int]
    by_confidence: Mapping[str, int]
    by_source: Mapping[str, int]
    disagreements: int
    """Rows where GitHub says otherwise."""


def derive(store: Store) -> GroupSummary:
    """Find the groups in force and put them in place of those that an earlier call found.

    The store must be open for writing, with the views of ``queries/lib`` loaded; rows that came from GitHub
    (``level`` is NULL) stay as they are but for their ``group_key``. One transaction; the same evidence gives the
    same rows, in whatever order it came.
    """
    with store.transaction():
        with _uncollected():
            rows = [] if is_empty(store) else _find(store)
        store.execute("DELETE FROM concurrency_groups WHERE level IS NOT NULL")
        store.insert("concurrency_groups", pl.DataFrame(rows, schema=_SCHEMA, orient="row"))
        store.execute(
            "UPDATE concurrency_groups SET group_key = lower(group_name) "
            "WHERE group_key IS DISTINCT FROM lower(group_name)"
        )
    places = {name: place for place, name in enumerate(_SCHEMA)}
    return GroupSummary(
        len(rows),
        len({row[:2] for row in rows}),
        Counter(row[places["level"]] for row in rows),
        Counter(row[places["confidence"]] for row in rows),
        Counter(row[places["source"]] for row in rows),
        sum(row[places["agrees"]] is False for row in rows),
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's search for cycles: there are none, and among so many objects it takes half of the time.

    Measured on 100,000 runs: 12 s with it, 6 s without.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _find(store: Store) -> list[tuple[Any, ...]]:
    case = read_case(store)
    forms = Forms(case.texts, case.paths)
    wanted = {
        one.run.run_id for one in case.attempts if (form := forms.get(one.blob)) is not None and form.needs_jobs
    }
    jobs = read_jobs(store, wanted) if wanted else {}
    told: dict[tuple[int, int], list[Told]] = {}
    for said in case.told:
        told.setdefault((said.run_id, said.attempt), []).append(said)
    attempts = Attempts(case, forms)
    rows: list[tuple[Any, ...]] = []
    found: list[tuple[Attempted, Held]] = []
    for one in case.attempts:
        key = (one.run.run_id, one.run.attempt)
        held = _in_force(case, attempts, forms, one, jobs.get(key, ()), told.get(key, ()))
        found += [(one, each) for each in held]
        rows += _unplaced(one, held, told.get(key, ()), forms)
    _learn_from_victims(case, found)
    return [_row(one, held) for one, held in found] + rows


def _in_force(
    case: Case, attempts: Attempts, forms: Forms, one: Attempted, jobs: Sequence[JobRow], told: Sequence[Told]
) -> list[Held]:
    form = forms.get(one.blob)
    if form is None or (form.own is None and not form.needs_jobs):
        return []
    applied = attempts.apply(one, form, jobs)
    return prove(applied, case.asked.get(one.run.run_id, ()), told, latest=one.latest)


def _unplaced(one: Attempted, held: Sequence[Held], told: Sequence[Told], forms: Forms) -> list[tuple[Any, ...]]:
    """Groups that annotations name where no file says so: the run as a whole is the likeliest to have held them."""
    rows = []
    known = {each.key for each in held}
    path = one.run.path
    has_file = forms.get(one.blob) is not None
    # Runs of GitHub's own, such as those of Pages, have groups and no file.
    missing = [] if path is None or path.startswith("dynamic/") else [f"the workflow file {path} as the run used it"]
    for group in dict.fromkeys(said.message.group for said in told):
        if group.lower() not in known:
            rows.append((
                one.run.run_id, one.run.attempt, None, group, None, None, "annotation", "likely", "workflow", None,
                None, None, path, None, missing, False if has_file else None, one.file_source,
            ))  # fmt: skip
            known.add(group.lower())
    return rows


def _learn_from_victims(case: Case, found: Sequence[tuple[Attempted, Held]]) -> None:
    """Name a group of which a part was unknown by whom it cancelled.

    An annotation names the group of a cancelled run; whoever cancelled it had just entered the same group. Where
    only one run came at that time whose group can be that one, it is the one.
    """
    arrivals: dict[str, list[tuple[datetime, int, Held]]] = {}
    for one, held in found:
        # When a later attempt came is known to the second at best, and rarely.
        if one.run.created_at is not None and one.run.attempt == 1 and not held.applied.job_name:
            arrivals.setdefault(one.run.repository, []).append((one.run.created_at, one.run.run_id, held))
    if not any(held.confidence == "pattern" for came in arrivals.values() for _, _, held in came):
        return
    for came in arrivals.values():
        came.sort(key=lambda arrival: arrival[:2])
    repositories = {one.run.run_id: one.run.repository for one in case.attempts}
    for told in case.told:
        if told.ended_at is not None and not told.message.deadlock:
            _name_canceller(arrivals.get(repositories.get(told.run_id, ""), ()), told, told.ended_at)


def _name_canceller(came: Sequence[tuple[datetime, int, Held]], told: Told, ended_at: datetime) -> None:
    first = bisect_left(came, ended_at - _REACTION, key=lambda arrival: arrival[0])
    last = bisect_right(came, ended_at + _GRAIN, key=lambda arrival: arrival[0])
    group = Known(told.message.group)
    fits = [held for _, run_id, held in came[first:last] if run_id != told.run_id and _may_be(held, group)]
    if len(fits) == 1 and fits[0].confidence == "pattern":
        fits[0].state(told.message.group, "annotation", agrees=None)
        fits[0].guess = True


def _may_be(held: Held, group: Known) -> bool:
    return held.key == str(group.value).lower() if held.key is not None else may_equal(held.outcome, group)


def _row(one: Attempted, held: Held) -> tuple[Any, ...]:
    applied, setting = held.applied, held.applied.evaluated.setting
    return (
        one.run.run_id, one.run.attempt, applied.job_id, held.name, setting.cancel_in_progress, setting.queue,
        held.source, held.confidence, applied.slot.level, applied.job_name, held.pattern, applied.slot.expression,
        applied.path, applied.slot.line, list(setting.missing), held.agrees, applied.file_source,
    )  # fmt: skip
