"""Bytes into lines: encodings, byte order marks, line ends. Nothing is dropped; what is mended is said in notes."""

from __future__ import annotations

import codecs
from typing import NamedTuple

import polars as pl

BOM = "\ufeff"
PIECE = 8 << 20
"""Bytes mended at a time, so that broken bytes do not multiply the memory needed."""

REPLACEMENT = "\ufffd".encode()


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
    of 2 MB are separate files joined later, each with its own mark. What is not UTF-8 becomes U+FFFD.
    """
    notes: list[Note] = []
    if is_utf16(data):
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
    return data.decode("utf-16", "replace").encode() if is_utf16(data) else data


def is_utf16(data: bytes) -> bool:
    """Whether a byte order mark says so."""
    return data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def count_lines(data: bytes) -> int:
    """How many lines ``split`` makes of the bytes, without making them."""
    data = to_utf8(data)
    return data.count(b"\n") + _unended(data)


def _unended(data: bytes) -> bool:
    return data != b"" and not data.endswith(b"\n")


def _read(data: bytes) -> pl.Series:
    # Polars inflates what begins like a gzip, zlib or zstd stream; text may ("x^", "x\x01"), so a line goes first.
    guarded = data[:1] in (b"\x1f", b"x", b"(")
    lines = pl.read_lines(b"\n" + data if guarded else data).to_series()
    if guarded:
        lines = lines.slice(1)
    marked = lines.str.contains(BOM, literal=True).arg_true()
    if len(marked):
        lines = lines.scatter(marked, lines.gather(marked).str.replace_all(BOM, "", literal=True))
    return lines


def _mend(data: bytes) -> tuple[bytes, int]:
    """Valid UTF-8 with U+FFFD for what was broken, and the number of lines that had any."""
    mended = _replace_broken(data)
    # Where U+FFFD was there before, broken lines are counted in a text without it.
    counted = _replace_broken(data.replace(REPLACEMENT, b"?")) if REPLACEMENT in data else mended
    return mended, int(_read(counted).str.contains(REPLACEMENT.decode(), literal=True).sum() or 0)


def _replace_broken(data: bytes) -> bytes:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    ends = range(PIECE, len(data) + PIECE, PIECE)
    return b"".join(decoder.decode(data[end - PIECE : end], end >= len(data)).encode() for end in ends)
