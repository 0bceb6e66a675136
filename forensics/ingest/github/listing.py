"""All runs of a span of time: windows small enough for the search's cap, pages that may shift, and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from forensics.ingest.github.answer import Answer
from forensics.ingest.github.session import Run, Session, root
from forensics.ingest.github.windows import CAP, Window

PER_PAGE = 100
PASSES = 3
"""Times a window is gone through when runs disappear while it is listed (fault matrix, row 30)."""

_SECOND = timedelta(seconds=1)
_EVENTS = (
    "push", "pull_request", "pull_request_target", "schedule", "workflow_dispatch", "workflow_run", "merge_group",
    "issue_comment", "issues", "release", "repository_dispatch", "deployment_status", "dynamic",
)  # fmt: skip
"""By which a second with more runs than one search shows is taken apart (row 31)."""


@dataclass(frozen=True)
class Listed:
    """The runs of one window."""

    window: Window
    runs: tuple[tuple[Run, str], ...]
    """Each run with the evidence that has it; newest first, each once."""
    total: int
    """How many the server says there are."""
    changed: bool
    """Whether any page differs from what was known."""
    doubt: str = ""
    """Why the list may not be whole; empty when it is."""


@dataclass(frozen=True)
class _Pass:
    """What going through the pages of one search once gave."""

    runs: dict[int, tuple[Run, str]]
    """By id, in the order shown."""
    totals: frozenset[int]
    """What the pages said of how many there are."""
    changed: bool

    @property
    def total(self) -> int:
        """The largest number that a page named."""
        return max(self.totals, default=0)

    @property
    def is_whole(self) -> bool:
        """Whether nothing moved while the pages were read, and all that was announced was shown."""
        return len(self.totals) <= 1 and len(self.runs) >= self.total


async def list_window(
    session: Session, repository: str, window: Window, workflow: str = "", *, event: str = ""
) -> list[Listed]:
    """List one window; several results when it holds more than a search shows.

    Raises Gone when the workflow does not exist.
    """
    runs: dict[int, tuple[Run, str]] = {}
    changed = False
    total = 0
    for turn in range(PASSES):
        found = await _go_through(session, repository, window, workflow, event, conditional=turn == 0)
        if found.total >= CAP:
            return await _divide(session, repository, window, workflow, event, found)
        # A run is on two pages when others appeared in between: its newest state counts.
        runs |= found.runs
        changed |= found.changed
        total = found.total
        # Otherwise runs went while we were paging, and those that moved up to a page already read were not seen.
        if found.is_whole:
            break
    doubt = ""
    if len(runs) < total:
        doubt = f"GitHub counts {total} runs from {window.created} and showed {len(runs)} of them."
    newest_first = sorted(runs.values(), key=lambda one: -one[0]["id"])
    return [Listed(window, tuple(newest_first), total, changed, doubt)]


async def _go_through(
    session: Session, repository: str, window: Window, workflow: str, event: str, *, conditional: bool
) -> _Pass:
    """All pages of one search, as far as it shows any."""
    runs: dict[int, tuple[Run, str]] = {}
    totals = set()
    changed = False
    number = 0
    params: dict[str, str | int] = {"created": window.created, "per_page": PER_PAGE}
    if event:
        params["event"] = event
    pages = session.client.pages(
        _address(repository, workflow), params, kind="runs", conditional=conditional, check=count_runs
    )
    async with aclosing(pages):
        async for answer in pages:
            number += 1
            page = answer.json()
            totals.add(int(page.get("total_count") or 0))
            name = f"{_folder(repository, window, workflow, event)}/page-{number}.json"
            path = session.keep(answer, name, conditional=conditional)
            changed |= not answer.unchanged
            runs |= {run["id"]: (run, path) for run in _objects(page)}
            if number * PER_PAGE >= CAP:
                break
    return _Pass(runs, frozenset(totals), changed)


async def _divide(
    session: Session, repository: str, window: Window, workflow: str, event: str, found: _Pass
) -> list[Listed]:
    """A window that holds more than a search shows: what was shown is its newest part, the rest is listed next.

    That the newest come first is observed, not specified, so it is looked at; else the window is halved.
    """
    if not window.divisible:
        return [await _list_second(session, repository, window, workflow, event, found)]
    moments = [_created(run) for run, _ in found.runs.values()]
    cut = moments[-1] if moments and moments == sorted(moments, reverse=True) else None
    if cut is None or not window.start <= cut <= window.end:
        parts: list[Listed] = []
        for half in window.halves():
            parts += await list_window(session, repository, half, workflow, event=event)
        return parts
    listed = []
    if cut < window.end:
        # Of the second at which the search ended more runs may be hidden: it goes with the rest.
        newest_part = Window(cut + _SECOND, window.end)
        runs = tuple(one for one in found.runs.values() if _created(one[0]) > cut)
        listed.append(Listed(newest_part, runs, len(runs), found.changed))
        rest = Window(window.start, cut)
    else:
        listed += await list_window(session, repository, Window(cut, cut), workflow, event=event)
        rest = Window(window.start, cut - _SECOND)
    return listed + await list_window(session, repository, rest, workflow, event=event)


async def _list_second(
    session: Session, repository: str, window: Window, workflow: str, event: str, found: _Pass
) -> Listed:
    """A single second with more runs than a search shows, by event."""
    runs = dict(found.runs)
    if not event:
        for one in _EVENTS:
            for part in await list_window(session, repository, window, workflow, event=one):
                runs |= {run["id"]: (run, path) for run, path in part.runs}
    doubt = ""
    if len(runs) < found.total or event:
        doubt = f"{found.total} runs were created within the second {window.created}; {len(runs)} could be listed."
    return Listed(window, tuple(runs.values()), found.total, True, doubt)


def _created(run: Run) -> datetime:
    return parse_moment(run.get("created_at")) or datetime.min


def _address(repository: str, workflow: str) -> str:
    base = f"/repos/{repository}/actions"
    return f"{base}/workflows/{workflow}/runs" if workflow else f"{base}/runs"


def _folder(repository: str, window: Window, workflow: str, event: str) -> str:
    span = window.created.replace(":", "").replace("..", "--")
    parts = [root(repository), "actions/runs", *(part for part in (workflow, event) if part), f"created-{span}"]
    return "/".join(parts)


def _objects(page: Any) -> list[Run]:
    found = page.get("workflow_runs") if isinstance(page, dict) else None
    return [run for run in found or [] if isinstance(run, dict) and isinstance(run.get("id"), int)]


def count_runs(answer: Answer) -> int:
    """How many runs a page holds: a full page without a link to the next one is asked about once."""
    return len(_objects(answer.json()))


def version(run: Run) -> str:
    """What state of a run was seen: a re-run raises the attempt, anything else moves ``updated_at``."""
    return f"{run.get('run_attempt') or 1}@{run.get('updated_at')}@{run.get('status')}"


def attempt_of(run: Run) -> int:
    """Number of the latest attempt."""
    number = run.get("run_attempt")
    return number if isinstance(number, int) and number > 0 else 1


def is_complete(run: Run) -> bool:
    """Whether the latest attempt has ended."""
    return run.get("status") == "completed"


def began_since(run: Run, since: datetime) -> bool:
    """Whether a run was created, or run again, since then: a re-run keeps the run's old ``created_at`` (row 35)."""
    moments = [
        run.get("created_at"),
        run.get("run_started_at"),
        run.get("updated_at") if attempt_of(run) > 1 else None,
    ]
    return any(moment is not None and moment >= since for moment in map(parse_moment, moments))


def parse_moment(text: Any) -> datetime | None:
    """A time as the API writes it, naive UTC; None for what is none."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (found - (found.utcoffset() or timedelta())).replace(tzinfo=None)


def newest(runs: Sequence[tuple[Run, str]]) -> dict[int, tuple[Run, str]]:
    """Each run once, in its newest state, whatever lists it came from."""
    found: dict[int, tuple[Run, str]] = {}
    for run, path in runs:
        known = found.get(run["id"])
        if known is None or _age(run) >= _age(known[0]):
            found[run["id"]] = (run, path)
    return found


def _age(run: Run) -> tuple[int, str]:
    return attempt_of(run), str(run.get("updated_at") or "")
