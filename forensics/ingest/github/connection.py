"""The way to the server: proxies and certificates from the environment, and what it means when it fails.

Rows 19, 46 and 47 of the fault matrix. Nothing is read from the process's environment but what the caller hands over,
and nothing from ``.netrc``; no cookie is kept. Certificates are always checked.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx2

from forensics import __version__
from forensics.errors import Unreachable
from forensics.ingest.github.redact import redact
from forensics.ingest.github.verdict import Fatal, Retry

USER_AGENT = f"forensics/{__version__}"
CONNECT_DEADLINE = 20.0
"""Seconds to get a connection."""
_OWN_CA = "If a proxy or an Enterprise Server has a certificate authority of its own, name its file in SSL_CERT_FILE."


def trust(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Whose certificates count.

    The first that is set of SSL_CERT_FILE, SSL_CERT_DIR and REQUESTS_CA_BUNDLE, else those of the system. Raises
    :class:`Unreachable` when what is named there cannot be read.
    """
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"):
        place = environment.get(name)
        if place:
            break
    else:
        return httpx2.create_ssl_context(trust_env=False)
    try:
        if name == "SSL_CERT_DIR":
            return ssl.create_default_context(capath=place)
        return ssl.create_default_context(cafile=place)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or "no certificates in it"
    raise Unreachable(
        f"The certificates that {name} names cannot be read: {place} ({reason}).",
        hint=f"Let {name} name a file of certificates in PEM form, or unset it.",
    )


def open_client(
    environment: Mapping[str, str], context: ssl.SSLContext, concurrency: int, deadline: float, *, authorised: bool
) -> httpx2.AsyncClient:
    """An HTTP/1.1 client that keeps ``concurrency`` connections.

    One that is not ``authorised`` never says who asks, whatever it is told to send.
    """
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=concurrency, keepalive_expiry=30)
    jar = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))  # accepts none, returns none
    return httpx2.AsyncClient(
        verify=context,
        mounts=_mounts(environment, context, limits),
        limits=limits,
        timeout=httpx2.Timeout(deadline, connect=min(CONNECT_DEADLINE, deadline), pool=None),
        headers={"User-Agent": USER_AGENT},
        cookies=jar,
        trust_env=False,
        follow_redirects=False,
        event_hooks={} if authorised else {"request": [_say_nothing]},
    )


def proxy_of(client: httpx2.AsyncClient, url: str, environment: Mapping[str, str]) -> str | None:
    """The proxy, without a password, through which ``client`` asks for ``url``; None when it goes there itself."""
    chosen = _proxies(environment).get(urlsplit(url).scheme)
    # The client itself knows best which of its mounts is taken: NO_PROXY has many forms.
    transport = client._transport_for_url(httpx2.URL(url))
    if chosen is None or transport is client._transport:
        return None
    parts = urlsplit(chosen)
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname


def explain(error: Exception, *, host: str, proxy: str | None, first: bool, deadline: float) -> Retry | Fatal:
    """What the lack of an answer means. ``first``: this server never has answered yet.

    What cannot get better by itself is fatal: a certificate, a proxy that refuses, and, at the very start, a name or
    address that leads nowhere. The rest is asked for again.
    """
    causes = list(_causes(error))
    through = f" through the proxy {proxy}" if proxy else ""
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            flaw = str(getattr(cause, "verify_message", "") or "it is not valid").rstrip(".")
            message = f"The certificate of {host} was not accepted{through}: {flaw}."
            return Fatal(Unreachable(message, hint=_OWN_CA))
    if isinstance(error, TimeoutError):
        return Retry(f"{host} did not send a whole answer within {deadline:g} seconds.")
    reason = _reason(error, causes)
    if isinstance(error, httpx2.ProxyError):
        return _explain_proxy(reason, host, proxy or "", first=first)
    if isinstance(error, (httpx2.UnsupportedProtocol, httpx2.InvalidURL)):
        return Fatal(Unreachable(f"{host} cannot be asked: {reason}.", hint="Check the address of the API."))
    if first and any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Fatal(Unreachable(f"No secure connection to {host} came about{through}: {reason}.", hint=_OWN_CA))
    if first and isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout)):
        return Fatal(_no_connection(causes, reason, host, proxy))
    return Retry(f"The connection to {host} failed{through}: {reason}.")


class Stream:
    """The bytes of an answer as they come; closed at the end, by :meth:`aclose`, or with its client.

    Its errors are httpx2's, without the request, whose headers hold the token.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._chunks = response.aiter_bytes()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            await self.aclose()
            raise
        except httpx2.RequestError as error:
            bare = type(error)(redact(str(error)))
        await self.aclose()
        raise bare

    @property
    def closed(self) -> bool:
        """Whether the connection has been let go."""
        return self._response.is_closed

    async def aclose(self) -> None:
        """Let the connection go; what was not read is lost."""
        await self._chunks.aclose()
        await self._response.aclose()


async def _say_nothing(request: httpx2.Request) -> None:
    """Row 28: no address, cookie or redirect can make the client for downloads say who asks."""
    for name in ("Authorization", "Cookie"):
        request.headers.pop(name, None)


def _mounts(
    environment: Mapping[str, str], context: ssl.SSLContext, limits: httpx2.Limits
) -> dict[str, httpx2.AsyncBaseTransport | None]:
    """Which transport serves which addresses; None is the one without a proxy."""
    mounts: dict[str, httpx2.AsyncBaseTransport | None] = {}
    proxies = _proxies(environment)
    for scheme, proxy in proxies.items():
        flaw = ""
        try:
            if not urlsplit(proxy).hostname or urlsplit(proxy).port == 0:
                raise ValueError
            mounts[f"{scheme}://"] = httpx2.AsyncHTTPTransport(
                verify=context, limits=limits, proxy=httpx2.Proxy(proxy, ssl_context=_for_proxy(proxy, context))
            )
        except (ValueError, httpx2.InvalidURL):
            flaw = "it is no address of a proxy"
        except ImportError:
            flaw = "SOCKS proxies are not supported"
        if flaw:
            name = f"{scheme.upper()}_PROXY"
            raise Unreachable(
                f"The proxy that {name} names cannot be used: {flaw} ({redact(proxy)}).",
                hint=f"Give {name} the form http://proxy.example:3128, or unset it.",
            )
    if proxies:
        mounts.update(dict.fromkeys(_exceptions(_variable(environment, "no_proxy"))))
    return mounts


def _for_proxy(proxy: str, context: ssl.SSLContext) -> ssl.SSLContext | None:
    return context if proxy.startswith("https:") else None


def _proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The proxy of each scheme; ALL_PROXY serves both, and NO_PROXY=* none, as curl does it."""
    if "*" in re.split(r"[\s,]+", _variable(environment, "no_proxy")):
        return {}
    found = {}
    for scheme in ("http", "https"):
        proxy = _variable(environment, f"{scheme}_proxy") or _variable(environment, "all_proxy")
        if proxy:
            found[scheme] = proxy if "://" in proxy else f"http://{proxy}"
    return found


def _exceptions(no_proxy: str) -> Iterator[str]:
    """The entries of NO_PROXY as httpx2's patterns: names with what is below them, addresses, networks."""
    for entry in filter(None, re.split(r"[\s,]+", no_proxy)):
        bare = entry.strip("[]")
        try:
            network = ipaddress.ip_network(bare, strict=False)
        except ValueError:
            name = entry.removeprefix("*").removeprefix(".")
            if re.fullmatch(r"[A-Za-z0-9_.-]+(:\d{1,5})?", name):
                yield f"all://*{name}"
            continue
        host = f"[{bare.partition('/')[0]}]" if network.version == 6 else bare.partition("/")[0]
        yield f"all://{host}/{network.prefixlen}" if "/" in bare else f"all://{host}"


def _variable(environment: Mapping[str, str], name: str) -> str:
    return (environment.get(name) or environment.get(name.upper()) or "").strip()


def _explain_proxy(reason: str, host: str, proxy: str, *, first: bool) -> Retry | Fatal:
    if reason.startswith("5") and not first:
        return Retry(f"The proxy {proxy} did not connect to {host}: {reason}.")
    message = f"The proxy {proxy} does not connect to {host}: {reason}."
    hint = "Check HTTPS_PROXY, or except the host by NO_PROXY."
    if reason.startswith("407"):
        hint = "Put user and password into HTTPS_PROXY, as in http://user:password@proxy.example:3128."
    return Fatal(Unreachable(message, hint=hint))


def _no_connection(causes: list[BaseException], reason: str, host: str, proxy: str | None) -> Unreachable:
    whom = f"the proxy {proxy}" if proxy else host
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        message, hint = f"The name of {whom} cannot be resolved.", "Check the spelling and the network connection."
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        message, hint = f"{whom} refuses the connection.", "Check the address, and that the server is running."
    else:
        message, hint = f"No connection to {whom} came about: {reason}.", "Check the network connection."
    if proxy:
        hint = "Check HTTPS_PROXY, or except the host by NO_PROXY."
    return Unreachable(message[0].upper() + message[1:] if proxy else message, hint=hint)


def _reason(error: Exception, causes: list[BaseException]) -> str:
    """The innermost words there are, in one line without secrets."""
    for cause in (error, *causes):
        if isinstance(cause, OSError) and cause.strerror:
            return redact(cause.strerror)
    text = " ".join(str(error).split()) or type(error).__name__
    return redact(text).rstrip(".")[:300]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, groups opened."""
    pending, seen = [error], set()
    while pending:
        one = pending.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        pending.extend(cause for cause in (one.__cause__, one.__context__) if cause is not None)
        if isinstance(one, BaseExceptionGroup):
            pending.extend(one.exceptions)
