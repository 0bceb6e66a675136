"""Somebody else's program, run as it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.standin import StandIn

ENVIRONMENT = Path(__file__).parents[2] / ".venv-judges"
TOKEN = "tok"
"""What the stand-in knows."""


@dataclass(frozen=True)
class Program:
    """Somebody else's program, run as a process with nothing of this machine's settings but what it is given."""

    command: tuple[str | Path, ...]
    environment: Mapping[str, str]
    folder: Path

    def run(
        self, *arguments: str | Path, timeout: float = 240, told: str = "", **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """What it did, whatever its exit code; ``told`` is its standard input, ``extra`` are more variables."""
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.folder,
            env={**self.environment, **extra},
            input=told,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=timeout,
        )

    def say(self, *arguments: str | Path, timeout: float = 240, told: str = "", **extra: str) -> str:
        """Its output; an exit code other than 0 fails the test with what it complained of."""
        done = self.run(*arguments, timeout=timeout, told=told, **extra)
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


def led_to(github: StandIn) -> dict[str, str]:
    """Variables that lead a program which only knows ``https://api.github.com`` to the stand-in."""
    ca = str(github.ca_file)
    tokens = {"GH_TOKEN": TOKEN, "GITHUB_TOKEN": TOKEN}
    return {"HTTPS_PROXY": github.proxy_url, "SSL_CERT_FILE": ca, "REQUESTS_CA_BUNDLE": ca, **tokens}


def require(condition: object, lacking: str) -> None:
    """Skip where a judge cannot be had; in ``make judges`` that is a failure."""
    if condition:
        return
    if os.environ.get("FORENSICS_REQUIRE_JUDGES"):
        pytest.fail(f"{lacking}, and make judges promises it")
    pytest.skip(f"{lacking}: make judges installs it")
