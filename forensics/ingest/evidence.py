"""The evidence folder: every input exactly as received, with a manifest that proves it.

``evidence/manifest.jsonl`` has one line a file: path, sha256, size, source, taken_at (UTC). It is only
appended to. Files are hard links to the user's own where the file system allows, else copies that appear
under their name only when whole.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from forensics.errors import EvidenceUnreadable, ForensicsError
from forensics.model import Evidence

MANIFEST = "manifest.jsonl"
_CHUNK = 1 << 20
_UNSAFE = re.compile(r"[\x00-\x1f\x7f<>:\"|?*\\\ud800-\udfff]")
# 255 bytes is what ext4, XFS, APFS and NTFS allow for one name; leave room for a mark and .part.
_LONGEST_NAME = 230


@dataclass(frozen=True)
class Taken:
    """What became of one offered file."""

    evidence: Evidence
    new: bool
    """False when the same bytes were there under the same name."""
    edited: str | None = None
    """Path of an earlier copy that is a hard link to the offered file and has been changed with it."""


@dataclass(frozen=True)
class Verification:
    """What rehashing the folder showed; the three tuples are empty when all is as it was taken."""

    checked: int
    bytes: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    """Files that lie in the folder and that the manifest does not name."""


class EvidenceFolder:
    """The folder opened for taking files in; as a context manager the manifest is closed at the end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries = {entry.path: entry for entry in read_manifest(root)}
        self._manifest = None if not root.exists() else self._open()
        self._unsynced: list[Path] = []

    def _open(self) -> int:
        manifest = os.open(self.root / MANIFEST, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        size = os.fstat(manifest).st_size
        if size and os.pread(manifest, 1, size - 1) != b"\n":
            # A line that was cut short by a crash must not swallow the next one.
            os.write(manifest, b"\n")
        return manifest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._manifest is not None:
            os.fsync(self._manifest)
            os.close(self._manifest)
            self._manifest = None

    @property
    def entries(self) -> dict[str, Evidence]:
        """The manifest by path."""
        return self._entries

    def take(self, file: Path, name: str, source: str) -> Taken:
        """Take a file under a relative name. Raises EvidenceUnreadable when it cannot be read."""
        path = safe_path(name)
        try:
            digest, size = hash_file(file)
        except OSError as error:
            raise EvidenceUnreadable(
                f"{source} cannot be read: {error.strerror}.", hint="Check its permissions and ingest it again."
            ) from error
        edited = path if self._differs(path, digest) and self._is_link_to(file, path) else None
        return self._enter(path, digest, size, source, lambda target: _link_or_copy(file, target), edited)

    def put(self, data: bytes, name: str, source: str) -> Taken:
        """Take bytes that were received, under a relative name; the file appears only when whole."""
        return self._enter(
            safe_path(name), hashlib.sha256(data).hexdigest(), len(data), source, lambda target: _write(data, target)
        )

    def adopt(self, file: Path, name: str, source: str) -> Taken:
        """Take a file of our own by moving it; it is gone from where it was, also when its bytes were known."""
        digest, size = hash_file(file)
        taken = self._enter(safe_path(name), digest, size, source, lambda target: _move(file, target))
        file.unlink(missing_ok=True)
        return taken

    def sync(self) -> None:
        """Have the disk keep what was put and adopted since the last time, before anything relies on it."""
        for file in self._unsynced:
            handle = os.open(file, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        if self._unsynced and self._manifest is not None:
            os.fsync(self._manifest)
        self._unsynced.clear()

    def _differs(self, path: str, digest: str) -> bool:
        known = self._entries.get(path)
        return known is not None and known.sha256 != digest

    def _enter(
        self,
        path: str,
        digest: str,
        size: int,
        source: str,
        place: Callable[[Path], None],
        edited: str | None = None,
    ) -> Taken:
        """Place a file under its path and write it into the manifest, unless the same is there already."""
        if self._differs(path, digest):
            # Another file of the same name: both are kept, told apart by their content.
            path = marked(path, digest[:8])
        if path in self._entries:
            return Taken(self._entries[path], new=False, edited=edited)
        self._place(place, path)
        self._unsynced.append(self.root / path)
        entry = Evidence(path, digest, size, source, datetime.now(UTC).replace(tzinfo=None, microsecond=0))
        self._append(entry)
        return Taken(entry, new=True, edited=edited)

    def _is_link_to(self, file: Path, path: str) -> bool:
        try:
            return file.samefile(self.root / path)
        except OSError:
            return False

    def _place(self, place: Callable[[Path], None], path: str) -> None:
        target = self.root / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if self._manifest is None:
                self._manifest = self._open()
            place(target)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise ForensicsError(
                    f"The disk is full: {path} was not taken.",
                    hint="Free room and run the same command again; what was taken before stays.",
                ) from error
            raise EvidenceUnreadable(
                f"{path} cannot be put into the case: {error.strerror}.", hint="Check the case folder."
            ) from error

    def _append(self, entry: Evidence) -> None:
        line = orjson.dumps(
            {
                "path": entry.path,
                "sha256": entry.sha256,
                "size": entry.size,
                "source": entry.source,
                "taken_at": entry.taken_at.isoformat() + "Z",
            }
        )
        if self._manifest is None:
            raise RuntimeError("the manifest is opened before a file is placed")
        _write_line(self._manifest, line + b"\n")
        self._entries[entry.path] = entry


def read_manifest(root: Path) -> Iterator[Evidence]:
    """The entries of a manifest, in the order taken; nothing when there is none."""
    file = root / MANIFEST
    if not file.is_file():
        return
    for line in file.read_bytes().splitlines():
        try:
            row = orjson.loads(line)
            taken_at = datetime.fromisoformat(row["taken_at"].removesuffix("Z"))
            yield Evidence(str(row["path"]), str(row["sha256"]), int(row["size"]), str(row["source"]), taken_at)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            continue


def verify(root: Path) -> Verification:
    """Rehash every file of the folder and compare with the manifest."""
    changed, missing, size = [], [], 0
    entries = {entry.path: entry for entry in read_manifest(root)}
    for entry in entries.values():
        try:
            digest, length = hash_file(root / entry.path)
        except OSError:
            missing.append(entry.path)
            continue
        size += length
        if digest != entry.sha256:
            changed.append(entry.path)
    present = (
        {file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()} if root.exists() else set()
    )
    unknown = sorted(present - entries.keys() - {MANIFEST})
    return Verification(len(entries), size, tuple(changed), tuple(missing), tuple(unknown))


def safe_path(name: str) -> str:
    """A relative path that every file system takes and that cannot leave the folder."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    cleaned = [_short(_UNSAFE.sub("_", part).strip() or "_") for part in parts]
    return "/".join(cleaned) or "_"


def marked(path: str, mark: str) -> str:
    """The path with ``~mark`` before its suffixes."""
    folder, _, name = path.rpartition("/")
    stem, dot, suffixes = name.partition(".") if not name.startswith(".") else (name, "", "")
    return f"{folder}/{stem}~{mark}{dot}{suffixes}" if folder else f"{stem}~{mark}{dot}{suffixes}"


def _short(part: str) -> str:
    data = part.encode()
    if len(data) <= _LONGEST_NAME:
        return part
    digest = hashlib.sha256(data).hexdigest()[:8]
    suffix = part[-20:] if "." in part[-20:] else ""
    head = data[: _LONGEST_NAME - 30].decode(errors="ignore")
    return f"{head}~{digest}{suffix}"


def hash_file(file: Path) -> tuple[str, int]:
    """SHA-256 in hex, and the size in bytes."""
    digest = hashlib.sha256()
    size = 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _write_line(manifest: int, line: bytes) -> None:
    """Append a whole line or nothing; a full disk takes a part of it."""
    size = os.fstat(manifest).st_size
    try:
        written = os.write(manifest, line)
        if written < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        os.ftruncate(manifest, size)
        why = "The disk is full" if error.errno == errno.ENOSPC else error.strerror
        raise ForensicsError(
            f"{why}: the manifest of the evidence cannot be written.",
            hint="Free room and run the same command again; what was taken before stays.",
        ) from error


def _write(data: bytes, target: Path) -> None:
    part = target.with_name(target.name + ".part")
    try:
        part.write_bytes(data)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _move(file: Path, target: Path) -> None:
    try:
        file.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _link_or_copy(file, target)


def _link_or_copy(file: Path, target: Path) -> None:
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        try:
            os.link(file, part, follow_symlinks=True)
        except OSError:
            # Other file system, no permission to link, or too many links: a copy is as good.
            with file.open("rb") as source, part.open("wb") as sink:
                while chunk := source.read(_CHUNK):
                    sink.write(chunk)
        part.replace(target)
    finally:
        # Left by a copy that failed; and rename(2) does nothing when both names are links to the same file.
        part.unlink(missing_ok=True)
