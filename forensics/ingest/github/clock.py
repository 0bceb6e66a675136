"""Whether this machine's clock can be right, seen from the server's."""

from __future__ import annotations

MOST_APART = 300.0
"""Seconds that two clocks may differ before it is worth a word."""


def describe_skew(server_now: float, our_now: float) -> str | None:
    """A warning when our clock differs from the server's by more than five minutes, else None.

    Both in seconds since the epoch. The ingest itself goes by the server's clock throughout; what suffers is
    everything else on the machine, a GitHub App's signature among it.
    """
    apart = our_now - server_now
    if abs(apart) <= MOST_APART:
        return None
    where = "ahead of" if apart > 0 else "behind"
    return (
        f"The clock of this machine is {_span(abs(apart))} {where} the server's. Spans such as 30d are counted from "
        "the server's time, so nothing is lost; set the clock all the same (timedatectl set-ntp true)."
    )


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {rest} min" if hours < 48 else f"{hours // 24} days"
