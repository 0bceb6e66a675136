"""Which path is answered by what. The kinds are those of ``requests.kind`` where that table has a word for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.standin import records, runs
from tests.standin.ask import Ask, Told

_ONE = "(?P<{}>[^/]+)"


@dataclass(frozen=True)
class Route:
    """One path below a repository."""

    kind: str
    pattern: re.Pattern[str]
    handle: Callable[[Ask], Told]
    permission: str
    """What ``x-accepted-github-permissions`` says."""


def _route(kind: str, path: str, handle: Callable[[Ask], Told], permission: str = "actions=read") -> Route:
    """``path`` as in GitHub's documentation: ``{name}`` is one segment, ``{+name}`` one or more."""
    pattern = re.sub(r"\{\+(\w+)\}", r"(?P<\1>.*)", path)
    pattern = re.sub(r"\{(\w+)\}", lambda part: _ONE.format(part[1]), pattern)
    return Route(kind, re.compile(pattern), handle, permission)


_CHECKS, _PULLS, _FILES = "checks=read", "pull_requests=read", "contents=read"
_DEPLOYMENTS, _PLAIN = "deployments=read", "metadata=read"

ROUTES: tuple[Route, ...] = (
    _route("repository", "", records.tell_repository, _PLAIN),
    _route("installation", "/installation", records.tell_installation, _PLAIN),
    _route("runs", "/actions/runs", runs.list_runs),
    _route("run", "/actions/runs/{run}", runs.tell_run),
    _route("jobs", "/actions/runs/{run}/jobs", runs.list_jobs),
    _route("logs", "/actions/runs/{run}/logs", runs.fetch_logs),
    _route("attempt", "/actions/runs/{run}/attempts/{attempt}", runs.tell_attempt),
    _route("attempt-jobs", "/actions/runs/{run}/attempts/{attempt}/jobs", runs.list_attempt_jobs),
    _route("attempt-logs", "/actions/runs/{run}/attempts/{attempt}/logs", runs.fetch_attempt_logs),
    _route("groups", "/actions/runs/{run}/concurrency_groups", runs.list_run_groups),
    _route("approvals", "/actions/runs/{run}/approvals", runs.list_approvals),
    _route("pending", "/actions/runs/{run}/pending_deployments", runs.list_approvals),
    _route("run-usage", "/actions/runs/{run}/timing", runs.tell_run_usage),
    _route("run-artifacts", "/actions/runs/{run}/artifacts", records.list_run_artifacts),
    _route("job", "/actions/jobs/{job}", runs.tell_job),
    _route("job-log", "/actions/jobs/{job}/logs", runs.fetch_job_logs),
    _route("check-run", "/check-runs/{job}", records.tell_check_run, _CHECKS),
    _route("annotations", "/check-runs/{job}/annotations", records.list_annotations, _CHECKS),
    _route("check-suite", "/check-suites/{suite}", records.tell_check_suite, _CHECKS),
    _route("check-runs", "/check-suites/{suite}/check-runs", records.list_check_runs, _CHECKS),
    _route("workflows", "/actions/workflows", runs.list_workflows),
    _route("workflow", "/actions/workflows/{workflow}", runs.tell_workflow),
    _route("workflow-runs", "/actions/workflows/{workflow}/runs", runs.list_workflow_runs),
    _route("workflow-usage", "/actions/workflows/{workflow}/timing", runs.tell_workflow_usage),
    _route("live-groups", "/actions/concurrency_groups", runs.list_groups),
    _route("live-group", "/actions/concurrency_groups/{group}", runs.tell_group),
    _route("contents", "/contents/{+path}", records.tell_contents, _FILES),
    _route("commit-pulls", "/commits/{sha}/pulls", records.list_commit_pulls, _PULLS),
    _route("commit-status", "/commits/{+ref}/status", records.tell_combined_status, "statuses=read"),
    _route("commit-statuses", "/commits/{+ref}/statuses", records.list_commit_statuses, "statuses=read"),
    _route("pulls", "/pulls", records.list_pulls, _PULLS),
    _route("deployments", "/deployments", records.list_deployments, _DEPLOYMENTS),
    _route("deployment", "/deployments/{deployment}", records.tell_deployment, _DEPLOYMENTS),
    _route("statuses", "/deployments/{deployment}/statuses", records.list_statuses, _DEPLOYMENTS),
    _route("status", "/deployments/{deployment}/statuses/{status}", records.tell_status, _DEPLOYMENTS),
    _route("environments", "/environments", records.list_environments),
    _route("artifacts", "/actions/artifacts", records.list_artifacts),
    _route("caches", "/actions/caches", records.list_caches),
    _route("cache-usage", "/actions/cache/usage", records.tell_cache_usage),
    _route("cache-retention", "/actions/cache/retention-limit", records.tell_cache_retention),
    _route("cache-storage", "/actions/cache/storage-limit", records.tell_cache_storage),
)

PLAIN = {
    "/rate_limit": "rate-limit",
    "/graphql": "graphql",
    "/user": "user",
    "/meta": "meta",
    "": "root",
    "/": "root",
}
"""Paths that belong to no repository."""


def find_route(tail: str) -> tuple[Route, re.Match[str]] | None:
    """The route of a path below a repository."""
    for route in ROUTES:
        match = route.pattern.fullmatch(tail)
        if match:
            return route, match
    return None


def kind_of(path: str) -> str:
    """The kind of a request to the API, known before it is answered; empty for what there is not."""
    if path in PLAIN:
        return PLAIN[path]
    if path.startswith("/app/"):
        return "app-token"
    found = find_route(re.sub(r"^/(repos/[^/]+/[^/]+|repositories/\d+)", "", path))
    return found[0].kind if found else ""
