"""The stand-in GitHub: an API and a store of downloads on sockets of 127.0.0.1, in a thread of its own."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import threading
import traceback
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from hashlib import md5, sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import trustme

from tests.standin.api import Api, later, sas_time
from tests.standin.fault import Fault, Faults
from tests.standin.judge import Judge
from tests.standin.wire import Connection, Reply, Request, split_target
from tests.standin.world import World

HOSTS = (
    "api.github.com",
    "github.com",
    "raw.githubusercontent.com",
    "*.blob.core.windows.net",
    "localhost",
    "127.0.0.1",
)
"""For whom the test's certificate speaks."""
_BLOB_HOST = "productionresultssa0.blob.core.windows.net"
_MINUTE = 60


@dataclass(frozen=True)
class Seen:
    """A line of the request log."""

    origin: str
    """``api`` or ``blob``."""
    number: int
    """From 1 for each origin."""
    connection: int
    at: datetime
    """Naive UTC by the world's clock."""
    method: str
    target: str
    """Path and query as sent, without ``/api/v3``."""
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    kind: str
    """What was asked for: a kind of `tests.standin.routes`, or ``download``."""
    status: int | None
    """None when the connection was dropped instead."""
    fault: str
    """Name of the fault that struck, or empty."""

    @property
    def authorization(self) -> str | None:
        """What was said of who asks; None when nothing."""
        return self.headers.get("authorization")


class StandIn:
    """A GitHub for tests, as a context manager; all addresses are good between entering and leaving.

    Args:
        world: what there is.
        faults: what goes wrong; afterwards the server is in good health.
        tls: speak HTTPS too: by CONNECT on `proxy_url`, and straight on `tls_url`.
        certificate: what is wrong with it, apart from nobody knowing who signed it.
        ghes: an Enterprise Server: no limits, no concurrency groups.
        judge: looks at every healthy answer; leaving the context raises AssertionError when one was wrong.
        latency: seconds that each answer takes.
    """

    def __init__(
        self,
        world: World,
        *,
        faults: Sequence[Fault] = (),
        tls: bool = False,
        certificate: Literal["good", "expired", "wrong host"] = "good",
        ghes: bool = False,
        judge: Judge | None = None,
        latency: float = 0.0,
    ) -> None:
        self.world = world
        self.requests: list[Seen] = []
        self.violations: list[str] = []
        """What the judge said of our own answers, and where the stand-in itself broke."""
        self.most_at_once = 0
        """Requests under way at the same time, at most; tells something only with a latency."""
        self.latency = latency
        self.tunnels: list[str] = []
        """Hosts that CONNECT asked for."""
        self.refuse_tunnels = 0
        """A status (407, 502 …) with which every CONNECT is refused."""
        self.faults = Faults(faults)
        self._judge = judge
        self._tls = tls
        self._certificate = certificate
        self._api = Api(world, self._offer, limited=not ghes, check=self._check if judge else None)
        self._ghes = ghes
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="stand-in", daemon=True)
        self._ready = threading.Event()
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._counts = {"api": 0, "blob": 0}
        self._downloads: dict[str, tuple[str, str, bytes]] = {}
        self._context: ssl.SSLContext | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._connected = 0
        self._under_way = 0
        self._ports: dict[str, int] = {}

    # -- addresses

    @property
    def api_url(self) -> str:
        """Base of the API, as github.com's or an Enterprise Server's (``/api/v3``), without a slash at the end."""
        return f"http://127.0.0.1:{self._ports['api']}{'/api/v3' if self._ghes else ''}"

    @property
    def blob_url(self) -> str:
        """Where downloads lie: another origin."""
        return f"http://127.0.0.1:{self._ports['blob']}"

    @property
    def proxy_url(self) -> str:
        """For ``HTTPS_PROXY``."""
        return f"http://127.0.0.1:{self._ports['api']}"

    @property
    def tls_url(self) -> str:
        """``https://localhost:PORT``, without a proxy; the API is below ``/api/v3`` and at the root."""
        return f"https://localhost:{self._ports['tls']}"

    @property
    def ca_file(self) -> Path:
        """For ``SSL_CERT_FILE``; good with ``tls=True``."""
        assert self._folder is not None, "only with tls=True"
        return Path(self._folder.name) / "ca.pem"

    # -- life

    def __enter__(self) -> StandIn:
        if self._tls:
            self._make_certificate()
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        if self._folder is not None:
            self._folder.cleanup()
        if kind is None and self.violations:
            raise AssertionError("The stand-in itself was wrong:\n" + "\n".join(self.violations))

    def inject(self, *faults: Fault) -> None:
        """More goes wrong from now on."""
        with self.world.lock:
            self.faults.add(faults)

    def asked(self, kind: str | None = None) -> list[Seen]:
        """The log so far, or the part of one kind."""
        return [seen for seen in list(self.requests) if kind is None or seen.kind == kind]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        await self._listen("api")
        await self._listen("blob")
        if self._tls:
            await self._listen("tls")
            await self._listen("tls-blob")

    async def _listen(self, name: str) -> None:
        origin = _Origin(self, "blob" if name.endswith("blob") else "api")
        context = self._context if name.startswith("tls") else None
        server = await self._loop.create_server(origin.connect, "127.0.0.1", 0, ssl=context)
        self._servers.append(server)
        self._ports[name] = server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.abort()
        for server in self._servers:
            await server.wait_closed()
        await asyncio.sleep(0)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01 if self._tls else 0)

    def _make_certificate(self) -> None:
        authority = trustme.CA(organization_name="Stand-in GitHub")
        hosts = ("elsewhere.example",) if self._certificate == "wrong host" else HOSTS
        past = datetime.now(UTC) - timedelta(days=1) if self._certificate == "expired" else None
        leaf = authority.issue_cert(*hosts, not_after=past)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(self._context)
        self._folder = tempfile.TemporaryDirectory()
        authority.cert_pem.write_to_path(str(self.ca_file))

    # -- answers

    def answer(self, origin: str, request: Request) -> Reply:
        """The answer to one request; a mistake of the stand-in's own becomes a 500 and fails the test at the end."""
        with self.world.lock:
            fault = self.faults.strike(origin, request)
            try:
                reply = self._api.answer(request) if origin == "api" else self._download(request)
            except Exception:
                self.violations.append(f"{request.method} {request.target}: {traceback.format_exc()}")
                reply = Reply(500, {"Content-Type": "text/plain"}, b"The stand-in is broken.\n", kind="")
            return self._tell(origin, request, self._spoil(fault, request, reply), fault)

    def _spoil(self, fault: Fault | None, request: Request, reply: Reply) -> Reply:
        reply.pause += self.latency
        if fault is None:
            return reply
        return fault.change(replace(reply, headers=dict(reply.headers)), request, self.world)

    def _tell(self, origin: str, request: Request, reply: Reply, fault: Fault | None) -> Reply:
        status = None if reply.drop == "before" else reply.status
        self.requests.append(
            Seen(
                origin,
                request.number,
                request.connection,
                self.world.now(),
                request.method,
                request.target,
                request.path,
                request.query,
                request.headers,
                request.body,
                reply.kind,
                status,
                fault.name if fault else "",
            )
        )
        if reply.pause:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            self._loop.call_later(reply.pause, self._one_less)
        return reply

    def _one_less(self) -> None:
        self._under_way -= 1

    def _check(self, request: Request, reply: Reply) -> None:
        assert self._judge is not None
        content_type = reply.headers.get("Content-Type", "")
        self.violations += self._judge.response(
            request.method, request.target, reply.status, content_type, reply.body
        )

    # -- downloads

    def _offer(self, name: str, content_type: str, content: bytes, request: Request) -> str:
        """Keep bytes for a download and give its signed address, good for a minute."""
        path = f"/actions-results/{sha256(name.encode()).hexdigest()[:32]}/{name}"
        self._downloads[path] = (name, content_type, content)
        until = sas_time(self.world.clock(), _MINUTE)
        origin = self.blob_url
        if request.base.startswith("https://"):
            local = f"https://127.0.0.1:{self._ports['tls-blob']}"
            origin = local if "localhost" in request.base else f"https://{_BLOB_HOST}"
        query = f"sv=2025-11-05&se={until.replace(':', '%3A')}&sr=b&sp=r&sig={_sign(path, until)}"
        return f"{origin}{path}?{query}"

    def _download(self, request: Request) -> Reply:
        """Azure's answers: 400 when it is told who asks, 403 when the signature is wrong or past."""
        now = self.world.clock()
        headers = {"Date": later(now, 0), "Server": "Windows-Azure-Blob/1.0", "x-ms-version": "2025-11-05"}
        if "authorization" in request.headers:
            return _azure(
                400,
                "InvalidAuthenticationInfo",
                "Authentication information is not given in the correct format.",
                headers,
            )
        until = request.query.get("se", "")
        signed = request.query.get("sig") == _sign(request.path, until)
        if not signed or until < sas_time(now, 0):
            return _azure(403, "AuthenticationFailed", "Server failed to authenticate the request.", headers)
        if request.path not in self._downloads:
            return _azure(404, "BlobNotFound", "The specified blob does not exist.", headers)
        name, content_type, content = self._downloads[request.path]
        headers |= {
            "Content-Type": content_type,
            "Content-MD5": b64encode(md5(content, usedforsecurity=False).digest()).decode(),
            "Content-Disposition": f"attachment; filename={name}",
            "ETag": f'"0x{sha256(content).hexdigest()[:15].upper()}"',
            "x-ms-blob-type": "BlockBlob",
        }
        return Reply(200, headers, content, kind="download")

    # -- connections

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def next_connection(self) -> int:
        self._connected += 1
        return self._connected

    def open_tunnel(self, host: str) -> ssl.SSLContext | int:
        self.tunnels.append(host)
        if self.refuse_tunnels or self._context is None:
            return self.refuse_tunnels or 403
        return self._context if any(fnmatch(host, pattern) for pattern in HOSTS) else 403

    def number(self, origin: str) -> int:
        self._counts[origin] += 1
        return self._counts[origin]


@dataclass(frozen=True)
class _Origin:
    """One listening port, and which of the two origins it is unless the host says otherwise."""

    standin: StandIn
    name: str

    def connect(self) -> Connection:
        return Connection(cast(Any, self), self.standin.next_connection())

    def opened(self, connection: Connection) -> None:
        self.standin.opened(connection)

    def closed(self, connection: Connection) -> None:
        self.standin.closed(connection)

    def accepts_tunnel(self, host: str) -> ssl.SSLContext | int:
        return self.standin.open_tunnel(host)

    def answer(self, connection: Connection, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        host = headers.get("host", "")
        if not target.startswith("/"):  # as a proxy is asked
            parts = urlsplit(target)
            host, target = parts.netloc, target.split(parts.netloc, 1)[1] or "/"
        scheme = "https" if connection.secure else "http"
        base = f"{scheme}://{host}"
        for prefix in ("/api/v3", "/api/graphql"):
            if target.startswith(prefix):
                target = target.removeprefix("/api").removeprefix("/v3") or "/"
                base += "/api/v3"
        is_blob = self.name == "blob" or host.endswith(".blob.core.windows.net")
        number = self.standin.number("blob" if is_blob else "api")
        path, query = split_target(target)
        request = Request(number, connection.number, method, target, path, query, headers, body, base)
        return self.standin.answer("blob" if is_blob else "api", request)


def _sign(path: str, until: str) -> str:
    return sha256(f"stand-in {path} {until}".encode()).hexdigest()[:40]


def _azure(status: int, code: str, message: str, headers: dict[str, str]) -> Reply:
    xml = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    told = {**headers, "Content-Type": "application/xml", "x-ms-error-code": code}
    return Reply(status, told, f"\ufeff{xml}".encode(), kind="download")
