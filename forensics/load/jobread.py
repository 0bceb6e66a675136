"""One job's log from its texts: parsed and accounted for, not yet given to a run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from forensics.load.attribution import JobClue
from forensics.load.unit import JobTexts, Text
from forensics.logs.align import ends_alike
from forensics.logs.hints import Hints, read_each
from forensics.logs.job import JobLog, MemberAccount, assemble, drop_repeats, join, join_in_order
from forensics.logs.parse import is_ordinary, parse, parse_split, parse_together, split_together

EDGE = 1 << 16
"""Bytes at both ends of a text that go into its digest."""


@dataclass
class JobRead:
    """One job's log, parsed and not yet attributed."""

    clue: JobClue
    lines: pl.DataFrame
    accounts: list[tuple[Text, str, int, MemberAccount]]
    """Text, member as shown, bytes, account."""
    steps_by: str
    notes: list[tuple[str, str, int]]


def read_jobs(jobs: Sequence[tuple[JobTexts, Mapping[Text, bytes]]]) -> Iterator[list[JobRead]]:
    """Jobs with their own files, each with the texts that could be read: none or one log for each, in order."""
    logs = _parse_ordinary(jobs)
    for at, (job, texts) in enumerate(jobs):
        yield [_archived(job, texts, logs.get(at) or _parse_alone(job, texts))] if texts else []


def _parse_ordinary(jobs: Sequence[tuple[JobTexts, Mapping[Text, bytes]]]) -> dict[int, JobLog]:
    """The jobs whose texts may share one pass, by place; empty when something odd turns up in it."""
    shared = [
        at
        for at, (job, texts) in enumerate(jobs)
        if job.job in texts and all(is_ordinary(data) for data in texts.values())
    ]
    # The job files in their order, and behind them the files of the service.
    service = [at for at in shared if jobs[at][0].system in jobs[at][1]]
    own = [jobs[at][0].job for at in shared] + [jobs[at][0].system for at in service]
    mains = split_together([jobs[at][1][text] for at, text in zip([*shared, *service], own, strict=True) if text])
    owned = [(place, number, text) for place, at in enumerate(shared) for number, text in _steps(*jobs[at])]
    steps = split_together([jobs[shared[place]][1][text] for place, _, text in owned])
    if not shared or mains.notes or steps.notes:
        # A note says nothing of which text it is about: each is read alone then.
        return {}
    alike = ends_alike(mains, steps, [place for place, _, _ in owned])
    frames = parse_split(mains)
    heads = dict(zip(service, frames[len(shared) :], strict=True))
    counts: dict[int, list[tuple[int, int]]] = {place: [] for place in range(len(shared))}
    for (place, number, _), count in zip(owned, steps.counts, strict=True):
        counts[place].append((number, count))
    logs = [
        _join(*jobs[at], frames[place], heads.get(at), counts[place] if alike[place] else None)
        for place, at in enumerate(shared)
    ]
    hints = read_each([log.lines for log in logs])
    return {at: replace(log, hints=hint) for at, log, hint in zip(shared, logs, hints, strict=True)}


def _steps(job: JobTexts, texts: Mapping[Text, bytes]) -> list[tuple[int, Text]]:
    return sorted((number, text) for number, _, text in job.steps if text in texts)


def _join(
    job: JobTexts,
    texts: Mapping[Text, bytes],
    main: pl.DataFrame,
    head: pl.DataFrame | None,
    in_order: list[tuple[int, int]] | None,
) -> JobLog:
    """The log of a job whose job file is parsed; ``in_order`` has the lines of the step files that it ends with."""
    if in_order is None:
        steps = _steps(job, texts)
        frames, _ = parse_together([texts[text] for _, text in steps])
        return join(main, [(number, frame) for (number, _), frame in zip(steps, frames, strict=True)], head)
    return join_in_order(main, in_order, head) if in_order else join(main, [], head)


def _parse_alone(job: JobTexts, texts: Mapping[Text, bytes]) -> JobLog:
    steps = [(number, texts[text]) for number, text in _steps(job, texts)]
    main = texts.get(job.job) if job.job else None
    return assemble(main, steps, texts.get(job.system) if job.system else None)


def _archived(job: JobTexts, texts: Mapping[Text, bytes], log: JobLog) -> JobRead:
    by_role = {f"step:{number}": text for number, _, text in job.steps}
    accounts = []
    for account in log.members:
        text = job.job if account.role == "job" else job.system if account.role == "system" else by_role[account.role]
        if text is not None:
            accounts.append((text, text.member, len(texts[text]), account))
    own = [job.job] if job.job in texts else [text for _, _, text in job.steps if text in texts]
    digest = _digest([texts[text] for text in own if text])
    lines = log.lines
    if log.steps_by == "unknown":
        # Only a job file: the steps are decided when the job is known.
        lines = lines.drop("step_number")
    notes = [(note.kind, note.detail, note.lines) for note in log.notes]
    return JobRead(_clue(job.name, log.hints, lines, digest), lines, accounts, log.steps_by, notes)


def read_text(job: JobTexts, texts: Mapping[Text, bytes]) -> list[JobRead]:
    """A single text: one job's log, or gh's with several jobs."""
    if job.job is None or job.job not in texts:
        return []
    text, data = job.job, texts[job.job]
    parsed = parse(data)
    notes = [(note.kind, note.detail, note.lines) for note in parsed.notes]
    if parsed.form == "raw":
        lines, dropped = drop_repeats(parsed.lines)
        account = MemberAccount("job", parsed.lines.height, lines.height, dropped, 0)
        digest = _digest([data])
        said = _clue(None, parsed.hints, lines, digest)
        return [JobRead(said, lines, [(text, text.member, len(data), account)], "", notes)]
    reads: list[JobRead] = []
    for (name,), part in parsed.lines.group_by(["job"], maintain_order=True):
        numbered = part.with_columns(pl.int_range(1, part.height + 1, dtype=pl.Int32).alias("line_no"))
        lines, dropped = drop_repeats(numbered)
        account = MemberAccount("gh", numbered.height, lines.height, dropped, 0)
        job_name = str(name) if name is not None else None
        hints = parsed.hints_by_job.get(job_name or "", parsed.hints)
        size = int(part["text"].str.len_bytes().sum())
        digest = hashlib.sha256(f"{_digest([data])} {job_name}".encode()).hexdigest()
        member = f"{text.member}\t{job_name}" if text.member else job_name or ""
        said = _clue(job_name, hints, lines, digest)
        reads.append(JobRead(said, lines, [(text, member, size, account)], "", notes if not reads else []))
    return reads


def _digest(parts: Sequence[bytes]) -> str:
    """What a made-up id is made from: both ends and the length tell logs apart, each stamp being unique."""
    digest = hashlib.sha256()
    for data in parts:
        digest.update(b"%d\0%b\0%b\0" % (len(data), data[:EDGE], data[-EDGE:]))
    return digest.hexdigest()


def clue(name: str | None, hints: Hints, first_at: datetime | None, last_at: datetime | None, digest: str) -> JobClue:
    """What a log says: of its name in the archive, its own hints, its times, and its digest."""
    return JobClue(
        name, hints.job_name, hints.own_run_ids, hints.run_ids, hints.attempt, hints.repository, hints.workflow_path,
        first_at, last_at, digest,
    )  # fmt: skip


def _clue(name: str | None, hints: Hints, lines: pl.DataFrame, digest: str) -> JobClue:
    stamps = lines["logged_at"]
    first_at, last_at = stamps.min(), stamps.max()
    return clue(
        name,
        hints,
        first_at if isinstance(first_at, datetime) else None,
        last_at if isinstance(last_at, datetime) else None,
        digest,
    )
