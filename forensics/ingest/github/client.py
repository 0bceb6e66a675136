"""The API asked with patience: one request with its waits, retries and redirects, and lists page by page.

What an answer means is told by :mod:`verdict`, when to ask by :mod:`limits`, where links lead by :mod:`links`; here
they are put together. The token goes to the API's own origin and nowhere else (row 28): redirects are followed by
bringing them below our base address, and downloads belong to a second client that has no token.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx2
import orjson

from forensics.errors import LimitReached, ServerFailing
from forensics.ingest.github import links
from forensics.ingest.github.answer import (
    JSON,
    Answer,
    Credential,
    Gone,
    Location,
    Memory,
    Observer,
    Policy,
    Remembered,
    Server,
    moment,
)
from forensics.ingest.github.verdict import (
    Fatal,
    GoneVerdict,
    Good,
    OtherVersion,
    Redirect,
    Retry,
    Unchanged,
    Wait,
    server_time,
)
from forensics.ingest.github.wire import Asked, Reply, Way, Wire


class Client:
    """A GitHub as seen by one ingest.

    ``environment`` gives proxies (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) and certificates (SSL_CERT_FILE,
    SSL_CERT_DIR, REQUESTS_CA_BUNDLE). Use it as an async context; raises :class:`Unreachable` on entering when those
    are wrong.
    """

    def __init__(
        self,
        server: Server,
        credential: Credential | None,
        policy: Policy,
        observer: Observer,
        memory: Memory | None = None,
        *,
        environment: Mapping[str, str] = {},
    ) -> None:
        self._server = server
        self._policy = policy
        self._memory = memory
        self._wire = Wire(server, credential, policy, observer, environment)
        self._failed_items = 0
        self._moved: dict[str, str] = {}  # path prefixes
        self._names: dict[str, str] = {}  # old full name in lower case -> the one it has now

    async def __aenter__(self) -> Self:
        self._wire.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

    @property
    def blobs(self) -> httpx2.AsyncClient:
        """The client for downloads: same proxies and certificates, never Authorization or a cookie, no redirects."""
        return self._wire.blobs

    @property
    def quota(self) -> tuple[int | None, int | None, datetime | None]:
        """Requests left, of how many an hour, until when (naive UTC); None for what the server does not tell."""
        return self._wire.limits.quota

    @property
    def requests_made(self) -> int:
        """Attempts begun, those without an answer too; what the budget counts."""
        return self._wire.limits.requests_made

    def server_now(self) -> datetime:
        """Naive UTC by the server's clock (row 33); by ours before the first answer."""
        return moment(self._wire.limits.now())

    def moved_repository(self, old: str) -> str | None:
        """The name that ``owner/name`` has now, once an answer led there and named it."""
        return self._names.get(old.lower())

    async def get(
        self,
        path: str,
        params: Mapping[str, str | int] = {},
        *,
        kind: str,
        accept: str = JSON,
        conditional: bool = False,
        young: bool = False,
        json_expected: bool = True,
    ) -> Answer:
        """Ask for one thing.

        ``path`` is below the base address, its parts quoted: ``/repos/o/r/actions/runs``. ``conditional`` asks with
        the remembered ETag; ``young`` means that it may not be there yet. Raises :class:`Gone` when this one thing is
        not to be had (a 404 at the start too: what it means is the caller's to say), :class:`AccessRefused`,
        :class:`LimitReached`, :class:`ServerFailing`, :class:`Unreachable` and :class:`RequestInvalid` when no other
        will be had either.
        """
        asked = Asked(links.with_query(path, params), kind, accept, conditional, young, json_expected)
        return (await self._answer(asked))[0]

    async def pages(
        self,
        path: str,
        params: Mapping[str, str | int] = {},
        *,
        kind: str,
        conditional: bool = False,
        check: Callable[[Answer], int] | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Ask for a list, page by page as ``Link`` says. Raises as :meth:`get` does.

        ``check`` counts the items of a page. With it a full page that has no ``Link`` header at all is not believed
        to be the last: the next is asked for by number, until one is not full (row 32). A list that leads back to a
        page it had ends in :class:`Gone`, ``failed``.
        """
        asked = Asked(links.with_query(path, params), kind, conditional=conditional)
        seen: set[str] = set()
        guessed, body = False, b""
        while True:
            seen.add(asked.path)
            answer, linked = await self._answer(asked)
            seen.add(answer.path)
            if guessed:
                if answer.body == body or (check and not check(answer)):
                    return  # nothing new on it
                missing = f"{asked.path} was asked for by number: the page before was full and had no Link header."
                answer = replace(answer, warnings=(*answer.warnings, missing))
            yield answer
            following, body = answer.next_page, answer.body
            guessed = following is None and not linked and check is not None
            if guessed and check and check(answer) >= links.per_page(asked.path):
                following = links.page_after(answer.path)
            if following is None:
                return
            if following in seen:
                raise self._failed(f"{following} was named as the next page a second time: the list has no end.")
            asked = replace(asked, path=following)

    async def locate(self, path: str, *, kind: str, young: bool = False) -> Location:
        """Where the download at ``path`` lies; a link to elsewhere is not followed.

        Gives a link (good for about a minute) or, where the server sent the bytes itself, their stream. Raises as
        :meth:`get` does: ``expired`` for 404 and 410, ``not-ready`` for a ``young`` 404, ``refused`` for a link that
        is not to be followed (row 25).
        """
        asked = Asked(links.with_query(path, {}), kind, young=young, json_expected=False, logs=True)
        reply, way = await self._reach(asked)
        if reply.stream is not None:
            plain = "content-encoding" not in reply.headers
            length = reply.headers.get("content-length", "")
            size = int(length) if plain and length.isascii() and length.isdigit() and len(length) < 20 else None
            return Location(None, reply.stream, size, dict(reply.headers))
        url = self._absolute(way, reply.verdict) if isinstance(reply.verdict, Redirect) else ""
        refusal = links.refuse_download(url, self._server)
        if refusal:
            detail = self._wire.redact(f"{way.path} leads {refusal}; it was not followed.")
            raise Gone("refused", detail, reply.status)
        return Location(url)

    async def _answer(self, asked: Asked) -> tuple[Answer, bool]:
        """The answer, and whether it had a Link header."""
        reply, way = await self._reach(asked)
        headers, remembered = reply.headers, way.remembered
        link = headers.get("link", "")
        unchanged = isinstance(reply.verdict, Unchanged) and remembered is not None
        next_page = remembered.next_page if unchanged and remembered and not link else None
        url = links.next_link(link)
        foreign = ""
        if url is not None:
            try:
                next_page = links.rebase(url, way.path, self._server)
            except links.Foreign as host:
                foreign = str(host)
        if foreign:
            raise self._failed(f"The page after {way.path} is said to be at {foreign}, not at {self._wire.host}.")
        date = server_time(headers)
        answer = Answer(
            path=way.path,
            body=remembered.body if unchanged and remembered else reply.body,
            etag=headers.get("etag") or (remembered.etag if unchanged and remembered else None),
            next_page=next_page,
            unchanged=unchanged,
            evidence_path=remembered.evidence_path if unchanged and remembered else None,
            server_time=None if date is None else moment(date),
            moved=way.moved,
            warnings=reply.verdict.warnings if isinstance(reply.verdict, Good) else (),
        )
        if way.moved:
            self._learn_name(asked.path, answer.body)
        return answer, bool(link)

    async def _reach(self, asked: Asked) -> tuple[Reply, Way]:
        """Ask until there is an answer to give, or an error to raise."""
        way = self._begin(asked.path)
        while True:
            way.remembered = self._recall(asked, way.path)
            reply = await self._wire.attempt(asked, way)
            match reply.verdict:
                case Good() | Unchanged():
                    self._failed_items = 0
                    return reply, way
                case Redirect() as redirect:
                    if not self._follow(asked, way, redirect):
                        self._failed_items = 0
                        return reply, way
                case Retry() as retry:
                    await self._again(way, retry, reply)
                case Wait():
                    way.waits += 1
                    if way.waits > self._policy.secondary_tries:
                        message = f"{way.path} met a limit {way.waits} times in a row."
                        raise LimitReached(
                            message, hint="What was fetched is kept; run the same command again later."
                        )
                case OtherVersion():
                    self._wire.versioned = False
                case GoneVerdict(state, detail):
                    if state == "failed":
                        raise self._failed(detail, reply)
                    self._failed_items = 0
                    raise Gone(state, self._wire.redact(detail), reply.status, reply.body)
                case Fatal(error, renewable):
                    if not renewable or way.renewed or not await self._wire.renew(reply.token):
                        raise error
                    way.renewed = True

    def _begin(self, path: str) -> Way:
        """A repository that was found to have moved is asked for at its new place at once."""
        prefix = links.repository_prefix(path)
        new = self._moved.get(prefix) if prefix else None
        return Way(path) if not prefix or not new else Way(new + path.removeprefix(prefix), moved=True)

    def _recall(self, asked: Asked, path: str) -> Remembered | None:
        if not asked.conditional or self._memory is None:
            return None
        return self._memory.recall(path, asked.accept, self._wire.mark)

    def _absolute(self, way: Way, redirect: Redirect) -> str:
        try:
            return urljoin(self._server.api_url + way.path, redirect.location)
        except ValueError:
            return ""

    def _follow(self, asked: Asked, way: Way, redirect: Redirect) -> bool:
        """Row 11: go on at the new place; False when that is a download, which is the caller's to follow."""
        url = self._absolute(way, redirect)
        if asked.logs and redirect.to_file and not links.is_api(url, self._server):
            return False
        try:
            path = links.rebase(url, way.path, self._server)
        except links.Foreign as host:
            path, foreign = "", str(host)
        if not path:
            if asked.logs:
                return False
            raise self._failed(f"{way.path} leads to {foreign}, which is not {self._wire.host}; it was not followed.")
        way.hops += 1
        if way.hops > self._policy.max_hops:
            raise self._failed(f"{asked.path} was redirected more than {self._policy.max_hops} times.")
        if redirect.permanent:
            way.moved = True
            prefixes = links.moved_prefix(way.path, path)
            if prefixes:
                self._moved[prefixes[0]] = prefixes[1]
        way.path = path
        return True

    async def _again(self, way: Way, retry: Retry, reply: Reply) -> None:
        """Row 17: wait longer each time, and give the item up after so many tries."""
        way.failures += 1
        if way.failures >= self._policy.tries:
            raise self._failed(f"{way.path} failed {way.failures} times. {retry.why}", reply)
        seconds = 2.0 ** (way.failures - 1) * (1 + self._policy.jitter())
        await self._policy.sleep(max(seconds, min(retry.after or 0.0, 300.0)))

    def _failed(self, detail: str, reply: Reply | None = None) -> Gone | ServerFailing:
        """One more item that failed, or one too many."""
        self._failed_items += 1
        detail = self._wire.redact(detail)
        if self._failed_items >= self._policy.failures_in_a_row:
            return ServerFailing(
                f"{self._failed_items} requests in a row failed. The last: {detail}",
                hint="See whether GitHub is well (githubstatus.com); the same command goes on from here.",
            )
        return Gone("failed", detail, reply.status if reply else None, reply.body if reply else b"")

    def _learn_name(self, asked: str, body: bytes) -> None:
        prefix = links.repository_prefix(asked) or ""
        old = prefix.removeprefix("/repos/").lower()
        if not prefix.startswith("/repos/") or old in self._names:
            return
        try:
            name = links.repository_of(orjson.loads(body))
        except orjson.JSONDecodeError:
            return
        if name:
            self._names[old] = name
