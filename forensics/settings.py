"""What a team has decided about the detectors: ``forensics.toml``, read once and frozen.

::

    [[suppress]]                       # a finding that is known and accepted, with a reason and an end
    detector = "duplicate-effect"      # required; these five may hold * and ?
    repository = "octo/shop"
    workflow = "nightly.yml"           # its file, path or name; every run of the finding must be of it
    target = "npm:@octo/*"
    finding = "duplicate-effect-3f2a…" # one finding alone
    until = 2027-01-31                 # required; from the day after it counts again
    why = "The registry mirror publishes twice on purpose."   # required

    [detectors.duration-outlier]       # parameters: forensics detectors ID lists them
    minimum_ratio = 4
    [detectors.duration-outlier.workflows."nightly.yml"]      # and for the runs of one workflow
    minimum_ratio = 10

    [lanes]                            # targets that are one and the same thing
    production = ["k8s:deployment/cart*", "docker:registry.example/cart:production"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import Any

from forensics.errors import UsageProblem

FILE_NAME = "forensics.toml"
LARGEST = 1 << 20
"""A larger file is not a settings file."""

Parameters = Mapping[str, Mapping[str, Any]]
"""Values of parameters, by detector."""

_SCOPES = ("repository", "workflow", "target", "finding")


@dataclass(frozen=True)
class Suppression:
    """Findings that are not to be shown until a day, and why."""

    detector: str
    until: date
    """The last day on which it holds."""
    why: str
    repository: str = "*"
    workflow: str = "*"
    target: str = "*"
    finding: str = "*"

    def matches_workflow(self, path: str | None, name: str | None) -> bool:
        """Is a workflow of this path and name meant?"""
        if self.workflow == "*":
            return True
        names = [path or "", (path or "").rpartition("/")[2], name or ""]
        return any(fnmatchcase(one, self.workflow) for one in names if one)


@dataclass(frozen=True)
class Settings:
    """The whole file; empty where there is none."""

    path: Path | None = None
    suppressions: tuple[Suppression, ...] = ()
    parameters: Parameters = field(default_factory=lambda: MappingProxyType({}))
    workflow_parameters: Mapping[str, Parameters] = field(default_factory=lambda: MappingProxyType({}))
    """By workflow (file, path or name, which may hold ``*`` and ``?``), then by detector."""
    lanes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Patterns of targets, by lane."""


def find_settings(case: Path, here: Path, named: Path | None = None) -> Settings:
    """The file that was named, else the one ``here``, else the case's own, else nothing.

    Raises UsageProblem for a file that is not there or not sound, with the place.
    """
    if named is not None and not named.is_file():
        raise UsageProblem(f"There is no settings file {named}.", hint=f"Write one: docs/settings.md ({FILE_NAME}).")
    for path in [named] if named else [here / FILE_NAME, case / FILE_NAME]:
        if path.is_file():
            return read_settings(path)
    return Settings()


def read_settings(path: Path) -> Settings:
    """Read one file. Raises UsageProblem that says what is wrong where."""
    try:
        if path.stat().st_size > LARGEST:
            raise _wrong(path, f"it is larger than {LARGEST >> 20} MB")
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(path, str(error)) from error
    if strangers := sorted(said.keys() - {"suppress", "detectors", "lanes"}):
        raise _wrong(path, f"it has '{strangers[0]}', which means nothing here")
    entries = said.get("suppress", [])
    if not isinstance(entries, list):
        raise _wrong(path, "'suppress' is one table, not several: write [[suppress]]")
    suppressions = tuple(_suppression(path, number, entry) for number, entry in enumerate(entries, 1))
    general, special = _parameters(path, said.get("detectors", {}))
    return Settings(path, suppressions, general, special, _lanes(path, said.get("lanes", {})))


def _suppression(path: Path, number: int, entry: Any) -> Suppression:
    where = f"[[suppress]] number {number}"
    if not isinstance(entry, dict):
        raise _wrong(path, f"{where} is no table")
    for key in ("detector", "until", "why"):
        if key not in entry:
            raise _wrong(path, f"{where} lacks '{key}'")
    if strangers := sorted(entry.keys() - {"detector", "until", "why", *_SCOPES}):
        raise _wrong(path, f"{where} has '{strangers[0]}', which means nothing here")
    until = entry["until"]
    if isinstance(until, datetime):
        until = until.date()
    if not isinstance(until, date):
        raise _wrong(path, f"{where}: 'until' is not a date; write until = 2027-01-31")
    texts = {key: entry[key] for key in ("detector", "why", *_SCOPES) if key in entry}
    for key, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise _wrong(path, f"{where}: '{key}' is not a text")
    return Suppression(until=until, **texts)


def _parameters(path: Path, said: Any) -> tuple[Parameters, Mapping[str, Parameters]]:
    if not isinstance(said, dict) or not all(isinstance(table, dict) for table in said.values()):
        raise _wrong(path, "'detectors' holds a table for each detector: [detectors.duration-outlier]")
    general: dict[str, dict[str, Any]] = {}
    special: dict[str, dict[str, dict[str, Any]]] = {}
    for detector, table in said.items():
        own = {name: value for name, value in table.items() if name != "workflows"}
        if own:
            general[detector] = own
        workflows = table.get("workflows", {})
        if not isinstance(workflows, dict) or not all(isinstance(values, dict) for values in workflows.values()):
            raise _wrong(
                path, f'[detectors.{detector}.workflows] holds tables: [detectors.{detector}.workflows."x.yml"]'
            )
        for workflow, values in workflows.items():
            # What holds in general holds for the workflow, too, unless it says otherwise.
            special.setdefault(workflow, {})[detector] = own | values
    return MappingProxyType(general), MappingProxyType(special)


def _lanes(path: Path, said: Any) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(said, dict):
        raise _wrong(path, '\'lanes\' is a table: production = ["k8s:…", "docker:…"]')
    for lane, patterns in said.items():
        if (
            not isinstance(patterns, list)
            or not patterns
            or not all(isinstance(one, str) and one for one in patterns)
        ):
            raise _wrong(path, f"the lane '{lane}' is not a list of targets")
    return MappingProxyType({lane: tuple(patterns) for lane, patterns in said.items()})


def _wrong(path: Path, what: str) -> UsageProblem:
    return UsageProblem(f"The settings file {path} cannot be used: {what}.", hint="Its form is in docs/settings.md.")
