"""Rows 1 to 11 and 48 of the fault matrix, a whole ingest each: what GitHub refuses, and what is kept regardless."""

import pytest

from forensics.errors import AccessRefused, RequestInvalid
from tests.ingest.live.account import (
    CI,
    DEPLOY,
    DOCS,
    INFRA,
    RELEASE,
    beside,
    command_line,
    details,
    differing,
    outcomes,
    problems,
    still_world,
    told,
    unlike,
)
from tests.ingest.live.drive import Login, ingest, patience, rows, tables
from tests.standin import StandIn, faults

EVERY_RUN = (CI, RELEASE, DEPLOY, INFRA, DOCS)


def test_row_1_a_wrong_token_stops_at_the_first_request_and_nothing_is_lost(tmp_path):
    with StandIn(still_world()) as stand_in:
        ingest(stand_in, tmp_path / "case")
        before = tables(tmp_path / "case")
        stand_in.requests.clear()
        with pytest.raises(AccessRefused) as caught:
            ingest(stand_in, tmp_path / "case", login=Login("wrong"))
        assert len(stand_in.requests) == 1
    assert caught.value.exit_code == 4
    assert "the token from GH_TOKEN (Bad credentials)" in caught.value.message
    assert tables(tmp_path / "case") == before
    assert outcomes(tmp_path / "case") == ["done", "access-refused"]


def test_row_2_a_token_revoked_on_the_way_keeps_what_came_and_the_next_ingest_goes_on(tmp_path):
    world = still_world()
    one_by_one = patience(world, concurrency=1)[0]
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        kept = world.tokens["tok"]
        world.before("/attempts/1/logs", lambda now: now.revoke("tok"), nth=3)
        with pytest.raises(AccessRefused) as caught:
            ingest(stand_in, tmp_path / "case", policy=one_by_one)
        assert caught.value.exit_code == 4
        stopped = unlike(tmp_path / "case", tmp_path / "clean")
        assert len(stopped) == 3
        assert {(kind, state) for (kind, _), state in stopped.items()} == {("logs", "waiting")}
        assert "last ingest: access-refused" in told(tmp_path / "case")
        assert details(tmp_path / "case", "not-fetched") == [
            "acme/storefront: 3 of kind logs were not asked for yet; the next ingest goes on with them."
        ]
        world.tokens["tok"] = kept
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case")
        assert len(stand_in.asked("attempt-logs")) == 3
        assert not stand_in.asked("jobs")
    assert tables(tmp_path / "case") == tables(tmp_path / "clean")


def test_row_3_single_sign_on_stops_with_the_address_and_the_next_ingest_goes_on(tmp_path):
    with StandIn(still_world()) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        stand_in.inject(faults.sso_required().on("jobs", nth=3))
        with pytest.raises(AccessRefused) as caught:
            ingest(stand_in, tmp_path / "case")
        assert caught.value.exit_code == 4
        assert "https://github.com/orgs/acme/sso?authorization_request=AB12" in caught.value.hint
        ingest(stand_in, tmp_path / "case")
    assert tables(tmp_path / "case") == tables(tmp_path / "clean")


def test_row_3_results_without_some_organizations_are_warned_of(tmp_path):
    with StandIn(still_world()) as stand_in:
        case, clean, summary = beside(stand_in, tmp_path, faults.sso_partial().on("runs"))
    assert [warning for warning in summary.warnings if "21955855,20582480" in warning]
    assert differing(case, clean) == set()


@pytest.mark.parametrize(
    ("kind", "lacking", "tables_without"),
    [
        ("deployments", {"deployments", "statuses"}, {"deployments", "deployment_statuses"}),
        ("groups", {"groups"}, {"concurrency_groups"}),
        ("annotations", {"annotations"}, {"annotations"}),
        ("contents", {"file", "definition"}, {"workflow_files", "workflow_versions"}),
        ("workflows", {"workflow"}, {"workflows"}),
    ],
)
def test_row_4_what_a_token_may_not_read_is_said_once_and_the_rest_is_taken(kind, lacking, tables_without, tmp_path):
    with StandIn(still_world()) as stand_in:
        wrong = faults.not_accessible(f"{kind}=read").on(kind, times=None)
        case, clean, _ = beside(stand_in, tmp_path, wrong)
        lost = unlike(case, clean)
        # Without its file a run is asked for its groups, though they would follow from the file.
        instead = {thing for thing, state in lost.items() if thing[0] == "groups" and state == "done"}
        assert {thing for thing, _ in lost.keys() - instead} <= lacking, lost
        assert {lost[thing] for thing in lost.keys() - instead} <= {"no-permission", None}
        assert differing(case, clean) - {"work", "problems", "concurrency_groups"} <= tables_without
        [said] = details(case, "no-permission")
        assert f"it wants the permission {kind}=read" in said
        assert "no-permission" in told(case)


def test_row_5_a_repository_that_cannot_be_seen_is_said_at_once(tmp_path):
    with StandIn(still_world()) as stand_in:
        with pytest.raises(AccessRefused, match="acme/nowhere was not found on") as caught:
            ingest(stand_in, tmp_path / "case", repositories=("acme/nowhere",))
        assert caught.value.exit_code == 4
        assert len(stand_in.requests) == 1


def test_row_6_a_run_deleted_after_it_was_listed_has_a_tombstone(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        world.before(f"/runs/{DEPLOY}/jobs", lambda now: now.delete_run(DEPLOY))
        ingest(stand_in, tmp_path / "case")
        lost = unlike(tmp_path / "case", tmp_path / "clean")
        assert lost[("run", str(DEPLOY))] == lost[("jobs", str(DEPLOY))] == "deleted"
        assert {key.partition("/")[0] for kind, key in lost if kind in ("run", "jobs", "logs", "attempt", "groups")} \
            == {str(DEPLOY)}  # fmt: skip
        assert [row[0] for row in rows(tmp_path / "case", "SELECT run_id FROM problems WHERE kind = 'run-deleted'")] \
            == [DEPLOY]  # fmt: skip
        assert "run-deleted" in told(tmp_path / "case")
        # What was listed of it stays, and it is not asked for again.
        assert rows(tmp_path / "case", "SELECT count(*) FROM runs WHERE run_id = $run", run=DEPLOY) == [(1,)]
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case")
        assert not [seen for seen in stand_in.requests if str(DEPLOY) in seen.path]


def test_row_6_an_attempt_that_is_gone_loses_nothing_else(tmp_path):
    world = still_world()
    world.rerun(CI)
    with StandIn(world) as stand_in:
        case, clean, _ = beside(stand_in, tmp_path, faults.not_found().on("attempt"))
    assert unlike(case, clean) == {("attempt", f"{CI}/1"): "deleted"}
    # Its jobs and logs tell that it was there.
    assert rows(case, "SELECT attempt FROM attempts WHERE run_id = $run ORDER BY 1", run=CI) == [(1,), (2,)]
    assert problems(case) == {"attempt-deleted": 1}


def test_row_8_an_endpoint_that_github_removed_stops_with_its_name(tmp_path):
    with StandIn(still_world()) as stand_in:
        stand_in.inject(faults.gone("This endpoint was removed.").on("deployments"))
        with pytest.raises(RequestInvalid, match=r"/repos/acme/storefront/deployments.* was removed by GitHub"):
            ingest(stand_in, tmp_path / "case")
        ingest(stand_in, tmp_path / "clean")
        ingest(stand_in, tmp_path / "case")
    assert differing(tmp_path / "case", tmp_path / "clean") == set()


def test_row_9_a_request_of_ours_that_is_invalid_is_loud_and_not_repeated(tmp_path):
    with StandIn(still_world()) as stand_in:
        stand_in.inject(faults.unprocessable("created").on("runs"))
        with pytest.raises(RequestInvalid, match="as invalid \\(422") as caught:
            ingest(stand_in, tmp_path / "case")
        assert "defect of forensics" in caught.value.hint
        assert len(stand_in.asked("runs")) == 1


def test_row_10_what_is_blocked_has_a_tombstone_and_the_rest_is_taken(tmp_path):
    with StandIn(still_world()) as stand_in:
        wrong = faults.blocked().on(target="/attempts/1/logs", nth=2)
        case, clean, _ = beside(stand_in, tmp_path, wrong)
        lost = unlike(case, clean)
        assert list(lost.values()) == ["blocked"]
        assert {kind for kind, _ in lost} == {"logs"}
        assert problems(case) == {"log-blocked": 1}
        stand_in.requests.clear()
        ingest(stand_in, case)
        assert not stand_in.asked("attempt-logs")


def test_row_11_a_renamed_repository_is_one_repository_in_the_case(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
        world.rename("acme/storefront", "acme/shop")
        added = world.add_run(workflow="docs.yml")
        summary = ingest(stand_in, tmp_path / "case")
        assert summary.moved == (("acme/storefront", "acme/shop"),)
        assert "acme/storefront is called acme/shop now." in summary.warnings
        again = ingest(stand_in, tmp_path / "case")
    assert {seen.authorization for seen in stand_in.requests if seen.origin == "api"} == {"Bearer tok"}
    assert {row[0] for row in rows(tmp_path / "case", "SELECT run_id FROM runs")} == {*EVERY_RUN, added}
    assert rows(tmp_path / "case", "SELECT DISTINCT repository FROM work") == [("acme/shop",)]
    assert again.requests <= 10
    assert problems(tmp_path / "case") == {}


def test_row_11_renamed_during_the_ingest(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        world.before("/jobs", lambda now: now.rename("acme/storefront", "acme/shop"), nth=2)
        summary = ingest(stand_in, tmp_path / "case")
    kinds = {one.kind: one for one in summary.completeness}
    assert kinds["logs"].listed == kinds["logs"].fetched == 5
    assert problems(tmp_path / "case") == {}


def test_row_48_an_enterprise_server_without_concurrency_groups_gives_everything_else(tmp_path):
    world = still_world()
    with StandIn(world, ghes=True) as stand_in:
        summary = ingest(stand_in, tmp_path / "case")
        kinds = {one.kind: one for one in summary.completeness}
        assert kinds["logs"].fetched == kinds["jobs"].fetched == 5
        assert kinds["groups"].fetched == 0
        assert problems(tmp_path / "case").keys() <= {"unavailable", "groups-deleted"}
        assert len(stand_in.asked("groups")) == 3
        stand_in.requests.clear()
        again = ingest(stand_in, tmp_path / "case")
        assert not stand_in.asked("groups")
        assert again.requests <= 10


def test_row_48_a_server_that_does_not_know_our_version_of_the_api_is_asked_without(tmp_path):
    with StandIn(still_world()) as stand_in:
        case, clean, _ = beside(stand_in, tmp_path, faults.version_refused().on(times=None))
        refused = [seen for seen in stand_in.requests if seen.status == 400]
    assert len(refused) == 1
    assert differing(case, clean) == set()


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        (faults.bad_credentials().on("jobs", nth=2), 4, "Bad credentials"),
        (faults.unprocessable().on("runs"), 1, "This is a defect of forensics"),
        (faults.gone("Gone").on("runs"), 1, "was removed by GitHub"),
    ],
)
def test_rows_1_8_9_on_the_command_line_the_same_command_goes_on_afterwards(wrong, code, says, tmp_path):
    with StandIn(still_world()) as stand_in:
        stand_in.inject(wrong)
        where = ("--repo", "acme/storefront", "--since", "2026-11-01", "--api-url", stand_in.api_url)
        first, _, said = command_line(tmp_path, "ingest", *where)
        second, _, err = command_line(tmp_path, "ingest", *where, "--logs", "none")
    assert (first, second) == (code, 0), err
    assert says in said
    assert "last ingest: done" in command_line(tmp_path, "status")[1]
