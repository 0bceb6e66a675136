"""A blob host of raw sockets that gives planted answers in turn, and one fetch from it."""

import asyncio
import base64
import hashlib
import io
import socket
import ssl
import struct
import zipfile
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from forensics.errors import ForensicsError
from forensics.ingest.github.answer import Gone, Location, Policy
from forensics.ingest.github.archive import Checked
from forensics.ingest.github.download import Downloader

LOGS = "/repos/octo/forensics/actions/runs/1/attempts/1/logs"
JOB = "/repos/octo/forensics/actions/jobs/7/logs"
LINE = b"2026-11-02T10:00:00.0000000Z make: nothing to be done\n"
SECRET = "dGhlLXNpZ25hdHVyZQ%3D%3D"
EXPIRED = (
    b"<?xml version='1.0'?><Error><Code>AuthenticationFailed</Code><Message>Signature not valid: "
    b"dGhlLXNpZ25hdHVyZQ==</Message></Error>"
)


def zipped(*members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members:
            target.writestr(name, data)
    return buffer.getvalue()


ARCHIVE = zipped(("0_build.txt", LINE * 3), ("build/system.txt", LINE))
WHOLE = Checked(2, 4 * len(LINE), (), None)
DAMAGED = bytearray(ARCHIVE)
DAMAGED[ARCHIVE.index(b"PK\x01\x02") + 16] ^= 1
DAMAGED = bytes(DAMAGED)
"""0_build.txt has a wrong checksum."""


def answer(status, data=b"", *headers, length=None):
    length = len(data) if length is None else length
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def good(data, *headers):
    return answer(200, data, *headers)


def endless(data, *headers):
    """Without a length: what came until the connection closed is all."""
    return "\r\n".join(["HTTP/1.1 200 OK", *headers]).encode() + b"\r\n\r\n" + data


def redirect(to):
    return answer(302, b"", f"Location: {to}")


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


class Reset:
    """Bytes, and then the connection is torn down."""

    def __init__(self, data):
        self.data = data


class Drip:
    """Bytes, and then one each so many seconds for ever; or none at all."""

    def __init__(self, data, every=None):
        self.data = data
        self.every = every


@dataclass
class Host:
    """A blob host: gives its answers in turn, the last one again and again; 400 to whoever says who he is."""

    answers: list
    asked: list = field(default_factory=list)
    port: int = 0
    scheme: str = "http"
    is_api: bool = False

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            planted = self.answers[min(len(self.asked), len(self.answers) - 1)]
            self.asked.append(head)
            if not self.is_api and "\nauthorization:" in head.lower():
                planted = answer(400, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>")
            if callable(planted):
                planted = planted(self, head)
            await self._send(planted, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _send(self, planted, writer):
        writer.write(planted if isinstance(planted, bytes) else planted.data)
        await writer.drain()
        if isinstance(planted, Reset):
            await asyncio.sleep(0.05)
            # Without this a torn connection ends in good order, which is another fault (row 21).
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        if isinstance(planted, Drip):
            while planted.every is None:
                await asyncio.sleep(60)
            while True:
                await asyncio.sleep(planted.every)
                writer.write(b".")
                await writer.drain()


@asynccontextmanager
async def running(host, context=None):
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        await host.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


class Locator:
    """The API: each question gives a link of its own, signed anew."""

    def __init__(self, host, blobs, locate=None):
        self.host = host
        self.blobs = blobs
        self.asked = []
        self._locate = locate

    async def locate(self, path, *, kind):
        self.asked.append((path, kind))
        if self._locate is not None:
            return self._locate(len(self.asked))
        return Location(self.host.url(f"/logs/{len(self.asked)}?se=2026&sig={SECRET}"))


@dataclass
class Seen:
    """What became of a fetch."""

    outcome: object
    host: Host
    locator: Locator
    records: list
    slept: list
    scratch: Path

    @property
    def left(self):
        return sorted(path.name for path in self.scratch.rglob("*") if path.is_file())


class Observer:
    def __init__(self):
        self.records = []

    def record(self, request):
        self.records.append(request)

    def waiting(self, seconds, why):
        raise AssertionError("a download holds nobody else up")


def drill(tmp_path, *answers, path=LOGS, young=False, locate=None, context=None, verify=True, blobs=None, **policy):
    """Fetch once from a host with these answers; an exception is an outcome."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    async def run():
        observer = Observer()
        scratch = tmp_path / "scratch"
        settings = {"sleep": sleep, "jitter": lambda: 0.0, "stall": 5.0, "download_deadline": 20.0, **policy}
        host = Host(list(answers), scheme="https" if context else "http")
        async with running(host, context), blobs or httpx2.AsyncClient(verify=verify, trust_env=False) as client:
            locator = Locator(host, client, locate and (lambda number: locate(host, number)))
            downloader = Downloader(locator, Policy(**settings), observer, scratch)
            fetch = downloader.fetch_archive if path == LOGS else downloader.fetch_text
            try:
                outcome = await fetch(path, "logs-1-1", young=young)
            except (Gone, ForensicsError) as error:
                outcome = error
        return Seen(outcome, host, locator, observer.records, slept, scratch)

    return asyncio.run(run())
