"""What the rules find in public logs, counted: a change of any number is to be looked at line by line."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from inline_snapshot import snapshot

from forensics.effects.extract import extract
from forensics.effects.rule import load_rules
from forensics.logs.parse import parse

LOGS = Path(__file__).parents[2].parent / "shared" / "real" / "logs" / "link-family" / "link-assistant__formal-ai"

pytestmark = [pytest.mark.real, pytest.mark.skipif(not LOGS.is_dir(), reason="no real logs here")]


def read(file: Path, number: int) -> pl.DataFrame:
    data = file.read_bytes()
    parsed = parse(gzip.decompress(data) if file.suffix == ".gz" else data)
    part = pl.col("job").rle_id().cast(pl.Int64) if parsed.form == "gh" else pl.lit(0, pl.Int64)
    return parsed.lines.select(
        pl.lit("").alias("repository"),
        pl.lit(number, pl.Int64).alias("run_id"),
        pl.lit(1, pl.Int32).alias("attempt"),
        (part + 1000 * number).alias("job_id"),
        pl.lit(None, pl.Int32).alias("step_number"),
        "line_no",
        "logged_at",
        "level",
        "text",
    )


def test_effects_in_the_logs_of_one_project() -> None:
    files = sorted(file for file in LOGS.iterdir() if file.suffix in (".log", ".gz"))
    lines = pl.concat([read(file, number) for number, file in enumerate(files)])
    effects = extract(lines, load_rules())
    # Excerpts that tell of one run several times are counted as often.
    counts = effects.group_by("rule", "effect", "outcome").len().sort("rule", "effect", "outcome").rows()
    assert counts == snapshot(
        [
            ("artifact", "upload", "done", 213),
            ("attestation", "attest", "done", 22),
            ("cache", "save", "done", 110),
            ("cache", "save", "no-op", 54),
            ("cache", "save", "rejected", 11),
            ("cargo", "publish", "done", 6),
            ("cargo", "publish", "failed", 6),
            ("changesets", "publish", "failed", 1),
            ("codecov", "report", "done", 10),
            ("codecov", "report", "failed", 10),
            ("docker", "push", "done", 4),
            ("git-push", "push", "done", 4),
            ("git-tag", "tag", "done", 1),
            ("github-release", "release", "done", 5),
            ("github-release", "release", "no-op", 1),
            ("nuget", "publish", "failed", 1),
            ("pages", "deploy", "done", 6),
            ("rate-limit", "request", "rejected", 5),
        ]
    )
    levels = effects.join(lines, on=["job_id", "line_no"])["level"]
    assert set(levels) <= {None, "error", "warning"}
