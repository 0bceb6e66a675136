"""An answer to an SQL query as table, CSV, JSON or Parquet; CSV and JSON stream, whatever the size.

CSV and JSON hold what the case holds, unaltered: a cell that a spreadsheet takes for a formula stays as it is
(docs/cli.md says how to open such a file). Times are ISO 8601; those without a zone are UTC and end in ``Z`` in JSON.
"""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, Literal

from polars.exceptions import PolarsError

from forensics.cli.table import layout
from forensics.cli.terminal import is_terminal, plural, put, put_raw, say, width
from forensics.errors import QueryRefused, UsageProblem
from forensics.store.store import Result, Statement, Store

Format = Literal["table", "csv", "json", "parquet"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json", "parquet")

MOST_ROWS = 1000
"""Rows of a table: more than that nobody reads."""

SILENT = {"CREATE", "DROP", "SET", "VARIABLE_SET", "INSERT", "UPDATE", "DELETE", "TRANSACTION", "PREPARE"}
"""Statements that give no answer; on a read-only case they act on temporary objects."""


def write_answer(store: Store, statement: Statement, form: Format, out: Path | None) -> None:
    """Run one statement and write what it gives to ``out``, else to stdout."""
    if statement.kind in SILENT:
        store.execute(statement.sql)
        return
    match form:
        case "table":
            _write_table(store, statement, out)
        case "parquet":
            _write_parquet(store, statement, out)
        case "csv":
            _write_text(_csv(store.stream(statement.sql)), out)
        case "json":
            _write_text(_json(store.stream(statement.sql)), out)


@contextmanager
def opened(out: Path) -> Iterator[Path]:
    """A path beside ``out`` to write to, which takes its place at the end; after an error nothing is left."""
    if not out.parent.is_dir():
        raise UsageProblem(f"There is no folder {out.parent}.", hint="Make it first, or name another file.")
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _write_table(store: Store, statement: Statement, out: Path | None) -> None:
    parts = store.stream(statement.sql, size=MOST_ROWS + 1)
    first = next(parts)
    rows = [[_in_table(value) for value in row] for row in first.rows[:MOST_ROWS]]
    limit = width() if out is None and is_terminal(sys.stdout) else None
    if statement.kind == "EXPLAIN":
        lines = [line for row in first.rows for line in str(row[-1]).splitlines()]
    else:
        lines = list(layout(first.columns, rows, limit))
    if out is None:
        for line in lines:
            put(line)
    else:
        _write_text((line + "\n" for line in lines), out)
    if len(first.rows) > MOST_ROWS:
        left_out = len(first.rows) - MOST_ROWS + sum(len(part.rows) for part in parts)
        say(f"… and {plural(left_out, 'more row')}; --format csv, json or parquet gives all.")
    else:
        say(plural(len(rows), "row"))


def _in_table(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat(" ")
        case dict() | list():
            return json.dumps(plain(value), ensure_ascii=False)
        case _:
            return value


def _csv(parts: Iterator[Result]) -> Iterator[str]:
    for number, part in enumerate(parts):
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if number == 0:
            writer.writerow(part.columns)
        writer.writerows([_in_csv(value) for value in row] for row in part.rows)
        yield text.getvalue()


def _in_csv(value: Any) -> Any:
    match value:
        case dict() | list():
            return json.dumps(plain(value), ensure_ascii=False)
        case bool():
            return str(value).lower()
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return value


def _json(parts: Iterator[Result]) -> Iterator[str]:
    before = "[\n"
    for part in parts:
        _require_unique(part.columns)
        nested = [kind == "JSON" for kind in part.types]
        for row in part.rows:
            values = (_parsed(value) if nested[n] else plain(value) for n, value in enumerate(row))
            entry = dict(zip(part.columns, values, strict=True))
            yield before + json.dumps(entry, ensure_ascii=False)
            before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _require_unique(columns: tuple[str, ...]) -> None:
    twice = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if twice:
        raise QueryRefused(f"The answer has two columns '{twice[0]}'.", hint=f"Rename one: … AS other_{twice[0]}")


def _parsed(value: Any) -> Any:
    """A JSON column nests; Python's parser takes NaN and Infinity, which are not JSON."""
    return None if value is None else json.loads(value, parse_constant=lambda _: None)


def plain(value: Any) -> Any:
    """A DuckDB value as what JSON can hold: no NaN, bytes as hex, times as ISO 8601, durations in seconds."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            return value.isoformat() + ("" if value.tzinfo else "Z")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.hex()
        case dict():
            return {str(key): plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [plain(entry) for entry in value]
        case _:
            return str(value)


def _write_text(parts: Iterator[str], out: Path | None) -> None:
    if out is None:
        for part in parts:
            put_raw(part)
        return
    with opened(out) as path, path.open("w", encoding="utf-8", newline="") as file:
        for part in parts:
            file.write(part)


def _write_parquet(store: Store, statement: Statement, out: Path | None) -> None:
    if out is None and is_terminal(sys.stdout):
        raise UsageProblem("Parquet is not for a terminal.", hint="Add -o FILE, or send it into a pipe.")
    try:
        frame = store.frame(statement.sql)
    except PolarsError as error:
        raise QueryRefused(
            f"The answer does not fit into Parquet: {error}", hint="Cast the column it names."
        ) from error
    if out is not None:
        with opened(out) as path:
            frame.write_parquet(path)
        return
    held = BytesIO()  # Polars wants to seek, which a pipe cannot
    frame.write_parquet(held)
    sys.stdout.buffer.write(held.getbuffer())
