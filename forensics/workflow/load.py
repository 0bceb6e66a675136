"""A workflow file read as YAML 1.2: its name, its triggers and the whole as plain data.

YAML 1.2 matters: in 1.1 the key ``on`` is the boolean true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from forensics.errors import EvidenceUnreadable

# Aliases may make a small file huge when it is written out as JSON ("billion laughs").
_MOST_NODES = 200_000


@dataclass(frozen=True)
class WorkflowFile:
    """What a workflow file says at the top."""

    name: str | None
    triggers: tuple[str, ...]
    """Event names under ``on``, in the order written."""
    content: dict[str, Any]
    """The file as plain data, JSON-ready."""


def load_workflow(text: str) -> WorkflowFile:
    """Read a workflow file. Raises EvidenceUnreadable with line and column for what is none."""
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "an unknown place"
        raise EvidenceUnreadable(
            f"It is not sound YAML: {error.problem} at {where}.", hint="Mend that line."
        ) from error
    except (YAMLError, ArithmeticError, ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise EvidenceUnreadable(f"It is not sound YAML: {error}.", hint="Check the file.") from error
    if not isinstance(content, dict) or "jobs" not in content or "on" not in content:
        raise EvidenceUnreadable(
            "It is YAML but no workflow: it lacks 'on' or 'jobs'.", hint="Leave it out, or check that it is whole."
        )
    name = content.get("name")
    try:
        plain = _plain(content, [_MOST_NODES])
        # Whoever stores it writes it as JSON, which nests less deeply than YAML.
        orjson.dumps(plain)
    except (RecursionError, orjson.JSONEncodeError) as error:
        raise EvidenceUnreadable(
            "It is nested too deeply, or an alias in it holds itself.", hint="Check its anchors and aliases."
        ) from error
    return WorkflowFile(_text(name) if name is not None else None, _triggers(content["on"]), plain)


def _triggers(on: Any) -> tuple[str, ...]:
    if isinstance(on, dict | list):
        return tuple(_text(event) for event in on)
    return (_text(on),) if on is not None else ()


def _text(value: Any) -> str:
    """As text; half a surrogate pair, which an escape may name and UTF-8 cannot hold, becomes U+FFFD."""
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _plain(value: Any, budget: list[int]) -> Any:
    """Without YAML's own types: keys as text, dates as written."""
    budget[0] -= 1
    if budget[0] < 0:
        raise EvidenceUnreadable("Its aliases unfold to an absurd size.", hint="Check the file.")
    if isinstance(value, dict):
        return {_text(key): _plain(item, budget) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item, budget) for item in value]
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 1 << 63):
        return value
    return _text(value)
