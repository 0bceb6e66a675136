"""One attempt of the past, with all that is on record of the values that its expressions could read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["branch", "tag"]


@dataclass(frozen=True, slots=True)
class Upstream:
    """The run that a ``workflow_run`` event was about, as far as one can tell."""

    run_id: int
    run_number: int | None
    attempt: int
    name: str | None
    path: str | None
    event: str | None
    head_branch: str | None
    head_sha: str | None
    head_repository: str | None
    conclusion: str | None


@dataclass(frozen=True, slots=True)
class PastRun:
    """One attempt. None is unknown; times are UTC."""

    repository: str
    """owner/name; empty when unknown."""
    run_id: int
    attempt: int = 1
    event: str | None = None
    path: str | None = None
    """Of the workflow file that defined it."""
    run_number: int | None = None
    head_branch: str | None = None
    """As REST has it: a branch, a tag, or the pull request's own branch."""
    head_sha: str | None = None
    head_repository: str | None = None
    created_at: datetime | None = None
    actor: str | None = None
    """Who caused the first attempt."""
    triggering_actor: str | None = None
    """Who caused this one."""
    default_branch: str | None = None
    repository_id: int | None = None
    server_url: str | None = None
    stated_ref: str | None = None
    """The ref that its own log, or a local workflow that it called, names."""
    kind: Kind | None = None
    """What ``head_branch`` is, by other runs or the repository; only where no ref is stated."""
    number: int | None = None
    """Of its pull request."""
    base: str | None = None
    """Branch that the pull request goes into."""
    merge_commit: str | None = None
    """The pull request's merge commit, where a called workflow names it."""
    upstream: Upstream | None = None
    guessed: frozenset[str] = frozenset()
    """Which of ref, kind, number, base and upstream are inferred rather than stated."""
    title: str | None = None
    """What ``run-name`` came to, as the run list shows it."""
