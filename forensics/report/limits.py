"""How much of a case one page shows, and what is said about the rest.

Steps, not a formula: the page is rendered with the first, and with the next only if it came out too large. What
proves a finding goes last: its matched lines, its overlaps, and what happened twice.
"""

from __future__ import annotations

from dataclasses import dataclass

HARD_LIMIT_BYTES = 2_000_000
"""No page is larger, as long as the last step allows it."""


@dataclass(frozen=True)
class Limits:
    """Upper bounds for one page."""

    intervals: int
    """Attempts in the explorer and the runs table; the rest are counted by the hour."""
    effects: int
    """Effects in the explorer; those that findings rest on are always kept."""
    titles: bool
    """Whether the explorer and the runs table have the runs' titles."""
    lines: int
    """Evidence lines of a finding."""
    line_characters: int
    cards: int
    """Findings with a card; the rest are rows of a table."""
    rows: int
    """Findings in that table."""
    files: int
    """Input files listed."""
    incidents: int
    """Incidents with a section; as many more as findings are rows of a table."""
    events: int
    """Events of an incident."""


STEPS = (
    Limits(20_000, 20_000, True, 40, 2_000, 200, 2_000, 500, 12, 80),
    Limits(20_000, 20_000, False, 40, 1_000, 200, 2_000, 300, 12, 60),
    Limits(20_000, 10_000, False, 20, 500, 100, 1_000, 200, 10, 40),
    Limits(10_000, 5_000, False, 10, 300, 60, 500, 100, 8, 30),
    Limits(4_000, 2_000, False, 6, 200, 30, 300, 50, 5, 20),
    Limits(1_000, 1_000, False, 4, 160, 15, 100, 20, 3, 12),
)
