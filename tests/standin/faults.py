"""What can go wrong on the way to GitHub, each as one small constructor; numbers are rows of the fault matrix.

``faults.unicorn(502).on("jobs", nth=2, times=3)`` strikes the second, third and fourth request for jobs. Without
``on`` a fault strikes the next request of the API. Once used up a fault is gone, and the server in good health.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from tests.standin import archives
from tests.standin.api import later
from tests.standin.ask import DOCS
from tests.standin.fault import Fault, altering, plain_body, say, without
from tests.standin.wire import Reply, Request
from tests.standin.world import World

_JSON = "application/json; charset=utf-8"
_LIMITS = f"{DOCS}/using-the-rest-api/rate-limits-for-the-rest-api"
_UNICORN = (
    b"<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head>"
    b"<body>No server is available.</body></html>\n"
)


def refuse(status: int, message: str, *, headers: dict[str, str] | None = None, **more: Any) -> Fault:
    """Any error in GitHub's JSON."""
    value = {"message": message, "documentation_url": DOCS, "status": str(status)} | more

    def change(reply: Reply, request: Request, world: World) -> Reply:
        return say(reply, status, orjson.dumps(value), _JSON, headers)

    return Fault(f"{status} {message}", change)


def bad_credentials() -> Fault:
    """Rows 1, 2: 401."""
    return refuse(401, "Bad credentials")


def sso_required(url: str = "https://github.com/orgs/acme/sso?authorization_request=AB12") -> Fault:
    """Row 3: the token is not authorised for the organisation's single sign-on."""
    message = (
        "Resource protected by organization SAML enforcement. You must grant your token access to this organization."
    )
    return refuse(403, message, headers={"X-GitHub-SSO": f"required; url={url}"})


def sso_partial(organizations: str = "21955855,20582480") -> Fault:
    """Row 3: an answer that leaves out what SSO does not let through."""
    return with_headers(**{"X-GitHub-SSO": f"partial-results; organizations={organizations}"})


def not_accessible(permission: str = "deployments=read") -> Fault:
    """Row 4: the token lacks a permission."""
    headers = {"X-Accepted-GitHub-Permissions": permission}
    return refuse(403, "Resource not accessible by personal access token", headers=headers)


def not_found() -> Fault:
    """Rows 5, 6, 7, 55: 404."""
    return refuse(404, "Not Found")


def gone(message: str = "Server Error") -> Fault:
    """Rows 7, 8: 410; for logs with a message that lies."""
    return refuse(410, message)


def unprocessable(field: str = "created") -> Fault:
    """Row 9: 422."""
    errors = [{"resource": "WorkflowRun", "field": field, "code": "invalid"}]
    return refuse(422, "Validation Failed", errors=errors)


def blocked() -> Fault:
    """Row 10: 451."""
    block = {"reason": "dmca", "created_at": "2026-10-01T12:00:00Z", "html_url": "https://github.com/github/dmca"}
    return refuse(451, "Repository access blocked", block=block)


def version_refused() -> Fault:
    """Row 48: an old Enterprise Server does not know the API version; strikes only requests that name one."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        if "x-github-api-version" not in request.headers:
            return reply
        value = {"message": "The API version is not supported.", "documentation_url": DOCS, "status": "400"}
        return say(reply, 400, orjson.dumps(value), _JSON)

    return Fault("400 on the version header", change)


def unicorn(status: int = 502, *, headers: dict[str, str] | None = None) -> Fault:
    """Row 17: 500, 502, 503, 504 with GitHub's HTML page."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        return say(reply, status, _UNICORN, "text/html; charset=utf-8", headers)

    return Fault(f"{status} unicorn", change)


def primary_limit(status: int = 403, *, reset: float = 30) -> Fault:
    """Row 13: the hour's requests are used up until so many seconds from now, by the server's clock."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        value = {
            "message": "API rate limit exceeded for user ID 70010411. If you reach out to GitHub Support for help, "
            "please include the request ID 1A2B:3C4D:5E6F and timestamp.",
            "documentation_url": _LIMITS,
            "status": str(status),
        }
        told = {"Limit": "5000", "Used": "5001", "Remaining": "0", "Reset": str(int(world.clock() + reset))}
        headers = {f"X-RateLimit-{name}": text for name, text in told.items()}
        return say(reply, status, orjson.dumps(value), _JSON, headers | {"X-RateLimit-Resource": "core"})

    return Fault(f"primary limit {status}", change)


def secondary_limit(
    status: int = 403, *, retry_after: int | None = None, http_date: bool = False, remaining: int | None = None
) -> Fault:
    """Rows 12, 14: too much at once; ``Retry-After`` in seconds, as a date, or not at all.

    ``remaining=0`` with a reset is the third variant that GitHub documents.
    """

    def change(reply: Reply, request: Request, world: World) -> Reply:
        value = {
            "documentation_url": f"{_LIMITS}#about-secondary-rate-limits",
            "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If "
            "you reach out to GitHub Support for help, please include the request ID 1A2B:3C4D:5E6F.",
        }
        headers = {}
        if retry_after is not None:
            headers["Retry-After"] = later(world.clock(), retry_after) if http_date else str(retry_after)
        if remaining is not None:
            headers["X-RateLimit-Remaining"] = str(remaining)
            headers["X-RateLimit-Reset"] = str(int(world.clock() + 45))
        return say(reply, status, orjson.dumps(value), _JSON, headers)

    return Fault(f"secondary limit {status}", change)


def nearly_used_up(remaining: int = 3, *, reset: float = 30) -> Fault:
    """Row 15: a good answer that says that little is left."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        reply.headers["X-RateLimit-Remaining"] = str(remaining)
        reply.headers["X-RateLimit-Reset"] = str(int(world.clock() + reset))
        return reply

    return Fault("nearly used up", change)


def without_limits() -> Fault:
    """Row 16: no X-RateLimit headers at all."""
    return altering("no rate headers", lambda reply: without(reply, "x-ratelimit-"))


def other_resource(name: str = "search", remaining: int = 0) -> Fault:
    """Row 16: the headers speak of another resource's limit."""
    return with_headers(**{"X-RateLimit-Resource": name, "X-RateLimit-Remaining": str(remaining)})


def html_instead() -> Fault:
    """Row 18: 200 with a page."""
    return said(200, _UNICORN, "text/html; charset=utf-8")


def empty_body() -> Fault:
    """Row 18: 200 with nothing."""
    return said(200, b"", _JSON)


def cut_json(after: int = 40) -> Fault:
    """Row 18: 200 with the beginning of the document, well framed."""
    return Fault("cut JSON", lambda reply, request, world: say(reply, 200, plain_body(reply)[:after], _JSON))


def said(status: int, body: bytes, content_type: str, *, headers: dict[str, str] | None = None) -> Fault:
    """Any answer."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        return say(reply, status, body, content_type, headers)

    return Fault(f"{status} {content_type.partition(';')[0]}", change)


def with_json(alter: Callable[[Any], Any], name: str = "altered JSON") -> Fault:
    """Rows 37-40: the healthy document, altered: ``with_json(lambda value: value | {"total_count": 7})``."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        value = alter(orjson.loads(plain_body(reply)))
        return say(reply, reply.status, orjson.dumps(value), _JSON)

    return Fault(name, change)


def with_headers(**headers: str | None) -> Fault:
    """The healthy answer with other headers; None takes one away. Names as keywords or ``**{"X-Name": …}``."""

    def alter(reply: Reply) -> Reply:
        for name, value in headers.items():
            reply = without(reply, name.lower())
            if value is not None:
                reply.headers[name] = value
        return reply

    return altering(f"headers {', '.join(headers)}", alter)


def unchanged_always() -> Fault:
    """Row 43: 304 to whatever is asked, conditional or not."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        reply.headers.pop("Content-Encoding", None)
        return replace(reply, status=304, body=b"", framing="length")

    return Fault("304 always", change)


def skewed(seconds: float) -> Fault:
    """Row 33: ``Date`` is off by so much."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        reply.headers["Date"] = later(world.clock(), seconds)
        return reply

    return Fault(f"clock {seconds:+} s", change)


def link_missing() -> Fault:
    """Row 32: a full page without Link."""
    return with_headers(Link=None)


def link_repeats() -> Fault:
    """Row 32: rel=next leads to the same page."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        reply.headers["Link"] = f'<{request.base}{request.target}>; rel="next"'
        return reply

    return Fault("Link repeats", change)


def link_elsewhere(host: str = "api.github.example") -> Fault:
    """Row 32: rel=next leads to another host."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        reply.headers["Link"] = f'<https://{host}{request.path}?page=2>; rel="next"'
        return reply

    return Fault("Link elsewhere", change)


def redirect(location: str | None, status: int = 302) -> Fault:
    """Rows 11, 25, 26: to ``http://…``, ``file:///…``, a private address, another host; None: without Location."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        headers = {} if location is None else {"Location": location}
        return say(reply, status, b"", "text/html;charset=utf-8", headers)

    return Fault(f"{status} to {location}", change)


def redirect_loop(status: int = 302) -> Fault:
    """Row 25: to where it came from; give it ``times=None``."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        here = f"{request.base}{request.target}"
        return say(reply, status, b"", "text/html;charset=utf-8", {"Location": here})

    return Fault("redirect loop", change)


def straight_away(content: bytes | None = None, content_type: str = "application/zip") -> Fault:
    """Row 26: 200 with the archive itself instead of a redirect (Enterprise Server, proxies)."""
    body = archives.good() if content is None else content
    return said(200, body, content_type)


def dropped(*, after_headers: bool = False) -> Fault:
    """Rows 19, 20: the connection is reset before the answer, or right after its headers."""
    when: Any = "after headers" if after_headers else "before"
    return altering(f"dropped {when}", lambda reply: replace(reply, drop=when))


def cut_off(after: int, *, by: str = "end", framing: str | None = None) -> Fault:
    """Rows 20, 21: the body ends after so many bytes, by a reset or an orderly end.

    Args:
        framing: ``length`` (a Content-Length that is not reached), ``chunked``, or ``close`` (nothing tells that
            bytes are missing); as the healthy answer has it by default.
    """

    def alter(reply: Reply) -> Reply:
        told: Any = framing or reply.framing
        how: Any = by
        return replace(reply, cut_after=after, cut_by=how, framing=told)

    return altering(f"cut off after {after}", alter)


def dripping(size: int = 1, seconds: float = 0.05) -> Fault:
    """Row 45: so many bytes at a time."""
    return altering("dripping", lambda reply: replace(reply, drip=(size, seconds)))


def stalled(after: int | None = None) -> Fault:
    """Row 45: after so many bytes of the body nothing more comes; None: not even headers."""
    if after is None:
        return altering("stalled", lambda reply: replace(reply, pause=3600.0))
    return altering(f"stalled after {after}", lambda reply: replace(reply, stall_after=after))


def slow(seconds: float) -> Fault:
    """The answer begins so late."""
    return altering(f"slow by {seconds}", lambda reply: replace(reply, pause=seconds))


def address_expired() -> Fault:
    """Row 27: the signed address is past its minute: 403 in XML from the blob origin."""
    text = (
        "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly."
    )
    error = f"<Error><Code>AuthenticationFailed</Code><Message>{text}</Message></Error>"
    xml = f'\ufeff<?xml version="1.0" encoding="utf-8"?>{error}'
    return replace(said(403, xml.encode(), "application/xml"), origin="blob", name="address expired")


def download(content: bytes, content_type: str = "application/zip", name: str = "other download") -> Fault:
    """Rows 21-24, 41, 42, 57: these bytes instead of the archive or log (see :mod:`tests.standin.archives`)."""
    return replace(said(200, content, content_type), origin="blob", name=name)


def bad_crc() -> Fault:
    """Row 22: one member of the real archive does not match its checksum."""
    return _download_altered("bad CRC", archives.spoil_member)


def truncated(keep: float = 0.6) -> Fault:
    """Row 21: the end of the real archive is missing though the length says that all is there."""
    return _download_altered("truncated", lambda content: content[: int(len(content) * keep)])


def garbage() -> Fault:
    """Row 22: 200 with no archive at all."""
    return download(b"\x00\x01not a zip\xff" * 50, name="garbage")


def bomb() -> Fault:
    """Row 23: a kilobyte that unpacks to a hundred megabytes and more."""
    return download(archives.bomb(), name="zip bomb")


def streamed(pieces: Callable[[], Any], content_type: str = "application/zip") -> Fault:
    """Row 41: a body larger than memory; ``pieces`` gives its blocks anew each time."""

    def change(reply: Reply, request: Request, world: World) -> Reply:
        reply.headers["Content-Type"] = content_type
        return replace(reply, status=200, body=b"", stream=pieces, framing="chunked")

    return Fault("streamed", change, origin="blob")


def _download_altered(name: str, alter: Callable[[bytes], bytes]) -> Fault:
    return replace(
        altering(name, lambda reply: without(replace(reply, body=alter(reply.body)), "content-md5")), origin="blob"
    )
