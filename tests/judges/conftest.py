"""What all judges share: where their programs are, and one line of verdict for each at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-judges"
TOKEN = "ghp_judge"

_VERDICTS = pytest.StashKey[list[str]]()


@dataclass(frozen=True)
class Judge:
    """Somebody else's program, run as a process with nothing of this machine's settings but what it is given."""

    command: tuple[str | Path, ...]
    environment: Mapping[str, str]
    folder: Path

    def run(self, *arguments: str | Path, timeout: float = 240, **extra: str) -> subprocess.CompletedProcess[str]:
        """What it did, whatever its exit code; ``extra`` are more environment variables."""
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env={**self.environment, **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=timeout,
        )

    def say(self, *arguments: str | Path, timeout: float = 240, **extra: str) -> str:
        """Its output; an exit code other than 0 fails the test with what it complained of."""
        done = self.run(*arguments, timeout=timeout, **extra)
        assert done.returncode == 0, f"{self.command[0]} {arguments}: {done.stderr[-2000:]}"
        return done.stdout


def bare_environment(home: Path) -> dict[str, str]:
    """Variables for a program that must not see this machine's tokens, settings and caches."""
    return {
        "PATH": f"{ENVIRONMENT / 'bin'}:{os.defpath}:/usr/local/bin",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "TZ": "UTC",
    }


def require(condition: object, lacking: str) -> None:
    """Skip where a judge cannot be had; in ``make judges`` that is a failure."""
    if condition:
        return
    if os.environ.get("FORENSICS_REQUIRE_JUDGES"):
        pytest.fail(f"{lacking}, and make judges promises it")
    pytest.skip(f"{lacking}: make judges installs it")


@pytest.fixture
def installed(tmp_path: Path) -> Callable[[str], Judge]:
    """A program of the judges' own environment by its name, with a home of its own."""

    def find(name: str) -> Judge:
        program = ENVIRONMENT / "bin" / name
        require(program.exists(), f"{name} is not installed")
        return Judge((program,), bare_environment(tmp_path), tmp_path)

    return find


@pytest.fixture
def node(tmp_path: Path) -> Judge:
    """Node, in a folder where the npm packages of the judges can be imported."""
    program = shutil.which("node")
    packages = ENVIRONMENT / "npm" / "node_modules"
    require(program, "node is not installed")
    require(packages.exists(), "the npm packages are not installed")
    assert program
    (tmp_path / "node_modules").symlink_to(packages)
    return Judge((program,), bare_environment(tmp_path), tmp_path)


@pytest.fixture
def gh(tmp_path: Path) -> Judge:
    """GitHub's own client, from this environment, with no settings and nothing cached."""
    program = Path(sys.executable).parent / "gh"
    require(program.exists(), "gh is not installed")
    settings = {"GH_NO_UPDATE_NOTIFIER": "1", "GH_PROMPT_DISABLED": "1", "GH_CONFIG_DIR": str(tmp_path / "gh")}
    return Judge((program,), {**bare_environment(tmp_path), **settings}, tmp_path)


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
