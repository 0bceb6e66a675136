"""A clock that is wrong is told, in words."""

from inline_snapshot import snapshot

from forensics.ingest.github.clock import describe_skew

NOON = 1_793_620_800.0


def test_a_clock_that_is_nearly_right_is_not_mentioned() -> None:
    assert [describe_skew(NOON, NOON + apart) for apart in (0, 299, -300)] == [None, None, None]


def test_a_wrong_clock_is_told_with_its_error() -> None:
    assert describe_skew(NOON, NOON - 3 * 3600 - 720) == snapshot(
        "The clock of this machine is 3 h 12 min behind the server's. Spans such as 30d are counted from the "
        "server's time, so nothing is lost; set the clock all the same (timedatectl set-ntp true)."
    )
    assert "is 6 min ahead of the server's" in str(describe_skew(NOON, NOON + 360))
    assert "is 20 days behind the server's" in str(describe_skew(NOON, NOON - 20 * 86400))
