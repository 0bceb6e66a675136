"""Lines of a job's log at which a step may begin.

A step that runs something opens with ``##[group]Run …``; so do the inner steps of a composite action, which since
2026 stand between ``##[start-action …]`` and ``##[end-action …]`` and are left out. Post steps open with ``Post job
cleanup.``, the last step with ``Cleaning up orphan processes``; service containers have texts of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

Kind = Literal["start", "run", "post", "end", "build", "containers", "stop-containers"]

_FIRST = "Current runner version"
_FIRST_AMONG = 100
"""Lines among which the first step's first line is looked for; before it the service may have written."""
_TEXTS: tuple[tuple[str, Kind], ...] = (
    (r"^Post job cleanup\.$", "post"),
    (r"^Cleaning up orphan processes$", "end"),
    (r"^##\[group\](?:Build container for action use|Pull down action image)", "build"),
    (r"^##\[group\]Checking docker version$", "containers"),
    (r"^(?:Print service container logs: |Stop and remove container: )", "stop-containers"),
)


@dataclass(frozen=True)
class Boundary:
    """A line at which a step may begin."""

    row: int
    second: datetime
    """Its time stamp, cut to the second as the jobs API cuts."""
    kind: Kind
    heading: str
    """For ``run``, what stands after ``##[group]``."""
    script: bool = False
    """Whether a script follows; a script's own step holds no inner steps."""


def find(lines: pl.DataFrame) -> list[Boundary]:
    """All boundaries of one job's log, in order. Wants ``logged_at``, ``stamped``, ``level``, ``text``."""
    text, level = pl.col("text"), pl.col("level")
    header = level.eq("group") & level.shift(-1).is_in(["echo", "endgroup"])
    kinds = [pl.when(header & text.str.starts_with("##[group]Run ")).then(pl.lit("run"))]
    said = level.ne_missing("echo")
    kinds += [pl.when(said & text.str.contains(pattern)).then(pl.lit(kind)) for pattern, kind in _TEXTS]
    enters, leaves = (text.str.starts_with(f"##[{way}-action ").cast(pl.Int32) for way in ("start", "end"))
    depth = pl.when(said).then(enters - leaves).otherwise(0).cum_sum()
    found = (
        lines.lazy()
        .select(
            "text",
            "stamped",
            second=pl.col("logged_at").dt.truncate("1s"),
            kind=pl.coalesce(kinds),
            depth=depth,
            script=level.shift(-1).eq("echo") & ~text.shift(-1).is_in(["with:", "env:"]),
        )
        .with_row_index("row")
        .filter(pl.col("kind").is_not_null() & pl.col("stamped"))
        .filter(pl.col("kind").ne("run") | pl.col("depth").le(0))
        .select("row", "second", "kind", pl.col("text").str.strip_prefix("##[group]"), "script")
        .collect()
    )
    boundaries = [Boundary(*row) for row in found.iter_rows()]
    start = _start(lines)
    return [start, *(b for b in boundaries if b.row > start.row)] if start else boundaries


def _start(lines: pl.DataFrame) -> Boundary | None:
    """The first step's first line: the runner's greeting, else the first stamped line."""
    opening = lines.head(_FIRST_AMONG).with_row_index("row").filter("stamped")
    if opening.is_empty():
        return None
    greeting = opening.filter(pl.col("text").str.starts_with(_FIRST))
    row, second = (
        (greeting if greeting.height else opening).select("row", pl.col("logged_at").dt.truncate("1s")).row(0)
    )
    return Boundary(row, second, "start", "")
