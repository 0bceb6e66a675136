"""Time stamps at the start of log lines.

A runner writes ``DateTime.UtcNow.ToString("O")``, always seven fractional digits, and a space. Other precisions are
taken for stamps only in a text where they are more frequent, else a program's own ``2026-01-02T03:04:05Z …`` inside
a message of several lines would pass for one.
"""

from __future__ import annotations

import polars as pl

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
RUNNER = _DAY + r"\.[0-9]{7}Z(?: |$)"
OTHER = _DAY + r"(?:\.[0-9]{1,6}|\.[0-9]{8,9})?Z(?: |$)"
SECOND = "%Y-%m-%dT%H:%M:%S"
WIDTH = 29
"""Characters of a runner's stamp with its space."""


def read(line: pl.Series, *, by_runner: bool = False) -> pl.DataFrame:
    """Columns ``logged_at`` Datetime("us"; null without stamp), ``stamped`` Boolean, ``text`` String after the stamp.

    Digits below the microsecond are cut off. ``by_runner``: these are some lines of a text whose stamps are known to
    be a runner's, whatever is more frequent among them.
    """
    frame = line.alias("line").to_frame()
    column = pl.col("line")
    runner = column.str.contains("^" + RUNNER)
    # Polars remembers texts it has read as times: seconds repeat, their fractions do not.
    second = column.str.slice(0, 19).str.to_datetime(SECOND, time_unit="us", strict=False)
    micros = column.str.slice(20, 6).cast(pl.Int64, strict=False)
    read_runner = (second.cast(pl.Int64) + micros).cast(pl.Datetime("us"))
    out = frame.select("line", logged_at=pl.when(runner).then(read_runner))
    text = column.str.slice(WIDTH)
    missing = out["logged_at"].null_count()
    if missing > len(out) // 2 and not by_runner:
        other = _has_other(line)
        if (other.sum() or 0) > len(out) - missing:
            return _read_other(frame, other)
    if missing:
        text = pl.when(pl.col("logged_at").is_not_null()).then(text).otherwise(column)
    return out.select("logged_at", stamped=pl.col("logged_at").is_not_null(), text=text)


def count_other(line: pl.Series) -> int:
    """Lines that begin with a stamp of another precision than a runner's."""
    return int(_has_other(line).sum() or 0)


def _has_other(line: pl.Series) -> pl.Series:
    return line.str.contains("^" + OTHER)


def _read_other(frame: pl.DataFrame, other: pl.Series) -> pl.DataFrame:
    """As ``read``, for a text whose stamps mostly have other than seven digits; both kinds count."""
    column = pl.col("line")
    stamp = pl.when(pl.lit(other) | column.str.contains("^" + RUNNER)).then(column.str.extract(r"^([^Z]*)Z"))
    out = frame.select("line", stamp=stamp).with_columns(
        logged_at=pl.col("stamp").str.to_datetime(SECOND + "%.f", time_unit="us", strict=False)
    )
    stamped = pl.col("logged_at").is_not_null()
    text = pl.when(stamped).then(column.str.slice(pl.col("stamp").str.len_chars() + 2)).otherwise(column)
    return out.select("logged_at", stamped=stamped, text=text)
