"""Progress says what is used up and how long a wait is, on a terminal and off it."""

import sys
from io import StringIO

import pytest

from forensics.cli.progress import Bar, Lines, beside, countdown


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("forensics.cli.progress.time.monotonic", lambda: now[0])
    return now


def test_the_status_is_part_of_the_line_now_and_then(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Lines() as progress:
        progress.start("Fetching logs", 100)
        progress.status("10 requests, 4,990 left\x1b")
        clock[0] = 6
        progress.advance(50)
        progress.start("Loading", 10)
        clock[0] = 12
        progress.advance(5)
    assert capsys.readouterr().err == (
        "Fetching logs: 50%, about 6 s left (10 requests, 4,990 left\\x1b)\nLoading: 50%, about 6 s left\n"
    )


def test_a_long_wait_is_said_once_and_gives_a_sign_of_life_each_minute(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Lines() as progress:
        progress.start("Fetching logs", None)
        progress.waiting(4, "850 requests were made within a minute.")
        for _ in range(6):
            progress.waiting(150, "The limit is used up.")
        for second in range(150):
            clock[0] = second
            progress.status(f"{second}")
        progress.waiting(10, "The limit is used up.")
    assert capsys.readouterr().err.splitlines() == [
        "The limit is used up. (2:30 to wait)",
        "Fetching logs: 60 s (60)",
        "Fetching logs: 120 s (120)",
        "The limit is used up. (0:10 to wait)",
    ]


def test_beside_the_bar_a_wait_is_counted_down_in_place_of_the_status() -> None:
    fields = {"status": "10 requests", "until": 100.0, "why": "The limit is used up."}
    assert [beside(fields, now) for now in (30.0, 99.0, 100.0)] == [
        "1:10 to wait. The limit is used up.",
        "0:01 to wait. The limit is used up.",
        "10 requests",
    ]
    assert beside({}, 5.0) == ""


def test_seconds_for_people() -> None:
    assert [countdown(seconds) for seconds in (-1, 0, 9.4, 60, 725, 3725)] == [
        "0:00", "0:00", "0:09", "1:00", "12:05", "1:02:05",
    ]  # fmt: skip


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [20, 80])
def test_a_bar_shows_status_wait_and_notes(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Bar() as progress:
        progress.status("before any bar")
        progress.start("Logs", 10)
        progress.advance(3)
        progress.status("12 requests\x1b[2J")
        progress._bars.refresh()
        progress.waiting(65, "Used up.")
        progress._bars.refresh()
        progress.note("said above")
        progress.done()
        progress.waiting(5, "Again.")
        progress._bars.refresh()
    shown = terminal.getvalue()
    assert "said above" in shown
    assert "\x1b[2J" not in shown
    if columns == 80:
        assert "12 requests\\x1b[2J" in shown
        assert "1:05 to wait. Used up." in shown
        assert "Waiting" in shown
