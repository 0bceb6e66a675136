"""What there is to know about one run beside its logs: jobs of all attempts, earlier attempts, annotations."""

from __future__ import annotations

from typing import Any

from forensics.ingest.github.answer import Gone
from forensics.ingest.github.listing import attempt_of, is_complete, parse_moment, version
from forensics.ingest.github.queue import Item, Settled
from forensics.ingest.github.session import Run, Session, gone, root

UNANNOTATED = frozenset({"success", "skipped", "neutral", None})
"""Conclusions of jobs that are not asked for annotations: theirs are the warnings that stand in their logs, while
why a job was cancelled stands nowhere but in an annotation (facts A13)."""

PRIORITY_CANCELLED, PRIORITY_NORMAL = 10, 100


def items_of(repository: str, run: Run) -> list[Item]:
    """What is to be asked about a run in the state it was listed in."""
    run_id, state = run["id"], version(run)
    return [
        Item(repository, "run", str(run_id), run_id, attempt_of(run), version=state),
        Item(repository, "jobs", str(run_id), run_id, attempt_of(run), version=state),
        Item(repository, "definition", str(run_id), run_id, version=str(attempt_of(run))),
    ]


def group_item(repository: str, run: Run, priority: int) -> Item:
    """The question for a run's concurrency groups; they follow from its configuration, so its end is soon enough."""
    state = f"{attempt_of(run)}@{'completed' if is_complete(run) else run.get('updated_at')}"
    return Item(repository, "groups", str(run["id"]), run["id"], None, version=state, priority=priority)


async def describe(session: Session, repository: str, run: Run, listed_in: str) -> None:
    """Fetch everything about one run but logs and groups, and settle it in one go."""
    run_item, jobs_item, _ = items_of(repository, run)
    results: list[Settled] = []
    try:
        jobs, path = await _jobs(session, repository, run["id"])
    except Gone as why:
        absence = session.keep_absence(why, f"{root(repository)}/actions/runs/{run['id']}/jobs-gone.json")
        results = [gone(jobs_item, why, absence), Settled(run_item, "done", evidence_path=listed_in)]
        if why.state == "deleted":
            results[1] = gone(run_item, why, absence)
        session.settle(results)
        return
    results.append(Settled(jobs_item, "done", evidence_path=path))
    results += await _attempts(session, repository, run, listed_in)
    results += await _annotations(session, repository, run, jobs)
    session.queue.add([*_log_items(repository, run, jobs), *(result.item for result in results)])
    results += _without_log(repository, run, jobs)
    if is_complete(run):
        results.append(Settled(run_item, "done", evidence_path=listed_in))
    session.settle(results)


async def _jobs(session: Session, repository: str, run_id: int) -> tuple[list[dict[str, Any]], str]:
    """Jobs of all attempts, and where the evidence has them."""
    jobs: list[dict[str, Any]] = []
    path = ""
    number = 0
    address = f"/repos/{repository}/actions/runs/{run_id}/jobs"
    async for answer in session.client.pages(address, {"filter": "all", "per_page": 100}, kind="jobs"):
        number += 1
        path = session.keep(answer, f"{root(repository)}/actions/runs/{run_id}/jobs-{number}.json")
        found = answer.json().get("jobs") or []
        jobs += [job for job in found if isinstance(job, dict) and isinstance(job.get("id"), int)]
    return jobs, path


async def _attempts(session: Session, repository: str, run: Run, listed_in: str) -> list[Settled]:
    """Earlier attempts, newest first, until one says that none was before it."""
    results = []
    run_id, latest = run["id"], attempt_of(run)
    item = Item(repository, "attempt", f"{run_id}/{latest}", run_id, latest)
    if is_complete(run):
        # The list has the latest attempt whole: when the run is run again it need not be asked for.
        results.append(Settled(item, "done", evidence_path=listed_in))
    earlier = run.get("previous_attempt_url", "unknown") is not None
    for number in range(latest - 1, 0, -1):
        item = Item(repository, "attempt", f"{run_id}/{number}", run_id, number)
        state = session.queue.state_of(repository, "attempt", item.key)
        if not earlier or (state is not None and state[0] == "done"):
            continue
        address = f"/repos/{repository}/actions/runs/{run_id}/attempts/{number}"
        try:
            answer = await session.client.get(address, kind="attempt")
        except Gone as why:
            results.append(gone(item, why))
            continue
        path = session.keep(answer, f"{root(repository)}/actions/runs/{run_id}/attempts/{number}.json")
        results.append(Settled(item, "done", evidence_path=path))
        earlier = answer.json().get("previous_attempt_url", "unknown") is not None
    return results


async def _annotations(session: Session, repository: str, run: Run, jobs: list[dict[str, Any]]) -> list[Settled]:
    """Annotations of ended jobs that did not succeed; a job's id is that of its check run (facts C1)."""
    results = []
    for job in jobs:
        if job.get("status") != "completed" or job.get("conclusion") in UNANNOTATED:
            continue
        job_id = job["id"]
        item = Item(repository, "annotations", str(job_id), run["id"], job.get("run_attempt"), job_id)
        state = session.queue.state_of(repository, "annotations", item.key)
        if state is not None and state[0] == "done":
            continue
        try:
            path = await _fetch_annotations(session, repository, job_id)
        except Gone as why:
            results.append(gone(item, why))
            continue
        results.append(Settled(item, "done", evidence_path=path))
    return results


async def _fetch_annotations(session: Session, repository: str, job_id: int) -> str:
    path = ""
    number = 0
    address = f"/repos/{repository}/check-runs/{job_id}/annotations"
    async for answer in session.client.pages(address, {"per_page": 100}, kind="annotations"):
        number += 1
        path = session.keep(answer, f"{root(repository)}/check-runs/{job_id}/annotations-{number}.json")
    return path


def log_item(repository: str, run_id: int, attempt: int, priority: int = PRIORITY_NORMAL) -> Item:
    """The log archive of one attempt; once it has ended it does not change."""
    return Item(repository, "logs", f"{run_id}/{attempt}", run_id, attempt, priority=priority)


def _ended_attempts(run: Run) -> list[int]:
    return list(range(1, attempt_of(run) + is_complete(run)))


def _ran(job: dict[str, Any]) -> bool:
    """Whether a job may have a log: a runner took it up, or nobody says that none did."""
    if job.get("conclusion") == "skipped":
        return False
    return bool(job.get("steps")) or bool(job.get("runner_id")) or bool(job.get("runner_name"))


def _log_items(repository: str, run: Run, jobs: list[dict[str, Any]]) -> list[Item]:
    ran = {job.get("run_attempt") or 1 for job in jobs if _ran(job)}
    return [log_item(repository, run["id"], number) for number in _ended_attempts(run) if number in ran]


def _without_log(repository: str, run: Run, jobs: list[dict[str, Any]]) -> list[Settled]:
    """Ended attempts of which no job ran: there is no log to ask for."""
    ran = {job.get("run_attempt") or 1 for job in jobs if _ran(job)}
    return [
        Settled(log_item(repository, run["id"], number), "skipped", "No job of this attempt ran, so it has no log.")
        for number in _ended_attempts(run)
        if number not in ran
    ]


async def fetch_groups(session: Session, repository: str, item: Item) -> None:
    """GitHub's own word on a run's concurrency groups (facts A14)."""
    path = ""
    number = 0
    address = f"/repos/{repository}/actions/runs/{item.run_id}/concurrency_groups"
    try:
        async for answer in session.client.pages(address, {"per_page": 100}, kind="groups"):
            number += 1
            name = f"{root(repository)}/actions/runs/{item.run_id}/concurrency_groups-{number}.json"
            path = session.keep(answer, name)
    except Gone as why:
        session.settle([gone(item, why)])
        if why.status == 404:
            raise
        return
    session.settle([Settled(item, "done", evidence_path=path)])


__all__ = ["describe", "fetch_groups", "group_item", "items_of", "log_item", "parse_moment"]
