"""Units of loading: the log of one run in an archive or folder, or a single text.

A unit is the smallest thing whose run can be decided, and what is read again as a whole when its files or
its attribution change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from forensics.load.naming import Named, read_name
from forensics.logs.archive import JobFiles, group


@dataclass(frozen=True)
class Text:
    """One text in the evidence: a plain file (member ``""``) or a member of an archive."""

    evidence_path: str
    member: str

    @property
    def path(self) -> str:
        """Both joined, for reading names."""
        return f"{self.evidence_path}/{self.member}" if self.member else self.evidence_path


@dataclass(frozen=True)
class JobTexts:
    """The texts of one job as the archive names it; ``name`` is None for a single text of unknown job."""

    name: str | None
    job: Text | None
    steps: tuple[tuple[int, str, Text], ...]
    system: Text | None

    @property
    def texts(self) -> tuple[Text, ...]:
        """All of them, the job's own first: the first one stands for the job in ``log_lines.source_id``."""
        found = [self.job, *(text for _, _, text in self.steps), self.system]
        return tuple(text for text in found if text is not None)


@dataclass(frozen=True)
class Unit:
    """What is attributed and loaded as one."""

    unit_id: str
    form: str
    """archive (jobs with their own files) or text (one file, whose own lines tell the jobs)."""
    directory: str
    """Folder in the evidence whose JSON counts as neighbour."""
    name: str
    """Path whose words count for attribution."""
    jobs: tuple[JobTexts, ...]
    content: str
    """Digest of the files it consists of."""

    @cached_property
    def named(self) -> Named:
        """What the name says."""
        return read_name(self.name)

    @property
    def plain(self) -> bool:
        """Whether it consists of plain evidence files, not of members of an archive."""
        return not any(text.member for job in self.jobs for text in job.texts)

    @property
    def texts(self) -> tuple[Text, ...]:
        """All texts of its jobs."""
        return tuple(text for job in self.jobs for text in job.texts)

    @property
    def evidence_paths(self) -> tuple[str, ...]:
        """The evidence files that it is read from."""
        return tuple(dict.fromkeys(text.evidence_path for job in self.jobs for text in job.texts))


def units_of_archive(path: str, members: Sequence[str], sha256: str) -> list[Unit]:
    """The units of one archive, from the names of its log members."""
    grouping = group(members)
    units = [
        _archive_unit(f"{path}/{run.root}" if run.root else path, run.jobs, lambda name: Text(path, name), sha256)
        for run in grouping.runs
    ]
    return units + [_text_unit(Text(path, member), sha256) for member in grouping.rest]


def units_of_files(files: Iterable[tuple[str, str]]) -> list[Unit]:
    """The units of all plain log files, (evidence path, sha256) each: extracted archives are found by name."""
    digests = dict(files)
    grouping = group(sorted(digests))
    units = []
    for run in grouping.runs:
        names = sorted(text.evidence_path for job in run.jobs for text in _job_texts(job, _plain).texts)
        content = hashlib.sha256("\n".join(f"{name} {digests[name]}" for name in names).encode()).hexdigest()
        units.append(_archive_unit(run.root or "", run.jobs, _plain, content))
    return units + [_text_unit(Text(name, ""), digests[name]) for name in grouping.rest]


def _plain(name: str) -> Text:
    return Text(name, "")


def _archive_unit(where: str, jobs: Sequence[JobFiles], place: Callable[[str], Text], content: str) -> Unit:
    texts = tuple(_job_texts(job, place) for job in jobs)
    return Unit(f"run:{where}", "archive", _directory(texts), f"{where}/", texts, content)


def _directory(jobs: Sequence[JobTexts]) -> str:
    first = next((text for job in jobs for text in job.texts), None)
    if first is None:
        return ""
    if first.member:
        return first.evidence_path.rpartition("/")[0]
    # An extracted step file lies one folder below the run's own.
    return min((text.evidence_path.rpartition("/")[0] for job in jobs for text in job.texts), key=len)


def _text_unit(text: Text, content: str) -> Unit:
    job = JobTexts(None, text, (), None)
    return Unit(f"text:{text.path}", "text", text.evidence_path.rpartition("/")[0], text.path, (job,), content)


def _job_texts(job: JobFiles, place: Callable[[str], Text]) -> JobTexts:
    return JobTexts(
        job.name,
        place(job.job_member) if job.job_member else None,
        tuple((step.number, step.name, place(step.member)) for step in job.steps),
        place(job.system_member) if job.system_member else None,
    )
