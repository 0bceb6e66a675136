"""The directory of a zip archive, read entry by entry in constant memory.

``zipfile`` keeps the whole directory and an object per member, which an archive of a million members turns into
a gigabyte. What ``zipfile`` accepts is accepted here, and nothing else, for it is what the load reads archives with.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 65_535
_ASIDE = 0xFFFF_FFFF
"""A size of 32 bits that says: look into the extra field."""
_ZIP64 = 1
_UTF8 = 0x800
_ENCRYPTED = 1
_VERSIONS = 63
"""The newest version of the format that zipfile takes."""


class Unsound(Exception):
    """The archive as a whole cannot be read; the text says why, as the end of a sentence."""


@dataclass(frozen=True)
class Directory:
    """Where the directory lies."""

    start: int
    size: int
    shift: int
    """Bytes that stand before the archive: all its offsets are that much larger."""
    declared: int
    """Members, by the archive's own count."""
    length: int
    """Bytes of the file."""


@dataclass(frozen=True)
class Entry:
    """A member, as the directory has it."""

    name: str
    crc: int
    packed: int
    size: int
    offset: int
    """Of its local header in the file."""
    method: int
    encrypted: bool

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder: those have a name and nothing else."""
        return self.name.endswith("/")


def find_directory(stream: BinaryIO) -> Directory:
    """Where the directory of an archive is. Raises Unsound when there is none: cut short, or no zip."""
    length = stream.seek(0, os.SEEK_END)
    at, fields = _find_end(stream, length)
    declared, size, offset = fields[4], fields[5], fields[6]
    before = at
    wide = _find_end64(stream, at)
    if wide is not None:
        declared, size, offset = wide
        before -= _END64.size + _LOCATOR64.size
    start = before - size
    if start < 0:
        raise Unsound("its directory would begin before the file does")
    return Directory(start, size, start - offset, declared, length)


def _find_end(stream: BinaryIO, length: int) -> tuple[int, tuple[int, ...]]:
    stream.seek(max(length - _END.size - _LONGEST_COMMENT - 1, 0))
    base = stream.tell()
    tail = stream.read()
    plain = len(tail) - _END.size
    # No comment is the rule; a signature inside the comment of another archive would mislead the search.
    if plain >= 0 and tail[plain : plain + 4] == b"PK\x05\x06" and tail[-2:] == b"\0\0":
        return base + plain, _END.unpack_from(tail, plain)
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or found > plain:
        raise Unsound(_what_it_is(stream))
    return base + found, _END.unpack_from(tail, found)


def _what_it_is(stream: BinaryIO) -> str:
    stream.seek(0)
    head = stream.read(512)
    if head.startswith(b"PK\x03\x04"):
        return "it is cut short: the directory at its end is missing"
    if not head:
        return "it is empty"
    return "it is an HTML page and no zip archive" if is_html(head) else "it is no zip archive"


def is_html(head: bytes) -> bool:
    """Whether a body that should be a log begins as a web page does."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _find_end64(stream: BinaryIO, at: int) -> tuple[int, int, int] | None:
    if at < _LOCATOR64.size + _END64.size:
        return None
    stream.seek(at - _LOCATOR64.size - _END64.size)
    record = stream.read(_END64.size)
    signature, disk, _, disks = _LOCATOR64.unpack(stream.read(_LOCATOR64.size))
    if signature != b"PK\x06\x07":
        return None
    if disk or disks > 1:
        raise Unsound("it is one part of an archive of several")
    fields = _END64.unpack(record)
    return (fields[7], fields[8], fields[9]) if fields[0] == b"PK\x06\x06" else None


def read_directory(stream: BinaryIO, directory: Directory) -> Iterator[Entry]:
    """The members in the order of the directory. Raises Unsound where it is garbled."""
    stream.seek(directory.start)
    done = 0
    while done < directory.size:
        head = stream.read(min(_ENTRY.size, directory.size - done))
        if len(head) != _ENTRY.size:
            raise Unsound("its directory is cut short")
        fields = _ENTRY.unpack(head)
        if fields[0] != b"PK\x01\x02":
            raise Unsound("its directory is garbled")
        # The last entry may claim more than the directory has: zipfile takes what there is.
        left = directory.size - done - _ENTRY.size
        name = stream.read(min(fields[10], left))
        extra = stream.read(min(fields[11], left - len(name)))
        stream.seek(fields[12], os.SEEK_CUR)
        done += _ENTRY.size + fields[10] + fields[11] + fields[12]
        yield _entry(fields, name, extra, directory.shift)


def _entry(fields: tuple[int, ...], name: bytes, extra: bytes, shift: int) -> Entry:
    if fields[2] & 0xFF > _VERSIONS:
        raise Unsound("its directory asks for a version of the format that does not exist")
    crc, packed, size = fields[7:10]
    size, packed, offset = _widened(extra, size, packed, fields[16])
    return Entry(
        _decoded(name, fields[3]), crc, packed, size, offset + shift, fields[4], bool(fields[3] & _ENCRYPTED)
    )


def _decoded(name: bytes, flags: int) -> str:
    try:
        # Some programs (macOS) write UTF-8 without saying so.
        decoded = name.decode()
    except UnicodeDecodeError as error:
        if flags & _UTF8:
            raise Unsound("a name in its directory is garbled") from error
        decoded = name.decode("cp437")
    return decoded.partition("\0")[0]


def _widened(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The three numbers, those of more than 32 bits from the extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        if len(field) != length:
            raise Unsound("an extra field in its directory is garbled")
        if kind == _ZIP64:
            wide = iter(struct.unpack(f"<{length // 8}Q", field[: length // 8 * 8]))
            try:
                size = next(wide) if size == _ASIDE else size
                packed = next(wide) if packed == _ASIDE else packed
                offset = next(wide) if offset == _ASIDE else offset
            except StopIteration as error:
                raise Unsound("a size in its directory is missing") from error
        at += 4 + length
    return size, packed, offset


def seek_content(stream: BinaryIO, entry: Entry) -> None:
    """Move to the packed bytes of a member. Raises ValueError when it is not there."""
    if entry.offset < 0:
        raise ValueError("it would begin before the file does")
    stream.seek(entry.offset)
    header = stream.read(_LOCAL.size)
    if len(header) != _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise ValueError("no local header where the directory points to")
    fields = _LOCAL.unpack(header)
    stream.seek(fields[9] + fields[10], os.SEEK_CUR)
