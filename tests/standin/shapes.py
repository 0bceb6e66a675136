"""Objects of the API that the synthesiser's evidence does not need, and its own ones as they stand by now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha1
from typing import Any

import orjson
from ruamel.yaml import YAML

from forensics.synth import rest
from forensics.synth.commits import Commit
from forensics.synth.history import START, Attempt, History, Job, Run
from forensics.synth.template import load_workflow
from tests.standin.state import DROPPED, Repository, RunState

API = "https://api.github.com"
WEB = "https://github.com"
_APP_ID = 15368
_LICENSE = {
    "key": "mit",
    "name": "MIT License",
    "spdx_id": "MIT",
    "url": f"{API}/licenses/mit",
    "node_id": "MDc6TGljZW5zZTEz",
}
_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


def show_minimal(entry: Repository) -> dict[str, Any]:
    """``minimal-repository``."""
    shown = rest.show_repository(entry.history)
    return {**shown, "id": entry.repository_id, "node_id": node("R_kgDO", entry.repository_id)}


def show_repository(entry: Repository) -> dict[str, Any]:
    """``full-repository``."""
    page = f"{WEB}/{entry.full_name}"
    made = rest.stamp(START - timedelta(days=420))
    pushed = max((state.run.created_at for state in entry.runs.values()), default=START)
    return {
        **show_minimal(entry),
        "archived": False,
        "clone_url": f"{page}.git",
        "created_at": made,
        "default_branch": "main",
        "disabled": False,
        "forks": 3,
        "forks_count": 3,
        "git_url": f"git://github.com/{entry.full_name}.git",
        "has_discussions": False,
        "has_downloads": True,
        "has_issues": True,
        "has_pages": True,
        "has_projects": True,
        "has_wiki": False,
        "homepage": None,
        "language": "TypeScript",
        "license": _LICENSE,
        "mirror_url": None,
        "network_count": 3,
        "open_issues": 4,
        "open_issues_count": 4,
        "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True},
        "pushed_at": rest.stamp(pushed),
        "size": 4120,
        "ssh_url": f"git@github.com:{entry.full_name}.git",
        "stargazers_count": 21,
        "subscribers_count": 5,
        "svn_url": page,
        "topics": [],
        "updated_at": rest.stamp(pushed),
        "visibility": "public",
        "watchers": 21,
        "watchers_count": 21,
    }


def show_run(entry: Repository, state: RunState, attempt: Attempt, *, pulls: bool = True) -> dict[str, Any]:
    """``workflow-run`` as it stands."""
    if "minimal" not in entry.shown:
        entry.shown["minimal"] = orjson.dumps(show_minimal(entry))
    minimal = orjson.Fragment(entry.shown["minimal"])
    shown = rest.show_run(entry.history, state.run, attempt, state.number, minimal)  # type: ignore[arg-type]
    for pull in shown["pull_requests"]:
        pull["head"]["repo"] = pull["base"]["repo"] = _repo_ref(entry)
    if not pulls:
        shown["pull_requests"] = []
    if attempt is not state.run.latest:
        return shown
    shown["updated_at"] = rest.stamp(state.updated_at)
    if state.phase != "completed":
        shown["status"], shown["conclusion"] = state.phase, None
    return _alter(shown, state.altered)


def show_jobs(entry: Repository, state: RunState, attempt: Attempt) -> list[dict[str, Any]]:
    """``job`` of each job of the attempt as it stands; an attempt in progress is in the middle of its first job."""
    phase = state.phase_of(attempt)
    shown = []
    for place, job in enumerate(attempt.jobs):
        told = rest.show_job(entry.history, state.run, attempt, job)
        if phase == "completed" or job.copied:
            pass
        elif phase == "in_progress" and place == 0 and job.steps:
            steps = [*told["steps"][:1], {**_pending(told["steps"][0]), "status": "in_progress"}]
            steps[1].update(name=job.steps[min(1, len(job.steps) - 1)].name, number=2)
            told.update(status="in_progress", conclusion=None, completed_at=None, steps=steps)
        else:
            runner = dict.fromkeys(("runner_id", "runner_name", "runner_group_id", "runner_group_name"))
            told.update(status="queued", conclusion=None, completed_at=None, steps=[], **runner)
            told["started_at"] = told["created_at"]
        shown.append(_alter(told, state.altered_jobs.get(job.job_id, {})))
    return shown


def show_check_run(entry: Repository, state: RunState, attempt: Attempt, job: Job) -> dict[str, Any]:
    """``check-run`` of a job."""
    told = show_jobs(entry, state, attempt)[attempt.jobs.index(job)]
    noted = [] if job.copied or state.phase_of(attempt) != "completed" else job.annotations
    base = told["check_run_url"]
    page = told["html_url"]
    return {
        "id": job.job_id,
        "name": job.name,
        "node_id": node("CR_kwDO", job.job_id),
        "head_sha": state.run.commit.sha,
        "external_id": sha1(str(job.job_id).encode(), usedforsecurity=False).hexdigest(),
        "url": base,
        "html_url": page,
        "details_url": page,
        "status": told.get("status", "completed"),
        "conclusion": told.get("conclusion"),
        "started_at": told.get("started_at"),
        "completed_at": told.get("completed_at"),
        "output": {
            "title": None,
            "summary": None,
            "text": None,
            "annotations_count": len(noted),
            "annotations_url": f"{base}/annotations",
        },
        "check_suite": {"id": suite_id(state.run)},
        "app": show_app(),
        "pull_requests": show_run(entry, state, attempt)["pull_requests"],
    }


def show_check_suite(entry: Repository, state: RunState) -> dict[str, Any]:
    """``check-suite`` of a run."""
    number = suite_id(state.run)
    base = f"{rest.api_url(entry.history)}/check-suites/{number}"
    told = show_run(entry, state, state.run.latest)
    return {
        "id": number,
        "node_id": node("CS_kwDO", number),
        "head_branch": state.run.commit.branch,
        "head_sha": state.run.commit.sha,
        "status": told.get("status"),
        "conclusion": told.get("conclusion"),
        "url": base,
        "before": "0" * 40,
        "after": state.run.commit.sha,
        "pull_requests": told["pull_requests"],
        "app": show_app(),
        "repository": show_minimal(entry),
        "created_at": told["created_at"],
        "updated_at": told["updated_at"],
        "head_commit": told["head_commit"],
        "latest_check_runs_count": len(state.run.latest.jobs),
        "check_runs_url": f"{base}/check-runs",
        "rerequestable": True,
        "runs_rerequestable": True,
    }


def show_app() -> dict[str, Any]:
    """GitHub Actions, which is an app itself."""
    owner = rest._user("github", 9919, "Organization")
    made = "2018-07-30T09:30:17Z"
    return {
        "id": _APP_ID,
        "slug": "github-actions",
        "node_id": "MDM6QXBwMTUzNjg=",
        "owner": owner,
        "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production",
        "external_url": "https://help.github.com/en/actions",
        "html_url": f"{WEB}/apps/github-actions",
        "created_at": made,
        "updated_at": made,
        "permissions": {"actions": "write", "checks": "write", "contents": "write", "metadata": "read"},
        "events": ["check_run", "check_suite", "push", "workflow_run"],
    }


def show_environment(entry: Repository, name: str) -> dict[str, Any]:
    """``environment``."""
    number = 4_400_000_000 + sum(name.encode())
    made = rest.stamp(START - timedelta(days=300))
    return {
        "id": number,
        "node_id": node("EN_kwDO", number),
        "name": name,
        "url": f"{rest.api_url(entry.history)}/environments/{name}",
        "html_url": f"{WEB}/{entry.full_name}/deployments/activity_log?environments_filter={name}",
        "created_at": made,
        "updated_at": made,
        "can_admins_bypass": True,
        "protection_rules": [],
        "deployment_branch_policy": None,
    }


def show_pull(entry: Repository, commit: Commit) -> dict[str, Any]:
    """``pull-request-simple`` that the commit belongs to."""
    number = commit.pull_request or 0
    base = f"{rest.api_url(entry.history)}/pulls/{number}"
    issue = f"{rest.api_url(entry.history)}/issues/{number}"
    merged = next((main for main in entry.history.main if main.pull_request == number), None)
    first = next((known for known in entry.history.commits if known.pull_request == number), commit)
    author = rest.show_person(commit.author)
    tails = {"commits": "commits", "review_comments": "comments"}
    links = {name: f"{base}/{tail}" for name, tail in tails.items()}
    links |= {
        "self": base,
        "html": f"{WEB}/{entry.full_name}/pull/{number}",
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comment": f"{rest.api_url(entry.history)}/pulls/comments{{/number}}",
        "statuses": f"{rest.api_url(entry.history)}/statuses/{commit.sha}",
    }
    repository = show_repository(entry)
    ended = rest.stamp(merged.pushed_at) if merged else None
    return {
        "url": base,
        "id": 2_200_000_000 + number,
        "node_id": node("PR_kwDO", number),
        "number": number,
        "state": "closed" if merged else "open",
        "locked": False,
        "title": first.subject,
        "user": author,
        "body": None,
        "labels": [],
        "milestone": None,
        "created_at": rest.stamp(first.pushed_at),
        "updated_at": ended or rest.stamp(commit.pushed_at),
        "closed_at": ended,
        "merged_at": ended,
        "merge_commit_sha": merged.sha if merged else None,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _side(entry, first.branch, commit.sha, repository),
        "base": _side(entry, "main", merged.sha if merged else commit.sha, repository),
        "author_association": "MEMBER",
        "auto_merge": None,
        "draft": False,
        "html_url": links["html"],
        "diff_url": f"{links['html']}.diff",
        "patch_url": f"{links['html']}.patch",
        "issue_url": links["issue"],
        **{f"{name}_url": links[name] for name in ("commits", "review_comments", "review_comment", "comments")},
        "statuses_url": links["statuses"],
        "_links": {name: {"href": address} for name, address in links.items()},
    }


def name_groups(history: History, run: Run, attempt: Attempt) -> list[tuple[str, str]]:
    """(job key or empty, name of its concurrency group) as the workflow file says, by name."""
    workflow = load_workflow(run.workflow)
    parsed = YAML(typ="safe").load(workflow.text)
    number = attempt.facts.get("pull_request")
    known = {
        "github.ref": f"refs/pull/{number}/merge" if number else f"refs/heads/{run.commit.branch}",
        "github.sha": attempt.facts.get("merge_sha", run.commit.sha),
        "github.workflow": workflow.name,
        "github.head_ref || github.run_id": run.commit.branch if number else str(run.run_id),
    }
    told = [("", parsed.get("concurrency"))]
    told += [(key, job.get("concurrency")) for key, job in parsed["jobs"].items()]
    names = []
    for key, said in told:
        if said is not None:
            group = said if isinstance(said, str) else said["group"]
            names.append((key, _EXPRESSION.sub(lambda match: known[match[1]], group)))
    return sorted(names, key=lambda entry: entry[1])


def suite_id(run: Run) -> int:
    """As `forensics.synth.rest.show_run` has it."""
    return run.run_id + 52_300_000_000


def node(prefix: str, number: int) -> str:
    """A node id of GitHub's newer form."""
    return rest._node(prefix, number)


def _alter(shown: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    if not fields:
        return shown
    return {name: value for name, value in {**shown, **fields}.items() if value is not DROPPED}


def _pending(step: Mapping[str, Any]) -> dict[str, Any]:
    return {**step, "conclusion": None, "completed_at": None}


def _repo_ref(entry: Repository) -> dict[str, Any]:
    return {"id": entry.repository_id, "url": rest.api_url(entry.history), "name": entry.history.name}


def _side(entry: Repository, ref: str, sha: str, repository: dict[str, Any]) -> dict[str, Any]:
    owner = repository["owner"]
    return {"label": f"{entry.history.owner}:{ref}", "ref": ref, "sha": sha, "user": owner, "repo": repository}
