"""One SQL file with a documented head becomes a ``Detector``, and a head that does not fit its SQL is refused.

The head is YAML in the leading ``-- `` lines (not ``/* */``: cron texts and globs would end such a comment).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast, get_args
from weakref import WeakKeyDictionary

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from forensics.detect.library import in_order
from forensics.errors import DetectorInvalid, ForensicsError, UsageProblem
from forensics.model import SEVERITIES, DetectorDoc, Precision, Severity
from forensics.store.store import Result, Statement, Store, split_statements

STANDARD_COLUMNS: Mapping[str, str] = {
    "occurred_at": "TIMESTAMP",
    "message": "VARCHAR",
    "repository": "VARCHAR",
    "target": "VARCHAR",
    "run_id": "BIGINT",
    "attempt": "INTEGER",
    "other_run_id": "BIGINT",
    "other_attempt": "INTEGER",
    "runs": "STRUCT(run_id BIGINT, attempt INTEGER)[]",
    "about": "VARCHAR",
    "severity": "VARCHAR",
    "precision": "VARCHAR",
    "evidence": "STRUCT(run_id BIGINT, attempt INTEGER, job_id BIGINT, line_no INTEGER)[]",
}
"""Columns with a fixed meaning; all others are the detector's own and become ``Finding.values``.

``about`` is what the finding's id is hashed of: what stays the same when the case is built again, so never a time.
``runs`` names any number of attempts instead of ``run_id`` and ``other_run_id``. ``evidence`` points at log lines.
"""

REQUIRED_COLUMNS = ("occurred_at", "message")
"""Besides these a row names its attempts, by ``run_id`` or by ``runs``."""

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""Surest first."""

ParameterValue = bool | int | float | str

_TEXTS = ("id", "title", "severity", "precision", "question", "example", "false_positives", "remedy")
_MAPPINGS = ("params", "columns")
_WHOLE_NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}


@dataclass(frozen=True)
class Parameter:
    """One ``$name`` of a detector's SQL."""

    name: str
    default: ParameterValue
    means: str


@dataclass(frozen=True)
class Detector:
    """A checked detector: what its head says, and the one SELECT below it."""

    id: str
    """Also the name of its file, its cases and its place in the field guide."""
    title: str
    severity: Severity
    """What a row gets that has no ``severity`` of its own."""
    precision: Precision
    """What a row gets that has no ``precision`` of its own."""
    question: str
    parameters: tuple[Parameter, ...]
    columns: Mapping[str, str]
    """The detector's own columns and what they mean."""
    example: str
    """Name of the case that shows it at work."""
    false_positives: str
    remedy: str
    sql: str
    """The SELECT without the head."""
    path: Path

    def settings(self, given: Mapping[str, Any]) -> dict[str, ParameterValue]:
        """Every parameter's value: its default, or what is given, as the default's type. Raises UsageProblem."""
        known = {parameter.name: parameter.default for parameter in self.parameters}
        for name, value in given.items():
            if name not in known:
                raise UsageProblem(
                    f"The detector {self.id} has no parameter {name!r}.",
                    hint=f"It has: {', '.join(sorted(known)) or 'none'}.",
                )
            known[name] = _as_type_of(known[name], value, f"{self.id}.{name}")
        return known

    def doc(self, given: Mapping[str, Any] | None = None) -> DetectorDoc:
        """The head as the report shows it, with the parameters as they were in force."""
        return DetectorDoc(
            id=self.id,
            title=self.title,
            severity=self.severity,
            precision=self.precision,
            question=self.question,
            false_positives=self.false_positives,
            remedy=self.remedy,
            params=self.settings(given or {}),
            sql=self.sql,
        )


def packaged_queries() -> Path:
    """The folder of the detectors that come with the program: in the wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "queries"
    return installed if installed.is_dir() else package.parent / "queries"


def load_detectors(*directories: Path) -> tuple[Detector, ...]:
    """The packaged detectors and those in the directories, by id. Raises the first DetectorInvalid."""
    detectors, errors = find_detectors(*directories)
    if errors:
        raise errors[0]
    return detectors


def find_detectors(*directories: Path) -> tuple[tuple[Detector, ...], tuple[DetectorInvalid, ...]]:
    """Like ``load_detectors``, but a file that is not sound becomes an error beside the others' detectors.

    Only files of the directories are bound to an empty case: that the packaged ones fit is tested, and binding fifty
    takes half a second.
    """
    packaged = packaged_queries()
    found: dict[str, Detector] = {}
    errors: list[DetectorInvalid] = []
    with checking_store() if directories else nullcontext() as store:
        for file in _files(packaged, *directories):
            try:
                detector = read_detector(file, None if file.parent == packaged else store)
                if detector.id in found:
                    raise _invalid(file, f"its id is also that of {found[detector.id].path}", "Rename one of them.")
                found[detector.id] = detector
            except DetectorInvalid as error:
                errors.append(error)
    return tuple(found[name] for name in sorted(found)), tuple(errors)


def check_detectors(directory: Path) -> tuple[tuple[Detector, ...], tuple[DetectorInvalid, ...]]:
    """The sound detectors of one directory, and what is wrong with the others."""
    detectors, errors = find_detectors(directory)
    own = directory.resolve()
    return tuple(detector for detector in detectors if detector.path.resolve().parent == own), errors


def checking_store() -> Store:
    """An empty case with the shared views, closed to files and network: a file to be checked may come from anyone."""
    store = Store.memory()
    load_library(store)
    store.execute("SET enable_external_access = false")
    store.execute("SET lock_configuration = true")
    return store


_LOADED: WeakKeyDictionary[Store, tuple[str, ...]] = WeakKeyDictionary()
"""Connections that have the library: it is a hundred statements, and a pass asks for it more than once."""


def load_library(store: Store) -> tuple[str, ...]:
    """Make the views and macros of ``queries/lib`` on this connection; they are temporary, so no case keeps old ones.

    Returns the statements that made them, each after those that it needs. Raises DetectorInvalid where a file holds
    anything but ``CREATE … TEMP``.
    """
    made = _LOADED.get(store)
    if made is None:
        made = _library(packaged_queries() / "lib")
        for sql in made:
            store.execute(sql)
        _LOADED[store] = made
    return made


@lru_cache(maxsize=2)
def _library(folder: Path) -> tuple[str, ...]:
    """The statements of ``queries/lib``, read once in a process."""
    found: list[str] = []
    for file in sorted(folder.glob("*.sql")):
        for statement in split_statements(file.read_text(encoding="utf-8")):
            if statement.kind != "CREATE" or not re.search(r"\bTEMP\b", statement.sql):
                raise _invalid(
                    file, f"holds a {statement.kind} statement", "Only CREATE OR REPLACE TEMP … belongs there."
                )
            found.append(statement.sql)
    return tuple(in_order(found))


def read_detector(file: Path, store: Store | None) -> Detector:
    """One file, checked against itself and, if given, the case's tables in ``store``. Raises DetectorInvalid."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(file, f"cannot be read: {error}", "Save it as UTF-8 text.") from error
    head, sql = split_head(text)
    said = _parse_head(file, head)
    statement = _only_select(file, sql)
    detector = Detector(
        id=said["id"],
        title=said["title"],
        severity=cast(Severity, _one_of(file, "severity", said["severity"], SEVERITIES)),
        precision=cast(Precision, _one_of(file, "precision", said["precision"], PRECISIONS)),
        question=said["question"],
        parameters=_parameters(file, said["params"]),
        columns=_explained_columns(file, said["columns"]),
        example=said["example"],
        false_positives=said["false_positives"],
        remedy=said["remedy"],
        sql=sql.strip(),
        path=file,
    )
    if detector.id != file.stem:
        raise _invalid(file, f"its id is {detector.id!r}, not {file.stem!r}", "Give file and id the same name.")
    _check_parameters(detector, statement)
    if store is not None:
        _check_columns(detector, _bound(detector, store))
    return detector


def split_head(text: str) -> tuple[str, str]:
    """The leading comment lines without their dashes, and the rest."""
    lines = text.splitlines()
    size = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    head = "\n".join(line[2:].removeprefix(" ") for line in lines[:size])
    return head, "\n".join(lines[size:])


def _files(*directories: Path) -> Iterable[Path]:
    seen = set()
    for directory in directories:
        if not directory.is_dir():
            raise UsageProblem(
                f"{directory} is not a folder.", hint="Name a folder that holds detectors, one .sql each."
            )
        for file in sorted(directory.glob("*.sql")):
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file


def _parse_head(file: Path, head: str) -> dict[str, Any]:
    try:
        said = YAML(typ="safe", pure=True).load(head)
    except YAMLError as error:
        raise _invalid(file, f"its head is not YAML: {error}", "Begin each head line with '-- '.") from error
    if not isinstance(said, dict):
        raise _invalid(file, "it has no head", "Begin it with '-- id: …' (see docs/detectors.md).")
    keys = {str(key) for key in said}
    if missing := [name for name in (*_TEXTS, *_MAPPINGS) if name not in keys]:
        raise _invalid(
            file, f"its head lacks {', '.join(missing)}", "Add it; docs/detectors.md says what belongs there."
        )
    if unknown := sorted(keys - {*_TEXTS, *_MAPPINGS}):
        raise _invalid(file, f"its head has unknown keys: {', '.join(unknown)}", "Remove them, or mend the spelling.")
    for name in _TEXTS:
        if not isinstance(said[name], str) or not said[name].strip():
            raise _invalid(file, f"{name} in its head is not text", "Write a sentence.")
        said[name] = " ".join(said[name].split())
    for name in _MAPPINGS:
        said[name] = said[name] or {}
        if not isinstance(said[name], dict):
            raise _invalid(file, f"{name} in its head is not a mapping", "Write 'name: what it means' lines, or {}.")
    return said


def _parameters(file: Path, said: Mapping[Any, Any]) -> tuple[Parameter, ...]:
    found = []
    for name, entry in said.items():
        sound = isinstance(entry, dict) and set(entry) == {"default", "means"} and isinstance(entry["means"], str)
        if not sound or not isinstance(entry["default"], bool | int | float | str):
            raise _invalid(
                file, f"parameter {name} is not described", f"Write '{name}: {{default: 1, means: what it is}}'."
            )
        found.append(Parameter(str(name), entry["default"], " ".join(entry["means"].split())))
    return tuple(found)


def _explained_columns(file: Path, said: Mapping[Any, Any]) -> dict[str, str]:
    if dumb := [str(name) for name, text in said.items() if not isinstance(text, str)]:
        raise _invalid(file, f"columns without explanation: {', '.join(dumb)}", "Say in a sentence what each holds.")
    return {str(name): " ".join(text.split()) for name, text in said.items()}


def _one_of(file: Path, name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise _invalid(file, f"{name} is {value!r}", f"Use one of {', '.join(allowed)}.")
    return value


def _only_select(file: Path, sql: str) -> Statement:
    try:
        statements = split_statements(sql)
    except ForensicsError as error:
        raise _invalid(
            file, f"its SQL does not parse: {error.message}", "Mend it with: forensics sql -f FILE"
        ) from error
    if len(statements) != 1 or statements[0].kind != "SELECT":
        kinds = ", ".join(statement.kind for statement in statements) or "none"
        raise _invalid(
            file, f"it must hold exactly one SELECT, and holds: {kinds}", "Keep one SELECT (WITH … SELECT)."
        )
    return statements[0]


def _check_parameters(detector: Detector, statement: Statement) -> None:
    declared = {parameter.name for parameter in detector.parameters}
    if unused := sorted(declared - statement.parameters):
        raise _invalid(detector.path, f"declares parameters it does not use: {', '.join(unused)}", "Remove them.")
    if undeclared := sorted(statement.parameters - declared):
        raise _invalid(
            detector.path, f"uses undeclared parameters: {', '.join(undeclared)}", "Declare them in params."
        )


def _bound(detector: Detector, store: Store) -> dict[str, str]:
    """Names and types of the columns, found by binding: nothing is executed."""
    try:
        answer: Result = store.query(f"DESCRIBE {detector.sql}", detector.settings({}) or None)
    except ForensicsError as error:
        raise _invalid(
            detector.path, f"its SQL does not fit the case: {error.message}", "Tables and columns: docs/schema.md."
        ) from error
    names = [str(row[0]) for row in answer.rows]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _invalid(detector.path, f"returns columns twice: {', '.join(twice)}", "Name each column once.")
    return {str(row[0]): str(row[1]) for row in answer.rows}


def _check_columns(detector: Detector, returned: Mapping[str, str]) -> None:
    file = detector.path
    missing = [name for name in REQUIRED_COLUMNS if name not in returned]
    if "run_id" not in returned and "runs" not in returned:
        missing.append("run_id (or runs)")
    if missing:
        raise _invalid(file, f"does not return {', '.join(missing)}", "Add to the SELECT.")
    for name, kind in STANDARD_COLUMNS.items():
        if name in returned and not _fits(returned[name], kind):
            raise _invalid(file, f"column {name} is {returned[name]}, not {kind}", f"Cast it: {name}::{kind}.")
    own = set(returned) - set(STANDARD_COLUMNS)
    if undeclared := sorted(own - set(detector.columns)):
        raise _invalid(file, f"returns undeclared columns: {', '.join(undeclared)}", "Explain them under columns.")
    if absent := sorted(set(detector.columns) - own):
        raise _invalid(file, f"declares columns it does not return: {', '.join(absent)}", "Return or remove them.")


def _fits(returned: str, wanted: str) -> bool:
    if returned == '"NULL"':  # a bare NULL has no type yet
        return True
    if wanted in _WHOLE_NUMBERS:
        return returned in _WHOLE_NUMBERS
    if wanted.startswith("STRUCT"):
        return returned.endswith("[]") and _fields(returned) == _fields(wanted)
    return returned == wanted


def _fields(kind: str) -> list[str]:
    """Names of a struct's fields where all hold whole numbers."""
    return re.findall(rf'"?(\w+)"? (?:{"|".join(sorted(_WHOLE_NUMBERS))})\b', kind)


def _as_type_of(default: ParameterValue, value: Any, name: str) -> ParameterValue:
    """A flag's text as the type of the parameter's default."""
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[str(value).lower()]
        return type(default)(value)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageProblem(
            f"{name} cannot be {value!r}.", hint=f"Give a {type(default).__name__}, as {default!r}."
        ) from error


def _invalid(file: Path, what: str, hint: str) -> DetectorInvalid:
    return DetectorInvalid(f"The detector file {file}: {what}.", hint=hint)
