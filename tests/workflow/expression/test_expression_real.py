"""Every expression of the real workflow files is read, and prints to what it was; and how fast one is evaluated."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from forensics.workflow.expression import evaluate, open_object, parse, parse_template, print_node, to_value
from forensics.workflow.expression.tree import Concat

REAL = Path(__file__).parents[4] / "shared" / "real" / "workflows"


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the real workflow files are not here")
def test_every_expression_of_the_real_workflow_files_is_read_and_printed() -> None:
    counted: Counter[str] = Counter()
    for file in sorted(REAL.glob("*.y*ml")):
        counted["files"] += 1
        for text, is_condition in _scalars(YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8")), ""):
            if "${{" in text:
                template = parse_template(text)
                whole = [parse(print_node(template.node))] if len(template.parts) > 1 else []
                parts = [part for part in template.parts if not _is_text(part, text)]
                # The whole as format(), too, is what the runner reads.
                assert all(not isinstance(node, Concat) for node in whole)
            elif is_condition:
                parts = [parse(text)]
            else:
                continue
            counted["expressions"] += len(parts)
            assert [parse(print_node(part)) for part in parts] == parts
    assert counted["files"] == 259
    assert counted["expressions"] == 6_681


def test_evaluating_a_typical_group_takes_microseconds() -> None:
    contexts: dict[str, Any] = {
        "github": to_value({"workflow": "CI", "ref": "refs/heads/main", "event": {"pull_request": {"number": 5}}}),
        "inputs": open_object("inputs"),
    }
    text = "${{ github.workflow }}-${{ github.event.pull_request.number || inputs.ref || github.ref }}"
    rounds = 5_000
    start = time.perf_counter()
    for _ in range(rounds):
        evaluate(parse_template(text), contexts)
    # Measured: 9 microseconds each; the bound is 100,000 in 3 s with room for a busy machine.
    assert (time.perf_counter() - start) / rounds < 3 * 30e-6


def _is_text(part: Any, text: str) -> bool:
    return text[part.span.start : part.span.end] == getattr(part, "value", None)


def _scalars(content: Any, key: str) -> Iterator[tuple[str, bool]]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _scalars(name, "")
            yield from _scalars(value, str(name))
    elif isinstance(content, list):
        for value in content:
            yield from _scalars(value, key)
    elif isinstance(content, str):
        yield content, key == "if"
