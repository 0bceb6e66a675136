"""What kind of line each one is: a marker, the printed source of a script, or plain output.

Printed source matters most: matching effects on ``echo "… already exists"`` is the largest source of false ones.
Every step begins with a header ``##[group]Run …`` … ``##[endgroup]`` that holds the script in cyan, or ``with:``,
then ``shell:`` and ``env:`` with values; a script may open a group of its own named ``Run …``, so a header is told by
what it holds.
"""

from __future__ import annotations

import polars as pl

LONGEST_HEADER = 5_000
"""Lines; a header that seems longer has lost its end."""
LONGEST_OPEN_HEADER = 2_000
"""Lines looked at in a header whose end is missing."""

_MARKER = r"^##\[(error|warning|notice|debug|group|endgroup|command|section)\]"
_RUN = "##[group]Run "


def assign(text: pl.Series, cyan: pl.Series, stamped: pl.Series, part: pl.Series | None = None) -> pl.Series:
    """Level of each line: error, warning, notice, debug, group, endgroup, command, section, echo or null.

    ``part`` numbers the jobs of a text in which several follow each other; a header never reaches over their border.
    """
    frame = pl.DataFrame([text.alias("text"), cyan.alias("cyan"), stamped.alias("stamped")])
    column = pl.col("text")
    marked = frame.select(row=(column.str.contains(r"^(?:##\[|\[command\])") | pl.col("cyan")).arg_true())
    marked = marked.hstack(frame.select(pl.all().gather(marked["row"]))).with_columns(
        level=pl.when("cyan")
        .then(pl.lit("echo"))
        .when(column.str.starts_with("[command]"))
        .then(pl.lit("command"))
        .otherwise(column.str.extract(_MARKER))
    )
    level = pl.repeat(None, len(text), dtype=pl.String, eager=True)
    if marked.is_empty():
        return level
    level = level.scatter(marked["row"], marked["level"])
    header = _header_rows(frame, _run_groups(marked, part, len(text)))
    return level.scatter(header, "echo") if len(header) else level


def _run_groups(marked: pl.DataFrame, part: pl.Series | None, height: int) -> pl.DataFrame:
    """Groups called ``Run …``: ``start``, ``end`` (exclusive) and whether their ``##[endgroup]`` was found.

    A group ends at the next marker of either kind, at the border of its job, or at the end of the text.
    """
    groups = marked.filter(pl.col("level").is_in(["group", "endgroup"]) & pl.col("stamped")).select(
        "row", "level", "text"
    )
    if part is not None:
        borders = part.ne(part.shift(1)).fill_null(False).arg_true().alias("row").to_frame()
        groups = pl.concat([borders, groups], how="diagonal").sort("row", "level", nulls_last=False)
    return (
        groups.with_columns(
            end=pl.col("row").shift(-1, fill_value=height),
            closed=pl.col("level").shift(-1).eq("endgroup").fill_null(False),
        )
        .filter(pl.col("level").eq("group") & pl.col("text").str.starts_with(_RUN))
        .with_columns(closed=pl.col("closed") & (pl.col("end") - pl.col("row") <= LONGEST_HEADER))
        .select(
            start="row",
            end=pl.when("closed")
            .then("end")
            .otherwise(pl.min_horizontal("end", pl.col("row") + LONGEST_OPEN_HEADER)),
            closed="closed",
        )
    )


def _header_rows(frame: pl.DataFrame, groups: pl.DataFrame) -> pl.Series:
    """Indexes of the lines inside step headers, given the groups that may be such."""
    if groups.is_empty():
        return pl.Series(dtype=pl.UInt32)
    inside = pl.int_ranges(pl.col("start") + 1, "end", dtype=pl.UInt32)
    rows = groups.with_columns(row=inside).explode("row", empty_as_null=False)
    text = pl.col("text")
    opens = text.is_in(["with:", "env:"]) | text.str.starts_with("shell: ")
    first = pl.col("row") == pl.col("start") + 1
    rows = rows.hstack(frame.select(pl.all().gather(rows["row"]))).with_columns(
        # What a header is made of: coloured source, keys, indented values, and what follows a stamp without one.
        belongs=pl.col("cyan") | opens | text.str.starts_with("  ") | ~pl.col("stamped"),
        tells=(first & (pl.col("cyan") | opens)) | text.str.starts_with("shell: "),
    )
    is_header = pl.col("tells").any().over("start")
    return rows.filter(is_header & (pl.col("closed") | pl.col("belongs").cum_min().over("start")))["row"]
