"""``forensics demo``: the whole way on a made-up history."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.detect import rows
from forensics.cli.options import HELP
from forensics.cli.progress import shown
from forensics.cli.terminal import plural, put, say, visible, width


@click.command("demo", context_settings=HELP)
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    default=Path("demo"),
    show_default=True,
    help="Folder for the case.",
)
def command(out: Path) -> None:
    """Go the whole way on a made-up history.

    Makes it up, ingests it, runs the detectors, writes the report: no data and no network needed.

    Prints the findings and where the report lies; opens nothing.

    \b
    Example:
      forensics demo -o demo/
    """
    from forensics import pipeline

    with shown() as progress:
        demo = pipeline.demo(out, progress)
    for line in rows(demo.findings, width()):
        put(line)
    put("")
    put(f"Case:   {visible(str(demo.case))}")
    put(f"Report: {visible(str(demo.report))}")
    say(f"{plural(len(demo.findings), 'finding')} in {demo.seconds:.1f} s. Open the report in a browser.")
    say(f"  → forensics sql --case {visible(str(demo.case))} --saved effects-by-target")
