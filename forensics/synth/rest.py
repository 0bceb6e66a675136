"""The made-up history as GitHub's REST API shows it (version 2026-03-10): plain dicts, ready for JSON.

Times are cut to whole seconds. Only what GitHub tells is told: who cancelled a run, for one, is not.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha1
from typing import Any
from urllib.parse import quote

from forensics.synth.commits import Commit, Person
from forensics.synth.history import START, Annotation, Attempt, History, Job, Run, Step, cut
from forensics.synth.template import WORKFLOW_FILES

_API = "https://api.github.com"
_WEB = "https://github.com"
_REPOSITORY_ID = 884_120_417
_OWNER_ID = 160_231_905
_WORKFLOW_IDS_FROM = 131_450_210
_DEPLOYMENT_IDS_FROM = 3_900_000_000
_OWN_JOB_IDS_BELOW = 127_000_000_000
"""Ids of jobs that do not follow from their times (`forensics.synth.row`)."""

_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}

_USER_LINKS = {
    "events_url": "/events{/privacy}",
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "organizations_url": "/orgs",
    "received_events_url": "/received_events",
    "repos_url": "/repos",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
}

_RUN_LINKS = {
    "jobs_url": "/jobs",
    "logs_url": "/logs",
    "artifacts_url": "/artifacts",
    "cancel_url": "/cancel",
    "rerun_url": "/rerun",
}


def stamp(moment: datetime) -> str:
    """A time as the API writes it."""
    return f"{cut(moment).isoformat()}Z"


def api_url(history: History) -> str:
    """Base of the repository's API addresses."""
    return f"{_API}/repos/{history.repository}"


def show_repository(history: History) -> dict[str, Any]:
    """``minimal-repository``."""
    base = api_url(history)
    number = _repository_id(history)
    return {
        "id": number,
        "node_id": _node("R_kgDO", number),
        "name": history.name,
        "full_name": history.repository,
        "private": False,
        "owner": _user(history.owner, _OWNER_ID, "Organization"),
        "html_url": f"{_WEB}/{history.repository}",
        "description": "The shop that does not exist",
        "fork": False,
        "url": base,
        **{name: base + tail for name, tail in _REPOSITORY_LINKS.items()},
    }


@cache
def show_person(person: Person) -> dict[str, Any]:
    """``simple-user``."""
    return _user(person.login, person.user_id, "User")


def show_run(
    history: History, run: Run, attempt: Attempt, number: int, repository: Mapping[str, Any]
) -> dict[str, Any]:
    """``workflow-run`` as of one attempt; ``number`` is the run's number within its workflow."""
    workflow = history.workflow(run.workflow)
    base = f"{api_url(history)}/actions/runs/{run.run_id}"
    here = base if attempt is run.latest else f"{base}/attempts/{attempt.number}"
    suite = run.run_id + 52_300_000_000
    before = f"{base}/attempts/{attempt.number - 1}" if attempt.number > 1 else None
    return {
        "id": run.run_id,
        "name": workflow.name,
        "node_id": _node("WFR_kwLO", run.run_id),
        "head_branch": run.commit.branch,
        "head_sha": run.commit.sha,
        "path": workflow.path,
        "display_title": run.commit.subject,
        "run_number": number,
        "event": run.event,
        "status": attempt.status,
        "conclusion": attempt.conclusion if attempt.status == "completed" else None,
        "workflow_id": workflow_id(run.workflow, history),
        "check_suite_id": suite,
        "check_suite_node_id": _node("CS_kwDO", suite),
        "url": here,
        "html_url": f"{_WEB}/{history.repository}/actions/runs/{run.run_id}",
        "pull_requests": _pull_requests(history, run),
        "created_at": stamp(run.created_at),
        "updated_at": stamp(attempt.updated_at),
        "actor": show_person(run.actor),
        "run_attempt": attempt.number,
        "referenced_workflows": [],
        "run_started_at": stamp(attempt.asked_at),
        "triggering_actor": show_person(attempt.actor),
        **{name: here + tail for name, tail in _RUN_LINKS.items()},
        "check_suite_url": f"{api_url(history)}/check-suites/{suite}",
        "previous_attempt_url": before,
        "workflow_url": f"{api_url(history)}/actions/workflows/{workflow_id(run.workflow, history)}",
        "head_commit": _commit(run.commit),
        "repository": repository,
        "head_repository": repository,
    }


def show_job(history: History, run: Run, attempt: Attempt, job: Job) -> dict[str, Any]:
    """``job``; one that never got a runner has no steps."""
    base = api_url(history)
    workflow = history.workflow(run.workflow)
    template = workflow.job(job.name)
    runner = job.runner
    ended = job.status == "completed"
    return {
        "id": job.job_id,
        "run_id": run.run_id,
        "workflow_name": workflow.name,
        "head_branch": run.commit.branch,
        "run_url": f"{base}/actions/runs/{run.run_id}",
        "run_attempt": attempt.number,
        "node_id": _node("CR_kwDO", job.job_id),
        "head_sha": run.commit.sha,
        "url": f"{base}/actions/jobs/{job.job_id}",
        "html_url": job_page(history, run, job),
        "status": job.status,
        "conclusion": job.conclusion if ended else None,
        "created_at": stamp(job.created_at),
        "started_at": stamp(job.started_at),
        "completed_at": stamp(job.completed_at) if ended else None,
        "name": job.name,
        "steps": [_step(step) for step in job.steps],
        "check_run_url": f"{base}/check-runs/{job.job_id}",
        "labels": list(template.labels),
        "runner_id": runner.runner_id if runner else None,
        "runner_name": runner.name if runner else None,
        "runner_group_id": runner.group_id if runner else None,
        "runner_group_name": runner.group_name if runner else None,
    }


def show_annotation(history: History, run: Run, annotation: Annotation) -> dict[str, Any]:
    """``check-annotation``."""
    return {
        "path": ".github",
        "blob_href": f"{_WEB}/{history.repository}/blob/{run.commit.sha}/.github",
        "start_line": annotation.line,
        "start_column": None,
        "end_line": annotation.line,
        "end_column": None,
        "annotation_level": annotation.level,
        "title": "",
        "message": annotation.message,
        "raw_details": "",
    }


def show_workflow(history: History, file: str) -> dict[str, Any]:
    """``workflow``."""
    workflow = history.workflow(file)
    number = workflow_id(file, history)
    made = START - timedelta(days=400 - 30 * history.files.index(file))
    page = f"{_WEB}/{history.repository}"
    return {
        "id": number,
        "node_id": _node("W_kwDO", number),
        "name": workflow.name,
        "path": workflow.path,
        "state": "active",
        "created_at": stamp(made),
        "updated_at": stamp(made + timedelta(days=21)),
        "url": f"{api_url(history)}/actions/workflows/{number}",
        "html_url": f"{page}/blob/main/{workflow.path}",
        "badge_url": f"{page}/workflows/{workflow.name}/badge.svg",
    }


def show_deployment(history: History, run: Run, job: Job, environment: str) -> dict[str, Any]:
    """``deployment``, made when the job that names the environment begins."""
    number = deployment_id(job)
    base = f"{api_url(history)}/deployments/{number}"
    return {
        "url": base,
        "id": number,
        "node_id": _node("DE_kwDO", number),
        "sha": run.commit.sha,
        "ref": run.commit.branch,
        "task": "deploy",
        "payload": {},
        "original_environment": environment,
        "environment": environment,
        "description": None,
        "creator": show_person(run.actor),
        "created_at": stamp(job.created_at),
        "updated_at": stamp(job.completed_at),
        "statuses_url": f"{base}/statuses",
        "repository_url": api_url(history),
        "transient_environment": False,
        "production_environment": environment == "production",
        "performed_via_github_app": None,
    }


def show_status(
    history: History, run: Run, job: Job, environment: str, state: str, at: datetime, place: int
) -> dict[str, Any]:
    """``deployment-status``; ``log_url`` is what ties a deployment to its job."""
    deployment = f"{api_url(history)}/deployments/{deployment_id(job)}"
    number = deployment_id(job) * 4 + place
    return {
        "url": f"{deployment}/statuses/{number}",
        "id": number,
        "node_id": _node("DES_kwDO", number),
        "state": state,
        "creator": show_person(run.actor),
        "description": "",
        "environment": environment,
        "target_url": job_page(history, run, job),
        "created_at": stamp(at),
        "updated_at": stamp(at),
        "deployment_url": deployment,
        "repository_url": api_url(history),
        "environment_url": "",
        "log_url": job_page(history, run, job),
        "performed_via_github_app": None,
    }


def workflow_id(file: str, history: History | None = None) -> int:
    """The workflow's made-up id; repositories with files of their own have ids apart from the shop's."""
    if history is None or not history.workflows:
        return _WORKFLOW_IDS_FROM + 7_013 * WORKFLOW_FILES.index(file)
    return _WORKFLOW_IDS_FROM + 100_000 * (1 + history.seed) + 7_013 * history.files.index(file)


def deployment_id(job: Job) -> int:
    """The deployment's made-up id, growing with time."""
    if job.job_id < _OWN_JOB_IDS_BELOW:
        return job.job_id % _DEPLOYMENT_IDS_FROM
    return _DEPLOYMENT_IDS_FROM + int((job.created_at - START) / timedelta(milliseconds=1))


def job_page(history: History, run: Run, job: Job) -> str:
    """The job's web page."""
    return f"{_WEB}/{history.repository}/actions/runs/{run.run_id}/job/{job.job_id}"


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "status": "completed",
        "conclusion": step.conclusion,
        "number": step.number,
        "started_at": stamp(step.started_at),
        "completed_at": stamp(step.completed_at),
    }


def _commit(commit: Commit) -> dict[str, Any]:
    person = {"name": commit.author.name, "email": commit.author.email}
    return {
        "id": commit.sha,
        "tree_id": sha1(commit.sha.encode(), usedforsecurity=False).hexdigest(),
        "message": commit.subject,
        "timestamp": stamp(commit.authored_at),
        "author": person,
        "committer": person,
    }


def _pull_requests(history: History, run: Run) -> list[dict[str, Any]]:
    """GitHub lists only pull requests that are open when asked: here, those not merged by the last day."""
    commit = run.commit
    if run.event != "pull_request" or any(main.pull_request == commit.pull_request for main in history.main):
        return []
    number = commit.pull_request
    repo = {"id": _repository_id(history), "url": api_url(history), "name": history.name}
    return [
        {
            "id": 2_200_000_000 + (number or 0),
            "number": number,
            "url": f"{api_url(history)}/pulls/{number}",
            "head": {"ref": commit.branch, "sha": commit.sha, "repo": repo},
            "base": {"ref": "main", "sha": run.latest.facts["base_sha"], "repo": repo},
        }
    ]


def _repository_id(history: History) -> int:
    return _REPOSITORY_ID + (1 + history.seed if history.workflows else 0)


def show_groups(history: History, run: Run) -> dict[str, Any]:
    """What the run's own endpoint says of its concurrency groups (facts A14); after the run nobody is in them."""
    base = f"{api_url(history)}/actions/concurrency_groups"
    shown = [
        {"group_name": name, "group_url": f"{base}/{quote(name, safe='')}", "total_count": 0, "group_members": []}
        for name in run.groups or ()
    ]
    return {"total_count": len(shown), "concurrency_groups": shown}


def _user(login: str, user_id: int, kind: str) -> dict[str, Any]:
    base = f"{_API}/users/{login}"
    return {
        "login": login,
        "id": user_id,
        "node_id": _node("U_kgDO", user_id),
        "avatar_url": f"https://avatars.githubusercontent.com/u/{user_id}?v=4",
        "gravatar_id": "",
        "url": base,
        "html_url": f"{_WEB}/{login}",
        **{name: base + tail for name, tail in _USER_LINKS.items()},
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def _node(prefix: str, number: int) -> str:
    return prefix + b64encode(number.to_bytes(9, "big")).decode().rstrip("=")
