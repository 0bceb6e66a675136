"""``forensics report``: write the HTML incident report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from forensics.cli.options import FILE, HELP, Moment, with_config, with_settings
from forensics.cli.terminal import put, say, size, visible
from forensics.config import Config
from forensics.errors import UsageProblem


@click.command("report", context_settings=HELP)
@click.option("-o", "--output", "out", type=FILE, metavar="FILE", help="Else CASE/reports/incident.html.")
@click.option("--finding", metavar="ID", help="Only this finding and what surrounds it.")
@click.option("--from", "start", type=Moment(), help="Only from this time on (UTC).")
@click.option("--to", "end", type=Moment(end=True), help="Only up to this time (UTC); a bare date counts whole.")
@with_settings
@with_config
def command(
    config: Config, out: Path | None, finding: str | None, start: datetime | None, end: datetime | None
) -> None:
    """Write the incident report as one HTML file.

    It holds the verdict, the findings with their log lines, the timeline, and how all of it was found.

    The path of the file is printed on stdout.

    \b
    Examples:
      forensics report
      forensics report -o incident.html --from 2026-11-02 --to 2026-11-03
      xdg-open "$(forensics report)"
    """
    if start and end and start >= end:
        raise UsageProblem("--from is not before --to.", hint="Swap them, or leave one out.")
    from forensics import pipeline

    written = pipeline.report(config, out, finding=finding, start=start, end=end)
    put(visible(str(written)))
    say(f"The report has {size(written.stat().st_size)}; open it in a browser, no network needed.")
