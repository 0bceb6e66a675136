"""The shared views of ``queries/lib``: in which order they are made, and that a pass computes each once.

The views of ``queries/lib`` are macros in disguise: DuckDB computes one anew for every query that names it. In a pass
of forty detectors the same joins would run a dozen times. What at least two of the detectors need becomes a temporary
table of the same name first; whoever asks a single question still gets the views.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from forensics.store.store import Store, quoted

_NAMED = re.compile(r"(?i)create\s+or\s+replace\s+temp\s+view\s+(\w+)\s+as\s+(.*)", re.DOTALL)
_MADE = re.compile(r"(?i)\btemp\s+(?:view|macro|table)\s+(?:if\s+not\s+exists\s+)?(\w+)")
_WORD = re.compile(r"\w+")
_COMMENT = re.compile(r"--[^\n]*")


def views_of(statements: Iterable[str]) -> dict[str, str]:
    """Name and query of each view that the statements create, in their order."""
    found = (_NAMED.search(_COMMENT.sub("", statement)) for statement in statements)
    return {match[1]: match[2] for match in found if match}


def in_order(statements: Sequence[str]) -> list[str]:
    """The statements so that each comes after those that make what it reads, else in the given order.

    Statements that read each other in a circle keep their order, and DuckDB says what is wrong with them.
    """
    waiting = {_made(statement): statement for statement in statements}
    reads = {name: _words(statement) & waiting.keys() - {name} for name, statement in waiting.items()}
    ordered: list[str] = []
    while waiting:
        ready = [name for name in waiting if not reads[name] & waiting.keys()] or list(waiting)
        ordered += [waiting.pop(name) for name in ready]
    return ordered


def worth_sharing(views: Mapping[str, str], questions: Sequence[str]) -> list[str]:
    """Names of the views that are read at least twice by these questions, in the order of ``views``.

    ``views`` are name and query, each after those that it reads. A view that only one shared view reads is computed
    with that one, so it does not count as read by each question that leads there.
    """
    reads = {name: _words(sql) & views.keys() - {name} for name, sql in views.items()}
    readers = [_words(sql) & views.keys() for sql in questions]
    shared: list[str] = []
    # From the last view to the first: who reads a view is known when it is its turn.
    for name in reversed(list(views)):
        count = sum(name in reader for reader in readers)
        if count > 1:
            shared.append(name)
            readers = [reader - {name} for reader in readers]
            readers.append(reads[name])
        else:
            readers = [(reader - {name}) | reads[name] if name in reader else reader for reader in readers]
    return shared[::-1]


@contextmanager
def shared_views(store: Store, views: Mapping[str, str], questions: Sequence[str]) -> Iterator[None]:
    """Within, the views that several of the questions read are tables; afterwards they are views again."""
    shared = worth_sharing(views, questions)
    done: list[str] = []
    try:
        for name in shared:
            store.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(_kept(name))} AS SELECT * FROM {quoted(name)}")  # noqa: S608
            store.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS SELECT * FROM {quoted(_kept(name))}")  # noqa: S608
            done.append(name)
        yield
    finally:
        for name in done:
            store.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {views[name]}")
            store.execute(f"DROP TABLE {quoted(_kept(name))}")


def _made(statement: str) -> str:
    """Name of the view, macro or table that a statement makes; of what makes none, the statement itself."""
    found = _MADE.search(_COMMENT.sub("", statement))
    return found[1] if found else statement


def _kept(name: str) -> str:
    return f"{name}__kept"


def _words(sql: str) -> set[str]:
    return set(_WORD.findall(_COMMENT.sub("", sql)))
