"""Options and argument types that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import click

from forensics.config import Config, available_cpus

Function = TypeVar("Function", bound=Callable[..., Any])

MOST_WORKERS = 8
"""More processes than this only wait for the disk."""

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Context settings of every command."""

LONGEST_SPAN = timedelta(days=20 * 365)

_SETTINGS = "forensics.settings"
"""Where --settings waits for --case."""

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


def with_settings(command: Function) -> Function:
    """Give a command ``--settings``; it reaches the ``config`` of ``with_config``."""
    return click.option(
        "--settings",
        type=FILE,
        envvar="FORENSICS_SETTINGS",
        show_envvar=True,
        metavar="FILE",
        # Before --case, whose callback puts it into the config.
        is_eager=True,
        expose_value=False,
        callback=_settings,
        help="What is suppressed, parameters, lanes.  [default: forensics.toml here, else in the case]",
    )(command)


def _settings(context: click.Context, parameter: click.Parameter, file: Path | None) -> None:
    context.meta[_SETTINGS] = file


def _config(context: click.Context, parameter: click.Parameter, case: str) -> Config:
    if "\0" in case or not case:
        raise click.BadParameter("is not a path")
    workers = min(available_cpus(), MOST_WORKERS)
    return Config(Path(case), workers=workers, settings=context.meta.get(_SETTINGS))


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


class Since(click.ParamType["timedelta | datetime"]):
    """A span before now (``90m``, ``12h``, ``30d``, ``2w``), or a moment as :class:`Moment` reads it."""

    name = "time"

    UNITS = MappingProxyType({"m": "minutes", "h": "hours", "d": "days", "w": "weeks"})
    FORMS = "Write 30d for days, 12h for hours, or a date such as 2026-11-01."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta | datetime:
        """The span or the moment (naive UTC); click's own error for what is neither."""
        if isinstance(value, timedelta | datetime):
            return value
        text = str(value).strip().lower()
        # Eight digits would be a date without dashes, which nobody means as a span.
        if re.fullmatch(r"[0-9]{1,7}", text):
            self.fail(f"{text} what? {self.FORMS}", param, ctx)
        span = re.fullmatch(r"([0-9]{1,7})\s*([mhdw])", text)
        if span is None:
            return self._moment(value, param, ctx)
        length = timedelta(**{self.UNITS[span[2]]: int(span[1])})
        if not length:
            self.fail(f"{text} is no time at all. {self.FORMS}", param, ctx)
        if length > LONGEST_SPAN:
            self.fail(f"{text} reaches back to before there were GitHub Actions. {self.FORMS}", param, ctx)
        return length

    def _moment(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return Moment().convert(value.strip(), None, None)
        except click.BadParameter:
            self.fail(f"{value!r} is neither a span nor a time. {self.FORMS}", param, ctx)


class WorkflowFile(click.ParamType[str]):
    """The file name of a workflow; a path into ``.github/workflows`` is cut down to it."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name alone; click's own error for what cannot be a workflow file."""
        name = str(value).rpartition("/")[2]
        if not re.fullmatch(r"[^/\\?#\x00-\x1f\x7f]+\.ya?ml", name):
            self.fail(f"{value!r} is no workflow file; write its name in .github/workflows: deploy.yml.", param, ctx)
        return name
