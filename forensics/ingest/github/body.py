"""The bytes of a download on their way to the disk: counted, unpacked if need be, compared with the headers."""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from isal import isal_zlib

from forensics.errors import ForensicsError

_HEAD = 512
_INFLATED = 1 << 20
_ISAL_ERROR: Any = isal_zlib.error  # its stub calls it an instance
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class Received:
    """What came."""

    size: int
    """Bytes on the disk."""
    head: bytes
    ends_line: bool
    """Whether the last byte is the end of a line."""
    proven: bool
    """Whether a length, the form of the transfer or a checksum showed that this is all."""
    short: str | None = None
    """Why it is not all, or not what was sent, as a whole sentence."""


class Body:
    """What a server sends, measured.

    ``headers`` have names in lower case. ``decoded`` means that any encoding was undone before the bytes get here.
    """

    def __init__(self, headers: Mapping[str, str], length: int | None = None, *, decoded: bool = False) -> None:
        encoding = headers.get("content-encoding", "identity").strip().lower() or "identity"
        plain = encoding == "identity"
        self.length = length if decoded else _number(headers.get("content-length"))
        self.framed = "chunked" in headers.get("transfer-encoding", "").lower()
        self.taken = 0
        """Bytes as they came."""
        self._cut = False
        self._flaw: str | None = None
        self._head, self._last = b"", b""
        self._digest = hashlib.md5(usedforsecurity=False)
        self._expected = _digest_of(headers) if plain or not decoded else None
        self._gzip: Any = None
        if not plain and not decoded:
            if encoding in ("gzip", "x-gzip"):
                self._gzip = isal_zlib.decompressobj(wbits=31)
            else:
                self._flaw = "It came in an encoding that was not asked for."

    def take(self, chunk: bytes) -> Iterator[bytes]:
        """The bytes to keep of those that came, in pieces of bounded size."""
        self.taken += len(chunk)
        if self._expected is not None:
            self._digest.update(chunk)
        for piece in (chunk,) if self._gzip is None else self._unpacked(chunk):
            if piece:
                self._head = self._head or piece[:_HEAD]
                self._last = piece[-1:]
                yield piece

    def cut(self) -> None:
        """The server ended before it was done."""
        self._cut = True

    def finish(self, size: int) -> Received:
        """The verdict, when ``size`` bytes are on the disk."""
        matches = self._expected is not None and self._digest.digest() == self._expected
        complete = self.length is not None and self.taken == self.length
        proven = not self._cut and (self.framed or complete or matches)
        return Received(size, self._head, self._last == b"\n", proven, self._shortfall(matches=matches))

    def _shortfall(self, *, matches: bool) -> str | None:
        if self._flaw:
            return self._flaw
        if self.length is not None and self.taken != self.length:
            return f"It ended after {self.taken:,} of {self.length:,} bytes."
        if self._cut:
            return f"It ended early, after {self.taken:,} bytes."
        if self._gzip is not None and not self._gzip.eof:
            return f"It ended early, after {self.taken:,} packed bytes."
        if self._expected is not None and not matches:
            return "It does not have the checksum that the server gave (MD5)."
        return None

    def _unpacked(self, chunk: bytes) -> Iterator[bytes]:
        """Storage may keep a log packed and send it so although it was asked not to."""
        try:
            while not self._gzip.eof and self._flaw is None:
                piece = self._gzip.decompress(chunk, _INFLATED)
                yield piece
                chunk = self._gzip.unconsumed_tail
                if not chunk and len(piece) < _INFLATED:
                    break
        except (_ISAL_ERROR, EOFError, ValueError):
            self._flaw = "It is packed (gzip) and damaged."


class Part:
    """A file that is being written; as a context manager it is closed at the end, whatever that is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = 0

    def __enter__(self) -> Self:
        with on_disk(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            # Exclusive, so that no link of this name is followed; unbuffered, so that closing cannot fail for space.
            self._file = self._path.open("xb", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        """Append. Raises ForensicsError when the disk is full or fails."""
        with on_disk(self._path):
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
            self.size += len(data)

    def sync(self) -> None:
        """Wait until it is on the disk. Raises ForensicsError."""
        with on_disk(self._path):
            os.fsync(self._file.fileno())


@contextmanager
def on_disk(path: Path) -> Iterator[None]:
    """Failures of the disk in the words of the program (row 51)."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ForensicsError(
                f"The disk is full: {path.stem} was not downloaded.",
                hint="Free room and run the same command again; what was taken before stays.",
            ) from error
        raise ForensicsError(
            f"{path.name} cannot be written: {error.strerror}.", hint=f"Check the folder {path.parent}."
        ) from error


def _digest_of(headers: Mapping[str, str]) -> bytes | None:
    """The MD5 that the server gives of the whole; what is none is as good as nothing."""
    for name in ("content-md5", "x-ms-blob-content-md5"):
        try:
            digest = base64.b64decode(headers.get(name, ""), validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(digest) == 16:
            return digest
    return None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 20 else None
