"""What GitHub's own JavaScript port says to the same expressions; `python run.py` beside this asks many more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from comparison import DEFAULT_FOLDER, answer, ask_port, compare, find_missing
from grammar import Grammar
from port_bugs import BUGS, Bug, switched_on
from run import from_files, made_up, show

from forensics.workflow.expression import ExpressionError, parse, print_node


@pytest.fixture(scope="module")
def packages() -> Path:
    """The npm packages of the judges."""
    folder = Path(os.environ.get("FORENSICS_NODE_MODULES", DEFAULT_FOLDER))
    if missing := find_missing(folder):
        if os.environ.get("FORENSICS_REQUIRE_JUDGES"):
            pytest.fail(missing)
        pytest.skip(missing)
    return folder


@pytest.mark.judge
def test_made_up_expressions_agree_or_a_known_bug_of_the_port_explains_it(packages: Path) -> None:
    verdict = compare(made_up(3_000, seed=2), packages)
    show("made up", verdict)
    assert not verdict.unexplained
    assert verdict.agreed > 0.9 * verdict.tried


@pytest.mark.judge
@pytest.mark.real
def test_expressions_of_real_files_agree_or_a_known_bug_of_the_port_explains_it(packages: Path) -> None:
    if not (texts := from_files()):
        pytest.skip("the real workflow files are not here")
    verdict = compare(texts, packages)
    show("real workflow files", verdict)
    assert not verdict.unexplained


@pytest.mark.judge
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_each_bug_is_in_the_port_and_explains_its_example(packages: Path, bug: Bug) -> None:
    (theirs,) = ask_port([bug.example], packages)
    assert theirs != answer(bug.example)
    with switched_on((bug,)):
        assert answer(bug.example) == theirs


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_ours_has_none_of_the_bugs(bug: Bug) -> None:
    ours = answer(bug.example)
    if "strict JSON" in bug.name:
        assert ours == ("unknown",)
    elif bug.runner == "an error":
        assert ours[0] == "error"
    else:
        kind, value = ours
        assert (
            str(value).lower() if kind == "boolean" else f"{value:g}" if kind == "number" else value
        ) == bug.runner


def test_made_up_expressions_are_mostly_sound_and_print_to_what_they_were() -> None:
    sound = 0
    texts = made_up(1_500, seed=3)
    for text in texts:
        try:
            node = parse(text)
        except ExpressionError:
            continue
        sound += 1
        assert parse(print_node(node)) == node
    assert 0.75 < sound / len(texts) < 0.99


def test_the_same_seed_gives_the_same_expressions() -> None:
    first, second = Grammar(7), Grammar(7)
    assert [first.make() for _ in range(50)] == [second.make() for _ in range(50)]
