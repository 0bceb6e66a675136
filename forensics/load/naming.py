"""What the path of a file says of its origin: repository, run, attempt, job.

Paths are GitHub's own (``repos/O/R/actions/runs/ID/attempts/N/logs``), those that people and tools give
their downloads (``run-123456789.log``, ``job_123456789.txt``), and tinuous's
``Y/M/D/github/{push,pr,cron,manual}/{branch|PR}/{sha}/{workflow}/{run_number}/…``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REPOSITORY = re.compile(r"(?:^|/)repos/([A-Za-z0-9][\w.-]*/[\w.-]+)/")
# An id has 8 digits or more since 2019; shorter numbers in names are issue or run numbers.
_RUN = re.compile(r"(?<![A-Za-z])runs?(?:[-_ ]?id)?[-_/= ](\d{6,19})(?!\d)", re.I)
_JOB = re.compile(r"(?<![A-Za-z])jobs?(?:[-_ ]?id)?[-_/= ](\d{6,19})(?!\d)", re.I)
_ATTEMPT = re.compile(r"(?<![A-Za-z])attempts?[-_/= ](\d{1,3})(?!\d)", re.I)
_CHECK_RUN = re.compile(r"check-runs/(\d{6,19})(?!\d)")
_BLOB = re.compile(r"(?:^|/)git/blobs/([0-9a-f]{40})/(?=[^/])")
_DEPLOYMENT = re.compile(r"deployments/(\d{3,19})(?!\d)")
_NUMBER = re.compile(r"(?<![\dA-Za-z])(\d{8,19})(?![\dA-Za-z])")
_TINUOUS = re.compile(
    r"(?:^|/)\d{4}/\d\d/\d\d/(?:\d{6}/)?github/(push|pr|cron|manual)/([^/]+)/([0-9a-f]{7,40})/([^/]+)/(\d{1,18})(?:/|$)"
)
_TINUOUS_EVENTS = {"push": "push", "pr": "pull_request", "cron": "schedule", "manual": "workflow_dispatch"}


@dataclass(frozen=True)
class Named:
    """What a path says; None or empty where it says nothing."""

    repository: str | None
    run_id: int | None
    job_id: int | None
    attempt: int | None
    check_run_id: int | None
    deployment_id: int | None
    numbers: tuple[int, ...]
    """Other numbers long enough to be ids, as they stand in the path."""
    event: str | None = None
    branch: str | None = None
    sha: str | None = None
    workflow: str | None = None
    run_number: int | None = None
    blob: str | None = None
    """Git's id of the file, where it was fetched as the content of a version (``git/blobs/ID/PATH``)."""


def read_name(path: str) -> Named:
    """Read a path (evidence path and member joined by ``/``); the innermost mention wins."""
    tinuous = _TINUOUS.search(path)
    run, job = _last(_RUN, path), _last(_JOB, path)
    numbers = tuple(dict.fromkeys(int(n) for n in _NUMBER.findall(path) if int(n) < 1 << 63))
    return Named(
        repository=_text(_REPOSITORY, path),
        run_id=run,
        job_id=job,
        attempt=_last(_ATTEMPT, path),
        check_run_id=_last(_CHECK_RUN, path),
        deployment_id=_last(_DEPLOYMENT, path),
        numbers=tuple(n for n in numbers if n not in (run, job)),
        event=_TINUOUS_EVENTS[tinuous[1]] if tinuous else None,
        # For pull requests tinuous puts the number, not the branch, into the path.
        branch=tinuous[2] if tinuous and tinuous[1] != "pr" else None,
        sha=tinuous[3] if tinuous else None,
        workflow=tinuous[4] if tinuous else None,
        run_number=int(tinuous[5]) if tinuous else None,
        blob=_text(_BLOB, path),
    )


def _last(pattern: re.Pattern[str], path: str) -> int | None:
    found = pattern.findall(path)
    return int(found[-1]) if found and int(found[-1]) < 1 << 63 else None


def _text(pattern: re.Pattern[str], path: str) -> str | None:
    found = pattern.search(path)
    return found[1] if found else None
