"""JSON of GitHub's API, of ``gh`` and of webhooks, read into rows of the case's tables.

Any nesting is taken: a bare list, a wrapped page, pages slurped into a list, a single object, several
documents in one file (``gh api --paginate``). Which kind an object is follows from its keys, not from the
file's name. Objects of other kinds are counted and named, not lost in silence.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from forensics.ingest.recognise import decode, strip_colours
from forensics.load import fields
from forensics.load.naming import Named

Row = dict[str, Any]

_DEPLOYMENT_URL = re.compile(r"/deployments/(\d{1,18})(?!\d)")
_RUN_KEYS = {
    "run_number", "run_attempt", "run_started_at", "head_sha", "head_branch", "workflow_id", "display_title",
    "jobs_url", "event", "triggering_actor", "check_suite_id",
}  # fmt: skip
_JOB_KEYS = {"steps", "runner_name", "runner_id", "run_attempt", "started_at", "completed_at", "labels"}
# Wrappers whose content is read: REST pages, webhook deliveries, and their recordings.
_WRAPPERS = (
    "workflow_runs", "jobs", "workflows", "deployments", "statuses", "annotations", "concurrency_groups",
    "repositories", "payload", "workflow_run", "workflow_job", "deployment", "deployment_status", "workflow",
)  # fmt: skip


@dataclass
class Page:
    """Rows seen in one document, by table; ``unread`` counts objects of kinds that the case has no use for."""

    runs: list[Row] = field(default_factory=list)
    jobs: list[Row] = field(default_factory=list)
    steps: list[Row] = field(default_factory=list)
    workflows: list[Row] = field(default_factory=list)
    repositories: list[Row] = field(default_factory=list)
    annotations: list[Row] = field(default_factory=list)
    deployments: list[Row] = field(default_factory=list)
    deployment_statuses: list[Row] = field(default_factory=list)
    concurrency_groups: list[Row] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    broken: str | None = None
    """Where and why the text stops being JSON."""

    @property
    def objects(self) -> int:
        """Objects that became rows."""
        return sum(len(rows) for rows in self.tables().values()) - len(self.steps)

    def tables(self) -> dict[str, list[Row]]:
        """The rows by table name."""
        return {
            name: getattr(self, name)
            for name in (
                "runs", "jobs", "steps", "workflows", "repositories", "annotations",
                "deployments", "deployment_statuses", "concurrency_groups",
            )
        }  # fmt: skip


def read_page(data: bytes, named: Named) -> Page:
    """Read one JSON file; ``named`` is what its path says. Never raises: damage is told in ``broken``."""
    page = Page()
    empty = True
    for document in _documents(data, page):
        empty = False
        try:
            _read(document, named, page)
        except RecursionError:
            page.broken = "it is nested too deeply"
    if empty and page.broken is None:
        page.broken = "it is empty"
    return page


def _documents(data: bytes, page: Page) -> Iterator[Any]:
    try:
        yield orjson.loads(data)
        return
    except orjson.JSONDecodeError:
        pass
    # UTF-16 from PowerShell, colours from gh, a byte order mark, or several documents in a row.
    text = decode(strip_colours(data))
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    position = 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if position >= len(text):
            return
        try:
            document, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            # Mostly JSONDecodeError; a number of thousands of digits is a plain ValueError.
            line = text.count("\n", 0, getattr(error, "pos", position)) + 1
            words = getattr(error, "msg", str(error))
            page.broken = f"line {line}: {words}; the file may be cut short"
            return
        yield document


def _read(value: Any, named: Named, page: Page) -> None:
    if isinstance(value, list):
        for item in value:
            _read(item, named, page)
        return
    if not isinstance(value, dict):
        page.unread[f"a bare {type(value).__name__}"] += 1
        return
    if _read_object(value, named, page):
        return
    wrapped = [value[key] for key in _WRAPPERS if isinstance(value.get(key), list | dict)]
    if "total_count" in value or wrapped:
        if isinstance(value.get("check_runs"), list):
            page.unread["check runs (they do not say which attempt they belong to)"] += len(value["check_runs"])
        elif not wrapped and value.get("total_count") != 0:
            page.unread[_describe(value)] += 1
        for item in wrapped:
            _read(item, named, page)
        return
    page.unread[_describe(value)] += 1


def _describe(value: dict[str, Any]) -> str:
    if "documentation_url" in value and "message" in value:
        return f"an error answer of GitHub: {fields.text(value['message'])}"[:160]
    keys = ", ".join(sorted(fields.whole(key) for key in value)[:6])
    return f"an object with {keys or 'no keys'}"[:160]


def _read_object(value: dict[str, Any], named: Named, page: Page) -> bool:
    """Read an object of a known kind; False when it is a wrapper or unknown."""
    if _is_run(value):
        _read_run(value, named, page)
    elif "run_id" in value and "name" in value and value.keys() & _JOB_KEYS:
        _read_job(value, named, page)
    elif _is_gh_run(value):
        return _read_gh_run(value, named, page)
    elif _is_gh_job(value):
        return _read_gh_run({"jobs": [value]}, named, page)
    elif any(_is_gh_job(job) for job in fields.objects(value.get("jobs"))):
        return _read_gh_run(value, named, page)
    elif "annotation_level" in value and "message" in value:
        return _read_annotation(value, named, page)
    elif "deployment_url" in value and "state" in value:
        _read_deployment_status(value, named, page)
    elif "statuses_url" in value and "environment" in value and "id" in value:
        _read_deployment(value, named, page)
    elif "badge_url" in value and "path" in value:
        _read_workflow(value, named, page)
    elif "full_name" in value and "default_branch" in value:
        _read_repository(value, page)
    elif "group_name" in value:
        return _read_group(value, named, page)
    else:
        return False
    return True


def _is_run(value: dict[str, Any]) -> bool:
    """A run of REST, whole or with only some of its fields (``--jq``): its own address or three of them tell it."""
    if "id" not in value or "run_id" in value:
        return False
    link = fields.RUN_URL.search(str(value.get("html_url") or value.get("url") or ""))
    own = link is not None and not link[4] and link[2] == str(value["id"])
    return own or len(value.keys() & _RUN_KEYS) >= 3


def _is_gh_job(value: dict[str, Any]) -> bool:
    return {"databaseId", "name"} <= value.keys() and bool(value.keys() & {"startedAt", "completedAt", "steps"})


def _is_gh_run(value: dict[str, Any]) -> bool:
    keys = value.keys() & {"databaseId", "createdAt", "headSha", "workflowName", "headBranch", "displayTitle"}
    return bool(keys & {"headSha", "workflowName", "headBranch"}) and len(keys) >= 2 and "mergeable" not in value


def _read_run(value: dict[str, Any], named: Named, page: Page) -> None:
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
        _read_repository(value["repository"], page)


def _read_job(value: dict[str, Any], named: Named, page: Page) -> None:
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


def _read_gh_run(value: dict[str, Any], named: Named, page: Page) -> bool:
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
    if value.keys() - {"jobs"}:
        page.runs.append(_gh_run(value, repository, run_id, said))
    for job in jobs:
        _read_gh_job(job, repository, run_id, said, value, page)
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


def _read_gh_job(
    job: dict[str, Any], repository: str, run_id: int, attempt: int | None, run: dict[str, Any], page: Page
) -> None:
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


def _read_annotation(value: dict[str, Any], named: Named, page: Page) -> bool:
    job_id = named.check_run_id or named.job_id
    if job_id is None:
        page.unread["an annotation whose file's path names no check run (…/check-runs/ID/annotations)"] += 1
        return True
    page.annotations.append(
        {
            "repository": named.repository or fields.repository_of(value) or "",
            "job_id": job_id,
            "level": fields.text(value.get("annotation_level")),
            "title": fields.text(value.get("title")),
            "message": fields.text(value.get("message")),
            "path": fields.text(value.get("path")),
            "start_line": fields.small(value.get("start_line")),
            "raw": fields.raw(value),
        }
    )
    return True


def _read_deployment(value: dict[str, Any], named: Named, page: Page) -> None:
    page.deployments.append(
        {
            "repository": fields.repository_of(value) or named.repository or "",
            "deployment_id": fields.identity(value.get("id")),
            "environment": fields.text(value.get("environment")),
            "task": fields.text(value.get("task")),
            "ref": fields.text(value.get("ref")),
            "sha": fields.text(value.get("sha")),
            "created_at": fields.moment(value.get("created_at")),
            "updated_at": fields.moment(value.get("updated_at")),
            "creator": fields.login(value.get("creator")),
            "raw": fields.raw(value),
        }
    )


def _read_deployment_status(value: dict[str, Any], named: Named, page: Page) -> None:
    log_url = fields.text(value.get("log_url")) or fields.text(value.get("target_url"))
    link = fields.RUN_URL.search(log_url or "")
    deployment = _DEPLOYMENT_URL.search(str(value.get("deployment_url") or ""))
    page.deployment_statuses.append(
        {
            "repository": fields.repository_of(value) or named.repository or "",
            "status_id": fields.identity(value.get("id")),
            "deployment_id": int(deployment[1]) if deployment else named.deployment_id,
            "state": fields.text(value.get("state")),
            "environment": fields.text(value.get("environment")),
            "log_url": log_url,
            "run_id": int(link[2]) if link else None,
            "job_id": int(link[4]) if link and link[4] else None,
            "created_at": fields.moment(value.get("created_at")),
            "creator": fields.login(value.get("creator")),
            "raw": fields.raw(value),
        }
    )


def _read_workflow(value: dict[str, Any], named: Named, page: Page) -> None:
    page.workflows.append(
        {
            "repository": fields.repository_of(value) or named.repository or "",
            "workflow_id": fields.identity(value.get("id")),
            "path": fields.workflow_path(value.get("path")),
            "name": fields.text(value.get("name")),
            "state": fields.text(value.get("state")),
            "created_at": fields.moment(value.get("created_at")),
            "updated_at": fields.moment(value.get("updated_at")),
            "raw": fields.raw(value),
        }
    )


def _read_repository(value: dict[str, Any], page: Page) -> None:
    page.repositories.append(
        {
            "repository": fields.full_name(value),
            "repository_id": fields.identity(value.get("id")),
            "default_branch": fields.text(value.get("default_branch")),
            "raw": fields.raw(value),
        }
    )


def _read_group(value: dict[str, Any], named: Named, page: Page) -> bool:
    if named.run_id is None:
        page.unread["a concurrency group whose file's path names no run (…/runs/ID/concurrency_groups)"] += 1
        return True
    page.concurrency_groups.append(
        {
            "run_id": named.run_id,
            "attempt": named.attempt,
            "group_name": fields.text(value.get("group_name")),
            "source": "github",
            "confidence": "known",
        }
    )
    return True
