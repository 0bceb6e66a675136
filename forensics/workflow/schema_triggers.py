"""What GitHub takes under ``on``.

Source: ``on-strict`` of workflow-v1.0.json in GitHub's language services (@actions/workflow-parser 0.3.61). Where the
runner's copy (actions/runner at 258d6c8) is wider, that is taken: an input of workflow_dispatch with nothing behind
the colon, ``repository_dispatch`` as a word.
"""

from __future__ import annotations

from collections.abc import Mapping

from forensics.workflow.shape import (
    CALL_OUTPUT,
    RUN,
    Shape,
    boolean,
    either,
    maybe,
    number,
    one_of,
    record,
    rows,
    table,
    text,
    word,
    words,
)

_FILTERS = {
    "branches": "a branch pattern",
    "branches-ignore": "a branch pattern",
    "tags": "a tag pattern",
    "tags-ignore": "a tag pattern",
    "paths": "a path pattern",
    "paths-ignore": "a path pattern",
    "workflows": "a workflow's name",
    "names": "an image's name",
    "versions": "an image's version",
}
_BRANCHES = ("branches", "branches-ignore")
_PATHS = ("paths", "paths-ignore")


def _event(types: str = "", filters: tuple[str, ...] = ()) -> Shape:
    fields: dict[str, Shape] = {name: words(_FILTERS[name]) for name in filters}
    if types:
        activity = one_of(*types.split())
        fields["types"] = words(f"an activity ({', '.join(activity.values)})", activity)
    if not fields:
        return Shape("nothing: this event has no settings", frozenset({"null"}))
    return maybe(record("settings of the event", fields))


_PULL_REQUEST = _event(
    "assigned unassigned labeled unlabeled opened edited closed reopened synchronize converted_to_draft locked"
    " unlocked enqueued dequeued milestoned demilestoned ready_for_review review_requested review_request_removed"
    " auto_merge_enabled auto_merge_disabled stacked",
    (*_BRANCHES, *_PATHS),
)
_ISSUES = (
    "opened edited deleted transferred pinned unpinned closed reopened assigned unassigned labeled unlabeled locked"
    " unlocked milestoned demilestoned field_added field_removed typed untyped"
)
_DISCUSSION = (
    "created edited deleted transferred pinned unpinned labeled unlabeled locked unlocked category_changed answered"
    " unanswered"
)
_COMMENT = _event("created edited deleted")

_DEFAULT = either("text, a number or true or false", text(), boolean(), number())
_CALL_DEFAULT = either("text, a number or true or false", text(), boolean(), number(), available=RUN)

_CALL_INPUT = record(
    "an input: its type, and whether it is required",
    {
        "description": text(),
        "type": one_of("string", "boolean", "number"),
        "required": boolean(),
        "default": _CALL_DEFAULT,
    },
    ("type",),
)
_CALL = record(
    "inputs, secrets and outputs",
    {
        "inputs": table("inputs by name", _CALL_INPUT),
        "secrets": table(
            "secrets by name", maybe(record("a secret", {"description": text(), "required": boolean()}))
        ),
        "outputs": table(
            "outputs by name",
            record(
                "an output with its value", {"description": text(), "value": text("text", CALL_OUTPUT)}, ("value",)
            ),
        ),
    },
)
_DISPATCH_INPUT = record(
    "an input",
    {
        "description": text(),
        "type": one_of("string", "boolean", "number", "environment", "choice"),
        "required": boolean(),
        "default": _DEFAULT,
        "options": rows("a list of the values to choose from", text()),
    },
)
_SCHEDULE = rows(
    "a list of entries '- cron: …'",
    record("an entry 'cron: …'", {"cron": word("a cron expression"), "timezone": word("a time zone")}, ("cron",)),
)

EVENTS: Mapping[str, Shape] = {
    "branch_protection_rule": _COMMENT,
    "check_run": _event("completed created rerequested requested_action"),
    "check_suite": _event("completed"),
    "create": _event(),
    "delete": _event(),
    "deployment": _event(),
    "deployment_status": _event(),
    "discussion": _event(_DISCUSSION),
    "discussion_comment": _COMMENT,
    "fork": _event(),
    "gollum": _event(),
    "image_version": _event("created ready deleted", ("names", "versions")),
    "issue_comment": _COMMENT,
    "issues": _event(_ISSUES),
    "label": _COMMENT,
    "merge_group": _event("checks_requested", _BRANCHES),
    "milestone": _event("created closed opened edited deleted"),
    "page_build": _event(),
    "project": _event("created closed reopened edited deleted"),
    "project_card": _event("created moved converted edited deleted"),
    "project_column": _event("created updated moved deleted"),
    "public": _event(),
    "pull_request": _PULL_REQUEST,
    "pull_request_comment": _COMMENT,
    "pull_request_review": _event("submitted edited dismissed"),
    "pull_request_review_comment": _COMMENT,
    "pull_request_target": _PULL_REQUEST,
    "push": _event("", (*_BRANCHES, "tags", "tags-ignore", *_PATHS)),
    "registry_package": _event("published updated"),
    "release": _event("published unpublished created edited deleted prereleased released"),
    "repository_dispatch": maybe(record("settings of the event", {"types": words("an activity")})),
    "schedule": _SCHEDULE,
    "status": _event(),
    "watch": _event("started"),
    "workflow_call": maybe(_CALL),
    "workflow_dispatch": maybe(
        record("inputs", {"inputs": table("inputs by name", maybe(_DISPATCH_INPUT))}),
    ),
    "workflow_run": _event("requested completed in_progress", ("workflows", *_BRANCHES)),
}

_EVENT = Shape("an event that starts workflows", frozenset({"string"}), values=tuple(EVENTS))

ON = Shape(
    "an event, a list of events, or events with their settings",
    _EVENT.scalars,
    values=_EVENT.values,
    items=_EVENT,
    fields=EVENTS,
)
