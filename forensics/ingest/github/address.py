"""Which repository, on which GitHub: read from what the user wrote, else from the git checkout around the folder.

Forms of a repository: ``OWNER/NAME``, ``HOST/OWNER/NAME``, an address of the site, or a git remote
(``git@HOST:OWNER/NAME.git``, ``ssh://…``). Addresses of the API: ``https://api.github.com``,
``https://api.SUBDOMAIN.ghe.com``, and ``https://HOST/api/v3`` for an Enterprise Server.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from forensics.errors import UsageProblem
from forensics.ingest.github.answer import Server

DOTCOM = "github.com"
NAME_IT = "Name the repository: forensics ingest --repo OWNER/NAME"
GIT_TIMEOUT = 10.0

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""GitHub allows 39 characters; managed users have ``_`` and a short code at the end, and old names are odder."""
_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d{1,5})?"
)
_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/\s]+):(?P<path>[^\s]+)")
"""git's short form of an SSH address: ``git@github.com:octo/hello-world.git``."""
_NOT_GITHUB = re.compile(
    r"(?:.*\.)?(?:gitlab\.com|bitbucket\.org|codeberg\.org|gitea\.com|sr\.ht|dev\.azure\.com|visualstudio\.com"
    r"|sourceforge\.net|gitee\.com|launchpad\.net|savannah\.gnu\.org|huggingface\.co|amazonaws\.com)"
    r"|gitlab\..*"
)
"""Well-known homes of git repositories that have no GitHub Actions."""
_LOOPBACK = re.compile(r"(?:localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?")


@dataclass(frozen=True)
class Named:
    """A repository as somebody named it."""

    repository: str
    """``OWNER/NAME``."""
    host: str | None
    """In lower case, with its port where one was named; None when only the repository was."""


@dataclass(frozen=True)
class Checkout:
    """The git checkout around a folder."""

    folder: Path
    """Its top folder (of a bare repository: the repository)."""
    remote: str
    """Name of the remote that was read."""
    named: Named


@dataclass(frozen=True)
class Place:
    """Where to ask, about what."""

    server: Server
    repositories: tuple[str, ...]
    explicit: bool
    """Whether the address of the API was given outright: a token without a host of its own is then meant for it."""
    checkout: Path | None
    """A checkout of one of the repositories; workflow files may be read from it instead of being asked for."""


def locate(repositories: Sequence[str], api_url: str | None, environment: Mapping[str, str], folder: Path) -> Place:
    """The repositories to ask about, and the server.

    Without ``repositories`` it is the one of the checkout around ``folder``. The server is the one at ``api_url``,
    else that of the named host, else ``GH_HOST``, else github.com. Raises UsageProblem, with the next step as hint.
    """
    named = _distinct(repositories)
    if named:
        try:
            checkout = find_checkout(folder, environment)
        except UsageProblem:  # the checkout is only a help here
            checkout = None
    else:
        checkout = _require_checkout(folder, environment)
        named = [checkout.named]
    server = _server(named, api_url, environment, written=bool(repositories))
    wanted = tuple(entry.repository for entry in named)
    own = checkout is not None and (
        not repositories or (_same(checkout.named.repository, wanted) and checkout.named.host == server.host)
    )
    return Place(server, wanted, api_url is not None, checkout.folder if checkout and own else None)


def read_name(text: str) -> Named:
    """What ``--repo`` names. Raises UsageProblem, which says which part is missing or too much."""
    written = text.strip()
    found = _read_url(written) if _is_url(written) else _read_short(written)
    if found:
        return found
    raise UsageProblem(f"'{_harmless(written)}' names no repository: {_wrong(written)}", hint=_FORMS)


def read_remote(url: str) -> Named | None:
    """The repository that a git remote leads to; None for a path on this machine and whatever else is no address."""
    return _read_url(url) if _is_url(url) else None


def find_server(host: str) -> Server:
    """The GitHub of that host."""
    if host == DOTCOM:
        return Server("https://api.github.com", DOTCOM)
    if host.endswith(".ghe.com"):
        return Server(f"https://api.{host}", host)
    # As gh does: a development server on *.localhost is spoken to without TLS.
    scheme = "http" if re.fullmatch(r".*\.localhost(?::\d+)?", host) else "https"
    return Server(f"{scheme}://{host}/api/v3", host)


def read_api_url(text: str) -> Server:
    """The GitHub whose API lies at that address. Raises UsageProblem for what is no safe address."""
    hint = "Write https://api.github.com, or https://HOST/api/v3 for an Enterprise Server."
    parts = _split(text.strip())
    if parts is None or parts.scheme not in ("http", "https") or not _HOST.fullmatch(_netloc(parts)):
        raise UsageProblem("The address of the API is no https:// address.", hint=hint)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageProblem("The address of the API must not hold a user, a password, '?' or '#'.", hint=hint)
    host = _netloc(parts)
    if host in (DOTCOM, "www.github.com"):
        raise UsageProblem(f"https://{host} is the site, not its API.", hint=hint)
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(host):
        raise UsageProblem(f"http://{host} is not encrypted: anybody on the way could read the token.", hint=hint)
    known = host.removeprefix("api.") if host == "api.github.com" or host.endswith(".ghe.com") else host
    return Server(f"{parts.scheme}://{host}{parts.path.rstrip('/')}", known)


def find_checkout(folder: Path, environment: Mapping[str, str]) -> Checkout | None:
    """The git checkout around ``folder`` and the repository of its remote; None when there is none.

    The remote is the one that ``gh repo set-default`` chose, else ``origin``, else the only one. git is asked for its
    settings alone: no hook, no pager and no network. Raises UsageProblem when git is missing or refuses, when the
    checkout has no remote or none that stands out, and when the remote is not on a GitHub.
    """
    told = _git(folder, environment, "rev-parse", "--absolute-git-dir", "--show-toplevel")
    if not told.stdout:
        if "dubious ownership" in told.stderr:
            raise UsageProblem("git does not read this checkout, because it belongs to another user.", hint=NAME_IT)
        return None
    top = Path(told.stdout.splitlines()[-1])
    settings = _git(
        folder, environment, "config", "--null", "--get-regexp", r"^remote\..*\.(url|gh-resolved)$"
    ).stdout
    addresses: dict[str, str] = {}
    chosen: dict[str, str] = {}
    for entry in filter(None, settings.split("\0")):
        key, _, value = entry.partition("\n")
        name, _, what = key.removeprefix("remote.").rpartition(".")
        (addresses if what == "url" else chosen).setdefault(name, value)
    remote = _choose(list(addresses), chosen)
    # Asked of git once more, because url.<base>.insteadOf may stand behind the address.
    url = _git(folder, environment, "remote", "get-url", "--", remote).stdout.strip() or addresses[remote]
    named = _on_github(remote, url)
    resolved = chosen.get(remote, "base")
    if resolved != "base":  # gh keeps a parent that is no remote in this way
        parent = read_name(resolved)
        named = Named(parent.repository, parent.host or named.host)
    return Checkout(top, remote, named)


def _require_checkout(folder: Path, environment: Mapping[str, str]) -> Checkout:
    found = find_checkout(folder, environment)
    if found is None:
        raise UsageProblem(
            "There is no git checkout here and no --repo, so the repository is not known.",
            hint=f"{NAME_IT}, or take files instead: forensics ingest --from PATH...",
        )
    return found


def _choose(remotes: list[str], chosen: Mapping[str, str]) -> str:
    if not remotes:
        raise UsageProblem("The git checkout here has no remote, so its repository is not known.", hint=NAME_IT)
    for name in (*(name for name in remotes if name in chosen), "origin"):
        if name in remotes:
            return name
    if len(remotes) > 1:
        raise UsageProblem(
            f"The git checkout here has the remotes {', '.join(remotes)}, and none is called origin.", hint=NAME_IT
        )
    return remotes[0]


def _on_github(remote: str, url: str) -> Named:
    named = read_remote(url)
    host = named.host if named else _host_of(url)
    if host and _NOT_GITHUB.fullmatch(host.partition(":")[0]):
        raise UsageProblem(
            f"The git remote '{remote}' is on {host}, which is not GitHub.",
            hint="GitHub's runs of another repository: forensics ingest --repo OWNER/NAME",
        )
    if named is None:
        raise UsageProblem(
            f"The git remote '{remote}' is not the address of a GitHub repository: {_harmless(url)}", hint=NAME_IT
        )
    return named


def _distinct(texts: Sequence[str]) -> list[Named]:
    by_name: dict[tuple[str | None, str], Named] = {}
    for text in texts:
        named = read_name(text)
        if named.host and _NOT_GITHUB.fullmatch(named.host.partition(":")[0]):
            raise UsageProblem(f"'{named.repository}' is on {named.host}, which is not GitHub.", hint=_FORMS)
        by_name.setdefault((named.host, named.repository.lower()), named)
    return list(by_name.values())


def _server(named: Sequence[Named], api_url: str | None, environment: Mapping[str, str], *, written: bool) -> Server:
    hosts = sorted({entry.host for entry in named if entry.host})
    if api_url is not None:
        server = read_api_url(api_url)
        strange = [host for host in hosts if host != server.host]
        # A remote may have any name for the host (an SSH alias); what --repo says is meant.
        if strange and written:
            raise UsageProblem(
                f"--repo names {strange[0]}, but the address of the API is {server.api_url}.",
                hint="Leave one of the two out: the host, or --api-url (GITHUB_API_URL).",
            )
        return server
    fallback = environment.get("GH_HOST", "").strip().lower() or DOTCOM
    if len({entry.host or fallback for entry in named}) > 1:
        raise UsageProblem(
            f"One ingest asks one server, and these are on {' and '.join(hosts)}.",
            hint="Ingest them one after the other; they may share a case.",
        )
    host = hosts[0] if hosts else fallback
    if not _HOST.fullmatch(host):
        raise UsageProblem("GH_HOST holds no name of a host.", hint="Write github.com, or unset it.")
    return find_server(host)


_FORMS = "Write OWNER/NAME, as in octo/hello-world, or paste the address of the repository."


def _wrong(text: str) -> str:
    """The reason why it names no repository, as the rest of a sentence."""
    if not text:
        return "it is empty."
    if _is_url(text):
        return "an address needs host, owner and name."
    if "\\" in text:
        return "the slash leans the other way."
    parts = text.split("/")
    if len(parts) == 1 or not parts[0]:
        return "the owner is missing."
    if len(parts) == 2 and not parts[1]:
        return "the name after the slash is missing."
    if len(parts) > 2 and not ("." in parts[0] or ":" in parts[0] or parts[0] == "localhost"):
        return "it has more than one slash and does not begin with a host."
    return "letters, digits, '-', '_' and '.' are all that a name may hold."


def _is_url(text: str) -> bool:
    return "://" in text or bool(_SCP.fullmatch(text) and not re.match(r"[^/]*:\d+/", text))


def _read_short(text: str) -> Named | None:
    """``OWNER/NAME`` or ``HOST/OWNER/NAME``."""
    parts = text.rstrip("/").split("/") if text.count("/") > 1 else text.split("/")
    if len(parts) == 3 and ("." in parts[0] or ":" in parts[0] or parts[0] == "localhost"):
        return _checked(parts[1:], parts[0])
    return _checked(parts, None) if len(parts) == 2 else None


def _read_url(text: str) -> Named | None:
    """An address of the site or of a git remote; more of the path (``/actions/runs/1``) is left off."""
    short = None if "://" in text else _SCP.fullmatch(text)
    if short:
        return _checked(short["path"].strip("/").split("/"), short["host"])
    parts = _split(text)
    if parts is None or parts.scheme not in ("https", "http", "ssh", "git", "git+ssh", "git+https"):
        return None
    host = _netloc(parts)
    if "ssh" in parts.scheme or parts.scheme == "git":
        host = re.sub(r":\d+\Z", "", host)  # the port is git's, not the site's
    return _checked(parts.path.strip("/").split("/")[:2], host)


def _checked(path: list[str], host: str | None) -> Named | None:
    if len(path) != 2 or not _OWNER.fullmatch(path[0]):
        return None
    name = path[1].removesuffix(".git")
    if not _NAME.fullmatch(name) or (host is not None and not _HOST.fullmatch(host.lower())):
        return None
    return Named(f"{path[0]}/{name}", _site(host.lower()) if host else None)


def _site(host: str) -> str:
    """The host as the site is called: GitHub's SSH over port 443 and its www have names of their own."""
    return DOTCOM if host in ("www.github.com", "ssh.github.com") else host


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _netloc(parts: SplitResult) -> str:
    """Host and port without user and password, in lower case."""
    return parts.netloc.rpartition("@")[2].lower()


def _host_of(url: str) -> str | None:
    short = None if "://" in url else _SCP.fullmatch(url)
    if short:
        return short["host"].lower()
    parts = _split(url)
    return _netloc(parts) or None if parts else None


def _harmless(url: str) -> str:
    """The address as it may be shown: a user, a password and a query might be secrets."""
    return re.sub(r"(?<=://)[^/]*@", "", re.split(r"[?#]", url)[0])


def _same(repository: str, among: Sequence[str]) -> bool:
    return repository.lower() in {name.lower() for name in among}


def _git(folder: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask git; nothing of the user's that could run or write is left in its way."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("GIT_") or name.startswith(("GIT_CONFIG", "GIT_CEILING"))
    }
    kept |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    safe = ("--no-pager", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
    try:
        return subprocess.run(  # noqa: S603  # a list, not a shell line; nothing in it comes from outside but `--` names
            ["git", *safe, *arguments],  # noqa: S607  # the user's own git
            cwd=folder, env=kept, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace",
            timeout=GIT_TIMEOUT, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        message = "git is not installed, so the repository of this folder is not known."
        raise UsageProblem(message, hint=NAME_IT) from None
    except subprocess.TimeoutExpired:
        message = f"git did not answer within {GIT_TIMEOUT:.0f} s, so the repository of this folder is not known."
        raise UsageProblem(message, hint=NAME_IT) from None
