"""What a case has and what it lacks, counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from forensics.model import Coverage
from forensics.store.store import Store

_COUNTS = """
SELECT
    (SELECT list(repository ORDER BY repository) FROM repositories) AS repositories,
    (SELECT min(coalesce(attempts.created_at, attempts.started_at)) FROM attempts) AS first_at,
    (SELECT max(coalesce(attempts.completed_at, attempts.created_at)) FROM attempts) AS last_at,
    (SELECT count(*) FROM runs) AS runs,
    (SELECT count(*) FROM attempts) AS attempts,
    (SELECT count(*) FROM jobs) AS jobs,
    (SELECT count(*) FROM jobs WHERE coalesce(executed, TRUE) AND NOT copied) AS jobs_executed,
    (SELECT count(DISTINCT job_id) FROM log_sources) AS jobs_with_log,
    (SELECT count(*) FROM log_lines) AS log_lines,
    (SELECT count(*) FROM effects) AS effects,
    (SELECT coalesce(sum(lines_in), 0) FROM log_sources) AS lines_in,
    (SELECT coalesce(sum(lines_stored), 0) FROM log_sources) AS lines_stored,
    (SELECT coalesce(sum(lines_duplicate), 0) FROM log_sources) AS lines_duplicate,
    (SELECT coalesce(sum(lines_problem), 0) FROM log_sources) AS lines_problem
"""


def read_coverage(store: Store) -> Coverage:
    """Counts over the whole case."""
    row = store.query(_COUNTS).dicts()[0]
    problems = store.query("SELECT kind, count(*) FROM problems GROUP BY kind ORDER BY 2 DESC, 1").rows
    whole: dict[str, Any] = {key: int(value) for key, value in row.items() if isinstance(value, int)}
    whole |= {
        # sum() of BIGINT comes back as a decimal or HUGEINT, whatever the count.
        key: int(row[key])
        for key in ("lines_in", "lines_stored", "lines_duplicate", "lines_problem")
    }
    return Coverage(
        **{
            **whole,
            "repositories": tuple(row["repositories"] or ()),
            "first_at": row["first_at"],
            "last_at": row["last_at"],
            "problems": tuple((str(kind), int(count)) for kind, count in problems),
        }
    )


def read_rule_effects(store: Store) -> dict[str, int]:
    """How many effects each rule found, by its id."""
    return {
        str(rule): int(count) for rule, count in store.query("SELECT rule, count(*) FROM effects GROUP BY rule").rows
    }


def read_kinds(store: Store) -> tuple[tuple[str, int, int], ...]:
    """Kind of evidence, number of files, rows read: objects of JSON, files of YAML, lines of logs."""
    rows = store.query(
        """
        SELECT coalesce(evidence.kind, 'not recognised'), count(*),
            sum(coalesce(rows_read, 0) + coalesce(logs.lines_in, 0))
        FROM evidence
        LEFT JOIN (
            SELECT evidence_path, sum(lines_in) AS lines_in FROM log_sources GROUP BY evidence_path
        ) AS logs ON evidence.path = logs.evidence_path
        GROUP BY evidence.kind
        ORDER BY 2 DESC, 1
        """
    ).rows
    return tuple((str(kind), int(files), int(read or 0)) for kind, files, read in rows)


def read_sources(store: Store) -> list[tuple[str, str, int, int, int, int]]:
    """Evidence file, form, lines in, stored, duplicate, problem; most lines first."""
    rows = store.query(
        """
        SELECT evidence_path, string_agg(DISTINCT form, ', ' ORDER BY form), sum(lines_in), sum(lines_stored),
            sum(lines_duplicate), sum(lines_problem)
        FROM log_sources
        GROUP BY evidence_path
        ORDER BY 3 DESC, 1
        """
    ).rows
    return [(str(row[0]), str(row[1]), int(row[2]), int(row[3]), int(row[4]), int(row[5])) for row in rows]


def read_problems(store: Store) -> tuple[tuple[str, int, str], ...]:
    """Kind, how many, and one as an example: where and what."""
    rows = store.query(
        """
        SELECT kind, count(*),
            min(concat_ws(': ', nullif(concat_ws(' » ', nullif(evidence_path, ''), nullif(member, '')), ''), detail))
        FROM problems
        GROUP BY kind
        ORDER BY 2 DESC, 1
        """
    ).rows
    return tuple((str(kind), int(count), str(example)) for kind, count, example in rows)


@dataclass(frozen=True)
class Account:
    """What became of the things of one kind in one repository: each is listed and in one other count."""

    repository: str
    kind: str
    listed: int
    fetched: int
    expired: int
    refused: int
    """Not to be had for another reason than age."""
    waiting: int
    """Still to be asked for, or to be asked for again at the next ingest."""
    skipped: int
    """Not asked for, because there is nothing to be had."""


@dataclass(frozen=True)
class ListedWindow:
    """A window of time whose runs were listed."""

    repository: str
    workflow: str
    """File name; empty for all."""
    starts_at: datetime
    ends_at: datetime
    """Naive UTC; belongs to the window."""
    total_count: int
    listed: int
    complete: bool
    detail: str
    """Why it is not complete."""
    listed_at: datetime


@dataclass(frozen=True)
class PastIngest:
    """A live ingest that ended, or was killed."""

    ingest_no: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    """None when it was killed."""
    requests: int
    waited_seconds: float
    scope: str
    """JSON."""


_SHOWN_KINDS = {
    "run": "runs", "attempt": "attempts", "jobs": "jobs", "annotations": "annotations", "groups": "groups",
    "logs": "logs", "job-log": "job logs", "file": "workflow files", "workflow": "workflows",
    "deployments": "deployment lists", "statuses": "deployments", "approvals": "approvals",
}  # fmt: skip
"""Kinds of work as people read them, in their order; ``definition`` only remembers whose file was asked for."""


def read_accounts(store: Store) -> tuple[Account, ...]:
    """What became of what a live ingest asks for, by repository and kind; empty where there was none."""
    rows = store.query(
        """
        SELECT repository, label, count(*),
            count(*) FILTER (state = 'done'),
            count(*) FILTER (state = 'expired'),
            count(*) FILTER (state NOT IN ('done', 'expired', 'waiting', 'not-ready', 'failed', 'skipped')),
            count(*) FILTER (state IN ('waiting', 'not-ready', 'failed')),
            count(*) FILTER (state = 'skipped')
        FROM work
        INNER JOIN (
            SELECT unnest($kinds) AS kind, unnest($labels) AS label, unnest($places) AS place
        ) AS shown USING (kind)
        GROUP BY repository, label
        ORDER BY repository, min(place)
        """,
        {
            "kinds": list(_SHOWN_KINDS),
            "labels": list(_SHOWN_KINDS.values()),
            "places": list(range(len(_SHOWN_KINDS))),
        },
    ).rows
    return tuple(Account(*row) for row in rows)


def read_windows(store: Store) -> tuple[ListedWindow, ...]:
    """The windows that live ingests listed, oldest first within a repository and workflow."""
    rows = store.query(
        """
        SELECT repository, workflow, starts_at, ends_at, total_count, listed, complete, detail, listed_at
        FROM listings
        ORDER BY repository, workflow, starts_at, ends_at
        """
    ).rows
    return tuple(ListedWindow(*row) for row in rows)


def read_ingests(store: Store) -> tuple[PastIngest, ...]:
    """The live ingests, the last one first; requests of one that was killed are counted from what it committed."""
    rows = store.query(
        """
        SELECT ingest_no, started_at, ended_at, outcome, coalesce(ingests.requests, made.requests, 0),
            coalesce(waited_seconds, 0), scope
        FROM ingests
        LEFT JOIN (
            SELECT ingest_no, count(*) AS requests FROM requests GROUP BY ingest_no
        ) AS made USING (ingest_no)
        ORDER BY ingest_no DESC
        """
    ).rows
    return tuple(PastIngest(*row) for row in rows)
