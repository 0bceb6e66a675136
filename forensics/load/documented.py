"""The values that GitHub documents for states, outcomes and events; another one is kept, counted and said.

Sources: GitHub's OpenAPI description (runs, jobs, deployment statuses, annotations), its page "Events that trigger
workflows", and ``dynamic``, which GitHub's own workflows carry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from forensics.load.page import Page

_STATUSES = frozenset({"queued", "in_progress", "completed", "waiting", "requested", "pending"})
_CONCLUSIONS = frozenset(
    {
        "success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale",
        "startup_failure",
    }
)  # fmt: skip
_EVENTS = frozenset(
    {
        "branch_protection_rule", "check_run", "check_suite", "commit_comment", "create", "delete", "deployment",
        "deployment_status", "discussion", "discussion_comment", "dynamic", "fork", "gollum", "image_version",
        "issue_comment", "issues", "label", "member", "merge_group", "milestone", "page_build", "project",
        "project_card", "project_column", "public", "pull_request", "pull_request_comment", "pull_request_review",
        "pull_request_review_comment", "pull_request_target", "push", "registry_package", "release",
        "repository_dispatch", "schedule", "status", "watch", "workflow_call", "workflow_dispatch", "workflow_run",
    }
)  # fmt: skip
_DEPLOYED = frozenset({"error", "failure", "inactive", "pending", "success", "queued", "in_progress", "waiting"})
_LEVELS = frozenset({"notice", "warning", "failure"})

_DOCUMENTED = {
    "runs": {"status": _STATUSES | _CONCLUSIONS, "conclusion": _CONCLUSIONS, "event": _EVENTS},
    "jobs": {"status": _STATUSES, "conclusion": _CONCLUSIONS},
    "steps": {"status": _STATUSES, "conclusion": _CONCLUSIONS},
    "deployment_statuses": {"state": _DEPLOYED},
    "annotations": {"level": _LEVELS},
}
"""By table and column; the list of runs also takes conclusions as their status, so they are no surprise there."""

_LONGEST = 60
"""Characters of an undocumented value that are told."""


def unknown_values(page: Page) -> Iterator[str]:
    """What of a page is not documented, as sentences: fault matrix, row 38."""
    tables = page.tables()
    for table, columns in _DOCUMENTED.items():
        for column, documented in columns.items():
            found = Counter(row[column] for row in tables[table] if row[column] and row[column] not in documented)
            for value, count in sorted(found.items()):
                shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in value[:_LONGEST])
                yield (
                    f"{count} of the {table.replace('_', ' ')} have the {column} “{shown}”, which GitHub does not "
                    "document. It is kept as it came, and counts neither as success nor as failure."
                )
