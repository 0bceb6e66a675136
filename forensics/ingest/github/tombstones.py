"""What a live ingest could not get, said in table ``problems``, where everything that the case lacks is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

import polars as pl

from forensics.ingest.github.answer import GoneState
from forensics.store.store import Store

_SCHEMA = {
    "kind": pl.String, "evidence_path": pl.String, "member": pl.String, "detail": pl.String, "lines": pl.Int64,
    "run_id": pl.Int64, "job_id": pl.Int64,
}  # fmt: skip

_THINGS = {"logs": "log", "job-log": "log", "runs": "run", "attempts": "attempt", "file": "workflow-file"}
"""What a problem calls one thing of a kind of work; others go by the kind."""

_ENDPOINT_WIDE: frozenset[GoneState] = frozenset({"no-permission", "unavailable"})
"""States that say the same of every thing of a kind: one problem for all of them."""

_WHY: dict[GoneState, str] = {
    "expired": "GitHub does not keep it any more.",
    "deleted": "It was listed and is not there any more.",
    "blocked": "GitHub blocks it for legal reasons.",
    "no-permission": "The token may not read it.",
    "unavailable": "This server does not have it.",
    "not-ready": "It was not ready yet; the next ingest asks again.",
    "corrupt": "It came broken each time.",
    "refused": "It is not safe to open.",
    "failed": "The server failed each time; the next ingest asks again.",
}
"""Where the server's answer said nothing."""

_GONE = """
SELECT kind, state, repository, key, run_id, attempt, job_id, detail
FROM work
WHERE list_contains($states, state)
ORDER BY ALL
"""

_GONE_TOGETHER = """
SELECT kind, state, repository, count(*), min(detail)
FROM work
WHERE list_contains($states, state)
GROUP BY kind, state, repository
ORDER BY ALL
"""

_LEFT = """
SELECT kind, repository, count(*)
FROM work
WHERE state = 'waiting'
GROUP BY kind, repository
ORDER BY ALL
"""

_PARTIAL = """
SELECT repository, workflow, starts_at, ends_at, detail
FROM listings
WHERE NOT complete
ORDER BY ALL
"""

Row = tuple[str, str, str, str, int, int | None, int | None]


def write_tombstones(store: Store) -> int:
    """Replace the problems that come from ``work`` and ``listings`` by what these say now; return how many."""
    problems = [*_gone(store), *_gone_together(store), *_left(store), *_partial(store)]
    with store.transaction():
        store.execute(
            "DELETE FROM problems WHERE evidence_path = '' AND list_contains($kinds, kind)",
            {"kinds": sorted(_own_kinds(store))},
        )
        store.insert("problems", pl.DataFrame(problems, schema=_SCHEMA, orient="row"))
    return len(problems)


def _own_kinds(store: Store) -> set[str]:
    """Every kind of problem that can have come from here: rows of ``work`` stay, so none is forgotten."""
    work = [str(row[0]) for row in store.query("SELECT DISTINCT kind FROM work").rows]
    return {_problem(kind, state) for kind in work for state in get_args(GoneState)} | {
        "not-fetched",
        "listing-incomplete",
    }


def _problem(kind: str, state: GoneState) -> str:
    return state if state in _ENDPOINT_WIDE else f"{_THINGS.get(kind, kind)}-{state}"


def _gone(store: Store) -> Iterator[Row]:
    states = sorted(set(get_args(GoneState)) - _ENDPOINT_WIDE)
    for kind, state, repository, key, run_id, attempt, job_id, detail in store.query(_GONE, {"states": states}).rows:
        where = ", ".join(_named(repository, key, run_id, attempt, job_id))
        yield _row(
            _problem(kind, state), f"{where}: {kind} are not to be had: {detail or _WHY[state]}", run_id, job_id
        )


def _named(repository: str, key: str, run_id: int | None, attempt: int | None, job_id: int | None) -> Iterable[str]:
    yield repository
    if run_id is not None:
        yield f"run {run_id}"
    if attempt is not None:
        yield f"attempt {attempt}"
    if job_id is not None:
        yield f"job {job_id}"
    if run_id is None and job_id is None:
        yield key


def _gone_together(store: Store) -> Iterator[Row]:
    for kind, state, repository, count, detail in store.query(
        _GONE_TOGETHER, {"states": sorted(_ENDPOINT_WIDE)}
    ).rows:
        yield _row(
            _problem(kind, state),
            f"{repository}: {count:,} of kind {kind} are not to be had: {detail or _WHY[state]}",
        )


def _left(store: Store) -> Iterator[Row]:
    for kind, repository, count in store.query(_LEFT).rows:
        detail = f"{repository}: {count:,} of kind {kind} were not asked for yet; the next ingest goes on with them."
        yield _row("not-fetched", detail)


def _partial(store: Store) -> Iterator[Row]:
    for repository, workflow, starts_at, ends_at, detail in store.query(_PARTIAL).rows:
        of = f"Runs of {workflow}" if workflow else "Runs"
        span = f"{starts_at} to {ends_at} UTC"
        yield _row("listing-incomplete", f"{repository}: {of} from {span} are not all listed: {detail}")


def _row(kind: str, detail: str, run_id: Any = None, job_id: Any = None) -> Row:
    return kind, "", "", detail, 0, run_id, job_id
