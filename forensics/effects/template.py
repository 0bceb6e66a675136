"""Templates that make a target or an identity out of what a log line said.

``{name}`` stands for a named group of a pattern or for one of :data:`BUILTINS`; ``{name|filter}``
passes the value through one of :data:`FILTERS`, so that every spelling of one thing becomes one text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

BUILTINS = ("repository", "workflow", "job", "sha")
"""Known for every line without a pattern; ``sha`` is the commit that the job had checked out."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)(?:\|([a-z]+))?\}")
_PROJECT_DASH = re.compile(r"[-_.]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?([^:/\s]+):(?!//)(.*)", re.DOTALL)


def normalise_remote(url: str) -> str:
    """Git remote as ``host/path``: no scheme, credentials or ``.git``, host in lower case.

    >>> normalise_remote("https://x-access-token:***@GitHub.example/octo/shop.git")
    'github.example/octo/shop'
    >>> normalise_remote("git@github.example:octo/shop.git")
    'github.example/octo/shop'
    """
    scheme = _SCHEME.match(url)
    scp = None if scheme else _SCP_LIKE.fullmatch(url)
    rest = f"{scp[1]}/{scp[2]}" if scp else url[scheme.end() :] if scheme else url
    host, _, path = rest.partition("/")
    host = host.rpartition("@")[2].lower()
    path = path.strip("/").removesuffix(".git")
    return f"{host}/{path}" if path else host


def normalise_branch(ref: str) -> str:
    """Full name of a branch; a name that is full already stays.

    >>> normalise_branch("main"), normalise_branch("refs/notes/x")
    ('refs/heads/main', 'refs/notes/x')
    """
    return ref if ref.startswith("refs/") else f"refs/heads/{ref}"


def normalise_tag(ref: str) -> str:
    """Short name of a tag.

    >>> normalise_tag("refs/tags/v1")
    'v1'
    """
    return ref.removeprefix("refs/tags/")


def join_words(text: str) -> str:
    """A name without its spaces.

    >>> join_words("daemon set")
    'daemonset'
    """
    return text.replace(" ", "")


def name_other_registry(url: str) -> str:
    """Host of a package registry; empty for the public one and its mirrors, whose hosts begin so.

    What is pushed to goes by "registry." (npm), "upload." (PyPI), "www." and "api." (NuGet).

    >>> name_other_registry("https://registry.example/"), name_other_registry("https://NPM.pkg.example/octo/")
    ('', 'npm.pkg.example')
    """
    host = normalise_remote(url).partition("/")[0]
    return "" if host.startswith(("registry.", "npm-registry.", "upload.", "www.", "api.")) else host


def normalise_project(name: str) -> str:
    """Name of a Python project as PEP 503 compares it.

    >>> normalise_project("Octo_Cart.Core")
    'octo-cart-core'
    """
    return _PROJECT_DASH.sub("-", name).lower()


def lower_case(text: str) -> str:
    """A name whose case does not count, as NuGet's.

    >>> lower_case("Octo.Cart")
    'octo.cart'
    """
    return text.lower()


FILTERS: Mapping[str, Callable[[str], str]] = {
    "remote": normalise_remote,
    "branch": normalise_branch,
    "tag": normalise_tag,
    "joined": join_words,
    "elsewhere": name_other_registry,
    "project": normalise_project,
    "lower": lower_case,
}
"""What may stand after the bar of a placeholder."""


@dataclass(frozen=True)
class Template:
    """A text with placeholders, read and checked once."""

    text: str
    parts: tuple[str | tuple[str, str | None], ...]
    """Literal texts and (name, filter) pairs, in order."""

    @property
    def names(self) -> frozenset[str]:
        """The placeholders it needs."""
        return frozenset(part[0] for part in self.parts if isinstance(part, tuple))

    def fill(self, values: Mapping[str, str | None]) -> str | None:
        """The text, or None when a value that it needs is not known."""
        filled: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                filled.append(part)
                continue
            value = values.get(part[0])
            if not value:
                return None
            value = FILTERS[part[1]](value) if part[1] else value
            if not value:
                return None
            filled.append(value)
        return "".join(filled)


def read_template(text: str) -> Template:
    """Read a template.

    Raises:
        ValueError: a brace that is no placeholder, or a filter that does not exist.
    """
    parts: list[str | tuple[str, str | None]] = []
    position = 0
    for found in _PLACEHOLDER.finditer(text):
        _literal(text[position : found.start()], parts)
        name, filtered = found.groups()
        if filtered is not None and filtered not in FILTERS:
            raise ValueError(f"no filter '{filtered}'; there are {', '.join(sorted(FILTERS))}")
        parts.append((name, filtered))
        position = found.end()
    _literal(text[position:], parts)
    return Template(text, tuple(parts))


def _literal(text: str, parts: list[str | tuple[str, str | None]]) -> None:
    if "{" in text or "}" in text:
        raise ValueError(f"'{text}' has a brace that is no placeholder like {{name}} or {{name|filter}}")
    if text:
        parts.append(text)
