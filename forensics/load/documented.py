"""The values that GitHub documents for states, outcomes and events; another one is kept, counted and said.

Sources: GitHub's OpenAPI description (runs, jobs, deployment statuses, annotations), its page "Events that trigger
workflows", and ``dynamic``, which GitHub's own workflows carry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

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


_TEXT, _NUMBER, _LIST = (str,), (int,), (list,)
_OBJECT = (dict, str)
"""An object, or the bare text that ``--jq`` leaves of it."""
_NAMES = {
    str: "a text",
    int: "a number",
    list: "a list",
    dict: "an object",
    bool: "true or false",
    float: "a fraction",
}


def _typed(texts: str, numbers: str = "", lists: str = "", objects: str = "") -> dict[str, tuple[type, ...]]:
    kinds = ((texts, _TEXT), (numbers, _NUMBER), (lists, _LIST), (objects, _OBJECT))
    return {name: types for names, types in kinds for name in names.split()}


_TYPES = {
    "runs": _typed(
        "name display_title event status conclusion head_branch head_sha path created_at run_started_at updated_at",
        "id run_number run_attempt workflow_id",
        "pull_requests referenced_workflows",
        "actor triggering_actor repository head_repository",
    ),
    "jobs": _typed(
        "name status conclusion created_at started_at completed_at head_sha head_branch workflow_name runner_name "
        "runner_group_name",
        "id run_id run_attempt runner_id",
        "labels steps",
    ),
    "steps": _typed("name status conclusion started_at completed_at startedAt completedAt", "number"),
    "runs of gh": _typed(
        "name workflowName displayTitle event status conclusion headBranch headSha createdAt startedAt updatedAt url",
        "databaseId number workflowDatabaseId attempt",
        "jobs",
    ),
    "jobs of gh": _typed("name status conclusion startedAt completedAt url", "databaseId", "steps"),
    "annotations": _typed("annotation_level title message path", "start_line"),
    "deployments": _typed("environment task ref sha created_at updated_at", "id", "", "creator"),
    "deployment statuses": _typed(
        "state environment log_url target_url deployment_url created_at", "id", "", "creator"
    ),
    "workflows": _typed("path name state created_at updated_at", "id"),
    "approvals": _typed("state comment", "", "environments", "user"),
}
"""By kind of object and field, of those that become columns; null and nothing at all are no other type."""


def note_types(kind: str, value: dict[str, Any], page: Page) -> None:
    """Count the fields of an object that have another type than GitHub documents: fault matrix, row 39."""
    for name, types in _TYPES[kind].items():
        found = value.get(name)
        # bool is an int to Python, not to GitHub.
        if found is not None and (type(found) not in types):
            page.odd_types[kind, name] += 1
            page.odd_examples.setdefault((kind, name), _example(found))


def odd_type_head(kind: str, name: str) -> str:
    """How the sentence on a field begins, after the count."""
    wanted = _NAMES[_TYPES[kind][name][0]]
    return f"of the {kind} have something else in {name} than {wanted}, which GitHub documents"


def odd_type_rest(example: str) -> str:
    """How that sentence ends."""
    return f": for example {example}. The JSON is kept; what cannot be read as such a value is unknown."


def _example(value: Any) -> str:
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in str(value)[:_LONGEST])
    return f"{_NAMES.get(type(value), 'something')}, “{shown}”"
