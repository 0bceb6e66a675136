"""A workflow file to a Document: everything with its place, and what GitHub refuses with the reason."""

from __future__ import annotations

from forensics.workflow.check import Check
from forensics.workflow.compose import Composed, Leaf, Node, Table, compose
from forensics.workflow.concurrency import check_concurrency, read_concurrency
from forensics.workflow.document import Document, Place
from forensics.workflow.graph import check_jobs
from forensics.workflow.jobs import read_jobs, read_permissions
from forensics.workflow.pick import get, pick_scalar, pick_scalars, pick_text
from forensics.workflow.schema_jobs import WORKFLOW
from forensics.workflow.triggers import check_triggers, read_triggers

# YamlObjectReader.cs and ParseOptions.cs of the runner (actions/runner at 258d6c8).
_MOST_NODES = 50_000
_MOST_DEPTH = 50
_MOST_BYTES = 1024 * 1024

# The line breaks of libyaml, and so of YamlDotNet, which GitHub reads with; CR LF is one of them.
_BREAKS = "\n\r\x85\u2028\u2029"


def read_workflow(text: str, path: str = "") -> Document:
    """Read any workflow file.

    ``path`` is only kept. What GitHub refuses is in ``refusals``, from top to bottom, at most check.MOST_REFUSALS of
    them, and the rest of the file is read as far as it goes.

    Raises:
        EvidenceUnreadable: It is no YAML of one document, with line and column, or it is absurdly large or deep.
    """
    composed = compose(text)
    root = composed.root
    check = Check(1 + sum(map(text.count, _BREAKS)) - text.count("\r\n"))
    _check(text, composed, check)
    name = pick_text(get(root, "name"))
    return Document(
        path,
        name,
        pick_scalar(get(root, "run-name")),
        read_triggers(get(root, "on")),
        read_jobs(get(root, "jobs")),
        read_concurrency(_key(root, "concurrency"), get(root, "concurrency")),
        read_permissions(get(root, "permissions")),
        pick_scalars(get(root, "env")),
        tuple(sorted(check.refusals, key=lambda refusal: refusal.place)),
    )


def _check(text: str, composed: Composed, check: Check) -> None:
    root = composed.root
    for flaw in composed.flaws:
        check.refuse(flaw.place, flaw.message)
    if len(text) > _MOST_BYTES // 4 and len(text.encode("utf-8", "replace")) > _MOST_BYTES:
        check.refuse(Place(1, 1), "The file is larger than 1 MB, the most that GitHub reads.")
    if root.size > _MOST_NODES or root.height > _MOST_DEPTH:
        check.refuse(
            Place(1, 1),
            f"The file has more than {_MOST_NODES:,} values, its aliases unfolded, or more than {_MOST_DEPTH} levels;"
            " GitHub reads no more.",
        )
        return
    check.visit(root, WORKFLOW, "")
    check_triggers(get(root, "on"), check)
    check_concurrency(get(root, "concurrency"), check)
    check_jobs(get(root, "jobs"), check)


def _key(root: Node, name: str) -> Leaf | None:
    if not isinstance(root, Table):
        return None
    return next((key for key, _ in root.pairs if key.value == name), None)
