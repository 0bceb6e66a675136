"""All runs of a span of time: windows small enough for the search's cap, pages that may shift, and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from forensics.ingest.github.answer import Answer
from forensics.ingest.github.session import Run, Session, root
from forensics.ingest.github.windows import CAP, Window, split

PER_PAGE = 100
PASSES = 3
"""Times a window is gone through when runs disappear while it is listed (fault matrix, row 30)."""

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


async def list_window(
    session: Session, repository: str, window: Window, workflow: str = "", *, event: str = ""
) -> list[Listed]:
    """List one window; several results when it had to be split. Raises Gone when the workflow does not exist."""
    runs: dict[int, tuple[Run, str]] = {}
    changed = False
    total = 0
    for turn in range(PASSES):
        totals = set()
        number = 0
        params: dict[str, str | int] = {"created": window.created, "per_page": PER_PAGE}
        if event:
            params["event"] = event
        pages = session.client.pages(
            _address(repository, workflow), params, kind="runs", conditional=turn == 0, check=count_runs
        )
        async for answer in pages:
            number += 1
            page = answer.json()
            total = int(page.get("total_count") or 0)
            totals.add(total)
            if number == 1 and total > CAP:
                await pages.aclose()
                return await _split(session, repository, window, workflow, total, event)
            name = f"{_folder(repository, window, workflow, event)}/page-{number}.json"
            path = session.keep(answer, name, conditional=turn == 0)
            changed |= not answer.unchanged
            for run in _objects(page):
                # A run is on two pages when others appeared in between: its newest state counts.
                runs[run["id"]] = (run, path)
        # Fewer than announced, or another number on a later page: runs went while we were paging, and those that
        # moved up to a page already read were not seen.
        if len(totals) <= 1 and len(runs) >= total:
            break
    doubt = ""
    if len(runs) < total:
        doubt = f"GitHub counts {total} runs from {window.created} and showed {len(runs)} of them."
    newest_first = sorted(runs.values(), key=lambda found: -found[0]["id"])
    return [Listed(window, tuple(newest_first), total, changed, doubt)]


async def _split(
    session: Session, repository: str, window: Window, workflow: str, total: int, event: str
) -> list[Listed]:
    """A window with more runs than a search shows, in halves; a single second by event."""
    found: list[Listed] = []
    parts = split(window, total)
    if len(parts) > 1:
        for part in parts:
            found += await list_window(session, repository, part, workflow, event=event)
        return found
    if event:
        doubt = f"More than {CAP} {event} runs were created within the second {window.created}; GitHub shows no more."
        return [Listed(window, (), total, True, doubt)]
    for one in _EVENTS:
        found += await list_window(session, repository, window, workflow, event=one)
    runs = {run["id"]: (run, path) for part in found for run, path in part.runs}
    doubt = "" if len(runs) >= total else f"{total} runs were created within the second {window.created}; "
    doubt += f"{len(runs)} of them could be listed." if doubt else ""
    return [Listed(window, tuple(runs.values()), total, True, doubt)]


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
