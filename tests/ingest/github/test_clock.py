"""A clock that is wrong is told, in words."""

from datetime import datetime, timedelta

from forensics.ingest.github.clock import describe_skew

NOON = datetime(2026, 11, 2, 12)


def skew(seconds: int) -> str | None:
    """What is said when our clock shows so much more than the server's."""
    return describe_skew(NOON, NOON + timedelta(seconds=seconds))


def test_a_clock_that_is_nearly_right_is_not_mentioned() -> None:
    assert [skew(seconds) for seconds in (0, 299, -300)] == [None, None, None]


def test_a_wrong_clock_is_told_with_its_error() -> None:
    assert skew(-3 * 3600 - 720) == (
        "The clock of this machine is 3 h 12 min behind the server's. Spans such as 30d are counted from "
        "the server's time, so nothing is lost; set the clock all the same (timedatectl set-ntp true)."
    )
    assert "is 6 min ahead of the server's" in str(skew(360))
    assert "is 20 days behind the server's" in str(skew(-20 * 86400))
