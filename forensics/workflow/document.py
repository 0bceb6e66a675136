"""A workflow file as it is written: every value with its place, expressions not yet evaluated.

What GitHub accepts is here; what it refuses is in ``Document.refusals``, with place and reason, and the rest of the
file is still read as far as it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from forensics.workflow.expression.scalars import format_number


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands in the file; both count from 1."""

    line: int
    column: int


def to_text(value: str | bool | int | float | None) -> str:
    """A YAML value as GitHub makes a string of it: numbers are doubles, printed with at most 15 digits."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return format_number(float(value))
    except OverflowError:
        return "Infinity" if value > 0 else "-Infinity"


@dataclass(frozen=True)
class Scalar:
    """A scalar as written. ``value`` is the YAML value: a string may hold ``${{ }}``."""

    value: str | bool | int | float | None
    place: Place

    @property
    def text(self) -> str:
        """The value as GitHub makes a string of it: ``true``, 1.1 for 1.10, nothing for null."""
        return to_text(self.value)

    @property
    def is_expression(self) -> bool:
        """Whether anything in it has to be evaluated."""
        return isinstance(self.value, str) and "${{" in self.value


@dataclass(frozen=True)
class Concurrency:
    """``concurrency:`` of a workflow or job, in whichever of its forms."""

    group: Scalar | None
    """None where the whole mapping is one expression (``concurrency: ${{ fromJSON(…) }}``) or the key is missing."""
    cancel_in_progress: Scalar | None
    queue: Scalar | None
    place: Place
    """Of the key ``concurrency``."""
    whole: Scalar | None = None
    """The expression that gives the mapping, where it is one."""


@dataclass(frozen=True)
class Trigger:
    """One event under ``on``."""

    event: str
    place: Place
    branches: tuple[str, ...] | None = None
    """None where there is no such filter; an empty filter is an empty tuple."""
    branches_ignore: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    tags_ignore: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    paths_ignore: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    workflows: tuple[str, ...] | None = None
    """Of ``workflow_run``."""
    crons: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Of ``workflow_dispatch`` and ``workflow_call``: name → what the file says (type, default, required …)."""


@dataclass(frozen=True)
class Environment:
    """``environment:`` of a job."""

    name: Scalar | None
    place: Place
    deployment: bool = True
    """False: the environment is used without a deployment record (2026)."""


@dataclass(frozen=True)
class Step:
    """One step; a parallel group of steps (2026) is given as its steps, each marked."""

    place: Place
    id: str | None = None
    name: str | None = None
    uses: Scalar | None = None
    run: Scalar | None = None
    condition: Scalar | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """``with:``"""
    env: Mapping[str, Any] = field(default_factory=dict)
    background: bool = False
    parallel: bool = False


@dataclass(frozen=True)
class Strategy:
    """``strategy:`` of a job."""

    matrix: Mapping[str, Any] | None
    """As written; None where there is none. An expression stands under the key ``''`` as a Scalar."""
    matrix_place: Place | None
    max_parallel: Scalar | None
    fail_fast: Scalar | None


@dataclass(frozen=True)
class Call:
    """A job that calls a reusable workflow."""

    uses: Scalar
    local: bool
    """``./.github/workflows/x.yml``: in the same repository at the same commit."""
    inputs: Mapping[str, Any]
    """``with:``; values are Scalars."""
    secrets_inherit: bool


@dataclass(frozen=True)
class Job:
    """One job."""

    id: str
    place: Place
    name: Scalar | None = None
    needs: tuple[str, ...] = ()
    condition: Scalar | None = None
    runs_on: tuple[str, ...] = ()
    call: Call | None = None
    strategy: Strategy | None = None
    concurrency: Concurrency | None = None
    environment: Environment | None = None
    permissions: Mapping[str, str] | str | None = None
    """Scope → access, or ``read-all``/``write-all``; None where the workflow's hold."""
    steps: tuple[Step, ...] = ()
    timeout_minutes: Scalar | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """Why GitHub does not run the file, or runs it otherwise than it looks."""

    place: Place
    message: str
    """A whole sentence: what was found and what was expected."""
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True)
class Document:
    """A whole workflow file."""

    path: str
    name: str | None
    """As written under ``name``; GitHub shows the path where there is none."""
    run_name: Scalar | None
    triggers: tuple[Trigger, ...]
    jobs: tuple[Job, ...]
    concurrency: Concurrency | None = None
    permissions: Mapping[str, str] | str | None = None
    env: Mapping[str, Any] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the events that start it."""
        return tuple(trigger.event for trigger in self.triggers)

    def trigger(self, event: str) -> Trigger | None:
        """What the file says of one event."""
        return next((trigger for trigger in self.triggers if trigger.event == event), None)

    def job(self, job_id: str) -> Job | None:
        """A job by its key."""
        return next((job for job in self.jobs if job.id == job_id), None)
