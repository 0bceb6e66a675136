"""Options and argument types that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from forensics.config import Config, available_cpus

Function = TypeVar("Function", bound=Callable[..., Any])

MOST_WORKERS = 8
"""More processes than this only wait for the disk."""

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Context settings of every command."""

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


def with_config(command: Function) -> Function:
    """Give a command ``--case`` and pass it on as ``config``."""
    return click.option(
        "--case",
        "config",
        metavar="DIR",
        envvar="FORENSICS_CASE",
        default="case",
        show_default=True,
        show_envvar=True,
        callback=_config,
        help="The case folder.",
    )(command)


def _config(context: click.Context, parameter: click.Parameter, case: str) -> Config:
    if "\0" in case or not case:
        raise click.BadParameter("is not a path")
    return Config(Path(case), workers=min(available_cpus(), MOST_WORKERS))


class Moment(click.ParamType[datetime]):
    """A time given as ISO 8601, read as UTC where it names no zone; comes out as naive UTC."""

    name = "time"

    def __init__(self, *, end: bool = False) -> None:
        self.end = end
        """A bare date means the end of that day instead of its beginning."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment; click's own error for what is not one."""
        if isinstance(value, datetime):
            return value
        try:
            if len(value) == len("2026-11-02"):
                day = date.fromisoformat(value) + timedelta(days=int(self.end))
                return datetime.combine(day, time())
            moment = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time; write 2026-11-02 or 2026-11-02T14:30 (UTC).", param, ctx)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
