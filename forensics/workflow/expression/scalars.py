"""Strings and numbers as .NET treats them: case, white space, parsing, and printing with 15 digits.

Source of the rules: actions/runner at 258d6c8, ``src/Sdk/Expressions/Sdk/ExpressionUtility.cs`` (ParseNumber) and
``EvaluationResult.cs`` (ConvertToString, comparison), and what .NET documents about the calls they make.
"""

from __future__ import annotations

import math
import re

NAN = math.nan
"""The one NaN, so that trees that hold it compare equal (Python compares by identity first)."""

WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Char.IsWhiteSpace holds for; str.strip() would also take U+001C to U+001F."""

# Double.TryParse takes NULs at the end, and with AllowExponent an exponent needs digits.
_DECIMAL = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\0*")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_OCTAL = re.compile(r"0o[0-7]+")
# Since .NET Core 3.0 Double.TryParse takes the names of the infinities in any case, with either sign.
_INFINITY = re.compile(r"[+-]?infinity", re.IGNORECASE | re.ASCII)
_MOST_32_BITS = 0xFFFF_FFFF

# Only of these can a string be made that is a number: digits, signs, exponent, hexadecimal, octal, "infinity".
_NUMERIC = frozenset("0123456789+-.eExXoOabcdfABCDFinftyINFTY\0" + WHITE_SPACE)


def fold(text: str) -> str:
    """The text in the case that StringComparison.OrdinalIgnoreCase compares in: upper, one character for one."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def order_key(text: str) -> bytes:
    """What ``<`` and ``>`` compare: UTF-16 units of the folded text."""
    return fold(text).encode("utf-16-be", "surrogatepass")


def parse_number(text: str) -> float:
    """The number that a string is for ``==``, ``<`` and an index; NaN for none.

    Empty or white space is 0. ``0x`` and ``0o`` are read as 32 bits with a sign, as Int32.TryParse and
    Convert.ToInt32 do: 0xFFFFFFFF is -1, and more than 32 bits is NaN.
    """
    text = text.strip(WHITE_SPACE)
    if not text:
        return 0.0
    if decimal := _DECIMAL.fullmatch(text):
        return float(decimal[1])
    if _HEXADECIMAL.fullmatch(text):
        return _signed(int(text[2:], 16))
    if _OCTAL.fullmatch(text):
        return _signed(int(text[2:], 8))
    if _INFINITY.fullmatch(text):
        return -math.inf if text[0] == "-" else math.inf
    return NAN


def may_be_number(literal: str) -> bool:
    """Whether a string with this part in it can be a number at all."""
    return _NUMERIC.issuperset(literal)


def format_number(number: float) -> str:
    """The number with at most 15 digits, as ``G15`` of .NET: 0.1, 1E+15, 1E-05, NaN, -Infinity; -0 is 0."""
    if number != number:
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    return format(number, ".15g").upper()


def _upper(character: str) -> str:
    # .NET's ordinal casing leaves these two alone: they would become the ASCII letters I and S.
    if character in "\u0131\u017f":
        return character
    for cased in (character.upper(), character.title()):
        if len(cased) == 1:
            return cased
    return character


def _signed(bits: int) -> float:
    if bits > _MOST_32_BITS:
        return NAN
    return float(bits - (1 << 32) if bits >= 1 << 31 else bits)
