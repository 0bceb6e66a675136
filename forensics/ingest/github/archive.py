"""Whether a downloaded archive is whole: every member inflated and compared with its checksum, nothing kept."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from isal import isal_zlib

from forensics.errors import EvidenceUnreadable
from forensics.ingest.caps import BOMB_RATIO, BOMB_SIZE, LARGEST_TOTAL, MOST_MEMBERS
from forensics.ingest.github.directory import (
    Directory,
    Entry,
    Unsound,
    find_directory,
    read_directory,
    seek_content,
)

_PACKED = 256 << 10
_INFLATED = 1 << 20
_LONGEST_NAME = 300
"""Characters of a damaged member's name that are told: names are up to 64 KB, and there may be many."""
_ISAL_ERROR: Any = isal_zlib.error  # its stub calls it an instance
_DAMAGE: tuple[type[Exception], ...] = (_ISAL_ERROR, struct.error, EOFError, ValueError, OverflowError)


@dataclass(frozen=True)
class Checked:
    """What an archive is worth."""

    members: int
    """Files in it; folders do not count."""
    bytes: int
    """What its sound members unpack to."""
    damaged: tuple[str, ...]
    """Names of members whose content cannot be had whole, in the order of the directory."""
    reason: str | None
    """Why the archive as a whole is no good, as the end of a sentence; None when at least its good members are."""
    refused: bool = False
    """True when ``reason`` is a cap, so that another download would not help."""


class _Refused(Exception):
    """A cap is passed."""


def check_archive(file: Path) -> Checked:
    """Read an archive from end to end in constant memory and write nothing.

    What is called whole here can be read by :mod:`forensics.load.container`, and the same caps hold. Raises
    EvidenceUnreadable when the file itself cannot be read.
    """
    try:
        # Two places in one file: the directory is walked while the members are read.
        with file.open("rb") as listing, file.open("rb") as content:
            return _check(listing, content)
    except OSError as error:
        raise EvidenceUnreadable(
            f"{file.name} cannot be read: {error.strerror}.", hint="Check the case folder and its disk."
        ) from error


def _check(listing: BinaryIO, content: BinaryIO) -> Checked:
    try:
        directory = find_directory(listing)
        members = _count(listing, directory)
    except Unsound as error:
        return Checked(0, 0, (), str(error))
    except _Refused as error:
        return Checked(0, 0, (), str(error), refused=True)
    size, damaged = 0, []
    for entry in _files(listing, directory):
        if _is_sound(content, entry):
            size += entry.size
        else:
            damaged.append(entry.name[:_LONGEST_NAME])
    nothing_left = damaged and len(damaged) == members
    return Checked(members, size, tuple(damaged), "every member of it is damaged" if nothing_left else None)


def _files(listing: BinaryIO, directory: Directory) -> Iterator[Entry]:
    return (entry for entry in read_directory(listing, directory) if not entry.is_folder)


def _count(listing: BinaryIO, directory: Directory) -> int:
    """How many files there are, by the directory alone. Raises _Refused beyond a cap."""
    members = packed = size = 0
    _at_most_members(directory.declared)
    for entry in _files(listing, directory):
        members += 1
        packed += entry.packed
        size += entry.size
        _at_most_members(members)
        if entry.size > BOMB_SIZE and entry.size > BOMB_RATIO * max(entry.packed, 1):
            raise _Refused(f"it is a zip bomb: {entry.packed:,} bytes of a member unpack to {entry.size:,}")
    if packed > directory.length:
        raise _Refused("it is a zip bomb: its members overlap")
    if size > LARGEST_TOTAL:
        raise _Refused(f"it would unpack to {size:,} bytes, more than {LARGEST_TOTAL:,}")
    return members


def _at_most_members(count: int) -> None:
    if count > MOST_MEMBERS:
        raise _Refused(f"it has {count:,} members or more, and {MOST_MEMBERS:,} are read at most")


def _is_sound(content: BinaryIO, entry: Entry) -> bool:
    if entry.encrypted:
        return False
    try:
        seek_content(content, entry)
        return _digest(content, entry) == (entry.size, entry.crc)
    except _DAMAGE:
        return False


def _digest(content: BinaryIO, entry: Entry) -> tuple[int, int]:
    """Length and CRC of what a member unpacks to; reading stops one byte beyond the length that the header tells."""
    if entry.method == zipfile.ZIP_STORED:
        pieces: Iterator[bytes] = _packed(content, entry)
    elif entry.method == zipfile.ZIP_DEFLATED:
        pieces = _inflated(content, entry)
    else:
        raise ValueError(f"compression method {entry.method} is not used by GitHub")
    size = crc = 0
    for piece in pieces:
        size += len(piece)
        crc = isal_zlib.crc32(piece, crc)
    return size, crc


def _packed(content: BinaryIO, entry: Entry) -> Iterator[bytes]:
    left = entry.packed
    while left:
        piece = content.read(min(left, _PACKED))
        if not piece:
            raise EOFError("the archive ends inside it")
        left -= len(piece)
        yield piece


def _inflated(content: BinaryIO, entry: Entry) -> Iterator[bytes]:
    inflater = isal_zlib.decompressobj(wbits=-15)
    room = entry.size + 1
    for packed in _packed(content, entry):
        # After the end of the stream the rest is only read, for the archive must not end before it.
        ahead = packed
        while not inflater.eof:
            most = min(room, _INFLATED)
            inflated = inflater.decompress(ahead, most)
            room -= len(inflated)
            if not room:
                raise ValueError("it is longer than the directory says")
            yield inflated
            ahead = inflater.unconsumed_tail
            if not ahead and len(inflated) < most:
                break
