"""Plain tables for people: aligned, cut to fit the terminal, and as records where there are too many columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from forensics.cli.terminal import visible

GAP = "  "
MOST_CHARACTERS = 120
"""A cell is cut here where no terminal sets the limit; other formats cut nothing."""
LEAST_CHARACTERS = 8
"""A column may shrink to this (or to its heading) before the table becomes records."""


def layout(columns: Sequence[str], rows: Sequence[Sequence[Any]], limit: int | None) -> Iterator[str]:
    """Lines of a table with a heading; ``limit`` is the width to keep to, None for any."""
    names = [visible(name) for name in columns]
    cells = [[cell(value) for value in row] for row in rows]
    right = [_numeric(row[n] for row in rows) for n in range(len(names))]
    widths = [
        min(max([_width(name), *(_width(row[n]) for row in cells)]), MOST_CHARACTERS) for n, name in enumerate(names)
    ]
    if limit is not None:
        shrunk = _shrink(widths, [min(_width(name), LEAST_CHARACTERS) for name in names], limit)
        if shrunk is None:
            yield from _records(names, cells, limit)
            return
        widths = shrunk
    for line in (names, ["─" * width for width in widths], *cells):
        parts = [_fit(text, widths[n], right=right[n]) for n, text in enumerate(line)]
        yield GAP.join(parts).rstrip()


def cell(value: Any) -> str:
    """One value as a single visible line; unknown (None) is empty."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.10g}"
        case _:
            return visible(str(value))


def _numeric(values: Iterator[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in known)


def _shrink(widths: list[int], least: list[int], limit: int) -> list[int] | None:
    """Take from the widest column until all fit; None when they cannot."""
    widths = list(widths)
    room = limit - len(GAP) * (len(widths) - 1)
    if sum(min(width, floor) for width, floor in zip(widths, least, strict=True)) > room:
        return None
    while sum(widths) > room:
        candidates = [n for n, width in enumerate(widths) if width > least[n]]
        if not candidates:
            return None
        widths[max(candidates, key=lambda n: widths[n])] -= 1
    return widths


def _records(names: list[str], cells: list[list[str]], limit: int) -> Iterator[str]:
    heading = max((_width(name) for name in names), default=0)
    room = max(limit - heading - len(GAP), LEAST_CHARACTERS)
    for number, row in enumerate(cells, 1):
        yield f"── {number} ".ljust(min(limit, 40), "─")
        for name, text in zip(names, row, strict=True):
            yield f"{_fit(name, heading)}{GAP}{_cut(text, room)}".rstrip()


def _fit(text: str, width: int, *, right: bool = False) -> str:
    text = _cut(text, width)
    padding = " " * (width - _width(text))
    return padding + text if right else text + padding


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1).rstrip() + "…"


def _width(text: str) -> int:
    """Columns that a terminal needs: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
