"""Files from disk into the evidence folder: whatever lies under the paths that a user names.

Nothing is unpacked here: archives are taken whole, and read member by member when they are loaded.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.errors import EvidenceUnreadable, NothingToAnalyse
from forensics.ingest.evidence import MANIFEST, EvidenceFolder, Taken, read_manifest, safe_path
from forensics.ingest.recognise import CLAIMED, HEAD, recognise
from forensics.model import Progress

# Parts of a checkout or a case that hold no evidence and may be huge.
_SKIPPED_FOLDERS = {".git", "node_modules", ".venv", "__pycache__", "__MACOSX", ".spill"}
_CASE_FILES = {"case.duckdb", "case.duckdb.wal"}
_CASE_FOLDERS = ("reports", ".loading", ".spill")


@dataclass(frozen=True)
class Candidate:
    """A file that may be taken."""

    file: Path
    name: str
    """The path it would get in the evidence folder."""
    source: str
    sha256: str | None = None
    """What the manifest of the case that it comes from says of it."""


@dataclass(frozen=True)
class Refused:
    """A file or folder that was not taken, or not as it once was, and why."""

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
    found = [one for path in paths for one in _walk(path, folder.root)]
    candidates = [one for one in found if isinstance(one, Candidate)]
    refused = [one for one in found if isinstance(one, Refused)]
    progress.start("Taking files", len(candidates))
    new: list[str] = []
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
                refused += _changes(candidate, taken)
                known += not taken.new
                if taken.new:
                    new.append(taken.evidence.path)
                    size += taken.evidence.size
        progress.advance(1)
    progress.done()
    return Intake(tuple(new), known, size, tuple(refused))


def _changes(candidate: Candidate, taken: Taken) -> Iterator[Refused]:
    """What is to be said of a file that was taken but is not what it was."""
    path = taken.evidence.path
    if candidate.sha256 and candidate.sha256 != taken.evidence.sha256:
        yield Refused(
            path,
            "changed-evidence",
            f"{candidate.source} is not what the manifest of its case says; taken as it is now.",
        )
    if taken.edited:
        yield Refused(
            taken.edited,
            "changed-evidence",
            f"{candidate.source} was edited in place after it was taken, and the case's copy, a hard link, with it; "
            f"as it is now it was taken as {path}.",
        )


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


def _walk(path: Path, own: Path) -> Iterator[Candidate | Refused]:
    """What lies under a path; ``own`` is the evidence folder that is being filled, never a source of itself."""
    if path.is_file():
        yield Candidate(path, path.name, _shown(path.name))
        return
    skipped = {own.resolve(), *((own.parent / name).resolve() for name in _CASE_FOLDERS)}
    for evidence in (path, path / "evidence"):
        if (evidence / MANIFEST).is_file() and evidence.resolve() not in skipped:
            yield from _from_case(evidence)
            if evidence == path:
                return
            skipped |= {evidence.resolve(), *((path / name).resolve() for name in _CASE_FOLDERS)}
    # The folder's own name stays part of the path: it often names the run.
    root = path.resolve()
    if root in skipped:
        return
    for file in _files(root, skipped):
        relative = (file.file if isinstance(file, _Passed) else file).relative_to(root).as_posix()
        name = f"{root.name}/{relative}" if root.name else relative
        if isinstance(file, _Passed):
            yield Refused(safe_path(name), file.kind, f"{_shown(name)} {file.why}")
        else:
            yield Candidate(file, name, _shown(name))


def _from_case(evidence: Path) -> Iterator[Candidate | Refused]:
    """A case handed over: names and sources as they were first taken, so that loading gives the same."""
    listed = set()
    for entry in read_manifest(evidence):
        # A manifest from outside may name anything: only files below its own folder are taken.
        path = safe_path(entry.path)
        listed.add(path)
        yield Candidate(evidence / path, entry.path, _shown(entry.source), entry.sha256)
    for file in _files(evidence, set()):
        name = (file.file if isinstance(file, _Passed) else file).relative_to(evidence).as_posix()
        if name not in listed:
            yield Refused(safe_path(name), "not-in-manifest", f"{_shown(name)} lies in the evidence of a case whose "
                          "manifest does not name it; it was not taken. Ingest it by its own path.")  # fmt: skip


@dataclass(frozen=True)
class _Passed:
    """Something below a folder that cannot be taken."""

    file: Path
    kind: str
    why: str


def _files(root: Path, skipped: Collection[Path]) -> Iterator[Path | _Passed]:
    """Regular files below a folder in a fixed order; links to folders are not followed, but told of."""
    failed: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=failed.append):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS and here / name not in skipped)
        for name in folders:
            if (here / name).is_symlink():
                why = "is a link to a folder, which is not followed; name its target after --from."
                yield _Passed(here / name, "not-followed", why)
        for name in sorted(files):
            if name in _CASE_FILES or name == MANIFEST:
                continue
            yield _regular(here / name)
    for error in failed:
        yield _Passed(Path(os.fsdecode(error.filename)), "unreadable",
                      f"cannot be opened: {error.strerror}. Check its permissions and ingest it again.")  # fmt: skip


def _regular(file: Path) -> Path | _Passed:
    try:
        if file.is_file():
            return file
    except OSError:
        return file  # opening it will say why it cannot be read
    why = "is a link that leads nowhere." if file.is_symlink() else "is no file but a pipe, socket or device."
    return _Passed(file, "unreadable", why)


def _shown(name: str) -> str:
    """A name as text: bytes of it that are not UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
