"""Incidents that happened, each retold in a file of `forensics/synth/rows/`: its form, and how it is read.

A file names what ran when; `forensics.synth.retell` makes a history of it. The form is described in
docs/scenarios.md. All times are seconds after what stands around them, or clock times of the incident's first day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

from forensics.errors import UsageProblem
from forensics.synth.history import History
from forensics.synth.incidents import Expected
from forensics.synth.retell import TWIN, Told, refuse_unknown, retell

_FOLDER = "rows"
_KEYS = {
    "title", "sentence", "sources", "timing", "start", "values", "workflows", "runs", "expects", "also", "twin",
    "shapes",
}  # fmt: skip
_TWIN_KEYS = {"why", "replace", "runs", "without", "add", "also"}


@dataclass(frozen=True)
class Also:
    """A finding that is there as well, rightly."""

    detector: str
    why: str


@dataclass(frozen=True)
class Row:
    """One incident, and the same days with better settings."""

    name: str
    """Number and words of the file's name."""
    title: str
    sentence: str
    sources: tuple[str, ...]
    """Where it was told."""
    timing: str
    """What of the times is real."""
    history: History
    expected: tuple[Expected, ...]
    also: tuple[Also, ...]
    twin: History | None
    """The same times where the settings are right: nothing may be found in it; None where no setting helps."""
    twin_also: tuple[Also, ...] = ()

    @property
    def number(self) -> int:
        """Row of the table of incidents."""
        return int(self.name.partition("-")[0])


def list_rows() -> tuple[str, ...]:
    """Names of all rows, in the order of their numbers."""
    names = (entry.name for entry in (files(__package__) / _FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(".yml") for name in names if name.endswith(".yml")))


@cache
def load_row(name: str) -> Row:
    """Read a row's file.

    Raises:
        UsageProblem: the file has another form than docs/scenarios.md says; the message names file and place.
    """
    text = (files(__package__) / _FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    return read_row(name, text)


def read_row(name: str, text: str) -> Row:
    """A row from the text of its file; ``name`` is ``NN-words``. Errors as in `load_row`."""
    try:
        return _read(name, YAML(typ="safe").load(text))
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise UsageProblem(
            f"The scenario {name}.yml cannot be read: {type(error).__name__} {error}.",
            hint="The form is described in docs/scenarios.md.",
        ) from error


def _read(name: str, said: dict[str, Any]) -> Row:
    refuse_unknown(said, _KEYS, "the file")
    number, _, words = name.partition("-")
    told = retell(said, f"octo/{words}", int(number))
    twin: History | None = None
    twin_also: tuple[Also, ...] = ()
    if "twin" in said:
        better = said["twin"] or {}
        refuse_unknown(better, _TWIN_KEYS, "twin")
        twin = retell(_better(said, better), f"octo/{words}-twin", TWIN + int(number)).history
        twin_also = tuple(_also(better))
    return Row(
        name=name,
        title=said["title"],
        sentence=" ".join(said["sentence"].split()),
        sources=tuple(said["sources"]),
        timing=" ".join(said["timing"].split()),
        history=told.history,
        expected=tuple(_expected(entry, told) for entry in said["expects"]),
        also=tuple(_also(said)),
        twin=twin,
        twin_also=twin_also,
    )


def _also(said: Mapping[str, Any]) -> Iterator[Also]:
    for detector, why in (said.get("also") or {}).items():
        yield Also(detector, " ".join(why.split()))


def _expected(entry: Mapping[str, Any], told: Told) -> Expected:
    refuse_unknown(entry, {"detector", "runs", "target", "identity"}, "expects")
    runs = tuple(told.find(label) for label in entry["runs"])
    target = entry.get("target")
    filled = target.replace("{repository}", told.history.repository) if target else None
    return Expected(entry["detector"], runs, filled, entry.get("identity"))


def _better(said: Mapping[str, Any], twin: Mapping[str, Any]) -> dict[str, Any]:
    """The row's text with the twin's words in it."""
    texts = dict(said["workflows"])
    for old, new in (twin.get("replace") or {}).items():
        if not any(old in text for text in texts.values()):
            raise ValueError(f"the twin replaces {old!r}, which no workflow file has")
        texts = {file: text.replace(old, new) for file, text in texts.items()}
    changed, without = dict(twin.get("runs") or {}), set(twin.get("without") or ())
    runs = [_changed(run, changed) for run in said["runs"] if run.get("id") not in without]
    if changed:
        raise ValueError(f"the twin changes {', '.join(changed)}, of which there is no run")
    return {**said, "workflows": texts, "runs": [*runs, *(twin.get("add") or ())]}


def _changed(run: Mapping[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    if "repeat" in run:
        return {**run, "runs": [_changed(one, changed) for one in run["runs"]]}
    return {**run, **(changed.pop(run["id"], None) or {})}
