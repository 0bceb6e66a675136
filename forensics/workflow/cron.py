"""The five fields of a schedule, as GitHub takes them.

Source: cron.ts of @actions/workflow-parser 0.3.61. GitHub knows neither seconds nor ``@daily`` and its kin.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}


@dataclass(frozen=True)
class _Field:
    name: str
    least: int
    most: int
    names: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int | None:
        named = self.names.get(text.lower())
        if named is not None:
            return named
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None

    def accepts(self, text: str) -> bool:
        return self.names.get(text.lower()) is not None or (
            (number := self.number(text)) is not None and self.least <= number <= self.most
        )


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, _DAYS),
)


def find_cron_problem(text: str) -> str:
    """What is wrong with a cron expression, as a sentence; empty where nothing is."""
    parts = [part for part in text.split(" ") if part] if text == text.strip(" ") else []
    if len(parts) != len(_FIELDS):
        return (
            f"The schedule '{text[:60]}' does not have five fields; expected minute, hour, day of the month, month"
            " and day of the week, as in '30 4 * * 1'."
        )
    for part, kind in zip(parts, _FIELDS, strict=True):
        if not _is_sound(part, kind):
            return (
                f"The schedule '{text[:60]}' has '{part[:20]}' as its {kind.name}; expected {kind.least} to"
                f" {kind.most}, '*', or lists, ranges and steps of them."
            )
    return ""


def _is_sound(part: str, kind: _Field) -> bool:
    return all(_is_step(item, kind) for item in part.split(","))


def _is_step(item: str, kind: _Field) -> bool:
    start, slash, step = item.partition("/")
    if slash and not (kind.accepts(step) and (kind.number(step) or 0) > 0):
        return False
    return start == "*" or _is_range(start, kind)


def _is_range(item: str, kind: _Field) -> bool:
    first, dash, last = item.partition("-")
    if not dash:
        return kind.accepts(first)
    one, other = kind.number(first), kind.number(last)
    return kind.accepts(first) and kind.accepts(last) and one is not None and other is not None and one <= other
