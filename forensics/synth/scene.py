"""What the writers of log lines may look at: one step of one job, and the values its expressions had."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from forensics.synth.history import Attempt, History, Job, Run, Step, cut
from forensics.synth.template import JobTemplate, StepTemplate

IMAGE = "ghcr.io/acme/storefront"
PACKAGE = "@acme/storefront-sdk"
REGISTRY = "https://npm-registry.example/"
STATE = "acme-tfstate/production/terraform.tfstate"

MODULES = ("cart", "catalog", "checkout", "orders", "payments", "pricing", "search", "session", "shipping", "stock")
"""Parts of the made-up shop."""

CYAN, BOLD, GREEN, RED, RESET = "\x1b[36;1m", "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"

_EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


@dataclass(frozen=True)
class Scene:
    """One step, seen with all that surrounds it."""

    history: History
    run: Run
    attempt: Attempt
    job: Job
    step: Step
    job_template: JobTemplate
    step_template: StepTemplate | None
    """None for the steps that GitHub adds."""
    rng: Random
    permissions: tuple[tuple[str, str], ...]
    """What the workflow grants its token."""
    scale: int = 1
    """How many times as much build output as usual."""

    @property
    def sha(self) -> str:
        """The commit that is checked out: for pull requests the merge commit, not the head."""
        return self.fact("merge_sha", self.run.commit.sha)

    @property
    def ref(self) -> str:
        """``GITHUB_REF``."""
        number = self.fact("pull_request", "")
        kind = self.fact("ref_type", "heads")
        return f"refs/pull/{number}/merge" if number else f"refs/{kind}/{self.run.commit.branch}"

    @property
    def workspace(self) -> str:
        """Where the repository is checked out on the runner."""
        home = "/home/runner/work" if self.job.runner is None or self.job.runner.hosted else "/opt/runner/_work"
        return f"{home}/{self.history.name}/{self.history.name}"

    @property
    def url(self) -> str:
        """The repository's web address, which is also its git remote."""
        return f"https://github.com/{self.history.repository}"

    @property
    def job_skew(self) -> timedelta:
        """What the clock of the job's runner is ahead."""
        return self.job.runner.skew if self.job.runner else timedelta(0)

    def fact(self, name: str, default: str | None = None) -> str:
        """A value that this attempt's logs know."""
        return self.attempt.facts[name] if default is None else self.attempt.facts.get(name, default)

    def hex(self, digits: int) -> str:
        """Random hex digits."""
        return f"{self.rng.getrandbits(digits * 4):0{digits}x}"

    def fill(self, text: str) -> str:
        """The text with its expressions evaluated, as logs show it; secrets are three stars."""
        known = {
            "github.sha": self.sha,
            "github.actor": self.run.actor.login,
            "matrix.node": dict(self.job_template.matrix).get("node", ""),
            "needs.version.outputs.version": self.fact("version", ""),
            "github.ref": self.ref,
            "github.ref_name": self.run.commit.branch,
            "github.repository": self.history.repository,
            "github.run_id": str(self.run.run_id),
            "github.run_number": str(self.run.run_id % 1000),
            **{f"matrix.{axis}": value for axis, value in self.job_template.matrix},
            **self.attempt.facts,
        }

        def value(match: re.Match[str]) -> str:
            return "***" if match[1].startswith(("secrets.", "github.token")) else known[match[1]]

        return _EXPRESSION.sub(value, text)


class Timed(str):
    """A line that comes a known time after the one before it; other lines share what is left of the step's time."""

    __slots__ = ("gap",)
    gap: float

    def __new__(cls, text: str, gap: float) -> Timed:
        """A line and the seconds before it."""
        line = super().__new__(cls, text)
        line.gap = gap
        return line


def at_once(lines: Iterable[str]) -> list[str]:
    """Lines that a tool prints in one go."""
    return [Timed(line, 0.00005) for line in lines]


def cache_key(run: Run) -> str:
    """Under which a job keeps its packages; the lock file changes about once a week."""
    week = cut(run.created_at).isocalendar().week
    return f"node-cache-Linux-x64-npm-{(week * 0x9E3779B97F4A7C15) % (1 << 64):016x}"


Teller = Callable[[Scene], list[str]]
"""Writes what a step says between its header and its end, one item a line."""
