"""Rows 12 to 16 and 33 of the fault matrix, a whole ingest each: limits are kept by the server's clock."""

from datetime import timedelta

import pytest

from forensics.errors import LimitReached
from tests.ingest.live.account import (
    DOCS,
    INFRA,
    NOW,
    beside,
    command_line,
    details,
    differing,
    outcomes,
    problems,
    still_world,
    told,
    unlike,
    work,
)
from tests.ingest.live.drive import Watcher, ingest, patience, rows, tables
from tests.standin import StandIn, faults


@pytest.mark.parametrize("http_date", [False, True])
@pytest.mark.parametrize("status", [403, 429])
def test_row_12_retry_after_is_waited_for_and_nothing_is_lost(status, http_date, tmp_path):
    world = still_world()
    policy, slept = patience(world)
    with StandIn(world) as stand_in:
        wrong = faults.secondary_limit(status, retry_after=70, http_date=http_date).on("jobs", nth=2)
        case, clean, summary = beside(stand_in, tmp_path, wrong, policy=policy)
        after = [seen for seen in stand_in.requests if seen.at.timestamp() > stand_in.requests[0].at.timestamp()]
    assert slept == [pytest.approx(71, abs=1.01)]
    assert summary.waited == pytest.approx(71, abs=1.01)
    assert after, "the rest was asked for after the pause"
    assert differing(case, clean) == set()


@pytest.mark.parametrize("status", [403, 429])
def test_row_13_the_primary_limit_is_waited_for_and_shown(status, tmp_path):
    world, watcher = still_world(), Watcher()
    waits = []
    watcher.waiting = lambda seconds, why: waits.append((seconds, why))
    policy, _ = patience(world)
    with StandIn(world) as stand_in:
        wrong = faults.primary_limit(status, reset=1800).on("jobs", nth=2)
        case, clean, summary = beside(stand_in, tmp_path, wrong, policy=policy, progress=watcher)
    assert [round(seconds) for seconds, _ in waits] == [1801]
    assert "limit" in waits[0][1] and "UTC" in waits[0][1]
    assert summary.waited == pytest.approx(1801, abs=1)
    assert "1,801 s waited for limits" in told(case)
    assert differing(case, clean) == set()


def test_row_13_without_waiting_it_stops_with_what_came_and_the_next_ingest_goes_on(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        case = tmp_path / "case"
        stand_in.inject(faults.primary_limit(reset=1800).on("jobs", nth=3, times=None))
        policy = patience(world, wait=False, concurrency=1)[0]
        with pytest.raises(LimitReached) as caught:
            ingest(stand_in, case, policy=policy)
        assert caught.value.exit_code == 5
        assert "UTC" in caught.value.hint
        assert outcomes(case) == ["limit-reached"]
        # Two runs were described before: they are loaded, and the status says what is still to come.
        assert rows(case, "SELECT count(DISTINCT run_id) FROM jobs") == [(2,)]
        assert (
            "acme/storefront: 3 of kind jobs were not asked for yet; the next ingest goes on with them."
            in details(case, "not-fetched")
        )
        assert "last ingest: limit-reached" in told(case)
        stand_in.faults = type(stand_in.faults)([])
        world.skip(1801)
        ingest(stand_in, case)
        assert len([seen for seen in stand_in.asked("jobs") if seen.status == 200]) == 5 + 2 + 3
    assert problems(case) == {}
    assert set(unlike(case, tmp_path / "clean")) == set()


def test_row_13_on_the_command_line_exit_5_and_the_same_command_goes_on(tmp_path):
    with StandIn(still_world()) as stand_in:
        stand_in.inject(faults.primary_limit(429, reset=1800).on("attempt-logs", nth=3))
        where = ("--repo", "acme/storefront", "--since", "2026-11-01", "--api-url", stand_in.api_url)
        code, _, err = command_line(tmp_path, "ingest", *where, "--no-wait")
        assert code == 5, err
        status = command_line(tmp_path, "status")[1]
        assert "last ingest: limit-reached" in status
        assert "not-fetched" in status
        code, _, err = command_line(tmp_path, "ingest", *where)
        assert code == 0, err
        assert "not-fetched" not in command_line(tmp_path, "status")[1]


def test_row_14_the_secondary_limit_doubles_its_pauses_and_then_one_request_at_a_time(tmp_path):
    world = still_world()
    policy, slept = patience(world)
    with StandIn(world, latency=0.01) as stand_in:
        wrong = faults.secondary_limit().on("runs", times=3)
        case, clean, _ = beside(stand_in, tmp_path, wrong, policy=policy, logs="none")
        at = {seen.number: seen.connection for seen in stand_in.requests}
    assert slept == [61, 121, 241]
    # With one request at a time one connection is enough.
    assert len(set(at.values())) == 1
    assert {kind for kind, _ in unlike(case, clean)} == {"logs"}


def test_row_14_a_secondary_limit_that_does_not_end_stops_resumable(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        stand_in.inject(faults.secondary_limit(429).on("attempt-logs", times=7))
        with pytest.raises(LimitReached) as caught:
            ingest(stand_in, tmp_path / "case", policy=patience(world, concurrency=1)[0])
        assert caught.value.exit_code == 5
        assert outcomes(tmp_path / "case") == ["limit-reached"]
        assert {kind for kind, _ in unlike(tmp_path / "case", tmp_path / "clean")} == {"logs"}
        ingest(stand_in, tmp_path / "case")
    assert unlike(tmp_path / "case", tmp_path / "clean") == {}
    assert problems(tmp_path / "case") == {}


def test_row_15_a_reserve_is_left_to_others_and_the_reset_is_waited_for(tmp_path):
    world = still_world()
    policy, slept = patience(world, concurrency=1)
    with StandIn(world) as stand_in:
        wrong = faults.nearly_used_up(40, reset=3700).on("jobs", nth=2)
        case, clean, _ = beside(stand_in, tmp_path, wrong, policy=policy)
        refused = [seen for seen in stand_in.requests if seen.status in (403, 429)]
    assert refused == []
    assert [round(seconds) for seconds in slept] == [3701]
    assert differing(case, clean) == set()


@pytest.mark.parametrize("wrong", [faults.without_limits(), faults.other_resource()])
def test_row_16_where_no_limit_of_ours_is_told_none_is_kept(wrong, tmp_path):
    world = still_world()
    policy, slept = patience(world)
    with StandIn(world) as stand_in:
        case, clean, summary = beside(stand_in, tmp_path, wrong.on(times=None), policy=policy)
    assert slept == []
    assert summary.waited == 0
    assert differing(case, clean) == set()


@pytest.mark.parametrize("ahead", [timedelta(days=-2), timedelta(hours=5)])
def test_row_33_a_span_is_counted_from_the_server_s_now(ahead, tmp_path):
    """Our clock is two days ahead, or five hours behind: the last ten hours are those of the server."""
    world = still_world()
    ours = patience(world, clock=lambda: world.clock() - ahead.total_seconds())[0]
    with StandIn(world) as stand_in:
        world.skip(-12 * 3600.0)  # 00:46 of the next day
        clean = ingest(stand_in, tmp_path / "clean", since=timedelta(hours=14))
        skewed = ingest(stand_in, tmp_path / "case", since=timedelta(hours=14), policy=ours)
    assert [warning for warning in skewed.warnings if warning.startswith("The clock of this machine is")]
    assert not clean.warnings
    assert sorted(key for kind, key in work(tmp_path / "case") if kind == "run") == [str(INFRA), str(DOCS)]
    assert tables(tmp_path / "case") == tables(tmp_path / "clean")
    assert world.clock() < NOW
