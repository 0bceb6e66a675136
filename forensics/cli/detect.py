"""``forensics detect``: run the detectors."""

from __future__ import annotations

import os
import shlex
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.options import FOLDER, HELP, with_config, with_settings
from forensics.cli.terminal import is_terminal, plural, put, put_raw, say, visible, width
from forensics.config import Config
from forensics.model import SEVERITIES, Finding, Incident, RunRef, Severity

if TYPE_CHECKING:
    from forensics.outcome import Detection

FAILED_ON = 10
"""Exit code when ``--fail-on`` is met."""

MOST_SHOWN = 50
"""Findings that a terminal shows; pipes and the other formats get all."""

MOST_INCIDENTS = 20
"""Incidents that a terminal shows."""

MOST_RUNS = 8
"""Runs of an incident that the table names; ``explain`` names all."""

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
@click.option(
    "--findings", "all_findings", is_flag=True, help="In the table, list the findings of incidents as well."
)
@with_settings
@with_config
def command(
    config: Config,
    only: tuple[str, ...],
    form: str,
    fail_on: Severity | None,
    queries: Path | None,
    all_findings: bool,
) -> None:
    """Run the detectors and say what they found, worst first.

    Findings that tell one story come first, as incidents; the others follow.

    \b
    Examples:
      forensics detect
      forensics detect --findings
      forensics detect --only duplicate-effect --format json
      forensics detect --fail-on high || echo "look at this first"
    """
    from forensics import pipeline
    from forensics.detect.formats import to_json, to_markdown

    detection = pipeline.detect(config, only=only, queries=queries)
    try:
        match form:
            case "json":
                put_raw(
                    to_json(detection.findings, detection.coverage, detection.incidents, detection.suppressed) + "\n"
                )
            case "sarif":
                put_raw(_sarif(detection) + "\n")
            case "markdown":
                put_raw(to_markdown(detection.findings, detection.incidents) + "\n")
            case _:
                _put_table(detection, config, all_findings=all_findings)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader had enough; the exit code still has to tell what was found.
        sys.stdout = None
    for detector, message in detection.failures:
        say(f"The detector {visible(detector)} failed: {visible(message)}")
    for remark in detection.remarks:
        say(visible(remark))
    say(_summary(detection))
    say(_next(detection, config))
    if fail_on and met(detection.findings, fail_on):
        raise click.exceptions.Exit(FAILED_ON)
    if detection.failures:
        raise click.exceptions.Exit(1)


def _sarif(detection: Detection) -> str:
    from forensics.detect.formats import to_sarif

    return to_sarif(
        detection.findings, detection.docs, detection.workflow_paths, detection.failures, detection.suppressed
    )


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


def incident_rows(incidents: Sequence[Incident], columns: int, case: str = "") -> Iterator[str]:
    """The incidents as lines of at most so many columns; ``case`` is what the next command needs besides the id."""
    indent = 31 if columns >= 70 else 2
    room = max(columns - indent, 30)
    for incident in incidents:
        mark = click.style(f"{incident.severity:<8}", fg=COLOURS[incident.severity], bold=True)
        when = f"{incident.started_at:%Y-%m-%d %H:%M:%S}" if incident.started_at else "time unknown"
        runs = run_names(incident.runs)
        about = [plural(len(incident.findings), "finding"), visible(incident.repository), f"runs {runs}"]
        told = [click.style(line, bold=True) for line in textwrap.wrap(visible(incident.title), room)]
        if cause := incident.first_cause:
            told += textwrap.wrap(f"First cause ({cause.precision}): {visible(cause.text)}", room)
        faint = textwrap.wrap(" · ".join(part for part in about if part), room, break_on_hyphens=False)
        faint += textwrap.wrap(f"→ forensics explain {incident.id}{case}", room, break_on_hyphens=False)
        lines = told + [click.style(line, dim=True) for line in faint]
        head = f"{mark}  {when:<19}  "
        if indent == 2:
            yield head.rstrip()
            yield from (f"  {line}" for line in lines)
        else:
            yield head + lines[0]
            yield from (" " * indent + line for line in lines[1:])


def run_names(runs: Sequence[RunRef]) -> str:
    """``1, 2#3 and 4 more``."""
    named = [str(run.run_id) if run.attempt == 1 else f"{run.run_id}#{run.attempt}" for run in runs[:MOST_RUNS]]
    more = f" and {len(runs) - MOST_RUNS:,} more" if len(runs) > MOST_RUNS else ""
    return ", ".join(named) + more


def case_option(config: Config) -> str:
    """What to add to a suggested command so that it reads this case; '' where it does anyhow."""
    if config.case == Path("case") or os.environ.get("FORENSICS_CASE") == str(config.case):
        return ""
    return f" --case {shlex.quote(visible(str(config.case)))}"


def _put_table(detection: Detection, config: Config, *, all_findings: bool) -> None:
    from forensics.detect.incident import loose

    incidents, terminal = detection.incidents, is_terminal(sys.stdout)
    findings = detection.findings if all_findings else loose(detection.findings, incidents)
    shown = incidents[:MOST_INCIDENTS] if terminal else incidents
    for line in incident_rows(shown, width(), case_option(config)):
        put(line)
    if len(shown) < len(incidents):
        say(
            f"… and {plural(len(incidents) - len(shown), 'incident')} more: forensics detect | less, or --format json"
        )
    if incidents and findings:
        put("")
        put(click.style("All findings" if all_findings else "Findings in no incident", bold=True))
    listed = findings[:MOST_SHOWN] if terminal else findings
    for line in rows(listed, width()):
        put(line)
    if len(listed) < len(findings):
        say(f"… and {len(findings) - len(listed):,} more: forensics detect | less, or --format json")


def _summary(detection: Detection) -> str:
    findings, detectors = detection.findings, len(detection.docs)
    if not findings:
        return f"{plural(detectors, 'detector')} found nothing."
    counts = Counter(finding.severity for finding in findings)
    named = ", ".join(f"{counts[severity]:,} {severity}" for severity in SEVERITIES if counts[severity])
    incidents = f"{plural(len(detection.incidents), 'incident')}; " if detection.incidents else ""
    return f"{incidents}{plural(len(findings), 'finding')} of {plural(detectors, 'detector')}: {named}."


def _next(detection: Detection, config: Config) -> str:
    if detection.incidents:
        return f"  → forensics explain {detection.incidents[0].id}{case_option(config)}"
    return "  → forensics report" if detection.findings else "  → forensics status   (what the case lacks)"
