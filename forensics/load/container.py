"""Archives read member by member, never unpacked to disk, with limits against hostile ones.

A container opens to a flat list of members; archives inside archives are opened as far as ``DEPTH``.
Zip members are inflated by ISA-L, about twice as fast as zlib (facts/engines.md), and checked against the
CRC of the central directory.
"""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from isal import igzip, isal_zlib

from forensics.errors import EvidenceUnreadable
from forensics.ingest.caps import BOMB_RATIO, BOMB_SIZE, LARGEST_MEMBER, LARGEST_TOTAL, MOST_MEMBERS
from forensics.ingest.evidence import marked
from forensics.ingest.recognise import HEAD, recognise

DEPTH = 3
"""A folder archive may hold run-log zips, and those a compressed log; nobody nests deeper in earnest."""

_ISAL_ERROR: Any = isal_zlib.error  # its stub calls it an instance
# struct.error and ValueError come of garbled headers.
_DAMAGE: tuple[type[Exception], ...] = (
    _ISAL_ERROR,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
)
_UTF8 = 0x800
"""Flag of a zip member whose name is UTF-8."""
PIECE = 4 << 20
"""Bytes of a large member that are inflated at once."""
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True)
class Member:
    """A file in a container."""

    name: str
    size: int
    read: Callable[[], bytes]
    """The content, inflated and checked. Raises EvidenceUnreadable."""
    pieces: Callable[[], Iterator[bytes]] | None = None
    """The same in pieces of ``PIECE`` bytes at most, where that can be had: damage is raised where it is met, a wrong
    checksum after the last piece."""


def open_container(kind: str, name: str, stream: BinaryIO) -> Iterator[Member]:
    """The members of a zip, tar, gzip or xz; a lone compressed file is its only member, named without suffix.

    Members of tar streams must be read before the next one is asked for. Raises EvidenceUnreadable for what
    is no such container or is damaged; members before the damage have been given by then.
    """
    if kind == "zip":
        yield from _zip_members(name, stream)
    elif kind == "tar":
        yield from _tar_members(name, stream)
    else:
        yield from _compressed(kind, name, stream)


def _zip_members(name: str, stream: BinaryIO) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, struct.error) as error:
        raise EvidenceUnreadable(
            f"{name} is not a readable zip archive: {error}.", hint="It may be cut short; download it again."
        ) from error
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    _refuse_bomb(name, entries, stream)
    names = _Names()
    # The same file listed twice is one file; another one under the same name is another.
    for entry in {(entry.orig_filename, entry.CRC, entry.file_size): entry for entry in entries}.values():
        read, pieces = _zip_reader(name, stream, entry), _zip_pieces(name, stream, entry)
        yield Member(names.unused(_utf8(entry)), entry.file_size, read, pieces)


class _Names:
    """Tells members of one name apart: the second ``a.txt`` is ``a~2.txt``."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def unused(self, name: str) -> str:
        self._seen[name] += 1
        return name if self._seen[name] == 1 else marked(name, str(self._seen[name]))


def _utf8(entry: zipfile.ZipInfo) -> str:
    """The name of a member; some programs (macOS) write UTF-8 without saying so."""
    if entry.flag_bits & _UTF8:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode()
    except UnicodeError:
        return entry.filename


def _refuse_bomb(name: str, entries: list[zipfile.ZipInfo], stream: BinaryIO) -> None:
    """Overlapping members (one stream listed a thousand times) and absurd totals are refused as a whole."""
    if len(entries) > MOST_MEMBERS:
        raise EvidenceUnreadable(
            f"{name} has {len(entries):,} members, more than {MOST_MEMBERS:,}.",
            hint="If it is genuine, ingest its parts one by one.",
        )
    length = stream.seek(0, io.SEEK_END)
    if sum(entry.compress_size for entry in entries) > length:
        raise EvidenceUnreadable(f"{name} is a zip bomb: its members overlap.", hint="Do not open it.")
    total = sum(entry.file_size for entry in entries)
    if total > LARGEST_TOTAL:
        raise EvidenceUnreadable(
            f"{name} would unpack to {total:,} bytes, more than {LARGEST_TOTAL:,}.",
            hint="If it is genuine, ingest its parts one by one.",
        )


def _zip_reader(name: str, stream: BinaryIO, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        where = f"{entry.filename} in {name}"
        _refuse_member(where, entry)
        try:
            data = _inflate(_raw_member(stream, entry), entry)
        except _DAMAGE as error:
            raise _damaged(where, error) from error
        _check_member(where, entry, len(data), isal_zlib.crc32(data))
        return data

    return read


def _zip_pieces(name: str, stream: BinaryIO, entry: zipfile.ZipInfo) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        where = f"{entry.filename} in {name}"
        _refuse_member(where, entry)
        size = crc = 0
        try:
            for piece in _inflate_slowly(stream, entry):
                size += len(piece)
                crc = isal_zlib.crc32(piece, crc)
                yield piece
        except _DAMAGE as error:
            raise _damaged(where, error) from error
        _check_member(where, entry, size, crc)

    return pieces


def _refuse_member(where: str, entry: zipfile.ZipInfo) -> None:
    if entry.file_size > LARGEST_MEMBER:
        raise EvidenceUnreadable(f"{where} is larger than {LARGEST_MEMBER:,} bytes.", hint="Split it.")
    if entry.file_size > BOMB_SIZE and entry.file_size > BOMB_RATIO * max(entry.compress_size, 1):
        raise EvidenceUnreadable(
            f"{where} is a zip bomb: {entry.compress_size:,} bytes unpack to {entry.file_size:,}.",
            hint="Do not open it.",
        )
    if entry.flag_bits & 1:
        raise EvidenceUnreadable(f"{where} is encrypted.", hint="Decrypt the archive and ingest it again.")


def _check_member(where: str, entry: zipfile.ZipInfo, size: int, crc: int) -> None:
    if size != entry.file_size or crc != entry.CRC:
        raise EvidenceUnreadable(
            f"{where} is damaged: its checksum does not match.", hint="Download the archive again."
        )


def _damaged(where: str, error: Exception) -> EvidenceUnreadable:
    return EvidenceUnreadable(f"{where} is damaged: {error}.", hint="Download the archive again.")


def _raw_member(stream: BinaryIO, entry: zipfile.ZipInfo) -> bytes:
    _seek_content(stream, entry)
    data = stream.read(entry.compress_size)
    if len(data) != entry.compress_size:
        raise ValueError("the archive ends inside it")
    return data


def _seek_content(stream: BinaryIO, entry: zipfile.ZipInfo) -> None:
    stream.seek(entry.header_offset)
    header = stream.read(_LOCAL_HEADER.size)
    fields = _LOCAL_HEADER.unpack(header)
    if fields[0] != b"PK\x03\x04":
        raise ValueError("no local header where the directory points to")
    stream.seek(fields[9] + fields[10], io.SEEK_CUR)


def _inflate_slowly(stream: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """What ``_inflate`` makes of ``_raw_member``, in pieces of ``PIECE`` bytes at most."""
    _refuse_method(entry)
    _seek_content(stream, entry)
    stored = entry.compress_type == zipfile.ZIP_STORED
    inflater = None if stored else isal_zlib.decompressobj(wbits=-15)
    left, room = entry.compress_size, entry.file_size + 1
    while left and room:
        raw = stream.read(min(left, PIECE if stored else PIECE >> 3))
        if not raw:
            raise ValueError("the archive ends inside it")
        left -= len(raw)
        if inflater is None:
            room -= min(room, len(raw))
            yield raw
            continue
        more = True
        while more and room:
            most = min(PIECE, room)
            piece = inflater.decompress(raw, most)
            raw = inflater.unconsumed_tail
            room -= len(piece)
            yield piece
            # A full piece may have left something inside, even where all that went in is used up.
            more = bool(raw) or len(piece) == most
        if inflater.eof:
            return


def _inflate(raw: bytes, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type == zipfile.ZIP_STORED:
        return raw
    _refuse_method(entry)
    # A header may lie about the size: never inflate more than one byte beyond what it says.
    inflater = isal_zlib.decompressobj(wbits=-15)
    return inflater.decompress(raw, entry.file_size + 1) if entry.file_size else inflater.decompress(raw, 1)


def _refuse_method(entry: zipfile.ZipInfo) -> None:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"compression method {entry.compress_type} is not used by GitHub")


def _tar_members(name: str, stream: BinaryIO) -> Iterator[Member]:
    total = 0
    names = _Names()
    try:
        # Bytes of a name that are not UTF-8 become U+FFFD: a half surrogate pair could not be stored.
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="replace") as archive:
            for entry in archive:
                if not entry.isfile():
                    continue
                total += entry.size
                if entry.size > LARGEST_MEMBER or total > LARGEST_TOTAL:
                    raise EvidenceUnreadable(
                        f"{name} unpacks to more than this program reads at {entry.name}.",
                        hint="If it is genuine, ingest its parts one by one.",
                    )
                extracted = archive.extractfile(entry)
                read, pieces = _tar_reader(name, entry.name, extracted), _tar_pieces(name, entry.name, extracted)
                yield Member(names.unused(entry.name), entry.size, read, pieces)
    except _DAMAGE as error:
        raise EvidenceUnreadable(
            f"{name} is damaged: {error}.", hint="What stands before the damage was read; download it again."
        ) from error


def _tar_reader(name: str, member: str, extracted: IO[bytes] | None) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return extracted.read() if extracted else b""
        except _DAMAGE as error:
            raise EvidenceUnreadable(f"{member} in {name} is damaged: {error}.", hint="Download it again.") from error

    return read


def _tar_pieces(name: str, member: str, extracted: IO[bytes] | None) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        try:
            while extracted and (piece := extracted.read(PIECE)):
                yield piece
        except _DAMAGE as error:
            raise EvidenceUnreadable(f"{member} in {name} is damaged: {error}.", hint="Download it again.") from error

    return pieces


def _compressed(kind: str, name: str, stream: BinaryIO) -> Iterator[Member]:
    """One compressed file: a tar inside is opened, anything else is the only member."""
    try:
        inner = _Bounded(_decompressor(kind, stream), name)
        head = inner.peek(HEAD)
        if head[257:262] == b"ustar":
            yield from _tar_members(name, inner)  # type: ignore[arg-type]
            return
        data = inner.read()
    except _DAMAGE as error:
        raise EvidenceUnreadable(f"{name} is damaged: {error}.", hint="Download it again.") from error
    stem = PurePosixPath(name)
    yield Member(stem.stem if stem.suffix.lower() in (".gz", ".xz") else stem.name, len(data), lambda: data)


def _decompressor(kind: str, stream: BinaryIO) -> BinaryIO:
    module: Any = igzip if kind == "gzip" else lzma
    opened = module.open(stream, "rb")
    return cast(BinaryIO, opened)


class _Bounded:
    """A stream that stops at LARGEST_MEMBER when read whole and at LARGEST_TOTAL when read in parts."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._ahead = b""
        self._given = 0

    def peek(self, size: int) -> bytes:
        self._ahead = self._stream.read(size)
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        limit = LARGEST_MEMBER if size < 0 else LARGEST_TOTAL - self._given
        wanted = limit + 1 if size < 0 else size
        parts = [self._ahead[:wanted]]
        self._ahead = self._ahead[wanted:]
        got = len(parts[0])
        while got < wanted:
            chunk = self._stream.read(min(wanted - got, 1 << 20))
            if not chunk:
                break
            parts.append(chunk)
            got += len(chunk)
        self._given += got
        if got > limit:
            raise EvidenceUnreadable(
                f"{self._name} unpacks to more than {limit:,} bytes.", hint="If it is genuine, split it."
            )
        return b"".join(parts)


def open_file(root: Path, path: str) -> BinaryIO:
    """An evidence file for reading. Raises EvidenceUnreadable."""
    try:
        return (root / path).open("rb")
    except OSError as error:
        raise EvidenceUnreadable(
            f"{path} cannot be read from the evidence folder: {error.strerror}.", hint="Run: forensics verify"
        ) from error


def kind_of(path: str, stream: BinaryIO) -> tuple[str | None, bytes]:
    """The kind of an evidence file and its first bytes; the stream stands at its beginning again."""
    head = stream.read(HEAD)
    kind = recognise(path, head)
    if kind != "zip" and path.lower().endswith(".zip") and zipfile.is_zipfile(stream):
        # Bytes before the archive: it extracts itself, or something was put in front of it.
        kind = "zip"
    stream.seek(0)
    return kind, head
