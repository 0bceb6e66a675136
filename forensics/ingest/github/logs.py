"""Log archives, attempt by attempt, and single job logs where an archive lacks a job."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.ingest.github.answer import Gone
from forensics.ingest.github.download import CorruptDownload
from forensics.ingest.github.queue import Item, Settled
from forensics.ingest.github.session import Session, gone, root
from forensics.logs.archive import group, match_job

MOST_JOB_LOGS = 25
"""Job logs asked for beside one archive; gh draws the same line."""


@dataclass(frozen=True)
class RanJob:
    """A job of which something was executed."""

    job_id: int
    name: str


async def fetch_logs(session: Session, repository: str, item: Item, jobs: Sequence[RanJob], *, young: bool) -> None:
    """Fetch the archive of one attempt, and the logs of jobs that are not in it, and settle both."""
    base = f"{root(repository)}/actions/runs/{item.run_id}/attempts/{item.attempt}"
    address = f"/{base}/logs"
    results: list[Settled] = []
    missing: Sequence[RanJob] = ()
    try:
        fetched = await session.downloader.fetch_archive(address, f"logs-{item.run_id}-{item.attempt}", young=young)
    except CorruptDownload as why:
        # The bytes are kept as evidence of what came; the load tells what is wrong with them and reads what it can.
        kept = session.folder.adopt(why.file, f"{base}/logs.{why.state}.zip", session.server.api_url + address)
        results.append(gone(item, why, kept.evidence.path))
        missing = jobs if why.state == "corrupt" else ()
    except Gone as why:
        results.append(gone(item, why, session.keep_absence(why, f"{base}/logs-gone.json")))
    else:
        session.warn(fetched.warnings)
        missing = _missing(fetched.file, jobs)
        kept = session.folder.adopt(fetched.file, f"{base}/logs.zip", session.server.api_url + address)
        damaged = fetched.checked.damaged if fetched.checked else ()
        detail = (
            f"{len(damaged)} members came damaged each time: {', '.join(map(_printable, damaged[:3]))}."
            if damaged
            else ""
        )
        results.append(Settled(item, "done", detail, evidence_path=kept.evidence.path))
    for job in missing[:MOST_JOB_LOGS]:
        own = Item(repository, "job-log", str(job.job_id), item.run_id, item.attempt, job.job_id)
        results.append(await _job_log(session, repository, own, young=young))
    session.queue.add([result.item for result in results])
    session.settle(results)


async def fetch_job_log(session: Session, repository: str, item: Item, *, young: bool) -> None:
    """Fetch the log of one job, and settle it."""
    session.settle([await _job_log(session, repository, item, young=young)])


async def _job_log(session: Session, repository: str, own: Item, *, young: bool) -> Settled:
    folder = f"{root(repository)}/actions/runs/{own.run_id}/attempts/{own.attempt}/jobs/{own.job_id}"
    address = f"/repos/{repository}/actions/jobs/{own.job_id}/logs"
    try:
        fetched = await session.downloader.fetch_text(address, f"job-{own.job_id}", young=young)
    except CorruptDownload as why:
        kept = session.folder.adopt(why.file, f"{folder}/logs.corrupt.txt", session.server.api_url + address)
        return gone(own, why, kept.evidence.path)
    except Gone as why:
        return gone(own, why)
    session.warn(fetched.warnings)
    kept = session.folder.adopt(fetched.file, f"{folder}/logs.txt", session.server.api_url + address)
    return Settled(own, "done", evidence_path=kept.evidence.path)


def _missing(archive: Path, jobs: Sequence[RanJob]) -> list[RanJob]:
    """Jobs that ran and of which the archive has no file (fault matrix, row 24)."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = opened.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return []
    names_of = [job.name for job in jobs]
    found: set[int] = set()
    for run in group(names).runs:
        for files in run.jobs:
            # A folder with nothing but system.txt says only that the job was waited for.
            if files.job_member is None and not files.steps:
                continue
            at = match_job(files.name, names_of)
            if at is None:
                # An archive's name that could mean several jobs: nothing is asked for on a guess.
                return []
            found.add(at)
    return [job for at, job in enumerate(jobs) if at not in found]


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:80])


def by_attempt(rows: Sequence[tuple[int, int, int, str]]) -> Mapping[tuple[int, int], list[RanJob]]:
    """(run, attempt, job, name) of jobs that ran, by attempt."""
    jobs: dict[tuple[int, int], list[RanJob]] = {}
    for run_id, attempt, job_id, name in rows:
        jobs.setdefault((run_id, attempt), []).append(RanJob(job_id, name))
    return jobs
