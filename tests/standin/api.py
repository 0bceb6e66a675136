"""The API's side of the stand-in: who may ask, what counts against the limit, and GitHub's headers."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from hashlib import sha256
from typing import Any

import jwt
import orjson

from forensics.synth.rest import stamp
from tests.standin.ask import DOCS, Ask, Refused, Told
from tests.standin.graphql import answer_query
from tests.standin.routes import find_route, kind_of
from tests.standin.shapes import API
from tests.standin.state import Repository, Token
from tests.standin.wire import Reply, Request, decode
from tests.standin.world import World

VERSIONS = frozenset({"2022-11-28", "2026-03-10"})
_HOUR = 3600
_JSON = "application/json; charset=utf-8"
_UNLIMITED = frozenset({"/rate_limit"})

FIXED = {
    "Cache-Control": "private, max-age=60, s-maxage=60",
    "Vary": "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With",
    "Access-Control-Expose-Headers": (
        "ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Used,"
        " X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, X-Accepted-OAuth-Scopes, X-Poll-Interval,"
        " X-GitHub-Media-Type, X-GitHub-SSO, X-GitHub-Request-Id, Deprecation, Sunset"
    ),
    "Access-Control-Allow-Origin": "*",
    "Strict-Transport-Security": "max-age=31536000; includeSubdomains; preload",
    "X-Frame-Options": "deny",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "0",
    "Referrer-Policy": "origin-when-cross-origin, strict-origin-when-cross-origin",
    "Content-Security-Policy": "default-src 'none'",
    "Server": "github.com",
}
"""What every answer of the API has (recorded exchanges of 2022 and 2026)."""


@dataclass(frozen=True)
class Prepared:
    """A good answer that may be given again."""

    kind: str
    status: int
    headers: dict[str, str]
    body: bytes
    packed: bytes
    """The body as gzip."""
    digest: str
    """Of the body and the Accept that led to it; empty where there is no ETag."""
    kept: bool

    def etag(self, credential: str) -> str:
        """GitHub's differ from token to token."""
        return f'W/"{sha256((self.digest + credential).encode()).hexdigest()}"' if self.digest else ""


@dataclass
class Api:
    """Answers requests to one world."""

    world: World
    blob: Callable[[str, str, bytes, Request], str]
    """Name, content type, bytes and request → address of a download."""
    limited: bool = True
    """False: an Enterprise Server, which has no limits unless its owner sets them, and no concurrency groups."""
    check: Callable[[Request, Reply], None] | None = None
    """Looks at every new answer before it is packed."""
    _cache: dict[tuple[str, str, str], Prepared] = field(default_factory=dict)
    _version: int = -1

    def answer(self, request: Request) -> Reply:
        """The answer of a GitHub in good health."""
        with self.world.lock:
            self.world.asked(request.target)
            try:
                token = self._admit(request)
                prepared = self._prepare(request)
            except Refused as refusal:
                return self._refuse(request, refusal)
            return self._reply(request, prepared, token)

    # -- who may ask

    def _admit(self, request: Request) -> Token | None:
        """The token, which has been counted; None where the App asks for itself."""
        if request.headers.get("x-github-api-version", "2022-11-28") not in VERSIONS:
            raise Refused(400, "The specified API version is not supported.")
        said = request.headers.get("authorization", "")
        scheme, _, credential = said.partition(" ")
        if request.path.startswith("/app") or request.path.endswith("/installation"):
            self._admit_app(credential)
            return None
        token = self.world.tokens.get(credential.strip()) if scheme.lower() in ("bearer", "token") else None
        if token is None or (token.expires_at is not None and token.expires_at <= self.world.clock()):
            raise Refused(401, "Bad credentials" if said else "Requires authentication")
        now = self.world.clock()
        if token.resets_at <= now:
            token.resets_at, token.used = float(int(now) + _HOUR), 0
        if self.limited and token.used >= self.world.limit and request.path not in _UNLIMITED:
            raise Refused(403, "API rate limit exceeded for user ID 70010411.", limit=token)
        return token

    def _admit_app(self, credential: str) -> None:
        """GitHub's rules for an App's JWT: RS256, its id as issuer, no older than it says, ten minutes at most."""
        app = self.world.app
        try:
            signed = app is not None and app.public_key is not None
            key = (app.public_key if app else None) or ""
            options: Any = {"verify_signature": signed, "verify_exp": False, "verify_iat": False}
            claims = jwt.decode(credential, key, algorithms=["RS256"], options=options)
        except jwt.InvalidTokenError:
            raise Refused(401, "A JSON web token could not be decoded") from None
        now = self.world.clock()
        if app is None or str(claims.get("iss")) != str(app.app_id):
            raise Refused(401, "Integration not found")
        if claims.get("iat", now + 1) > now or not now < claims.get("exp", 0) <= now + 600:
            raise Refused(401, "'Expiration time' claim ('exp') must be a numeric value in the next ten minutes")

    # -- what is answered

    def _prepare(self, request: Request) -> Prepared:
        if self._version != self.world.version:
            self._cache.clear()
            self._version = self.world.version
        key = (request.target, request.headers.get("accept", ""), request.base)
        known = self._cache.get(key) if request.method in ("GET", "HEAD") else None
        if known is not None:
            return known
        kind, permission, told = self._tell(request)
        plain = told.value if isinstance(told.value, bytes) else orjson.dumps(told.value)
        body = plain.replace(API.encode(), request.base.encode()) if request.base != API else plain
        headers = {name: value.replace(API, request.base) for name, value in told.headers.items()}
        headers = {"Content-Type": told.content_type, "X-Accepted-GitHub-Permissions": permission, **headers}
        if told.status == 302:
            headers.update(told.headers)
        if self.check is not None:
            self.check(request, Reply(told.status, headers, body, kind=kind))
        digest = sha256(body + key[1].encode()).hexdigest() if told.status == 200 else ""
        packer = zlib.compressobj(1, wbits=31)
        packed = packer.compress(body) + packer.flush() if body else b""
        prepared = Prepared(kind, told.status, headers, body, packed, digest, told.kept)
        if told.kept and request.method in ("GET", "HEAD"):
            self._cache[key] = prepared
        return prepared

    def _tell(self, request: Request) -> tuple[str, str, Told]:
        """Kind, permission needed, and the answer."""
        path = request.path
        if path == "/graphql" and request.method == "POST":
            return "graphql", "", Told(answer_query(self.world, request.body), kept=False)
        if path.startswith("/app/installations/") and request.method == "POST":
            return "app-token", "", self._make_token(path)
        if request.method not in ("GET", "HEAD"):
            raise Refused(404, "Not Found")
        if path == "/rate_limit":
            return "rate-limit", "", self._tell_limits(request)
        if path in ("", "/"):
            return "root", "", Told({"current_user_url": f"{API}/user", "rate_limit_url": f"{API}/rate_limit"})
        if path == "/user":
            return "user", "", Told({"login": "mira-holt", "id": 70010411, "type": "User"})
        if path == "/meta":
            return "meta", "", Told({"verifiable_password_authentication": False, "domains": {}})
        entry, tail = self._locate(request)
        found = find_route(tail)
        if found is None or (not self.limited and "concurrency_groups" in tail):
            raise Refused(404, "Not Found")
        route, match = found
        parts = {name: decode(value) for name, value in match.groupdict().items()}

        def blob(name: str, content_type: str, content: bytes) -> str:
            return self.blob(name, content_type, content, request)

        return route.kind, route.permission, route.handle(Ask(self.world, entry, request, parts, tail, blob))

    def _locate(self, request: Request) -> tuple[Repository, str]:
        """The repository and what of the path is below it; 301 when its name is an old one."""
        parts = request.path.split("/", 4)
        if parts[1] == "repositories" and len(parts) > 2:
            tail = request.path.removeprefix(f"/repositories/{parts[2]}")
            for entry in self.world.repositories:
                if parts[2] == str(entry.repository_id):
                    return entry, tail
        elif parts[1] == "repos" and len(parts) > 3:
            name = f"{decode(parts[2])}/{decode(parts[3])}"
            entry_or_none = self.world.find(name)
            tail = f"/{parts[4]}" if len(parts) > 4 else ""
            if entry_or_none is not None:
                return entry_or_none, tail
            if self.world.moved.get(name.lower()) in {entry.repository_id for entry in self.world.repositories}:
                query = request.target.partition("?")
                there = f"{API}/repositories/{self.world.moved[name.lower()]}{tail}{query[1]}{query[2]}"
                raise Refused(301, "Moved Permanently", url=there)
        raise Refused(404, "Not Found")

    def _make_token(self, path: str) -> Told:
        app = self.world.app
        if app is None or path != f"/app/installations/{app.installation_id}/access_tokens":
            raise Refused(404, "Not Found")
        name = f"ghs_standin{len(self.world.tokens):04d}"
        ends = self.world.clock() + _HOUR
        self.world.tokens[name] = Token(ends)
        until = datetime.fromtimestamp(ends, UTC).replace(tzinfo=None)
        granted = {"actions": "read", "metadata": "read"}
        told = {"token": name, "expires_at": stamp(until), "permissions": granted, "repository_selection": "all"}
        return Told(told, 201, kept=False)

    def _tell_limits(self, request: Request) -> Told:
        if not self.limited:
            raise Refused(404, "Rate limiting is not enabled.")
        token = self.world.tokens[request.headers["authorization"].partition(" ")[2].strip()]
        core = self._count(token)
        quiet = {"limit": 5000, "used": 0, "remaining": 5000, "reset": core["reset"]}
        search = {**quiet, "limit": 30, "remaining": 30}
        return Told({"resources": {"core": core, "search": search, "graphql": quiet}, "rate": core}, kept=False)

    # -- how it is said

    def _reply(self, request: Request, prepared: Prepared, token: Token | None) -> Reply:
        etag = prepared.etag(request.headers.get("authorization", ""))
        unchanged = bool(etag) and request.headers.get("if-none-match") == etag
        if token is not None and not unchanged and request.path not in _UNLIMITED:
            token.used += 1
        headers = {"Date": self.date(), **prepared.headers}
        if etag:
            headers["ETag"] = etag
        headers |= self._headers(request, token)
        if unchanged:
            del headers["Content-Type"]
            return Reply(304, headers, kind=prepared.kind)
        if prepared.body and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Reply(prepared.status, headers, prepared.packed, framing="chunked", kind=prepared.kind)
        return Reply(prepared.status, headers, prepared.body, kind=prepared.kind)

    def _refuse(self, request: Request, refusal: Refused) -> Reply:
        value: dict[str, Any] = dict(refusal.value)
        token = value.pop("limit", None)
        if token is None:
            credential = request.headers.get("authorization", "").partition(" ")[2].strip()
            token = None if refusal.status == 401 else self.world.tokens.get(credential)
            if token is not None:
                token.used += 1
        headers = {"Date": self.date(), "Content-Type": _JSON, **self._headers(request, token)}
        if refusal.status == 301:
            value["url"] = value["url"].replace(API, request.base)
            value["documentation_url"] = f"{DOCS}/guides/best-practices-for-using-the-rest-api#follow-redirects"
            headers["Location"] = value["url"]
        reply = Reply(refusal.status, headers, orjson.dumps(value), kind=kind_of(request.path))
        if self.check is not None:
            self.check(request, reply)
        return reply

    def _headers(self, request: Request, token: Token | None) -> dict[str, str]:
        told = {
            "X-GitHub-Media-Type": "github.v3; format=json",
            "x-github-api-version-selected": request.headers.get("x-github-api-version", "2022-11-28"),
            "X-GitHub-Request-Id": f"{request.connection:04X}:57D1:{request.number:06X}:41C7A39:62D63575",
            **FIXED,
        }
        if token is not None and self.limited:
            told |= {f"X-RateLimit-{name.title()}": str(value) for name, value in self._count(token).items()}
            told["X-RateLimit-Resource"] = "core"
        return told

    def _count(self, token: Token) -> dict[str, int]:
        left = max(0, self.world.limit - token.used)
        resets = int(token.resets_at or self.world.clock() + _HOUR)
        return {"limit": self.world.limit, "used": token.used, "remaining": left, "reset": resets}

    def date(self) -> str:
        """``Date`` by the world's clock."""
        return formatdate(int(self.world.clock()), usegmt=True)


def later(clock: float, seconds: float) -> str:
    """An HTTP date so many seconds after a moment."""
    return formatdate(int(clock + seconds), usegmt=True)


def sas_time(clock: float, seconds: float) -> str:
    """A moment as a signed address writes it."""
    return stamp(datetime.fromtimestamp(clock, UTC).replace(tzinfo=None) + timedelta(seconds=seconds))
