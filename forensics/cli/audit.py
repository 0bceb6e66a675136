"""``forensics audit``: what the concurrency settings of workflow files promise, and where they are wrong."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.detect import COLOURS, FAILED_ON, MOST_SHOWN
from forensics.cli.options import HELP, MOST_WORKERS
from forensics.cli.terminal import is_terminal, plural, put, put_raw, say, visible, width
from forensics.model import SEVERITIES, Severity

if TYPE_CHECKING:
    from forensics.audit import Audit, Risk

ANY_PATH = click.Path(path_type=Path)


@click.command("audit", context_settings=HELP)
@click.option(
    "--workflows", type=ANY_PATH, metavar="PATH", help="A checkout, a folder with workflow files, or one file."
)
@click.option("--only", metavar="ID", multiple=True, help="Ask only this rule; repeatable.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "sarif", "markdown"]), default="table", show_default=True
)
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 10 if anything this bad is found.")
def command(workflows: Path | None, only: tuple[str, ...], form: str, fail_on: Severity | None) -> None:
    """Find what is wrong with concurrency settings.

    Reads workflow files as they are, without a case or history; worst first, with a fix for each.

    \b
    Examples:
      forensics audit --workflows .
      forensics audit --workflows .github/workflows/deploy.yml
      forensics audit --workflows . --format sarif > concurrency.sarif
    """
    from forensics import pipeline
    from forensics.cli.audit_formats import to_json, to_markdown, to_sarif, worst_first
    from forensics.config import available_cpus

    audit = pipeline.audit(workflows, only=only, workers=min(available_cpus(), MOST_WORKERS))
    try:
        match form:
            case "json":
                put_raw(to_json(audit) + "\n")
            case "sarif":
                put_raw(to_sarif(audit) + "\n")
            case "markdown":
                put_raw(to_markdown(audit) + "\n")
            case _:
                _put_table(audit)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader had enough; the exit code still has to tell what was found.
        sys.stdout = None
    counts = ", ".join(f"{count:,} {severity}" for severity, count in worst_first(audit.risks).items())
    found = f"{plural(len(audit.risks), 'finding')}: {counts}." if audit.risks else "nothing found."
    say(f"{plural(audit.files, 'workflow file')}, {plural(len(audit.rules), 'rule')}, {found}")
    if fail_on and set(worst_first(audit.risks)) & set(SEVERITIES[: SEVERITIES.index(fail_on) + 1]):
        raise click.exceptions.Exit(FAILED_ON)


def rows(risks: Sequence[Risk], columns: int) -> Iterator[str]:
    """The risks as lines of about so many columns: severity and place, the message, then the fix as written."""
    room = max(columns - 10, 30)
    for risk in risks:
        mark = click.style(f"{risk.severity:<8}", fg=COLOURS[risk.severity], bold=True)
        yield f"{mark}  {visible(risk.path)}:{risk.line}:{risk.column}"
        for line in textwrap.wrap(visible(risk.message), room) or [""]:
            yield f"          {line}"
        for line in visible(risk.fix, lines=True).splitlines():
            yield f"          {click.style('| ' + line, fg='green')}"
        for other in risk.related:
            yield click.style(f"          {visible(f'{other.path}:{other.line}: {other.message}')}", dim=True)
        yield click.style(f"          {risk.id} · {risk.precision}", dim=True)


def _put_table(audit: Audit) -> None:
    shown = audit.risks[:MOST_SHOWN] if is_terminal(sys.stdout) else audit.risks
    for line in rows(shown, width()):
        put(line)
    if len(shown) < len(audit.risks):
        say(f"… and {len(audit.risks) - len(shown):,} more: forensics audit … | less, or --format json")
