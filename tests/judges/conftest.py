"""What all judges share: where their programs are, and one line of verdict for each at the end."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.judges.ours import Case
from tests.judges.program import ENVIRONMENT, Program, bare_environment, require

_VERDICTS = pytest.StashKey[list[str]]()


@pytest.fixture
def installed(tmp_path: Path) -> Callable[[str], Program]:
    """A program of the judges' own environment by its name, with a home of its own."""

    def find(name: str) -> Program:
        program = ENVIRONMENT / "bin" / name
        require(program.exists(), f"{name} is not installed")
        return Program((program,), bare_environment(tmp_path), tmp_path)

    return find


@pytest.fixture
def node(tmp_path: Path) -> Program:
    """Node, in a folder where the npm packages of the judges can be imported."""
    program = shutil.which("node")
    packages = ENVIRONMENT / "npm" / "node_modules"
    require(program, "node is not installed")
    require(packages.exists(), "the npm packages are not installed")
    assert program
    (tmp_path / "node_modules").symlink_to(packages)
    return Program((program,), bare_environment(tmp_path), tmp_path)


@pytest.fixture
def gh(tmp_path: Path) -> Program:
    """GitHub's own client, from this environment, with no settings and nothing cached."""
    program = Path(sys.executable).parent / "gh"
    require(program.exists(), "gh is not installed")
    settings = {"GH_NO_UPDATE_NOTIFIER": "1", "GH_PROMPT_DISABLED": "1", "GH_CONFIG_DIR": str(tmp_path / "gh")}
    return Program((program,), {**bare_environment(tmp_path), **settings}, tmp_path)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """An empty case of our own."""
    program = Path(sys.executable).parent / "forensics"
    return Case(Program((program,), bare_environment(tmp_path), tmp_path), tmp_path / "case")


@pytest.fixture
def verdict(request: pytest.FixtureRequest) -> Iterator[Callable[[str], None]]:
    """Tell what was measured; it is printed after the tests, with the seconds this one took."""
    said: list[str] = []
    began = time.monotonic()
    yield said.append
    took = time.monotonic() - began
    lines = request.config.stash.setdefault(_VERDICTS, [])
    for place, text in enumerate(said):
        lines.append(f"{took:6.1f} s  {text}" if place == 0 else f"          {text}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line for each judge, beside what pytest prints."""
    for line in config.stash.get(_VERDICTS, []):
        terminalreporter.write_line(line)
