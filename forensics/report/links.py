"""Links to GitHub, made from checked parts only.

A part that is not what it should be gives no link (None), never a wrong one. Nothing found in a log becomes a link.
"""

from __future__ import annotations

import hashlib
import re

_HOST = re.compile(r"https://[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_FINDING_ID = re.compile(r"[a-z][a-z0-9-]{0,80}-[0-9a-f]{6,16}")
_DETECTOR_ID = re.compile(r"[a-z][a-z0-9-]{0,80}")


def checked_host(host: str) -> str | None:
    """Return the base address without a trailing slash, or None if it is not plain ``https://host[:port]``."""
    bare = host.removesuffix("/")
    return bare if _HOST.fullmatch(bare) else None


def checked_repository(repository: str) -> str | None:
    """Return ``owner/name`` if it has GitHub's form, else None."""
    return repository if _REPOSITORY.fullmatch(repository) else None


def repository_url(host: str, repository: str) -> str | None:
    """Return the address of a repository."""
    base, name = checked_host(host), checked_repository(repository)
    return f"{base}/{name}" if base and name else None


def run_url(host: str, repository: str, run_id: int, attempt: int = 1) -> str | None:
    """Return the address of an attempt of a run; None for a made-up (negative) id."""
    base = repository_url(host, repository)
    if base is None or run_id <= 0 or attempt <= 0:
        return None
    run = f"{base}/actions/runs/{int(run_id)}"
    return run if attempt == 1 else f"{run}/attempts/{int(attempt)}"


def line_url(host: str, repository: str, run_id: int, attempt: int, job_id: int, step: int | None) -> str | None:
    """Return the address of a step in a job's log, of the job if the step is unknown, else of the run.

    GitHub's anchors count lines within the step and we count within the job, so the link opens the step at its
    first line; the line's own text stands in the report (the anchor's form is undocumented, and logs expire).
    """
    run = run_url(host, repository, run_id)
    if run is None or job_id <= 0:
        return run_url(host, repository, run_id, attempt)
    job = f"{run}/job/{int(job_id)}"
    return job if step is None or step <= 0 else f"{job}#step:{int(step)}:1"


def finding_anchor(finding_id: str) -> str:
    """Return what to put after ``#`` for a finding: its id, or a hash of it if that could be another element's."""
    if _FINDING_ID.fullmatch(finding_id):
        return finding_id
    return "finding-" + hashlib.sha256(finding_id.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def detector_anchor(detector_id: str) -> str:
    """Return what to put after ``#`` for a detector's documentation."""
    if _DETECTOR_ID.fullmatch(detector_id):
        return "d-" + detector_id
    return "d-" + hashlib.sha256(detector_id.encode("utf-8", "surrogatepass")).hexdigest()[:10]
