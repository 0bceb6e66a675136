"""Where the case lies and how much of the machine may be used: read once at the edge, then frozen."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """Settings of one invocation. Nothing below the command line reads the environment."""

    case: Path
    """The case folder: ``case.duckdb``, ``evidence/``, ``reports/``."""
    workers: int = 2
    """Worker processes for parsing logs."""
    memory_limit_mb: int = 1024
    """What DuckDB may use before it spills to disk."""

    settings: Path | None = None
    """The settings file that was named; None looks for ``forensics.toml`` in ``here``, then in the case."""
    here: Path = Path()
    """Where the command was given."""

    @property
    def database(self) -> Path:
        """The DuckDB file of the case."""
        return self.case / "case.duckdb"

    @property
    def evidence(self) -> Path:
        """The folder that holds every input exactly as received."""
        return self.case / "evidence"

    @property
    def rules(self) -> Path:
        """The folder of the effect rules that this case is read with beside those of the package."""
        return self.case / "rules"

    @property
    def reports(self) -> Path:
        """Where reports go unless told otherwise."""
        return self.case / "reports"


def available_cpus() -> int:
    """Processors this process may really use (containers often allow fewer than the machine has)."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1
