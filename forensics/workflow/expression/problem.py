"""What is wrong with an expression, and where."""

from __future__ import annotations

from typing import ClassVar

from forensics.errors import ForensicsError


class ExpressionError(ForensicsError):
    """GitHub refuses this expression, or fails when it evaluates it.

    ``offset`` counts characters of ``text`` from 0, ``line`` and ``column`` from 1; they are None where no one place
    is to blame. ``text`` is the expression, or the whole scalar where it came from ``parse_template``. ``found`` and
    ``expected`` are empty where they say nothing, as for an expression that is too long.
    """

    slug: ClassVar[str] = "expression"

    def __init__(
        self, what: str, *, text: str | None = None, offset: int | None = None, found: str = "", expected: str = ""
    ) -> None:
        self.what = what
        self.found = found
        self.expected = expected
        self.offset = offset
        self.line: int | None = None
        self.column: int | None = None
        where = ""
        if text is not None and offset is not None:
            self.line = text.count("\n", 0, offset) + 1
            self.column = offset - text.rfind("\n", 0, offset)
            where = f" at line {self.line}, column {self.column}"
        message = f"{what}: '{_shorten(found)}'" if found else what
        message += f"{where}; expected {expected}." if expected else f"{where}."
        super().__init__(message, hint="Mend the expression; GitHub refuses it too.")

    def in_text(self, text: str) -> ExpressionError:
        """The same error with line and column, for one that only knows its offset."""
        if self.line is not None or self.offset is None:
            return self
        return ExpressionError(self.what, text=text, offset=self.offset, found=self.found, expected=self.expected)


def _shorten(found: str) -> str:
    return found if len(found) <= _LONGEST_SHOWN else found[: _LONGEST_SHOWN - 1] + "…"


_LONGEST_SHOWN = 60
