"""``forensics sql``: ad-hoc questions, read-only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.options import FILE, HELP, with_config
from forensics.cli.terminal import is_terminal, say
from forensics.config import Config
from forensics.errors import UsageProblem

if TYPE_CHECKING:
    from forensics.cli.answer import Format
    from forensics.store.store import Store


@click.command("sql", context_settings=HELP)
@click.argument("query", required=False)
@click.option("-f", "--file", "script", metavar="FILE", help="Read the query from a file; - is stdin.")
@click.option("--saved", metavar="NAME", help="Ask a saved question.")
@click.option("--list", "listed", is_flag=True, help="List the saved questions.")
@click.option("--schema", is_flag=True, help="Show tables and columns with their meanings.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json", "parquet"]), help="[default: table]")
@click.option("-o", "--output", "out", type=FILE, metavar="FILE", help="Write there; its ending chooses the format.")
@with_config
def command(
    config: Config,
    query: str | None,
    script: str | None,
    saved: str | None,
    listed: bool,
    schema: bool,
    form: Format | None,
    out: Path | None,
) -> None:
    """Ask the case in SQL.

    The dialect is DuckDB's. The case is opened read-only, without access to files or network.

    Given nothing, a shell is opened. A table shows at most 1,000 rows; the other formats give all.

    \b
    Examples:
      forensics sql "SELECT tool, count(*) FROM effects GROUP BY tool"
      forensics sql --list
      forensics sql --saved slowest-steps --format csv > slowest.csv
      forensics sql "FROM log_lines WHERE level = 'error'" -o errors.parquet
    """
    if sum((query is not None, script is not None, saved is not None, listed, schema)) > 1:
        raise UsageProblem("QUERY, --file, --saved, --list and --schema exclude each other.", hint="Use one of them.")
    if listed:
        from forensics.cli.shell import put_saved

        put_saved()
        say("  → forensics sql --saved NAME")
        return
    from forensics.detect.detector import load_library
    from forensics.store.store import Store

    # Standard input is left alone where nothing is to be read from it.
    text = None if schema else _text(query, script, saved)
    with Store.read(config.database, memory_limit_mb=config.memory_limit_mb, threads=config.workers) as store:
        load_library(store)
        if schema:
            from forensics.cli.shell import put_schema

            put_schema(store)
        elif text is None:
            from forensics.cli.shell import Shell, ask_terminal

            say(f"The case {config.case}, read-only. End SQL with ';', .help for more.")
            Shell(store, ask_terminal).run()
        else:
            _run(store, text, form or _format_of(out), out)


def _text(query: str | None, script: str | None, saved: str | None) -> str | None:
    """The SQL to run; None for the shell."""
    if query is not None:
        return query
    if saved is not None:
        from forensics.cli.saved import find_saved

        return find_saved(saved).sql
    if script is None:
        return None if is_terminal(sys.stdin) else sys.stdin.read()
    if script == "-":
        return sys.stdin.read()
    try:
        return Path(script).read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageProblem(f"There is no file {script}.", hint="Name a file that holds SQL.") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"The file {script} is not UTF-8 text.", hint="Save it as UTF-8.") from error


def _format_of(out: Path | None) -> Format:
    match out.suffix.lower() if out else "":
        case ".csv":
            return "csv"
        case ".json":
            return "json"
        case ".parquet":
            return "parquet"
        case _:
            return "table"


def _run(store: Store, text: str, form: Format, out: Path | None) -> None:
    from forensics.cli.answer import SILENT, write_answer
    from forensics.store.store import split_statements

    statements = split_statements(text)
    asking = [statement for statement in statements if statement.kind not in SILENT]
    if not statements:
        raise UsageProblem("There is no query.", hint='For example: forensics sql "FROM runs LIMIT 10"')
    if len(asking) > 1 and (out or form != "table"):
        raise UsageProblem(
            f"{len(asking)} answers do not fit into one {form} output.", hint="Keep one query, or use --format table."
        )
    for statement in statements:
        write_answer(store, statement, form, out)
