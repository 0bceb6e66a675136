"""What the store has of some attempts, read at once for all incidents that are told; stories are made from this."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from forensics.detect.incident import AttemptFacts
from forensics.model import Finding, Incident, RunRef
from forensics.store.store import Store

Row = Mapping[str, Any]

_FACTS = """
SELECT
    a.run_id,
    a.attempt,
    a.created_at AS asked_at,
    a.completed_at AS ended_at,
    coalesce(r.workflow_name, r.workflow_path) AS workflow,
    r.workflow_path AS path
FROM wanted_attempts AS w
INNER JOIN attempts AS a ON w.run_id = a.run_id AND w.attempt = a.attempt
INNER JOIN runs AS r ON a.run_id = r.run_id AND a.repository = r.repository
"""

_ATTEMPTS = """
SELECT
    a.repository,
    a.run_id,
    a.attempt,
    coalesce(r.workflow_name, r.workflow_path, 'a workflow without name') AS workflow,
    r.event,
    r.head_branch,
    r.head_sha,
    coalesce(a.actor, r.actor) AS actor,
    a.status,
    a.conclusion,
    a.created_at,
    a.started_at,
    a.completed_at
FROM wanted_attempts AS w
INNER JOIN attempts AS a ON w.run_id = a.run_id AND w.attempt = a.attempt
INNER JOIN runs AS r ON a.run_id = r.run_id AND a.repository = r.repository
ORDER BY a.created_at, a.run_id, a.attempt
"""

_JOBS = """
SELECT
    j.run_id,
    j.attempt,
    j.job_id,
    j.name,
    j.conclusion,
    j.started_at,
    j.completed_at,
    l.job_id IS NOT NULL AS has_log
FROM wanted_attempts AS w
INNER JOIN jobs AS j ON w.run_id = j.run_id AND w.attempt = j.attempt
LEFT JOIN (SELECT DISTINCT s.job_id FROM log_sources AS s) AS l ON j.job_id = l.job_id
WHERE NOT j.copied AND coalesce(j.executed, j.conclusion IS DISTINCT FROM 'skipped') AND j.started_at IS NOT NULL
ORDER BY j.started_at, j.job_id
"""

_EFFECTS = """
SELECT
    e.run_id,
    e.attempt,
    e.job_id,
    e.step_number,
    e.line_no,
    e.effect,
    e.target,
    e.identity,
    e.outcome,
    e.occurred_at,
    CASE WHEN is_replaced(e.effect, e.target, r.head_branch) THEN coalesce(e.sha, r.head_sha) END AS sha
FROM wanted_attempts AS w
INNER JOIN write_effects AS e ON w.run_id = e.run_id AND w.attempt = e.attempt
LEFT JOIN runs AS r ON e.run_id = r.run_id AND e.repository = r.repository
ORDER BY e.occurred_at, e.run_id, e.job_id, e.line_no, e.target
"""

_CANCELLATIONS = """
SELECT
    k.run_id,
    k.attempt,
    k.job_id,
    k.cause,
    k.by_run_id,
    k.by_login,
    k.group_name,
    k.cancelled_at,
    k.confidence
FROM wanted_attempts AS w
INNER JOIN cancellations AS k ON w.run_id = k.run_id AND w.attempt = k.attempt
ORDER BY k.cancelled_at, k.run_id, k.attempt, k.job_id
"""

_APPROVALS = """
SELECT DISTINCT
    w.run_id,
    w.attempt,
    p.environment,
    p.state,
    p.login
FROM wanted_attempts AS w
INNER JOIN approvals AS p ON w.run_id = p.run_id
WHERE w.attempt = 1 AND p.state <> 'pending'
ORDER BY ALL
"""

_DEPLOYMENTS = """
SELECT
    w.run_id,
    w.attempt,
    s.job_id,
    s.state,
    coalesce(s.environment, d.environment) AS environment,
    s.created_at
FROM wanted_attempts AS w
INNER JOIN deployment_statuses AS s ON w.run_id = s.run_id
LEFT JOIN deployments AS d ON s.deployment_id = d.deployment_id
LEFT JOIN jobs AS j ON s.job_id = j.job_id
WHERE coalesce(j.attempt, 1) = w.attempt AND s.state IN ('success', 'failure', 'error', 'inactive')
ORDER BY s.created_at, s.status_id
"""

_GROUPS = """
SELECT
    g.run_id,
    g.attempt,
    g.job_name,
    g.level,
    g.group_name,
    g.cancel_in_progress,
    g.queue,
    g.path,
    g.line,
    g.expression,
    g.pattern,
    g.missing,
    g.confidence
FROM wanted_attempts AS w
INNER JOIN concurrency_groups AS g ON w.run_id = g.run_id AND w.attempt = coalesce(g.attempt, 1)
WHERE g.level IS NOT NULL
ORDER BY g.run_id, g.attempt, g.level DESC, g.job_name, g.line
"""


@dataclass(frozen=True)
class Record:
    """Rows by attempt, each list in the order of time; columns as in the queries above."""

    attempts: Mapping[RunRef, Sequence[Row]]
    jobs: Mapping[RunRef, Sequence[Row]]
    """Executed ones; ``has_log`` tells whether the case has any line of them."""
    effects: Mapping[RunRef, Sequence[Row]]
    cancellations: Mapping[RunRef, Sequence[Row]]
    approvals: Mapping[RunRef, Sequence[Row]]
    deployments: Mapping[RunRef, Sequence[Row]]
    groups: Mapping[RunRef, Sequence[Row]]


def read_facts(store: Store, findings: Iterable[Finding]) -> dict[RunRef, AttemptFacts]:
    """What grouping has to know of the attempts that findings name."""
    named = {run for finding in findings for run in finding.runs}
    rows = _about(store, named, _FACTS)
    return {RunRef(row.pop("run_id"), row.pop("attempt")): AttemptFacts(**row) for row in rows}


def read_record(store: Store, incidents: Iterable[Incident]) -> Record:
    """All that their stories are made of; needs the views of ``queries/lib`` on the connection."""
    runs = {run for incident in incidents for run in incident.runs}

    def by_attempt(sql: str) -> Mapping[RunRef, Sequence[Row]]:
        found: dict[RunRef, list[Row]] = defaultdict(list)
        for row in _about(store, runs, sql):
            found[RunRef(row["run_id"], row["attempt"])].append(row)
        return found

    return Record(
        attempts=by_attempt(_ATTEMPTS),
        jobs=by_attempt(_JOBS),
        effects=by_attempt(_EFFECTS),
        cancellations=by_attempt(_CANCELLATIONS),
        approvals=by_attempt(_APPROVALS),
        deployments=by_attempt(_DEPLOYMENTS),
        groups=by_attempt(_GROUPS),
    )


def read_groups(store: Store, incidents: Iterable[Incident]) -> Mapping[RunRef, Sequence[Row]]:
    """The groups in force alone, for first causes."""
    found: dict[RunRef, list[Row]] = defaultdict(list)
    for row in _about(store, {run for incident in incidents for run in incident.runs}, _GROUPS):
        found[RunRef(row["run_id"], row["attempt"])].append(row)
    return found


def _about(store: Store, runs: Iterable[RunRef], sql: str) -> list[dict[str, Any]]:
    places = pl.DataFrame(
        sorted((run.run_id, run.attempt) for run in runs),
        schema={"run_id": pl.Int64, "attempt": pl.Int32},
        orient="row",
    )
    store.frame_as("wanted_attempts", places)
    try:
        return store.query(sql).dicts()
    finally:
        store.drop_frame("wanted_attempts")
