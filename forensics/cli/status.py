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
from forensics.cli.terminal import put, put_raw, say, visible, width
from forensics.config import Config

if TYPE_CHECKING:
    from forensics.model import Coverage
    from forensics.outcome import Status
    from forensics.store.coverage import ListedWindow

MOST_SOURCES = 20
"""Evidence files in the account of lines; JSON has all of them."""
MOST_WINDOWS = 20
"""Windows of listed runs, the latest of them; JSON has all."""


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
        "completeness": [dataclasses.asdict(account) for account in status.completeness],
        "windows": [dataclasses.asdict(window) for window in status.windows],
        "rules": [dataclasses.asdict(rule) for rule in status.rules],
        "ingests": [{**dataclasses.asdict(one), "scope": json.loads(one.scope)} for one in status.ingests],
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
    if status.rules:
        yield ""
        yield from layout(("rules of its own", "kinds of effect", "effects found"), _rules(status), columns)
    yield from _live(status, columns)
    if status.problems:
        yield ""
        yield from layout(("problem", "count", "for example"), status.problems, columns)


def _rules(status: Status) -> list[tuple[str, str, str]]:
    return [
        (f"rules/{one.file}", "not a rule any more" if one.kinds is None else f"{one.kinds:,}", f"{one.effects:,}")
        for one in status.rules
    ]


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


def _live(status: Status, columns: int) -> Iterator[str]:
    """What was asked of GitHub: what became of it by kind, the windows listed, and how the last ingest ended."""
    if status.completeness:
        yield ""
        heading = ("repository", "kind", "listed", "fetched", "expired", "refused", "waiting", "skipped")
        yield from layout(heading, [dataclasses.astuple(account) for account in status.completeness], columns)
    if status.windows:
        yield ""
        latest = sorted(status.windows, key=lambda window: window.ends_at)[-MOST_WINDOWS:]
        shown = [window for window in status.windows if window in latest]
        yield from layout(("runs of", "from (UTC)", "to (UTC)", "runs", "listed"), list(map(_window, shown)), columns)
        if len(shown) < len(status.windows):
            yield f"and {len(status.windows) - len(shown):,} earlier windows"
    if status.ingests:
        last = status.ingests[0]
        yield ""
        yield (
            f"last ingest: {visible(last.outcome or 'killed')}, begun {last.started_at:%Y-%m-%d %H:%M} UTC, "
            f"{last.requests:,} requests, {last.waited_seconds:,.0f} s waited for limits"
        )


def _window(window: ListedWindow) -> tuple[str, str, str, str, str]:
    runs = f"{window.listed:,}" if window.complete else f"{window.listed:,} of {window.total_count:,}"
    return (
        f"{window.repository} {window.workflow}".rstrip(),
        f"{window.starts_at:%Y-%m-%d %H:%M:%S}",
        f"{window.ends_at:%Y-%m-%d %H:%M:%S}",
        runs,
        "complete" if window.complete else window.detail,
    )


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
