"""Log archives that no runner wrote: broken, hostile, sparse."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO

from forensics.synth.logtext import BOM, pack

_LINE = b"2026-11-02T08:00:00.0000000Z a line\n"


def good() -> bytes:
    """A small archive with one job."""
    return pack([("0_build.txt", BOM + _LINE), ("build/system.txt", _LINE)])


def named(*names: str) -> bytes:
    """One member of each name, however hostile: ``../``, absolute, duplicates."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        seen: set[str] = set()
        for name in names:
            entry = zipfile.ZipInfo(name)
            if name in seen:
                archive.NameToInfo.pop(name)  # or zipfile warns of the duplicate, and warnings are errors
            seen.add(name)
            archive.writestr(entry, _LINE)
    return buffer.getvalue()


def symlink(name: str = "0_build.txt", target: str = "/etc/passwd") -> bytes:
    """A member that is a symbolic link."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system = 3
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, target)
    return buffer.getvalue()


def bomb(size: int = 128 << 20, name: str = "0_build.txt") -> bytes:
    """One member of zeros that unpacks to ``size`` bytes, a thousandth of that packed."""
    buffer = BytesIO()
    block = bytes(1 << 20)
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w") as archive, archive.open(entry, "w", force_zip64=size >= 1 << 31) as member:
        for _ in range(size >> 20):
            member.write(block)
    return buffer.getvalue()


def crowded(members: int = 100_000) -> bytes:
    """So many empty members."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(members):
            archive.writestr(zipfile.ZipInfo(f"build/{number}_x.txt"), b"")
    return buffer.getvalue()


def spoil_member(content: bytes, name: str | None = None) -> bytes:
    """The archive with a wrong checksum for one member (the last by default), in both its headers."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        entries = archive.infolist()
    entry = next((known for known in entries if known.filename == name), entries[-1])
    spoilt = bytearray(content)
    wrong = struct.pack("<I", entry.CRC ^ 0xFFFFFFFF)
    spoilt[entry.header_offset + 14 : entry.header_offset + 18] = wrong
    directory = content.find(b"PK\x01\x02")
    while directory >= 0:
        (offset,) = struct.unpack_from("<I", content, directory + 42)
        if offset == entry.header_offset:
            spoilt[directory + 16 : directory + 20] = wrong
            return bytes(spoilt)
        directory = content.find(b"PK\x01\x02", directory + 4)
    raise ValueError(f"no {name} in the archive's directory")
