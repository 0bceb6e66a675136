"""The one way in: names of scenarios in, evidence in GitHub's forms out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from forensics.errors import UsageProblem
from forensics.synth.history import History
from forensics.synth.incidents import SCENARIOS, Planted
from forensics.synth.quiet import live_quietly
from forensics.synth.row import list_rows, load_row
from forensics.synth.write import Written, write

DEMO: tuple[str, ...] = ("double-publish", "racing-deploys", "cancelled-apply", "slow-step")
"""The scenarios of ``forensics demo``."""


def synthesise(
    scenarios: Sequence[str],
    directory: Path,
    *,
    seed: int = 7,
    days: int = 14,
    runs_per_day: int = 25,
    log_scale: int = 1,
) -> Written:
    """Make a history up, plant the scenarios on different days, write it as evidence.

    Args:
        scenarios: names from `SCENARIOS`, planted together in one history, or from `list_rows`, each written as a
            repository of its own; a name given twice counts once.
        directory: where to write; see `write`.
        seed: the same seed and sizes give the same bytes.
        days: from a Monday on.
        runs_per_day: average over all days.
        log_scale: how many times as much build output the logs hold.

    Raises:
        UsageProblem: a name is unknown, a size is not positive, or there are more incidents than working days.
    """
    rows = [load_row(name) for name in dict.fromkeys(scenarios) if name in list_rows()]
    planted = [Planted(row.history, row.expected) for row in rows]
    others = [name for name in scenarios if name not in list_rows()]
    if others or not rows:
        planted.insert(0, plan(others, seed=seed, days=days, runs_per_day=runs_per_day))
    return _add([write(one.history, directory, expected=one.expected, log_scale=log_scale) for one in planted])


def list_scenarios() -> dict[str, str]:
    """Every scenario's name and what it is about, in one sentence."""
    told = {name: scenario.sentence for name, scenario in SCENARIOS.items()}
    return told | {name: load_row(name).sentence for name in list_rows()}


def _add(parts: Sequence[Written]) -> Written:
    """Several repositories told as one."""
    if len(parts) == 1:
        return parts[0]
    return Written(
        parts[0].directory,
        f"{len(parts)} repositories",
        runs=sum(part.runs for part in parts),
        attempts=sum(part.attempts for part in parts),
        jobs=sum(part.jobs for part in parts),
        files=sum(part.files for part in parts),
        bytes=sum(part.bytes for part in parts),
        expected=tuple(one for part in parts for one in part.expected),
    )


def plan(scenarios: Sequence[str], *, seed: int = 7, days: int = 14, runs_per_day: int = 25) -> Planted:
    """The history alone, with what must be found in it; arguments and errors as in `synthesise`."""
    names = _check(scenarios, days, runs_per_day)
    history = live_quietly(seed=seed, days=days, runs_per_day=runs_per_day)
    planted = Planted(history, ())
    for name, window in zip(names, _choose_windows(history, len(names)), strict=True):
        step = SCENARIOS[name].plant(planted.history, window)
        planted = Planted(step.history, (*planted.expected, *step.expected))
    return planted


def _check(scenarios: Sequence[str], days: int, runs_per_day: int) -> list[str]:
    """The incidents to plant, each once."""
    for name in scenarios:
        if name not in SCENARIOS:
            raise UsageProblem(f"There is no scenario '{name}'.", hint="List them with: forensics synth")
    for what, value in (("days", days), ("runs per day", runs_per_day)):
        if value < 1:
            raise UsageProblem(f"The number of {what} must be at least 1, not {value}.", hint="Give a larger number.")
    return [name for name in dict.fromkeys(scenarios) if name != "quiet"]


def _choose_windows(history: History, count: int) -> list[datetime]:
    """As many of the history's windows, evenly spread."""
    windows = history.windows()
    if count > len(windows):
        raise UsageProblem(
            f"{count} incidents do not fit into {len(windows)} working days, one a day.",
            hint="Give more days or fewer scenarios.",
        )
    return [windows[(2 * place + 1) * len(windows) // (2 * count)] for place in range(count)]
