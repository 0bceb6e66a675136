"""The case file: opening it for reading or writing, and passing SQL through.

Reading is done on a read-only connection that cannot reach files, the network or extensions, so that a
hostile query (or a detector of unknown origin) sees the case and nothing else.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import duckdb
import polars as pl

from forensics.errors import CaseLocked, CaseUnreadable, ForensicsError, NothingToAnalyse, QueryRefused
from forensics.store.migrate import check_version, latest_version, migrate

Answer = TypeVar("Answer")

STORAGE_VERSION = "v1.5.0"
"""Format of new files. DuckDB 2.0 writes files that 1.x cannot open unless told otherwise; 1.5 is the
long-term line (supported to 2027-03), and what people have in other clients."""

# Every extension a case needs is built in; autoloading would only try to reach a server (facts/engines.md).
_CLOSED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    # SELECT … FROM name must mean a table, never a frame that happens to be a variable of ours.
    "python_enable_replacements": "false",
}

_DAMAGED = (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException)
"""What DuckDB raises over a file that it opened and then cannot read on."""

_AGAIN = "If it is damaged, make it again from its evidence: forensics ingest --case NEW --from CASE/evidence"


@dataclass(frozen=True)
class Result:
    """An answer: column names, their DuckDB types, and the rows."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> list[dict[str, Any]]:
        """The rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Statement:
    """One statement of a script, as DuckDB's own parser sees it."""

    sql: str
    kind: str
    """SELECT, INSERT, EXPLAIN, CREATE …"""
    parameters: frozenset[str]
    """Names of its $parameters."""


class Store:
    """An open case. Use ``Store.create``, ``Store.write`` or ``Store.read``, as a context manager."""

    def __init__(self, connection: Any, path: Path, *, closed: bool = False) -> None:
        self._connection = connection
        self._closed = closed
        self.path = path

    @classmethod
    def write(cls, path: Path, *, memory_limit_mb: int = 1024, threads: int = 2) -> Self:
        """Open for writing; creates the file and migrates it. Raises CaseLocked, CaseTooNew, CaseUnreadable."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        connection = _connect(path, read_only=False, config={**_CLOSED, **_limits(memory_limit_mb, threads)})
        try:
            migrate(connection, str(path.parent))
            # Bulk loads need no order of rows: every reader orders by line_no.
            connection.execute("SET preserve_insertion_order = false")
            # Long scratch files go beside the case, not into a small /tmp.
            connection.execute("SET temp_directory = ?", [str(path.parent / ".spill")])
        except duckdb.Error as error:
            connection.close()
            raise _unopened(path, error) from error
        except BaseException:
            connection.close()
            raise
        return cls(connection, path)

    @classmethod
    def read(cls, path: Path, *, memory_limit_mb: int = 2048, threads: int = 2) -> Self:
        """Open read-only and closed to the outside. Raises NothingToAnalyse where there is no case."""
        if not path.exists():
            raise NothingToAnalyse(
                f"There is no case in {path.parent}.",
                hint="Make one with: forensics ingest --from PATH  (or try: forensics demo)",
            )
        config = {**_CLOSED, **_limits(memory_limit_mb, threads), "enable_external_access": "false"}
        connection = _connect(path, read_only=True, config=config)
        try:
            version = check_version(connection, str(path.parent))
            if version < latest_version():
                raise CaseUnreadable(
                    f"The case {path.parent} has schema version {version}, this program needs {latest_version()}.",
                    hint="Bring it up to date with: forensics ingest --from CASE/evidence",
                )
            # A second reader in this process shares the first one's settings, locked already.
            if not connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0]:
                # Casts and now() mean UTC whatever the machine's zone is.
                connection.execute("SET GLOBAL TimeZone = 'UTC'")
                # From here on nothing can switch file access back on.
                connection.execute("SET lock_configuration = true")
        except duckdb.Error as error:
            connection.close()
            raise _unopened(path, error) from error
        except BaseException:
            connection.close()
            raise
        return cls(connection, path, closed=True)

    @classmethod
    def memory(cls) -> Self:
        """An empty case in memory, with the full schema: for checking SQL and for tests."""
        connection = duckdb.connect(":memory:", config=dict(_CLOSED))
        migrate(connection, "in memory")
        return cls(connection, Path(":memory:"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the lock is released."""
        self._connection.close()

    def query(self, sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> Result:
        """Run one statement and fetch all of it. Raises QueryRefused with DuckDB's own words."""

        def fetch() -> Result:
            cursor = _present(self._connection.execute(sql, parameters or None))
            # fetchall, not fetchone: an open result blocks the connection (facts/engines.md).
            return Result(*_described(cursor), cursor.fetchall())

        return self._ask(sql, fetch)

    def stream(self, sql: str, *, size: int = 10_000) -> Iterator[Result]:
        """Run one statement and fetch it ``size`` rows at a time; the first part comes even when it is empty."""
        cursor = self._ask(sql, lambda: _present(self._connection.execute(sql)))
        columns, types = _described(cursor)
        rows = self._ask("", lambda: cursor.fetchmany(size))
        yield Result(columns, types, rows)
        while len(rows) == size:
            rows = self._ask("", lambda: cursor.fetchmany(size))
            if rows:
                yield Result(columns, types, rows)

    def frame(self, sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> pl.DataFrame:
        """Run one statement and fetch it as a Polars frame."""

        def fetch() -> Any:
            # A relation streams into Arrow; a DB-API result would be copied once more.
            return _present(self._connection.sql(sql, params=parameters or None)).to_arrow_table()

        return _as_frame(self._ask(sql, fetch))

    def execute(self, sql: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None) -> None:
        """Run one or more statements for their effect."""
        self._ask(sql, lambda: self._connection.execute(sql, parameters or None))

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        """Append a frame by column name; columns that the table has and the frame lacks become NULL."""
        if frame.is_empty():
            return
        self._connection.register("incoming", frame.to_arrow())
        try:
            self._connection.execute(f"INSERT INTO {quoted(table)} BY NAME SELECT * FROM incoming")  # noqa: S608
        finally:
            self._connection.unregister("incoming")

    def frame_as(self, name: str, frame: pl.DataFrame) -> None:
        """Let SQL see a frame under a name, until ``drop_frame``."""
        self._connection.register(name, frame.to_arrow())

    def drop_frame(self, name: str) -> None:
        """Forget the frame."""
        self._connection.unregister(name)

    def insert_parquet(self, table: str, files: Sequence[Path]) -> None:
        """Append Parquet files by column name, in one bulk statement (four times as fast as frames)."""
        if files:
            self.execute(
                f"INSERT INTO {quoted(table)} BY NAME SELECT * FROM read_parquet(?)",  # noqa: S608
                [[str(file) for file in files]],
            )

    def _ask(self, sql: str, work: Callable[[], Answer]) -> Answer:
        """DuckDB's errors as ours; a closed store refuses what its settings let through."""
        if self._closed and sql:
            _admit(sql)
        try:
            return self._interruptible(work)
        except duckdb.Error as error:
            raise _refused(error) from error

    def _interruptible(self, work: Callable[[], Answer]) -> Answer:
        """Do it in a thread, so that Ctrl-C and SIGTERM arrive here.

        DuckDB's client looks at signals in fetchall, where it makes all of them one RuntimeError, and not at
        all in fetchmany.
        """
        if threading.current_thread() is not threading.main_thread():
            return work()
        with ThreadPoolExecutor(max_workers=1) as thread:
            answer = thread.submit(work)
            try:
                # The kernel may give the signal to any thread; only a wait that ends by itself sees it soon.
                while not wait([answer], timeout=0.1).done:
                    pass
            except BaseException:
                self._connection.interrupt()
                raise
            return answer.result()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")


def split_statements(sql: str) -> tuple[Statement, ...]:
    """Parse a script without running it. Raises QueryRefused where it is not SQL."""
    try:
        found = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise _refused(error) from error
    return tuple(
        Statement(
            statement.query,
            statement.type.name.removeprefix("StatementType."),
            frozenset(statement.named_parameters),
        )
        for statement in found
    )


def quoted(name: str) -> str:
    """A name as an SQL identifier, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _admit(sql: str) -> None:
    """Refuse COPY, which enable_external_access=false leaves open for the case's own .wal file.

    The next writer would replay what was put there. DuckDB 2.0 takes COPY inside WITH, EXPLAIN and PREPARE
    too, so its own tokens are searched. disabled_filesystems would close the gap as well, but then nothing
    could spill to disk.
    """
    # DuckDB's parser takes these for spaces, its tokenizer for parts of a word.
    written = re.sub(r"[^\S\r\n]|[\ufeff\u200b]", " ", sql).encode()
    if any(
        re.match(rb"copy(?![\w$])", written[start:], re.IGNORECASE) for start, _ in duckdb.tokenize(written.decode())
    ):
        raise QueryRefused("COPY writes files; queries may only read.", hint="To keep results: forensics sql -o FILE")


def _limits(memory_limit_mb: int, threads: int) -> dict[str, str]:
    return {"memory_limit": f"{memory_limit_mb}MB", "threads": str(threads)}


def _create(path: Path) -> None:
    with duckdb.connect(":memory:", config=dict(_CLOSED)) as maker:
        try:
            name = str(path).replace("'", "''")
            maker.execute(f"ATTACH '{name}' AS made (STORAGE_VERSION '{STORAGE_VERSION}')")
        except duckdb.Error as error:
            raise _unopened(path, error) from error


def _connect(path: Path, *, read_only: bool, config: dict[str, Any]) -> Any:
    try:
        return duckdb.connect(str(path), read_only=read_only, config=config)
    except duckdb.Error as error:
        raise _unopened(path, error) from error


def _unopened(path: Path, error: duckdb.Error) -> ForensicsError:
    """DuckDB's words for a file that will not open, as our error with a next step."""
    words = str(error)
    if "lock on file" in words or "different configuration than existing connections" in words:
        holder = re.search(r"PID (\d+)", words)
        return CaseLocked(
            f"The case {path.parent} is in use by another process{f' (PID {holder[1]})' if holder else ''}.",
            hint="Wait until it is done, or close the program that has case.duckdb open.",
        )
    if "No space left on device" in words:
        return ForensicsError(f"The disk is full: {words}", hint="Free room and run the same command again.")
    first = words.splitlines()[0]
    if "Read-only file system" in words or "Permission denied" in words:
        return CaseUnreadable(
            f"The case file {path} cannot be opened: {first}",
            hint="Check who owns it and what its mode allows, or copy the case to where you may write.",
        )
    return CaseUnreadable(
        f"The case file {path} cannot be opened: {first}",
        hint=_AGAIN,
    )


def _refused(error: duckdb.Error) -> ForensicsError:
    words = str(error)
    if isinstance(error, duckdb.PermissionException):
        return QueryRefused(words, hint="Queries may read the case and nothing else: no files, no network.")
    if "read-only" in words:
        return QueryRefused(words, hint="The case is opened read-only; to keep results use --format csv or parquet.")
    if "No space left on device" in words:
        return ForensicsError(f"The disk is full: {words}", hint="Free room and run the same command again.")
    if isinstance(error, _DAMAGED):
        return CaseUnreadable(f"The case cannot be read: {words.splitlines()[0]}", hint=_AGAIN)
    return QueryRefused(words, hint="The tables and columns are in docs/schema.md, or: forensics sql --schema")


def _described(cursor: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    described = cursor.description or []
    return tuple(column[0] for column in described), tuple(str(column[1]) for column in described)


def _present(answer: Any) -> Any:
    """DuckDB answers None where there is no statement, and where one gives nothing to make a frame of."""
    if answer is None:
        raise QueryRefused("There is nothing to ask in this.", hint="Write a SELECT.")
    return answer


def _as_frame(table: Any) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("a query gives a table")
    return frame
