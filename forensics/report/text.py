"""Text for a page that trusts none of it: characters made harmless or visible, times and numbers in words.

Nothing here returns markup; escaping is the template's work (``autoescape``), or ``Markup.format``'s in the charts.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# ECMA-48: a control sequence, an operating-system command with its terminator, the commonest escapes of terminals.
# Not every escape the standard knows: one that takes the next letters along would hide text.
_COLOUR_CODE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|[()*+][0AB]|[=>78cDEHM])"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
# Everything that is not plainly visible ASCII is looked at one by one; most lines never get that far.
_SUSPECT = re.compile(r"[^\t\n\x20-\x7e\xa1-\xac\xae-\u05ff]")


def is_hidden(character: str) -> bool:
    """Tell whether a character is invisible, changes the direction of its neighbours, or cannot stand in HTML.

    True for controls but tab and line feed, lone surrogates, noncharacters, formats (``Cf``: bidi, zero width,
    tags), and the Unicode line and paragraph separators.
    """
    if character in "\t\n":
        return False
    if unicodedata.category(character) in {"Cc", "Cs", "Cf", "Zl", "Zp"}:
        return True
    point = ord(character)
    return 0xFDD0 <= point <= 0xFDEF or point & 0xFFFE == 0xFFFE


def clean(value: object) -> str:
    """Return ``str(value)`` with every hidden character replaced, so that UTF-8 and HTML can carry it.

    Line ends become line feeds. ``None`` is the empty text.
    """
    if value is None:
        return ""
    text = str(value).replace("\r\n", "\n")
    return _SUSPECT.sub(lambda m: REPLACEMENT if is_hidden(m[0]) else m[0], text)


def visible(text: str, limit: int = 2_000) -> str:
    """Return a log line as one line of plain text: colour codes dropped, hidden characters named ``⟦U+202E⟧``.

    At most ``limit`` characters of the line are kept; the number of the others is said at its end.
    """
    plain = _COLOUR_CODE.sub("", text)
    dropped = len(plain) - limit
    plain = _SUSPECT.sub(lambda m: _token(m[0]), plain[:limit]).replace("\n", _token("\n"))
    return f"{plain} … ({number(dropped)} more characters)" if dropped > 0 else plain


def _token(character: str) -> str:
    if character == "\n" or is_hidden(character):
        return f"⟦U+{ord(character):04X}⟧"
    return character


def clip(value: object, limit: int) -> str:
    """Return the cleaned text on one line, at most ``limit`` characters, an ellipsis for the rest."""
    text = " ".join(clean(value).split())
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + "…"


def json_block(value: object) -> str:
    """Return JSON that can stand in a ``<script type="application/json">`` and nowhere ends it.

    Pure ASCII; ``<``, ``>`` and ``&`` are written as ``\\u003c`` and so on, so that no tag, comment or entity
    can begin. NaN and infinities are refused (``ValueError``): JSON has none.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def fact(value: object, limit: int = 300) -> str:
    """Return one of a finding's values as a person reads it: times in UTC, numbers grouped, lists joined."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return number(value) if abs(value) < 10**9 else str(value)
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".") if abs(value) < 1e12 else f"{value:g}"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Mapping):
        return clip(", ".join(f"{clean(key)} {fact(entry)}" for key, entry in value.items()), limit)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return clip(", ".join(fact(entry) for entry in value), limit)
    return clip(value, limit)


def fact_named(name: str, value: object) -> str:
    """Return a finding's value, in words of time if its name ends in ``_seconds``."""
    if name.endswith("_seconds") and isinstance(value, int | float) and not isinstance(value, bool):
        return duration(value)
    return fact(value)


def fact_label(name: str) -> str:
    """Return a column name as a label: ``overlap_seconds`` is 'Overlap'."""
    words = clip(name, 60).removesuffix("_seconds").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def number(value: float) -> str:
    """Return a number with its thousands grouped."""
    return f"{value:,}"


_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return ``count`` and the noun that goes with it: '1 run', '2,040 runs'."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def counted_in_words(count: int, one: str, many: str | None = None) -> str:
    """Return the same with small numbers in words: 'three runs'."""
    word = _WORDS[count] if 0 <= count < len(_WORDS) else number(count)
    return f"{word} {one if count == 1 else many or one + 's'}"


def joined(parts: Sequence[str]) -> str:
    """Return a list as a sentence has it: 'a, b, and c'."""
    if len(parts) <= 2:
        return " and ".join(parts)
    return ", ".join(parts[:-1]) + ", and " + parts[-1]


def percent(part: int, whole: int) -> str:
    """Return a share with one decimal; never '100' unless it is all, never '0' unless it is nothing."""
    if whole <= 0:
        return "–"
    share = 100 * part / whole
    if part == whole or part == 0:
        return f"{share:.0f}"
    return f"{min(max(share, 0.1), 99.9):.1f}"


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: '6 m 41 s', '3 d 04 h'."""
    sign, rest = ("−", -seconds) if seconds < 0 else ("", seconds)
    if 0 < rest < 10 and rest != int(rest):
        return f"{sign}{rest:.1f} s"
    whole = round(rest)
    if whole < 60:
        return f"{sign}{whole} s"
    if whole < 3_600:
        return f"{sign}{whole // 60} m {whole % 60:02d} s"
    if whole < 86_400:
        return f"{sign}{whole // 3_600} h {whole % 3_600 // 60:02d} m"
    return f"{sign}{whole // 86_400} d {whole % 86_400 // 3_600:02d} h"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day(at: datetime, *, year: bool = True) -> str:
    """Return '17 Nov 2026'; month names are ours, so that no locale changes the bytes."""
    return f"{at.day} {_MONTHS[at.month - 1]}" + (f" {at.year:04d}" if year else "")


def moment(at: datetime | None) -> str:
    """Return '2026-11-17 14:02:07 UTC', or 'unknown'; milliseconds where there are any."""
    return "unknown" if at is None else f"{stamp(at)} UTC"


def stamp(at: datetime | None) -> str:
    """Return '2026-11-17 14:02:07', or 'unknown', for a column whose head says UTC."""
    if at is None:
        return "unknown"
    return f"{at.year:04d}-{at.month:02d}-{at.day:02d} {clock(at)}"


def clock(at: datetime) -> str:
    """Return '14:02:07', with milliseconds where there are any."""
    fraction = f".{at.microsecond // 1000:03d}" if at.microsecond else ""
    return f"{at.hour:02d}:{at.minute:02d}:{at.second:02d}{fraction}"


def span_of_days(first: datetime | None, last: datetime | None) -> str:
    """Return '24 Oct – 22 Nov 2026 (30 days)', or that the window is unknown."""
    if first is None or last is None:
        return "window unknown"
    days = (last.date() - first.date()).days + 1
    if days == 1:
        return f"{day(first)}, {first:%H:%M}–{last:%H:%M} UTC"
    return f"{day(first, year=first.year != last.year)} – {day(last)} ({counted(days, 'day')})"


_EPOCH = datetime(1970, 1, 1)


def epoch(at: datetime) -> float:
    """Return the seconds since 1970 of a naive UTC time."""
    return (at - _EPOCH).total_seconds()


def sql_text(sql: str) -> str:
    """Return a query for a ``<pre>``: cleaned, no blank ends."""
    return clean(sql).strip("\n")


def params_text(params: Mapping[str, Any]) -> str:
    """Return a detector's parameters as 'grain_seconds 1, skew_seconds 2', or 'none'.

    A parameter may be a plain value or the header's mapping with ``default`` and ``means``.
    """
    pairs = [
        f"{clean(name)} = {fact(value.get('default') if isinstance(value, Mapping) else value)}"
        for name, value in params.items()
    ]
    return ", ".join(pairs) or "none"
