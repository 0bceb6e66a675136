"""The SQL shell: statements over several lines until ``;``, dot commands, and errors that leave it alive."""

from __future__ import annotations

import sys
from collections.abc import Callable

from forensics.cli.answer import write_answer
from forensics.cli.saved import find_saved, load_saved
from forensics.cli.table import layout
from forensics.cli.terminal import is_terminal, put, say, visible, width
from forensics.errors import ForensicsError, QueryRefused
from forensics.store.store import Store, split_statements

PROMPT = "forensics> "
CONTINUED = "      ...> "

HELP = """\
SQL, ended by ';'           the case is open read-only
.tables                     tables and views
.schema [TABLE]             columns and what they mean
.saved [NAME]               list the saved questions, or ask one
.help                       this
.quit                       leave (also Ctrl-D)"""


class Shell:
    """A conversation about one open case; Ctrl-C drops what was typed or stops the query, Ctrl-D leaves."""

    def __init__(self, store: Store, ask: Callable[[str], str]) -> None:
        self._store = store
        self._ask = ask
        """Shows a prompt and returns one line; raises EOFError at the end."""

    def run(self) -> None:
        """Until ``.quit`` or the end of input."""
        typed = ""
        while True:
            try:
                line = self._ask(CONTINUED if typed else PROMPT)
            except EOFError:
                self._answer(typed)
                return
            except KeyboardInterrupt:
                say("")
                typed = ""
                continue
            if not typed and line.strip().lower() in {".quit", ".exit", "quit", "exit"}:
                return
            if not typed and line.startswith("."):
                self._answer(line)
                continue
            typed = f"{typed}\n{line}" if typed else line
            if complete(typed):
                self._answer(typed)
                typed = ""

    def _answer(self, text: str) -> None:
        """Do it; what goes wrong is said, and the shell lives on."""
        try:
            if text.startswith("."):
                self._command(*text.split())
            elif text.strip():
                for statement in split_statements(text):
                    write_answer(self._store, statement, "table", None)
        except ForensicsError as error:
            say(f"Error: {visible(error.message, lines=True)}")
            if error.hint:
                say(f"  → {visible(error.hint)}")
        except KeyboardInterrupt:
            say("Interrupted.")

    def _command(self, name: str, *arguments: str) -> None:
        match name, arguments:
            case ".tables", ():
                put_tables(self._store)
            case ".schema", (*tables,) if len(tables) <= 1:
                put_schema(self._store, *tables)
            case ".saved", ():
                put_saved()
            case ".saved", (query,):
                for statement in split_statements(find_saved(query).sql):
                    write_answer(self._store, statement, "table", None)
            case ".help", ():
                say(HELP)
            case _:
                raise QueryRefused(f"There is no command '{name}' like that.", hint="They are listed by .help")


def complete(text: str) -> bool:
    """True when the text ends a statement; a ';' inside a string or comment ends nothing."""
    if not text.strip():
        return True
    if not text.rstrip().endswith(";"):
        return False
    try:
        statements = split_statements(text)
    except QueryRefused as error:
        return "unterminated" not in error.message
    try:
        # Another statement fits behind a ';' that ends one, not behind one in a comment.
        return len(split_statements(f"{text}\nSELECT 1")) > len(statements)
    except QueryRefused:
        return False


def ask_terminal(prompt: str) -> str:
    """One line from the keyboard, with editing and history where the machine has readline."""
    if not is_terminal(sys.stdout):
        # input() would put its prompt among the data.
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")
    try:
        import readline  # noqa: F401  (its import is what gives input() editing)
    except ImportError:
        return input(prompt)
    return input(prompt)


def put_tables(store: Store) -> None:
    """Tables of the case and the views on it, with what a row is."""
    answer = store.query(
        "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal "
        "UNION ALL SELECT view_name, coalesce(comment, 'View.') FROM duckdb_views() WHERE NOT internal ORDER BY 1"
    )
    _put(("table", "a row is"), answer.rows)


def put_schema(store: Store, table: str = "") -> None:
    """Columns with their types and meanings, of one table or of all. Raises QueryRefused for an unknown one."""
    answer = store.query(
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE NOT internal AND $table IN ('', table_name) ORDER BY table_name, column_index",
        {"table": table},
    )
    if not answer.rows:
        raise QueryRefused(f"There is no table '{table}'.", hint="List them with .tables or: forensics sql --schema")
    _put(("table", "column", "type", "means"), answer.rows)


def put_saved() -> None:
    """The saved questions."""
    _put(("name", "question"), [(query.id, query.question) for query in load_saved()])


def _put(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for line in layout(columns, rows, width() if is_terminal(sys.stdout) else None):
        put(line)
