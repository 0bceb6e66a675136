"""Outside text reaches a terminal harmless, and tables fit."""

import unicodedata
from datetime import datetime
from io import StringIO

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.cli.options import Moment
from forensics.cli.progress import Lines, shown
from forensics.cli.table import layout
from forensics.cli.terminal import colour_wanted, plural, size, visible


@given(st.text())
def test_no_character_that_moves_anything_stays(text: str) -> None:
    for character in visible(text):
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert visible(text, lines=True).count("\n") == text.count("\n")


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs", "M"])))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_it_shows_what_it_took_out() -> None:
    assert visible("\x1b[31mred\u202egnp.\n\ud800") == r"\x1b[31mred\u202egnp.\n\ud800"


def table(columns: list[str], rows: list[tuple[object, ...]], limit: int | None) -> str:
    return "\n".join(layout(columns, rows, limit))


def test_a_table_is_aligned_by_what_a_terminal_shows() -> None:
    rows = [("npm", 3, None), ("東京", 1200, True)]
    assert table(["tool", "count", "late"], rows, 80) == "\n".join(
        (
            "tool  count  late",
            "────  ─────  ────",
            "npm       3",
            "東京   1200  true",
        )
    )


def test_the_widest_column_gives_way() -> None:
    rows = [("docker", "x" * 90)]
    lines = table(["tool", "text"], rows, 30).splitlines()
    assert lines[-1] == "docker  " + "x" * 21 + "…"
    assert max(map(len, lines)) == 30


def test_too_many_columns_become_records() -> None:
    names = [f"column_{number}" for number in range(12)]
    assert table(names, [tuple(range(12))], 60).splitlines()[:3] == [
        "── 1 ───────────────────────────────────",
        "column_0   0",
        "column_1   1",
    ]


@given(
    st.lists(st.tuples(st.text(max_size=30), st.integers(), st.none() | st.text(max_size=200)), max_size=5),
    st.integers(30, 120),
)
def test_nothing_is_wider_than_the_terminal(rows: list[tuple[object, ...]], limit: int) -> None:
    from rich.cells import cell_len

    for line in layout(["a", "b", "c"], rows, limit):
        assert cell_len(line) <= limit
        assert "\n" not in line


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_only_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colour_wanted(Terminal())
    assert not colour_wanted(StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colour_wanted(Terminal())


@pytest.mark.parametrize(
    ("text", "end", "moment"),
    [
        ("2026-11-02", False, datetime(2026, 11, 2)),
        ("2026-11-02", True, datetime(2026, 11, 3)),
        ("2026-11-02T14:30", True, datetime(2026, 11, 2, 14, 30)),
        ("2026-11-02T14:30:00Z", False, datetime(2026, 11, 2, 14, 30)),
        ("2026-11-02 14:30+02:00", False, datetime(2026, 11, 2, 12, 30)),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str, end: bool, moment: datetime) -> None:
    assert Moment(end=end).convert(text, None, None) == moment


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "9999-12-31", "2026-11-02T25:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a time"):
        Moment(end=True).convert(text, None, None)


def test_progress_off_a_terminal_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr("forensics.cli.progress.time.monotonic", lambda: next(clock))
    with shown() as progress:
        assert isinstance(progress, Lines)
        progress.start("Reading \x1b[2J", 100)
        for _ in range(6):
            progress.advance(10)
        progress.note("one file\x07 is odd")
    assert capsys.readouterr() == (
        "",
        "Reading \\x1b[2J: 30%, about 14 s left\nReading \\x1b[2J: 60%, about 8 s left\none file\\x07 is odd\n",
    )


def test_numbers_for_people() -> None:
    assert [plural(1, "run"), plural(1234, "run")] == ["1 run", "1,234 runs"]
    assert plural(0, "entry", "entries") == "0 entries"
    assert [size(0), size(999), size(1500), size(2_340_000_000)] == ["0 B", "999 B", "1.5 kB", "2.3 GB"]
