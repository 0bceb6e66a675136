"""Everything but Actions: the repository, checks, deployments, contents, pull requests, caches."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha1
from typing import Any

from forensics.synth import rest
from forensics.synth.history import Job, Run
from forensics.synth.template import WORKFLOW_FILES, load_workflow
from tests.standin.ask import Ask, Refused, Told, paginate
from tests.standin.runs import find_job
from tests.standin.shapes import (
    API,
    WEB,
    show_check_run,
    show_check_suite,
    show_environment,
    show_minimal,
    show_pull,
    show_repository,
    suite_id,
)
from tests.standin.state import Repository, RunState

_FOLDER_SIZE = 1 << 20
"""Files beyond a megabyte come without content, with ``encoding: none``."""


def tell_repository(ask: Ask) -> Told:
    return Told(show_repository(ask.entry))


def tell_installation(ask: Ask) -> Told:
    """Where the App is installed; needs its JWT, which the server has looked at."""
    app = ask.world.app
    if app is None:
        raise Refused(404, "Not Found")
    owner = show_minimal(ask.entry)["owner"]
    return Told(
        {
            "id": app.installation_id,
            "app_id": app.app_id,
            "target_type": owner["type"],
            "account": owner,
            "access_tokens_url": f"{API}/app/installations/{app.installation_id}/access_tokens",
            "repositories_url": f"{API}/installation/repositories",
            "permissions": {"actions": "read", "checks": "read", "contents": "read", "metadata": "read"},
            "events": [],
            "repository_selection": "all",
        }
    )


def tell_check_run(ask: Ask) -> Told:
    return Told(show_check_run(ask.entry, *find_job(ask)))


def list_annotations(ask: Ask) -> Told:
    state, attempt, job = find_job(ask)
    noted = () if job.copied or state.phase_of(attempt) != "completed" else job.annotations
    shown = [rest.show_annotation(ask.entry.history, state.run, annotation) for annotation in noted]
    page, headers = paginate(ask, shown)
    return Told(page, headers=headers)


def tell_check_suite(ask: Ask) -> Told:
    return Told(show_check_suite(ask.entry, _find_suite(ask)))


def list_check_runs(ask: Ask) -> Told:
    """Of the latest attempt, or of all with ``filter=all``; ``check_name`` and ``status`` choose."""
    state = _find_suite(ask)
    attempts = state.run.attempts if ask.query.get("filter") == "all" else state.run.attempts[-1:]
    shown = [show_check_run(ask.entry, state, attempt, job) for attempt in attempts for job in attempt.jobs]
    if "check_name" in ask.query:
        shown = [run for run in shown if run["name"] == ask.query["check_name"]]
    if "status" in ask.query:
        shown = [run for run in shown if run["status"] == ask.query["status"]]
    page, headers = paginate(ask, shown)
    return Told({"total_count": len(shown), "check_runs": page}, headers=headers)


def list_environments(ask: Ask) -> Told:
    names = sorted({place for _, _, place in _deployed(ask.entry)})
    shown = [show_environment(ask.entry, name) for name in names]
    page, headers = paginate(ask, shown)
    return Told({"total_count": len(shown), "environments": page}, headers=headers)


def list_deployments(ask: Ask) -> Told:
    """Newest first; ``environment``, ``sha``, ``ref`` and ``task`` choose."""
    shown = [rest.show_deployment(ask.entry.history, *deployed) for deployed in _deployed(ask.entry)][::-1]
    for name in ("environment", "sha", "ref", "task"):
        if name in ask.query:
            shown = [entry for entry in shown if entry[name] == ask.query[name]]
    page, headers = paginate(ask, shown)
    return Told(page, headers=headers)


def tell_deployment(ask: Ask) -> Told:
    return Told(rest.show_deployment(ask.entry.history, *_find_deployment(ask)))


def list_statuses(ask: Ask) -> Told:
    """Newest first; a later success makes a deployment inactive."""
    page, headers = paginate(ask, _statuses(ask)[::-1])
    return Told(page, headers=headers)


def tell_status(ask: Ask) -> Told:
    wanted = ask.number("status")
    for status in _statuses(ask):
        if status["id"] == wanted:
            return Told(status)
    raise Refused(404, "Not Found")


def list_commit_pulls(ask: Ask) -> Told:
    commit = ask.entry.commits.get(ask.parts["sha"])
    if commit is None:
        raise Refused(422, f"No commit found for SHA: {ask.parts['sha']}")
    page, headers = paginate(ask, [show_pull(ask.entry, commit)] if commit.pull_request else [])
    return Told(page, headers=headers)


def list_pulls(ask: Ask) -> Told:
    """By number, newest first; ``state`` and ``head`` choose."""
    last = {commit.pull_request: commit for commit in ask.entry.history.commits if commit.branch != "main"}
    shown = [show_pull(ask.entry, last[number]) for number in sorted(last, key=lambda n: n or 0)[::-1]]
    state = ask.query.get("state", "open")
    shown = [pull for pull in shown if state in ("all", pull["state"])]
    if "head" in ask.query:
        shown = [pull for pull in shown if pull["head"]["label"] == ask.query["head"]]
    page, headers = paginate(ask, shown)
    return Told(page, headers=headers)


def tell_combined_status(ask: Ask) -> Told:
    sha = _resolve(ask.entry, ask.parts["ref"])
    base = f"{rest.api_url(ask.entry.history)}/commits/{sha}"
    told = {"state": "pending", "statuses": [], "sha": sha, "total_count": 0}
    return Told(told | {"repository": show_minimal(ask.entry), "commit_url": base, "url": f"{base}/status"})


def list_commit_statuses(ask: Ask) -> Told:
    _resolve(ask.entry, ask.parts["ref"])
    return Told([])


def list_artifacts(ask: Ask) -> Told:
    return Told({"total_count": 0, "artifacts": []})


def list_run_artifacts(ask: Ask) -> Told:
    if ask.number("run") not in ask.entry.runs:
        raise Refused(404, "Not Found")
    return list_artifacts(ask)


def list_caches(ask: Ask) -> Told:
    """One cache a workflow, as setup-node makes them."""
    made = "2026-11-01T08:00:00.000000000Z"
    shown = [
        {
            "id": 9_100 + place,
            "ref": "refs/heads/main",
            "key": f"node-cache-Linux-x64-npm-{sha1(file.encode(), usedforsecurity=False).hexdigest()}",
            "version": sha1(b"version", usedforsecurity=False).hexdigest(),
            "last_accessed_at": made,
            "created_at": made,
            "size_in_bytes": 1024 * (place + 1),
        }
        for place, file in enumerate(WORKFLOW_FILES)
    ]
    page, headers = paginate(ask, shown)
    return Told({"total_count": len(shown), "actions_caches": page}, headers=headers)


def tell_cache_usage(ask: Ask) -> Told:
    count = len(WORKFLOW_FILES)
    size = sum(1024 * (place + 1) for place in range(count))
    name = ask.entry.full_name
    return Told({"full_name": name, "active_caches_size_in_bytes": size, "active_caches_count": count})


def tell_cache_retention(ask: Ask) -> Told:
    return Told({"max_cache_retention_days": 7})


def tell_cache_storage(ask: Ask) -> Told:
    return Told({"max_cache_size_gb": 10})


def tell_contents(ask: Ask) -> Told:
    """A file (JSON, or raw by Accept), a folder, or 404."""
    path = ask.parts["path"].strip("/")
    ref = ask.query.get("ref") or "main"
    accept = ask.request.headers.get("accept", "")
    files = _files(ask.entry, _resolve(ask.entry, ref))
    raw = re.search(r"application/vnd\.github(\.v3)?\.raw", accept) is not None
    if path in files:
        content = files[path]
        if raw:
            return Told(content, content_type="application/vnd.github.raw+json; charset=utf-8")
        return Told(_show_file(ask.entry, path, content, ref))
    folder = f"{path}/" if path else ""
    names = {name.removeprefix(folder).partition("/")[0] for name in files if name.startswith(folder)}
    if not names:
        raise Refused(404, "Not Found")
    entries = [_show_entry(ask.entry, folder + name, files.get(folder + name), ref) for name in sorted(names)]
    if "github.object" in accept or "github.v3.object" in accept:
        told = _show_entry(ask.entry, path, None, ref) | {"entries": entries}
        return Told(told, content_type="application/vnd.github.object; charset=utf-8")
    return Told(entries)


def _files(entry: Repository, sha: str) -> dict[str, bytes]:
    """Everything that is in the repository at a commit."""
    files: dict[str, bytes] = {"README.md": b"# The shop that does not exist\n"}
    for file in WORKFLOW_FILES:
        workflow = load_workflow(file)
        files[workflow.path] = workflow.text.encode()
    for (where, path), content in entry.files.items():
        if where in ("", sha):
            if content is None:
                files.pop(path, None)
            else:
                files[path] = content
    return files


def _resolve(entry: Repository, ref: str) -> str:
    """The commit of a branch or sha."""
    if ref in entry.shas:
        return ref
    name = ref.removeprefix("refs/heads/").removeprefix("heads/")
    on_it = [commit for commit in entry.commits.values() if commit.branch == name]
    if not on_it:
        raise Refused(404, f"No commit found for the ref {ref}")
    return max(on_it, key=lambda commit: commit.pushed_at).sha


def _show_entry(entry: Repository, path: str, content: bytes | None, ref: str) -> dict[str, Any]:
    kind = "dir" if content is None else "file"
    sha = sha1(path.encode() if content is None else b"blob %d\0" % len(content) + content, usedforsecurity=False)
    base = rest.api_url(entry.history)
    urls = {
        "url": f"{base}/contents/{path}?ref={ref}",
        "html_url": f"{WEB}/{entry.full_name}/{'tree' if content is None else 'blob'}/{ref}/{path}",
        "git_url": f"{base}/git/{'trees' if content is None else 'blobs'}/{sha.hexdigest()}",
    }
    raw = f"https://raw.githubusercontent.com/{entry.full_name}/{ref}/{path}"
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha.hexdigest(),
        "size": len(content or b""),
        **urls,
        "download_url": None if content is None else raw,
        "type": kind,
        "_links": {"self": urls["url"], "git": urls["git_url"], "html": urls["html_url"]},
    }


def _show_file(entry: Repository, path: str, content: bytes, ref: str) -> dict[str, Any]:
    shown = _show_entry(entry, path, content, ref)
    if len(content) > _FOLDER_SIZE:
        return shown | {"content": "", "encoding": "none"}
    text = b64encode(content).decode()
    lines = "".join(f"{text[start : start + 60]}\n" for start in range(0, len(text), 60))
    return shown | {"content": lines, "encoding": "base64"}


def _find_suite(ask: Ask) -> RunState:
    wanted = ask.number("suite")
    for state in ask.entry.runs.values():
        if suite_id(state.run) == wanted:
            return state
    raise Refused(404, "Not Found")


def _deployed(entry: Repository) -> list[tuple[Run, Job, str]]:
    """Jobs that name an environment and ran to their end, oldest first."""
    found = []
    for state in entry.runs.values():
        places = {job.name: job.environment for job in load_workflow(state.run.workflow).jobs}
        for attempt in state.run.attempts:
            if state.phase_of(attempt) == "completed":
                found += [
                    (state.run, job, place) for job in attempt.jobs if job.executed and (place := places[job.name])
                ]
    return found


def _find_deployment(ask: Ask) -> tuple[Run, Job, str]:
    wanted = ask.number("deployment")
    for run, job, place in _deployed(ask.entry):
        if rest.deployment_id(job) == wanted:
            return run, job, place
    raise Refused(404, "Not Found")


def _statuses(ask: Ask) -> list[dict[str, Any]]:
    """Oldest first, as `forensics.synth.write` has them."""
    run, job, place = _find_deployment(ask)
    ended = "success" if job.conclusion == "success" else "failure"
    states = [("queued", job.created_at), ("in_progress", job.started_at), (ended, job.completed_at)]
    later = [
        other.completed_at
        for _, other, where in _deployed(ask.entry)
        if where == place and other.conclusion == "success" and other.completed_at > job.completed_at
    ]
    if later and ended == "success":
        states.append(("inactive", min(later)))
    return [
        rest.show_status(ask.entry.history, run, job, place, state, at, number)
        for number, (state, at) in enumerate(states)
    ]
