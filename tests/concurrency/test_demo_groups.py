"""The made-up world: what is derived from files, runs and logs alone is what its runs were in."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics import pipeline
from forensics.concurrency.groups import derive
from forensics.config import Config
from forensics.model import Silent
from forensics.store.store import Store
from forensics.synth.incidents import SCENARIOS
from forensics.synth.synthesise import plan, synthesise
from tests.concurrency.planted import load_views
from tests.standin.shapes import name_groups


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("groups")
    synthesise(tuple(SCENARIOS), root / "history", days=7)
    pipeline.ingest_files(Config(root / "case", workers=2), [root / "history"], Silent())
    return root / "case" / "case.duckdb"


@pytest.fixture(scope="module")
def truth() -> dict[tuple[int, int], list[str]]:
    """Attempt → the names of its groups, as the world has them."""
    history = plan(tuple(SCENARIOS), days=7).history
    return {
        (run.run_id, attempt.number): [name for _, name in name_groups(history, run, attempt)]
        for run in history.runs
        for attempt in run.attempts
    }


def test_an_ingest_leaves_every_group_that_the_world_had_and_no_other(case, truth):
    with Store.read(case) as store:
        rows = store.query("SELECT run_id, attempt, group_name FROM concurrency_groups WHERE level IS NOT NULL").rows
    found: dict[tuple[int, int], list[str | None]] = {}
    for run_id, attempt, name in rows:
        found.setdefault((run_id, attempt), []).append(name)
    assert found.keys() == {key for key, names in truth.items() if names}
    wrong = {key: (names, truth[key]) for key, names in found.items() if None not in names and names != truth[key]}
    assert wrong == {}
    # Of a pull request that is merged and whose run left no log of its own, nobody recorded the number.
    assert sum(None in names for names in found.values()) <= 0.05 * len(found)


def test_without_annotations_the_files_come_to_the_same(case, truth, tmp_path):
    copy = tmp_path / "case.duckdb"
    copy.write_bytes(case.read_bytes())
    with Store.write(copy) as store:
        store.execute("DELETE FROM annotations")
        load_views(store)
        derive(store)
        rows = store.query("FROM concurrency_groups").dicts()
    assert {row["source"] for row in rows} == {"literal", "evaluated"}
    for row in rows:
        assert row["group_name"] in (None, *truth[row["run_id"], row["attempt"]])
        if row["group_name"] is None:
            before, after = row["pattern"].split("?")
            names = truth[row["run_id"], row["attempt"]]
            assert any(name.startswith(before) and name.endswith(after) for name in names)


def test_asked_github_agrees(case, truth, tmp_path):
    copy = tmp_path / "case.duckdb"
    copy.write_bytes(case.read_bytes())
    with Store.write(copy) as store:
        latest = dict(sorted(truth))
        for (run_id, attempt), names in truth.items():
            for name in names if attempt == latest[run_id] else ():
                store.execute(
                    "INSERT INTO concurrency_groups BY NAME "
                    "SELECT $run AS run_id, $name AS group_name, 'github' AS source, 'known' AS confidence",
                    {"run": run_id, "name": name},
                )
        load_views(store)
        derive(store)
        told = store.query("FROM group_agreement").dicts()
        unnamed = store.query("SELECT count(*) FROM concurrency_groups WHERE group_name IS NULL").rows
    assert [(one["disagreed"], one["unexplained"]) for one in told] == [(0, 0)]
    assert told[0]["asked"] == told[0]["agreed"] == len(latest)
    # GitHub's endpoint tells of latest attempts only, so an earlier one may stay open.
    assert unnamed[0][0] <= len(truth) - len(latest)
