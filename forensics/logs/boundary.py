"""Lines of a job's log at which a step may begin.

A step that runs something opens with ``##[group]Run …``; so do the inner steps of a composite action, which since
2026 stand between ``##[start-action …]`` and ``##[end-action …]`` and are left out. Post steps open with ``Post job
cleanup.``, the last step with the evaluation of outputs or ``Cleaning up orphan processes``; service containers have
texts of their own. What a composite action of the repository itself needs is fetched before its heading is printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

Kind = Literal["start", "run", "post", "end", "build", "containers", "stop-containers"]

_SINGLE_ACTION = (
    r"^##\[group\]Run actions/(?:cache|checkout|configure-pages|deploy-pages|download-artifact|github-script|"
    r"setup-[a-z]+|upload-artifact)(?:/[a-z]+)?@"
)
_AHEAD = (
    r"^(?:Prepare all required actions|Getting action download info|Download (?:immutable )?action |"
    r"Node \d+ is being deprecated)"
)
_SET_UP = "Complete job name: "
_FIRST = "Current runner version"
_FIRST_AMONG = 100
"""Lines among which the first step's first line is looked for; before it the service may have written."""
OPENING = 10 * _FIRST_AMONG
"""Lines at the beginning of a log among which the first step is looked for."""
_TEXTS: tuple[tuple[str, Kind], ...] = (
    (r"^Post job cleanup\.$", "post"),
    (r"^(?:Evaluate and set (?:job outputs|environment url)|Cleaning up orphan processes)$", "end"),
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
    single: bool = False
    """Whether its step can hold no inner steps: a script, or an action of GitHub's own in JavaScript."""


def needed(lines: pl.DataFrame) -> pl.Series:
    """Mask of the lines that ``find`` has to see, in whatever stretch of a log: without the others it finds the same.

    Those that it looks for with their neighbours, and the first and last of the stretch, which are neighbours of
    what comes before and after. The first ``OPENING`` lines of the log belong to them, too.
    """
    text = pl.col("text")
    patterns = "|".join([_AHEAD, *(pattern for pattern, _ in _TEXTS), r"^##\[(?:group\]Run |(?:start|end)-action )"])
    mask = lines.select(text.str.contains(patterns)).to_series()
    return mask | mask.shift(1, fill_value=True) | mask.shift(-1, fill_value=True)


def find(lines: pl.DataFrame) -> list[Boundary]:
    """All boundaries of one job's log, in order. Wants ``logged_at``, ``stamped``, ``level``, ``text``."""
    text, level = pl.col("text"), pl.col("level")
    header = level.eq("group") & level.shift(-1).is_in(["echo", "endgroup"])
    kinds = [pl.when(header & text.str.starts_with("##[group]Run ")).then(pl.lit("run"))]
    said = level.ne_missing("echo")
    kinds += [pl.when(said & text.str.contains(pattern)).then(pl.lit(kind)) for pattern, kind in _TEXTS]
    enters, leaves = (text.str.starts_with(f"##[{way}-action ").cast(pl.Int32) for way in ("start", "end"))
    # How many lines just before this one are the runner's preparations.
    prepares = said & text.str.contains(_AHEAD)
    ahead = prepares.cast(pl.UInt32).cum_sum().over(prepares.rle_id()).shift(1)
    depth = pl.when(said).then(enters - leaves).otherwise(0).cum_sum()
    found = (
        lines.lazy()
        .select(
            "text",
            "stamped",
            second=pl.col("logged_at").dt.truncate("1s"),
            kind=pl.coalesce(kinds),
            depth=depth,
            single=(level.shift(-1).eq("echo") & ~text.shift(-1).is_in(["with:", "env:"]))
            | text.str.contains(_SINGLE_ACTION),
            ahead=ahead.fill_null(0),
        )
        .with_row_index("row")
        .filter(pl.col("kind").is_not_null() & pl.col("stamped"))
        .filter(~pl.col("kind").is_in(["run", "post"]) | pl.col("depth").le(0))
        .select("row", "second", "kind", pl.col("text").str.strip_prefix("##[group]"), "single", "ahead")
        .collect()
    )
    boundaries = [start] if (start := _start(lines)) else []
    # Until 2022 the first step ends with preparations of its own.
    named = lines.head(OPENING).select(text.str.starts_with(_SET_UP).any()).item()
    for row, second, kind, heading, single, ahead_of_it in found.iter_rows():
        before = boundaries[-1] if boundaries else None
        if before is not None and (row <= before.row or kind == before.kind == "end"):
            continue
        own = kind in ("run", "post") and before is not None and (named or before.kind != "start")
        boundaries.append(Boundary(row - own * ahead_of_it, second, kind, heading, single))
    return boundaries


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
