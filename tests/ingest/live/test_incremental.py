"""What changes between two ingests, and during one: seen, and nothing else is asked for again."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.ingest.live.drive import REPOSITORY, ingest, rows, tables
from tests.standin.builders import dense_world, quiet_world, second_repository, tiny_world
from tests.standin.server import StandIn
from tests.standin.world import World

BEGUN = 1_796_000_000.0
LISTS = {"repository", "runs", "deployments", "workflows"}


def asked_of(stand_in, before):
    """What was asked for since then, without the lists."""
    return [seen.target for seen in stand_in.asked()[before:] if seen.kind not in LISTS and seen.origin == "api"]


def work(case, kind):
    return dict(rows(case, "SELECT key, state FROM work WHERE kind = $kind", kind=kind))


def without_lists(case):
    """The tables but for those that tell by which lists the runs were found, and where their files were read."""
    told = ("listings", "work", "workflow_versions", "neighbours", "concurrency_groups")
    groups = rows(case, "SELECT run_id, attempt, job_id, group_name, source FROM concurrency_groups ORDER BY ALL")
    return {name: digest for name, digest in tables(case).items() if name not in told} | {"groups": groups}


def same_as_fresh(stand_in, case, fresh, *, but=()):
    """The case has what one ingest of the world as it is now has; beyond the columns that tell how it came about."""
    ingest(stand_in, fresh)
    views = {
        "runs": "SELECT run_id, status, conclusion, latest_attempt, updated_at FROM runs",
        "attempts": "SELECT run_id, attempt, status, conclusion, started_at, completed_at FROM attempts",
        "jobs": "SELECT job_id, run_id, attempt, status, conclusion, executed, copied FROM jobs",
        "steps": "SELECT * FROM steps",
        "annotations": "SELECT job_id, run_id, attempt, message FROM annotations",
        "log_lines": "SELECT run_id, attempt, job_id, step_number, line_no, text FROM log_lines",
        "effects": "SELECT run_id, attempt, job_id, step_number, line_no, target FROM effects",
        "deployments": "SELECT deployment_id, environment FROM deployments",
    }
    for name, sql in views.items():
        if name not in but:
            assert sorted(rows(case, sql), key=repr) == sorted(rows(fresh, sql), key=repr), name


def test_a_run_that_appears_in_progress_and_finishes(tmp_path):
    world, case = tiny_world(), tmp_path / "case"
    with StandIn(world) as stand_in:
        ingest(stand_in, case)
        new = world.add_run(phase="in_progress")
        before = len(stand_in.asked())
        ingest(stand_in, case)
        assert rows(case, f"SELECT status, conclusion FROM runs WHERE run_id = {new}") == [("in_progress", None)]
        assert work(case, "run")[str(new)] == "waiting"
        assert all(str(new) in target or "contents" in target for target in asked_of(stand_in, before))
        assert rows(case, f"SELECT count(*) FROM log_lines WHERE run_id = {new}") == [(0,)]
        world.finish(new)
        before = len(stand_in.asked())
        ingest(stand_in, case)
        assert all(str(new) in target for target in asked_of(stand_in, before) if "check-runs" not in target)
        assert rows(case, f"SELECT status FROM runs WHERE run_id = {new}") == [("completed",)]
        assert rows(case, f"SELECT count(*) FROM jobs WHERE run_id = {new} AND status <> 'completed'") == [(0,)]
        assert rows(case, f"SELECT count(*) > 0 FROM log_lines WHERE run_id = {new}") == [(True,)]
        assert set(work(case, "run").values()) == set(work(case, "logs").values()) == {"done"}
        same_as_fresh(stand_in, case, tmp_path / "fresh")


def test_a_rerun_keeps_its_old_date_and_is_seen(tmp_path):
    """Its second attempt alone is asked for; what the first one was stays."""
    world, case = tiny_world(), tmp_path / "case"
    red = world.run_ids()[0]
    with StandIn(world) as stand_in:
        ingest(stand_in, case)
        first = rows(case, "SELECT * EXCLUDE (copied) FROM jobs ORDER BY job_id")
        world.rerun(red, only_failed=True)
        before = len(stand_in.asked())
        ingest(stand_in, case)
        asked = asked_of(stand_in, before)
        assert not [target for target in asked if f"runs/{red}/attempts/1" in target], asked
        assert all(f"/runs/{red}/" in target or "check-runs" in target for target in asked), asked
        assert [target for target in asked if target.endswith("attempts/2/logs")]
        kept = rows(case, "SELECT * EXCLUDE (copied) FROM jobs WHERE attempt = 1 ORDER BY job_id")
        assert kept == first
        assert rows(case, f"SELECT attempt FROM attempts WHERE run_id = {red} ORDER BY 1") == [(1,), (2,)]
        same_as_fresh(stand_in, case, tmp_path / "fresh")


@pytest.mark.parametrize("request_number", [2, 4, 8, 14, 22])
def test_a_rerun_while_it_is_ingested(request_number, tmp_path):
    world, case = tiny_world(), tmp_path / "case"
    red = world.run_ids()[0]
    world.at(request_number, lambda now: now.rerun(red, only_failed=True))
    with StandIn(world) as stand_in:
        ingest(stand_in, case)
        ingest(stand_in, case)
        same_as_fresh(stand_in, case, tmp_path / "fresh")


def test_runs_that_go_while_they_are_ingested(tmp_path):
    """What was fetched stays, what was not has its tombstone, and nobody asks for it again."""
    world, case = tiny_world(), tmp_path / "case"
    first, *_, last = world.run_ids()
    world.before(f"/runs/{last}/jobs", lambda now: now.delete_run(last))
    world.before(f"/runs/{first}/attempts/1/logs", lambda now: now.delete_run(first))
    with StandIn(world) as stand_in:
        ingest(stand_in, case)
        assert work(case, "jobs")[str(last)] == work(case, "run")[str(last)] == "deleted"
        assert work(case, "logs")[f"{first}/1"] == "expired"
        assert {row[0] for row in rows(case, "SELECT run_id FROM problems WHERE run_id IS NOT NULL")} == {first, last}
        assert rows(case, f"SELECT count(*) > 0 FROM jobs WHERE run_id = {first}") == [(True,)]
        before = len(stand_in.asked())
        ingest(stand_in, case)
        assert asked_of(stand_in, before) == []


def test_a_run_in_progress_that_goes(tmp_path):
    world, case = tiny_world(), tmp_path / "case"
    new = world.add_run(phase="in_progress")
    with StandIn(world) as stand_in:
        ingest(stand_in, case)
        world.delete_run(new)
        ingest(stand_in, case)
        assert work(case, "run")[str(new)] == "deleted"
        before = len(stand_in.asked())
        ingest(stand_in, case)
        assert asked_of(stand_in, before) == []
    assert rows(case, f"SELECT count(*) FROM runs WHERE run_id = {new}") == [(1,)]


def test_logs_that_expired_are_said_once(tmp_path):
    world, case = tiny_world(), tmp_path / "case"
    old = world.run_ids()[1]
    world.expire_logs(old)
    with StandIn(world) as stand_in:
        ingest(stand_in, case)
        assert work(case, "logs")[f"{old}/1"] == "expired"
        before = len(stand_in.asked())
        ingest(stand_in, case)
        assert asked_of(stand_in, before) == []
    assert rows(case, "SELECT kind, run_id FROM problems") == [("log-expired", old)]


def test_a_renamed_repository_is_the_same_one(tmp_path):
    world, case = tiny_world(), tmp_path / "case"
    with StandIn(world) as stand_in:
        ingest(stand_in, case)
        counts = [rows(case, f"SELECT count(*) FROM {name}") for name in ("attempts", "jobs", "log_lines", "effects")]
        world.rename(REPOSITORY, "acme/shop")
        before = len(stand_in.asked())
        summary = ingest(stand_in, case)
        assert summary.moved == ((REPOSITORY, "acme/shop"),)
        assert asked_of(stand_in, before) == []
        before = len(stand_in.asked())
        ingest(stand_in, case, repositories=("acme/shop",))
        assert asked_of(stand_in, before) == []
        new = world.add_run(repository="acme/shop")
        ingest(stand_in, case, repositories=("acme/shop",))
    assert rows(case, "SELECT DISTINCT repository FROM work") == [("acme/shop",)]
    old = [
        rows(case, f"SELECT count(*) FROM {name} WHERE run_id <> {new}")
        for name in ("attempts", "jobs", "log_lines", "effects")
    ]
    assert old == counts
    assert rows(case, "SELECT count(*), count(DISTINCT run_id) FROM runs") == [(6, 6)]


def test_a_rerun_of_an_old_run_is_seen_by_a_short_span(tmp_path):
    """Twenty days old and run again: ``--since 1d`` sees it (fault matrix, row 35)."""
    world, case = tiny_world(), tmp_path / "case"
    world.skip(20 * 86_400)
    old = world.run_ids()[2]
    with StandIn(world) as stand_in:
        ingest(stand_in, case)
        world.rerun(old)
        before = len(stand_in.asked())
        ingest(stand_in, case, since=timedelta(days=1))
        asked = asked_of(stand_in, before)
        others = [target for target in asked if f"/runs/{old}/" not in target]
        # A deployment of its own is all that it brought.
        assert all("/statuses" in target or "check-runs" in target for target in others), others
        assert rows(case, f"SELECT latest_attempt FROM runs WHERE run_id = {old}") == [(2,)]
        same_as_fresh(stand_in, case, tmp_path / "fresh")


def test_several_repositories_in_one_case(tmp_path):
    history = tiny_world().repository().history
    other = quiet_world(seed=11, days=1, runs_per_day=4).repository().history
    world, case = World([history, second_repository(other)]), tmp_path / "case"
    both = (REPOSITORY, "acme/warehouse")
    with StandIn(world) as stand_in:
        ingest(stand_in, case, repositories=both)
        found = dict(rows(case, "SELECT repository, count(*) FROM runs GROUP BY ALL"))
        assert found == {name: len(world.run_ids(name)) for name in both}
        before = len(stand_in.asked())
        ingest(stand_in, case, repositories=both)
        assert asked_of(stand_in, before) == []
        for name in both:
            ingest(stand_in, tmp_path / "one", repositories=(name,))
        assert Counter(work(case, "logs").values()) == Counter(work(tmp_path / "one", "logs").values())
        lines = "SELECT run_id, line_no, text FROM log_lines ORDER BY ALL"
        assert rows(case, lines) == rows(tmp_path / "one", lines)


def test_logs_by_and_by_are_the_logs_at_once(tmp_path):
    world = dense_world(12, 2, clock=lambda: BEGUN)
    with StandIn(world) as stand_in:
        for logs in ("none", "failed", "suspect", "all"):
            ingest(stand_in, tmp_path / "parts", logs=logs)
        ingest(stand_in, tmp_path / "whole")
        downloads = Counter(seen.path for seen in stand_in.asked("attempt-logs"))
    assert tables(tmp_path / "parts") == tables(tmp_path / "whole")
    assert set(downloads.values()) == {2}


def test_one_workflow_and_then_all(tmp_path):
    world = tiny_world(clock=lambda: BEGUN)
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "parts", workflows=("deploy.yml",))
        assert rows(tmp_path / "parts", "SELECT count(*) FROM runs") == [(1,)]
        ingest(stand_in, tmp_path / "parts")
        ingest(stand_in, tmp_path / "whole")
        jobs = Counter(seen.path for seen in stand_in.asked("jobs"))
    assert set(jobs.values()) == {2}
    assert without_lists(tmp_path / "parts") == without_lists(tmp_path / "whole")


def test_until_a_moment_in_the_past_and_then_now(tmp_path):
    world, case = tiny_world(clock=lambda: BEGUN), tmp_path / "parts"
    first, second, *_ = (world.state(run_id).run.created_at for run_id in world.run_ids())
    with StandIn(world) as stand_in:
        ingest(stand_in, case, until=first.replace(microsecond=0) + (second - first) / 2)
        assert rows(case, "SELECT count(*) FROM runs") == [(1,)]
        ingest(stand_in, case)
        ingest(stand_in, tmp_path / "whole")
        jobs = Counter(seen.path for seen in stand_in.asked("jobs"))
    assert set(jobs.values()) == {2}
    lines = "SELECT run_id, line_no, text FROM log_lines ORDER BY ALL"
    assert rows(case, lines) == rows(tmp_path / "whole", lines)
