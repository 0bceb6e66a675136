"""One download, from the link to a file on the disk: streamed, timed, counted, and recorded hop by hop.

Whether what came is what was wanted is judged by :mod:`download`; here only whether it came.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

from forensics.errors import ForensicsError
from forensics.ingest.caps import LARGEST_TOTAL
from forensics.ingest.github import links
from forensics.ingest.github.answer import Gone, Location, Observer, Policy, RequestRecord, Server, moment
from forensics.ingest.github.body import Body, Part, Received
from forensics.ingest.github.connection import CONNECT_DEADLINE, explain
from forensics.ingest.github.redact import name_download, redact
from forensics.ingest.github.verdict import Fatal, retry_after

Cause = Literal[
    "connection",  # none, or it broke or went silent
    "server",  # it answered something that is neither the file nor a reason
    "link",  # it does not accept the link (any more)
    "missing",  # it has no such file
    "slow",  # the deadline passed
    "damage",  # something came, and it is not whole
]
_LARGEST_EXPLANATION = 64 << 10
_AZURE_CODE = re.compile(rb"<Code>(\w{1,64})</Code>")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SECRET_LENGTH = 8
"""Shorter values of a link's query are no signature, and blanking them would make a text unreadable."""


class Broken(Exception):
    """A download that brought nothing to keep; another one, by a fresh link, may."""

    def __init__(
        self, cause: Cause, why: str, status: int | None = None, body: bytes = b"", after: float | None = None
    ) -> None:
        super().__init__(why)
        self.cause = cause
        self.why = why
        """A whole sentence without secrets."""
        self.status = status
        self.body = body
        self.after = after
        """Seconds that the server asks to wait."""


@dataclass
class _Note:
    """What is going to be recorded of one request."""

    status: int | None = None
    bytes: int = 0
    error: str | None = None


class Transfer:
    """Downloads by links, with a client that carries no token."""

    def __init__(self, policy: Policy, observer: Observer) -> None:
        self._policy = policy
        self._observer = observer

    async def fetch(self, blobs: httpx2.AsyncClient, location: Location, path: Path) -> Received:
        """Stream to ``path``, which is overwritten, and bring it safely to the disk.

        Raises Broken; Gone (``failed``, ``refused``) for a link that is not to be followed and for a file larger than
        is ever read; Unreachable where no further try would help; ForensicsError for the disk.
        """
        try:
            async with asyncio.timeout(self._policy.download_deadline):
                if location.url is not None:
                    return await self._follow(blobs, location.url, path)
                if location.stream is not None:
                    return await self._take_stream(location, location.stream, path)
        except TimeoutError:
            deadline = self._policy.download_deadline
            raise Broken("slow", f"The download was not complete after {deadline:g} seconds.") from None
        raise Broken("server", "The server named no address to download from.")

    async def _take_stream(self, location: Location, stream: AsyncIterator[bytes], path: Path) -> Received:
        """The API sent the bytes itself (row 26); its client has recorded the request and undone any encoding."""
        body = Body(location.headers, location.length, decoded=True)
        try:
            return await self._pour(stream, body, path, "the server")
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()

    async def _follow(self, blobs: httpx2.AsyncClient, url: str, path: Path) -> Received:
        """Row 25: from the first link on as far as the cap, not out of https, not into the inner network."""
        start = _origin(url)
        for _ in range(self._policy.max_hops):
            refusal = links.refuse_download(url, start)
            if refusal:
                raise Gone("refused", redact(f"A download from {start.host} leads {refusal}; it was not followed."))
            got = await self._ask(blobs, url, path)
            if isinstance(got, Received):
                return got
            url = _joined(url, got)
        # The answer of the API was the first hop.
        raise Gone("failed", f"A download from {start.host} was redirected more than {self._policy.max_hops} times.")

    async def _ask(self, blobs: httpx2.AsyncClient, url: str, path: Path) -> Received | str:
        """One request, recorded whatever becomes of it: the file, or where it is instead."""
        loop = asyncio.get_running_loop()
        began, requested_at = loop.time(), moment(self._policy.clock())
        note = _Note(error="It was broken off.")
        try:
            got = await self._exchange(blobs, url, path, note)
            note.error = got.short if isinstance(got, Received) else None
            return got
        except Broken as broken:
            note.error = broken.why
            raise
        except Gone as gone:
            note.error = gone.detail
            raise
        except ForensicsError as error:
            note.error = error.message
            raise
        finally:
            took = round((loop.time() - began) * 1000)
            endpoint = name_download(url)
            self._observer.record(
                RequestRecord(
                    requested_at, "GET", endpoint, "download", note.status, note.bytes, took, 0, None, note.error
                )
            )

    async def _exchange(self, blobs: httpx2.AsyncClient, url: str, path: Path, note: _Note) -> Received | str:
        stall = self._policy.stall
        host = urlsplit(url).hostname or ""
        try:
            # Compressed underway nothing would be won, and lengths and checksums would be those of something else.
            request = blobs.build_request(
                "GET",
                url,
                headers={"Accept": "*/*", "Accept-Encoding": "identity"},
                timeout=httpx2.Timeout(stall, connect=min(CONNECT_DEADLINE, stall), pool=None),
            )
            request.headers.pop("Authorization", None)  # row 28, whatever the client was made with
            async with asyncio.timeout(stall):
                response = await blobs.send(request, stream=True, auth=None, follow_redirects=False)
        except (TimeoutError, httpx2.TimeoutException):
            raise Broken("connection", f"{host} did not answer within {stall:g} seconds.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise self._explained(error, host) from None
        try:
            note.status = response.status_code
            if response.status_code == 200:
                return await self._receive(response, path, host, note)
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return response.headers["location"]
            raise await self._refusal(response, url, host)
        finally:
            await response.aclose()

    async def _receive(self, response: httpx2.Response, path: Path, host: str, note: _Note) -> Received:
        body = Body({name.lower(): value for name, value in response.headers.items()})
        body.framed |= response.http_version == "HTTP/2"
        try:
            async with aclosing(response.aiter_raw()) as chunks:
                return await self._pour(chunks, body, path, host)
        finally:
            note.bytes = body.taken

    async def _pour(self, chunks: AsyncIterator[bytes], body: Body, path: Path, host: str) -> Received:
        loop, stall = asyncio.get_running_loop(), self._policy.stall
        self._check_size(body.length or 0, host)
        with Part(path) as part:
            try:
                async with asyncio.timeout(stall) as patience:
                    async for chunk in chunks:
                        patience.reschedule(loop.time() + stall)
                        for piece in body.take(chunk):
                            part.write(piece)
                        self._check_size(part.size, host)
            except httpx2.RemoteProtocolError:
                # Closed in good order and too early (row 21): what came is worth a look.
                body.cut()
            except (TimeoutError, httpx2.TimeoutException):
                raise Broken("connection", f"{host} went silent for {stall:g} seconds.", 200) from None
            except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
                raise self._explained(error, host) from None
            await asyncio.to_thread(part.sync)
            return body.finish(part.size)

    def _check_size(self, size: int, host: str) -> None:
        if size > LARGEST_TOTAL:
            raise Gone("refused", f"A download from {host} is larger than {LARGEST_TOTAL:,} bytes; it was not kept.")

    def _explained(self, error: Exception, host: str) -> Exception:
        """Rows 46 and 47: a certificate or a proxy that refuses is nothing that gets better by asking again."""
        proxy = "of HTTPS_PROXY" if isinstance(error, httpx2.ProxyError) else None
        met = explain(error, host=host, proxy=proxy, first=False, deadline=self._policy.stall)
        return met.error if isinstance(met, Fatal) else Broken("connection", met.why)

    async def _refusal(self, response: httpx2.Response, url: str, host: str) -> Broken:
        status, raw = response.status_code, b""
        try:
            async with asyncio.timeout(self._policy.stall), aclosing(response.aiter_raw()) as chunks:
                async for chunk in chunks:
                    raw += chunk
                    if len(raw) > _LARGEST_EXPLANATION:
                        break
        except (TimeoutError, httpx2.HTTPError, httpx2.StreamError, OSError):
            pass  # its status is answer enough
        code = _AZURE_CODE.search(raw)
        why = f"{host} answered {status}{f' ({code[1].decode()})' if code else ''}."
        if status in _REDIRECTS:
            why = f"{host} answered {status} without saying where to go."
        cause: Cause = "link" if status in (401, 403) else "missing" if status in (404, 410) else "server"
        headers = {name.lower(): value for name, value in response.headers.items()}
        after = retry_after(headers, self._policy.clock())
        return Broken(cause, why, status, _without_link(raw[:_LARGEST_EXPLANATION], url), after)


def _origin(url: str) -> Server:
    """What further links are judged by: whether the first was encrypted, and whether it led inside."""
    try:
        parts = urlsplit(url)
        return Server(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.hostname or "")
    except ValueError:
        return Server("", "an address that is none")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _without_link(body: bytes, url: str) -> bytes:
    """Row 56: storage repeats parts of the link in its errors."""
    query = urlsplit(url).query
    values = [value for _, value in parse_qsl(query)] + [part.partition("=")[2] for part in query.split("&")]
    secrets = sorted({value for value in values if len(value) >= _SECRET_LENGTH}, key=len, reverse=True)
    return redact(body.decode(errors="replace"), secrets).encode()
