"""What one JSON document holds for the case."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass
class Page:
    """Rows seen in one document, by table; ``unread`` counts objects of kinds that the case has no use for."""

    runs: list[Row] = field(default_factory=list)
    jobs: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    workflows: list[Row] = field(default_factory=list)
    repositories: list[Row] = field(default_factory=list)
    annotations: list[Row] = field(default_factory=list)
    deployments: list[Row] = field(default_factory=list)
    deployment_statuses: list[Row] = field(default_factory=list)
    concurrency_groups: list[Row] = field(default_factory=list)
    approvals: list[Row] = field(default_factory=list)
    workflow_versions: list[Row] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    odd_types: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(kind of object, field) → how many have another type there than GitHub documents."""
    odd_examples: dict[tuple[str, str], str] = field(default_factory=dict)
    """One of them, described."""
    broken: str | None = None
    """Where and why the text stops being JSON."""

    @property
    def objects(self) -> int:
        """Objects that became rows."""
        return sum(len(rows) for rows in self.tables().values()) - len(self.steps)

    def tables(self) -> dict[str, list[Row]]:
        """The rows by table name."""
        return {
            name: getattr(self, name)
            for name in (
                "runs", "jobs", "steps", "workflows", "repositories", "annotations",
                "deployments", "deployment_statuses", "concurrency_groups", "workflow_versions", "approvals",
            )
        }  # fmt: skip
