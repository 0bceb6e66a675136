"""Which workflow file defined each run, got at hardly any cost.

Several workflows at hundreds of commits would be a request each. A clone answers for none; else the list of
``.github/workflows`` at one commit tells the blob of every workflow there at once, only few commits of a branch
are looked at (:mod:`forensics.ingest.github.lineage`), and each distinct blob is fetched once.

Whose file a run used follows from its event: GitHub's documentation of events that trigger workflows, and for
pull requests the ``ref`` of the workflows that they called (``refs/pull/N/merge``), as recorded answers have it.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from forensics.ingest.evidence import EvidenceFolder
from forensics.ingest.github.lineage import Wanted
from forensics.ingest.github.resolve import Missing, Resolution, Version, resolve

Run = Mapping[str, Any]

_FOLDER = ".github/workflows/"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_CALLED = re.compile(r"([\w.-]+/[\w.-]+)/(\.github/workflows/[^@]+)(?:@.*)?", re.ASCII | re.DOTALL)
_MERGE = re.compile(r"refs/pull/\d+/merge")


@dataclass(frozen=True)
class Definition:
    """A file that a run used, and at which commit."""

    run_id: int
    repository: str
    path: str
    commit: str
    branch: str
    is_default: bool
    at: datetime
    exact: bool
    """Whether the run used the file of that very commit; else it is the nearest that is known."""
    called: bool
    """A reusable workflow that the run called, not its own."""


def define(repository: str, default_branch: str | None, runs: Iterable[Run]) -> Iterator[Definition]:
    """The files that runs used: their own, and those they called. ``runs`` are run objects of the API.

    A run of GitHub's own (``dynamic/…``) has no file, one of another repository's file (a required workflow)
    does not say at which commit: neither gives a definition.
    """
    listed = [run for run in runs if isinstance(run.get("id"), int)]
    tips = _tips(repository, default_branch, listed)
    for run in listed:
        own = _own(repository, default_branch, run, tips)
        if own is not None:
            yield own
        yield from _called(repository, default_branch, run)


def wanted_files(repository: str, default_branch: str | None, runs: Iterable[Run]) -> tuple[Wanted, ...]:
    """Each file at each commit that defined a run, once, with the branch to look it up on."""
    by_pair: dict[tuple[str, str, str], list[Definition]] = {}
    by_commit: dict[tuple[str, str], list[Definition]] = {}
    for one in define(repository, default_branch, runs):
        by_pair.setdefault((one.repository, one.path, one.commit), []).append(one)
        by_commit.setdefault((one.repository, one.commit), []).append(one)
    branches = {place: _branch(group) for place, group in by_commit.items()}
    return tuple(
        Wanted(
            repository=place[0],
            path=place[1],
            commit=place[2],
            branch=branches[place[0], place[2]][0],
            is_default=branches[place[0], place[2]][1],
            at=min(one.at for one in by_commit[place[0], place[2]]),
            runs=len({one.run_id for one in group}),
            exact=any(one.exact for one in group),
        )
        for place, group in sorted(by_pair.items())
    )


def write(folder: EvidenceFolder, repository: str, resolution: Resolution, source: str = "GitHub") -> None:
    """Keep a resolution as evidence: each content once as received, and documents that say where it stood.

    ``repos/O/R/git/blobs/ID/PATH`` and ``repos/O/R/workflow-versions-DIGEST.json``, by the repository that a file
    lies in; ``repository`` is the one whose runs they defined.
    """
    source = f"{source} (workflow files of {repository})"
    kept: set[str] = set()
    by_repository: dict[str, list[Version]] = {}
    for version in resolution.versions:
        by_repository.setdefault(version.repository, []).append(version)
        if version.blob in resolution.blobs and version.blob not in kept:
            kept.add(version.blob)
            name = f"repos/{version.repository}/git/blobs/{version.blob}/{version.path}"
            folder.put(resolution.blobs[version.blob], name, source)
    for owner, versions in by_repository.items():
        listed = [{key: value for key, value in one._asdict().items() if key != "repository"} for one in versions]
        data = orjson.dumps({"repository": owner, "workflow_versions": listed}, option=orjson.OPT_INDENT_2)
        digest = hashlib.sha256(data).hexdigest()[:16]
        folder.put(data, f"repos/{owner}/workflow-versions-{digest}.json", source)


def _branch(group: list[Definition]) -> tuple[str, bool]:
    """Of the branches that a commit had runs on, the default one, else that of most runs."""
    counts: dict[tuple[bool, str], int] = {}
    for one in group:
        counts[one.is_default, one.branch] = counts.get((one.is_default, one.branch), 0) + 1
    is_default, branch = max(counts, key=lambda key: (key[0], counts[key], key[1]))
    return branch, is_default


def _own(
    repository: str, default_branch: str | None, run: Run, tips: list[tuple[datetime, str]]
) -> Definition | None:
    path, commit = str(run.get("path") or "").partition("@")[0], run.get("head_sha")
    if not path.startswith(_FOLDER) or not _is_commit(commit):
        return None
    event, at = str(run.get("event") or ""), _moment(run.get("created_at"))
    branch, is_default = _branch_of(repository, default_branch, run)
    exact = not event.startswith("pull_request")
    if event == "pull_request_target" and tips:
        # Its file is the default branch's (before 2025-12-08: the base branch's), its head_sha the pull request's.
        commit = tips[max(0, bisect_right(tips, (at, "g")) - 1)][1]
        branch, is_default = f"{repository}:{default_branch}", True
        at = next(moment for moment, tip in tips if tip == commit)
    elif not exact and (merge := _merge_commit(repository, run)):
        commit, exact = merge, True
    return Definition(run["id"], repository, path, str(commit), branch, is_default, at, exact, called=False)


def _called(repository: str, default_branch: str | None, run: Run) -> Iterator[Definition]:
    at = _moment(run.get("created_at"))
    own_branch, own_default = _branch_of(repository, default_branch, run)
    for place, path, commit, ref in _references(repository, run):
        if place != repository:
            # Recorded to the commit: nothing to guess, and the commits of a stranger's branch are not known.
            branch, is_default = f"{place}@{commit}", False
        elif commit == run.get("head_sha") or _MERGE.fullmatch(ref):
            branch, is_default = own_branch, own_default
        else:
            name = ref.removeprefix("refs/heads/")
            branch, is_default = f"{repository}:{name}", name == default_branch
        yield Definition(run["id"], place, path, commit, branch, is_default, at, exact=True, called=True)


def _references(repository: str, run: Run) -> Iterator[tuple[str, str, str, str]]:
    """Repository, path, commit and ref of the workflows that the run called."""
    listed = run.get("referenced_workflows")
    for one in listed if isinstance(listed, list) else []:
        found = _CALLED.fullmatch(str(one.get("path"))) if isinstance(one, dict) else None
        if found and _is_commit(one.get("sha")):
            place = repository if found[1].lower() == repository.lower() else found[1]
            yield place, found[2], one["sha"], str(one.get("ref") or "")


def _merge_commit(repository: str, run: Run) -> str | None:
    """The merge commit that a pull request's run used, where a workflow of the repository that it called tells."""
    return next(
        (sha for place, _, sha, ref in _references(repository, run) if place == repository and _MERGE.fullmatch(ref)),
        None,
    )


def _tips(repository: str, default_branch: str | None, runs: Iterable[Run]) -> list[tuple[datetime, str]]:
    """The default branch's commits as far as runs tell, oldest first, with the time of their first run."""
    first: dict[str, datetime] = {}
    for run in runs:
        commit, at = run.get("head_sha"), _moment(run.get("created_at"))
        on_default = _branch_of(repository, default_branch, run)[1]
        if on_default and _is_commit(commit) and not str(run.get("event") or "").startswith("pull_request"):
            first[str(commit)] = min(at, first.get(str(commit), at))
    return sorted((at, commit) for commit, at in first.items())


def _branch_of(repository: str, default_branch: str | None, run: Run) -> tuple[str, bool]:
    """Branch of the head commit, told apart by the repository it lives in: forks have a main, too."""
    head = run.get("head_repository")
    home = str(head.get("full_name") or repository) if isinstance(head, dict) else repository
    name = str(run.get("head_branch") or "")
    if not name:
        return f"{home}@{run.get('head_sha')}", False
    return f"{home}:{name}", name == default_branch and home.lower() == repository.lower()


def _is_commit(value: object) -> bool:
    return isinstance(value, str) and _COMMIT.fullmatch(value) is not None


def _moment(value: object) -> datetime:
    """A time as naive UTC; the beginning of time where there is none."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(read, datetime):
            return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
    except (ValueError, OverflowError):
        pass
    return datetime.min


__all__ = ["Definition", "Missing", "Resolution", "Version", "Wanted", "define", "resolve", "wanted_files", "write"]
