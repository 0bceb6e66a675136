"""One request on the wire: sent as whom, answered with what, judged and recorded whatever becomes of it.

Only here the token meets a request, and only for the API's own origin (row 28). Nothing that leaves this module holds
it: not the records, not the verdicts, not an exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import httpx2

from forensics.errors import AccessRefused
from forensics.ingest.github.answer import (
    API_VERSION,
    JSON,
    Credential,
    Observer,
    Policy,
    Remembered,
    RequestRecord,
    Server,
    moment,
)
from forensics.ingest.github.connection import Stream, explain, open_client, proxy_of, trust
from forensics.ingest.github.limits import Limits
from forensics.ingest.github.redact import redact
from forensics.ingest.github.verdict import (
    Fatal,
    GoneVerdict,
    OtherVersion,
    Question,
    Retry,
    Verdict,
    Wait,
    judge,
    quota_of,
    renewal,
)

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of one answer of the API, unpacked; a page of 100 runs has some 1.5 million. Logs are not meant by it."""


@dataclass(frozen=True)
class Asked:
    """One thing that is wanted, through all its attempts."""

    path: str
    kind: str
    accept: str = JSON
    conditional: bool = False
    young: bool = False
    json_expected: bool = True
    logs: bool = False


@dataclass(frozen=True)
class Reply:
    """What came in one attempt; ``status`` is None when nothing did."""

    verdict: Verdict
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    size: int = 0
    """Bytes on the wire."""
    stream: Stream | None = None
    token: str | None = None


@dataclass
class Way:
    """How far one item has come."""

    path: str
    moved: bool = False
    hops: int = 0
    failures: int = 0
    waits: int = 0
    renewed: bool = False
    remembered: Remembered | None = None


class Wire:
    """The two clients of an ingest, and the token of one of them.

    The arguments are those of :class:`forensics.ingest.github.client.Client`.
    """

    def __init__(
        self,
        server: Server,
        credential: Credential | None,
        policy: Policy,
        observer: Observer,
        environment: Mapping[str, str],
    ) -> None:
        self._server = server
        self._credential = credential
        self._policy = policy
        self._observer = observer
        self._environment = environment
        # Without a token there is nobody to leave a reserve to, and 60 requests an hour are few.
        self.limits = Limits(policy, observer, reserve=policy.reserve if credential else 0)
        self.host = urlsplit(server.api_url).netloc.rpartition("@")[2]
        self.versioned = True
        """Whether to name the version of the API; a server may not know it (row 48)."""
        self._answered = False
        self._secrets: list[str] = []
        self._renewing = asyncio.Lock()
        self._streams: list[Stream] = []

    def open(self) -> None:
        """Make the clients; nothing is connected yet.

        Raises :class:`Unreachable` for proxies or certificates that are none.
        """
        context = trust(self._environment)
        size, deadline = max(1, self._policy.concurrency), self._policy.deadline
        self._api = open_client(self._environment, context, size, deadline, authorised=True)
        self.blobs = open_client(self._environment, context, size, self._policy.stall, authorised=False)
        self._proxy = proxy_of(self._api, self._server.api_url, self._environment)

    async def close(self) -> None:
        """Close every connection, those of streams that nobody read to the end too."""
        try:
            for stream in self._streams:
                await stream.aclose()
        finally:
            try:
                await self._api.aclose()
            finally:
                await self.blobs.aclose()

    def redact(self, text: str) -> str:
        """``text`` without secrets, the token that was sent among them."""
        return redact(text, self._secrets)

    @property
    def mark(self) -> str:
        """What tells apart as whom is asked."""
        return self._credential.mark if self._credential else ""

    async def attempt(self, asked: Asked, way: Way) -> Reply:
        """One request, recorded whatever becomes of it."""
        async with self.limits.turn() as turn:
            token = await self._token()
            loop = asyncio.get_running_loop()
            began, moment_begun = loop.time(), moment(self.limits.now())
            reply = Reply(Retry("It was broken off."))
            try:
                async with asyncio.timeout(self._policy.deadline):
                    reply = await self._exchange(asked, way, token)
            except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
                first = not self._answered
                deadline = self._policy.deadline
                failure = explain(error, host=self.host, proxy=self._proxy, first=first, deadline=deadline)
                reply = Reply(failure)
            finally:
                took = round((loop.time() - began) * 1000)
                self._observer.record(self._record(asked, way, reply, moment_begun, took))
            if isinstance(reply.verdict, Wait):
                self.limits.hold(reply.verdict, turn)
            elif reply.status is not None and reply.status < 400:
                self.limits.succeeded(turn)
            return reply

    async def _exchange(self, asked: Asked, way: Way, token: str | None) -> Reply:
        """Send and read. The body of a log that is sent straight away is left to be streamed."""
        headers = {"Accept": asked.accept}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if self.versioned:
            headers["X-GitHub-Api-Version"] = API_VERSION
        if way.remembered is not None:
            headers["If-None-Match"] = way.remembered.etag
        question = self._question(asked, way)
        request = self._api.build_request("GET", self._server.api_url + way.path, headers=headers)
        response = await self._api.send(request, stream=True)
        stream, body = None, b""
        try:
            self._answered = True
            received = {name.lower(): value for name, value in response.headers.items()}
            status = response.status_code
            self.limits.learn(received, status)
            size = 0
            if asked.logs and 200 <= status < 300:
                stream = Stream(response)
                size = _announced(received)
                self._streams = [*(one for one in self._streams if not one.closed), stream]
            else:
                body = await _read(response)
            if len(body) > LARGEST_BODY:
                detail = f"{way.path} was answered with more than {LARGEST_BODY} bytes."
                return Reply(GoneVerdict("refused", detail), status, received, size=response.num_bytes_downloaded)
            now, strikes = self.limits.now(), self.limits.strikes
            verdict = judge(status, received, body, question=question, now=now, strikes=strikes)
            return Reply(verdict, status, received, body, size or response.num_bytes_downloaded, stream, token)
        finally:
            if stream is None:
                await response.aclose()

    def _question(self, asked: Asked, way: Way) -> Question:
        return Question(
            path=self.redact(way.path),
            logs=asked.logs or asked.path.partition("?")[0].endswith("/logs"),
            young=asked.young,
            json_expected=asked.json_expected,
            conditional=way.remembered is not None,
            versioned=self.versioned,
            source=self._credential.source if self._credential else None,
        )

    def _record(self, asked: Asked, way: Way, reply: Reply, begun: datetime, took: int) -> RequestRecord:
        quota = quota_of(reply.headers)
        free = reply.status is None or (reply.status == 304 and self._credential is not None)
        error = _flaw(reply.verdict)
        return RequestRecord(
            requested_at=begun,
            method="GET",
            endpoint=self.redact(way.path),
            kind=asked.kind,
            status=reply.status,
            bytes=reply.size,
            duration_ms=took,
            cost=0 if free else 1,
            quota_left=quota.left if quota and quota.core else None,
            error=None if error is None else self.redact(error),
        )

    async def _token(self) -> str | None:
        if self._credential is None:
            return None
        token = await self._credential.token()
        if not (token.isascii() and token.isprintable() and " " not in token and token):
            # h11 would refuse it as a header, and name it in its error
            raise AccessRefused(
                f"What {self._credential.source} holds is no token: it is empty, or has spaces or odd characters.",
                hint=renewal(self._credential.source),
            )
        if token not in self._secrets:
            self._secrets.append(token)
        return token

    async def renew(self, refused: str | None) -> bool:
        """After a 401: whether there is another token than the one that was refused (row 2).

        Several requests that were refused at once renew it once.
        """
        if self._credential is None:
            return False
        async with self._renewing:
            if await self._credential.token() != refused:
                return True
            renewed = await self._credential.renewed()
        if renewed:
            self.limits.forget_quota()
        return renewed


def _announced(headers: Mapping[str, str]) -> int:
    """How long the body of a log is said to be: it is read only after the request was recorded."""
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0


async def _read(response: httpx2.Response) -> bytes:
    """The body, unpacked; a little more than :data:`LARGEST_BODY` of it where it is longer."""
    parts, size = [], 0
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            parts.append(chunk)
            size += len(chunk)
            if size > LARGEST_BODY:
                break
    return b"".join(parts)


def _flaw(verdict: Verdict) -> str | None:
    """What was wrong with an answer, for the record."""
    match verdict:
        case Retry(why) | Wait(why=why):
            return why
        case GoneVerdict(_, detail):
            return detail
        case Fatal(error):
            return error.message
        case OtherVersion():
            return f"The server does not know version {API_VERSION} of the API."
    return None
