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
from datetime import UTC, datetime
from typing import Any

import orjson

from forensics.ingest.recognise import decode, strip_colours
from forensics.load.naming import Named

Row = dict[str, Any]

_RUN_URL = re.compile(r"/([A-Za-z0-9][\w.-]*/[\w.-]+)/actions/runs/(\d+)(?:/attempts/(\d+))?(?:/job/(\d+))?")
_REPOSITORY_URL = re.compile(r"/repos/([A-Za-z0-9][\w.-]*/[\w.-]+)(?:/|$)")
_DEPLOYMENT_URL = re.compile(r"/deployments/(\d+)")
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
        _read(document, named, page)
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
    decoder = json.JSONDecoder()
    position = 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if position >= len(text):
            return
        try:
            document, position = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError) as error:
            line = text.count("\n", 0, getattr(error, "pos", 0)) + 1
            words = getattr(error, "msg", "nested too deeply")
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
    keys = ", ".join(sorted(str(key) for key in value)[:6])
    return f"an object with {keys or 'no keys'}"[:160]


def _read_object(value: dict[str, Any], named: Named, page: Page) -> bool:
    """Read an object of a known kind; False when it is a wrapper or unknown."""
    if "jobs_url" in value and "run_number" in value:
        _read_run(value, named, page)
    elif "run_id" in value and "name" in value and ("steps" in value or "runner_name" in value):
        _read_job(value, named, page)
    elif _is_gh_run(value):
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


def _is_gh_run(value: dict[str, Any]) -> bool:
    keys = value.keys() & {"databaseId", "createdAt", "headSha", "workflowName", "headBranch", "displayTitle"}
    return bool(keys & {"headSha", "workflowName", "headBranch"}) and len(keys) >= 2 and "mergeable" not in value


def _read_run(value: dict[str, Any], named: Named, page: Page) -> None:
    repository = _full_name(value.get("repository")) or _repository_of(value) or named.repository or ""
    attempt = _integer(value.get("run_attempt")) or 1
    page.runs.append(
        {
            "repository": repository,
            "run_id": _integer(value.get("id")),
            "run_number": _integer(value.get("run_number")),
            "workflow_id": _integer(value.get("workflow_id")),
            "workflow_path": _workflow_path(value.get("path")),
            "workflow_name": _text((value.get("workflow") or {}).get("name")) or _text(value.get("name")),
            "name": _text(value.get("name")),
            "display_title": _text(value.get("display_title")),
            "event": _text(value.get("event")),
            "status": _text(value.get("status")),
            "conclusion": _text(value.get("conclusion")),
            "head_branch": _text(value.get("head_branch")),
            "head_sha": _text(value.get("head_sha")),
            "head_repository": _full_name(value.get("head_repository")),
            "created_at": _time(value.get("created_at")),
            "run_started_at": _time(value.get("run_started_at")),
            "updated_at": _time(value.get("updated_at")),
            "attempt": attempt,
            "actor": _login(value.get("actor")),
            "triggering_actor": _login(value.get("triggering_actor")),
            "raw": _raw(value),
        }
    )
    if isinstance(value.get("repository"), dict) and "full_name" in value["repository"]:
        _read_repository(value["repository"], page)


def _read_job(value: dict[str, Any], named: Named, page: Page) -> None:
    job_id = _integer(value.get("id"))
    steps = [step for step in value.get("steps") or [] if isinstance(step, dict)]
    page.jobs.append(
        {
            "repository": _repository_of(value) or named.repository or "",
            "job_id": job_id,
            "run_id": _integer(value.get("run_id")),
            "attempt": _integer(value.get("run_attempt")) or named.attempt,
            "name": _text(value.get("name")) or f"job {job_id}",
            "status": _text(value.get("status")),
            "conclusion": _text(value.get("conclusion")),
            "created_at": _time(value.get("created_at")),
            "started_at": _time(value.get("started_at")),
            "completed_at": _time(value.get("completed_at")),
            "head_sha": _text(value.get("head_sha")),
            "head_branch": _text(value.get("head_branch")),
            "workflow_name": _text(value.get("workflow_name")),
            "runner_id": _integer(value.get("runner_id")),
            "runner_name": _text(value.get("runner_name")),
            "runner_group": _text(value.get("runner_group_name")),
            "labels": [str(label) for label in value.get("labels") or []],
            "executed": _executed(value, steps, "runner_id" in value),
            "raw": _raw({key: item for key, item in value.items() if key != "steps"}),
        }
    )
    for step in steps:
        _add_step(job_id, step, "started_at", "completed_at", page)


def _read_gh_run(value: dict[str, Any], named: Named, page: Page) -> bool:
    """A run of ``gh run list/view --json``, whichever fields were asked for; False when it names no run."""
    jobs = [job for job in value.get("jobs") or [] if isinstance(job, dict)]
    urls = [_RUN_URL.search(str(item.get("url") or "")) for item in [value, *jobs]]
    url = next((found for found in urls if found), None)
    run_id = _integer(value.get("databaseId")) or (int(url[2]) if url else None) or named.run_id
    if run_id is None:
        return False
    repository = url[1] if url else named.repository or ""
    said = _integer(value.get("attempt")) or next((int(u[3]) for u in urls if u and u[3]), None) or named.attempt
    page.runs.append(
        {
            "repository": repository,
            "run_id": run_id,
            "run_number": _integer(value.get("number")),
            "workflow_id": _integer(value.get("workflowDatabaseId")),
            "workflow_path": None,
            "workflow_name": _text(value.get("workflowName")) or _text(value.get("name")),
            "name": _text(value.get("name")),
            "display_title": _text(value.get("displayTitle")),
            "event": _text(value.get("event")),
            "status": _text(value.get("status")) or ("completed" if _text(value.get("conclusion")) else None),
            "conclusion": _text(value.get("conclusion")),
            "head_branch": _text(value.get("headBranch")),
            "head_sha": _text(value.get("headSha")),
            "head_repository": None,
            "created_at": _time(value.get("createdAt")),
            "run_started_at": _time(value.get("startedAt")),
            "updated_at": _time(value.get("updatedAt")),
            "attempt": said,
            "actor": None,
            "triggering_actor": None,
            "raw": _raw({key: item for key, item in value.items() if key != "jobs"}),
        }
    )
    for job in jobs:
        _read_gh_job(job, repository, run_id, said, value, page)
    return True


def _read_gh_job(
    job: dict[str, Any], repository: str, run_id: int, attempt: int | None, run: dict[str, Any], page: Page
) -> None:
    job_id = _integer(job.get("databaseId"))
    if job_id is None:
        found = _RUN_URL.search(str(job.get("url") or ""))
        job_id = int(found[4]) if found and found[4] else None
    if job_id is None:
        page.unread["a gh job without databaseId and url"] += 1
        return
    steps = [step for step in job.get("steps") or [] if isinstance(step, dict)]
    page.jobs.append(
        {
            "repository": repository,
            "job_id": job_id,
            "run_id": run_id,
            "attempt": attempt,
            "name": _text(job.get("name")) or f"job {job_id}",
            "status": _text(job.get("status")),
            "conclusion": _text(job.get("conclusion")),
            "created_at": None,
            "started_at": _time(job.get("startedAt")),
            "completed_at": _time(job.get("completedAt")),
            "head_sha": _text(run.get("headSha")),
            "head_branch": _text(run.get("headBranch")),
            "workflow_name": _text(run.get("workflowName")),
            "runner_id": None,
            "runner_name": None,
            "runner_group": None,
            "labels": None,
            "executed": _executed(job, steps, knows_runner=False),
            "raw": _raw({key: item for key, item in job.items() if key != "steps"}),
        }
    )
    for step in steps:
        _add_step(job_id, step, "startedAt", "completedAt", page)


def _executed(job: dict[str, Any], steps: list[dict[str, Any]], knows_runner: bool) -> bool | None:
    """Whether a runner ran any of it; started_at alone does not tell (facts C5.5)."""
    if job.get("conclusion") == "skipped":
        return False
    ran = any(step.get("conclusion") not in (None, "", "skipped") for step in steps)
    if knows_runner:
        return bool(_integer(job.get("runner_id"))) or ran
    return True if ran else None


def _add_step(job_id: int | None, step: dict[str, Any], started: str, completed: str, page: Page) -> None:
    number = _integer(step.get("number"))
    if job_id is None or number is None:
        return
    page.steps.append(
        {
            "job_id": job_id,
            "step_number": number,
            "name": _text(step.get("name")),
            "status": _text(step.get("status")),
            "conclusion": _text(step.get("conclusion")),
            "started_at": _time(step.get(started)),
            "completed_at": _time(step.get(completed)),
        }
    )


def _read_annotation(value: dict[str, Any], named: Named, page: Page) -> bool:
    job_id = named.check_run_id or named.job_id
    if job_id is None:
        page.unread["an annotation whose file's path names no check run (…/check-runs/ID/annotations)"] += 1
        return True
    page.annotations.append(
        {
            "repository": named.repository or _repository_of(value) or "",
            "job_id": job_id,
            "level": _text(value.get("annotation_level")),
            "title": _text(value.get("title")),
            "message": _text(value.get("message")),
            "path": _text(value.get("path")),
            "start_line": _integer(value.get("start_line")),
            "raw": _raw(value),
        }
    )
    return True


def _read_deployment(value: dict[str, Any], named: Named, page: Page) -> None:
    page.deployments.append(
        {
            "repository": _repository_of(value) or named.repository or "",
            "deployment_id": _integer(value.get("id")),
            "environment": _text(value.get("environment")),
            "task": _text(value.get("task")),
            "ref": _text(value.get("ref")),
            "sha": _text(value.get("sha")),
            "created_at": _time(value.get("created_at")),
            "updated_at": _time(value.get("updated_at")),
            "creator": _login(value.get("creator")),
            "raw": _raw(value),
        }
    )


def _read_deployment_status(value: dict[str, Any], named: Named, page: Page) -> None:
    log_url = _text(value.get("log_url")) or _text(value.get("target_url"))
    link = _RUN_URL.search(log_url or "")
    deployment = _DEPLOYMENT_URL.search(str(value.get("deployment_url") or ""))
    page.deployment_statuses.append(
        {
            "repository": _repository_of(value) or named.repository or "",
            "status_id": _integer(value.get("id")),
            "deployment_id": int(deployment[1]) if deployment else named.deployment_id,
            "state": _text(value.get("state")),
            "environment": _text(value.get("environment")),
            "log_url": log_url,
            "run_id": int(link[2]) if link else None,
            "job_id": int(link[4]) if link and link[4] else None,
            "created_at": _time(value.get("created_at")),
            "creator": _login(value.get("creator")),
            "raw": _raw(value),
        }
    )


def _read_workflow(value: dict[str, Any], named: Named, page: Page) -> None:
    page.workflows.append(
        {
            "repository": _repository_of(value) or named.repository or "",
            "workflow_id": _integer(value.get("id")),
            "path": _workflow_path(value.get("path")),
            "name": _text(value.get("name")),
            "state": _text(value.get("state")),
            "created_at": _time(value.get("created_at")),
            "updated_at": _time(value.get("updated_at")),
            "raw": _raw(value),
        }
    )


def _read_repository(value: dict[str, Any], page: Page) -> None:
    page.repositories.append(
        {
            "repository": str(value["full_name"]),
            "repository_id": _integer(value.get("id")),
            "default_branch": _text(value.get("default_branch")),
            "raw": _raw(value),
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
            "group_name": _text(value.get("group_name")),
            "source": "github",
            "confidence": "known",
        }
    )
    return True


def _repository_of(value: dict[str, Any]) -> str | None:
    for key in ("url", "run_url", "repository_url", "html_url", "deployment_url", "check_run_url"):
        text = value.get(key)
        if isinstance(text, str):
            found = _REPOSITORY_URL.search(text) or _RUN_URL.search(text)
            if found:
                return found[1]
    return None


def _full_name(value: Any) -> str | None:
    return _text(value.get("full_name")) if isinstance(value, dict) else None


def _login(value: Any) -> str | None:
    return _text(value.get("login")) if isinstance(value, dict) else None


def _workflow_path(value: Any) -> str | None:
    """The path without the ``@ref`` that some answers append."""
    text = _text(value)
    return text.partition("@")[0] if text else None


def _text(value: Any) -> str | None:
    """gh writes an empty string where REST has null."""
    return str(value) if value not in (None, "") and not isinstance(value, dict | list) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return number if -(1 << 63) < number < 1 << 63 else None


def _time(value: Any) -> datetime | None:
    """UTC, naive; gh's zero time is unknown."""
    if not isinstance(value, str) or value.startswith("0001-"):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _raw(value: dict[str, Any]) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        # An integer beyond 64 bits: Python's own writer takes it.
        return json.dumps(value)
