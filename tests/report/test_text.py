from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.report.text import (
    clean,
    clip,
    counted,
    duration,
    fact,
    is_hidden,
    joined,
    json_block,
    percent,
    visible,
)

anything = st.text(st.characters(), max_size=200)  # lone surrogates included


@given(anything)
def test_clean_text_can_be_written_and_hides_nothing(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert not any(is_hidden(character) for character in cleaned)
    assert clean(cleaned) == cleaned


@given(anything)
def test_clean_changes_only_hidden_characters(text: str) -> None:
    kept = [c for c in text.replace("\r\n", "\n") if not is_hidden(c)]
    assert [c for c in clean(text) if c != "\ufffd"] == [c for c in kept if c != "\ufffd"]


@given(anything)
def test_a_visible_line_is_one_line_without_hidden_characters(text: str) -> None:
    line = visible(text)
    line.encode("utf-8")
    assert "\n" not in line
    assert not any(is_hidden(character) for character in line)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf", "Cn", "Zl", "Zp"]), max_size=200))
def test_a_line_without_hidden_characters_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[36;1mnpm publish\x1b[0m", "npm publish"),
        ("\x1b]0;title\x07done", "done"),
        ("\x9b31mred", "red"),
        ("a\u202eb", "a⟦U+202E⟧b"),
        ("a\x00b\x08", "a⟦U+0000⟧b⟦U+0008⟧"),
        ("zero\u200bwidth\ufeff", "zero⟦U+200B⟧width⟦U+FEFF⟧"),
        ("half\ud800", "half⟦U+D800⟧"),
        ("tag\U000e0041", "tag⟦U+E0041⟧"),
        ("over\rwritten\nnext", "over⟦U+000D⟧written⟦U+000A⟧next"),
        ("tab\tstays, ünïcode too ✓", "tab\tstays, ünïcode too ✓"),
        ("\x1b alone", "⟦U+001B⟧ alone"),
    ],
)
def test_log_lines_show_what_they_hide(raw: str, shown: str) -> None:
    assert visible(raw) == shown


def test_a_long_line_is_cut_and_says_by_how_much() -> None:
    assert visible("x" * 2_500, 2_000) == "x" * 2_000 + " … (500 more characters)"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | anything,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(anything, inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_a_json_block_ends_no_script_and_comes_back(value: object) -> None:
    block = json_block(value)
    assert block.isascii()
    assert not set("<>&\u2028\u2029") & set(block)
    assert json.loads(block) == value


def test_a_json_block_refuses_what_json_lacks() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        json_block(float("nan"))


@given(anything, st.integers(1, 60))
def test_clipped_text_is_short_and_on_one_line(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert len(clipped) <= limit
    assert not any(unicodedata.category(c) == "Cc" for c in clipped)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (1.25, "1.2 s"),
        (59.6, "1 m 00 s"),
        (401, "6 m 41 s"),
        (3_600, "1 h 00 m"),
        (90_061, "1 d 01 h"),
        (-5, "−5 s"),
    ],
)
def test_durations_have_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_shares_never_claim_all_or_nothing_by_rounding() -> None:
    assert [percent(9_999, 10_000), percent(1, 100_000), percent(5, 5), percent(0, 5), percent(0, 0)] == [
        "99.9", "0.1", "100", "0", "–",
    ]  # fmt: skip


def test_facts_read_as_a_person_would_write_them() -> None:
    assert [fact(v) for v in (None, True, 12_345, 19_482_207_714, 6.25, ["a", 2], {"k": None})] == [
        "unknown", "yes", "12,345", "19482207714", "6.25", "a, 2", "k unknown",
    ]  # fmt: skip
    assert joined(["a", "b", "c"]) == "a, b, and c"
    assert [counted(1, "run"), counted(2_040, "run")] == ["1 run", "2,040 runs"]
