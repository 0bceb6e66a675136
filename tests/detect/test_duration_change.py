"""How often duration-change is wrong where nothing changed, and what it finds where something did."""

from __future__ import annotations

import math
from random import Random

import pytest
from stationary import FAMILIES, History, draw_history, plant_histories

from forensics.detect.detector import load_detectors
from forensics.detect.run import detect
from forensics.model import Finding
from forensics.store.store import Store

DETECTOR = next(detector for detector in load_detectors() if detector.id == "duration-change")
SIZES = (30, 60, 150, 400)
HISTORIES = 100

# The statistics alone, and the detector as it comes, which tells only what is worth it.
ALONE = {"minimum_change_seconds": 0, "minimum_ratio": 1.0, "minimum_superiority": 0.5}


@pytest.mark.parametrize("params", [ALONE, {}], ids=["statistics alone", "as it comes"])
@pytest.mark.parametrize("family", FAMILIES)
def test_at_most_one_stationary_history_in_a_hundred_gives_an_alarm(family: str, params: dict[str, float]) -> None:
    chance = Random(f"stationary change {family}")
    histories = {
        f"octo/{size}-{number}": draw_history(chance, FAMILIES[family], size, chance.choice((60, 120, 600)))
        for size in SIZES
        for number in range(HISTORIES)
    }
    alarms = found(histories, params)
    print(f"{family}: {len(alarms)} of {len(histories)}")
    assert len(alarms) <= 0.01 * len(histories)


def test_a_repository_with_a_thousand_stationary_series_gives_hardly_an_alarm() -> None:
    """The chance is that over all series of the repository, not of each."""
    chance = Random("many series that do not change")
    draws = list(FAMILIES.values())
    histories = {f"job {number}": draw_history(chance, chance.choice(draws), 80) for number in range(1000)}
    assert len(found(histories, ALONE, in_one_repository=True)) <= 1


@pytest.mark.parametrize(
    ("family", "factor", "size", "recall"),
    [
        ("log-normal 0.1", 1.5, 100, 0.99),
        ("log-normal 0.3", 2.0, 100, 0.95),
        ("log-normal 0.3", 2.0, 150, 0.95),
        ("log-normal 0.3", 0.5, 150, 0.95),
        ("heavy tail", 3.0, 150, 0.95),
        ("autocorrelated 0.3", 2.0, 150, 0.9),
        ("quiet weekends", 2.0, 150, 0.9),
    ],
)
def test_a_change_is_found_about_where_it_is(family: str, factor: float, size: int, recall: float) -> None:
    chance = Random(f"change {family} {factor} {size}")
    histories: dict[str, History] = {}
    for number in range(HISTORIES):
        steady = draw_history(chance, FAMILIES[family], size)
        changed = size // 2
        histories[f"octo/{number}"] = [
            (hour, seconds * (factor if place >= changed else 1)) for place, (hour, seconds) in enumerate(steady)
        ]
    findings = found(histories, {})
    near = [finding for finding in findings if abs(int(finding.values["before"]) - size // 2) <= size * 0.1]
    print(f"{family} times {factor} in {size}: {len(findings)} found, {len(near)} of them near")
    assert len(findings) >= recall * HISTORIES
    assert len(near) >= 0.9 * len(findings)
    for finding in near:
        assert math.isclose(finding.values["ratio"], factor, rel_tol=0.6)


def found(
    histories: dict[str, History], params: dict[str, float], *, in_one_repository: bool = False
) -> list[Finding]:
    with Store.memory() as store:
        plant_histories(
            store,
            (
                ("octo/shop" if in_one_repository else name, name if in_one_repository else "build", history)
                for name, history in histories.items()
            ),
        )
        result = detect(store, [DETECTOR], {DETECTOR.id: params})
    assert result.failures == ()
    return list(result.findings)
