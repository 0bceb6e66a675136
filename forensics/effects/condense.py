"""The lines of a huge log without which its effects come out the same.

`extract` wants whole jobs. Of a job that does not fit into memory it gets the lines that it looks at: markers,
borders of steps, what the acts concerned have patterns for, and what checkout says. The others pass unseen.
"""

from __future__ import annotations

import polars as pl

from forensics.effects.act import KINDS, Act
from forensics.effects.extract import CHECKED_OUT, MAX_TEXT, SHA_COMMAND, STEP_BORDER, acts_in, find_hits
from forensics.effects.rule import RuleSet, alternation


class Hits:
    """The acts of which a line of the log can be the beginning, gathered stretch by stretch."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules
        self.acts: list[Act] = []

    def take(self, lines: pl.DataFrame) -> None:
        """Read the next lines: ``level`` and ``text``."""
        hits = find_hits(lines, self._rules)
        self.acts += [act for act in acts_in(hits, self._rules) if act not in self.acts]


def condense(lines: pl.DataFrame, hits: Hits) -> pl.DataFrame:
    """Of a stretch of a log (``level``, ``text``, ``step_number``) those that matter for these acts."""
    if not hits.acts:
        return lines.clear()
    text = pl.col("text").str.slice(0, MAX_TEXT)
    wanted = alternation(pattern for act in hits.acts for kind in KINDS for pattern in act.of(kind))
    step = pl.col("step_number")
    after_command = text.str.contains(SHA_COMMAND).shift(1, fill_value=True)
    # The first and the last line may belong to what stands beyond them.
    is_last = pl.int_range(pl.len()) == pl.len() - 1
    return lines.filter(
        pl.col("level").is_not_null()
        | text.str.starts_with("##[")
        | text.str.contains(STEP_BORDER)
        | text.str.contains(SHA_COMMAND)
        | text.str.contains(CHECKED_OUT)
        | after_command
        | step.ne_missing(step.shift(1)).fill_null(True)
        | is_last
        | text.str.contains(wanted)
    )
