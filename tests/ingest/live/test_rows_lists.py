"""Rows 29 to 36 of the fault matrix, a whole ingest each: lists that shift or have no end, and runs that change."""

from datetime import timedelta

import pytest

from tests.ingest.live.account import (
    CI,
    DEPLOY,
    beside,
    details,
    differing,
    hasty,
    problems,
    still_world,
    told,
    unlike,
    work,
)
from tests.ingest.live.drive import ingest, rows
from tests.standin import StandIn, dense_world, faults
from tests.standin.builders import one_day_world


def listed(case):
    """Ids of the runs that the case knows."""
    return {int(key) for kind, key in work(case) if kind == "run"}


def listing(stand_in, case, **options):
    """An ingest that only lists, and what it lists."""
    summary = ingest(stand_in, case, dry_run=False, logs="none", **options)
    return listed(case), summary


def test_row_29_runs_that_appear_while_pages_are_read_shift_none_out(tmp_path):
    world = dense_world(250, 0)
    before = set(world.run_ids())
    added = []
    with StandIn(world) as stand_in:
        for nth in (2, 3):
            world.before("/actions/runs.created=", lambda now: added.extend(now.add_run() for _ in range(3)), nth=nth)
        found, _ = listing(stand_in, tmp_path / "case")
        assert len(added) == 6
        assert before <= found
        assert rows(tmp_path / "case", "SELECT count(*), count(DISTINCT run_id) FROM runs") == [(len(found),) * 2]
        assert rows(tmp_path / "case", "SELECT count(*) FROM listings WHERE NOT complete") == [(0,)]
        # Those that came later are the next ingest's.
        found, _ = listing(stand_in, tmp_path / "case")
    assert found == before | set(added)


def test_row_30_runs_that_go_while_pages_are_read_hide_no_other(tmp_path):
    world = dense_world(250, 0)
    newest = world.run_ids()[::-1]
    gone = newest[10:15]
    with StandIn(world) as stand_in:
        world.before("page=2", lambda now: [now.delete_run(run_id) for run_id in gone])
        found, _ = listing(stand_in, tmp_path / "case")
    assert found >= set(world.run_ids())
    assert rows(tmp_path / "case", "SELECT count(*) FROM listings WHERE NOT complete") == [(0,)]
    # What went meanwhile has a tombstone, each by itself.
    assert problems(tmp_path / "case")["run-deleted"] == len(gone)


def test_row_31_more_runs_than_a_search_shows_and_more_in_one_second_are_all_found(tmp_path):
    """1,100 of 1,200 runs are of the same second, half of them of either event: no search shows more than 1,000."""
    world = one_day_world(1200, in_one_second=1100)
    with StandIn(world) as stand_in:
        summary = ingest(stand_in, tmp_path / "case", dry_run=True)
        assert dict(summary.plan.costs[0].__dict__)["what"] == "jobs of 1,200 runs"
    assert not summary.warnings


def test_row_31_what_no_search_shows_is_counted_and_said(tmp_path):
    """2,100 runs of the same second, 1,050 of either event: the oldest fifty of each cannot be seen."""
    world = one_day_world(2110, in_one_second=2100)
    with StandIn(world) as stand_in:
        summary = ingest(stand_in, tmp_path / "case", dry_run=True)
    [doubt] = [warning for warning in summary.warnings if "were created within the second" in warning][-1:]
    assert doubt.endswith("2000 could be listed."), summary.warnings


def test_row_32_a_full_page_without_link_is_not_the_last(tmp_path):
    world = dense_world(150, 0)
    with StandIn(world) as stand_in:
        stand_in.inject(faults.link_missing().on("runs"))
        found, summary = listing(stand_in, tmp_path / "case")
    assert found == set(world.run_ids())
    assert [warning for warning in summary.warnings if "had no Link header" in warning]


@pytest.mark.parametrize("wrong", [faults.link_repeats(), faults.link_elsewhere()], ids=lambda fault: fault.name)
def test_row_32_a_link_that_leads_in_a_circle_or_elsewhere_stops_that_list_and_asks_nobody_else(wrong, tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        case, clean, _ = beside(
            stand_in, tmp_path, wrong.on(target=f"/runs/{CI}/jobs"), policy=hasty(world, concurrency=1)
        )
        assert unlike(case, clean)[("jobs", str(CI))] == "failed"
        assert {key.partition("/")[0] for kind, key in unlike(case, clean) if kind in ("jobs", "logs")} == {str(CI)}
        assert details(case, "jobs-failed")
        ingest(stand_in, case)
    assert differing(case, clean) == set()


def test_row_34_a_run_that_is_run_again_during_the_ingest_keeps_its_first_attempt(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        world.before(f"/runs/{CI}/jobs", lambda now: now.rerun(CI, phase="queued"))
        ingest(stand_in, tmp_path / "case")
        first = rows(tmp_path / "case", "SELECT job_id, name, conclusion FROM jobs WHERE run_id = $r AND attempt = 1 "
                     "ORDER BY ALL", r=CI)  # fmt: skip
        assert len(first) == 5
        world.finish(CI)
        ingest(stand_in, tmp_path / "case")
    case = tmp_path / "case"
    assert rows(case, "SELECT attempt, status FROM attempts WHERE run_id = $r ORDER BY 1", r=CI) == [
        (1, "completed"),
        (2, "completed"),
    ]
    assert first == rows(
        case, "SELECT job_id, name, conclusion FROM jobs WHERE run_id = $r AND attempt = 1 ORDER BY ALL", r=CI
    )
    assert rows(case, "SELECT latest_attempt FROM runs WHERE run_id = $r", r=CI) == [(2,)]
    assert {
        key: state for (kind, key), state in work(case).items() if kind == "logs" and key.startswith(str(CI))
    } == {
        f"{CI}/1": "done",
        f"{CI}/2": "done",
    }
    assert problems(case) == {}


def test_row_35_an_old_run_that_is_run_again_is_seen(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        world.skip(3600.0)
        ingest(stand_in, tmp_path / "case", since=timedelta(days=2))
        world.skip(25 * 86_400.0)
        world.rerun(DEPLOY)
        world.skip(60.0)
        # Its created_at is four weeks back, and asked for are two days.
        ingest(stand_in, tmp_path / "case", since=timedelta(days=2))
    case = tmp_path / "case"
    assert rows(case, "SELECT attempt FROM attempts WHERE run_id = $r ORDER BY 1", r=DEPLOY) == [(1,), (2,)]
    assert work(case)["logs", f"{DEPLOY}/2"] == "done"
    assert problems(case) == {}


def test_row_36_a_run_in_progress_is_provisional_and_visited_until_it_is_over(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        new = world.add_run(workflow="docs.yml", phase="queued")
        world.skip(1.0)
        ingest(stand_in, tmp_path / "case")
        assert work(tmp_path / "case")["run", str(new)] == "waiting"
        assert ("logs", f"{new}/1") not in work(tmp_path / "case")
        assert "not-fetched" in told(tmp_path / "case")
        world.begin(new)
        ingest(stand_in, tmp_path / "case")
        assert rows(tmp_path / "case", "SELECT status, conclusion FROM runs WHERE run_id = $r", r=new) == [
            ("in_progress", None)
        ]
        world.finish(new)
        ingest(stand_in, tmp_path / "case")
        asked = len([seen for seen in stand_in.requests if str(new) in seen.path])
        ingest(stand_in, tmp_path / "case")
        assert len([seen for seen in stand_in.requests if str(new) in seen.path]) == asked
    case = tmp_path / "case"
    assert work(case)["run", str(new)] == work(case)["logs", f"{new}/1"] == "done"
    assert rows(case, "SELECT status FROM runs WHERE run_id = $r", r=new) == [("completed",)]
    assert problems(case) == {}
