"""Values out of nodes, for a file that may be wrong: what is not of the kind that is asked for is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forensics.workflow.compose import Leaf, Node, Row, Table
from forensics.workflow.document import Scalar


def pick_scalar(node: Node | None) -> Scalar | None:
    """A scalar with its place; None for none, and for a key with nothing behind it."""
    return Scalar(node.value, node.place) if isinstance(node, Leaf) and node.value is not None else None


def pick_text(node: Node | None) -> str | None:
    """A scalar's text."""
    return node.text if isinstance(node, Leaf) and node.value is not None else None


def pick_texts(node: Node | None) -> tuple[str, ...] | None:
    """The text of a scalar, or of each scalar in a list; None where there is neither."""
    if isinstance(node, Row):
        return tuple(item.text for item in node.items if isinstance(item, Leaf))
    text = pick_text(node)
    return None if text is None else (text,)


def pick_scalars(node: Node | None) -> dict[str, Any]:
    """A mapping's scalars by key; an expression that gives the mapping stands under ``''``."""
    if isinstance(node, Leaf):
        return {"": Scalar(node.value, node.place)} if _is_expression(node) else {}
    return {key: Scalar(value.value, value.place) for key, value in pairs(node) if isinstance(value, Leaf)}


def pick_plain(node: Node) -> Any:
    """Plain data: dict, list and scalars; of a key that is there twice the first counts."""
    if isinstance(node, Leaf):
        return node.value
    if isinstance(node, Row):
        return [pick_plain(item) for item in node.items]
    return {key: pick_plain(value) for key, value in pairs(node)}


def pairs(node: Node | None) -> Iterator[tuple[str, Node]]:
    """Keys and values of a mapping, of each key the first; nothing where it is none."""
    yield from ((key.text, value) for key, value in keyed(node))


def keyed(node: Node | None) -> Iterator[tuple[Leaf, Node]]:
    """As pairs, with the key's own node."""
    if not isinstance(node, Table):
        return
    seen: set[str] = set()
    for key, value in node.pairs:
        # GitHub takes two keys that differ in case for the same, and refuses the second.
        if (upper := key.text.upper()) not in seen:
            seen.add(upper)
            yield key, value


def get(node: Node | None, name: str) -> Node | None:
    """A mapping's value under a key."""
    return node.get(name) if isinstance(node, Table) else None


def _is_expression(node: Leaf) -> bool:
    return isinstance(node.value, str) and "${{" in node.value


def is_expression(node: Node | None) -> bool:
    """Whether it is a scalar with an expression in it."""
    return isinstance(node, Leaf) and _is_expression(node)
