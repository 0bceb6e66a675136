"""The judge bites: an answer or request that GitHub's description does not allow is told of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.standin import Judge, tiny_world
from tests.standin.shapes import show_jobs

JOBS = "/repos/acme/storefront/actions/runs/1/jobs"
RUNS = "/repos/acme/storefront/actions/runs"

pytestmark = pytest.mark.skipif(Judge.load() is None, reason="GitHub's description is not at hand")


@pytest.fixture
def judge() -> Judge:
    judge = Judge.load()
    assert judge is not None
    return judge


@pytest.fixture
def job() -> dict[str, Any]:
    """A good one."""
    world = tiny_world()
    state = world.state(world.run_ids()[0])
    return show_jobs(world.repository(), state, state.run.latest)[0]


def told(judge: Judge, job: dict[str, Any], status: int = 200, content_type: str = "application/json") -> list[str]:
    body = json.dumps({"total_count": 1, "jobs": [job]}).encode()
    return judge.response("GET", JOBS, status, content_type, body)


def test_a_good_answer_passes(judge: Judge, job: dict[str, Any]) -> None:
    assert told(judge, job) == []
    assert told(judge, job, content_type="application/json; charset=utf-8") == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("conclusion", "stale", "jobs.0.conclusion"),
        ("status", "thinking", "jobs.0.status"),
        ("started_at", None, "jobs.0.started_at"),
        ("started_at", "yesterday", "jobs.0.started_at"),
        ("id", "127", "jobs.0.id"),
        ("steps", [{"name": "Lint"}], "jobs.0.steps.0"),
    ],
)
def test_a_wrong_value_is_told_of(judge: Judge, job: dict[str, Any], field: str, value: object, said: str) -> None:
    (wrong, *_) = told(judge, job | {field: value})
    assert said in wrong


@pytest.mark.parametrize("field", ["head_sha", "runner_name", "check_run_url"])
def test_a_dropped_field_is_told_of(judge: Judge, job: dict[str, Any], field: str) -> None:
    del job[field]
    assert [field in wrong for wrong in told(judge, job)] == [True]


def test_what_may_be_null_may_be_null(judge: Judge, job: dict[str, Any]) -> None:
    assert told(judge, job | {"completed_at": None, "conclusion": None, "runner_name": None}) == []


def test_a_wrong_status_content_type_or_text_is_told_of(judge: Judge, job: dict[str, Any]) -> None:
    assert told(judge, job, status=204) == [
        "204 to GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs is not in the description."
    ]
    assert "content type 'text/html'" in told(judge, job, content_type="text/html")[0]
    assert "is not JSON" in judge.response("GET", JOBS, 200, "application/json", b'{"total_count":')[0]


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (f"{RUNS}?status=bogus", "'status' cannot be 'bogus'"),
        (f"{RUNS}?per_page=101", "'per_page' is 1 to 100, not 101"),
        (f"{RUNS}?per_page=all", "'per_page' is a number, not 'all'"),
        (f"{RUNS}?page=0", "'page' begins at 1"),
        (f"{RUNS}?since=2026-11-02", "no query parameter 'since'"),
        (f"{RUNS}?exclude_pull_requests=yes", "'exclude_pull_requests' is true or false"),
        (f"{RUNS}/latest", "'run_id' is a number, not 'latest'"),
        ("/repositories/7/actions/runs?status=bogus", "'status' cannot be 'bogus'"),
        ("/repos/acme/storefront/actions/run/7", "is not in the description"),
        ("/repos/acme/storefront/actions/runs/7/concurrency_groups?page=2", "no query parameter 'page'"),
    ],
)
def test_a_wrong_request_is_told_of(judge: Judge, target: str, said: str) -> None:
    (wrong,) = judge.request("GET", target)
    assert said in wrong


@pytest.mark.parametrize(
    "target",
    [
        f"{RUNS}?created=>=2026-11-01&per_page=100&page=11&status=stale",
        f"{RUNS}?created=2026-11-01..2026-11-02T10:00:00Z&exclude_pull_requests=true",
        "/repositories/7/actions/runs?per_page=100&page=2",
        "/repos/acme/storefront/contents/.github/workflows/ci.yml?ref=main",
        "/repos/acme/storefront/actions/workflows/ci.yml/runs",
        "/repos/acme/storefront/actions/concurrency_groups/ci-refs%2Fheads%2Fmain",
        "/repos/acme/storefront/actions/runs/7/concurrency_groups?per_page=100&after=abc",
        "/rate_limit",
        "/graphql",
    ],
)
def test_a_good_request_passes(judge: Judge, target: str) -> None:
    assert judge.request("GET", target) == []


def test_gone_logs_pass_though_the_description_does_not_tell_of_them(judge: Judge) -> None:
    error = b'{"message":"Server Error","documentation_url":"https://docs.github.com/rest","status":"410"}'
    assert judge.response("GET", f"{RUNS}/7/logs", 410, "application/json", error) == []
    assert judge.response("GET", f"{RUNS}/7", 410, "application/json", error) != []
