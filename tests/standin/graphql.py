"""As much of GitHub's GraphQL as ``gh run list`` and ``gh run view`` ask for."""

from __future__ import annotations

from typing import Any

import orjson

from tests.standin.world import World


def answer_query(world: World, body: bytes) -> dict[str, Any]:
    """Data for the repository that the variables name: pull requests of a branch, default branch."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"errors": [{"message": "A query attribute must be specified and must be a string."}]}
    variables = asked.get("variables") or {}
    owner = variables.get("owner", "")
    name = variables.get("repo") or variables.get("name") or ""
    entry = world.find(f"{owner}/{name}")
    if entry is None:
        missing = f"Could not resolve to a Repository with the name '{owner}/{name}'."
        error = {"type": "NOT_FOUND", "path": ["repository"], "message": missing}
        return {"data": {"repository": None}, "errors": [error]}
    branch = variables.get("headRefName")
    numbers = {commit.pull_request for commit in entry.commits.values() if commit.branch == branch != "main"} - {None}
    head = {"owner": {"login": entry.history.owner}, "name": entry.history.name}
    nodes = [{"number": number, "headRepository": head} for number in numbers]
    repository = {
        "id": f"R_{entry.repository_id}",
        "databaseId": entry.repository_id,
        "name": entry.history.name,
        "nameWithOwner": entry.full_name,
        "owner": {"id": "O_1", "login": entry.history.owner},
        "hasIssuesEnabled": True,
        "description": "",
        "viewerPermission": "READ",
        "isPrivate": False,
        "defaultBranchRef": {"name": "main"},
        "pullRequests": {"totalCount": len(nodes), "nodes": nodes, "pageInfo": {"hasNextPage": False}},
    }
    return {"data": {"repository": repository, "viewer": {"login": "mira-holt"}}}
