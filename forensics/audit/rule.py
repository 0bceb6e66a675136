"""``rules/<id>.yml``: what a rule asks, when it is wrong and what to do; its check is in ``checks/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from forensics.errors import RuleInvalid
from forensics.model import SEVERITIES, Precision, Severity

Reach = Literal["writes", "any"]

_TEXTS = ("id", "title", "severity", "precision", "question", "follows", "example", "false_positives", "remedy")
_FOLDER = Path(__file__).parent / "rules"


@dataclass(frozen=True)
class Rule:
    """The header of one rule."""

    id: str
    title: str
    severity: Severity
    """Of a workflow that writes to the world; findings may say otherwise."""
    precision: Precision
    question: str
    follows: Reach
    """``writes``: a workflow that only reads is at most low. ``any``: it breaks every workflow alike."""
    params: Mapping[str, Any]
    """Name → default and meaning."""
    example: str
    """Name of the case that shows it at work (tests/audit/cases/<id>.yml)."""
    false_positives: str
    remedy: str

    def setting(self, name: str) -> Any:
        """The default of a parameter."""
        return self.params[name]["default"]


@cache
def load_rules() -> tuple[Rule, ...]:
    """All rules by id. Raises RuleInvalid, naming the file."""
    return tuple(read_rule(file) for file in sorted(_FOLDER.glob("*.yml")))


def read_rule(file: Path) -> Rule:
    """One rule's header. Raises RuleInvalid."""
    try:
        says = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (YAMLError, OSError, UnicodeDecodeError) as error:
        raise RuleInvalid(f"{file.name} cannot be read: {error}.", hint="Mend the file.") from error
    problem = _find_problem(says, file.stem)
    if problem:
        raise RuleInvalid(f"{file.name}: {problem}.", hint="Compare with another file of that folder.")
    texts = {name: str(says[name]).strip() for name in _TEXTS}
    return Rule(
        id=texts["id"],
        title=texts["title"],
        severity=cast(Severity, texts["severity"]),
        precision=cast(Precision, texts["precision"]),
        question=texts["question"],
        follows=cast(Reach, texts["follows"]),
        params=says.get("params") or {},
        example=texts["example"],
        false_positives=texts["false_positives"],
        remedy=texts["remedy"],
    )


def _find_problem(says: Any, stem: str) -> str:
    if not isinstance(says, dict):
        return "it is no mapping"
    missing = [name for name in _TEXTS if not isinstance(says.get(name), str)]
    if missing:
        return f"it lacks the text '{missing[0]}'"
    unknown = [name for name in says if name not in (*_TEXTS, "params")]
    if unknown:
        return f"it has an unknown key '{unknown[0]}'"
    if says["id"] != stem:
        return f"its id is '{says['id']}', not its file's name"
    if says["severity"] not in SEVERITIES or says["precision"] not in get_args(Precision):
        return "its severity or precision is not one that there is"
    if says["follows"] not in get_args(Reach):
        return "'follows' is neither 'writes' nor 'any'"
    return ""
