"""Where an answer points: the next page, a repository's new place, a download; pure functions of addresses.

The server's word is not taken for it: an address of the API is brought below our own base (real ``Link`` headers name
``https://api.github.com/repositories/<id>/…``, also behind another name), and a download may not lead inside.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit

from forensics.ingest.github.answer import Server

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)')
_NEXT = re.compile(r'(?i);\s*rel\s*=\s*"?(?:[^";]*\s)?next(?:\s[^";]*)?"?\s*(?:;|$)')
_INSIDE = (".localhost", ".local", ".localdomain", ".internal", ".lan", ".intranet", ".corp", ".home.arpa")
DEFAULT_PER_PAGE = 30
"""Of GitHub's lists."""


class Foreign(Exception):
    """An address that is not one of our server's API; the text is its host."""


def with_query(path: str, params: Mapping[str, str | int]) -> str:
    """Path and query: ``/repos/o/r/actions/runs?per_page=100``. ``path`` may have a query of its own already."""
    if not path.startswith("/"):
        raise ValueError(f"a path below the base begins with a slash: {path!r}")
    if not params:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode({key: str(value) for key, value in params.items()})}"


def next_link(header: str) -> str | None:
    """The address that a ``Link`` header names as ``rel="next"``, or None."""
    for match in _LINK.finditer(header):
        if _NEXT.search(match[2]):
            return match[1]
    return None


def rebase(url: str, path: str, server: Server) -> str:
    """Path and query below our base of an address that the server named; relative ones count from ``path``.

    Raises :class:`Foreign` for an address that is neither our server's API nor api.github.com, whose name servers in
    its place use too.
    """
    base = urlsplit(server.api_url)
    try:
        parts = urlsplit(urljoin(f"{server.api_url}{path}", url))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Foreign("an address that is none") from None
    if parts.scheme not in ("http", "https"):
        raise Foreign(f"{parts.scheme}:{'//' + host if host else ''}")
    if (host, _port(parts.scheme, port)) == (base.hostname, _port(base.scheme, base.port)):
        below = _below(parts.path, base.path)
        if below is not None:
            return _join(below, parts)
    names = {server.host.split(":")[0].lower(), f"api.{server.host.lower()}", "api.github.com"}
    if host in names:
        below = _below(parts.path, "/api/v3")
        return _join(parts.path if below is None else below, parts)
    raise Foreign(host or "an address that is none")


def is_api(url: str, server: Server) -> bool:
    """Whether a redirect stays on the API, origin and base path being ours."""
    base = urlsplit(server.api_url)
    try:
        parts = urlsplit(url)
        origin = parts.scheme, parts.hostname, _port(parts.scheme, parts.port)
    except ValueError:
        return False
    same = origin == (base.scheme, base.hostname, _port(base.scheme, base.port))
    return same and _below(parts.path, base.path) is not None


def refuse_download(url: str, server: Server) -> str | None:
    """Why a download link of this server is not to be followed (row 25), as the end of a sentence, or None.

    It must be http or https, and https where the API is; it may not carry a name and password; and from a server on
    the open network it may not lead to an address inside: loopback, private, link-local. A name is judged by its form
    alone, for behind a proxy names are resolved elsewhere.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "to something that is no address"
    if parts.scheme not in ("http", "https") or not host:
        return f"to {parts.scheme or 'no scheme'}:{'//' + host if host else ''}, which is not on the web"
    if parts.scheme == "http" and server.api_url.startswith("https:"):
        return f"to {host} without encryption (http)"
    if parts.username is not None or parts.password is not None:
        return f"to {host} with a name and password in the address"
    if is_inside(host) and not is_inside(urlsplit(server.api_url).hostname or ""):
        return f"to {host}, an address of the inner network"
    return None


def is_inside(host: str) -> bool:
    """Whether a host name or address belongs to this machine or an inner network, judged by its form."""
    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        # `127.1`, `0x7f000001`, `2130706433`: forms that a resolver takes for addresses
        odd = re.fullmatch(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+)){0,3}", host) is not None
        return odd or "." not in host or host.endswith(_INSIDE)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return not address.is_global or address.is_multicast


def page_after(address: str) -> str:
    """The same list, one page on: ``page=`` raised by one (row 32)."""
    path, _, query = address.partition("?")
    params = dict(parse_qsl(query, keep_blank_values=True))
    page = params.get("page", "1")
    params["page"] = str(int(page) + 1 if page.isascii() and page.isdigit() and len(page) < 10 else 2)
    return f"{path}?{urlencode(params)}"


def per_page(address: str) -> int:
    """How many items a full page of this list has."""
    value = dict(parse_qsl(address.partition("?")[2])).get("per_page", "")
    return int(value) if value.isascii() and value.isdigit() and 0 < len(value) < 6 else DEFAULT_PER_PAGE


def moved_prefix(asked: str, given: str) -> tuple[str, str] | None:
    """Where a repository was and is, as path prefixes, when a permanent redirect changed nothing else.

    ``/repos/o/r/actions/runs`` and ``/repositories/7/actions/runs`` give (``/repos/o/r``, ``/repositories/7``).
    """
    old, new = repository_prefix(asked), repository_prefix(given)
    if not old or not new or old == new:
        return None
    rest_old, rest_new = (
        path.partition("?")[0].removeprefix(prefix) for path, prefix in ((asked, old), (given, new))
    )
    return (old, new) if rest_old == rest_new else None


def repository_of(document: Any) -> str | None:
    """The full name of the repository that a document of the API describes or belongs to."""
    if not isinstance(document, dict):
        return None
    for part in (document, document.get("repository"), *_first(document.get("workflow_runs"))):
        if isinstance(part, dict):
            inner = part.get("repository")
            for holder in (inner, part):
                name = holder.get("full_name") if isinstance(holder, dict) else None
                if isinstance(name, str) and re.fullmatch(r"(?a:[\w-]+/(?!\.\.?$)[\w.-]+)", name):
                    return name
    return None


def repository_prefix(path: str) -> str | None:
    """``/repos/o/r`` or ``/repositories/7`` at the beginning of a path, or None."""
    match = re.match(r"/repos/[^/?]+/[^/?]+|/repositories/\d+", path)
    return match[0] if match else None


def _first(items: Any) -> list[Any]:
    return items[:1] if isinstance(items, list) else []


def _below(path: str, base: str) -> str | None:
    base = base.rstrip("/")
    rest = path.removeprefix(base)
    return rest if path.startswith(base) and rest.startswith("/") else None


def _join(path: str, parts: SplitResult) -> str:
    return f"{path}?{parts.query}" if parts.query else path


def _port(scheme: str, port: int | None) -> int:
    return port if port is not None else (443 if scheme == "https" else 80)
