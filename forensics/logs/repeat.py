"""A section of a log that stands in the text twice, as in some ``gh run view --log`` outputs."""

from __future__ import annotations

import polars as pl

SHORTEST = 5
"""Stamped lines that a repeated block has at least."""
_MOST_JUMPS, _MOST_EQUAL, _MOST_LAGS = 1_000, 8, 32
"""Jumps looked at, equal lines considered for each, and distances tried, most frequent first."""


def drop_repeats(lines: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Leave out blocks that repeat earlier lines word for word, and count the lines left out.

    ``lines`` is one job's, with ``logged_at``, ``stamped``, ``text``. A block is ``SHORTEST`` or more stamped
    lines that are, stamp and text, those that stand a fixed distance before, and where it begins time jumps back. A
    line that a program printed twice stays, for there time does not jump. ``line_no`` is not changed.
    """
    jumps = lines["logged_at"].diff().dt.total_microseconds().lt(0).fill_null(False)
    if not jumps.any():
        return lines, 0
    drop = pl.repeat(False, lines.height, dtype=pl.Boolean, eager=True)
    for lag in _likely_lags(lines, jumps):
        drop |= _repeated(lines, jumps, lag)
    dropped = int(drop.sum() or 0)
    return (lines.filter(~drop) if dropped else lines), dropped


def _likely_lags(lines: pl.DataFrame, jumps: pl.Series) -> list[int]:
    """Distances from a line at which time jumps back to earlier lines with the same stamp and text."""
    keys = lines.select("logged_at", "text").with_row_index("row")
    begins = keys.filter(jumps).head(_MOST_JUMPS)
    nth = pl.int_range(pl.len()).over("logged_at", "text")
    earlier = keys.join(begins, on=["logged_at", "text"], how="semi").filter(nth < _MOST_EQUAL)
    lag = (pl.col("row").cast(pl.Int64) - pl.col("row_right")).alias("lag")
    pairs = begins.join(earlier, on=["logged_at", "text"]).select(lag).filter(pl.col("lag") > 0)
    return pairs["lag"].value_counts().sort("count", "lag", descending=True)["lag"].head(_MOST_LAGS).to_list()


def _repeated(lines: pl.DataFrame, jumps: pl.Series, lag: int) -> pl.Series:
    """Lines of the blocks that repeat those ``lag`` before."""
    frame = lines.select("logged_at", "stamped", "text").with_columns(jumps.alias("jump"))
    same = (
        (pl.col("text") == pl.col("text").shift(lag))
        & pl.col("logged_at").eq_missing(pl.col("logged_at").shift(lag))
        & (pl.col("stamped") == pl.col("stamped").shift(lag))
    ).fill_null(False)
    # A block begins where time jumps back; lines before that in the same stretch are not part of it.
    frame = frame.with_columns(same.alias("same")).with_columns(stretch=pl.col("same").rle_id())
    frame = frame.with_columns(begun=pl.col("same") & pl.col("jump").cum_max().over("stretch"))
    long = (pl.col("begun") & pl.col("stamped")).sum().over("stretch") >= SHORTEST
    return frame.select((pl.col("begun") & long).alias("drop")).to_series()
