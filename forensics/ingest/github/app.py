"""Asking as a GitHub App: a signed statement who we are, the installation on the account, a token for an hour.

Source of the rules: GitHub's pages on JSON web tokens for Apps (RS256; ``iat`` 60 seconds in the past against clock
drift; ``exp`` at most 10 minutes ahead; ``iss`` the client id or the App id) and on installation access tokens, which
live an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import orjson

from forensics.errors import AccessRefused, ServerFailing, UsageProblem
from forensics.ingest.github import links
from forensics.ingest.github.answer import API_VERSION, JSON, Policy, Server
from forensics.ingest.github.connection import explain, open_client, proxy_of, trust
from forensics.ingest.github.credential import fingerprint
from forensics.ingest.github.verdict import Fatal, server_time

ID, KEY, INSTALLATION = "FORENSICS_APP_ID", "FORENSICS_APP_PRIVATE_KEY", "FORENSICS_APP_INSTALLATION"
RENEWED_BEFORE = 60.0
"""Seconds before its end at which a token is replaced."""
YOUNG = 30.0
"""Seconds within which a token is not replaced again: several requests may be refused with the same old one."""
STATEMENT_SECONDS = 540
DRIFT = 60
SKEW_WORTH_TRYING = 30.0


@dataclass(frozen=True)
class AppKey:
    """Which App we are, and the proof."""

    app_id: str
    private_key: str = field(repr=False)
    """PEM."""
    installation: str | None = None
    """Its id on the account, where known; else it is asked for."""


def from_environment(
    server: Server, repositories: Sequence[str], environment: Mapping[str, str], policy: Policy
) -> AppCredential:
    """The App that the environment describes.

    ``FORENSICS_APP_PRIVATE_KEY`` is the PEM itself (line breaks may be written ``\\n``) or the path of a file.
    Raises UsageProblem where a part is missing or repositories of two accounts are asked for, AccessRefused where the
    key is none or PyJWT is not installed.
    """
    owners = sorted({name.partition("/")[0].lower() for name in repositories})
    if len(owners) > 1:
        raise UsageProblem(
            f"A GitHub App asks for one account at a time, and these belong to {' and '.join(owners)}.",
            hint="Ingest them one after the other; they may share a case.",
        )
    written = environment.get(KEY, "").strip()
    if not written:
        raise UsageProblem(f"{ID} is set, but {KEY} is not.", hint=f"Set {KEY} to the App's private key or its path.")
    installation = environment.get(INSTALLATION, "").strip() or None
    if installation and not (installation.isascii() and installation.isdigit()):
        raise UsageProblem(
            f"{INSTALLATION} is no number.", hint="It is the number at the end of the installation's URL."
        )
    key = AppKey(environment[ID].strip(), _read_key(written), installation)
    sign(key, 0)  # so that a key that is none is told before anything else is done
    return AppCredential(server, key, repositories[0], policy, environment)


def _read_key(written: str) -> str:
    text = written.replace("\\n", "\n")
    if "-----BEGIN" in text:
        return text
    hint = f"Set {KEY} to the text of the .pem file that GitHub gave you, or to its path."
    try:
        content = Path(written).expanduser().read_text("ascii")
    except (OSError, ValueError):
        # What was written is not shown: it may be a key that lost its first line.
        raise AccessRefused(f"{KEY} is neither a private key nor the path of a readable file.", hint=hint) from None
    if "-----BEGIN" not in content:
        raise AccessRefused(f"The file that {KEY} names holds no private key.", hint=hint)
    return content


def sign(key: AppKey, now: float) -> str:
    """The statement (a JSON web token) with which the App asks, ``now`` in seconds since the epoch by the server."""
    try:
        import jwt
    except ImportError:
        raise AccessRefused(
            "To ask as a GitHub App, PyJWT is needed, and it is not installed.",
            hint="Install it with: pip install 'forensics[app]'",
        ) from None
    claims = {"iat": int(now) - DRIFT, "exp": int(now) + STATEMENT_SECONDS, "iss": key.app_id}
    try:
        return jwt.encode(claims, key.private_key, algorithm="RS256")
    except NotImplementedError:
        raise AccessRefused(
            "To ask as a GitHub App, the package cryptography is needed, and it is not installed.",
            hint="Install it with: pip install 'forensics[app]'",
        ) from None
    except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
        # AttributeError: a public key. The words of these errors may quote the key.
        raise AccessRefused(
            f"{KEY} holds no RSA private key that can be read.",
            hint="Generate a new one on the App's page; a key with a passphrase does not work.",
        ) from None


class AppCredential:
    """The token of an App's installation, renewed before it ends; satisfies ``answer.Credential``."""

    source = f"GitHub App ({ID})"

    def __init__(
        self, server: Server, key: AppKey, repository: str, policy: Policy, environment: Mapping[str, str]
    ) -> None:
        self._server, self._key, self._repository, self._policy = server, key, repository, policy
        self._environment = environment
        """Where proxies and certificates are named."""
        self._answered = False
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._made_at = self._ends_at = float("-inf")
        self._installation = key.installation
        self._ahead = 0.0
        """Seconds that the server's clock is before ours, once that has mattered."""

    def __repr__(self) -> str:
        return f"AppCredential(app_id={self._key.app_id!r}, mark={self.mark!r})"

    @property
    def mark(self) -> str:
        """A fingerprint of App and account: tokens come and go every hour, and what they may see does not."""
        account = self._key.installation or self._repository.partition("/")[0].lower()
        return fingerprint(f"{self._server.api_url} {self._key.app_id} {account}")

    async def token(self) -> str:
        """The token to use now.

        Raises AccessRefused where the App is not installed, suspended or not known by its key, Unreachable where no
        server answers, ServerFailing where it answers with errors.
        """
        async with self._lock:
            if self._token is None or self._policy.clock() >= self._ends_at - RENEWED_BEFORE:
                return await self._renew()
            return self._token

    async def renewed(self) -> bool:
        """A fresh token after a 401; True also when another request has just fetched one. Raises as ``token``."""
        async with self._lock:
            if self._token is None or self._policy.clock() - self._made_at >= YOUNG:
                await self._renew()
            return True

    async def _renew(self) -> str:
        self._token = None
        environment = self._environment
        async with open_client(environment, trust(environment), 1, self._policy.deadline, authorised=True) as client:
            if self._installation is None:
                self._installation = await self._find_installation(client)
            path = f"/app/installations/{self._installation}/access_tokens"
            answer, server_now = await self._ask(client, "POST", path)
        try:
            token, end = str(answer["token"]), datetime.fromisoformat(answer["expires_at"]).timestamp()
        except (KeyError, TypeError, ValueError):
            raise ServerFailing(
                f"{self._server.host} made a token for the GitHub App in a form that is not known.", hint=_AGAIN
            ) from None
        now = self._policy.clock()
        self._token, self._made_at, self._ends_at = token, now, now + end - server_now
        return token

    async def _find_installation(self, client: httpx2.AsyncClient) -> str:
        answer, _ = await self._ask(client, "GET", f"/repos/{quote(self._repository)}/installation")
        if not isinstance(answer, dict) or not isinstance(answer.get("id"), int):
            raise ServerFailing(
                f"{self._server.host} named the App's installation in a form that is not known.", hint=_AGAIN
            )
        return str(answer["id"])

    async def _ask(self, client: httpx2.AsyncClient, method: str, path: str) -> tuple[Any, float]:
        """A good answer's document and the server's time of it; patient with faults that pass."""
        last = ""
        for attempt in range(self._policy.tries):
            if attempt:
                await self._policy.sleep(2.0 ** (attempt - 1) * (1 + self._policy.jitter()))
            response = await self._send(client, method, path)
            if isinstance(response, str):
                last = response
                continue
            server_now = server_time(response.headers) or self._policy.clock() + self._ahead
            if response.status_code == 401 and self._learn_clock(server_now):
                continue
            if response.status_code in (429, *range(500, 600)) or b"rate limit" in response.content:
                last = f"It answered {response.status_code}."
                continue
            self._require_good(response)
            try:
                return orjson.loads(response.content), server_now
            except orjson.JSONDecodeError:
                last = "It answered with no JSON."
        raise ServerFailing(f"{self._server.host} gives the GitHub App no token. {last}", hint=_AGAIN)

    async def _send(self, client: httpx2.AsyncClient, method: str, path: str) -> httpx2.Response | str:
        """The answer, a renamed repository's redirects followed; else why there is none and may be one later."""
        deadline, first = self._policy.deadline, not self._answered
        try:
            for _ in range(self._policy.max_hops):
                async with asyncio.timeout(deadline):
                    response = await client.request(method, self._server.api_url + path, headers=self._headers())
                self._answered = True
                if not response.is_redirect:
                    return response
                # The statement must not reach another server: what lies elsewhere is not asked for.
                path = links.rebase(response.headers.get("location", ""), path, self._server)
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            proxy = proxy_of(client, self._server.api_url, self._environment)
            failure = explain(error, host=self._server.host, proxy=proxy, first=first, deadline=deadline)
        except links.Foreign as host:
            raise ServerFailing(f"{self._server.host} redirects {path} to {host}.", hint=_AGAIN) from None
        else:
            raise ServerFailing(f"{self._server.host} redirects {path} again and again.", hint=_AGAIN)
        if isinstance(failure, Fatal):
            raise failure.error
        return failure.why

    def _headers(self) -> dict[str, str]:
        statement = sign(self._key, self._policy.clock() + self._ahead)
        return {"Accept": JSON, "Authorization": f"Bearer {statement}", "X-GitHub-Api-Version": API_VERSION}

    def _learn_clock(self, server_now: float) -> bool:
        """Whether the server's clock differs so much that the statement may have been refused for it: once."""
        ahead = server_now - self._policy.clock()
        if self._ahead or abs(ahead) < SKEW_WORTH_TRYING:
            return False
        self._ahead = ahead
        return True

    def _require_good(self, response: httpx2.Response) -> None:
        if response.is_success:
            return
        app, host = f"GitHub App {self._key.app_id}", self._server.host
        match response.status_code:
            case 401:
                message = f"{host} does not know the {app} by its private key."
                hint = f"Check that {ID} and {KEY} belong together and that the key was not deleted."
            case 403:
                message = f"The installation of the {app} is suspended, or may not make tokens."
                hint = "An owner of the account can see and change that in its settings, under GitHub Apps."
            case 404 if self._installation is None:
                message = f"The {app} is not installed on {self._repository}, or the name is misspelt."
                hint = "Install it on the repository, with permission to read Actions, or check the name."
            case 404:
                message = f"The {app} has no installation {self._installation}."
                hint = f"Unset {INSTALLATION} to have it found, or set it to the right one."
            case status:
                message = f"{host} gives the {app} no token: status {status}."
                hint = "See the App's settings."
        raise AccessRefused(message, hint=hint)


_AGAIN = "Run the same command again later: it goes on where it stopped."
