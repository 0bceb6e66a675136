"""``github.ref`` of a past run, by its event.

REST has ``head_branch`` only, where a tag's name stands as well. Source of the rules: GitHub's pages "Events that
trigger workflows" and "Contexts" (``github.ref``), and the changelog of 2025-11-07 for ``pull_request_target``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from forensics.concurrency.past import Kind, PastRun
from forensics.workflow.document import Document
from forensics.workflow.expression import Missing, Pattern, Unknown, Value, unknown

HEADS, TAGS = "refs/heads/", "refs/tags/"

MERGE_EVENTS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
"""These run on a pull request's merge commit."""
PULL_EVENTS = MERGE_EVENTS | {"pull_request_target"}

_TARGET_IS_DEFAULT_SINCE = datetime(2025, 12, 8)
"""Since then ``pull_request_target`` runs on the default branch; before, on the pull request's base."""

_EITHER = frozenset({"push", "workflow_dispatch", "create", "deployment", "deployment_status"})
"""Their ref is a branch or a tag."""

_ON_DEFAULT = frozenset({
    "branch_protection_rule", "check_run", "check_suite", "delete", "discussion", "discussion_comment", "fork",
    "gollum", "image_version", "issue_comment", "issues", "label", "milestone", "page_build", "public",
    "repository_dispatch", "schedule", "status", "watch", "workflow_run",
})  # fmt: skip


@dataclass(frozen=True)
class Ref:
    """What ``github.ref`` was."""

    value: Value
    inferred: bool = False
    """It follows from other runs rather than from what is said of this one."""

    @property
    def name(self) -> Value:
        """``github.ref_name``."""
        return _each(self.value, _short)

    @property
    def kind(self) -> Value:
        """``github.ref_type``; for a pull request's merge ref it is ``branch``."""
        return _each(self.value, lambda ref: "tag" if _begins(ref, TAGS) else "branch")


def rebuild_ref(run: PastRun, document: Document | None) -> Ref:
    """``github.ref`` of the run: known, one of a few, a pattern, or unknown."""
    if run.stated_ref is not None:
        return Ref(run.stated_ref, "ref" in run.guessed)
    if run.event in MERGE_EVENTS:
        return _merge_ref(run, document)
    if run.event == "pull_request_target":
        return _target_ref(run, document)
    if not run.head_branch or run.event is None:
        return Ref(unknown("github.ref"))
    if run.event in _EITHER:
        return _either_ref(run, run.head_branch, document)
    if run.event == "release":
        return Ref(TAGS + run.head_branch)
    if run.event in _ON_DEFAULT or run.event == "merge_group":
        return Ref(HEADS + run.head_branch)
    return Ref(unknown("github.ref"))


def pull_number(run: PastRun) -> Value:
    """The pull request's number, as a number."""
    if run.number is not None:
        return float(run.number)
    return unknown("github.event.pull_request.number")


def base_branch(run: PastRun, document: Document | None) -> Value:
    """The branch that the pull request goes into; a filter of one plain name proves it."""
    if run.base is not None:
        return run.base
    trigger = document.trigger(run.event or "") if document else None
    filters = trigger.branches if trigger else None
    if filters is not None and len(filters) == 1 and not re.search(r"[*?+!\[\]]", filters[0]):
        return filters[0]
    return unknown("github.base_ref")


def _merge_ref(run: PastRun, document: Document | None) -> Ref:
    number = pull_number(run)
    piece: str | Unknown = number if isinstance(number, Unknown) else str(run.number)
    merge: Value = f"refs/pull/{piece}/merge" if isinstance(piece, str) else Pattern(("refs/pull/", piece, "/merge"))
    inferred = "number" in run.guessed
    trigger = document.trigger("pull_request") if document and run.event == "pull_request" else None
    if trigger and "closed" in (trigger.types or ()):
        # Of a merged pull request it is the branch that it was merged into.
        base = base_branch(run, document)
        missing = (Missing("github.event.pull_request.merged", "is not recorded"),)
        if isinstance(base, str):
            return Ref(Unknown(missing, among=(merge, HEADS + base)), inferred)
        return Ref(Unknown((*missing, *(base.missing if isinstance(base, Unknown) else ()))), inferred)
    return Ref(merge, inferred)


def _target_ref(run: PastRun, document: Document | None) -> Ref:
    if run.created_at is None:
        return Ref(unknown("github.ref"))
    if run.created_at >= _TARGET_IS_DEFAULT_SINCE:
        return Ref(HEADS + run.default_branch if run.default_branch else unknown("github.ref"))
    base = base_branch(run, document)
    return Ref(HEADS + base if isinstance(base, str) else unknown("github.ref"), "base" in run.guessed)


def _either_ref(run: PastRun, name: str, document: Document | None) -> Ref:
    kind = _filtered_kind(name, document) if run.event == "push" else None
    if kind is None and name == run.default_branch:
        kind = "branch"
    if kind is not None:
        return Ref((HEADS if kind == "branch" else TAGS) + name)
    if run.kind is not None:
        return Ref((HEADS if run.kind == "branch" else TAGS) + name, inferred=True)
    missing = Missing("github.ref", "is a branch or a tag, it is not recorded which")
    return Ref(Unknown((missing,), leaf=True, among=(HEADS + name, TAGS + name)))


def _filtered_kind(name: str, document: Document | None) -> Kind | None:
    """What a push must have been of for the file's filters to let it through.

    With filters of one kind only, a ref of the other kind does not start the workflow.
    """
    trigger = document.trigger("push") if document else None
    if trigger is None:
        return None
    branch = _passes(name, trigger.branches, trigger.branches_ignore)
    tag = _passes(name, trigger.tags, trigger.tags_ignore)
    if branch is None and tag is None:
        return None
    if bool(branch) == bool(tag):
        return None
    return "branch" if branch else "tag"


def _passes(name: str, wanted: tuple[str, ...] | None, ignored: tuple[str, ...] | None) -> bool | None:
    """Whether filters of one kind let a name through; None where there are none."""
    if wanted is not None:
        verdict = False
        for pattern in wanted:
            if _glob(pattern.removeprefix("!")).fullmatch(name):
                verdict = not pattern.startswith("!")
        return verdict
    if ignored is not None:
        return not any(_glob(pattern).fullmatch(name) for pattern in ignored)
    return None


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    """GitHub's filter pattern as a regular expression (page "Workflow syntax", filter pattern cheat sheet)."""
    out = ""
    for part in re.findall(r"\*\*|\[[^\]]*\]|\\.|.", pattern, re.DOTALL):
        if part in ("**", "*"):
            out += ".*" if part == "**" else "[^/]*"
        elif (part in "?+" and out) or re.fullmatch(r"\[[\w-]+\]", part):
            out += part
        else:
            out += re.escape(part.removeprefix("\\") or part)
    try:
        return re.compile(out)
    except re.error:
        return re.compile(re.escape(pattern))


def _begins(ref: Value, prefix: str) -> bool:
    return isinstance(ref, str) and ref.startswith(prefix)


def _short(ref: Value) -> Value:
    if isinstance(ref, str):
        for prefix in (HEADS, TAGS, "refs/pull/"):
            if ref.startswith(prefix):
                return ref[len(prefix) :]
        return ref
    if isinstance(ref, Pattern) and ref.prefix == "refs/pull/":
        return Pattern(ref.pieces[1:])
    return unknown("github.ref_name")


def _each(ref: Value, make: Callable[[Value], Value]) -> Value:
    """The same of each that the ref can be."""
    if not isinstance(ref, Unknown):
        return make(ref)
    if ref.among is None:
        return Unknown(ref.missing)
    made_each = tuple(dict.fromkeys(make(one) for one in ref.among))
    return made_each[0] if len(made_each) == 1 else Unknown(ref.missing, among=made_each)
