"""As whom to ask: the token, from where the user has it, and never shown.

Tried in this order: a GitHub App (``FORENSICS_APP_ID``, ``FORENSICS_APP_PRIVATE_KEY``), the variables that
GitHub's own ``gh`` reads, then ``gh auth token``. As with ``gh``, ``GH_TOKEN`` and ``GITHUB_TOKEN`` belong to
github.com and GHE.com, and so does the App: a git remote of a stranger's checkout must not be able to call them to a
server of its choice. They go elsewhere only when the address of the API was given outright.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from forensics.errors import AccessRefused

if TYPE_CHECKING:
    from forensics.ingest.github.answer import Credential, Policy, Server

DOTCOM_VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN")
ENTERPRISE_VARIABLES = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
GH_TIMEOUT = 5.0


@dataclass(frozen=True)
class FixedToken:
    """A token that somebody made and that stays as it is."""

    source: str
    """The variable, or ``gh auth token``."""
    value: str = field(repr=False)

    @property
    def mark(self) -> str:
        """The first 12 hex digits of the token's SHA-256."""
        return fingerprint(self.value)

    async def token(self) -> str:
        """The token."""
        return self.value

    async def renewed(self) -> bool:
        """No other can be had."""
        return False


def fingerprint(secret: str) -> str:
    """What tells two secrets apart and gives neither away."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


def find_credential(
    server: Server,
    repositories: Sequence[str],
    environment: Mapping[str, str],
    policy: Policy,
    *,
    explicit: bool = False,
) -> Credential:
    """The credential for that server; ``explicit`` says that the address of its API was given outright.

    Nothing is asked of the server yet. Raises AccessRefused when there is none, or what is there cannot be a token.
    """
    if environment.get("FORENSICS_APP_ID", "").strip() and (server.is_dotcom or explicit):
        from forensics.ingest.github.app import from_environment

        return from_environment(server, repositories, environment, policy)
    names = variables(server, explicit=explicit)
    for name in names:
        value = environment.get(name, "").strip()
        if value:
            return FixedToken(name, _checked(name, value))
    value = _ask_gh(server, environment)
    if value:
        return FixedToken("gh auth token", _checked("gh auth token", value))
    raise _none_found(server, names, environment)


def variables(server: Server, *, explicit: bool) -> tuple[str, ...]:
    """The variables that may hold a token for that server, the first one first."""
    if server.is_dotcom:
        return DOTCOM_VARIABLES
    return (*ENTERPRISE_VARIABLES, *(DOTCOM_VARIABLES if explicit else ()))


def _checked(source: str, value: str) -> str:
    """The token; without a word about what it holds when it cannot be one."""
    if value[0] in "'\"`" or value[-1] in "'\"`":
        fault = "begins or ends with a quotation mark"
    elif re.search(r"\s", value):
        fault = "holds a blank or a line break in its middle"
    elif not re.fullmatch(r"[!-~]+", value):
        fault = "holds characters that no token has"
    else:
        return value
    raise AccessRefused(f"What {source} gives is no token: it {fault}.", hint="Set it again, to the token alone.")


def _ask_gh(server: Server, environment: Mapping[str, str]) -> str:
    """The token that ``gh auth login`` kept for the host; empty when there is none, or no gh."""
    program = _find_gh(environment)
    if program is None:
        return ""
    # gh would give the variables back, which have been looked at, and by other rules.
    kept = {name: value for name, value in environment.items() if name not in DOTCOM_VARIABLES + ENTERPRISE_VARIABLES}
    kept |= {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
    kept.pop("GH_DEBUG", None)
    try:
        told = subprocess.run(  # noqa: S603  # a list, not a shell line; the host was checked when it was read
            [program, "auth", "token", "--hostname", server.host],
            env=kept, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace",
            timeout=GH_TIMEOUT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""


def _find_gh(environment: Mapping[str, str]) -> str | None:
    return shutil.which("gh", path=environment.get("PATH"))


def _none_found(server: Server, names: Sequence[str], environment: Mapping[str, str]) -> AccessRefused:
    empty = [name for name in names if name in environment]
    besides = f" {empty[0]} is set, but empty." if empty else ""
    unused = [name for name in DOTCOM_VARIABLES if name not in names and environment.get(name, "").strip()]
    if unused:
        besides += f" {unused[0]} is for github.com, and is not sent to another server."
    login = "gh auth login" if server.host == "github.com" else f"gh auth login --hostname {server.host}"
    variable = f"set {names[0]} to a token that may read Actions"
    if _find_gh(environment):
        hint = f"Log in with: {login}, or {variable}."
    else:
        hint = f"S{variable[1:]}, or install GitHub's gh and log in with: {login}"
    return AccessRefused(f"There is no token for {server.host}.{besides}", hint=hint)
