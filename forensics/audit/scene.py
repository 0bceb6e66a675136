"""The scenes in which a workflow runs: each event under ``on``, with the refs that its filters let through.

A scene has concrete names where names make the difference between two runs: ``topic-a`` and ``topic-b`` are two
branches, 12 and 13 two pull requests. What is another value in every run (``github.run_id``) stays an unknown of
that name, so that a group made of it shows that it never meets another. Sources: events that trigger workflows,
contexts reference (GitHub's documentation); sections B2 and B3 of this project's facts on concurrency.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from forensics.audit.payload import describe_event
from forensics.workflow.document import Document, Trigger
from forensics.workflow.expression import Object, Value, make_object, open_object, to_value, unknown

MOST_BRANCHES = 6
"""Branches tried for one event; the first, the last two and those that the file names tell them apart."""

_UNKNOWN = (
    "sha", "run_id", "run_number", "run_attempt", "actor", "actor_id", "triggering_actor", "repository",
    "repository_id", "repository_owner", "repository_owner_id", "server_url", "api_url", "graphql_url",
    "workflow_sha",
    "workflow_ref", "ref_protected", "retention_days", "secret_source", "repositoryUrl", "token", "job", "workspace",
    "action", "action_path", "action_ref", "action_repository", "action_status", "env", "path",
    "artifact_cache_size_limit",
    "repository_visibility", "head_ref", "base_ref",
)  # fmt: skip

_UNKNOWNS = make_object({name: unknown(f"github.{name}") for name in _UNKNOWN}).properties
_VARS = open_object("vars")

_MENTIONED = re.compile(r"refs/heads/([\w][\w./-]*)|\bref_name\s*==\s*'([^'*]+)'")


@dataclass(frozen=True)
class Scene:
    """One kind of run of a workflow."""

    event: str
    ref: str
    """``github.ref``, with sample names for what the filters leave open."""
    label: str
    """To show, after 'on': ``a push to 'main'``."""
    kind: str
    """branch, tag, pull request, queue or other."""
    name: str
    """What tells it from the other scenes of its event: the branch, tag or number; '' where there is but one."""
    default_branch: str
    inputs: Mapping[str, Any] | None = None
    """What a run is started with, as values, where it is known (a call)."""


def plan_scenes(document: Document, mentions: Sequence[str] = ()) -> tuple[Scene, ...]:
    """The scenes of each event that starts a workflow by itself; ``workflow_call`` has none of its own.

    ``mentions`` are texts of the file whose comparisons name branches.
    """
    named = list(dict.fromkeys(one or two for text in mentions for one, two in _MENTIONED.findall(text)))
    default = _guess_default(document, named)
    # What comes by itself is told first; a dispatch is somebody's choice.
    triggers = sorted(document.triggers, key=lambda trigger: trigger.event == "workflow_dispatch")
    return tuple(
        scene
        for trigger in triggers
        if trigger.event != "workflow_call"
        for scene in _scenes_of(trigger, default, named)
    )


def contexts_of(scene: Scene, document: Document) -> dict[str, Value]:
    """``github``, ``inputs`` and ``vars`` as a run of this workflow has them in a scene."""
    trigger = document.trigger(scene.event)
    inputs = _inputs(scene, trigger)
    github: dict[str, Value] = {
        "workflow": document.name or document.path,
        "event_name": scene.event,
        "ref": scene.ref,
        "ref_name": _ref_name(scene.ref),
        "ref_type": "tag" if scene.kind == "tag" else "branch",
        **_pull_request_refs(scene),
        "event": describe_event(scene.event, trigger, _given(scene, inputs, trigger)),
    }
    known = make_object(github).properties
    return {"github": Object({**_UNKNOWNS, **known}), "inputs": inputs, "vars": _VARS}


def _guess_default(document: Document, named: Sequence[str]) -> str:
    seen = [*named, *(name for trigger in document.triggers for name in trigger.branches or ())]
    return "master" if "master" in seen and "main" not in seen else "main"


def _scenes_of(trigger: Trigger, default: str, named: Sequence[str]) -> Iterator[Scene]:
    event = trigger.event
    here = Scene(event, f"refs/heads/{default}", "", "other", "", default)
    if event == "push":
        yield from _pushes(trigger, default, named)
    elif event in ("pull_request", "pull_request_review", "pull_request_review_comment"):
        for number in ("12", "13"):
            label = f"'{event}' of #{number}"
            yield Scene(event, f"refs/pull/{number}/merge", label, "pull request", number, default)
    elif event == "pull_request_target":
        for number in ("12", "13"):
            yield replace(here, label=f"'{event}' of #{number}", kind="pull request", name=number)
    elif event == "merge_group":
        for number in ("12", "13"):
            ref = f"refs/heads/gh-readonly-queue/{default}/pr-{number}-{number}ab"
            yield Scene(event, ref, f"the merge queue's entry for #{number}", "queue", number, default)
    elif event == "release":
        for tag in ("v1.2.3", "v1.2.4"):
            yield Scene(event, f"refs/tags/{tag}", f"the release of {tag}", "tag", tag, default)
    elif event in ("issues", "issue_comment", "discussion", "discussion_comment"):
        for number in ("7", "8"):
            yield replace(here, label=f"'{event}' in #{number}", name=number)
    elif event == "workflow_dispatch":
        yield replace(here, label=f"a dispatch on '{default}'", kind="branch", name=default)
        yield Scene(event, "refs/heads/topic-a", "a dispatch on 'topic-a'", "branch", "topic-a", default)
    else:
        yield replace(here, label="a schedule" if event == "schedule" else f"'{event}'")


def _pushes(trigger: Trigger, default: str, named: Sequence[str]) -> Iterator[Scene]:
    filtered_tags = trigger.tags is not None or trigger.tags_ignore is not None
    filtered_branches = trigger.branches is not None or trigger.branches_ignore is not None
    if filtered_branches or not filtered_tags:
        for name in _branches(trigger, default, named):
            yield Scene("push", f"refs/heads/{name}", f"a push to '{name}'", "branch", name, default)
    if filtered_tags or not filtered_branches:
        patterns = trigger.tags if trigger.tags is not None else ("v*",)
        for name in _samples(patterns, ("1.2.3", "1.2.4")):
            yield Scene("push", f"refs/tags/{name}", f"a push of the tag '{name}'", "tag", name, default)


def _branches(trigger: Trigger, default: str, named: Sequence[str]) -> list[str]:
    if trigger.branches is not None:
        names = _samples(trigger.branches, ("a", "b"))
        if any(pattern in ("*", "**") for pattern in trigger.branches):
            names = [default, *names]
    else:
        names = [default, *named[: MOST_BRANCHES - 3], "topic-a", "topic-b"]
    ignored = trigger.branches_ignore or ()
    kept = [name for name in dict.fromkeys(names) if not any(fnmatchcase(name, pattern) for pattern in ignored)]
    return kept if len(kept) <= MOST_BRANCHES else [*kept[: MOST_BRANCHES - 2], *kept[-2:]]


def _samples(patterns: Sequence[str], fillings: Sequence[str]) -> list[str]:
    """Names that the patterns match: a literal itself, a glob with each of the fillings."""
    names = []
    for pattern in patterns:
        if pattern.startswith("!"):
            continue
        if not re.search(r"[*?\[+]", pattern):
            names.append(pattern)
            continue
        if pattern in ("*", "**") and fillings[0].isalpha():
            names += [f"topic-{filling}" for filling in fillings]
            continue
        names += [_fill(pattern, filling) for filling in fillings]
    return list(dict.fromkeys(names))


def _fill(pattern: str, filling: str) -> str:
    """A glob's sample: numbers for classes of digits, and the filling in place of the last star."""
    text = re.sub(r"\[[^\]]*\][+*?]?", filling[-1], pattern).replace("?", "").replace("+", "")
    head, star, tail = re.sub(r"\*+", "*", text).rpartition("*")
    filling = filling[-1] if "*" in head else filling
    head = head.replace("*", "1" if filling[-1].isdigit() else "x")
    return f"{head}{filling if star else ''}{tail}"


def _ref_name(ref: str) -> str:
    return re.sub(r"^refs/(?:heads|tags|pull)/", "", ref)


def _pull_request_refs(scene: Scene) -> dict[str, Value]:
    """``head_ref`` and ``base_ref``: of pull requests alone. For reviews the documentation does not say."""
    if scene.event in ("pull_request", "pull_request_target"):
        return {"head_ref": _topic(scene), "base_ref": scene.default_branch}
    if scene.kind == "pull request":
        return {}
    return {"head_ref": "", "base_ref": ""}


def _topic(scene: Scene) -> str:
    return "topic-a" if scene.name == "12" else "topic-b"


def _given(scene: Scene, inputs: Value, trigger: Trigger | None) -> dict[str, Value]:
    repository = open_object("github.event.repository", {"default_branch": scene.default_branch})
    given: dict[str, Value] = {"repository": repository}
    if scene.kind == "pull request":
        where = "github.event.pull_request"
        number = float(scene.name)
        given["pull_request"] = open_object(
            where,
            {
                "number": number,
                "head": open_object(f"{where}.head", {"ref": _topic(scene)}),
                "base": open_object(f"{where}.base", {"ref": scene.default_branch}),
            },
        )
        if scene.event.startswith("pull_request") and "review" not in scene.event:
            given["number"] = number
    elif scene.event in ("issues", "issue_comment"):
        known: dict[str, Value] = {"number": float(scene.name)}
        if scene.event == "issues":
            known["pull_request"] = None
        given["issue"] = open_object("github.event.issue", known)
    elif scene.event in ("discussion", "discussion_comment"):
        given["discussion"] = open_object("github.event.discussion", {"number": float(scene.name)})
    elif scene.event == "release":
        given["release"] = open_object("github.event.release", {"tag_name": scene.name})
    elif scene.event == "merge_group":
        known = {"head_ref": scene.ref, "base_ref": f"refs/heads/{scene.default_branch}"}
        given["merge_group"] = open_object("github.event.merge_group", known)
    elif scene.event == "push":
        given["ref"] = scene.ref
    elif scene.event == "workflow_dispatch":
        given["inputs"] = inputs
    elif scene.event == "schedule" and trigger and len(trigger.crons) == 1:
        given["schedule"] = trigger.crons[0]
    return given


def _inputs(scene: Scene, trigger: Trigger | None) -> Value:
    """``inputs``: those that the event declares, each unknown or one of its choices; null for all others."""
    if scene.inputs is not None:
        return make_object({name: to_value(value) for name, value in scene.inputs.items()})
    if scene.event != "workflow_dispatch" or trigger is None:
        return make_object({})
    return make_object({str(name): _input(str(name), says) for name, says in trigger.inputs.items()})


def _input(name: str, says: Any) -> Value:
    declared = says if isinstance(says, Mapping) else {}
    kind = _plain(declared.get("type"))
    if kind == "boolean":
        return unknown(f"inputs.{name}", among=(False, True))
    options = declared.get("options")
    if kind == "choice" and isinstance(options, list | tuple):
        return unknown(f"inputs.{name}", among=tuple(str(_plain(option)) for option in options[:12]))
    return unknown(f"inputs.{name}")


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)
