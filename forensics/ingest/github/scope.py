"""What one live ingest is to get, what that will cost, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Logs = Literal["all", "suspect", "failed", "none"]
"""``all``: every attempt's; ``suspect``: of runs that a detector names without logs, and their neighbours;
``failed``: of attempts that did not succeed."""


@dataclass(frozen=True)
class Scope:
    """What to get."""

    repositories: tuple[str, ...]
    since: timedelta | datetime
    """A span before the server's now, or a moment in naive UTC."""
    until: datetime | None = None
    """Naive UTC; None is the server's now."""
    workflows: tuple[str, ...] = ()
    """File names (``deploy.yml``); none means all."""
    logs: Logs = "all"
    dry_run: bool = False
    """Say what it would cost, and fetch nothing but what that takes."""


@dataclass(frozen=True)
class Cost:
    """One line of the plan."""

    what: str
    """``jobs of 600 runs``"""
    requests: int
    exact: bool
    """False for an estimate."""


@dataclass(frozen=True)
class Plan:
    """What an ingest will ask for, before it does."""

    costs: tuple[Cost, ...]
    quota_left: int | None
    """None where the server names no limit."""
    quota_limit: int | None
    resets_at: datetime | None

    @property
    def requests(self) -> int:
        """All requests together."""
        return sum(cost.requests for cost in self.costs)


@dataclass(frozen=True)
class Completeness:
    """What became of the things of one kind: every one listed is in exactly one of the other counts."""

    kind: str
    """``runs``, ``attempts``, ``jobs``, ``groups``, ``annotations``, ``logs``, ``deployments`` …"""
    listed: int
    fetched: int
    expired: int
    refused: int
    """Not to be had for another reason: deleted, blocked, no permission, not on this server, corrupt, refused."""
    waiting: int
    """Still to be asked for: the next ingest goes on with them."""
    skipped: int = 0
    """Not asked for, because there is nothing to be had: no job ran, or the workflow declares no concurrency."""
