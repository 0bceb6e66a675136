"""What a handler gets and gives, and GitHub's pagination."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.standin.shapes import API
from tests.standin.state import Repository
from tests.standin.wire import Request
from tests.standin.world import World

DOCS = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Ask:
    """One request, understood."""

    world: World
    entry: Repository
    """The repository in question."""
    request: Request
    parts: dict[str, str]
    """Decoded variable parts of the path."""
    tail: str
    """The path below the repository, as sent: ``/actions/runs``."""
    blob: Callable[[str, str, bytes], str]
    """Name, content type and bytes of a download → its address, good for a minute."""

    def number(self, name: str) -> int:
        """A part of the path that must be a number."""
        if not self.parts[name].isdigit():
            raise Refused(404, "Not Found")
        return int(self.parts[name])

    @property
    def query(self) -> dict[str, str]:
        return self.request.query


@dataclass(frozen=True)
class Told:
    """A good answer."""

    value: Any
    """Ready for JSON, or bytes as they are."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
    kept: bool = True
    """Whether the same request gets the same answer until the world changes."""


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.value = {"message": message, "documentation_url": DOCS, "status": str(status)} | more


def paginate(ask: Ask, items: Sequence[Any], *, cap: int | None = None) -> tuple[Sequence[Any], dict[str, str]]:
    """The page that was asked for, and its Link header: by the repository's number, as GitHub writes it.

    Args:
        cap: how many items can be reached at all; pages beyond are empty.
    """
    size = _bounded(ask.query.get("per_page"), 30, 100)
    page = _bounded(ask.query.get("page"), 1, 10**9)
    reachable = items if cap is None else items[:cap]
    last = max(1, -(-len(reachable) // size))
    wanted = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page >= last:
        wanted = {"prev": min(page - 1, last), "first": 1} if page > 1 else {}
    elif page == 1:
        wanted = {"next": 2, "last": last}
    base = f"{API}/repositories/{ask.entry.repository_id}{ask.tail}"
    links = [f'<{base}?{urlencode({**ask.query, "page": number})}>; rel="{rel}"' for rel, number in wanted.items()]
    headers = {"Link": ", ".join(links)} if links else {}
    return reachable[(page - 1) * size : page * size], headers


def scroll(ask: Ask, names: Sequence[str]) -> tuple[Sequence[str], dict[str, str]]:
    """A page by cursor (``after``, ``before``) of names in order, and its Link header."""
    size = _bounded(ask.query.get("per_page"), 30, 100)
    first, last = 0, len(names)
    if "after" in ask.query:
        first = next((place + 1 for place, name in enumerate(names) if name == ask.query["after"]), len(names))
        last = first + size
    elif "before" in ask.query:
        last = next((place for place, name in enumerate(names) if name == ask.query["before"]), 0)
        first = max(0, last - size)
    else:
        last = size
    shown = names[first:last]
    if not shown or last >= len(names):
        return shown, {}
    kept = {name: value for name, value in ask.query.items() if name not in ("after", "before")}
    base = f"{API}/repositories/{ask.entry.repository_id}{ask.tail}"
    return shown, {"Link": f'<{base}?{urlencode({**kept, "after": shown[-1]})}>; rel="next"'}


def _bounded(value: str | None, default: int, most: int) -> int:
    """GitHub takes what makes no sense for the default, and too much for the most."""
    if value is None or not value.isdigit() or int(value) < 1:
        return default
    return min(int(value), most)
