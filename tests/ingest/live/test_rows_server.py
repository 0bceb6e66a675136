"""Rows 17 to 19 and 43 to 47 of the fault matrix, a whole ingest each: a server, a network or a proxy that fails."""

import socket
from datetime import timedelta

import pytest

from forensics import pipeline
from forensics.config import Config
from forensics.errors import ServerFailing, Unreachable
from forensics.ingest.github.answer import Server
from forensics.ingest.github.scope import Scope
from forensics.model import Silent
from tests.ingest.live.account import (
    CI,
    beside,
    command_line,
    details,
    differing,
    hasty,
    outcomes,
    problems,
    still_world,
    told,
    unlike,
)
from tests.ingest.live.drive import REPOSITORY, Login, ingest, patience, rows, tables
from tests.standin import StandIn, faults

PASSING = [
    faults.unicorn(500),
    faults.unicorn(502),
    faults.unicorn(503, headers={"Retry-After": "7"}),
    faults.unicorn(504),
    faults.html_instead(),
    faults.empty_body(),
    faults.cut_json(),
    faults.dropped(),
    faults.dropped(after_headers=True),
]


def test_rows_17_18_19_what_passes_is_tried_again_and_nothing_is_lost(tmp_path):
    """Each of the failures twice in one ingest, at one kind of request each."""
    kinds = ("repository", "runs", "jobs", "annotations", "workflows", "deployments", "statuses", "groups", "attempt")
    world = still_world()
    world.rerun(CI)
    with StandIn(world) as stand_in:
        wrong = [fault.on(kind, times=2) for fault, kind in zip(PASSING, kinds, strict=True)]
        case, clean, _ = beside(stand_in, tmp_path, *wrong, policy=hasty(world))
        assert stand_in.faults.left == []
    assert differing(case, clean) == set()
    assert rows(case, "SELECT count(*) FROM requests WHERE error IS NOT NULL")[0][0] == 2 * len(PASSING)


@pytest.mark.parametrize("kind", ["jobs", "attempt-logs", "groups", "annotations", "statuses", "contents"])
def test_row_17_one_thing_that_fails_each_time_is_left_for_the_next_ingest(kind, tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        wrong = faults.unicorn(503).on(kind, times=5)
        case, clean, summary = beside(stand_in, tmp_path, wrong, policy=hasty(world, concurrency=1))
        lost = unlike(case, clean)
        assert "failed" in lost.values(), lost
        assert sum(one.waiting for one in summary.completeness) >= 1
        assert [said for said in problems(case) if said.endswith("-failed")]
        assert "-failed" in told(case)
        ingest(stand_in, case)
        assert problems(case) == {}
    if kind == "contents":
        # While its file was not known a run was asked for its groups, which the file leaves nothing of to ask.
        assert {(kind, state) for (kind, _), state in unlike(case, clean).items()} == {("groups", "done")}
    else:
        assert differing(case, clean) == set()


def test_row_17_a_server_that_is_down_stops_the_ingest_and_the_next_one_goes_on(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        stand_in.inject(faults.unicorn(500).on(target="/jobs|/annotations|/concurrency_groups|/logs", times=None))
        with pytest.raises(ServerFailing) as caught:
            ingest(stand_in, tmp_path / "case", policy=hasty(world, failures_in_a_row=4))
        assert caught.value.exit_code == 5
        assert outcomes(tmp_path / "case") == ["server-failing"]
        assert details(tmp_path / "case", "jobs-failed")
        stand_in.faults = type(stand_in.faults)([])
        ingest(stand_in, tmp_path / "case")
    assert unlike(tmp_path / "case", tmp_path / "clean") == {}
    assert problems(tmp_path / "case") == {}


def test_row_18_a_page_of_runs_that_is_cut_each_time_is_not_taken_for_the_end_of_the_list(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        stand_in.inject(faults.cut_json(300).on("runs", times=5))
        with pytest.raises(Exception, match="runs") as caught:
            ingest(stand_in, tmp_path / "case", policy=hasty(world))
        assert caught.value.exit_code == 5
        assert rows(tmp_path / "case", "SELECT count(*) FROM listings") == [(0,)]
        ingest(stand_in, tmp_path / "case")
    assert differing(tmp_path / "case", tmp_path / "clean") == set()


def test_row_19_nobody_there_at_the_start_is_said_at_once(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    with StandIn(still_world()) as stand_in:
        policy, slept = patience(stand_in.world)
        with pytest.raises(Unreachable, match="refuses the connection"):
            pipeline.ingest_github(
                Config(tmp_path / "case", workers=1), Scope((REPOSITORY,), timedelta(days=30)),
                Server(f"http://127.0.0.1:{port}", "127.0.0.1"), Login(), policy, Silent(),
                environment={}, checkout=None, announce=lambda plan: None,
            )  # fmt: skip
    assert slept == []


def test_row_43_what_has_not_changed_costs_nothing_and_is_there(tmp_path):
    with StandIn(still_world()) as stand_in:
        ingest(stand_in, tmp_path / "case")
        before = tables(tmp_path / "case")
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case")
        assert {seen.status for seen in stand_in.asked("runs")} == {304}
    assert tables(tmp_path / "case") == before


def test_row_43_a_body_that_was_lost_is_asked_for_again(tmp_path):
    with StandIn(still_world()) as stand_in:
        ingest(stand_in, tmp_path / "case")
        [lost] = rows(tmp_path / "case", "SELECT evidence_path FROM answers WHERE path LIKE '%/actions/runs?%'")
        (tmp_path / "case" / "evidence" / lost[0]).write_bytes(b"{}")
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case")
        assert [seen.status for seen in stand_in.asked("runs")] == [200]
        assert "if-none-match" not in stand_in.asked("runs")[0].headers


def test_row_43_unchanged_said_to_a_question_without_condition_is_a_failure_that_passes(tmp_path):
    with StandIn(still_world()) as stand_in:
        case, clean, _ = beside(stand_in, tmp_path, faults.unchanged_always().on("jobs", times=2))
    assert differing(case, clean) == set()


def test_row_44_another_token_asks_anew(tmp_path):
    with StandIn(still_world(tokens=("tok", "other"))) as stand_in:
        ingest(stand_in, tmp_path / "case")
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case", login=Login("other", mark="0123456789ab"))
        assert [seen.status for seen in stand_in.asked("runs")] == [200]
        assert not [seen for seen in stand_in.requests if "if-none-match" in seen.headers]
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case", login=Login("other", mark="0123456789ab"))
        assert [seen.status for seen in stand_in.asked("runs")] == [304]


@pytest.mark.parametrize(
    "wrong",
    [
        faults.stalled().on("jobs"),
        faults.stalled(20).on("jobs"),
        faults.dripping(1, 0.05).on("jobs"),
        faults.stalled(500).on("download"),
        faults.stalled().on("download"),
        faults.dripping(1, 0.05).on("download"),
    ],
)
def test_row_45_what_does_not_come_to_an_end_is_begun_again(wrong, tmp_path):
    world = still_world()
    policy = patience(world, deadline=0.7, download_deadline=0.9, stall=0.7)[0]
    with StandIn(world) as stand_in:
        case, clean, _ = beside(stand_in, tmp_path, wrong, policy=policy)
        assert stand_in.faults.left == []
    assert differing(case, clean) == set()
    assert rows(case, "SELECT count(*) FROM requests WHERE error IS NOT NULL") == [(1,)]


SECURED = ("--repo", "acme/storefront", "--since", "2026-11-01")


def test_row_46_through_a_proxy_named_in_the_environment(tmp_path):
    with StandIn(still_world(), tls=True) as stand_in:
        proxy = {"HTTPS_PROXY": stand_in.proxy_url, "SSL_CERT_FILE": str(stand_in.ca_file)}
        code, _, err = command_line(tmp_path, "ingest", *SECURED, **proxy)
        assert code == 0, err
        hosts = set(stand_in.tunnels)
        downloads = stand_in.asked("download")
    assert hosts == {"api.github.com", "productionresultssa0.blob.core.windows.net"}
    assert len(downloads) == 5
    assert {seen.authorization for seen in downloads} == {None}
    assert rows(tmp_path / "case", "SELECT count(DISTINCT run_id) FROM log_lines") == [(5,)]


@pytest.mark.parametrize("status", [407, 502])
def test_row_46_a_proxy_that_refuses_is_asked_once(status, tmp_path):
    with StandIn(still_world(), tls=True) as stand_in:
        stand_in.refuse_tunnels = status
        proxy = {"HTTPS_PROXY": stand_in.proxy_url, "SSL_CERT_FILE": str(stand_in.ca_file)}
        code, _, err = command_line(tmp_path, "ingest", *SECURED, **proxy)
        assert (code, len(stand_in.tunnels)) == (1, 1), err
    assert "proxy" in err
    assert "HTTPS_PROXY" in err


@pytest.mark.parametrize(("certificate", "trusted"), [("good", False), ("expired", True), ("wrong host", True)])
def test_row_47_a_certificate_that_proves_nothing_stops_at_once(certificate, trusted, tmp_path):
    with StandIn(still_world(), tls=True, certificate=certificate) as stand_in:
        proxy = {"HTTPS_PROXY": stand_in.proxy_url}
        if trusted:
            proxy["SSL_CERT_FILE"] = str(stand_in.ca_file)
        code, _, err = command_line(tmp_path, "ingest", *SECURED, **proxy)
        assert (code, len(stand_in.tunnels)) == (1, 1), err
        assert stand_in.requests == []
    assert "certificate" in err
    if certificate == "good":
        assert "SSL_CERT_FILE" in err
