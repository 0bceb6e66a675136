"""A fault: what goes wrong, with which requests, and how often; and the ways to change a reply."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.standin.routes import kind_of
from tests.standin.wire import Reply, Request
from tests.standin.world import World

Change = Callable[[Reply, Request, World], Reply]
"""From the healthy reply to what is sent."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, and when."""

    name: str
    change: Change
    """From the healthy reply to what is sent; the reply is the fault's own to change."""
    origin: str = "api"
    kind: str | None = None
    """Only requests of this kind (``jobs``, ``attempt-logs`` …; ``download`` on the blob origin)."""
    target: str | None = None
    """Only requests whose path and query match this pattern."""
    method: str | None = None
    nth: int = 1
    """The first matching request that is struck."""
    times: int | None = 1
    """How many in a row; None: for ever."""

    def on(
        self,
        kind: str | None = None,
        *,
        target: str | None = None,
        method: str | None = None,
        nth: int = 1,
        times: int | None = 1,
    ) -> Fault:
        """The same fault elsewhere."""
        origin = self.origin if kind is None else "blob" if kind == "download" else "api"
        return replace(self, origin=origin, kind=kind, target=target, method=method, nth=nth, times=times)

    def matches(self, origin: str, request: Request) -> bool:
        """Whether it is meant for this request."""
        if origin != self.origin or (self.method and request.method != self.method):
            return False
        if self.kind not in (None, "download") and kind_of(request.path) != self.kind:
            return False
        return self.target is None or re.search(self.target, request.target) is not None


class Faults:
    """The faults of one stand-in, and how far they are used up."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._waiting: list[tuple[Fault, int]] = [(fault, 0) for fault in faults]
        self.struck: list[str] = []
        """Names, in the order in which they struck."""

    def add(self, faults: Sequence[Fault]) -> None:
        """More of them."""
        self._waiting += [(fault, 0) for fault in faults]

    @property
    def left(self) -> list[Fault]:
        """Those that are not used up."""
        return [fault for fault, _ in self._waiting]

    def strike(self, origin: str, request: Request) -> Fault | None:
        """The first fault that is due for this request; each one that matches counts it."""
        struck, waiting = None, []
        for fault, met in self._waiting:
            if not fault.matches(origin, request):
                waiting.append((fault, met))
                continue
            met += 1
            if met >= fault.nth and struck is None:
                struck = fault
                self.struck.append(fault.name)
                if fault.times is not None and met + 1 >= fault.nth + fault.times:
                    continue
            elif met >= fault.nth:
                met -= 1  # its turn was taken by another: it strikes the next one
            waiting.append((fault, met))
        self._waiting = waiting
        return struck


def plain_body(reply: Reply) -> bytes:
    """The body as it was before it was packed."""
    return gzip.decompress(reply.body) if reply.headers.get("Content-Encoding") == "gzip" else reply.body


def altering(name: str, alter: Callable[[Reply], Reply]) -> Fault:
    """A fault that looks at nothing but the reply."""
    return Fault(name, lambda reply, request, world: alter(reply))


def without(reply: Reply, start: str) -> Reply:
    """The reply without the headers whose names begin so."""
    kept = {name: value for name, value in reply.headers.items() if not name.lower().startswith(start)}
    return replace(reply, headers=kept)


def say(reply: Reply, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None) -> Reply:
    """Another answer in the place of the healthy one, whose limits and request id stay."""
    stale = {"content-encoding", "content-md5", "etag", "link", "location"}
    told = {name: value for name, value in reply.headers.items() if name.lower() not in stale}
    told |= {"Content-Type": content_type, **(headers or {})}
    return replace(reply, status=status, headers=told, body=body, framing="length")
