"""``forensics detectors``: list, explain and check detectors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.options import FOLDER, HELP
from forensics.cli.table import layout
from forensics.cli.terminal import plural, put, say, visible, width
from forensics.errors import UsageProblem

if TYPE_CHECKING:
    from forensics.detect.detector import Detector


@click.command("detectors", context_settings=HELP)
@click.argument("name", metavar="[ID]", required=False)
@click.option("--check", type=FOLDER, metavar="DIR", help="Check the detector files of this folder.")
def command(name: str | None, check: Path | None) -> None:
    """List, explain or check detectors.

    \b
    Examples:
      forensics detectors
      forensics detectors duplicate-effect
      forensics detectors --check my-queries/
    """
    if name and check:
        raise UsageProblem("ID and --check do not go together.", hint="Use one of them.")
    if check:
        _check(check)
        return
    from forensics.detect.detector import load_detectors

    detectors = load_detectors()
    if name is None:
        rows = [(detector.id, detector.severity, detector.precision, detector.title) for detector in detectors]
        for line in layout(("id", "severity", "precision", "title"), rows, width()):
            put(line)
        say("  → forensics detectors ID")
        return
    for detector in detectors:
        if detector.id == name:
            _explain(detector)
            return
    raise UsageProblem(f"There is no detector '{name}'.", hint="List them with: forensics detectors")


def _explain(detector: Detector) -> None:
    put(click.style(f"{detector.id}: {detector.title}", bold=True))
    put(f"severity {detector.severity}, precision {detector.precision}\n")
    for heading, text in (
        ("What it asks", detector.question),
        ("When it is wrong", detector.false_positives),
        ("What to do", detector.remedy),
    ):
        put(click.style(heading, bold=True))
        put(click.wrap_text(visible(text), width(), "  ", "  ") + "\n")
    for parameter in detector.parameters:
        put(f"  ${parameter.name} = {parameter.default}: {visible(parameter.means)}")
    for column, means in detector.columns.items():
        put(f"  {column}: {visible(means)}")
    put("")
    put(visible(detector.sql, lines=True))


def _check(directory: Path) -> None:
    from forensics.detect.detector import check_detectors

    sound, errors = check_detectors(directory)
    for detector in sound:
        put(f"sound  {visible(detector.id)}")
    for error in errors:
        put(f"wrong  {visible(error.message)}")
        put(f"       → {visible(error.hint)}")
    say(f"{plural(len(sound), 'sound detector')}, {plural(len(errors), 'wrong file')}.")
    if errors:
        raise click.exceptions.Exit(1)
