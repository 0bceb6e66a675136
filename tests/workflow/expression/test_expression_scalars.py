"""Numbers, strings and comparisons as .NET has them, by the runner's source and GitHub's documentation."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.workflow.expression import Known, evaluate, parse
from forensics.workflow.expression.scalars import fold, format_number, parse_number


def value_of(text: str) -> object:
    outcome = evaluate(parse(text), {})
    assert isinstance(outcome, Known), outcome
    return outcome.value


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (0.1, "0.1"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333333333333"),
        (2 / 3, "0.666666666666667"),
        (123456789012345.0, "123456789012345"),
        (1234567890123456.0, "1.23456789012346E+15"),
        (1e14, "100000000000000"),
        (1e15, "1E+15"),
        (1e100, "1E+100"),
        (0.0001, "0.0001"),
        (0.00001, "1E-05"),
        (1.5e-7, "1.5E-07"),
        (5e-324, "4.94065645841247E-324"),
        (1.7976931348623157e308, "1.79769313486232E+308"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_a_number_is_written_with_15_digits(number: float, text: str) -> None:
    assert format_number(number) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        (" \t\n\xa0\u3000", 0),
        ("7", 7),
        (" 7\r\n", 7),
        ("+7", 7),
        ("-7.25", -7.25),
        (".5", 0.5),
        ("5.", 5),
        ("1e3", 1000),
        ("1E+3", 1000),
        ("1e-2", 0.01),
        ("1e999", math.inf),
        ("0x1F", 31),
        ("0x7fffffff", 2147483647),
        ("0x80000000", -2147483648),
        ("0xFFFFFFFF", -1),
        ("0x0000000001", 1),
        ("0o17", 15),
        ("0o37777777777", -1),
        ("007", 7),
        ("Infinity", math.inf),
        ("-infinity", -math.inf),
        ("8\0", 8),
    ],
)
def test_a_string_that_is_a_number(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *("a", "1a", "1 2", "--1", "1e", "e1", ".", "+", "1_000", "1,000", "0x", "0xG", "0X1F", "-0x1", "0o8", "0b1"),
        *("0x100000000", "0o40000000000", "NaN", "inf", "true", "null", "٣", "\x1c1", "\ufeff1", "$1", "(1)", "1 -"),
    ],
)
def test_a_string_that_is_no_number(text: str) -> None:
    assert math.isnan(parse_number(text))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Prod", "pROD", True),
        ("é", "É", True),
        ("straße", "STRASSE", False),
        ("straße", "STRAßE", True),
        ("ı", "I", False),
        ("ſ", "S", False),
        ("\u212a", "k", False),
        ("µ", "\u039c", True),
        ("ᾳ", "ᾼ", True),
        ("𐐨", "𐐀", True),
    ],
)
def test_case_folds_one_character_to_one(one: str, other: str, same: bool) -> None:
    assert (fold(one) == fold(other)) is same


@given(st.text())
def test_folding_keeps_the_length_and_is_settled(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


@given(st.floats(-1e300, 1e300))
def test_a_written_number_reads_back_to_15_digits(number: float) -> None:
    assert parse_number(format_number(number)) == pytest.approx(number, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # the same kind
        ("null == null", True),
        ("true == true", True),
        ("true == false", False),
        ("NaN == NaN", False),
        ("NaN != NaN", True),
        ("0 == -0", True),
        ("'a' == 'A'", True),
        ("'a' == 'b'", False),
        # null, booleans and strings become numbers
        ("null == 0", True),
        ("null == false", True),
        ("null == ''", True),
        ("null == 'null'", False),
        ("true == 1", True),
        ("true == '1'", True),
        ("true == 'true'", False),
        ("false == '0'", True),
        ("false == ''", True),
        ("'' == 0", True),
        ("' 1.0 ' == 1", True),
        ("'0x1F' == 31", True),
        ("'a' == 0", False),
        ("'NaN' == NaN", False),
        # collections are equal to themselves only
        ("fromJSON('[]') == fromJSON('[]')", False),
        ("fromJSON('[1]') == 1", False),
        ("fromJSON('[]') == ''", False),
        ("fromJSON('{}') == null", False),
        # order
        ("1 < 2", True),
        ("2 <= 2", True),
        ("'10' < 9", False),
        ("'10' < '9'", True),
        ("'a' < 'B'", True),
        ("'_' > 'a'", True),
        ("false < true", True),
        ("true > null", True),
        ("null <= false", True),
        ("NaN >= NaN", False),
        ("'a' < 1", False),
        ("'a' >= 1", False),
        ("null < null", False),
        ("null <= null", True),
        ("fromJSON('[]') <= fromJSON('[]')", False),
        # what holds
        ("!null", True),
        ("!0", True),
        ("!-0", True),
        ("!NaN", True),
        ("!''", True),
        ("!'false'", False),
        ("!'0'", False),
        ("!fromJSON('[]')", False),
        ("!fromJSON('{}')", False),
        # operands, not booleans
        ("'a' && 'b'", "b"),
        ("'' && 'b'", ""),
        ("null || 'b'", "b"),
        ("'a' || 'b'", "a"),
        ("0 || ''", ""),
        ("true && 'yes' || 'no'", "yes"),
        ("false && 'yes' || 'no'", "no"),
        ("true && '' || 'no'", "no"),
        # precedence
        ("!true == false", True),
        ("1 == 1 == 1", True),
        ("2 == 2 == 2", False),
        ("1 < 2 == true", True),
        ("false == 1 < 2", False),
        ("true || false && false", True),
        ("(true || false) && false", False),
        ("!false && false", False),
        # literals
        ("'It''s ''open'''", "It's 'open'"),
        ("0xff", 255.0),
        ("0o17", 15.0),
        ("-2.99e-2", -0.0299),
        ("+1", 1.0),
        (".5", 0.5),
    ],
)
def test_operators(text: str, value: object) -> None:
    found = value_of(text)
    assert (type(found), found) == (type(value), value)
