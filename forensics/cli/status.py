"""``forensics status``: what is in the case and what is missing."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.options import HELP, with_config
from forensics.cli.table import layout
from forensics.cli.terminal import put, put_raw, say, width
from forensics.config import Config

if TYPE_CHECKING:
    from forensics.model import Coverage
    from forensics.pipeline import Status

MOST_SOURCES = 20
"""Evidence files in the account of lines; JSON has all of them."""


@click.command("status", context_settings=HELP)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@with_config
def command(config: Config, form: str) -> None:
    """Say what the case holds and what it lacks.

    Every log line is accounted for, and what is missing has its reason.

    \b
    Examples:
      forensics status
      forensics status --format json | jq .coverage.jobs_with_log
    """
    from forensics import pipeline

    status = pipeline.status(config)
    if form == "json":
        put_raw(json.dumps(as_json(status), indent=2, default=_plain) + "\n")
        return
    for line in describe(status, width()):
        put(line)
    say("  → forensics detect" if status.coverage.runs else "  → forensics ingest --from PATH")


def as_json(status: Status) -> dict[str, Any]:
    """The status by the names of its fields; times stay ``datetime``."""
    return {
        "schema": 1,
        "coverage": {
            **dataclasses.asdict(status.coverage),
            "problems": [{"kind": kind, "count": count} for kind, count in status.coverage.problems],
        },
        "evidence": [{"kind": kind, "files": files, "rows": rows} for kind, files, rows in status.kinds],
        "lines": [dataclasses.asdict(source) for source in status.sources],
        "problems": [{"kind": kind, "count": count, "example": example} for kind, count, example in status.problems],
    }


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    raise TypeError(f"{type(value).__name__} is not JSON")


def describe(status: Status, columns: int) -> Iterator[str]:
    """The status as lines for people."""
    yield from layout(("what", "how many"), list(_counts(status.coverage)), columns)
    if status.kinds:
        yield ""
        yield from layout(("evidence", "files", "rows"), status.kinds, columns)
    if status.sources:
        yield ""
        yield from _account(status, columns)
    if status.problems:
        yield ""
        yield from layout(("problem", "count", "for example"), status.problems, columns)


def _counts(coverage: Coverage) -> Iterator[tuple[str, str]]:
    names = ", ".join(coverage.repositories[:3])
    more = len(coverage.repositories) - 3
    yield "repositories", f"{len(coverage.repositories):,}  ({names}{f' and {more:,} more' if more > 0 else ''})"
    if coverage.first_at and coverage.last_at:
        yield "time (UTC)", f"{coverage.first_at:%Y-%m-%d %H:%M} to {coverage.last_at:%Y-%m-%d %H:%M}"
    yield "runs", f"{coverage.runs:,}"
    yield "attempts", f"{coverage.attempts:,}"
    yield "jobs", f"{coverage.jobs:,}, of which {coverage.jobs_executed:,} executed"
    yield "jobs with a log", f"{coverage.jobs_with_log:,}"
    yield "log lines", f"{coverage.log_lines:,}"
    yield "effects", f"{coverage.effects:,}"


def _account(status: Status, columns: int) -> Iterator[str]:
    """Lines in = stored + duplicate + problem, for the largest sources and in total."""
    heading = ("lines of", "as", "in", "stored", "duplicate", "problem")
    by_size = sorted(status.sources, key=lambda source: (-source.lines_in, source.evidence_path))
    rows = [dataclasses.astuple(source) for source in by_size[:MOST_SOURCES]]
    total: Counter[str] = Counter()
    for source in status.sources:
        total.update(
            lines_in=source.lines_in, stored=source.stored, duplicate=source.duplicate, problem=source.problem
        )
    rest = len(by_size) - len(rows)
    name = "all" if not rest else f"all, with {rest:,} smaller ones"
    rows.append((name, "", total["lines_in"], total["stored"], total["duplicate"], total["problem"]))
    yield from layout(heading, rows, columns)
