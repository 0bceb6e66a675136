"""``forensics audit``: what the concurrency settings of workflow files promise, and where they are wrong."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.detect import COLOURS, FAILED_ON, MOST_SHOWN
from forensics.cli.detect import rows as finding_rows
from forensics.cli.options import HELP, MOST_WORKERS, with_config, with_settings
from forensics.cli.table import layout
from forensics.cli.terminal import is_terminal, plural, put, put_raw, say, visible, width
from forensics.model import SEVERITIES, Severity

if TYPE_CHECKING:
    from forensics.audit import Audit, Risk
    from forensics.audit.account import SettingVersion, WorkflowAccount
    from forensics.config import Config
    from forensics.outcome import CaseAudit

ANY_PATH = click.Path(path_type=Path)


@click.command("audit", context_settings=HELP)
@click.option(
    "--workflows", type=ANY_PATH, metavar="PATH", help="A checkout, a folder with workflow files, or one file."
)
@click.option("--only", metavar="ID", multiple=True, help="Ask only this rule or detector; repeatable.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "sarif", "markdown"]), default="table", show_default=True
)
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 10 if anything this bad is found.")
@with_settings
@with_config
def command(
    config: Config, workflows: Path | None, only: tuple[str, ...], form: str, fail_on: Severity | None
) -> None:
    """Find what is wrong with concurrency settings.

    Of a case: each workflow's settings as they were written and as they acted, what went wrong because of them, and
    what the files used last promise. With --workflows: files as they are, without a case or history; worst first,
    with a fix for each.

    \b
    Examples:
      forensics audit
      forensics audit --workflows .
      forensics audit --workflows .github/workflows/deploy.yml
      forensics audit --workflows . --format sarif > concurrency.sarif
    """
    from forensics import pipeline
    from forensics.cli.audit_formats import to_json, to_markdown, to_sarif, worst_first
    from forensics.config import available_cpus

    if workflows is None:
        _audit_case(config, only, form, fail_on)
        return
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


def _audit_case(config: Config, only: tuple[str, ...], form: str, fail_on: Severity | None) -> None:
    """The settings of a case: what they did, and what the files used last promise."""
    from forensics import pipeline
    from forensics.cli.case_audit_formats import to_json, to_markdown, to_sarif

    audit = pipeline.audit_case(config, only=only)
    risks = [risk for one in audit.audits.values() for risk in one.risks]
    try:
        match form:
            case "json":
                put_raw(to_json(audit) + "\n")
            case "sarif":
                put_raw(to_sarif(audit) + "\n")
            case "markdown":
                put_raw(to_markdown(audit) + "\n")
            case _:
                for line in describe_case(audit, width()):
                    put(line)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None
    for detector, message in audit.failures:
        say(f"The detector {visible(detector)} failed: {visible(message)}")
    happened, promised = plural(len(audit.findings), "finding"), plural(len(risks), "risk")
    say(f"{plural(len(audit.accounts), 'workflow')}: {happened} of what happened, {promised} in the files.")
    say("  → forensics report" if audit.findings else "  → forensics detect")
    if fail_on:
        worst = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
        severities = {finding.severity for finding in audit.findings} | {risk.severity for risk in risks}
        if severities & set(worst):
            raise click.exceptions.Exit(FAILED_ON)
    if audit.failures:
        raise click.exceptions.Exit(1)


def describe_case(audit: CaseAudit, columns: int) -> Iterator[str]:
    """The account of each workflow, the agreement with GitHub, what happened, what the files promise."""
    yield from layout(_HEADING, [_account_row(number, one) for number, one in enumerate(audit.accounts, 1)], columns)
    for number, one in enumerate(audit.accounts, 1):
        # Whole and on a line of its own: a path that is cut names nothing.
        yield f"{number}  {visible(one.repository)}  {visible(one.workflow_path)}"
        for version in one.versions:
            yield f"     {visible(version.setting)}"
            yield click.style(f"       {visible(_where(version, one.workflow_path))}", dim=True)
    for agreement in audit.agreement:
        share = f"{agreement.agreed / agreement.asked:.0%}" if agreement.asked else "none"
        yield (
            f"{visible(agreement.repository)}: GitHub named the groups of {plural(agreement.asked, 'run')}; "
            f"{share} are what the files come to."
        )
        yield from (f"  {visible(example)}" for example in agreement.examples)
    if audit.findings:
        yield ""
        yield "What happened:"
        yield from finding_rows(audit.findings, columns)
    for repository, files in audit.audits.items():
        if files.risks:
            yield ""
            yield f"What the files of {visible(repository)} promise:"
            yield from rows(files.risks, columns)


_HEADING = (
    "#", "runs", "groups", "overlapping", "evicted", "cancelled", "deadlocked", "wait", "95 %", "lost min", "idle s",
)  # fmt: skip


def _account_row(number: int, one: WorkflowAccount) -> tuple[object, ...]:
    return (
        number, one.runs, one.groups, one.overlapping, one.evicted, one.cancelled, one.deadlocked,
        _seconds(one.waited_half_seconds), _seconds(one.waited_most_seconds), round(one.cancelled_minutes),
        round(one.idle_seconds),
    )  # fmt: skip


def _where(version: SettingVersion, workflow_path: str) -> str:
    """Place and version of a setting, and the runs for which it was in force."""
    blob = f" in {version.blob[:12]}" if version.blob else ""
    runs = plural(version.runs, "run")
    span = f"run {version.first_run_id}"
    if version.last_run_id != version.first_run_id:
        span = f"runs {version.first_run_id} to {version.last_run_id}"
    at = f" from {version.first_at:%Y-%m-%d %H:%M}" if version.first_at else ""
    return f"{version.path or workflow_path}:{version.line or 1}{blob}: {runs}, {span}{at}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} s"


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
