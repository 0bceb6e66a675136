"""What the case has on every attempt: rows of the store as PastRun, each with the file that defined it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any, NamedTuple

from forensics.concurrency.messages import Cancelling, read_message
from forensics.concurrency.past import Kind, PastRun, Upstream
from forensics.concurrency.refs import HEADS, PULL_EVENTS, TAGS
from forensics.concurrency.upstream import Completions
from forensics.store.store import Store


class Record(NamedTuple):
    """A row of ``sql/attempts.sql``."""

    repository: str
    run_id: int
    event: str | None
    path: str | None
    workflow_name: str | None
    run_number: int | None
    head_branch: str | None
    head_sha: str | None
    head_repository: str | None
    created_at: datetime | None
    actor: str | None
    conclusion: str | None
    title: str | None
    default_branch: str | None
    repository_id: int | None
    merge_commit: str | None
    blob: str | None
    attempt: int
    latest: int
    triggering_actor: str | None
    completed_at: datetime | None
    server_url: str | None
    pulls: list[dict[str, Any]] | None
    source: str


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt and the file that defined its run."""

    run: PastRun
    latest: bool
    """Whether no later attempt of the run is known."""
    blob: str | None
    """Git's id of the file; None when it is not known."""
    file_source: str
    """exact, between, approx, only (the one content of the path that the case has) or unknown."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job of a past run."""

    job_id: int
    name: str
    conclusion: str | None
    completed_at: datetime | None
    idle: bool
    """Copied by a partial re-run, or skipped: it holds nothing."""


@dataclass(frozen=True, slots=True)
class Told:
    """A group that an annotation names."""

    run_id: int
    attempt: int
    job_id: int | None
    ended_at: datetime | None
    """When the annotated job ended."""
    message: Cancelling


@dataclass(frozen=True)
class Case:
    """All that groups are derived from, but the jobs."""

    attempts: tuple[Attempted, ...]
    texts: Mapping[str, str]
    """Blob → workflow file."""
    paths: Mapping[str, str]
    """Blob → a path that it stood at."""
    called: Mapping[int, Mapping[tuple[str, str], tuple[str | None, str]]]
    """Run → (repository in lower case, path) → (blob, source) of the workflows that it called."""
    local: Mapping[tuple[str, str], str]
    """(repository in lower case, path) → blob, where the case has one content of that path only."""
    asked: Mapping[int, tuple[str, ...]]
    """Run → the names that GitHub's endpoint gave, at least one."""
    told: tuple[Told, ...]


def is_empty(store: Store) -> bool:
    """Whether nothing in the case can say anything of groups."""
    query = """
    SELECT
        NOT EXISTS (FROM workflow_files)
        AND NOT EXISTS (FROM concurrency_groups)
        AND NOT EXISTS (FROM annotations WHERE starts_with(message, 'Canceling since'))
    """
    return bool(store.query(query).rows[0][0])


def read_case(store: Store) -> Case:
    """Read all of it. The views of ``queries/lib`` must be loaded."""
    store.execute(_sql("defining.sql"))
    try:
        only = {(row[0].lower(), row[1]): row[2] for row in store.query(_ONLY).rows}
        told = _read_told(store)
        attempts = _read_attempts(store, only, told)
        called: dict[int, dict[tuple[str, str], tuple[str | None, str]]] = {}
        for run_id, repository, path, blob, source in store.query(_CALLED).rows:
            called.setdefault(run_id, {})[repository.lower(), path] = (blob, source)
    finally:
        store.execute("DROP TABLE IF EXISTS defining")
    files = store.query("SELECT substr(sha, 6), min(path), any_value(text) FROM workflow_files GROUP BY sha").rows
    asked: dict[int, tuple[str, ...]] = {row[0]: tuple(row[1]) for row in store.query(_ASKED).rows}
    return Case(
        attempts,
        {row[0]: row[2] for row in files},
        {row[0]: row[1] for row in files},
        called,
        only,
        asked,
        told,
    )


def read_jobs(store: Store, run_ids: Iterable[int]) -> dict[tuple[int, int], list[JobRow]]:
    """Jobs of these runs by run and attempt, in the order of their ids."""
    found: dict[tuple[int, int], list[JobRow]] = {}
    for run_id, attempt, *row in store.query(_JOBS, {"runs": sorted(set(run_ids))}).rows:
        found.setdefault((run_id, attempt), []).append(JobRow(*row))
    return found


_ONLY = """
SELECT repository, path, min(substr(sha, 6))
FROM workflow_files
WHERE starts_with(sha, 'blob:') AND repository <> ''
GROUP BY repository, path
HAVING count(DISTINCT sha) = 1
"""

_CALLED = "SELECT run_id, repository, path, blob, source FROM defining WHERE called"

_ASKED = """
SELECT run_id, list(DISTINCT group_name ORDER BY group_name)
FROM concurrency_groups
WHERE level IS NULL AND source = 'github' AND group_name IS NOT NULL
GROUP BY run_id
"""
# An empty answer says nothing: how long GitHub keeps the groups of old runs is not known.

_JOBS = """
SELECT run_id, attempt, job_id, name, conclusion, completed_at, copied OR conclusion IS NOT DISTINCT FROM 'skipped'
FROM jobs
WHERE list_contains($runs, run_id)
ORDER BY job_id
"""

_TOLD = """
SELECT coalesce(a.run_id, j.run_id), coalesce(a.attempt, j.attempt, 1), a.job_id, j.completed_at, a.message
FROM annotations AS a
LEFT JOIN jobs AS j ON a.job_id = j.job_id
WHERE starts_with(a.message, 'Canceling since') AND coalesce(a.run_id, j.run_id) IS NOT NULL
ORDER BY ALL
"""


def _read_told(store: Store) -> tuple[Told, ...]:
    told = []
    for run_id, attempt, job_id, ended_at, text in store.query(_TOLD).rows:
        message = read_message(text)
        if message is not None:
            told.append(Told(run_id, attempt, job_id, ended_at, message))
    return tuple(dict.fromkeys(told))


def _read_attempts(store: Store, only: Mapping[tuple[str, str], str], told: Iterable[Told]) -> tuple[Attempted, ...]:
    rows = [Record._make(row) for row in store.query(_sql("attempts.sql")).rows]
    clues = _Clues(rows, store.query(_sql("stated_refs.sql")).rows, told)
    completions = None
    attempts = []
    for row in rows:
        upstream = None
        if row.event == "workflow_run":
            completions = completions or Completions(rows)
            upstream = completions.before(row)
        attempts.append(_attempted(row, only, clues, upstream))
    return tuple(attempts)


def _attempted(
    row: Record, only: Mapping[tuple[str, str], str], clues: _Clues, upstream: Upstream | None
) -> Attempted:
    blob, source = row.blob, row.source
    if blob is None:
        blob = only.get((row.repository.lower(), row.path or ""))
        source = "only" if blob else "unknown"
    guessed: set[str] = set()
    stated_ref = clues.stated.get(row.run_id)
    number = base = kind = None
    if row.event in PULL_EVENTS:
        number, base, guessed = clues.pull(row)
    elif stated_ref is None:
        kind = clues.kind(row)
    if upstream is not None:
        guessed.add("upstream")
    run = PastRun(
        row.repository, row.run_id, row.attempt, row.event, row.path, row.run_number,
        row.head_branch, row.head_sha, row.head_repository, row.created_at, row.actor,
        row.triggering_actor, row.default_branch, row.repository_id, row.server_url, stated_ref, kind,
        number, base, row.merge_commit, upstream, frozenset(guessed), row.title,
    )  # fmt: skip
    return Attempted(run, row.attempt == row.latest, blob, source)


class _Clues:
    """What logs, called workflows, annotations and other runs tell of refs and pull requests."""

    def __init__(self, rows: Iterable[Record], stated: Iterable[Any], told: Iterable[Told]) -> None:
        self.stated: dict[int, str] = {}
        said: dict[int, set[str]] = {}
        for run_id, ref in stated:
            said.setdefault(run_id, set()).add(ref)
        self.stated = {run_id: next(iter(refs)) for run_id, refs in said.items() if len(refs) == 1}
        self._own: dict[int, int] = {
            run_id: number for run_id, ref in self.stated.items() if (number := _number(ref))
        }
        for one in told:
            if number := _number(one.message.group):
                self._own.setdefault(one.run_id, number)
        self._numbers: dict[tuple[str, str, str], set[int]] = {}
        self._bases: dict[tuple[str, int], set[str]] = {}
        self._kinds: dict[tuple[str, str], set[Kind]] = {}
        for row in rows:
            self._learn(row)

    def pull(self, row: Record) -> tuple[int | None, str | None, set[str]]:
        """Number and base of a pull request's run, and which of them follow from other runs only."""
        guessed: set[str] = set()
        number, base = self._own.get(row.run_id), None
        listed = _listed(row)
        if number is None and listed:
            number = listed[0]
        if listed and number == listed[0]:
            base = listed[1]
        if number is None:
            number = _single(self._numbers.get(_branch(row), set()))
            guessed |= {"number"} if number is not None else set()
        if base is None and number is not None:
            base = _single(self._bases.get((row.repository, number), set()))
            guessed |= {"base"} if base is not None else set()
        return number, base, guessed

    def kind(self, row: Record) -> Kind | None:
        """Whether a name is a branch or a tag, where other runs leave no doubt."""
        kind: Kind | None = _single(self._kinds.get((row.repository, row.head_branch or ""), set()))
        return kind

    def _learn(self, row: Record) -> None:
        name, event = row.head_branch or "", row.event
        place = (row.repository, name)
        ref = self.stated.get(row.run_id, "")
        if ref in (HEADS + name, TAGS + name):
            self._kinds.setdefault(place, set()).add("branch" if ref.startswith(HEADS) else "tag")
        elif event == "release":
            self._kinds.setdefault(place, set()).add("tag")
        elif event in PULL_EVENTS and row.head_repository == row.repository:
            self._kinds.setdefault(place, set()).add("branch")
        if event in PULL_EVENTS:
            listed = _listed(row)
            number = self._own.get(row.run_id) or (listed[0] if listed else None)
            if number is not None:
                self._numbers.setdefault(_branch(row), set()).add(number)
            if listed and listed[1]:
                self._bases.setdefault((row.repository, listed[0]), set()).add(listed[1])


def _branch(row: Record) -> tuple[str, str, str]:
    return row.repository, row.head_repository or "", row.head_branch or ""


def _listed(row: Record) -> tuple[int, str | None] | None:
    """The pull request that the run object lists: GitHub lists those open now whose head it is."""
    head = row.head_branch
    pulls = [one for one in row.pulls or () if one["number"] and (one["head"] or {}).get("ref") == head]
    return (pulls[0]["number"], (pulls[0]["base"] or {}).get("ref")) if len(pulls) == 1 else None


def _number(text: str) -> int | None:
    _, found, rest = text.partition("refs/pull/")
    digits, slash, _ = rest.partition("/merge")
    return int(digits) if found and slash and digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _single(found: set[Any]) -> Any:
    return next(iter(found)) if len(found) == 1 else None


def _sql(name: str) -> str:
    return resources.files("forensics.concurrency").joinpath("sql", name).read_text(encoding="utf-8")
