"""Whether this machine's clock can be right, seen from the server's."""

from __future__ import annotations

from datetime import datetime, timedelta

MOST_APART = timedelta(minutes=5)
"""How much two clocks may differ before it is worth a word."""


def describe_skew(server_now: datetime, our_now: datetime) -> str | None:
    """A warning when our clock differs from the server's by more than five minutes, else None.

    Both are naive UTC. The ingest itself goes by the server's clock throughout; what suffers is everything else on
    the machine, a GitHub App's signature among it.
    """
    apart = our_now - server_now
    if abs(apart) <= MOST_APART:
        return None
    where = "ahead of" if apart > timedelta() else "behind"
    return (
        f"The clock of this machine is {_span(abs(apart))} {where} the server's. Spans such as 30d are counted from "
        "the server's time, so nothing is lost; set the clock all the same (timedatectl set-ntp true)."
    )


def _span(span: timedelta) -> str:
    hours, minutes = divmod(round(span / timedelta(minutes=1)), 60)
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days"
