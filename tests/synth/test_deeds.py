"""The effect rules find in the written logs exactly what was done: no more, no less."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

from forensics.effects.extract import JobContext, extract
from forensics.effects.rule import load_rules
from forensics.logs.parse import parse
from forensics.synth.deeds import list_deeds
from forensics.synth.history import History
from forensics.synth.logtext import render_job
from forensics.synth.synthesise import DEMO, plan


def read_lines(history: History) -> tuple[pl.DataFrame, dict[int, JobContext]]:
    """All lines of all jobs, each with its true step; parsed as one text, which is a hundred times faster."""
    texts: list[bytes] = []
    rows: list[tuple[int, int, int, int, int]] = []
    context = {}
    for run, attempt, job in history.executions():
        line = 0
        context[job.job_id] = JobContext(run.workflow, job.name)
        for step, text in render_job(history, run, attempt, job).steps:
            texts.append(text)
            for _ in range(text.count(b"\n")):
                line += 1
                rows.append((run.run_id, attempt.number, job.job_id, step.number, line))
    schema = {
        "run_id": pl.Int64,
        "attempt": pl.Int32,
        "job_id": pl.Int64,
        "step_number": pl.Int32,
        "line_no": pl.Int32,
    }
    parsed = parse(b"".join(texts), "raw").lines.select("logged_at", "level", "text")
    places = pl.DataFrame(rows, schema=schema, orient="row")
    assert parsed.height == places.height
    return pl.concat([places, parsed], how="horizontal").with_columns(repository=pl.lit(history.repository)), context


@pytest.mark.parametrize("seed", [7, 8])
def test_rules_find_what_was_done(seed: int) -> None:
    history = plan(DEMO, seed=seed).history
    lines, context = read_lines(history)
    effects = extract(lines, load_rules(), context)
    keys = ["run_id", "attempt", "job_id", "step_number", "tool", "effect", "target", "identity", "outcome"]
    found = Counter(effects.select(keys).iter_rows())
    done = Counter(
        (
            *(deed.run.run_id, deed.attempt, deed.job.job_id, deed.step.number),
            *(deed.tool, deed.effect, deed.target, deed.identity, deed.outcome),
        )
        for deed in list_deeds(history)
    )
    assert len(done) > 150
    assert found - done == Counter()
    assert done - found == Counter()
