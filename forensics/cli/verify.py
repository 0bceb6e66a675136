"""``forensics verify``: rehash the evidence."""

from __future__ import annotations

import click

from forensics.cli.options import HELP, with_config
from forensics.cli.terminal import plural, put, say, size, visible
from forensics.config import Config


@click.command("verify", context_settings=HELP)
@with_config
def command(config: Config) -> None:
    """Rehash the evidence and name what changed.

    Every file is compared with the SHA-256 in the manifest.

    Exits with 1 when a file was changed or is missing. Files that the manifest does not name are listed, too.

    \b
    Example:
      forensics verify --case incident-42
    """
    from forensics import pipeline

    found = pipeline.verify(config)
    for what, names in (("changed", found.changed), ("missing", found.missing), ("unknown", found.unknown)):
        for name in names:
            put(f"{what}  {visible(name)}")
    say(
        f"{plural(found.checked, 'file')} checked, {size(found.bytes)}: {len(found.changed):,} changed, "
        f"{len(found.missing):,} missing, {len(found.unknown):,} not in the manifest."
    )
    if found.changed or found.missing:
        say("  → The case no longer rests on what was received; take the originals into a new case.")
        raise click.exceptions.Exit(1)
