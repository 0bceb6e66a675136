"""The first argument of format(): text, ``{0}``, and braces doubled to stand for themselves.

Source: Format.cs of the runner (actions/runner at 258d6c8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.workflow.expression.problem import ExpressionError

_MOST_INDEX = 255
# After the number may stand a colon and specifiers, in which }} is a brace; only empty ones are valid.
_FIELD = re.compile(r"\{(?P<index>[0-9]+)(?::(?P<specifiers>(?:[^}]|\}\})*))?\}", re.ASCII)


def read_format(text: str, arguments: int) -> Iterator[str | int]:
    """Text, and the numbers of arguments, in order.

    Raises:
        ExpressionError: A single brace, a number of an argument that was not given, or format specifiers.
    """
    at = 0
    while at < len(text):
        brace = min((found for found in (text.find("{", at), text.find("}", at)) if found >= 0), default=-1)
        if brace < 0:
            yield text[at:]
            return
        if text.startswith(text[brace], brace + 1):
            yield text[at : brace + 1]
            at = brace + 2
            continue
        field = _FIELD.match(text, brace)
        # A number is read into a byte; the slice keeps Python from reading thousands of digits.
        index = int(field["index"].lstrip("0")[:4] or "0") if field else _MOST_INDEX + 1
        if field is None or index > _MOST_INDEX:
            raise ExpressionError(f"format cannot read '{_shorten(text)}'", expected="{0}, {{ or }}")
        if index >= arguments:
            raise ExpressionError(f"format has no argument for {{{index}}} in '{_shorten(text)}'")
        if field["specifiers"]:
            raise ExpressionError(f"format has no specifiers, as in '{field[0]}'")
        yield text[at:brace]
        yield index
        at = field.end()


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
