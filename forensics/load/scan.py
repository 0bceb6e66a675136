"""What an evidence file holds: JSON pages, workflow files and log texts, also inside archives."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from forensics.errors import EvidenceUnreadable
from forensics.ingest.recognise import HEAD, recognise
from forensics.load.container import DEPTH, PIECE, Member, kind_of, open_container, open_file
from forensics.logs.archive import group

_CONTAINERS = ("zip", "tar", "gzip", "xz")
_RUN_LOG_MEMBER = re.compile(r"(?:^|/)(?:-?\d{1,19}_[^/]+|system)\.txt$")
_TOMBSTONE = re.compile(r"(?:^|/)repos/[^/]+/[^/]+/actions/.*gone[^/]*\.json$")
"""The server's word that it has something no more, as the live ingest keeps it: what it means stands in ``work``."""
_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "manifest.jsonl", "case.duckdb")
NESTED = "!/"
"""Joins the name of an inner archive and of its member, as in ``logs.zip!/0_build.txt``."""


@dataclass(frozen=True)
class Problem:
    """A row for `problems`."""

    kind: str
    evidence_path: str
    member: str
    detail: str
    lines: int = 0
    run_id: int | None = None
    job_id: int | None = None


@dataclass
class Scan:
    """The documents of one evidence file; ``""`` names the file itself."""

    kind: str | None
    pages: list[tuple[str, bytes]] = field(default_factory=list)
    workflows: list[tuple[str, bytes]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: str | None, member: str, data: bytes, path: str) -> None:
        """File one document under its kind."""
        if f"/{member}".endswith("/evidence/manifest.jsonl"):
            return  # a case handed over as an archive: its manifest is no page of GitHub's
        if kind == "json":
            self.pages.append((member, data))
        elif kind == "workflow":
            self.workflows.append((member, data))
        elif kind == "log":
            self.logs.append(member)
        elif not any(part in member for part in _LITTER):
            self.problems.append(
                Problem("not-recognised", path, member, "It is no log, archive, GitHub JSON or workflow file.")
            )


def scan(root: Path, path: str) -> Scan:
    """List an evidence file. Never raises: damage becomes a problem, what was readable is kept."""
    try:
        with open_file(root, path) as stream:
            kind, head = kind_of(path, stream)
            found = Scan(kind)
            if _TOMBSTONE.search(path):
                return found
            if kind in _CONTAINERS:
                _scan_container(kind, path, "", stream, found, DEPTH)
                if not (found.pages or found.workflows or found.logs or found.problems):
                    found.problems.append(Problem("empty", path, "", "The archive holds no file."))
            elif kind is None:
                found.problems.append(Problem("damaged", path, "", _why_unrecognised(path, head)))
            else:
                found.add(kind, "", stream.read() if kind != "log" else b"", path)
            return found
    except EvidenceUnreadable as error:
        return Scan(None, problems=[Problem("damaged", path, "", f"{error.message} {error.hint}")])


def _why_unrecognised(path: str, head: bytes) -> str:
    suffix = Path(path).suffix
    if not head:
        return "The file is empty."
    if head.startswith(b"\xff\xd8\xff"):
        return f"It is named {suffix} but is a JPEG picture."
    if head.startswith(b"\x89PNG"):
        return f"It is named {suffix} but is a PNG picture."
    return f"Its content is not what its name ({suffix}) says; check that it was downloaded whole."


def _scan_container(kind: str, path: str, prefix: str, stream: BinaryIO, found: Scan, depth: int) -> None:
    name = (prefix.removesuffix(NESTED) or path).rsplit("/", 1)[-1]
    try:
        members = open_container(kind, name, stream)
        if kind == "zip":
            listed = list(members)
            # A run log's own members are known by their names; only the rest must be looked into.
            rest = set(group([member.name for member in listed]).rest)
            found.logs.extend(prefix + member.name for member in listed if member.name not in rest)
            members = iter([member for member in listed if member.name in rest])
        for member in members:
            _scan_member(path, prefix, member, found, depth)
    except EvidenceUnreadable as error:
        found.problems.append(
            Problem(_damage(error), path, prefix.removesuffix(NESTED), f"{error.message} {error.hint}")
        )


def _scan_member(path: str, prefix: str, member: Member, found: Scan, depth: int) -> None:
    full = prefix + member.name
    try:
        data = member.read()
    except EvidenceUnreadable as error:
        found.problems.append(Problem(_damage(error), path, full, f"{error.message} {error.hint}"))
        return
    # In a stream the names are not known beforehand: those of run-log members need no second look either.
    kind = "log" if _RUN_LOG_MEMBER.search(member.name) else recognise(member.name, data[:HEAD])
    if kind not in _CONTAINERS:
        found.add(kind, full, data, path)
    elif depth <= 1:
        found.problems.append(Problem("too-deep", path, full, f"Archives are opened {DEPTH} deep; ingest it alone."))
    else:
        _scan_container(kind, path, full + NESTED, io.BytesIO(data), found, depth - 1)


def _damage(error: EvidenceUnreadable) -> str:
    if "bomb" in error.message:
        return "zip-bomb"
    return "bad-crc" if "checksum" in error.message else "damaged"


def read_members(root: Path, path: str, wanted: Collection[str]) -> Iterator[tuple[str, bytes | EvidenceUnreadable]]:
    """The wanted members of an evidence file in the order they lie there; damage is given, not raised."""
    try:
        with open_file(root, path) as stream:
            if "" in wanted:
                yield "", stream.read()
                return
            for full, member in _open_members(path, stream, wanted):
                try:
                    yield full, member.read()
                except EvidenceUnreadable as error:
                    yield full, error
    except EvidenceUnreadable as error:
        yield "", error


def read_pieces(root: Path, path: str, wanted: str) -> Iterator[bytes]:
    """A member (or the file itself, ``""``) in pieces, small ones where its container can give such.

    Raises EvidenceUnreadable where the damage is met: what was given before is worth nothing then.
    """
    with open_file(root, path) as stream:
        if not wanted:
            while piece := stream.read(PIECE):
                yield piece
            return
        for _, member in _open_members(path, stream, {wanted}):
            yield from member.pieces() if member.pieces else [member.read()]
            return
    raise EvidenceUnreadable("It is not there any more.", hint="forensics verify")


def weigh_members(root: Path, path: str, wanted: Collection[str]) -> dict[str, int]:
    """Bytes of the wanted members as far as they can be told; reading what is damaged will say what it is."""
    sizes: dict[str, int] = {}
    try:
        with open_file(root, path) as stream:
            if "" in wanted:
                return {"": stream.seek(0, io.SEEK_END)}
            sizes.update((full, member.size) for full, member in _open_members(path, stream, wanted))
    except EvidenceUnreadable:
        return sizes
    return sizes


def _open_members(path: str, stream: BinaryIO, wanted: Collection[str]) -> Iterator[tuple[str, Member]]:
    kind, _ = kind_of(path, stream)
    if kind in _CONTAINERS:
        inner = {name[: at + len(NESTED)] for name in wanted for at in _places(name)}
        yield from _open_inside(kind, path, "", stream, wanted, inner)


def _places(name: str) -> Iterator[int]:
    at = name.find(NESTED)
    while at >= 0:
        yield at
        at = name.find(NESTED, at + 1)


def _open_inside(
    kind: str, path: str, prefix: str, stream: BinaryIO, wanted: Collection[str], inner: Collection[str]
) -> Iterator[tuple[str, Member]]:
    name = (prefix.removesuffix(NESTED) or path).rsplit("/", 1)[-1]
    for member in open_container(kind, name, stream):
        full = prefix + member.name
        if full in wanted:
            yield full, member
        elif full + NESTED in inner:
            data = member.read()
            found = recognise(member.name, data[:HEAD]) or ""
            yield from _open_inside(found, path, full + NESTED, io.BytesIO(data), wanted, inner)
