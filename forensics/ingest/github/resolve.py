"""The wanted workflow files, from the case, a clone, and as few requests as will do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from forensics.errors import ForensicsError
from forensics.ingest.github.answer import Gone
from forensics.ingest.github.clone import Clone, blob_id
from forensics.ingest.github.lineage import Lineage, Pair, Wanted, trace

Fetch = Callable[[str, str, str], Awaitable[bytes]]
"""Repository, path, commit → the bytes of the file, or GitHub's JSON list of the folder; raises Gone."""

_MOST_LISTED = 1000
"""GitHub cuts the list of a folder there (its documentation of repository contents)."""
_LINK = re.compile(rb"[^\s:{}]{1,300}\.ya?ml")


class Version(NamedTuple):
    """What a file was at a commit."""

    repository: str
    path: str
    commit: str
    blob: str
    """Git's id of the content."""
    source: str
    """``exact``: read at that commit; ``between``: follows from commits around it."""


class Missing(NamedTuple):
    """A file at a commit that is not to be had."""

    repository: str
    path: str
    commit: str
    state: str
    """As in ``answer.GoneState``."""
    detail: str


@dataclass(frozen=True)
class Resolution:
    """What became of the wanted files: each is in versions, gone or unasked, or was known before."""

    versions: tuple[Version, ...] = ()
    blobs: Mapping[str, bytes] = field(default_factory=dict)
    """Content of the versions by blob, without what was known before."""
    gone: tuple[Missing, ...] = ()
    unasked: int = 0
    """Wanted files that would have taken more requests than allowed."""
    requests: int = 0
    stopped: ForensicsError | None = None
    """Why asking ended early, to be raised once the rest is kept."""


async def resolve(
    wanted: Iterable[Wanted],
    clone: Clone | None,
    fetch: Fetch,
    *,
    most: int,
    known: Mapping[Pair, str | None] | None = None,
) -> Resolution:
    """Find the content of each wanted file with at most ``most`` requests, the default branch first.

    ``known`` has what earlier ingests found by path and commit: the blob, whose content is in the case, or None for
    what was not to be had. It is not asked for again, and not in the answer. Never raises what ``fetch`` raises of
    ForensicsError: that ends the asking and is returned.
    """
    resolver = _Resolver(tuple(wanted), fetch, most, dict(known or {}))
    await resolver.run(clone)
    return resolver.conclude()


class _Resolver:
    def __init__(self, wanted: tuple[Wanted, ...], fetch: Fetch, most: int, known: dict[Pair, str | None]) -> None:
        self.wanted = wanted
        self.lineages = trace(wanted)
        self.fetch = fetch
        self.left = most
        self.known = known
        self.seen: dict[Pair, str | None] = {pair: blob for pair, blob in known.items() if blob is not None}
        self.lost: dict[Pair, tuple[str, str]] = {pair: ("", "") for pair, blob in known.items() if blob is None}
        self.have = set(self.seen.values())
        self.blobs: dict[str, bytes] = {}
        self.lost_blobs: dict[str, tuple[str, str]] = {}
        self.unlistable: set[str] = set()
        self.requests = 0
        self.stopped: ForensicsError | None = None
        self.exact = {one.pair for one in wanted if one.exact}

    async def run(self, clone: Clone | None) -> None:
        """Look until nothing is left to learn or no request is left."""
        if clone is not None:
            await self._read_clone(clone)
        # What is known of the default branch spares looks at the others.
        for chosen in (True, False):
            lineages = [lineage for lineage in self.lineages if lineage.is_default is chosen]
            while await self._round(lineages):
                pass

    async def _read_clone(self, clone: Clone) -> None:
        pairs = {one.pair for one in self.wanted if one.repository == clone.repository and one.pair not in self.known}
        read = await asyncio.to_thread(clone.read, pairs)
        for (path, commit), blob in read.items():
            if blob is None:
                self.lost[path, commit] = ("deleted", f"{path} is not in commit {commit}, as the clone here says.")
            elif blob.kind != "file":
                self.lost[path, commit] = ("refused", f"{path} is a {blob.kind} in commit {commit}, not a file.")
            else:
                self.seen[path, commit] = blob.sha
                if blob.data is not None:
                    self.blobs[blob.sha] = blob.data

    async def _round(self, lineages: list[Lineage]) -> bool:
        """Look at what every lineage needs next, and fetch the content of what is new; False when that was all."""
        looks = [
            (lineage, commit, paths)
            for lineage in lineages
            for commit, paths in lineage.looks(self.seen, self.lost).items()
        ]
        works = [self._look(lineage, commit, sorted(paths)) for lineage, commit, paths in looks[: self.left]]
        await self._all(works)
        await self._fetch_blobs(lineages)
        return bool(looks) and self.left > 0 and self.stopped is None

    async def _all(self, works: list[Any]) -> None:
        """Do them at once; what stops one lets the others finish."""
        for error in await asyncio.gather(*works, return_exceptions=True):
            if isinstance(error, ForensicsError):
                self.stopped = self.stopped or error
            elif isinstance(error, BaseException):
                raise error

    async def _ask(self, repository: str, path: str, commit: str) -> bytes | None:
        """One request, counted; None when none is left."""
        if self.left <= 0 or self.stopped is not None:
            return None
        self.left -= 1
        self.requests += 1
        return await self.fetch(repository, path, commit)

    async def _look(self, lineage: Lineage, commit: str, paths: list[str]) -> None:
        folders = {path.rpartition("/")[0] for path in paths}
        if len(paths) > 1 and len(folders) == 1 and lineage.repository not in self.unlistable:
            if await self._look_at_folder(lineage, commit, folders.pop()):
                paths = [path for path in paths if not self._is_settled((path, commit))]
            else:
                # The folder is not there, or this server does not list it: a file that is there tells which.
                await self._look_at_file(lineage, commit, paths[0])
                if self.seen.get((paths[0], commit)):
                    self.unlistable.add(lineage.repository)
                paths = paths[1:]
        for path in paths:
            await self._look_at_file(lineage, commit, path)

    def _is_settled(self, pair: Pair) -> bool:
        return pair in self.seen or pair in self.lost

    async def _look_at_folder(self, lineage: Lineage, commit: str, folder: str) -> bool:
        """One request for the blobs of all files of the folder; False when there was no list."""
        try:
            data = await self._ask(lineage.repository, folder, commit)
        except Gone as why:
            if _is_absence(why):
                return False
            for path in lineage.wants:
                self.lost.setdefault((path, commit), (why.state, why.detail))
            return True
        if data is None:
            return True
        listed = _read_list(data)
        if listed is None:
            return False
        for path in {*lineage.wants, *(f"{folder}/{name}" for name in listed)}:
            pair = (path, commit)
            if self._is_settled(pair) or path.rpartition("/")[0] != folder:
                continue
            kind, sha = listed.get(path.rpartition("/")[2], ("", None))
            if kind == "file":
                self.seen[pair] = sha
            elif kind:
                self.lost[pair] = ("refused", f"{path} is a {kind} in commit {commit}, not a file.")
            elif len(listed) < _MOST_LISTED:
                self.seen[pair] = None
        return True

    async def _look_at_file(self, lineage: Lineage, commit: str, path: str) -> None:
        pair = (path, commit)
        try:
            data = await self._ask(lineage.repository, path, commit)
        except Gone as why:
            if _is_absence(why) and pair not in self.exact:
                self.seen[pair] = None
            else:
                # A run at the commit proves the file: that it is not there means that the commit is not.
                self.lost[pair] = (why.state, why.detail)
            return
        if data is None:
            return
        refused = _why_no_file(data)
        if refused:
            self.lost[pair] = ("refused", f"{path} is {refused} in commit {commit}, not a file.")
            return
        sha = blob_id(data)
        self.seen[pair] = sha
        if sha not in self.have:
            self.blobs[sha] = data

    async def _fetch_blobs(self, lineages: list[Lineage]) -> None:
        """The content of every blob that a wanted file is known to be, each once."""
        places: dict[str, tuple[str, Pair]] = {}
        needed: set[str | None] = set()
        for lineage in lineages:
            needed |= {self.seen.get(one.pair) for wants in lineage.wants.values() for one in wants.values()}
            needed |= set(lineage.between(self.seen, self.lost).values())
            for pair in ((path, commit) for path in lineage.wants for commit in lineage.commits):
                if (sha := self.seen.get(pair)) and not self._has(sha):
                    places.setdefault(sha, (lineage.repository, pair))
        await self._all([self._fetch_blob(sha, *place) for sha, place in places.items() if sha in needed])

    def _has(self, sha: str) -> bool:
        return sha in self.blobs or sha in self.have or sha in self.lost_blobs

    async def _fetch_blob(self, sha: str, repository: str, pair: Pair) -> None:
        try:
            data = await self._ask(repository, *pair)
        except Gone as why:
            self.lost_blobs[sha] = (why.state, why.detail)
            return
        if data is None:
            return
        if blob_id(data) == sha:
            self.blobs[sha] = data
        else:
            detail = f"{pair[0]} at commit {pair[1]} came with other content than git's id {sha} says."
            self.lost_blobs[sha] = ("corrupt", detail)

    def conclude(self) -> Resolution:
        """What is known now, sorted."""
        versions: list[Version] = []
        gone: list[Missing] = []
        unasked = 0
        likely: dict[Wanted, str | None] = {}
        for lineage in self.lineages:
            likely |= lineage.between(self.seen, self.lost)
        for one in self.wanted:
            if one.pair in self.known:
                continue
            place = (one.repository, one.path, one.commit)
            blob = likely[one] if one in likely else self.seen.get(one.pair)
            if lost := self._why_lost(one, blob, one in likely):
                gone.append(Missing(*place, *lost))
            elif blob is not None and (blob in self.blobs or blob in self.have):
                versions.append(Version(*place, blob, "between" if one in likely else "exact"))
            else:
                unasked += 1
        used = {version.blob for version in versions} - self.have
        blobs = {sha: self.blobs[sha] for sha in sorted(used)}
        return Resolution(tuple(sorted(versions)), blobs, tuple(sorted(gone)), unasked, self.requests, self.stopped)

    def _why_lost(self, one: Wanted, blob: str | None, is_likely: bool) -> tuple[str, str] | None:
        if one.pair in self.lost:
            return self.lost[one.pair]
        if blob is not None:
            return self.lost_blobs.get(blob)
        if is_likely or one.pair in self.seen:
            where = "the commits around" if is_likely else "commit"
            return "deleted", f"{one.path} is not in {where} {one.commit}."
        return None


def _is_absence(why: Gone) -> bool:
    return why.status == 404 or why.state == "deleted"


def _read_list(data: bytes) -> dict[str, tuple[str, str]] | None:
    """Kind and id by name from GitHub's JSON list of a folder; None when it is no such list."""
    try:
        listed = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(listed, list):
        return None
    found: dict[str, tuple[str, str]] = {}
    for item in listed:
        if not isinstance(item, dict):
            return None
        name, kind, sha = (item.get(key) for key in ("name", "type", "sha"))
        if not (isinstance(name, str) and isinstance(kind, str) and isinstance(sha, str)):
            return None
        # The version of the API that is asked for lists a submodule as a file, one without a download.
        found[name] = ("submodule" if kind == "file" and item.get("download_url", "") is None else kind, sha)
    return found


def _why_no_file(data: bytes) -> str | None:
    """What GitHub gave instead of a file: a folder's list, an object for a link or a submodule, a link's target."""
    if _read_list(data) is not None:
        return "a folder"
    if data[:1] == b"{":
        try:
            told = orjson.loads(data)
        except orjson.JSONDecodeError:
            return None
        if isinstance(told, dict) and "jobs" not in told and told.get("type") in ("symlink", "submodule", "dir"):
            return f"a {told['type']}"
    return "a symlink" if _LINK.fullmatch(data) else None
