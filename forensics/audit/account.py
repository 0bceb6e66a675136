"""What the concurrency settings of each workflow did, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from forensics.store.store import Store


@dataclass(frozen=True)
class SettingVersion:
    """One way in which a group of a workflow was written, in one version of the file."""

    setting: str
    """``job: deploy-${{ github.ref }} (cancels)``."""
    path: str | None
    """File that says so: the workflow's own, or one that it calls."""
    line: int | None
    blob: str | None
    """Git's id of the file's content; None where the case does not have it."""
    runs: int
    first_run_id: int
    first_at: datetime | None
    """When its first run was asked for, UTC."""
    last_run_id: int
    last_at: datetime | None


@dataclass(frozen=True)
class WorkflowAccount:
    """One workflow over the time of the case."""

    repository: str
    workflow_path: str
    runs: int
    settings: tuple[str, ...]
    """Each way in which its groups were written, the newest first: ``job: deploy-${{ github.ref }} (cancels)``."""
    versions: tuple[SettingVersion, ...]
    """The same with the file's version and the runs that it was in force for, the newest first."""
    groups: int
    """Different groups that its runs and jobs were in, as far as their names are known."""
    runs_in_groups: int
    overlapping: int
    """Runs that executed while another run of the workflow did, by more than the grain of a second."""
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
    return tuple(_account(row) for row in store.query(sql).dicts())


def _account(row: Mapping[str, Any]) -> WorkflowAccount:
    versions = tuple(SettingVersion(**version) for version in row["versions"])
    settings = tuple(dict.fromkeys(version.setting for version in versions))
    return WorkflowAccount(**{**row, "settings": settings, "versions": versions})


def read_agreement(store: Store) -> tuple[Agreement, ...]:
    """Runs of which both GitHub and the files tell the group, by repository; needs the views of ``queries/lib``."""
    rows = store.query(
        "SELECT repository, asked, agreed, disagreed, unexplained, examples FROM group_agreement ORDER BY repository"
    ).rows
    return tuple(Agreement(row[0], row[1], row[2], row[3], row[4], tuple(row[5])) for row in rows)
