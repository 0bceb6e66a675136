"""How often duration-outlier is wrong on histories where nothing changed, and how much it finds where something did.

A history is one job of one repository: its durations are drawn independently from one distribution.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl
import pytest
from stationary import FAMILIES as VARIED
from stationary import draw_history

from forensics.detect.detector import load_detectors
from forensics.detect.run import detect
from forensics.store.store import Store

DETECTOR = next(detector for detector in load_detectors() if detector.id == "duration-outlier")
SIZES = (20, 50, 200)
HISTORIES = 150
FIRST = datetime(2026, 1, 1)

Draw = Callable[[random.Random, float], float]
"""A duration, from a source of chance and a median."""


def lognormal(sigma: float) -> Draw:
    return lambda chance, median: median * math.exp(chance.gauss(0, sigma))


def gamma(shape: float) -> Draw:
    return lambda chance, median: median * chance.gammavariate(shape, 1 / shape)


def cold_cache(chance: random.Random, median: float) -> float:
    """One in six takes eight times as long, and always did."""
    return median * (8 if chance.random() < 1 / 6 else 1) * math.exp(chance.gauss(0, 0.2))


FAMILIES: dict[str, tuple[Draw, tuple[float, ...]]] = {
    "log-normal 0.1": (lognormal(0.1), (30, 120, 600)),
    "log-normal 0.2": (lognormal(0.2), (30, 120, 600)),
    "log-normal 0.3": (lognormal(0.3), (30, 120, 600)),
    "log-normal 0.4": (lognormal(0.4), (30, 120, 600)),
    "log-normal 0.5": (lognormal(0.5), (30, 120, 600)),
    "gamma 4": (gamma(4), (30, 120, 600)),
    "gamma 20": (gamma(20), (30, 120, 600)),
    "short steps": (lognormal(0.5), (0.4, 1, 2, 3)),
    "cold cache": (cold_cache, (30, 120, 600)),
}

# The statistics alone, and the detector as it comes, which tells only what is worth it.
ALONE = {"minimum_excess_seconds": 0, "minimum_ratio": 0.0}


@pytest.mark.parametrize("params", [ALONE, {}], ids=["statistics alone", "as it comes"])
@pytest.mark.parametrize("family", FAMILIES)
def test_at_most_one_stationary_history_in_a_hundred_gives_an_alarm(family: str, params: dict[str, float]) -> None:
    draw, medians = FAMILIES[family]
    chance = random.Random(f"stationary {family}")
    histories = {
        f"octo/{size}-{number}": one_history(chance, draw, chance.choice(medians), size)
        # In a short series a second mode may show once only, and then nothing tells it from an outlier.
        for size in (SIZES if draw is not cold_cache else SIZES[1:])
        for number in range(HISTORIES)
    }
    outliers = found(histories, params)
    observations = sum(len(seconds) for seconds in histories.values())
    print(f"{family}: {len(outliers)} of {len(histories)} histories, {sum(outliers.values())} of {observations} jobs")
    assert len(outliers) <= 0.01 * len(histories)
    assert sum(outliers.values()) <= 0.01 * observations


@pytest.mark.parametrize("family", [name for name in VARIED if name != "cold cache"])
def test_histories_that_vary_by_the_hour_the_week_or_the_one_before_give_no_more(family: str) -> None:
    """The same histories as for duration-change; as the detector comes, since a tail of Pareto's has no end."""
    chance = random.Random(f"varied {family}")
    histories = {
        f"octo/{size}-{number}": [seconds for _, seconds in draw_history(chance, VARIED[family], size)]
        for size in (30, 60, 150, 400)
        for number in range(100)
    }
    outliers = found(histories, {})
    observations = sum(len(seconds) for seconds in histories.values())
    print(
        f"varied {family}: {len(outliers)} of {len(histories)} histories, {sum(outliers.values())} of {observations}"
    )
    assert sum(outliers.values()) <= 0.01 * observations
    if family != "heavy tail":
        assert len(outliers) <= 0.01 * len(histories)


def test_a_repository_with_a_thousand_stationary_series_gives_hardly_an_alarm() -> None:
    """The threshold grows with all that is judged: the rate holds for the whole repository, not for each series."""
    chance = random.Random("many series")
    series = {
        f"job {number}": one_history(chance, lognormal(chance.uniform(0.1, 0.5)), 120, 60) for number in range(1000)
    }
    assert sum(found(series, ALONE, in_one_repository=True).values()) <= 1


@pytest.mark.parametrize(
    ("sigma", "factor", "recall"),
    [
        (0.1, 5, 0.99),
        (0.2, 5, 0.95),
        (0.3, 5, 0.5),
        (0.1, 10, 0.99),
        (0.2, 10, 0.99),
        (0.3, 10, 0.95),
        (0.4, 10, 0.6),
    ],
)
def test_a_slow_run_is_found(sigma: float, factor: int, recall: float) -> None:
    """One job in each history takes so many times the median; what spreads widely by itself hides it."""
    chance = random.Random(f"slow {sigma} {factor}")
    histories = {}
    for number in range(HISTORIES):
        seconds = one_history(chance, lognormal(sigma), 120, chance.choice(SIZES))
        histories[f"octo/{number}"] = [*seconds, factor * 120.0]
    outliers = found(histories, {})
    print(f"sigma {sigma}, {factor} times the median: {len(outliers)} of {HISTORIES} found")
    assert len(outliers) >= recall * HISTORIES


def one_history(chance: random.Random, draw: Draw, median: float, size: int) -> list[float]:
    return [draw(chance, median) for _ in range(size)]


def found(
    histories: dict[str, list[float]], params: dict[str, float], *, in_one_repository: bool = False
) -> Counter[str]:
    """How many outliers each history has; times are cut to whole seconds, as GitHub's are."""
    rows = [
        {
            "repository": "octo/shop" if in_one_repository else name,
            "name": name,
            "job_id": number * 1000 + place,
            "run_id": number * 1000 + place,
            "started_at": FIRST + timedelta(hours=place),
            "completed_at": FIRST + timedelta(hours=place, seconds=math.floor(seconds)),
        }
        for number, (name, history) in enumerate(histories.items(), start=1)
        for place, seconds in enumerate(history)
    ]
    always = {"attempt": 1, "conclusion": "success", "executed": True, "copied": False, "inferred": False}
    with Store.memory() as store:
        store.insert(
            "jobs", pl.DataFrame(rows).with_columns(**{name: pl.lit(value) for name, value in always.items()})
        )
        result = detect(store, [DETECTOR], {DETECTOR.id: params})
    assert result.failures == ()
    return Counter({finding.values["job"]: finding.values["outliers"] for finding in result.findings})
