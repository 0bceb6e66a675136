"""``github.event`` per event, as far as it is known before anything happened.

What an event's payload never has is null, as GitHub gives it (``github.event.pull_request`` on a push); what it
has, but with a content that only the event itself knows, is an unknown of its own name. Source: GitHub's
documentation of webhook events and payloads, and of the events that trigger workflows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from forensics.workflow.document import Trigger
from forensics.workflow.expression import Object, Value, make_object, open_object, unknown

ALWAYS = ("repository", "sender", "organization", "enterprise", "installation")
"""What every payload may have."""

CONTENTS: Mapping[str, tuple[str, ...]] = {
    "push": ("ref", "before", "after", "base_ref", "created", "deleted", "forced", "compare", "commits",
    "head_commit",
             "pusher"),
    "pull_request": ("action", "number", "pull_request", "label", "assignee", "before", "after", "changes",
                     "requested_reviewer", "requested_team", "milestone"),
    "pull_request_review": ("action", "pull_request", "review", "changes"),
    "pull_request_review_comment": ("action", "pull_request", "comment", "changes"),
    "issues": ("action", "issue", "label", "assignee", "changes", "milestone"),
    "issue_comment": ("action", "issue", "comment", "changes"),
    "release": ("action", "release", "changes"),
    "merge_group": ("action", "merge_group"),
    "workflow_run": ("action", "workflow_run", "workflow"),
    "workflow_dispatch": ("inputs", "ref", "workflow"),
    "repository_dispatch": ("action", "branch", "client_payload"),
    "schedule": ("schedule", "workflow"),
    "deployment": ("action", "deployment", "workflow", "workflow_run"),
    "deployment_status": ("action", "deployment_status", "deployment", "check_run", "workflow", "workflow_run"),
    "create": ("ref", "ref_type", "master_branch", "description", "pusher_type"),
    "delete": ("ref", "ref_type", "pusher_type"),
    "check_run": ("action", "check_run", "requested_action"),
    "check_suite": ("action", "check_suite"),
    "discussion": ("action", "discussion", "label", "answer", "changes"),
    "discussion_comment": ("action", "comment", "discussion", "changes"),
    "label": ("action", "label", "changes"),
    "status": ("sha", "state", "context", "description", "target_url", "commit", "branches", "name", "id"),
    "page_build": ("build", "id"),
    "gollum": ("pages",),
    "watch": ("action",),
    "fork": ("forkee",),
}  # fmt: skip

_OBJECTS = {
    "repository", "sender", "organization", "enterprise", "installation", "pull_request", "issue", "comment",
    "release",
    "merge_group", "workflow_run", "deployment", "deployment_status", "check_run", "check_suite", "discussion",
    "label",
    "review", "head_commit", "client_payload", "pusher", "changes", "assignee", "milestone",
}  # fmt: skip

_LABELLED = {"label": ("labeled", "unlabeled"), "assignee": ("assigned", "unassigned")}
"""What the payload has for some types only."""


def describe_event(event: str, trigger: Trigger | None, given: Mapping[str, Value]) -> Object:
    """The payload of an event, with some of it ``given``; open as a whole for an event that is not known here."""
    kind = "pull_request" if event == "pull_request_target" else event
    names = CONTENTS.get(kind)
    if names is None:
        return open_object("github.event", dict(given))
    properties = dict(_contents(names))
    types = trigger.types if trigger and trigger.types else None
    if kind in ("pull_request", "issues", "discussion"):
        for name, of_types in _LABELLED.items():
            if name in properties and not set(of_types) & set(types or ()):
                properties[name] = None
    if types and "action" in properties:
        properties["action"] = types[0] if len(types) == 1 else unknown("github.event.action", among=types)
    return make_object({**properties, **given})


@lru_cache(maxsize=64)
def _contents(names: tuple[str, ...]) -> Mapping[str, Value]:
    return {name: _content(name) for name in (*ALWAYS, *names)}


def _content(name: str) -> Value:
    where = f"github.event.{name}"
    return open_object(where) if name in _OBJECTS else unknown(where)
