"""One job's log from its texts: parsed and accounted for, not yet given to a run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from forensics.load.attribution import JobClue
from forensics.load.unit import JobTexts, Text
from forensics.logs.align import count_in_order
from forensics.logs.hints import Hints, read_each
from forensics.logs.job import JobLog, MemberAccount, assemble, drop_repeats, join, join_in_order
from forensics.logs.parse import is_ordinary, parse, parse_together

_EDGE = 1 << 16


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
    shared = [at for at, (_, texts) in enumerate(jobs) if texts and all(is_ordinary(data) for data in texts.values())]
    in_order = {at: _count_in_order(*jobs[at]) for at in shared}
    # Step files whose lines are all in the job file are not parsed a second time.
    wanted = [(at, text) for at in shared for text in jobs[at][1] if not in_order[at] or text in _own(jobs[at][0])]
    if not wanted:
        return {}
    frames, notes = parse_together([jobs[at][1][text] for at, text in wanted])
    if notes:
        # A note says nothing of which text it is about: each is read alone then.
        return {}
    read: dict[int, dict[Text, pl.DataFrame]] = {at: {} for at in shared}
    for (at, text), frame in zip(wanted, frames, strict=True):
        read[at][text] = frame
    logs = [_join(jobs[at][0], read[at], in_order[at]) for at in shared]
    hints = read_each([log.lines for log in logs])
    return {at: replace(log, hints=hint) for at, log, hint in zip(shared, logs, hints, strict=True)}


def _own(job: JobTexts) -> tuple[Text | None, Text | None]:
    return job.job, job.system


def _count_in_order(job: JobTexts, texts: Mapping[Text, bytes]) -> list[tuple[int, int]] | None:
    """(step number, lines) of the step files when the job file ends with just these lines."""
    steps = sorted((number, texts[text]) for number, _, text in job.steps if text in texts)
    main = texts.get(job.job) if job.job else None
    if main is None or not steps:
        return None
    counts = count_in_order(main, [data for _, data in steps])
    return None if counts is None else [(number, count) for (number, _), count in zip(steps, counts, strict=True)]


def _join(job: JobTexts, read: Mapping[Text, pl.DataFrame], in_order: list[tuple[int, int]] | None) -> JobLog:
    head = read.get(job.system) if job.system else None
    main = read.get(job.job) if job.job else None
    if main is not None and in_order:
        return join_in_order(main, in_order, head)
    return join(main, [(number, read[text]) for number, _, text in job.steps if text in read], head)


def _parse_alone(job: JobTexts, texts: Mapping[Text, bytes]) -> JobLog:
    steps = [(number, texts[text]) for number, _, text in job.steps if text in texts]
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
        clue = _clue(None, parsed.hints, lines, digest)
        return [JobRead(clue, lines, [(text, text.member, len(data), account)], "", notes)]
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
        clue = _clue(job_name, hints, lines, digest)
        reads.append(JobRead(clue, lines, [(text, member, size, account)], "", notes if not reads else []))
    return reads


def _digest(parts: Sequence[bytes]) -> str:
    """What a made-up id is made from: both ends and the length tell logs apart, each stamp being unique."""
    digest = hashlib.sha256()
    for data in parts:
        digest.update(b"%d\0%b\0%b\0" % (len(data), data[:_EDGE], data[-_EDGE:]))
    return digest.hexdigest()


def _clue(name: str | None, hints: Hints, lines: pl.DataFrame, digest: str) -> JobClue:
    stamps = lines["logged_at"]
    first_at, last_at = stamps.min(), stamps.max()
    return JobClue(
        name, hints.job_name, hints.own_run_ids, hints.run_ids, hints.attempt, hints.repository, hints.workflow_path,
        first_at if isinstance(first_at, datetime) else None,
        last_at if isinstance(last_at, datetime) else None,
        digest,
    )  # fmt: skip
