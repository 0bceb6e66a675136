"""What the case's metadata says, as attribution and step assignment need it."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.load.attribution import Known, KnownJob, KnownRun
from forensics.logs.steps import StepWindow
from forensics.store.store import Store


def read_known(store: Store) -> Known:
    """Runs and jobs that GitHub's own objects tell of; rows made up for logs do not count."""
    runs = store.query(
        "SELECT run_id, repository, latest_attempt, run_number, head_sha, workflow_name, workflow_path, created_at, "
        "CASE WHEN status = 'completed' THEN updated_at END "
        "FROM runs WHERE NOT inferred"
    ).rows
    jobs = store.query(
        "SELECT job_id, run_id, attempt, name, started_at, completed_at FROM jobs WHERE NOT inferred"
    ).rows
    neighbours = store.query(
        "SELECT directory, list(DISTINCT run_id ORDER BY run_id) FROM neighbours GROUP BY directory"
    ).rows
    return Known(
        {row[0]: KnownRun(*row[1:]) for row in runs},
        {row[0]: KnownJob(*row) for row in jobs},
        {row[0]: tuple(row[1]) for row in neighbours},
    )


def read_steps(store: Store, jobs: Sequence[int] | None = None) -> dict[int, tuple[StepWindow, ...]]:
    """Steps by job, in order; of all jobs, or of those named."""
    wanted = "" if jobs is None else "WHERE job_id IN (SELECT unnest($jobs))"
    sql = f"SELECT job_id, step_number, name, started_at, completed_at, conclusion FROM steps {wanted} ORDER BY 1, 2"  # noqa: S608
    rows = store.query(sql, None if jobs is None else {"jobs": list(jobs)}).rows
    found: dict[int, list[StepWindow]] = {}
    for job_id, number, name, *window in rows:
        found.setdefault(job_id, []).append(StepWindow(number, name or "", *window))
    return {job_id: tuple(steps) for job_id, steps in found.items()}
