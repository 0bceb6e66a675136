"""The made-up world knows who was overtaken by whom; an ingest of its files must come to the same."""

from __future__ import annotations

from pathlib import Path

from forensics import pipeline
from forensics.concurrency.cancellations import derive_cancellations
from forensics.config import Config
from forensics.model import Silent
from forensics.store.store import Store
from forensics.synth.history import History
from forensics.synth.incidents import SCENARIOS
from forensics.synth.synthesise import plan, synthesise

ASKED = "SELECT run_id, by_run_id, cause, confidence FROM cancellations WHERE job_id IS NULL ORDER BY run_id"


def overtaken(history: History) -> dict[int, int]:
    """Cancelled run → the run whose push did it: the next of its workflow and branch."""
    found = {}
    for run in history.runs:
        notes = [note.message for job in run.attempts[0].jobs for note in job.annotations]
        if any(note.startswith("Canceling since a higher priority") for note in notes):
            later = [one for one in history.runs if one.lane == run.lane and one.created_at > run.created_at]
            found[run.run_id] = min(later, key=lambda one: one.created_at).run_id
    return found


def test_every_overtaken_run_names_the_one_that_overtook_it(tmp_path: Path) -> None:
    synthesise(tuple(SCENARIOS), tmp_path / "history")
    truth = overtaken(plan(tuple(SCENARIOS)).history)
    pipeline.ingest_files(Config(tmp_path / "case", workers=2), [tmp_path / "history"], Silent())
    with Store.write(tmp_path / "case" / "case.duckdb") as store:
        rows = store.query(ASKED).rows
        assert len(truth) > 3
        assert {run_id: by_run_id for run_id, by_run_id, _, _ in rows} == truth
        assert {row[3] for row in rows} == {"known"}
        # Again: the same.
        derive_cancellations(store)
        assert store.query(ASKED).rows == rows
        # Without GitHub's annotations the arrivals alone name the same ones, or nobody.
        store.execute("DELETE FROM annotations")
        derive_cancellations(store)
        unaided = {run_id: by_run_id for run_id, by_run_id, _, _ in store.query(ASKED).rows}
    assert {run_id: by for run_id, by in unaided.items() if by is not None}.items() <= truth.items()
    assert sum(by is not None for by in unaided.values()) >= len(truth) - 1
