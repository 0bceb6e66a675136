"""``github.event`` of a past run: which properties its kind of event has, and those that are on record.

Source of the names: GitHub's page "Webhook events and payloads". An event that is listed here is closed: what its
payload lacks is null, as ``github.event.number`` is on a push; of any other event nothing is taken for absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from forensics.concurrency.past import PastRun, Upstream
from forensics.concurrency.refs import HEADS, PULL_EVENTS, base_branch, pull_number, rebuild_ref
from forensics.workflow.document import Document
from forensics.workflow.expression import (
    Object,
    Value,
    make_object,
    open_object,
    to_value,
    unknown,
)

_ALWAYS = ("repository", "sender", "organization", "enterprise", "installation")

PAYLOADS: Mapping[str, tuple[str, ...]] = {
    "branch_protection_rule": ("action", "rule", "changes"),
    "check_run": ("action", "check_run", "requested_action"),
    "check_suite": ("action", "check_suite"),
    "create": ("description", "master_branch", "pusher_type", "ref", "ref_type"),
    "delete": ("pusher_type", "ref", "ref_type"),
    "deployment": ("action", "deployment", "workflow", "workflow_run"),
    "deployment_status": ("action", "deployment", "deployment_status", "check_run", "workflow", "workflow_run"),
    "discussion": ("action", "discussion", "answer", "old_answer", "label", "category", "changes"),
    "discussion_comment": ("action", "comment", "discussion", "changes"),
    "fork": ("forkee",),
    "gollum": ("pages",),
    "issue_comment": ("action", "comment", "issue", "changes"),
    "issues": ("action", "issue", "assignee", "label", "milestone", "changes", "type"),
    "label": ("action", "label", "changes"),
    "merge_group": ("action", "merge_group", "reason"),
    "milestone": ("action", "milestone", "changes"),
    "page_build": ("build", "id"),
    "public": (),
    "pull_request": (
        "action", "number", "pull_request", "before", "after", "assignee", "label", "milestone", "changes", "reason",
        "requested_reviewer", "requested_team",
    ),
    "pull_request_review": ("action", "pull_request", "review", "changes"),
    "pull_request_review_comment": ("action", "comment", "pull_request", "changes"),
    "push": (
        "after", "base_ref", "before", "commits", "compare", "created", "deleted", "forced", "head_commit", "pusher",
        "ref",
    ),
    "registry_package": ("action", "registry_package"),
    "release": ("action", "release", "changes"),
    "repository_dispatch": ("action", "branch", "client_payload"),
    "schedule": ("schedule", "workflow"),
    "status": (
        "avatar_url", "branches", "commit", "context", "created_at", "description", "id", "name", "sha", "state",
        "target_url", "updated_at",
    ),
    "watch": ("action",),
    "workflow_dispatch": ("inputs", "ref", "workflow"),
    "workflow_run": ("action", "workflow", "workflow_run"),
}  # fmt: skip
"""Event → what its payload has beside what every payload has. pull_request_target is as pull_request."""

_USUAL_TYPES: Mapping[str, tuple[str, ...]] = {
    "pull_request": ("opened", "synchronize", "reopened"),
    "pull_request_target": ("opened", "synchronize", "reopened"),
    "merge_group": ("checks_requested",),
}
"""Activity types that start a workflow whose trigger names none."""


def rebuild_event(run: PastRun, document: Document | None) -> Object:
    """The payload: closed for a known kind of event, else open."""
    event = run.event or ""
    common: dict[str, Value] = {"repository": _repository(run)}
    if event != "schedule" and run.actor:
        common["sender"] = open_object("github.event.sender", {"login": run.actor})
    names = PAYLOADS.get("pull_request" if event == "pull_request_target" else event)
    if names is None:
        return open_object("github.event", common)
    properties: dict[str, Value] = {name: unknown(f"github.event.{name}") for name in (*_ALWAYS, *names)}
    properties |= common
    if "action" in properties:
        properties["action"] = _action(event, document)
    if event in _KNOWN or event in PULL_EVENTS:
        properties |= _KNOWN.get(event, _pull)(run, document)
    return make_object(properties)


def _repository(run: PastRun) -> Value:
    if not run.repository:
        return unknown("github.event.repository")
    owner, _, name = run.repository.partition("/")
    known: dict[str, Value] = {
        "full_name": run.repository,
        "name": name,
        "owner": open_object("github.event.repository.owner", {"login": owner}),
    }
    if run.default_branch:
        known["default_branch"] = run.default_branch
    return open_object("github.event.repository", known)


def _action(event: str, document: Document | None) -> Value:
    """One of the activity types of the trigger."""
    trigger = document.trigger(event) if document else None
    types = (trigger.types if trigger and trigger.types is not None else _USUAL_TYPES.get(event)) or ()
    if len(types) == 1:
        return types[0]
    return unknown("github.event.action", among=types or None)


def _pull(run: PastRun, document: Document | None) -> dict[str, Value]:
    number = pull_number(run)
    here = "github.event.pull_request"
    head: dict[str, Value] = {}
    if run.head_branch:
        head["ref"] = run.head_branch
    if run.head_sha and run.event != "pull_request_target":
        head["sha"] = run.head_sha
    if run.head_repository:
        owner, _, name = run.head_repository.partition("/")
        head["repo"] = open_object(
            f"{here}.head.repo",
            {
                "full_name": run.head_repository,
                "name": name,
                "owner": open_object(f"{here}.head.repo.owner", {"login": owner}),
            },
        )
    base: dict[str, Value] = {"ref": base_branch(run, document)}
    if run.repository:
        base["repo"] = open_object(f"{here}.base.repo", {"full_name": run.repository})
    request = open_object(
        here,
        {"number": number, "head": open_object(f"{here}.head", head), "base": open_object(f"{here}.base", base)},
    )
    told: dict[str, Value] = {"pull_request": request}
    if run.event in ("pull_request", "pull_request_target"):
        told["number"] = number
    return told


def _push(run: PastRun, document: Document | None) -> dict[str, Value]:
    flags = {name: unknown(f"github.event.{name}", among=(False, True)) for name in ("created", "forced")}
    told: dict[str, Value] = {**flags, "deleted": False, "ref": rebuild_ref(run, document).value}
    if run.head_sha:
        told["after"] = run.head_sha
        told["head_commit"] = open_object("github.event.head_commit", {"id": run.head_sha})
    return told


def _schedule(run: PastRun, document: Document | None) -> dict[str, Value]:
    trigger = document.trigger("schedule") if document else None
    crons = trigger.crons if trigger else ()
    value = crons[0] if len(crons) == 1 else unknown("github.event.schedule", among=crons or None)
    return {"schedule": value, **({"workflow": run.path} if run.path else {})}


def _dispatch(run: PastRun, document: Document | None) -> dict[str, Value]:
    told: dict[str, Value] = {"ref": rebuild_ref(run, document).value}
    trigger = document.trigger("workflow_dispatch") if document else None
    if trigger is not None:
        # Here every input is a string, whatever its type is.
        names = {name: unknown(f"github.event.inputs.{name}") for name in trigger.inputs}
        told["inputs"] = make_object(names) if names else None
    return told | ({"workflow": run.path} if run.path else {})


def _merge_group(run: PastRun, document: Document | None) -> dict[str, Value]:
    known: dict[str, Value] = {}
    if run.head_branch:
        known["head_ref"] = HEADS + run.head_branch
        base = run.head_branch.removeprefix("gh-readonly-queue/").rpartition("/")[0]
        if base and base != run.head_branch:
            known["base_ref"] = HEADS + base
    if run.head_sha:
        known["head_sha"] = run.head_sha
    return {"merge_group": open_object("github.event.merge_group", known)}


def _workflow_run(run: PastRun, document: Document | None) -> dict[str, Value]:
    here = "github.event.workflow_run"
    trigger = document.trigger("workflow_run") if document else None
    names = (trigger.workflows if trigger else None) or ()
    known: dict[str, Value] = {"name": names[0]} if len(names) == 1 else {}
    if run.upstream and (not names or run.upstream.name in names):
        known |= _told_of(run.upstream, here)
    name = {"name": known["name"]} if "name" in known else {}
    return {"workflow_run": open_object(here, known), "workflow": open_object("github.event.workflow", name)}


def _told_of(upstream: Upstream, here: str) -> dict[str, Value]:
    plain: dict[str, object] = {
        "id": upstream.run_id, "run_number": upstream.run_number, "run_attempt": upstream.attempt,
        "name": upstream.name, "path": upstream.path, "event": upstream.event, "head_branch": upstream.head_branch,
        "head_sha": upstream.head_sha, "conclusion": upstream.conclusion,
    }  # fmt: skip
    told = {name: to_value(value) for name, value in plain.items() if value is not None}
    if upstream.head_repository:
        told["head_repository"] = open_object(f"{here}.head_repository", {"full_name": upstream.head_repository})
    return told


def _release(run: PastRun, document: Document | None) -> dict[str, Value]:
    known = {"tag_name": run.head_branch} if run.head_branch else {}
    return {"release": open_object("github.event.release", known)}


def _create(run: PastRun, document: Document | None) -> dict[str, Value]:
    ref = rebuild_ref(run, document)
    kind = ref.kind
    # Here the ref stands without refs/heads/.
    return {"ref": run.head_branch or unknown("github.event.ref"), "ref_type": kind}


_KNOWN: Mapping[str, Callable[[PastRun, Document | None], dict[str, Value]]] = {
    "push": _push,
    "schedule": _schedule,
    "workflow_dispatch": _dispatch,
    "merge_group": _merge_group,
    "workflow_run": _workflow_run,
    "release": _release,
    "create": _create,
}
