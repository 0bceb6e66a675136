"""Deployments of the span, the statuses of each, and who approved what had to wait."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from forensics.ingest.github.answer import Gone
from forensics.ingest.github.listing import parse_moment
from forensics.ingest.github.pool import Work
from forensics.ingest.github.queue import Item, Settled
from forensics.ingest.github.session import Session, gone, root

_RUN_IN_URL = re.compile(r"/actions/runs/(\d{1,18})(?!\d)")
_WAITED = frozenset({"waiting", "pending"})
"""States of a deployment that a protection rule held back."""


async def list_deployments(session: Session, repository: str, since: datetime) -> None:
    """Deployments created since then, newest first, and a question for the statuses of each that changed."""
    number = 0
    whole = Item(repository, "deployments", "list")
    session.queue.add([whole])
    known = session.queue.state_of(repository, "deployments", "list")
    address = f"/repos/{repository}/deployments"
    path = ""
    try:
        async for answer in session.client.pages(address, {"per_page": 100}, kind="deployments", conditional=True):
            number += 1
            path = session.keep(answer, f"{root(repository)}/deployments-{number}.json", conditional=True)
            found = [one for one in answer.json() or [] if isinstance(one, dict) and isinstance(one.get("id"), int)]
            wanted = [one for one in found if (parse_moment(one.get("created_at")) or since) >= since]
            session.queue.add(_statuses_item(repository, one) for one in wanted)
            # Newest first: behind an unchanged page lies what was fetched before, if it was fetched at all.
            if len(wanted) < len(found) or (answer.unchanged and known is not None and known[0] == "done"):
                break
    except Gone as why:
        session.settle([gone(whole, why)])
        return
    session.settle([Settled(whole, "done", evidence_path=path)])


def _statuses_item(repository: str, deployment: dict[str, Any]) -> Item:
    return Item(repository, "statuses", str(deployment["id"]), version=str(deployment.get("updated_at") or ""))


def status_works(session: Session, repository: str) -> list[Work]:
    """The questions for statuses that are open."""
    return [
        partial(_fetch_statuses, session, repository, item)
        for item in session.queue.waiting(repository, ("statuses",))
    ]


async def _fetch_statuses(session: Session, repository: str, item: Item) -> None:
    number = 0
    path = ""
    approvals: list[Item] = []
    address = f"/repos/{repository}/deployments/{item.key}/statuses"
    try:
        async for answer in session.client.pages(address, {"per_page": 100}, kind="statuses"):
            number += 1
            path = session.keep(answer, f"{root(repository)}/deployments/{item.key}/statuses-{number}.json")
            approvals += _approvals(repository, answer.json() or [])
    except Gone as why:
        session.settle([gone(item, why)])
        return
    session.queue.add(approvals)
    session.settle([Settled(item, "done", evidence_path=path)])


def _approvals(repository: str, statuses: list[Any]) -> list[Item]:
    """Runs whose deployment waited: their approvals say who let it pass."""
    items = []
    for status in statuses:
        if not isinstance(status, dict) or status.get("state") not in _WAITED:
            continue
        found = _RUN_IN_URL.search(str(status.get("log_url") or status.get("target_url") or ""))
        if found:
            items.append(approval_item(repository, int(found[1])))
    return items


def approval_item(repository: str, run_id: int) -> Item:
    """The question for a run's approvals."""
    return Item(repository, "approvals", str(run_id), run_id)


def approval_works(session: Session, repository: str) -> list[Work]:
    """The questions for approvals that are open."""
    ask: Callable[..., Any] = _fetch_approvals
    return [partial(ask, session, repository, item) for item in session.queue.waiting(repository, ("approvals",))]


async def _fetch_approvals(session: Session, repository: str, item: Item) -> None:
    address = f"/repos/{repository}/actions/runs/{item.run_id}/approvals"
    try:
        answer = await session.client.get(address, kind="approvals")
    except Gone as why:
        session.settle([gone(item, why)])
        return
    path = session.keep(answer, f"{root(repository)}/actions/runs/{item.run_id}/approvals.json")
    session.settle([Settled(item, "done", evidence_path=path)])
