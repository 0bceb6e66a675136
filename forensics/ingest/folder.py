"""Files from disk into the evidence folder: whatever lies under the paths that a user names.

Nothing is unpacked here: archives are taken whole, and read member by member when they are loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import EvidenceUnreadable, NothingToAnalyse
from forensics.ingest.evidence import MANIFEST, EvidenceFolder, read_manifest, safe_path
from forensics.ingest.recognise import CLAIMED, HEAD, recognise
from forensics.model import Progress

# Parts of a checkout or a case that hold no evidence and may be huge.
_SKIPPED_FOLDERS = {".git", "node_modules", ".venv", "__pycache__", "__MACOSX", ".spill"}
_CASE_FILES = {"case.duckdb", "case.duckdb.wal"}


@dataclass(frozen=True)
class Candidate:
    """A file that may be taken."""

    file: Path
    name: str
    """The path it would get in the evidence folder."""
    source: str


@dataclass(frozen=True)
class Refused:
    """A file that was not taken, and why."""

    name: str
    kind: str
    detail: str


@dataclass(frozen=True)
class Intake:
    """What a walk over the paths brought."""

    new: tuple[str, ...]
    """Evidence paths taken now."""
    known: int
    """Files that were there already."""
    bytes: int
    """Size of what was taken now."""
    refused: tuple[Refused, ...]


def take_files(folder: EvidenceFolder, paths: Sequence[Path], progress: Progress) -> Intake:
    """Take everything recognisable under the paths. Raises NothingToAnalyse when a path does not exist."""
    for path in paths:
        if not path.exists():
            raise NothingToAnalyse(f"There is no file or folder {path}.", hint="Check the path after --from.")
    candidates = [candidate for path in paths for candidate in _walk(path)]
    progress.start("Taking files", len(candidates))
    new: list[str] = []
    refused: list[Refused] = []
    known = size = 0
    for candidate in candidates:
        reason = _reason_to_refuse(candidate)
        if reason:
            refused.append(reason)
        else:
            try:
                taken = folder.take(candidate.file, candidate.name, candidate.source)
            except EvidenceUnreadable as error:
                refused.append(Refused(safe_path(candidate.name), "unreadable", f"{error.message} {error.hint}"))
            else:
                known += not taken.new
                if taken.new:
                    new.append(taken.evidence.path)
                    size += taken.evidence.size
        progress.advance(1)
    progress.done()
    return Intake(tuple(new), known, size, tuple(refused))


def _reason_to_refuse(candidate: Candidate) -> Refused | None:
    """None for a file to take; files are taken by content, or when their name claims to be ours."""
    try:
        with candidate.file.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError as error:
        return Refused(
            safe_path(candidate.name),
            "unreadable",
            f"{candidate.source} cannot be read: {error.strerror}. Check its permissions and ingest it again.",
        )
    if recognise(candidate.name, head) or candidate.file.suffix.lower() in CLAIMED:
        return None
    return Refused(
        safe_path(candidate.name),
        "not-recognised",
        f"{candidate.source} is no log, archive, GitHub JSON or workflow file; it was not taken.",
    )


def _walk(path: Path) -> Iterator[Candidate]:
    if path.is_file():
        yield Candidate(path, path.name, path.name)
        return
    evidence = _evidence_of_case(path)
    if evidence:
        yield from _from_case(evidence)
        return
    # The folder's own name stays part of the path: it often names the run.
    root = path.resolve()
    for file in _files(root):
        name = f"{root.name}/{file.relative_to(root).as_posix()}" if root.name else file.relative_to(root).as_posix()
        yield Candidate(file, name, name)


def _evidence_of_case(path: Path) -> Path | None:
    """The evidence folder when the path is one, or is a case."""
    for folder in (path, path / "evidence"):
        if (folder / MANIFEST).is_file():
            return folder
    return None


def _from_case(evidence: Path) -> Iterator[Candidate]:
    """A case handed over: names and sources as they were first taken, so that loading gives the same."""
    for entry in read_manifest(evidence):
        # A manifest from outside may name anything: only files below its own folder are taken.
        yield Candidate(evidence / safe_path(entry.path), entry.path, entry.source)


def _files(root: Path) -> Iterator[Path]:
    """Regular files below a folder in a fixed order; links to folders are not followed."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        for name in sorted(files):
            file = Path(folder) / name
            if name not in _CASE_FILES and name != MANIFEST and file.is_file():
                yield file
