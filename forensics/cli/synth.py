"""``forensics synth``: write a made-up history with planted incidents."""

from __future__ import annotations

from pathlib import Path

import click

from forensics.cli.options import HELP
from forensics.cli.terminal import plural, put, say, size, visible, width
from forensics.errors import UsageProblem


@click.command("synth", context_settings=HELP)
@click.argument("scenarios", nargs=-1, metavar="SCENARIO...")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same bytes.")
def command(scenarios: tuple[str, ...], out: Path | None, seed: int) -> None:
    """Write a made-up history with planted incidents.

    The files have GitHub's own forms.

    Without arguments the scenarios are listed.

    \b
    Examples:
      forensics synth
      forensics synth double-publish racing-deploys -o made-up/
      forensics ingest --from made-up/
    """
    from forensics.synth.synthesise import list_scenarios

    if not scenarios:
        told = list_scenarios()
        margin = max(map(len, told)) + 2
        for name, sentence in told.items():
            put(click.wrap_text(f"{name:<{margin}}{sentence}", width(), "", " " * margin))
        say("  → forensics synth SCENARIO... -o DIR")
        return
    if out is None:
        raise UsageProblem("No folder was named to write to.", hint="Add: -o DIR")
    from forensics import pipeline

    written = pipeline.synthesise(scenarios, out, seed)
    put(visible(str(written.directory)))
    say(
        f"Wrote {plural(written.files, 'file')} ({size(written.bytes)}): {plural(written.runs, 'run')}, "
        f"{plural(written.attempts, 'attempt')}, {plural(written.jobs, 'job')} of {written.repository}; "
        f"{plural(len(written.expected), 'incident')} to be found."
    )
    say(f"  → forensics ingest --from {visible(str(written.directory))}")
