"""Run, job and step objects of REST and of ``gh``, read into rows."""

from __future__ import annotations

from typing import Any

from forensics.load import fields
from forensics.load.documented import note_types
from forensics.load.naming import Named
from forensics.load.page import Page, Row

_RUN_KEYS = {
    "run_number", "run_attempt", "run_started_at", "head_sha", "head_branch", "workflow_id", "display_title",
    "jobs_url", "event", "triggering_actor", "check_suite_id",
}  # fmt: skip
_JOB_KEYS = {"steps", "runner_name", "runner_id", "run_attempt", "started_at", "completed_at", "labels"}


def is_run(value: dict[str, Any]) -> bool:
    """A run of REST, whole or with only some of its fields (``--jq``): its own address or three of them tell it."""
    if "id" not in value or "run_id" in value:
        return False
    link = fields.RUN_URL.search(str(value.get("html_url") or value.get("url") or ""))
    own = link is not None and not link[4] and link[2] == str(value["id"])
    return own or len(value.keys() & _RUN_KEYS) >= 3


def is_job(value: dict[str, Any]) -> bool:
    """Whether it is a job of REST, perhaps trimmed."""
    return "run_id" in value and "name" in value and bool(value.keys() & _JOB_KEYS)


def is_gh_job(value: dict[str, Any]) -> bool:
    """Whether it is a job of ``gh run view --json jobs``."""
    return {"databaseId", "name"} <= value.keys() and bool(value.keys() & {"startedAt", "completedAt", "steps"})


def is_gh_run(value: dict[str, Any]) -> bool:
    """Whether it is a run of ``gh run list/view --json``, whichever fields were asked for."""
    keys = value.keys() & {"databaseId", "createdAt", "headSha", "workflowName", "headBranch", "displayTitle"}
    return bool(keys & {"headSha", "workflowName", "headBranch"}) and len(keys) >= 2 and "mergeable" not in value


def read_run(value: dict[str, Any], named: Named, page: Page) -> None:
    """Add a run of REST, and the repository that it carries."""
    note_types("runs", value, page)
    repository = fields.full_name(value.get("repository")) or fields.repository_of(value) or named.repository or ""
    # A run object has its attempt; one of which --jq left it out says nothing of it.
    attempt = fields.small(value.get("run_attempt")) or named.attempt or (1 if "jobs_url" in value else None)
    page.runs.append(
        {
            "repository": repository,
            "run_id": fields.identity(value.get("id")),
            "run_number": fields.integer(value.get("run_number")),
            "workflow_id": fields.integer(value.get("workflow_id")),
            "workflow_path": fields.workflow_path(value.get("path")),
            "workflow_name": fields.name_of(value.get("workflow")) or fields.text(value.get("name")),
            "name": fields.text(value.get("name")),
            "display_title": fields.text(value.get("display_title")),
            "event": fields.text(value.get("event")),
            "status": fields.text(value.get("status")),
            "conclusion": fields.text(value.get("conclusion")),
            "head_branch": fields.text(value.get("head_branch")),
            "head_sha": fields.text(value.get("head_sha")),
            "head_repository": fields.full_name(value.get("head_repository")),
            "created_at": fields.moment(value.get("created_at")),
            "run_started_at": fields.moment(value.get("run_started_at")),
            "updated_at": fields.moment(value.get("updated_at")),
            "attempt": attempt,
            "actor": fields.login(value.get("actor")),
            "triggering_actor": fields.login(value.get("triggering_actor")),
            "raw": fields.raw(value),
        }
    )
    if isinstance(value.get("repository"), dict) and fields.full_name(value["repository"]):
        read_repository(value["repository"], page)


def read_job(value: dict[str, Any], named: Named, page: Page) -> None:
    """Add a job of REST and its steps."""
    note_types("jobs", value, page)
    job_id = fields.identity(value.get("id"))
    steps = fields.objects(value.get("steps"))
    page.jobs.append(
        {
            "repository": fields.repository_of(value) or named.repository or "",
            "job_id": job_id,
            "run_id": fields.identity(value.get("run_id")),
            "attempt": fields.small(value.get("run_attempt")) or named.attempt,
            "name": fields.text(value.get("name")) or f"job {job_id}",
            "status": fields.text(value.get("status")),
            "conclusion": fields.text(value.get("conclusion")),
            "created_at": fields.moment(value.get("created_at")),
            "started_at": fields.moment(value.get("started_at")),
            "completed_at": fields.moment(value.get("completed_at")),
            "head_sha": fields.text(value.get("head_sha")),
            "head_branch": fields.text(value.get("head_branch")),
            "workflow_name": fields.text(value.get("workflow_name")),
            "runner_id": fields.integer(value.get("runner_id")),
            "runner_name": fields.text(value.get("runner_name")),
            "runner_group": fields.text(value.get("runner_group_name")),
            "labels": _labels(value.get("labels")),
            "executed": _executed(value, steps, "runner_id" in value),
            "raw": fields.raw({key: item for key, item in value.items() if key != "steps"}),
        }
    )
    for step in steps:
        _add_step(job_id, step, "started_at", "completed_at", page)


def read_gh_run(value: dict[str, Any], named: Named, page: Page) -> bool:
    """A run of ``gh run list/view --json``, whichever fields were asked for; False when it names no run."""
    jobs = fields.objects(value.get("jobs"))
    urls = [fields.RUN_URL.search(str(item.get("url") or "")) for item in [value, *jobs]]
    url = next((found for found in urls if found), None)
    run_id = fields.identity(value.get("databaseId")) or (int(url[2]) if url else None) or named.run_id
    if run_id is None:
        if jobs:
            page.unread["gh jobs that do not say of which run (ask gh for url, too)"] += len(jobs)
        return bool(jobs)
    repository = url[1] if url else named.repository or ""
    said = fields.small(value.get("attempt")) or next((int(u[3]) for u in urls if u and u[3]), None) or named.attempt
    note_types("runs of gh", value, page)
    if value.keys() - {"jobs"}:
        page.runs.append(_gh_run(value, repository, run_id, said))
    for job in jobs:
        read_gh_job(job, repository, run_id, said, value, page)
    return True


def _gh_run(value: dict[str, Any], repository: str, run_id: int, attempt: int | None) -> Row:
    return {
        "repository": repository,
        "run_id": run_id,
        "run_number": fields.integer(value.get("number")),
        "workflow_id": fields.integer(value.get("workflowDatabaseId")),
        "workflow_path": None,
        "workflow_name": fields.text(value.get("workflowName")) or fields.text(value.get("name")),
        "name": fields.text(value.get("name")),
        "display_title": fields.text(value.get("displayTitle")),
        "event": fields.text(value.get("event")),
        "status": fields.text(value.get("status")) or ("completed" if fields.text(value.get("conclusion")) else None),
        "conclusion": fields.text(value.get("conclusion")),
        "head_branch": fields.text(value.get("headBranch")),
        "head_sha": fields.text(value.get("headSha")),
        "head_repository": None,
        "created_at": fields.moment(value.get("createdAt")),
        "run_started_at": fields.moment(value.get("startedAt")),
        "updated_at": fields.moment(value.get("updatedAt")),
        "attempt": attempt,
        "actor": None,
        "triggering_actor": None,
        "raw": fields.raw({key: item for key, item in value.items() if key != "jobs"}),
    }


def read_gh_job(
    job: dict[str, Any], repository: str, run_id: int, attempt: int | None, run: dict[str, Any], page: Page
) -> None:
    """Add a job of gh and its steps; ``run`` is the object that it came in."""
    note_types("jobs of gh", job, page)
    job_id = fields.identity(job.get("databaseId"))
    if job_id is None:
        found = fields.RUN_URL.search(str(job.get("url") or ""))
        job_id = int(found[4]) if found and found[4] else None
    if job_id is None:
        page.unread["a gh job without databaseId and url"] += 1
        return
    steps = fields.objects(job.get("steps"))
    page.jobs.append(
        {
            "repository": repository,
            "job_id": job_id,
            "run_id": run_id,
            "attempt": attempt,
            "name": fields.text(job.get("name")) or f"job {job_id}",
            "status": fields.text(job.get("status")),
            "conclusion": fields.text(job.get("conclusion")),
            "created_at": None,
            "started_at": fields.moment(job.get("startedAt")),
            "completed_at": fields.moment(job.get("completedAt")),
            "head_sha": fields.text(run.get("headSha")),
            "head_branch": fields.text(run.get("headBranch")),
            "workflow_name": fields.text(run.get("workflowName")),
            "runner_id": None,
            "runner_name": None,
            "runner_group": None,
            "labels": None,
            "executed": _executed(job, steps, knows_runner=False),
            "raw": fields.raw({key: item for key, item in job.items() if key != "steps"}),
        }
    )
    for step in steps:
        _add_step(job_id, step, "startedAt", "completedAt", page)


def _labels(value: Any) -> list[str]:
    return [fields.whole(str(label)) for label in value] if isinstance(value, list) else []


def _executed(job: dict[str, Any], steps: list[dict[str, Any]], knows_runner: bool) -> bool | None:
    """Whether a runner ran any of it; started_at alone does not tell (facts C5.5)."""
    if job.get("conclusion") == "skipped":
        return False
    ran = any(step.get("conclusion") not in (None, "", "skipped") for step in steps)
    if knows_runner:
        return bool(fields.integer(job.get("runner_id"))) or ran
    return True if ran else None


def _add_step(job_id: int | None, step: dict[str, Any], started: str, completed: str, page: Page) -> None:
    note_types("steps", step, page)
    number = fields.small(step.get("number"))
    if job_id is None or number is None:
        return
    page.steps.append(
        {
            "job_id": job_id,
            "step_number": number,
            "name": fields.text(step.get("name")),
            "status": fields.text(step.get("status")),
            "conclusion": fields.text(step.get("conclusion")),
            "started_at": fields.moment(step.get(started)),
            "completed_at": fields.moment(step.get(completed)),
        }
    )


def read_repository(value: dict[str, Any], page: Page) -> None:
    """Add a repository."""
    page.repositories.append(
        {
            "repository": fields.full_name(value),
            "repository_id": fields.identity(value.get("id")),
            "default_branch": fields.text(value.get("default_branch")),
            "raw": fields.raw(value),
        }
    )
