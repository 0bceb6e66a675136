"""Colour codes in the four forms in which they reach us, and the cyan that marks the printed source of a script.

A runner writes a real ESC; ``gh`` shows it as ``^[``; a browser copies the sign ``␛``; some tools lose it and leave
``[36;1m`` bare. A runner prints the lines of a ``run:`` script in bold cyan before it executes them.
"""

from __future__ import annotations

import polars as pl

# Control sequences by ECMA-48. After a caret only what tools emit: scripts hold patterns such as ^[[:space:]] too.
_SIGNED = r"(?:\x1b|␛)\[[0-?]*[ -/]*[@-~]"
_CARET = r"\^\[\[(?:[0-9]+(?:;[0-9]+)*[A-Za-z]|[mK]|\?[0-9]+[hl])"
_CODE = rf"{_SIGNED}|{_CARET}"
_BARE = r"\[(?:[0-9]{1,3}(?:;[0-9]{1,3})*)?m"

_ANY = r"\x1b\[|␛\[|\^\[\[|\[36;1m"
_CYAN = r"^(?:\x1b|␛|\^\[)?\[36;1m"


def strip(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Text without colour codes, and whether each line began in the cyan of a script's source.

    Where ESC was lost it was lost in the whole file, so there every bare code goes; in a file with other forms only
    those of a line that begins with a bare cyan do.
    """
    cyan = pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)
    rows = text.str.contains(_ANY).arg_true()
    if len(rows) == 0:
        return text, cyan
    touched = text.gather(rows).alias("text").to_frame()
    column = pl.col("text")
    touched = touched.select(
        column.str.replace_all(_CODE, ""),
        cyan=column.str.contains(_CYAN),
        bare=column.str.starts_with("[36;1m"),
        coded=column.str.contains(_CODE),
    )
    cyan = cyan.scatter(rows, touched["cyan"])
    text = text.clone().scatter(rows, touched["text"])
    if touched["bare"].any():
        bare = text.str.contains(_BARE).arg_true() if not touched["coded"].any() else rows.filter(touched["bare"])
        text = text.scatter(bare, text.gather(bare).str.replace_all(_BARE, ""))
    return text, cyan
