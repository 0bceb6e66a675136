"""Files at commits, read from a clone that is at hand: no request at all.

A commit id names its content, so whichever clone has the commit gives the right bytes. Still the clone is
somebody's folder: nothing in it is run (no hooks, no helpers), nothing is fetched into it, nothing is written.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["file", "symlink", "submodule", "directory"]

_SECONDS = 60.0
_MOST_BYTES = 4 << 20
"""Of one file or one folder's list; GitHub takes no workflow file near that."""
_MOST_RESTARTS = 300
"""Git ends at the first object that a partial clone lacks; it is started again behind it."""
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REMOTE = re.compile(r"[:/]([^/:\s]+/[^/:\s]+?)(?:\.git)?/*$")
_REPLY = re.compile(rb"([0-9a-f]{40,64}) (\w+) (\d{1,18})")
_MODES: dict[bytes, Kind] = {b"120000": "symlink", b"160000": "submodule", b"40000": "directory"}
_SETTINGS = r"^(remote\..*\.(url|promisor)|extensions\.partialclone)$"
# Settings of the clone that name programs to run, switched off.
_OFF = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "protocol.allow=never")
_KEPT = ("PATH", "HOME", "USERPROFILE", "XDG_CONFIG_HOME", "SYSTEMROOT", "TMPDIR", "TEMP")
_FIXED = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    # For a git that does not know the line above.
    "GIT_ALLOW_PROTOCOL": "none",
    # refs/replace would give other content under a commit's id.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True)
class Blob:
    """What lies at a path in a commit."""

    sha: str
    """Git's id of the object."""
    data: bytes | None
    """The bytes; None when the clone knows the id but has not the bytes (``--filter=blob:none``), or for what is
    no file."""
    kind: Kind = "file"


@dataclass(frozen=True)
class _Object:
    sha: str
    kind: str
    """``missing``, or git's type."""
    size: int = 0
    data: bytes = b""


def blob_id(data: bytes) -> str:
    """Git's id of a file with these bytes (SHA-1 object format, which is GitHub's)."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class Clone:
    """A clone of a repository on this machine."""

    def __init__(self, directory: Path, repository: str, *, partial: bool) -> None:
        self.directory = directory
        self.repository = repository
        self._partial = partial

    @classmethod
    def find(cls, directory: Path, repository: str, *, tell: Callable[[str], None] | None = None) -> Clone | None:
        """The clone that a folder lies in, when one of its remotes is ``repository`` (owner/name, any host).

        None when there is none or it cannot be used; ``tell`` is then given a whole sentence why.
        """
        why = tell or (lambda _: None)
        try:
            place = _git(directory, ["rev-parse", "--absolute-git-dir"], b"", _SECONDS)
            settings = _git(directory, ["config", "--null", "--get-regexp", _SETTINGS], b"", _SECONDS)
        except FileNotFoundError:
            why("Workflow files are asked from GitHub, for git is not installed here.")
            return None
        except (OSError, subprocess.TimeoutExpired) as error:
            why(f"Workflow files are asked from GitHub, for git does not answer here: {type(error).__name__}.")
            return None
        if place.returncode:
            why(_why_unusable(place.stderr))
            return None
        entries = [item.partition("\n") for item in settings.stdout.decode(errors="replace").split("\0") if item]
        if repository.lower() not in _repositories(value for key, _, value in entries if key.endswith(".url")):
            why(f"Workflow files are asked from GitHub, for no remote of this clone is {repository}.")
            return None
        partial = any(key.endswith((".promisor", ".partialclone")) for key, _, _ in entries)
        return cls(directory, repository, partial=partial)

    def read(self, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], Blob | None]:
        """What lies at each (path, commit): None where the commit has no such path.

        A pair that is not in the answer is not known here: the commit is not in the clone, its objects are
        not, or path or commit are not what git takes. Never raises.
        """
        sound = [pair for pair in sorted(set(pairs)) if _is_sound(*pair)]
        deadline = time.monotonic() + _SECONDS
        found: dict[tuple[str, str], Blob | None] = {}
        for path, commit, entry in self._entries(sound, deadline):
            found[path, commit] = entry
        wanted = sorted({blob.sha for blob in found.values() if blob is not None and blob.kind == "file"})
        data = self._data(wanted, deadline)
        return {
            pair: Blob(blob.sha, data.get(blob.sha)) if blob is not None and blob.kind == "file" else blob
            for pair, blob in found.items()
        }

    def _entries(self, pairs: Sequence[tuple[str, str]], deadline: float) -> Iterable[tuple[str, str, Blob | None]]:
        """Look the pairs up in the lists of their folders, which say what is a symlink and what a file."""
        folders = sorted({(commit, path.rpartition("/")[0]) for path, commit in pairs})
        names = [name for commit, folder in folders for name in (f"{commit}^{{tree}}", f"{commit}:{folder}")]
        replies = self._ask(names, deadline, whole=False)
        places = dict(zip(folders, zip(replies[::2], replies[1::2], strict=True), strict=True))
        trees = sorted({at.sha for _, at in places.values() if at and at.kind == "tree" and at.size <= _MOST_BYTES})
        lists = dict(zip(trees, self._ask(trees, deadline, whole=True), strict=True))
        for path, commit in pairs:
            folder, _, name = path.rpartition("/")
            root, at = places[commit, folder]
            if root is None or root.kind != "tree" or at is None:
                continue
            if at.kind == "tree":
                listed = lists.get(at.sha)
                if listed is not None and listed.kind == "tree":
                    yield path, commit, _entry(listed, name)
            elif at.kind != "missing" or not self._partial:
                # In a partial clone a folder may be missing only because it was not fetched.
                yield path, commit, None

    def _data(self, blobs: Sequence[str], deadline: float) -> dict[str, bytes]:
        checked = self._ask(blobs, deadline, whole=False)
        small = [one.sha for one in checked if one and one.kind == "blob" and one.size <= _MOST_BYTES]
        got = self._ask(small, deadline, whole=True)
        return {one.sha: one.data for one in got if one and one.kind == "blob" and blob_id(one.data) == one.sha}

    def _ask(self, names: Sequence[str], deadline: float, *, whole: bool) -> list[_Object | None]:
        """One reply a name, in order; None where git gave none."""
        replies: list[_Object | None] = []
        for _ in range(_MOST_RESTARTS):
            if len(replies) == len(names):
                break
            left = deadline - time.monotonic()
            rest = "".join(f"{name}\n" for name in names[len(replies) :]).encode()
            try:
                if left <= 0:
                    break
                done = _git(self.directory, ["cat-file", "--batch" if whole else "--batch-check"], rest, left)
            except (OSError, subprocess.TimeoutExpired):
                break
            replies += _read_replies(done.stdout, whole=whole)[: len(names) - len(replies)]
            if len(replies) < len(names):
                replies.append(None)
        return replies + [None] * (len(names) - len(replies))


def _git(
    directory: Path, arguments: Sequence[str], given: bytes, seconds: float
) -> subprocess.CompletedProcess[bytes]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _FIXED
    return subprocess.run(  # noqa: S603
        ["git", *_OFF, "-C", str(directory.absolute()), *arguments],  # noqa: S607
        input=given, capture_output=True, timeout=seconds, env=environment, check=False,
    )  # fmt: skip


def _why_unusable(words: bytes) -> str:
    if b"dubious ownership" in words or b"unsafe repository" in words:
        return (
            "Workflow files are asked from GitHub, for the clone here belongs to another user; "
            "to have it read: git config --global --add safe.directory FOLDER"
        )
    return "Workflow files are asked from GitHub, for this folder is no clone."


def _repositories(urls: Iterable[str]) -> set[str]:
    """owner/name in small letters at the end of each address: ``git@host:o/n.git``, ``https://host/o/n``."""
    return {found[1].lower() for url in urls if (found := _REMOTE.search(url.strip()))}


def _is_sound(path: str, commit: str) -> bool:
    """Whether git reads ``commit:path`` as meant: no line break, nothing relative to the current folder."""
    parts = path.split("/")
    readable = path.isprintable() and not any("\ud800" <= character <= "\udfff" for character in path)
    return readable and not {"", ".", ".."} & set(parts) and _COMMIT.fullmatch(commit) is not None


def _read_replies(output: bytes, *, whole: bool) -> list[_Object]:
    """Replies of ``cat-file --batch``, up to where they were cut off."""
    replies = []
    position = 0
    while (end := output.find(b"\n", position)) >= 0:
        found = _REPLY.fullmatch(output, position, end)
        position = end + 1
        if found is None:
            replies.append(_Object("", "missing"))
            continue
        size = int(found[3])
        data = output[position : position + size] if whole else b""
        if whole:
            position += size + 1
            if position > len(output):
                break
        replies.append(_Object(found[1].decode(), found[2].decode(), size, data))
    return replies


def _entry(tree: _Object, name: str) -> Blob | None:
    """The entry of a folder's list: ``mode name NUL id`` again and again."""
    wanted, width, position = name.encode(), len(tree.sha) // 2, 0
    data = tree.data
    while position < len(data):
        space = data.find(b" ", position)
        end = data.find(b"\0", space)
        if space < 0 or end < 0:
            return None
        if data[space + 1 : end] == wanted:
            sha = data[end + 1 : end + 1 + width].hex()
            return Blob(sha, None, _MODES.get(data[position:space], "file"))
        position = end + 1 + width
    return None
