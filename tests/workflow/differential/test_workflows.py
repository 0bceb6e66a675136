"""What GitHub's own parser says to the same workflow files; `python workflows.py` beside this asks about more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from breakage import BREAKAGES
from comparison import DEFAULT_FOLDER
from workflows import Verdict, ask_us, compare, find_missing, read_real, show

SOUND_FILE = """on: push
permissions:
  contents: read
concurrency:
  group: ci-${{ github.ref }}
  cancel-in-progress: true
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: make
"""


@pytest.mark.judge
@pytest.mark.real
@pytest.mark.slow
def test_what_githubs_parser_takes_we_take_and_what_it_refuses_we_refuse() -> None:
    packages = Path(os.environ.get("FORENSICS_NODE_MODULES", DEFAULT_FOLDER))
    if missing := find_missing(packages):
        if os.environ.get("FORENSICS_REQUIRE_JUDGES"):
            pytest.fail(missing)
        pytest.skip(missing)
    if not read_real():
        pytest.skip("the real workflow files are not here")
    verdicts = compare(packages, every=10)
    show(verdicts)
    assert not [kind for kind, verdict in verdicts.items() if verdict.unexplained]
    assert sum(verdict.taken for verdict in verdicts.values()) > 500
    assert sum(verdict.refused for verdict in verdicts.values()) > 1_000


def test_the_planted_file_is_sound_and_most_breakages_of_it_are_refused() -> None:
    assert ask_us(SOUND_FILE) == []
    broken = {kind: text for kind, change in BREAKAGES.items() if (text := change(SOUND_FILE)) != SOUND_FILE}
    assert len(broken) > 30
    assert [kind for kind, text in broken.items() if not ask_us(text)] == []


def test_a_disagreement_counts_unless_an_excuse_fits_its_side_and_kind() -> None:
    verdict = Verdict()
    verdict.add("a key is in capitals, place 1", "a.yml", [], ["Job 'b' depends on unknown job 'a'."])
    verdict.add("a line is taken out, place 1", "b.yml", [], ["Job 'b' depends on unknown job 'a'."])
    verdict.add("as it is", "c.yml", ["1:1 something else"], [])
    assert dict(verdict.excused) == {"needs in another case": 1}
    assert [file for file, *_ in verdict.unexplained] == ["b.yml", "c.yml"]
