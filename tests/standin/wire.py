"""HTTP/1.1 on real sockets, by hand: fast, and able to break every rule that a fault asks it to break."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, unquote

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})
_PIECE = 1 << 16


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    number: int
    """1 for the first request to this origin."""
    connection: int
    """Which of the client's connections it came by."""
    method: str
    target: str
    """Path and query as sent, without ``/api/v3``."""
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    base: str
    """The address that the client takes for the API's: ``http://127.0.0.1:1234/api/v3``."""


@dataclass
class Reply:
    """What is sent back, and how badly."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    stream: Callable[[], Iterable[bytes]] | None = None
    """Gives the body instead of `body`, piece by piece, so that it may be larger than memory."""
    framing: Literal["length", "chunked", "close"] = "length"
    announced: int | None = None
    """The Content-Length that is claimed; the true one if None."""
    drop: Literal["", "before", "after headers"] = ""
    """When to reset the connection."""
    cut_after: int | None = None
    """Bytes of the body after which the connection ends."""
    cut_by: Literal["reset", "end"] = "end"
    pause: float = 0.0
    """Seconds before the first byte."""
    drip: tuple[int, float] | None = None
    """Bytes at a time, and seconds before each."""
    stall_after: int | None = None
    """Bytes of the body after which nothing comes any more, on an open connection."""
    kind: str = ""
    """What was asked for, in the words of ``requests.kind``."""


class Answering(Protocol):
    """Who knows the answers."""

    def answer(self, connection: Connection, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        """The answer to one request; called in the server's thread."""

    def accepts_tunnel(self, host: str) -> ssl.SSLContext | int:
        """By which certificate to speak for a host that CONNECT asks for, or the status that refuses it."""

    def opened(self, connection: Connection) -> None:
        """A connection is there."""

    def closed(self, connection: Connection) -> None:
        """It is gone."""


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """Path (as sent) and query (decoded; the last of equal names wins, as with GitHub)."""
    path, _, query = target.partition("?")
    return path, dict(parse_qsl(query, keep_blank_values=True)) if query else {}


def decode(part: str) -> str:
    """One segment of a path."""
    return unquote(part)


class Connection(asyncio.Protocol):
    """One client's connection, plain or inside TLS."""

    def __init__(self, server: Answering, number: int, tunnel: str = "") -> None:
        self._server = server
        self.number = number
        self.tunnel = tunnel
        """The host that CONNECT named."""
        self.secure = False
        self.transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._busy = False
        self._pieces: Iterator[tuple[float, bytes]] | None = None
        self._after: Literal["keep", "close", "reset", "stall"] = "keep"
        self._writable = True
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.secure = transport.get_extra_info("ssl_object") is not None
        self._server.opened(self)
        if self._buffer and not self._busy:
            self._take()

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self._pieces = None
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy and self.transport is not None:  # after CONNECT bytes may come before `start_tls` returns
            self._take()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._pump()

    def _take(self) -> None:
        """Answer the next request if it is there as a whole."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        if lines[0].count(" ") != 2:
            self.abort()
            return
        method, target, _ = lines[0].split(" ")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        self._busy = True
        if method == "CONNECT":
            self._open_tunnel(target)
            return
        reply = self._server.answer(self, method, target, headers, body)
        self._send(reply, method, keep=headers.get("connection", "").lower() != "close")

    def _open_tunnel(self, target: str) -> None:
        context = self._server.accepts_tunnel(target.rpartition(":")[0])
        if isinstance(context, int):
            told = {"Proxy-Authenticate": 'Basic realm="stand-in"'} if context == 407 else {}
            self._send(Reply(context, told, b"This proxy does not lead there.\n"), "CONNECT", keep=False)
            return
        assert self.transport is not None
        self.transport.pause_reading()
        self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        task = asyncio.get_running_loop().create_task(self._start_tls(context, target.rpartition(":")[0]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start_tls(self, context: ssl.SSLContext, host: str) -> None:
        inner = Connection(self._server, self.number, host)
        assert self.transport is not None
        try:
            transport = await asyncio.get_running_loop().start_tls(self.transport, inner, context, server_side=True)
        except (OSError, EOFError):
            return  # the client did not like the certificate, or went away
        if transport is not None:
            inner.connection_made(transport)

    def _send(self, reply: Reply, method: str, *, keep: bool) -> None:
        if reply.drop == "before":
            self._later(reply.pause, self._reset)
            return
        head = _head(reply, keep=keep)
        if reply.drop == "after headers":
            self._write(head)
            self._later(0.01, self._reset)
            return
        self._after = "keep" if keep and reply.framing != "close" else "close"
        if reply.cut_after is not None:
            self._after = "reset" if reply.cut_by == "reset" else "close"
        elif reply.stall_after is not None:
            self._after = "stall"
        if method == "HEAD" or reply.status in _BODILESS:
            self._pieces = iter([(reply.pause, head)])
        elif _is_simple(reply):
            self._write(head + _framed(reply))
            self._end()
            return
        else:
            self._pieces = _tell(reply, head)
        self._pump()

    def _pump(self) -> None:
        """Write on until the client cannot take more, a pause is due, or all is said."""
        while self._pieces is not None and self._writable and self.transport is not None:
            piece = next(self._pieces, None)
            if piece is None:
                self._pieces = None
                self._end()
                return
            delay, data = piece
            if delay:
                rest, self._pieces = self._pieces, None
                self._later(delay, partial(self._go_on, data, rest))
                return
            self._write(data)

    def _go_on(self, data: bytes, rest: Iterator[tuple[float, bytes]]) -> None:
        self._write(data)
        self._pieces = rest
        self._pump()

    def _end(self) -> None:
        if self.transport is None or self._after == "stall":
            return
        if self._after == "close":
            self.transport.close()
        elif self._after == "reset":
            self._later(0.01, self._reset)
        else:
            self._busy = False
            if self._buffer:
                self._take()

    def _write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def _later(self, seconds: float, act: Callable[[], Any]) -> None:
        asyncio.get_running_loop().call_later(seconds, act)

    def _reset(self) -> None:
        """Close without a goodbye: the client sees a connection reset."""
        if self.transport is None:
            return
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def abort(self) -> None:
        """Close at once; for the end of a test."""
        if self.transport is not None:
            self.transport.abort()


def _head(reply: Reply, *, keep: bool) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    if reply.status not in _BODILESS:
        if reply.framing == "chunked":
            lines.append("Transfer-Encoding: chunked")
        elif reply.framing == "length":
            lines.append(f"Content-Length: {len(reply.body) if reply.announced is None else reply.announced}")
    if not keep or reply.framing == "close":
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _is_simple(reply: Reply) -> bool:
    told = (reply.stream, reply.drip, reply.stall_after, reply.cut_after)
    return not reply.pause and all(part is None for part in told)


def _framed(reply: Reply) -> bytes:
    if reply.framing != "chunked":
        return reply.body
    return _chunk(reply.body) + b"0\r\n\r\n" if reply.body else b"0\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _tell(reply: Reply, head: bytes) -> Iterator[tuple[float, bytes]]:
    """Seconds to wait and bytes to write, in turn."""
    yield reply.pause, head
    size, delay = reply.drip or (_PIECE, 0.0)
    limit = next((end for end in (reply.cut_after, reply.stall_after) if end is not None), None)
    told = 0
    for block in reply.stream() if reply.stream else [reply.body]:
        for start in range(0, len(block), size):
            data = block[start : start + size]
            if limit is not None and told + len(data) >= limit:
                data = data[: limit - told]
                if data:
                    yield delay, _chunk(data) if reply.framing == "chunked" else data
                return
            told += len(data)
            yield delay, _chunk(data) if reply.framing == "chunked" else data
    if limit is None and reply.framing == "chunked":
        yield 0.0, b"0\r\n\r\n"
