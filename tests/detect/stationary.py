"""Histories of durations in which nothing changes, though much varies: what timing detectors must stay silent on.

A history is a list of (hours since its first execution, seconds). All chance comes from the source that is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from random import Random

import polars as pl

from forensics.store.store import Store

FIRST = datetime(2026, 3, 2)
"""A Monday."""

History = list[tuple[float, float]]
Draw = Callable[[Random, float, list[float]], list[float]]
"""Durations for executions at these hours, from a source of chance and a median."""


def independent(one: Callable[[Random], float]) -> Draw:
    return lambda chance, median, hours: [median * one(chance) for _ in hours]


def autocorrelated(likeness: float, sigma: float) -> Draw:
    """Each is as slow or quick as the one before, in part."""

    def draw(chance: Random, median: float, hours: list[float]) -> list[float]:
        level = chance.gauss(0, sigma)
        seconds = []
        for _ in hours:
            level = likeness * level + math.sqrt(1 - likeness**2) * chance.gauss(0, sigma)
            seconds.append(median * math.exp(level))
        return seconds

    return draw


def cache_phases(chance: Random, median: float, hours: list[float]) -> list[float]:
    """A cache stays warm for some ten executions, then cold (twice as long) for some four."""
    cold, seconds = chance.random() < 0.3, []
    for _ in hours:
        cold = chance.random() < (0.75 if cold else 0.1)
        seconds.append(median * (2 if cold else 1) * math.exp(chance.gauss(0, 0.15)))
    return seconds


def quiet_weekends(chance: Random, median: float, hours: list[float]) -> list[float]:
    """At weekends, when machines are idle, it takes three fifths."""
    return [median * (0.6 if hour // 24 % 7 >= 5 else 1) * math.exp(chance.gauss(0, 0.15)) for hour in hours]


def slow_afternoons(chance: Random, median: float, hours: list[float]) -> list[float]:
    return [median * (1 + 0.4 * math.sin(hour / 24 * 2 * math.pi)) * math.exp(chance.gauss(0, 0.2)) for hour in hours]


def heavy_tail(chance: Random) -> float:
    """Of Pareto's kind: one in a hundred takes some five times as long, one in ten thousand some twenty times."""
    return chance.paretovariate(3)


def cold_cache(chance: Random) -> float:
    """One in six takes eight times as long, and always did."""
    return (8 if chance.random() < 1 / 6 else 1) * math.exp(chance.gauss(0, 0.2))


FAMILIES: dict[str, Draw] = {
    "log-normal 0.1": independent(lambda chance: math.exp(chance.gauss(0, 0.1))),
    "log-normal 0.3": independent(lambda chance: math.exp(chance.gauss(0, 0.3))),
    "log-normal 0.6": independent(lambda chance: math.exp(chance.gauss(0, 0.6))),
    "gamma 4": independent(lambda chance: chance.gammavariate(4, 1 / 4)),
    "heavy tail": independent(heavy_tail),
    "cold cache": independent(cold_cache),
    "autocorrelated 0.3": autocorrelated(0.3, 0.3),
    "autocorrelated 0.6": autocorrelated(0.6, 0.3),
    "cache in phases": cache_phases,
    "quiet weekends": quiet_weekends,
    "slow afternoons": slow_afternoons,
}


def execution_hours(chance: Random, size: int) -> list[float]:
    """When a team's workflow runs: some a day, in working hours mostly, for as long as it takes."""
    a_day = chance.choice((2, 6, 12))
    hours: list[float] = []
    day = 0
    while len(hours) < size:
        number = a_day if day % 7 < 5 else max(1, a_day // 6)
        hours += sorted(24 * day + chance.uniform(7, 19) for _ in range(number))
        day += 1
    return hours[:size]


def draw_history(chance: Random, draw: Draw, size: int, median: float = 120) -> History:
    hours = execution_hours(chance, size)
    return list(zip(hours, draw(chance, median, hours), strict=True))


def plant_histories(store: Store, histories: Iterable[tuple[str, str, History]]) -> None:
    """Repository, job and history of each; times are cut to whole seconds, as GitHub's are."""
    rows = [
        {
            "repository": repository,
            "name": job,
            "job_id": number * 10_000 + place,
            "run_id": number * 10_000 + place,
            "head_sha": f"{number * 10_000 + place:040x}",
            "started_at": FIRST + timedelta(seconds=int(hour * 3600)),
            "completed_at": FIRST + timedelta(seconds=int(hour * 3600) + math.floor(seconds)),
        }
        for number, (repository, job, history) in enumerate(histories, start=1)
        for place, (hour, seconds) in enumerate(history)
    ]
    frame = pl.DataFrame(rows)
    always = {"attempt": 1, "conclusion": "success", "executed": True, "copied": False, "inferred": False}
    store.insert("jobs", frame.with_columns(**{name: pl.lit(value) for name, value in always.items()}))
    runs = frame.select("repository", "run_id", "head_sha", created_at="started_at").with_columns(
        workflow_path=pl.lit(".github/workflows/ci.yml"), workflow_name=pl.lit("CI"), inferred=pl.lit(value=False)
    )
    store.insert("runs", runs)
