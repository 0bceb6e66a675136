"""A server on 127.0.0.1 that answers by a script, and says on the wire what no decent server would.

Raw asyncio, so that nothing between the test and the wire mends a fault: bodies cut short, dripped, reset, without a
length; TLS; a proxy that tunnels or refuses. Time is the test's own: :class:`Clock` sleeps by moving on.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

import orjson

from forensics.ingest.github.answer import Policy, RequestRecord, Server

NOON = 1_767_355_200.0  # 2026-01-02 12:00:00 UTC
NOON_DATE = "Fri, 02 Jan 2026 12:00:00 GMT"
TOKEN = "ghp_planted0planted0planted0planted0plant"


@dataclass(frozen=True)
class Say:
    """One answer."""

    status: int = 200
    body: bytes | str | dict[str, Any] | list[Any] = field(default_factory=lambda: {"id": 1})
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Close after so many bytes of a body that was announced longer."""
    unmeasured: bool = False
    """Neither Content-Length nor chunks: the body ends with the connection."""
    reset: bool = False
    """Reset the connection instead of answering."""
    drip: float | None = None
    """Seconds between two bytes of the body."""
    after: float = 0.0
    """Seconds before the answer."""
    tunnel: int | None = None
    """To CONNECT: pass everything on to this port."""

    @property
    def raw(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    target: str
    headers: Mapping[str, str]


Script = Sequence[Say] | Callable[[Request], Say]


class Scripted:
    """An async context; ``url`` and ``port`` say where it listens. The last answer of a list is given for ever."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.at_once = 0
        """The most requests that were under way at the same time."""
        self.connections = 0
        self._script = script
        self._tls = tls
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Scripted:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def open_connections(self) -> int:
        return len(self._tasks)

    @property
    def server(self) -> Server:
        """This server as a GitHub."""
        return Server(api_url=self.url, host="127.0.0.1")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                self._under_way += 1
                self.at_once = max(self.at_once, self._under_way)
                try:
                    keep = await self._answer(request, reader, writer)
                finally:
                    self._under_way -= 1
                if not keep:
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        except asyncio.CancelledError:
            pass  # the test is over; start_server's callback would complain of a cancelled task
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if callable(self._script):
            say = self._script(request)
        else:
            say = self._script[min(len(self.requests), len(self._script)) - 1]
        await asyncio.sleep(say.after)
        if say.reset:
            writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if say.tunnel is not None:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _pass_on(reader, writer, say.tunnel)
            return False
        return await _send(say, writer)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request, or None where the client has gone, or speaks TLS where none is spoken."""
    try:
        start = await reader.readexactly(1)
        if start == b"\x16":
            return None
        head = (start + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines if line)
    return Request(method, target, {name.lower(): value.strip() for name, _, value in pairs})


async def _send(say: Say, writer: asyncio.StreamWriter) -> bool:
    body = say.raw
    headers = {"Content-Type": "application/json; charset=utf-8", **say.headers}
    if not say.unmeasured:
        headers["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {say.status} Said\r\n{lines}\r\n".encode("latin-1"))
    body = body[: say.cut]
    for at in range(len(body)) if say.drip else ():
        writer.write(body[at : at + 1])
        await writer.drain()
        await asyncio.sleep(say.drip or 0)
    if not say.drip:
        writer.write(body)
    await writer.drain()
    return say.cut is None and not say.unmeasured


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    there, back = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            sink.write(chunk)
            await sink.drain()

    pumps = [asyncio.create_task(pump(reader, back)), asyncio.create_task(pump(there, writer))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in pumps:
            one.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        back.close()


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds
        await asyncio.sleep(0)

    def policy(self, **settings: Any) -> Policy:
        """A policy that lives in this time, without jitter."""
        return Policy(**{"sleep": self.sleep, "clock": self, "jitter": lambda: 0.0, "deadline": 5.0, **settings})


class Seen:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []
        self.waits: list[tuple[float, str]] = []

    def record(self, request: RequestRecord) -> None:
        self.records.append(request)

    def waiting(self, seconds: float, why: str) -> None:
        self.waits.append((round(seconds, 3), why))


class Tokens:
    """A credential with as many tokens as planted; each renewal goes on to the next."""

    source = "GH_TOKEN"
    mark = "mark-of-the-token"

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens or (TOKEN,))
        self.renewals = 0

    async def token(self) -> str:
        return self._tokens[0]

    async def renewed(self) -> bool:
        self.renewals += 1
        if len(self._tokens) < 2:
            return False
        self._tokens.pop(0)
        return True
