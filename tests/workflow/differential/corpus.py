"""Expressions that somebody wrote: those of the real workflow files, where they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

REAL = Path(__file__).parents[4] / "shared" / "real" / "workflows"


def read_scalars(file: Path) -> Iterator[tuple[str, bool]]:
    """Every string of a workflow file, and whether it is an expression without ``${{ }}``: the value of an ``if``."""
    yield from _walk(YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")), "")


def _walk(content: Any, key: str) -> Iterator[tuple[str, bool]]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _walk(name, "")
            yield from _walk(value, str(name))
    elif isinstance(content, list):
        for value in content:
            yield from _walk(value, key)
    elif isinstance(content, str):
        yield content, key == "if" and "${{" not in content
