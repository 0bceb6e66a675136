"""What happens on the stand-in while it is asked, and the worlds that it can be given."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.standin import (
    DROPPED,
    StandIn,
    World,
    dense_world,
    one_day_world,
    quiet_world,
    second_repository,
    tiny_world,
)
from tests.standin.ask import Refused
from tests.standin.search import read_range

HOME = "/repos/acme/storefront"
RUNS = f"{HOME}/actions/runs"


@pytest.fixture
def world() -> World:
    return tiny_world()


@pytest.fixture
def client(world: World) -> Iterator[httpx2.Client]:
    with StandIn(world) as github:
        headers = {"Authorization": "Bearer tok"}
        with httpx2.Client(base_url=github.api_url, headers=headers, timeout=5) as client:
            yield client


def test_a_rerun_keeps_the_old_creation_and_says_queued(world: World, client: httpx2.Client) -> None:
    run_id = world.run_ids()[0]
    before = client.get(f"{RUNS}/{run_id}").json()
    assert before["previous_attempt_url"] is None
    assert world.rerun(run_id, phase="queued") == 2

    queued = client.get(f"{RUNS}/{run_id}").json()
    assert (queued["run_attempt"], queued["status"], queued["conclusion"]) == (2, "queued", None)
    assert queued["created_at"] == before["created_at"]
    assert queued["updated_at"] > before["updated_at"]
    assert client.get(queued["previous_attempt_url"]).json()["conclusion"] == "failure"
    assert {job["status"] for job in client.get(queued["jobs_url"]).json()["jobs"]} == {"queued"}
    assert client.get(f"{RUNS}/{run_id}/logs").status_code == 404
    assert client.get(f"{RUNS}/{run_id}/attempts/1/logs").status_code == 302

    world.begin(run_id)
    assert client.get(f"{RUNS}/{run_id}").json()["status"] == "in_progress"
    world.finish(run_id)
    assert client.get(f"{RUNS}/{run_id}").json()["conclusion"] == "success"
    assert client.get(f"{RUNS}/{run_id}/attempts/2/logs").status_code == 302


def test_a_partial_rerun_copies_jobs_with_the_new_attempt_and_new_ids(world: World, client: httpx2.Client) -> None:
    run_id = world.run_ids()[0]
    world.rerun(run_id, only_failed=True)
    first, second = (client.get(f"{RUNS}/{run_id}/attempts/{n}/jobs").json()["jobs"] for n in (1, 2))
    every = client.get(f"{RUNS}/{run_id}/jobs?filter=all&per_page=100").json()["jobs"]

    assert {job["run_attempt"] for job in second} == {2}
    old = {job["name"]: job for job in first if job["conclusion"] == "success"}
    copied = {job["name"]: job for job in second if job["name"] in old}
    assert old
    assert {name: job["started_at"] for name, job in copied.items()} == {
        name: job["started_at"] for name, job in old.items()
    }
    assert not {job["id"] for job in first} & {job["id"] for job in second}
    assert len(every) == len(first) + len(second)
    assert client.get(f"{HOME}/actions/jobs/{next(iter(copied.values()))['id']}/logs").status_code == 302


def test_a_change_changes_the_etag(world: World, client: httpx2.Client) -> None:
    first = client.get(RUNS).headers["etag"]
    assert client.get(RUNS).headers["etag"] == first
    world.touch(world.run_ids()[0])
    assert client.get(RUNS, headers={"If-None-Match": first}).status_code == 200


def test_etags_differ_by_token_and_accept() -> None:
    with StandIn(tiny_world(tokens=("tok", "kot"))) as github, httpx2.Client(base_url=github.api_url) as client:
        asked = [("tok", "application/json"), ("kot", "application/json"), ("tok", "*/*")]
        etags = {
            client.get(RUNS, headers={"Authorization": f"token {token}", "Accept": accept}).headers["etag"]
            for token, accept in asked
        }
    assert len(etags) == 3


def test_deleted_runs_and_expired_logs(world: World, client: httpx2.Client) -> None:
    first, second, *_ = world.run_ids()
    world.delete_run(first)
    world.expire_logs(second)

    assert client.get(RUNS).json()["total_count"] == 4
    assert client.get(f"{RUNS}/{first}").status_code == 404
    gone = client.get(f"{RUNS}/{second}/logs")
    assert (gone.status_code, gone.json()["message"]) == (410, "Server Error")
    job = world.state(second).run.latest.jobs[0].job_id
    assert client.get(f"{HOME}/actions/jobs/{job}/logs").status_code == 410


def test_pages_shift_while_a_client_reads_them(world: World, client: httpx2.Client) -> None:
    world.before(r"[?&]page=2", lambda world: world.add_run())
    pages = [client.get(f"{RUNS}?per_page=2&page={page}").json() for page in (1, 2, 3)]
    ids = [run["id"] for page in pages for run in page["workflow_runs"]]

    assert [page["total_count"] for page in pages] == [5, 6, 6]
    assert len(ids) == 6 and len(set(ids)) == 5


def test_something_happens_at_the_nth_request(world: World, client: httpx2.Client) -> None:
    world.at(2, lambda world: world.revoke("tok"))
    assert [client.get(HOME).status_code for _ in range(3)] == [200, 401, 401]


def test_the_hour_is_used_up_and_begins_anew(world: World, client: httpx2.Client) -> None:
    world.limit = 3
    answers = [client.get(HOME) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 403]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert client.get("/rate_limit").json()["resources"]["core"]["remaining"] == 0
    world.skip(int(answers[3].headers["x-ratelimit-reset"]) - world.clock() + 1)
    assert client.get(HOME).status_code == 200


def test_a_renamed_repository_says_where_it_is(world: World, client: httpx2.Client) -> None:
    world.rename("acme/storefront", "acme/shopfront")
    moved = client.get(f"{RUNS}?page=1")

    assert moved.status_code == 301
    assert moved.headers["location"].endswith("/repositories/884120417/actions/runs?page=1")
    followed = client.get(moved.headers["location"]).json()["workflow_runs"][0]
    assert followed["repository"]["full_name"] == "acme/shopfront"
    world.remove("acme/shopfront")
    assert client.get(RUNS).status_code == 404


def test_two_repositories_keep_apart() -> None:
    one = tiny_world().repository().history
    world = World([one, second_repository(quiet_world(seed=9).repository().history)])
    with StandIn(world) as github:
        headers = {"Authorization": "Bearer tok"}
        with httpx2.Client(base_url=github.api_url, headers=headers) as client:
            repositories = [client.get(f"/repos/acme/{name}").json() for name in ("storefront", "warehouse")]
            listed = [client.get(f"/repos/{told['full_name']}/actions/runs").json() for told in repositories]
    assert repositories[0]["id"] != repositories[1]["id"]
    assert [page["total_count"] for page in listed] == [5, len(world.run_ids("acme/warehouse"))]
    assert {page["workflow_runs"][0]["repository"]["id"] for page in listed} == {told["id"] for told in repositories}


def test_altered_fields_are_shown_as_told(world: World, client: httpx2.Client) -> None:
    run_id = world.run_ids()[0]
    job_id = world.state(run_id).run.latest.jobs[0].job_id
    world.alter_run(run_id, conclusion="eaten_by_bear", actor=None, head_branch=DROPPED, extra={"a": 1})
    world.alter_job(job_id, started_at=None)
    run = client.get(f"{RUNS}/{run_id}").json()

    assert (run["conclusion"], run["actor"], run["extra"]) == ("eaten_by_bear", None, {"a": 1})
    assert "head_branch" not in run
    assert client.get(f"{HOME}/actions/jobs/{job_id}").json()["started_at"] is None


def test_annotations_and_files_can_be_put(world: World, client: httpx2.Client) -> None:
    run_id = world.run_ids()[0]
    job_id = world.state(run_id).run.latest.jobs[1].job_id
    world.annotate(job_id, 45)
    world.put_file(".github/workflows/big.yml", b"x" * (1 << 21))
    world.put_file(".github/workflows/ci.yml", None, sha=world.state(run_id).run.commit.sha)

    assert client.get(f"{HOME}/check-runs/{job_id}").json()["output"]["annotations_count"] == 45
    pages = [client.get(f"{HOME}/check-runs/{job_id}/annotations?page={page}").json() for page in (1, 2)]
    assert [len(page) for page in pages] == [30, 15]
    big = client.get(f"{HOME}/contents/.github/workflows/big.yml").json()
    assert (big["encoding"], big["content"]) == ("none", "")
    ci = f"{HOME}/contents/.github/workflows/ci.yml"
    assert client.get(f"{ci}?ref={world.state(run_id).run.commit.sha}").status_code == 404
    assert client.get(ci).status_code == 200


def test_concurrency_groups_of_runs_that_wait_and_of_runs_that_are_over(world: World, client: httpx2.Client) -> None:
    over = world.run_ids()[3]
    holder = world.add_run(workflow="infra.yml", phase="in_progress")
    waiter = world.add_run(workflow="infra.yml", phase="queued")
    groups = [client.get(f"{RUNS}/{run_id}/concurrency_groups").json() for run_id in (over, holder)]

    assert [group["concurrency_groups"][0]["group_name"] for group in groups] == ["terraform-production"] * 2
    members = groups[1]["concurrency_groups"][0]["group_members"]
    assert [(one["run_id"], one["status"], one["position"]) for one in members] == [
        (holder, "in_progress", 0),
        (waiter, "pending", 1),
    ]
    live = f"{HOME}/actions/concurrency_groups"
    assert client.get(live).json()["total_count"] == 1
    assert client.get(f"{live}/terraform-production").json()["total_count"] == 2
    for run_id in (holder, waiter):
        world.finish(run_id)
    assert client.get(f"{live}/terraform-production").status_code == 404
    assert client.get(f"{RUNS}/{holder}/concurrency_groups").json()["concurrency_groups"][0]["group_members"] == []


def test_group_names_are_those_of_the_workflow_file() -> None:
    world = dense_world(runs=60, reruns=2)
    run_id = next(i for i in world.run_ids() if world.state(i).run.event == "pull_request")
    with StandIn(world) as github, httpx2.Client(base_url=github.api_url) as client:
        headers = {"Authorization": "Bearer tok"}
        told = client.get(f"{RUNS}/{run_id}/concurrency_groups", headers=headers).json()
    number = world.state(run_id).run.commit.pull_request
    assert told["concurrency_groups"][0]["group_name"] == f"ci-refs/pull/{number}/merge"
    assert told["concurrency_groups"][0]["group_url"].endswith(f"/ci-refs%2Fpull%2F{number}%2Fmerge")


def test_an_app_gets_a_token_for_an_hour(world: World, client: httpx2.Client) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    world.install_app(77, 4711, key.public_key().public_bytes(*form).decode())

    def sign(**more: Any) -> dict[str, str]:
        now = int(world.clock())
        claims = {"iat": now - 60, "exp": now + 540, "iss": "77"} | more
        return {"Authorization": f"Bearer {jwt.encode(claims, key, algorithm='RS256')}"}

    assert client.get(f"{HOME}/installation", headers=sign()).json()["id"] == 4711
    path = "/app/installations/4711/access_tokens"
    assert client.post(path).status_code == 401
    for wrong in ({"iss": "78"}, {"exp": int(world.clock()) + 3600}, {"iat": int(world.clock()) + 60}):
        assert client.post(path, headers=sign(**wrong)).status_code == 401
    made = client.post(path, headers=sign())
    assert made.status_code == 201
    token = {"Authorization": f"Bearer {made.json()['token']}"}
    assert client.get(HOME, headers=token).status_code == 200
    world.skip(3601)
    assert client.get(HOME, headers=token).status_code == 401


DAY = datetime(2026, 11, 2)


@pytest.mark.parametrize(
    ("text", "first", "end"),
    [
        ("2026-11-02", DAY, DAY + timedelta(days=1)),
        (">=2026-11-02", DAY, datetime.max),
        (">2026-11-02", DAY + timedelta(days=1), datetime.max),
        ("<2026-11-02", datetime.min, DAY),
        ("<=2026-11-02", datetime.min, DAY + timedelta(days=1)),
        ("2026-11-02..2026-11-03", DAY, DAY + timedelta(days=2)),
        ("2026-11-02..*", DAY, datetime.max),
        ("*..2026-11-02", datetime.min, DAY + timedelta(days=1)),
        ("2026-11-02T00:00:05Z", DAY + timedelta(seconds=5), DAY + timedelta(seconds=6)),
        ("2026-11-02T02:00:00+02:00..2026-11-02T00:00:09Z", DAY, DAY + timedelta(seconds=10)),
    ],
)
def test_ranges_of_creation(text: str, first: datetime, end: datetime) -> None:
    assert read_range(text) == (first, end)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", ">=", "2026-11-02...2026-11-03", "2026-11-02 10:00"])
def test_a_range_that_is_none(text: str) -> None:
    with pytest.raises(Refused, match="Validation Failed"):
        read_range(text)


def test_the_dense_world_is_as_large_as_told() -> None:
    began = time.monotonic()
    world = dense_world()
    lasted = time.monotonic() - began
    states = world.repository().runs.values()
    attempts = [(state.run, attempt) for state in states for attempt in state.run.attempts]

    assert lasted < 3
    assert (len(states), len(attempts)) == (600, 630)
    assert all(any(job.executed for job in attempt.jobs) for _, attempt in attempts)
    assert len({run.workflow for run, _ in attempts}) == 5
    assert any(job.copied for _, attempt in attempts for job in attempt.jobs)
    troubled = [j for _, a in attempts for j in a.jobs if j.conclusion in ("failure", "cancelled") and not j.copied]
    assert {job.conclusion for job in troubled} == {"failure", "cancelled"}
    assert all(job.annotations for job in troubled)


def test_one_day_holds_thousands_of_runs() -> None:
    began = time.monotonic()
    world = one_day_world(3500, in_one_second=1200)
    assert time.monotonic() - began < 3
    runs = [state.run for state in world.repository().runs.values()]
    noon = datetime(2026, 11, 3, 12)

    assert len({run.run_id for run in runs}) == 3500
    assert {run.created_at.date() for run in runs} == {noon.date()}
    assert sum(noon <= run.created_at < noon + timedelta(seconds=1) for run in runs) >= 1200
    assert len({job.job_id for run in runs for job in run.latest.jobs}) == sum(len(run.latest.jobs) for run in runs)


def test_requests_under_way_at_once_are_counted(world: World) -> None:
    async def ask() -> None:
        headers = {"Authorization": "Bearer tok"}
        async with httpx2.AsyncClient(base_url=github.api_url, headers=headers) as client:
            await asyncio.gather(*(client.get(HOME) for _ in range(5)))

    # In a thread of its own: where a browser test ran before, its loop goes on in this one.
    with StandIn(world, latency=0.1) as github, ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(ask())).result(30)
    assert github.most_at_once == 5


@pytest.mark.parametrize("certificate", ["expired", "wrong host"])
def test_bad_certificates(world: World, certificate: Any) -> None:
    with StandIn(world, tls=True, certificate=certificate) as github:
        trust = ssl.create_default_context(cafile=str(github.ca_file))
        with httpx2.Client(proxy=github.proxy_url, verify=trust) as client, pytest.raises(httpx2.ConnectError):
            client.get("https://api.github.com/rate_limit")
        assert github.tunnels == ["api.github.com"]


def test_a_proxy_that_wants_a_password(world: World) -> None:
    with StandIn(world, tls=True) as github:
        github.refuse_tunnels = 407
        with httpx2.Client(proxy=github.proxy_url) as client, pytest.raises(httpx2.ProxyError, match="407"):
            client.get("https://api.github.com/rate_limit")


def test_it_is_fast(world: World) -> None:
    """A whole ingest of hundreds of runs is tested in seconds: 1,500 small answers a second and more, alone."""
    with StandIn(world) as github:
        host, _, port = github.api_url.removeprefix("http://").partition(":")
        head = f"GET {HOME}/actions/workflows/ci.yml HTTP/1.1\r\nHost: {host}:{port}\r\n"
        asked = f"{head}Authorization: Bearer tok\r\n\r\n"
        with socket.create_connection((host, int(port))) as connection:
            began = time.process_time()
            for _ in range(500):
                connection.sendall(asked.encode())
                while not connection.recv(1 << 16).endswith(b"}"):
                    pass
            used = time.process_time() - began
    assert 500 / used > 1500
