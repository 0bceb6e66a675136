"""Every expression of the real workflow files is read, and prints to what it was."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from corpus import REAL, read_scalars

from forensics.workflow.expression import Node, parse, parse_template, print_node
from forensics.workflow.expression.tree import Call, Literal


def test_scalars_of_a_file_are_found_with_what_is_a_condition(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("on: push\njobs: {a: {if: github.ref, steps: [{if: '${{ true }}', run: 'echo ${{ 1 }}'}]}}\n")
    found = list(read_scalars(file))
    assert ("github.ref", True) in found
    assert ("${{ true }}", False) in found
    assert ("echo ${{ 1 }}", False) in found


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="the real workflow files are not here")
def test_every_expression_of_the_real_workflow_files_is_read_and_printed() -> None:
    counted: Counter[str] = Counter()
    for file in sorted(REAL.glob("*.y*ml")):
        counted["files"] += 1
        for text, is_condition in read_scalars(file):
            nodes = [parse(text)] if is_condition else _read(text) if "${{" in text else []
            counted["expressions"] += len(nodes)
            assert [parse(print_node(node)) for node in nodes] == nodes
    assert counted == {"files": 259, "expressions": 6_681}


def _read(text: str) -> list[Node]:
    """The expressions of a scalar, without the text between them."""
    template = parse_template(text)
    if len(template.parts) > 1:
        # As a whole it prints to what the runner makes of it.
        rewritten = parse(print_node(template.node))
        assert isinstance(rewritten, Call) and rewritten.name == "format"
    return [part for part in template.parts if not _is_text(part, text)]


def _is_text(part: Node, text: str) -> bool:
    return isinstance(part, Literal) and text[part.span.start : part.span.end] == part.value
