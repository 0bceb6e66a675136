"""The workflow files of one repository: found, read, and put side by side."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from forensics.audit.play import Library, Script, called_path, calls_locally, play, prepare
from forensics.audit.reach import load_reaches
from forensics.errors import ForensicsError, NothingToAnalyse
from forensics.workflow.document import Document, Place, Refusal
from forensics.workflow.read import read_workflow

MOST_BYTES = 1_000_000
"""A larger file is no workflow that GitHub would run; it is named, not read."""

FOLDER = ".github/workflows"
_IN_PARALLEL = 60
"""From so many files on, starting processes costs less than it saves."""
_CHUNK = 20


@dataclass(frozen=True)
class Checkout:
    """What the rules look at."""

    scripts: tuple[Script, ...]
    """By path."""

    @cached_property
    def library(self) -> Library:
        """Scripts by the path that a call gives."""
        return library_of(self.scripts)

    @cached_property
    def started(self) -> tuple[Script, ...]:
        """Scripts that GitHub runs and that an event starts."""
        return tuple(script for script in self.scripts if not script.only_called and not is_refused(script.document))

    def script(self, path: str) -> Script:
        """A script by its path."""
        return self.by_path[path]

    @cached_property
    def by_path(self) -> Mapping[str, Script]:
        """Scripts by their own path."""
        return {script.path: script for script in self.scripts}


def find_files(path: Path) -> list[tuple[Path, str]]:
    """Workflow files at a path with the names they go by, sorted. Links are not followed: GitHub does not either."""
    if path.is_file():
        return [(path, _name(path.resolve()))]
    inside = path / ".github" / "workflows"
    folder = inside if inside.is_dir() else path
    try:
        found = [file for file in folder.iterdir() if file.suffix in (".yml", ".yaml")]
    except OSError as error:
        raise NothingToAnalyse(f"{path} cannot be read: {error.strerror}.", hint="Name another folder.") from error
    return [(file, _name(file)) for file in sorted(found) if file.is_file() and not file.is_symlink()]


def read_files(files: Sequence[tuple[Path, str]], workers: int = 1) -> list[Script]:
    """Files with the names they go by, read and played as far as each can be by itself."""
    load_reaches()
    chunks = [files[at : at + _CHUNK] for at in range(0, len(files), _CHUNK)]
    if workers < 2 or len(files) < _IN_PARALLEL or "fork" not in multiprocessing.get_all_start_methods():
        return [script for chunk in chunks for script in _read_chunk(chunk)]
    # Trees of small objects that all stay: looking for garbage among them again and again costs a tenth of the time.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), initializer=gc.disable) as pool:
        return [script for scripts in pool.map(_read_chunk, chunks) for script in scripts]


def read_text(text: str, path: str) -> Script:
    """One file's text, the same way; what is no YAML becomes a script with a refusal."""
    try:
        document = read_workflow(text, path)
    except ForensicsError as error:
        return _unread(path, error.message)
    script = prepare(document)
    # What calls others of the checkout is played when all of them are read.
    return script if calls_locally(document) else replace(script, situations=play(script, {}))


def is_refused(document: Document) -> bool:
    """Whether GitHub does not run the file at all."""
    return any(refusal.severity == "error" for refusal in document.refusals)


def library_of(scripts: Iterable[Script]) -> dict[str, Script]:
    """Scripts by the path that ``uses`` gives; a file from elsewhere counts as one of the folder of workflows."""
    library: dict[str, Script] = {}
    for script in scripts:
        library[called_path(script.path)] = script
        library.setdefault(f"{FOLDER}/{script.path.rpartition('/')[2]}", script)
    return library


def _name(file: Path) -> str:
    """As GitHub names it where the folder says so, else the file's name alone: no place on this machine is shown."""
    folder = file.absolute().parent
    return f"{FOLDER}/{file.name}" if folder.as_posix().endswith(f"/{FOLDER}") else file.name


def _read_chunk(files: Sequence[tuple[Path, str]]) -> list[Script]:
    return [_read_file(file, name) for file, name in files]


def _read_file(file: Path, name: str) -> Script:
    try:
        if file.stat().st_size > MOST_BYTES:
            return _unread(name, f"The file has more than {MOST_BYTES:,} bytes, so it was not read.")
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unread(name, f"The file is not UTF-8: byte {error.start + 1} cannot be read.")
    except OSError as error:
        return _unread(name, f"The file cannot be read: {error.strerror}.")
    return read_text(text, name)


def _unread(path: str, why: str) -> Script:
    return Script(Document(path, None, None, (), (), refusals=(Refusal(Place(1, 1), why),)), {})
