"""Bytes into lines: encodings, byte order marks, line ends. Nothing is dropped; what is mended is said in notes."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

import polars as pl

BOM = b"\xef\xbb\xbf"
PIECE = 8 << 20
"""Bytes mended at a time, so that broken bytes do not multiply the memory needed."""

# Lone surrogates, which is what broken bytes are after decoding with surrogateescape.
_BROKEN = re.compile(rb"\xed[\xb2\xb3][\x80-\xbf]")
_BROKEN_LINE = re.compile(rb"\xed[\xb2\xb3][\x80-\xbf][^\n]*")


class Note(NamedTuple):
    """Something odd in the bytes, told rather than hidden."""

    kind: str
    """``invalid-utf8``, ``utf-16`` …"""
    detail: str
    lines: int
    """Lines it touches."""


def split(data: bytes) -> tuple[pl.Series, tuple[Note, ...]]:
    r"""Lines of a text, as strings in order, and what had to be mended.

    A line ends at ``\n`` or ``\r\n``; a lone ``\r`` stays inside its line; an empty piece after the last ``\n`` is
    no line. UTF-16 is recognised by its byte order mark; U+FEFF is removed wherever it stands, because log blocks
    of 2 MB are separate files joined later, each with its own mark. Each byte that is not UTF-8 becomes one U+FFFD.
    """
    notes: list[Note] = []
    if _is_utf16(data):
        data = to_utf8(data)
        notes.append(utf16_note(data))
    try:
        lines = _read(data)
    except pl.exceptions.ComputeError:  # what read_lines raises for bytes that are not UTF-8
        data, broken = _mend(data)
        lines = _read(data)
        notes.append(Note("invalid-utf8", "Bytes that are not UTF-8 are shown as U+FFFD.", broken))
    return lines, tuple(notes)


def utf16_note(decoded: bytes) -> Note:
    """The note for a text that was UTF-16, given as UTF-8."""
    return Note("utf-16", "The text is UTF-16, as PowerShell redirection writes it.", count_lines(decoded))


def to_utf8(data: bytes) -> bytes:
    """Turn UTF-16 with a byte order mark into UTF-8; other bytes are returned as they are."""
    return data.decode("utf-16", "replace").encode() if _is_utf16(data) else data


def _is_utf16(data: bytes) -> bool:
    return data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def count_lines(data: bytes) -> int:
    """How many lines ``split`` makes of the bytes, without making them."""
    data = to_utf8(data)
    return data.count(b"\n") + _unended(data)


def _read(data: bytes) -> pl.Series:
    text = data.replace(BOM, b"") if BOM in data else data
    # Polars inflates what begins like a gzip, zlib or zstd stream; text may ("x^", "x\x01"), so a line goes first.
    guarded = text[:1] in (b"\x1f", b"x", b"(")
    lines = pl.read_lines(b"\n" + text if guarded else text).to_series()
    if guarded:
        lines = lines.slice(1)
    if _unended(data) and not _unended(text):  # the last line was nothing but a byte order mark
        lines = lines.extend(pl.Series([""], dtype=pl.String))
    return lines


def _unended(data: bytes) -> bool:
    return data != b"" and not data.endswith(b"\n")


def _mend(data: bytes) -> tuple[bytes, int]:
    """Valid UTF-8 with one U+FFFD for each broken byte, and the number of lines that had one."""
    pieces: list[bytes] = []
    broken = 0
    at = 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    while at < len(data):
        end = data.rfind(b"\n", at, at + PIECE) + 1 or at + PIECE
        piece = decoder.decode(data[at:end], final=end >= len(data)).encode("utf-8", "surrogatepass")
        touched = len(_BROKEN_LINE.findall(piece)) if b"\xed" in piece else 0
        pieces.append(_BROKEN.sub("\ufffd".encode(), piece) if touched else piece)
        broken += touched
        at = end
    return b"".join(pieces), broken
