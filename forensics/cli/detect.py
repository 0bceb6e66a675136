"""``forensics detect``: run the detectors."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.options import FOLDER, HELP, with_config
from forensics.cli.terminal import is_terminal, plural, put, put_raw, say, visible, width
from forensics.config import Config
from forensics.model import SEVERITIES, Finding, Severity

if TYPE_CHECKING:
    from forensics.outcome import Detection

FAILED_ON = 10
"""Exit code when ``--fail-on`` is met."""

MOST_SHOWN = 50
"""Findings that a terminal shows; pipes and the other formats get all."""

COLOURS: dict[Severity, str] = {
    "critical": "bright_red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "bright_black",
}


@click.command("detect", context_settings=HELP)
@click.option("--only", metavar="ID", multiple=True, help="Run only this detector; repeatable.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "sarif", "markdown"]), default="table", show_default=True
)
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 10 if anything this bad is found.")
@click.option("--queries", type=FOLDER, metavar="DIR", help="Run the detectors of this folder as well.")
@with_config
def command(config: Config, only: tuple[str, ...], form: str, fail_on: Severity | None, queries: Path | None) -> None:
    """Run the detectors and say what they found, worst first.

    \b
    Examples:
      forensics detect
      forensics detect --only duplicate-effect --format json
      forensics detect --fail-on high || echo "look at this first"
    """
    from forensics import pipeline
    from forensics.detect.formats import to_json, to_markdown

    detection = pipeline.detect(config, only=only, queries=queries)
    try:
        match form:
            case "json":
                put_raw(to_json(detection.findings, detection.coverage) + "\n")
            case "sarif":
                put_raw(_sarif(detection) + "\n")
            case "markdown":
                put_raw(to_markdown(detection.findings) + "\n")
            case _:
                _put_table(detection.findings)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader had enough; the exit code still has to tell what was found.
        sys.stdout = None
    for detector, message in detection.failures:
        say(f"The detector {visible(detector)} failed: {visible(message)}")
    say(_summary(detection.findings, len(detection.docs)))
    say("  → forensics report" if detection.findings else "  → forensics status   (what the case lacks)")
    if fail_on and met(detection.findings, fail_on):
        raise click.exceptions.Exit(FAILED_ON)
    if detection.failures:
        raise click.exceptions.Exit(1)


def _sarif(detection: Detection) -> str:
    from forensics.detect.formats import to_sarif

    return to_sarif(detection.findings, detection.docs, detection.workflow_paths, detection.failures)


def met(findings: Sequence[Finding], level: Severity) -> bool:
    """Is any finding of this severity or a worse one?"""
    worst = SEVERITIES[: SEVERITIES.index(level) + 1]
    return any(finding.severity in worst for finding in findings)


def rows(findings: Sequence[Finding], columns: int) -> Iterator[str]:
    """The findings as lines of at most so many columns: severity and time, then the message and its references."""
    if not findings:
        return
    indent = 31 if columns >= 70 else 2
    room = max(columns - indent, 30)
    for finding in findings:
        mark = click.style(f"{finding.severity:<8}", fg=COLOURS[finding.severity], bold=True)
        when = f"{finding.occurred_at:%Y-%m-%d %H:%M:%S}" if finding.occurred_at else "time unknown"
        runs = [str(run.run_id) if run.attempt == 1 else f"{run.run_id}#{run.attempt}" for run in finding.runs]
        about = [finding.id, finding.precision, visible(finding.repository), f"runs {', '.join(runs)}"]
        wrapped = textwrap.wrap(visible(finding.message), room) or [""]
        faint = textwrap.wrap(" · ".join(part for part in about if part), room, break_on_hyphens=False)
        lines = wrapped + [click.style(line, dim=True) for line in faint]
        head = f"{mark}  {when:<19}  "
        if indent == 2:
            yield head.rstrip()
            yield from (f"  {line}" for line in lines)
        else:
            yield head + lines[0]
            yield from (" " * indent + line for line in lines[1:])


def _put_table(findings: Sequence[Finding]) -> None:
    shown = findings[:MOST_SHOWN] if is_terminal(sys.stdout) else findings
    for line in rows(shown, width()):
        put(line)
    if len(shown) < len(findings):
        say(f"… and {len(findings) - len(shown):,} more: forensics detect | less, or --format json")


def _summary(findings: Sequence[Finding], detectors: int) -> str:
    if not findings:
        return f"{plural(detectors, 'detector')} found nothing."
    counts = Counter(finding.severity for finding in findings)
    named = ", ".join(f"{counts[severity]:,} {severity}" for severity in SEVERITIES if counts[severity])
    return f"{plural(len(findings), 'finding')} of {plural(detectors, 'detector')}: {named}."
