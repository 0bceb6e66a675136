"""What may reach a terminal: outside text with its control characters made visible, and colour where it is wanted."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata

import click

_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Control, format (bidirectional overrides, zero width), surrogates, line and paragraph separators."""


def visible(text: str, *, lines: bool = False) -> str:
    r"""The text with everything that could move the cursor or reorder words as ``\x1b``, ``\u202e`` …

    With ``lines`` line feeds and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character, lines) for character in text)


def _shown(character: str, lines: bool) -> str:
    if lines and character in "\n\t":
        return character
    if unicodedata.category(character) in _INVISIBLE:
        return character.encode("unicode_escape").decode("ascii")
    return character


def say(text: str) -> None:
    """Talk: one line on stderr, colour removed where it is not wanted. The caller has made outside text visible."""
    # A closed stderr must not hide the exit code.
    try:
        click.echo(text, err=True, color=colour_wanted(sys.stderr))
    except BrokenPipeError:
        return


def put(text: str, *, nl: bool = True) -> None:
    """Data made for people: one line on stdout, colour removed where it is not wanted."""
    click.echo(text, color=colour_wanted(sys.stdout), nl=nl)


def put_raw(text: str) -> None:
    """Data in a format of its own: unaltered into files and pipes, control characters visible on a terminal."""
    click.echo(visible(text, lines=True) if is_terminal(sys.stdout) else text, color=False, nl=False)


def colour_wanted(stream: object) -> bool:
    """True on a terminal where NO_COLOR is not set (no-color.org: any value but the empty one counts)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_terminal(stream: object) -> bool:
    """True when a person looks at the stream."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        return False


def width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns if is_terminal(sys.stdout) else 100


def plural(count: int, one: str, many: str = "") -> str:
    """``1 run``, ``1,234 runs``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count: int) -> str:
    """Bytes for people: 512 B, 1.5 kB, 2.3 GB (powers of 1000)."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{count} B" if unit == "B" else f"{amount:,.1f} {unit}"
