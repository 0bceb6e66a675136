"""What lies at a target: the last effect that was done there, and the next one after an incident."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from forensics.model import Incident, Live, RunRef
from forensics.store.store import Store

Row = Mapping[str, Any]

_LIVE = """
WITH keyed AS (
    SELECT DISTINCT
        repository,
        target,
        target_key(repository, target) AS target_key
    FROM wanted_targets
),

last AS (
    SELECT
        e.target_key,
        arg_max(
            struct_pack(
                run_id := e.run_id, attempt := e.attempt, job_id := e.job_id, line_no := e.line_no, sha := e.sha,
                effect := e.effect, identity := e.identity, occurred_at := e.occurred_at
            ),
            (e.occurred_at, e.run_id, e.attempt, e.job_id, e.line_no)
        ) FILTER (WHERE e.outcome = 'done') AS landing,
        max(e.occurred_at) FILTER (WHERE e.outcome = 'unknown') AS unanswered_at
    FROM write_effects AS e
    WHERE e.target_key IN (SELECT k.target_key FROM keyed AS k) AND e.occurred_at IS NOT NULL
    GROUP BY e.target_key
),

landed AS (
    SELECT
        k.repository,
        k.target,
        l.unanswered_at,
        unnest(l.landing)
    FROM keyed AS k
    LEFT JOIN last AS l ON k.target_key = l.target_key
),

placed AS (
    SELECT
        d.*,
        r.head_branch,
        r.head_sha,
        coalesce(r.head_repository, r.repository) AS head_repository,
        r.repository AS of_repository,
        coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name) AS workflow_key,
        coalesce(r.workflow_name, r.workflow_path) AS workflow,
        is_replaced(d.effect, d.target, r.head_branch) AS replaced,
        coalesce(c.sha, o.sha) AS known_sha,
        coalesce(c.newness, o.newness) AS newness
    FROM landed AS d
    LEFT JOIN runs AS r ON d.run_id = r.run_id
    LEFT JOIN commit_order AS o
        ON
            r.repository = o.repository AND coalesce(r.head_repository, r.repository) = o.head_repository
            AND r.head_branch = o.head_branch AND r.head_sha = o.sha
    LEFT JOIN commit_order AS c
        ON
            r.repository = c.repository AND coalesce(r.head_repository, r.repository) = c.head_repository
            AND r.head_branch = c.head_branch AND d.sha = c.sha
),

newer AS (
    SELECT
        p.repository,
        p.target,
        arg_max(n.sha, n.newness) AS newest_sha,
        count(*) FILTER (WHERE n.newness > p.newness) AS commits_newer
    FROM placed AS p
    INNER JOIN commit_order AS n
        ON
            p.of_repository = n.repository AND p.head_repository = n.head_repository
            AND p.head_branch = n.head_branch
    GROUP BY p.repository, p.target
),

silent AS (
    SELECT
        p.repository,
        p.target,
        count(DISTINCT j.run_id) AS runs_without_log
    FROM placed AS p
    INNER JOIN runs AS r
        ON
            p.of_repository = r.repository AND p.head_branch = r.head_branch
            AND p.workflow_key = coalesce(r.workflow_path, r.workflow_id::varchar, r.workflow_name)
    INNER JOIN jobs AS j ON r.run_id = j.run_id
    ANTI JOIN log_sources AS s ON j.job_id = s.job_id
    WHERE
        NOT j.copied AND coalesce(j.executed, j.conclusion IS DISTINCT FROM 'skipped')
        AND j.started_at > p.occurred_at
    GROUP BY p.repository, p.target
)

SELECT
    p.*,
    n.newest_sha,
    coalesce(n.commits_newer, 0) AS commits_newer,
    coalesce(s.runs_without_log, 0) AS runs_without_log
FROM placed AS p
LEFT JOIN newer AS n ON p.repository = n.repository AND p.target = n.target
LEFT JOIN silent AS s ON p.repository = s.repository AND p.target = s.target
"""

_NEXT = """
WITH keyed AS (
    SELECT
        incident,
        target,
        after_at,
        target_key(repository, target) AS target_key
    FROM wanted_targets
    WHERE after_at IS NOT NULL
),

landings AS (
    SELECT
        target_key,
        occurred_at,
        arg_min(
            struct_pack(
                run_id := run_id, attempt := attempt, job_id := job_id, step_number := step_number,
                line_no := line_no, sha := sha, effect := effect
            ),
            (run_id, attempt, job_id, line_no)
        ) AS landing
    FROM write_effects
    WHERE
        outcome = 'done' AND occurred_at IS NOT NULL
        AND target_key IN (SELECT k.target_key FROM keyed AS k)
    GROUP BY target_key, occurred_at
),

followed AS (
    SELECT
        k.incident,
        k.target,
        l.occurred_at,
        unnest(l.landing)
    FROM keyed AS k
    ASOF INNER JOIN landings AS l ON k.target_key = l.target_key AND k.after_at < l.occurred_at
)

SELECT
    f.* REPLACE (coalesce(f.sha, r.head_sha) AS sha),
    j.name AS job
FROM followed AS f
LEFT JOIN runs AS r ON f.run_id = r.run_id
LEFT JOIN jobs AS j ON f.job_id = j.job_id
ORDER BY f.occurred_at, f.target
"""


_VERSIONED = re.compile(r":v?\d+(\.\d+)+[\w.+-]*$")
"""A tag that names a version stays where it is, so that no newer commit is missing there."""


@dataclass(frozen=True)
class Landings:
    """What lies where, and what came next."""

    live: Mapping[tuple[str, str], Live]
    """By repository and target."""
    following: Mapping[str, Sequence[Row]]
    """By incident's id: the first landing at each of its targets after its end."""
    seen_until: Mapping[str, datetime]
    """By repository: until when the case has seen anything."""


def read_landings(store: Store, incidents: Iterable[Incident]) -> Landings:
    """Look at every target of these incidents; needs the views of ``queries/lib`` on the connection."""
    rows = [
        (incident.id, incident.repository, target, incident.ended_at)
        for incident in incidents
        for target in incident.targets
    ]
    wanted = pl.DataFrame(
        rows,
        schema={
            "incident": pl.String,
            "repository": pl.String,
            "target": pl.String,
            "after_at": pl.Datetime("us"),
        },
        orient="row",
    )
    following: dict[str, list[Row]] = defaultdict(list)
    store.frame_as("wanted_targets", wanted)
    try:
        live = {(row["repository"], row["target"]): _live(row) for row in store.query(_LIVE).dicts()}
        for row in store.query(_NEXT).dicts():
            following[row["incident"]].append(row)
    finally:
        store.drop_frame("wanted_targets")
    seen = {row[0]: row[1] for row in store.query("SELECT repository, seen_at FROM last_seen").rows}
    return Landings(live, following, seen)


def _live(row: Row) -> Live:
    target, sha = row["target"], row["known_sha"] or row["sha"] or row["head_sha"]
    if row["occurred_at"] is None:
        text = f"What is at '{target}' is unknown: no effect that was done there is in the case."
        return Live(target, None, None, None, row["newest_sha"], None, text)
    run = RunRef(row["run_id"], row["attempt"])
    doubts = _doubts(row)
    comparable = bool(row["replaced"]) and row["newness"] is not None and not _VERSIONED.search(target)
    is_newest = row["commits_newer"] == 0 if comparable and not doubts else None
    text = f"'{target}': the last that is known is {_thing(row, sha)}, by run {run.run_id}{_attempt(run)}"
    text += f" at {row['occurred_at']:%Y-%m-%d %H:%M:%S} UTC"
    if comparable and row["commits_newer"]:
        newer = f"{row['commits_newer']:,} commit{'s of' if row['commits_newer'] != 1 else ' of'}"
        text += f"; {newer} '{row['head_branch']}' {'are' if row['commits_newer'] != 1 else 'is'} newer in this case"
    elif comparable:
        text += f", the newest commit of '{row['head_branch']}' in this case"
    text += f". Whether it still is, is unknown: {doubts}." if doubts else "."
    return Live(target, sha, run, row["occurred_at"], row["newest_sha"], is_newest, text)


def _thing(row: Row, sha: str | None) -> str:
    if row["replaced"]:
        return f"commit {sha[:8]}" if sha else "a commit that is not known"
    return f"'{row['identity']}'" if row["identity"] else f"a {row['effect']}"


def _attempt(run: RunRef) -> str:
    return f" (attempt {run.attempt})" if run.attempt > 1 else ""


def _doubts(row: Row) -> str:
    """Why something else may lie there by now; '' where nothing says so."""
    doubts = []
    if row["unanswered_at"] is not None and row["unanswered_at"] > row["occurred_at"]:
        doubts.append("a later write there was announced and never answered")
    if row["runs_without_log"]:
        count = row["runs_without_log"]
        runs, have = ("run", "has") if count == 1 else ("runs", "have")
        doubts.append(f"{count:,} later {runs} of '{row['workflow']}' {have} no log")
    return " and ".join(doubts)
