"""What a world holds, in the few words in which every judge can be asked about it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

from forensics.synth.history import Attempt, Job, Run
from forensics.synth.logtext import pack_logs, render_job
from tests.standin import World
from tests.standin.shapes import name_groups

REPOSITORY = "acme/storefront"
OWNER, NAME = REPOSITORY.split("/")
BLOBS = "productionresultssa0.blob.core.windows.net"
"""The other host that a client may want: where downloads lie."""


def tell_runs(world: World) -> dict[int, tuple[int, str]]:
    """Run id → number and conclusion of its latest attempt."""
    return {run.run_id: (run.latest.number, run.latest.conclusion) for run in runs(world)}


def read_runs(told: Iterable[Mapping[str, Any]]) -> dict[int, tuple[int, str]]:
    """The same of runs in the API's words, as a client gave them."""
    return {entry["id"]: (entry["run_attempt"], entry["conclusion"]) for entry in told}


def tell_attempts(world: World) -> dict[tuple[int, int], str]:
    """(run id, attempt) → conclusion."""
    return {(run.run_id, attempt.number): attempt.conclusion for run in runs(world) for attempt in run.attempts}


def tell_jobs(world: World) -> dict[int, tuple[int, int, str]]:
    """Job id → run id, attempt, conclusion; those that a partial re-run took over have ids of their own."""
    return {
        job.job_id: (run.run_id, attempt.number, job.conclusion)
        for run in runs(world)
        for attempt in run.attempts
        for job in attempt.jobs
    }


def tell_log(world: World, run: Run, attempt: Attempt, job: Job) -> list[str]:
    """Lines of the log of a job that ran, without the byte order mark."""
    return render_job(world.repository().history, run, attempt, job).text.decode().splitlines()


def tell_zip(world: World, run: Run, attempt: Attempt) -> bytes | None:
    """An attempt's archive; None when nothing ran."""
    return pack_logs(world.repository().history, run, attempt)


def tell_archive(world: World, run: Run, attempt: Attempt) -> dict[str, bytes]:
    """Members of an attempt's archive by name; empty when nothing ran."""
    content = tell_zip(world, run, attempt)
    if content is None:
        return {}
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tell_groups(world: World, run: Run) -> list[str]:
    """Names of the concurrency groups of a run and its jobs."""
    return [name for _, name in name_groups(world.repository().history, run, run.latest)]


def runs(world: World) -> list[Run]:
    """Oldest first."""
    return [state.run for state in world.repository().runs.values()]


def pick_rerun(world: World, *, partial: bool) -> Run:
    """The first run that was run again, in part or as a whole."""
    return next(
        run for run in runs(world) if len(run.attempts) > 1 and partial == any(job.copied for job in run.latest.jobs)
    )
