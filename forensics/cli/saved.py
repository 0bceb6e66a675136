"""The questions people ask first: documented files in ``queries/explore``, one SELECT each.

The head is YAML in leading ``-- `` lines: ``id`` (also the file's name), ``title``, ``question``, ``columns``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from forensics.detect.detector import packaged_queries, split_head
from forensics.errors import QueryRefused, UsageProblem

KEYS = {"id", "title", "question", "columns"}


@dataclass(frozen=True)
class SavedQuery:
    """One question with its SQL."""

    id: str
    title: str
    question: str
    columns: Mapping[str, str]
    """What each column of the answer means, in order."""
    sql: str
    """The SELECT without the head."""


def load_saved() -> tuple[SavedQuery, ...]:
    """All saved questions by id. Raises QueryRefused for a file whose head is wrong."""
    return tuple(read_saved(file) for file in sorted((packaged_queries() / "explore").glob("*.sql")))


def find_saved(name: str) -> SavedQuery:
    """The question of that id. Raises UsageProblem where there is none."""
    for query in load_saved():
        if query.id == name:
            return query
    raise UsageProblem(f"There is no saved query '{name}'.", hint="List them with: forensics sql --list")


def read_saved(file: Path) -> SavedQuery:
    """One file. Raises QueryRefused where its head is not as it must be."""
    head, sql = split_head(file.read_text(encoding="utf-8"))
    try:
        said = YAML(typ="safe", pure=True).load(head)
    except YAMLError as error:
        raise _wrong(file, f"its head is not YAML: {error}") from error
    if not isinstance(said, dict) or set(said) != KEYS:
        raise _wrong(file, f"its head must hold exactly {', '.join(sorted(KEYS))}")
    if said["id"] != file.stem:
        raise _wrong(file, "its id is not its file name")
    if not isinstance(said["columns"], dict):
        raise _wrong(file, "columns must be 'name: what it means' lines")
    columns = {str(name): " ".join(str(means).split()) for name, means in said["columns"].items()}
    title, question = (" ".join(str(said[key]).split()) for key in ("title", "question"))
    return SavedQuery(file.stem, title, question, columns, sql.strip())


def _wrong(file: Path, what: str) -> QueryRefused:
    return QueryRefused(f"The saved query {file.name}: {what}.", hint="See CONTRIBUTING.md, 'A saved query'.")
