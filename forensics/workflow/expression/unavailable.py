"""What an expression uses that GitHub does not have where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from forensics.workflow.expression.availability import ALLOWED, Availability
from forensics.workflow.expression.functions import SIGNATURES
from forensics.workflow.expression.template import Template
from forensics.workflow.expression.tree import Call, Context, Node, Span, children


@dataclass(frozen=True)
class Unavailable:
    """A context or function that is not available; GitHub refuses the whole workflow file for it."""

    name: str
    """As GitHub writes it: ``env``, ``hashFiles()``."""
    key: str
    span: Span
    available: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} is not available at {self.key}; there are {', '.join(self.available)}"


def find_unavailable(expression: Node | Template, key: str) -> tuple[Unavailable, ...]:
    """Every use of a context or function that ``key`` does not have, from left to right.

    ``key`` is one of ALLOWED, such as ``concurrency`` and ``jobs.concurrency``. Raises KeyError for another.
    """
    allowed = ALLOWED[key]
    node = expression.node if isinstance(expression, Template) else expression
    return tuple(_find(node, key, allowed))


def _find(node: Node, key: str, allowed: Availability) -> Iterator[Unavailable]:
    if isinstance(node, Context) and node.name.lower() not in allowed.contexts:
        yield Unavailable(node.name, key, node.span, allowed.contexts)
    if isinstance(node, Call):
        signature = SIGNATURES[node.name]
        if signature.only_at and node.name not in allowed.functions:
            yield Unavailable(f"{signature.name}()", key, node.span, allowed.contexts)
    for child in children(node):
        yield from _find(child, key, allowed)
