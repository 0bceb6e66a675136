"""A workflow file read as YAML 1.2: its name, its triggers and the whole as plain data.

YAML 1.2 matters: in 1.1 the key ``on`` is the boolean true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from forensics.errors import EvidenceUnreadable
from forensics.workflow.compose import Leaf, Node, Row, Table, compose


@dataclass(frozen=True)
class WorkflowFile:
    """What a workflow file says at the top."""

    name: str | None
    triggers: tuple[str, ...]
    """Event names under ``on``, in the order written."""
    content: dict[str, Any]
    """The file as plain data, JSON-ready."""


def load_workflow(text: str) -> WorkflowFile:
    """Read a workflow file. Raises EvidenceUnreadable with line and column for what is none."""
    composed = compose(text)
    if composed.flaws:
        flaw = composed.flaws[0]
        raise EvidenceUnreadable(
            f"{flaw.message.rstrip('.')} at line {flaw.place.line}, column {flaw.place.column}.",
            hint="Mend that line.",
        )
    root = composed.root
    if not isinstance(root, Table) or root.get("jobs") is None or root.get("on") is None:
        raise EvidenceUnreadable(
            "It is YAML but no workflow: it lacks 'on' or 'jobs'.", hint="Leave it out, or check that it is whole."
        )
    content = _plain_table(root)
    name = content.get("name")
    return WorkflowFile(str(name) if name is not None else None, _triggers(content["on"]), content)


def to_plain(node: Node) -> Any:
    """A node as plain data, JSON-ready: keys as text, numbers beyond 64 bits as text.

    Raises:
        EvidenceUnreadable: A mapping has the same key twice.
    """
    if isinstance(node, Leaf):
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
            return str(value)
        return value
    if isinstance(node, Row):
        return [to_plain(item) for item in node.items]
    return _plain_table(node)


def _plain_table(table: Table) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in table.pairs:
        if key.text in plain:
            raise EvidenceUnreadable(
                f"There is a duplicate key '{key.text[:60]}' at line {key.line}, column {key.column}.",
                hint="Take one of the two out, or join them.",
            )
        plain[key.text] = to_plain(item)
    return plain


def _triggers(on: Any) -> tuple[str, ...]:
    if isinstance(on, dict | list):
        return tuple(str(event) for event in on)
    return (str(on),) if on is not None else ()
