"""The way in: finds the command, and turns every error into one sentence, a hint and an exit code.

Commands are named here and imported when they are called; their modules import nothing heavy at the top,
so that ``--version`` and ``--help`` answer at once.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from types import FrameType

import click

from forensics import __version__
from forensics.cli.options import HELP
from forensics.cli.terminal import say, visible
from forensics.errors import ForensicsError, Incomplete

COMMANDS = (
    "ingest", "detect", "explain", "audit", "report", "sql", "status", "verify", "detectors", "rules", "synth",
    "demo",
)  # fmt: skip
"""In the order of use; each is the function ``command`` of the module of its name in this package."""


GO_ON = "Run the same command again: it goes on where it stopped."


class Terminated(BaseException):
    """SIGTERM arrived: unwinds like Ctrl-C, so that half-written files are removed."""


class LazyGroup(click.Group):
    """A group that imports a command's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        found = import_module(f"forensics.cli.{cmd_name}").command
        return found if isinstance(found, click.Command) else None


@click.group(cls=LazyGroup, context_settings=HELP)
@click.version_option(__version__, "--version", prog_name="forensics")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
@click.pass_context
def forensics(ctx: click.Context, debug: bool) -> None:
    """Find out what raced, from what GitHub Actions still has: offline, with evidence.

    \b
    Examples:
      forensics demo
      forensics ingest --since 30d
      forensics ingest --from logs/ --from runs.json
      forensics detect --fail-on high
      forensics report -o incident.html
    """
    ctx.meta["forensics.debug"] = debug


def main() -> None:
    """Entry point of the console script; ends the process with the command's exit code."""
    for stream in (sys.stdout, sys.stderr):
        # Names from logs hold any character; a terminal that cannot show one gets its code.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _terminate)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or _failed(error, debug=False)
        _silence_stdout()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; whatever goes wrong is said on stderr."""
    debug = False
    try:
        # make_context and not the group itself: click would turn our errors into its own exit codes.
        with forensics.make_context("forensics", list(arguments)) as context:
            debug = context.params["debug"]
            forensics.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        context_of = error.ctx if isinstance(error, click.UsageError) else None
        hint = f"See: {context_of.command_path} --help" if context_of else ""
        return _report(error.format_message(), hint, error.exit_code)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:
        return _failed(error, debug=debug)
    return 0


def _failed(error: BaseException, *, debug: bool) -> int:
    """Say what went wrong; the exit code."""
    if debug and not isinstance(error, BrokenPipeError):
        traceback.print_exception(error)
    match error:
        case Incomplete():
            # The code is the error's own: an interruption has that of its signal.
            return _report(error.message, error.hint or GO_ON, error.exit_code)
        case ForensicsError():
            return _report(error.message, error.hint, error.exit_code)
        case click.Abort() | KeyboardInterrupt():
            return _report("Interrupted.", "", 128 + signal.SIGINT)
        case Terminated():
            return _report("Terminated.", "", 128 + signal.SIGTERM)
        case BrokenPipeError():
            # Whoever read our output had enough, as `head` does: not a failure.
            _silence_stdout()
            return 0
        case MemoryError():
            return _report("There is not enough memory.", "Close other programs, or analyse fewer files at once.", 1)
        case _ if _disk_full(error):
            return _report(_at("The disk is full", error), "Free room and run the same command again.", 1)
        case PermissionError():
            return _report(_at("Permission denied", error), "Check who owns it and what its mode allows.", 1)
        case OSError():
            words = error.strerror or str(error)
            return _report(_at(words, error), "Check the path.", 1)
        case _:
            words = " ".join(str(error).split()) or "no message"
            return _report(
                f"Unexpected {type(error).__name__}: {words}",
                "This is a fault of the program; 'forensics --debug COMMAND …' shows the traceback.",
                1,
            )


def _report(message: str, hint: str, code: int) -> int:
    say(f"{click.style('Error:', fg='red', bold=True)} {visible(message, lines=True)}")
    if hint:
        say(f"  → {visible(hint, lines=True)}")
    return code


def _disk_full(error: BaseException) -> bool:
    # Polars and Arrow raise errors of their own with the system's words in them.
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or "No space left on device" in str(error)


def _at(words: str, error: BaseException) -> str:
    name = getattr(error, "filename", None)
    return f"{words}: {os.fsdecode(name)}." if isinstance(name, str | bytes) else f"{words}."


def _silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere instead of failing."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return


def _terminate(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _PROCESS:
        # A forked worker: it has nothing to tidy, so it just ends.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        return
    raise Terminated


_PROCESS = os.getpid()
