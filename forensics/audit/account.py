"""What the concurrency settings of each workflow did, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from forensics.store.store import Store


@dataclass(frozen=True)
class WorkflowAccount:
    """One workflow over the time of the case."""

    repository: str
    workflow_path: str
    runs: int
    settings: tuple[str, ...]
    """Each way in which its groups were written, the newest first: ``job: deploy-${{ github.ref }} (cancels)``."""
    groups: int
    """Different groups that its runs and jobs were in, as far as their names are known."""
    runs_in_groups: int
    evicted: int
    """Runs cancelled while they waited, because a later one came."""
    cancelled: int
    """Runs cancelled while they executed, because a later one came."""
    deadlocked: int
    waited_half_seconds: float | None
    """Seconds from being asked for to the first job's start: the median."""
    waited_most_seconds: float | None
    """The same: the 95th percentile."""
    cancelled_minutes: float
    """Minutes that runners had worked for runs which a later one cancelled."""
    idle_seconds: float
    """Seconds for which its runs held a group of their own while none of their jobs executed."""


@dataclass(frozen=True)
class Agreement:
    """How what we make of a repository's workflow files compares with GitHub's word."""

    repository: str
    asked: int
    """Runs of which GitHub named a group."""
    agreed: int
    disagreed: int
    unexplained: int
    """Runs with a name of GitHub's that nothing of ours carries."""
    examples: tuple[str, ...]


def read_account(store: Store) -> tuple[WorkflowAccount, ...]:
    """The workflows of a case, by repository, most runs first; needs the views of ``queries/lib``."""
    sql = resources.files("forensics.audit").joinpath("sql", "account.sql").read_text(encoding="utf-8")
    return tuple(WorkflowAccount(**{**row, "settings": tuple(row["settings"])}) for row in store.query(sql).dicts())


def read_agreement(store: Store) -> tuple[Agreement, ...]:
    """Runs of which both GitHub and the files tell the group, by repository; needs the views of ``queries/lib``."""
    rows = store.query(
        "SELECT repository, asked, agreed, disagreed, unexplained, examples FROM group_agreement ORDER BY repository"
    ).rows
    return tuple(Agreement(row[0], row[1], row[2], row[3], row[4], tuple(row[5])) for row in rows)
