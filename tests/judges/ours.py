"""Our own program beside the judges: run as a process like them, its case asked by its own ``sql``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.judges.program import TOKEN, Program
from tests.judges.truth import REPOSITORY
from tests.standin import StandIn

SINCE = "2026-11-01"
"""The day before every made-up history begins."""


@dataclass(frozen=True)
class Case:
    """A case of `REPOSITORY`."""

    program: Program
    folder: Path

    def ingest(self, github: StandIn) -> None:
        """Take everything from the stand-in."""
        where = ("--repo", REPOSITORY, "--api-url", github.api_url, "--since", SINCE, "--case", self.folder)
        self.program.say("ingest", *where, GH_TOKEN=TOKEN)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a SELECT answers."""
        told: list[dict[str, Any]] = json.loads(
            self.program.say("sql", "--case", self.folder, "--format", "json", query)
        )
        return told

    def archives(self) -> dict[tuple[int, int], bytes]:
        """(run id, attempt) → the log archive in its evidence."""
        runs = self.folder / "evidence" / "repos" / REPOSITORY / "actions" / "runs"
        found = runs.glob("*/attempts/*/logs.zip")
        return {(int(path.parts[-4]), int(path.parts[-2])): path.read_bytes() for path in found}
