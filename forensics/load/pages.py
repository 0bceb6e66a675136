"""JSON of GitHub's API, of ``gh`` and of webhooks, read into rows of the case's tables.

Any nesting is taken: a bare list, a wrapped page, pages slurped into a list, a single object, several
documents in one file (``gh api --paginate``). Which kind an object is follows from its keys, not from the
file's name. Objects of other kinds are counted and named, not lost in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from forensics.ingest.recognise import decode, strip_colours
from forensics.load import fields
from forensics.load.documented import note_types
from forensics.load.naming import Named
from forensics.load.page import Page
from forensics.load.runrows import (
    is_gh_job,
    is_gh_run,
    is_job,
    is_run,
    read_gh_run,
    read_job,
    read_repository,
    read_run,
)

_GIT_ID = re.compile(r"[0-9a-f]{40}")
_DEPLOYMENT_URL = re.compile(r"/deployments/(\d{1,18})(?!\d)")
# Wrappers whose content is read: REST pages, webhook deliveries, and their recordings.
_WRAPPERS = (
    "workflow_runs", "jobs", "workflows", "deployments", "statuses", "annotations", "concurrency_groups",
    "repositories", "payload", "workflow_run", "workflow_job", "deployment", "deployment_status", "workflow",
)  # fmt: skip


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
    if is_run(value):
        read_run(value, named, page)
    elif is_job(value):
        read_job(value, named, page)
    elif is_gh_run(value):
        return read_gh_run(value, named, page)
    elif is_gh_job(value):
        return read_gh_run({"jobs": [value]}, named, page)
    elif any(is_gh_job(job) for job in fields.objects(value.get("jobs"))):
        return read_gh_run(value, named, page)
    elif {"environments", "state", "user", "comment"} <= value.keys():
        return _read_approval(value, named, page)
    elif "annotation_level" in value and "message" in value:
        return _read_annotation(value, named, page)
    elif "deployment_url" in value and "state" in value:
        _read_deployment_status(value, named, page)
    elif "statuses_url" in value and "environment" in value and "id" in value:
        _read_deployment(value, named, page)
    elif "badge_url" in value and "path" in value:
        _read_workflow(value, named, page)
    elif "full_name" in value and "default_branch" in value:
        read_repository(value, page)
    elif "group_name" in value:
        return _read_group(value, named, page)
    elif isinstance(value.get("workflow_versions"), list):
        _read_versions(value, named, page)
    else:
        return False
    return True


def _read_annotation(value: dict[str, Any], named: Named, page: Page) -> bool:
    job_id = named.check_run_id or named.job_id
    if job_id is None:
        page.unread["an annotation whose file's path names no check run (…/check-runs/ID/annotations)"] += 1
        return True
    note_types("annotations", value, page)
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
    note_types("deployments", value, page)
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
    note_types("deployment statuses", value, page)
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
    note_types("workflows", value, page)
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


def _read_approval(value: dict[str, Any], named: Named, page: Page) -> bool:
    if named.run_id is None:
        page.unread["an approval whose file's path names no run (…/runs/ID/approvals)"] += 1
        return True
    note_types("approvals", value, page)
    for environment in fields.objects(value.get("environments")) or [{}]:
        page.approvals.append(
            {
                "repository": named.repository or fields.repository_of(environment) or "",
                "run_id": named.run_id,
                "environment": fields.text(environment.get("name")) or "",
                "state": fields.text(value.get("state")),
                "login": fields.login(value.get("user")),
                "comment": fields.text(value.get("comment")),
                "raw": fields.raw(value),
            }
        )
    return True


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


def _read_versions(value: dict[str, Any], named: Named, page: Page) -> None:
    """Our own form: what ``forensics.ingest.github.files`` found out, and kept as evidence."""
    repository = fields.full_name(value.get("repository")) or named.repository
    for one in value["workflow_versions"]:
        said = one if isinstance(one, dict) else {}
        path, commit, blob, source = (fields.text(said.get(key)) for key in ("path", "commit", "blob", "source"))
        ids = _GIT_ID.fullmatch(commit or "") and _GIT_ID.fullmatch(blob or "")
        if not (repository and path and ids and source in ("exact", "between")):
            page.unread["a version of a workflow file without repository, path, commit, blob or source"] += 1
            continue
        page.workflow_versions.append(
            {"repository": repository, "path": path, "commit": commit, "blob": blob, "source": source}
        )
