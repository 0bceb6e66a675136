"""Member names of a log archive into runs, jobs and steps; names only, nothing is opened.

Three generations of GitHub's layout, in a zip, a tar with any prefix, or an extracted folder::

    <root>/<ordinal>_<job>.txt        the whole job; the ordinal is not the job id (legacy: -2147483648_<job>.txt)
    <root>/<job>/<number>_<step>.txt  one step, numbered as in the jobs API; missing in some archives since 2025-03
    <root>/<job>/system.txt           what the service wrote while it looked for a runner; since 2025

Job names are mangled: until 2025 ``/`` and ``:`` were removed and the rest cut to 90 UTF-16 units, so that half a
surrogate pair may be left as U+FFFD; since then illegal characters become ``_``. (cli/cli ``getZipLogMap``, #11109.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import islice

OLD_CUT = 90
"""UTF-16 units after which job names were cut until 2025."""
SURE_PREFIX = 12
"""Letters and digits that a cut name must share with a full one; a shorter one may be another job's whole name."""
MOST_JOBS = 1_000
"""Job files among which a mangled name is searched; GitHub makes 256 jobs of a matrix. Exact names always match."""

MOST_STEPS = 1_000_000
"""No job has a step of a higher number; a file that begins with one is no step."""

_NUMBERED = re.compile(r"(-?\d{1,19})_(.+)\.txt\Z", re.IGNORECASE | re.DOTALL | re.ASCII)
_STEP_OF_RUNNER = re.compile(r"\d+_(?:Set up job|Complete job)\.txt\Z", re.IGNORECASE | re.ASCII)
# Folders at the top of a container that hold a whole run rather than one job of it.
_RUN_FOLDER = re.compile(r"\d{5,}|\b(?:logs?|runs?)\b", re.IGNORECASE)
_SYSTEM = "system.txt"


@dataclass(frozen=True)
class StepFile:
    """The log of one step."""

    number: int
    """As in the jobs API."""
    name: str
    """As the archive has it, mangled."""
    member: str


@dataclass(frozen=True)
class JobFiles:
    """The files of one job; at least one of them is there."""

    name: str
    """As the archive has it, mangled; empty when only a folder without a name is known."""
    ordinal: int | None
    """Number before the job file's name."""
    job_member: str | None
    steps: tuple[StepFile, ...]
    """By number, each number once."""
    system_member: str | None


@dataclass(frozen=True)
class RunLog:
    """The log of one run."""

    root: str
    """Folder that holds it, without a slash at the end; empty for the top of the archive."""
    jobs: tuple[JobFiles, ...]


@dataclass(frozen=True)
class Grouping:
    """All names of a container, each exactly once."""

    runs: tuple[RunLog, ...]
    rest: tuple[str, ...]
    """Names that belong to no run's log, in the order given."""


@dataclass
class _Folder:
    """What lies directly in one folder."""

    numbered: list[tuple[int, str, str]] = field(default_factory=list)
    """Number, name and member of each ``<number>_<name>.txt``."""
    system: str | None = None
    of_runner: bool = False
    """Holds "Set up job" or "Complete job", which only a job's folder does."""

    @cached_property
    def names(self) -> dict[str, int]:
        """Each name's first place in ``numbered``, once that is complete."""
        return {name: at for at, (_, name, _) in reversed(list(enumerate(self.numbered)))}


def group(names: Sequence[str]) -> Grouping:
    """Find the run logs among the names of a container's members or of the files below a folder.

    Both kinds of slash part folders. A name given twice, or a second file for a step number, is in ``rest``.
    """
    rest: list[str] = []
    folders = _folders(names, rest)
    for folder in folders.values():
        folder.numbered.sort()
    jobs_of: dict[str, list[str]] = {}
    for path in folders:
        if _is_job(path, folders):
            jobs_of.setdefault(_parent(path), []).append(path)
    job_folders = {path for paths in jobs_of.values() for path in paths}
    roots = dict.fromkeys([*jobs_of, *(path for path in folders if path not in job_folders)])
    runs = []
    for root in sorted(roots):
        own = folders[root] if root in folders and root not in job_folders else _Folder()
        if jobs := _jobs(own, [(path, folders[path]) for path in sorted(jobs_of.get(root, []))], rest):
            runs.append(RunLog(root, tuple(jobs)))
    order = {name: at for at, name in reversed(list(enumerate(names)))}
    return Grouping(tuple(runs), tuple(sorted(rest, key=lambda name: order[name])))


def match_job(name_in_archive: str, job_names: Sequence[str]) -> int | None:
    """Index of the job that an archive's name means, among the full names of the jobs API; None when not clear."""
    for key in (_old_name, _new_name, _plain):
        wanted = _plain(name_in_archive) if key is _plain else name_in_archive
        if wanted and (found := [at for at, name in enumerate(job_names) if key(name) == wanted]):
            return found[0] if len(found) == 1 else None
    wanted = _plain(name_in_archive)
    if len(wanted) < SURE_PREFIX and _units(name_in_archive) < OLD_CUT - 2:
        return None
    found = [at for at, name in enumerate(job_names) if wanted and _plain(name).startswith(wanted)]
    return found[0] if len(found) == 1 else None


def _folders(names: Iterable[str], rest: list[str]) -> dict[str, _Folder]:
    """Folders with numbered texts or a system.txt; names that are neither go to ``rest``."""
    folders: dict[str, _Folder] = {}
    seen: set[str] = set()
    for name in names:
        path, _, file = name.replace("\\", "/").rpartition("/")
        numbered = _NUMBERED.fullmatch(file)
        is_system = file.casefold() == _SYSTEM and path != ""
        if name in seen or not (numbered or is_system) or "__MACOSX" in path.split("/"):
            rest.append(name)
            continue
        seen.add(name)
        folder = folders.setdefault(path, _Folder())
        if numbered:
            folder.numbered.append((int(numbered[1]), numbered[2], name))
            folder.of_runner |= _STEP_OF_RUNNER.fullmatch(file) is not None
        elif folder.system is None:
            folder.system = name
        else:
            rest.append(name)
    return folders


def _is_job(path: str, folders: dict[str, _Folder]) -> bool:
    """Whether a folder holds one job's steps, rather than a run's jobs."""
    folder = folders[path]
    if folder.system is not None or folder.of_runner:
        return True
    above = folders.get(_parent(path)) if path else None
    if above is None:
        # A zip without job files (cli/cli fixture run_log.zip): its top folders are jobs. Steps count from 1.
        top = path != "" and "/" not in path and "" not in folders
        return top and min(folder.numbered)[0] > 0 and not _RUN_FOLDER.search(path)
    if above.of_runner or above.system is not None:
        return False
    return _base(path) in above.names or _match(_base(path), list(islice(above.names, MOST_JOBS + 1))) is not None


def _jobs(root: _Folder, folders: Sequence[tuple[str, _Folder]], rest: list[str]) -> list[JobFiles]:
    """Job files and job folders of one run, put together by their names."""
    files = root.numbered
    if root.system is not None:
        rest.append(root.system)
    # Exact names first, so that a cut name does not take a file that is another folder's own.
    taken = {path: root.names[_base(path)] for path, _ in folders if _base(path) in root.names}
    free = sorted(set(range(len(files))) - set(taken.values()))
    for path, _ in folders if len(free) <= MOST_JOBS else ():
        if path not in taken and (found := _match(_base(path), [files[at][1] for at in free])) is not None:
            taken[path] = free.pop(found)
    jobs = [JobFiles(name, ordinal, member, (), None) for ordinal, name, member in (files[at] for at in free)]
    for path, folder in folders:
        ordinal, name, member = files[taken[path]] if path in taken else (None, "", None)
        base = _base(path)
        jobs.append(JobFiles(max(base, name, key=len), ordinal, member, _steps(folder, rest), folder.system))
    return sorted(jobs, key=lambda job: (job.ordinal is None, job.ordinal or 0, job.name))


def _steps(folder: _Folder, rest: list[str]) -> tuple[StepFile, ...]:
    steps: dict[int, StepFile] = {}
    for number, name, member in folder.numbered:
        if number in steps or not 0 <= number <= MOST_STEPS:
            rest.append(member)
        else:
            steps[number] = StepFile(number, name, member)
    return tuple(steps[number] for number in sorted(steps))


def _match(folder: str, job_files: Sequence[str]) -> int | None:
    """Index of the job file that a folder belongs to; either name may be the cut one."""
    if len(job_files) > MOST_JOBS:
        return None
    found = match_job(folder, job_files)
    if found is not None:
        return found
    longer = [at for at, name in enumerate(job_files) if match_job(name, [folder]) is not None]
    return longer[0] if len(longer) == 1 else None


@lru_cache(maxsize=4 * MOST_JOBS)
def _old_name(name: str) -> str:
    """A job name as archives had it until 2025."""
    kept = re.sub(r'[\x00-\x1f"*?<>|/:\\]', "", name).encode("utf-16-le", "surrogatepass")
    return kept[: 2 * OLD_CUT].decode("utf-16-le", "replace").strip()


@lru_cache(maxsize=4 * MOST_JOBS)
def _new_name(name: str) -> str:
    """A job name as archives have it since 2025."""
    return re.sub(r'[\x00-\x1f"*?<>|/:\\]', "_", name).strip()


@lru_cache(maxsize=4 * MOST_JOBS)
def _plain(name: str) -> str:
    """Letters and digits only, without regard to case."""
    return "".join(filter(str.isalnum, name.casefold()))


def _units(name: str) -> int:
    return len(name.encode("utf-16-le", "surrogatepass")) // 2


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _base(path: str) -> str:
    return path.rpartition("/")[2]
