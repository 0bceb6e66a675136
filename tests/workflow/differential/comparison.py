"""Our answers beside the port's: agreed, excused by bugs of the port, or neither."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from grammar import CONTEXTS
from port_bugs import BUGS, Bug, switched_on

from forensics.workflow.expression import Array, ExpressionError, Known, Object, evaluate, parse, to_value

PACKAGE = "@actions/expressions"
VERSION = "0.3.61"
DEFAULT_FOLDER = Path(__file__).parents[3] / ".venv-judges" / "npm" / "node_modules"
_MOST_TOGETHER = 3
_UNDECIDED = ("unknown",)
"""What stands for an answer of ours that needs what only a running workflow knows: status functions, hashFiles."""


@dataclass
class Verdict:
    """What came of a comparison."""

    tried: int = 0
    agreed: int = 0
    agreed_on_errors: int = 0
    read_only: int = 0
    """Agreed that it is sound, with no value to compare: it asks for what only a running workflow knows."""
    excused: Counter[str] = field(default_factory=Counter)
    """By the names of the bugs that it takes."""
    unexplained: list[tuple[str, Any, Any]] = field(default_factory=list)
    """Expression, our answer, the port's."""


def find_missing(packages: Path) -> str:
    """What is missing to ask the port, in one sentence; empty if nothing is."""
    if shutil.which("node") is None:
        return "node is not installed: apt-get install nodejs npm."
    description = packages / PACKAGE / "package.json"
    if not description.exists():
        return f"{PACKAGE} is not in {packages}: npm install --prefix {packages.parent} {PACKAGE}@{VERSION}."
    found = json.loads(description.read_text())["version"]
    return "" if found == VERSION else f"{PACKAGE} is {found}; the bugs on the list are those of {VERSION}."


def ask_port(expressions: Sequence[str], packages: Path) -> list[Any]:
    """The port's answer to each: ("value", kind, …) or ("error", "reading" | "evaluating")."""
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("evaluate.mjs")), str(packages)],
        input=json.dumps({"contexts": CONTEXTS, "expressions": list(expressions)}),
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=300,
    )
    return [_from_port(answer) for answer in json.loads(done.stdout)]


def answer(text: str) -> Any:
    """Our answer, in the same form."""
    try:
        node = parse(text)
    except ExpressionError:
        return ("error", "reading")
    try:
        outcome = evaluate(node, _CONTEXTS)
    except ExpressionError:
        return ("error", "evaluating")
    if not isinstance(outcome, Known):
        return _UNDECIDED
    return _describe(outcome.value)


def compare(expressions: Sequence[str], packages: Path) -> Verdict:
    """Ask both about every expression."""
    verdict = Verdict()
    for text, theirs in zip(expressions, ask_port(expressions, packages), strict=True):
        verdict.tried += 1
        ours = answer(text)
        if ours == theirs:
            verdict.agreed += 1
            verdict.agreed_on_errors += ours[0] == "error"
        elif bugs := _explain(text, theirs):
            verdict.excused[" + ".join(bug.name for bug in bugs)] += 1
        elif ours == _UNDECIDED and theirs != ("error", "reading") and _asks_the_workflow(text):
            verdict.read_only += 1
        else:
            verdict.unexplained.append((text, ours, theirs))
    return verdict


def _explain(text: str, theirs: Any) -> tuple[Bug, ...]:
    """The fewest bugs of the port with which we answer as it does."""
    for count in range(1, _MOST_TOGETHER + 1):
        for bugs in combinations(BUGS, count):
            with switched_on(bugs):
                if answer(text) == theirs:
                    return bugs
    return ()


def _asks_the_workflow(text: str) -> bool:
    return any(f"{name}(" in text.lower() for name in ("hashfiles", "success", "failure", "always", "cancelled"))


def _from_port(found: dict[str, Any]) -> Any:
    return ("error", found["while"]) if "error" in found else _with_numbers(found["value"])


def _with_numbers(value: list[Any]) -> Any:
    kind, held = value
    if kind == "number":
        return (kind, _comparable(float(held)))
    if kind == "array":
        return (kind, tuple(map(_with_numbers, held)))
    if kind == "object":
        return (kind, tuple((name, _with_numbers(each)) for name, each in held))
    return (kind, held)


def _comparable(number: float) -> float | str:
    return "NaN" if math.isnan(number) else number


def _describe(value: Any) -> Any:
    if value is None:
        return ("null", None)
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, float):
        return ("number", _comparable(value))
    if isinstance(value, str):
        return ("string", value)
    if isinstance(value, Array):
        return ("array", tuple(map(_describe, value.items)))
    if isinstance(value, Object):
        return ("object", tuple((name, _describe(each)) for name, each in value.properties.values()))
    return _UNDECIDED


_CONTEXTS = {name: to_value(value) for name, value in CONTEXTS.items()}
