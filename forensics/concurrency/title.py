"""What a dispatched run's title tells of its inputs, where the file's ``run-name`` writes them out.

GitHub's API does not record the inputs of a dispatch. The title is ``run-name`` evaluated, so an input that it writes
is known when all readings of the title agree on it; two that stand beside each other, or text that may be of either,
tell nothing. Limits: a title at its greatest length may be cut off, and GitHub trims it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Any

from forensics.workflow.document import Scalar

_EXPRESSION = re.compile(r"(\$\{\{.*?\}\})", re.DOTALL)
_INPUT = re.compile(r"\$\{\{\s*(?:github\.event\.)?inputs\.([A-Za-z_][\w-]*)\s*\}\}")
_LONGEST = 200
"""Characters; GitHub cuts titles somewhere beyond."""
_MOST_READINGS = 256
"""Combinations of choices that are tried."""


def read_title(title: str | None, run_name: str, inputs: Mapping[str, Any]) -> dict[str, str | bool]:
    """Inputs (by their name in ``inputs``, with the value as the context has it) that the title leaves no doubt of.

    ``inputs`` has the file's specifications: booleans, choices and texts are read, numbers are not.
    """
    if not title or len(title) > _LONGEST:
        return {}
    parts = _EXPRESSION.split(run_name.strip())
    names = {name.lower(): name for name in inputs}
    written = [_name(part, names) for part in parts]
    finite = {name: options for name in dict.fromkeys(written) if name and (options := _options(inputs[name]))}
    readings = 1
    for each in finite.values():
        readings *= len(each)
    if readings > _MOST_READINGS:
        return {}
    found: dict[str, set[str | None]] = {}
    for values in product(*finite.values()):
        chosen = dict(zip(finite, values, strict=True))
        match = _pattern(parts, written, chosen, inputs).fullmatch(title.strip())
        if match is not None:
            for name in dict.fromkeys(written):
                if name:
                    found.setdefault(name, set()).add(chosen.get(name, match.groupdict().get("free")))
    known = {name: values.pop() for name, values in found.items() if len(values) == 1}
    return {
        name: value == "true" if _kind(inputs[name]) == "boolean" else value
        for name, value in known.items()
        if value is not None
    }


def _pattern(
    parts: list[str], written: list[str | None], chosen: Mapping[str, str], inputs: Mapping[str, Any]
) -> re.Pattern[str]:
    """What the title has to look like; the only piece of free text has the name ``free``."""
    free = [at for at, part in enumerate(parts) if part.startswith("${{") and (written[at] or "") not in chosen]
    pieces = []
    for at, part in enumerate(parts):
        name = written[at]
        if name in chosen and name is not None:
            pieces.append(re.escape(chosen[name]))
        elif at in free:
            alone = free == [at] and name is not None and _kind(inputs[name]) in ("string", "environment")
            pieces.append("(?P<free>.*)" if alone else ".*")
        else:
            pieces.append(re.escape(part))
    return re.compile("".join(pieces), re.DOTALL)


def _name(part: str, names: Mapping[str, str]) -> str | None:
    match = _INPUT.fullmatch(part)
    return names.get(match[1].lower()) if match else None


def _kind(spec: Any) -> str:
    kind = _plain(spec.get("type")) if isinstance(spec, Mapping) else None
    return str(kind or "string")


def _options(spec: Any) -> list[str]:
    """The texts that a boolean or a choice can come to; none for what is free."""
    if _kind(spec) == "boolean":
        return ["true", "false"]
    options = spec.get("options") if isinstance(spec, Mapping) and _kind(spec) == "choice" else None
    # Left out of a dispatch by API, a choice is empty.
    return ["", *(str(_plain(option)) for option in options)] if isinstance(options, list | tuple) else []


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Scalar) else value
