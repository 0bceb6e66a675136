"""Ids of jobs and steps. Source: IdBuilder.cs of the runner (actions/runner at 258d6c8)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_MOST_CHARACTERS = 99


def find_id_problem(name: str, kind: str, taken: Mapping[str, str]) -> str:
    """What is wrong with the id of a ``kind`` (job, step), as a sentence; ``taken`` is in lower case."""
    shown = name[:60].replace("\n", " ")
    if _ID.fullmatch(name) is None:
        return (
            f"The {kind}'s id '{shown}' is not one; expected letters, digits, '_' and '-', and a letter or '_' first."
        )
    if len(name) > _MOST_CHARACTERS:
        return f"The {kind}'s id '{shown}…' has {len(name)} characters; expected at most {_MOST_CHARACTERS}."
    if name.startswith("__"):
        return f"The {kind}'s id '{shown}' begins with '__', which GitHub keeps for itself; expected another."
    if name.lower() in taken:
        return f"The {kind}'s id '{shown}' is there already; expected one that no other {kind} has."
    return ""
