"""Writes a made-up history as evidence: folders and files as if each answer of GitHub's API had been saved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any

import orjson

from forensics.synth import rest
from forensics.synth.history import Attempt, History, Job, Run
from forensics.synth.incidents import Expected
from forensics.synth.logtext import pack_logs

_PER_PAGE = 100


@dataclass(frozen=True)
class Written:
    """What was written."""

    directory: Path
    repository: str
    runs: int
    attempts: int
    jobs: int
    """Executed jobs: those with a log."""
    files: int
    bytes: int
    expected: tuple[Expected, ...] = ()
    """What the detectors must find in it."""


def write(history: History, directory: Path, *, expected: tuple[Expected, ...] = (), log_scale: int = 1) -> Written:
    """Write everything that GitHub would say about the history below ``directory/repos/OWNER/NAME``.

    Args:
        directory: made if it does not exist; files of the same names are replaced, others left alone.
        expected: what must be found, handed on to the result.
        log_scale: how many times as much build output the logs hold.
    """
    root = directory / "repos" / history.owner / history.name
    files = size = 0
    for path, content in _tell(history, log_scale):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        files += 1
        size += len(content)
    attempts = sum(len(run.attempts) for run in history.runs)
    jobs = sum(1 for _ in history.executions())
    return Written(directory, history.repository, len(history.runs), attempts, jobs, files, size, expected)


def _tell(history: History, log_scale: int) -> Iterator[tuple[str, bytes]]:
    """Path below the repository's folder, and bytes, of every file."""
    for file in history.files:
        workflow = history.workflow(file)
        yield f"contents/{workflow.path}", workflow.text.encode()
    listed = [rest.show_workflow(history, file) for file in history.files]
    yield "actions/workflows.json", _json({"total_count": len(listed), "workflows": listed})
    yield from _tell_runs(history)
    if history.workflows:
        yield "repository.json", _json(rest.show_repository(history) | {"default_branch": "main"})
        yield "workflow-versions.json", _json(_tell_versions(history))
    for run in history.runs:
        if run.groups is not None:
            yield f"actions/runs/{run.run_id}/concurrency_groups.json", _json(rest.show_groups(history, run))
        for attempt in run.attempts:
            yield from _tell_attempt(history, run, attempt, log_scale)
    yield from _tell_deployments(history)


def _tell_versions(history: History) -> dict[str, Any]:
    """What ``forensics ingest OWNER/NAME`` keeps beside the files: at which commit which content stood."""
    listed = [
        {"path": workflow.path, "commit": commit.sha, "blob": git_blob(workflow.text.encode()), "source": "exact"}
        for commit in history.commits
        for workflow in history.workflows
    ]
    return {"repository": history.repository, "workflow_versions": listed}


def git_blob(content: bytes) -> str:
    """Git's id of a file's content."""
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _tell_runs(history: History) -> Iterator[tuple[str, bytes]]:
    """Pages newest first with the latest attempt of each run; earlier attempts have files of their own."""
    repository = rest.show_repository(history)
    numbers = _run_numbers(history)
    shown: list[dict[str, Any]] = []
    for run in history.runs:
        for attempt in run.attempts:
            described = rest.show_run(history, run, attempt, numbers[run.run_id], repository)
            if attempt is run.latest:
                shown.append(described)
            else:
                yield f"actions/runs/{run.run_id}/attempts/{attempt.number}.json", _json(described)
    shown.reverse()
    for page, start in enumerate(range(0, len(shown), _PER_PAGE), start=1):
        content = {"total_count": len(shown), "workflow_runs": shown[start : start + _PER_PAGE]}
        yield f"actions/runs/page-{page}.json", _json(content)


def _run_numbers(history: History) -> dict[int, int]:
    """Runs count up within their workflow, and each workflow is older than the history."""
    counters: dict[str, int] = defaultdict(int)
    numbers = {}
    for run in history.runs:
        counters[run.workflow] += 1
        numbers[run.run_id] = counters[run.workflow] + 310 * (1 + history.files.index(run.workflow))
    return numbers


def _tell_attempt(history: History, run: Run, attempt: Attempt, log_scale: int) -> Iterator[tuple[str, bytes]]:
    folder = f"actions/runs/{run.run_id}/attempts/{attempt.number}"
    jobs = [rest.show_job(history, run, attempt, job) for job in attempt.jobs]
    yield f"{folder}/jobs.json", _json({"total_count": len(jobs), "jobs": jobs})
    logs = pack_logs(history, run, attempt, log_scale)
    if logs is not None:
        yield f"{folder}/logs.zip", logs
    for job in attempt.jobs:
        if job.annotations and not job.copied:
            shown = [rest.show_annotation(history, run, annotation) for annotation in job.annotations]
            yield f"check-runs/{job.job_id}/annotations.json", _json(shown)


def _tell_deployments(history: History) -> Iterator[tuple[str, bytes]]:
    """Newest first; a success makes the environment's earlier deployments inactive."""
    deployed = list(_deploying_jobs(history))
    shown = [rest.show_deployment(history, run, job, environment) for run, job, environment in deployed]
    yield "deployments.json", _json(shown[::-1])
    for run, job, environment in deployed:
        later = min(
            (
                other.completed_at
                for _, other, place in deployed
                if place == environment and other.conclusion == "success" and other.completed_at > job.completed_at
            ),
            default=None,
        )
        ended = "success" if job.conclusion == "success" else "failure"
        states = [("queued", job.created_at), ("in_progress", job.started_at), (ended, job.completed_at)]
        if later is not None and ended == "success":
            states.append(("inactive", later))
        statuses = [
            rest.show_status(history, run, job, environment, state, at, place)
            for place, (state, at) in enumerate(states)
        ]
        yield f"deployments/{rest.deployment_id(job)}/statuses.json", _json(statuses[::-1])


def _deploying_jobs(history: History) -> Iterator[tuple[Run, Job, str]]:
    for run, _, job in history.executions():
        template = history.workflow(run.workflow).job(job.name)
        if template.environment is not None:
            yield run, job, template.environment


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
