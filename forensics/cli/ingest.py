"""``forensics ingest``: take files into the case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.options import HELP, with_config
from forensics.cli.progress import shown
from forensics.cli.terminal import plural, say, size, visible
from forensics.config import Config
from forensics.errors import UsageProblem

if TYPE_CHECKING:
    from forensics.pipeline import IngestSummary

ANY_PATH = click.Path(path_type=Path)


@click.command("ingest", context_settings=HELP)
@click.option("--from", "sources", type=ANY_PATH, multiple=True, metavar="PATH...", help="A file or folder.")
@click.argument("more", type=ANY_PATH, nargs=-1, metavar="")
@with_config
def command(config: Config, sources: tuple[Path, ...], more: tuple[Path, ...]) -> None:
    """Take evidence from files and folders into the case.

    \b
    Recognised by content, in any mixture: run-log zips, extracted logs, single job logs,
    `gh run view --log` text, `gh run list/view --json`, REST pages, workflow YAML,
    .gz .tar .tar.gz .tar.xz of these, and the evidence folder of another case.

    Everything is kept exactly as received below CASE/evidence. Taking the same thing again changes nothing.

    \b
    Examples:
      forensics ingest --from logs.zip --from runs.json
      forensics ingest --from downloads/ .github/workflows/
      forensics --debug ingest --case incident-42 --from evidence/
    """
    if not sources:
        raise UsageProblem(
            "Nothing was named to ingest.", hint="Name files or folders: forensics ingest --from PATH..."
        )
    from forensics import pipeline

    with shown() as progress:
        summary = pipeline.ingest_files(config, [*sources, *more], progress)
    for line in describe(summary):
        say(line)
    say("  → forensics detect" if summary.runs else "  → forensics status")


def describe(summary: IngestSummary) -> list[str]:
    """What an ingest did, in sentences."""
    lines = [
        f"Took {plural(summary.files_taken, 'file')} ({size(summary.bytes)}) in {summary.seconds:.1f} s; "
        f"{summary.files_known:,} known already.",
        f"The case holds {plural(summary.runs, 'run')}, {plural(summary.attempts, 'attempt')}, "
        f"{plural(summary.jobs, 'job')}, {plural(summary.log_lines, 'log line')} "
        f"and {plural(summary.effects, 'effect')}.",
        f"Lines read: {summary.lines_in:,} = {summary.lines_stored:,} stored + "
        f"{summary.lines_duplicate:,} duplicates + {summary.lines_problem:,} left out for a reason.",
    ]
    if summary.problems:
        named = ", ".join(f"{visible(kind)} {count:,}" for kind, count in summary.problems)
        lines.append(f"Problems: {named}  (forensics status)")
    return lines
