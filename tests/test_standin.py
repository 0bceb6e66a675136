"""The stand-in GitHub before its judges: GitHub's own description, a Python client, and GitHub's client ``gh``."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from forensics.synth.rest import deployment_id
from tests.standin import Judge, StandIn, World, dense_world, one_day_world, quiet_world, tiny_world
from tests.standin.shapes import name_groups, suite_id

HOME = "/repos/acme/storefront"
GH = Path(sys.executable).parent / "gh"
described = pytest.mark.skipif(Judge.load() is None, reason="GitHub's description is not at hand")


@pytest.fixture(scope="module")
def world() -> World:
    """A hundred runs, one of them going on and one waiting; one deployment."""
    world = dense_world(runs=100, reruns=8)
    world.add_run(workflow="infra.yml", phase="in_progress")
    world.add_run(workflow="infra.yml", phase="queued")
    return world


@pytest.fixture(scope="module")
def github(world: World) -> Iterator[StandIn]:
    with StandIn(world, judge=Judge.load(), tls=True) as standin:
        yield standin


@pytest.fixture
def client(github: StandIn) -> Iterator[httpx2.Client]:
    with ask_as(github) as client:
        yield client


def ask_as(github: StandIn, token: str = "tok") -> httpx2.Client:
    headers = {"Accept": "application/vnd.github+json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    return httpx2.Client(base_url=github.api_url, headers=headers, timeout=10)


def every_target(world: World) -> list[str]:
    """One good request for each path of the description, and some more where forms differ."""
    again = next(state for state in world.repository().runs.values() if len(state.run.attempts) == 2)
    deployed = next(state for state in world.repository().runs.values() if state.run.workflow == "deploy.yml")
    going, waiting = (world.state(run_id) for run_id in world.run_ids()[-2:])
    run, job, sha = again.run_id, again.run.latest.jobs[0].job_id, again.run.commit.sha
    pulled = next(commit for commit in world.repository().commits.values() if commit.pull_request)
    group = name_groups(world.repository().history, going.run, going.run.latest)[0][1]
    deployment = deployment_id(next(job for job in deployed.run.latest.jobs if job.executed))
    tails = [
        "",
        "/actions/runs",
        "/actions/runs?per_page=100&page=2",
        "/actions/runs?created=>=2026-11-03&status=success&event=push&branch=main&exclude_pull_requests=true",
        f"/actions/runs?created=2026-11-02..2026-11-05&head_sha={sha}&actor=mira-holt&check_suite_id=7",
        f"/actions/runs/{run}",
        f"/actions/runs/{run}/attempts/1",
        f"/actions/runs/{run}/attempts/2",
        f"/actions/runs/{run}/attempts/1/jobs",
        f"/actions/runs/{run}/jobs?filter=all&per_page=100",
        f"/actions/runs/{going.run_id}",
        f"/actions/runs/{going.run_id}/jobs",
        f"/actions/runs/{waiting.run_id}/jobs",
        f"/actions/runs/{run}/logs",
        f"/actions/runs/{run}/attempts/1/logs",
        f"/actions/runs/{run}/concurrency_groups",
        f"/actions/runs/{going.run_id}/concurrency_groups?per_page=1",
        f"/actions/runs/{run}/approvals",
        f"/actions/runs/{run}/pending_deployments",
        f"/actions/runs/{run}/timing",
        f"/actions/runs/{run}/artifacts",
        f"/actions/jobs/{job}",
        f"/actions/jobs/{again.run.attempts[0].jobs[0].job_id}/logs",
        f"/check-runs/{job}",
        f"/check-runs/{job}/annotations",
        f"/check-suites/{suite_id(again.run)}",
        f"/check-suites/{suite_id(again.run)}/check-runs?per_page=100&filter=all",
        f"/check-suites/{suite_id(going.run)}/check-runs?status=in_progress&check_name=plan",
        "/actions/workflows",
        "/actions/workflows/ci.yml",
        "/actions/workflows/131450210/runs?status=completed",
        "/actions/workflows/ci.yml/timing",
        "/actions/concurrency_groups",
        f"/actions/concurrency_groups/{group}?ahead_of_run={going.run_id}",
        "/contents/.github/workflows/ci.yml",
        f"/contents/.github/workflows?ref={sha}",
        f"/commits/{pulled.sha}/pulls",
        f"/commits/{sha}/status",
        f"/commits/{sha}/statuses",
        "/pulls?state=all",
        "/deployments?environment=production",
        f"/deployments/{deployment}",
        f"/deployments/{deployment}/statuses",
        f"/deployments/{deployment}/statuses/{deployment * 4}",
        "/environments",
        "/actions/artifacts",
        "/actions/caches?sort=created_at",
        "/actions/cache/usage",
        "/actions/cache/retention-limit",
        "/actions/cache/storage-limit",
    ]
    return ["/rate_limit", *(HOME + tail for tail in tails), "/repositories/884120417/actions/runs?page=2"]


@described
def test_every_path_of_the_description_answers_as_described(
    github: StandIn, client: httpx2.Client, world: World
) -> None:
    judge = Judge.load()
    assert judge is not None
    statuses = {target: client.get(target).status_code for target in every_target(world)}

    assert {target: status for target, status in statuses.items() if status not in (200, 302)} == {}
    assert github.violations == []
    assert [wrong for target in statuses for wrong in judge.request("GET", target)] == []
    artifact = {f"{HOME}/actions/artifacts/1", f"{HOME}/actions/artifacts/1/zip"}
    asked = {judge.template(target) for target in {*statuses, *artifact}}
    assert asked >= set(judge.templates)


@described
def test_errors_are_as_described_too(github: StandIn, client: httpx2.Client) -> None:
    targets = ["/actions/runs/1", "/actions/runs/1/jobs", "/actions/runs/1/logs", "/actions/jobs/1", "/check-runs/1"]
    targets += ["/contents/nowhere.yml", "/contents/README.md?ref=nowhere", "/actions/runs?created=yesterday"]
    targets += ["/actions/runs?status=bogus", "/actions/concurrency_groups/nobody", "/no/such/endpoint"]

    answers = {target: client.get(HOME + target) for target in targets}

    assert [answer.status_code for answer in answers.values()] == [404] * 7 + [422, 422, 404, 404]
    assert all(answer.json()["message"] for answer in answers.values())
    assert github.violations == []


def test_headers_are_those_of_github(client: httpx2.Client) -> None:
    answer = client.get(f"{HOME}/actions/workflows")

    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-length" not in answer.headers
    assert answer.headers["etag"].startswith('W/"')
    assert answer.headers["x-accepted-github-permissions"] == "actions=read"
    assert answer.headers["x-github-api-version-selected"] == "2022-11-28"
    assert {"date", "x-github-request-id", "x-ratelimit-remaining", "vary"} <= set(answer.headers)


def test_a_client_without_gzip_gets_a_length(client: httpx2.Client) -> None:
    answer = client.get(f"{HOME}/actions/workflows", headers={"Accept-Encoding": "identity"})
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_304_does_not_count(client: httpx2.Client) -> None:
    first = client.get(f"{HOME}/actions/caches")
    again = client.get(f"{HOME}/actions/caches", headers={"If-None-Match": first.headers["etag"]})
    third = client.get(f"{HOME}/actions/caches", headers={"If-None-Match": 'W/"other"'})

    assert (again.status_code, again.content) == (304, b"")
    left = [int(answer.headers["x-ratelimit-remaining"]) for answer in (first, again, third)]
    assert left == [left[0], left[0], left[0] - 1]


@pytest.mark.parametrize("token", ["wrong", ""])
def test_401_without_the_right_token(github: StandIn, token: str) -> None:
    with ask_as(github, token) as client:
        answer = client.get(HOME)
    assert answer.status_code == 401
    assert answer.json()["status"] == "401"


def test_links_lead_through_all_pages_by_the_repositorys_number(client: httpx2.Client, world: World) -> None:
    seen: list[int] = []
    target = f"{HOME}/actions/runs?per_page=30"
    while target:
        answer = client.get(target)
        seen += [run["id"] for run in answer.json()["workflow_runs"]]
        target = answer.links.get("next", {}).get("url", "")
        assert not target or "/repositories/884120417/actions/runs?per_page=30&page=" in target

    assert seen == world.run_ids()[::-1]


def test_addresses_in_bodies_lead_back_to_the_stand_in(github: StandIn, client: httpx2.Client, world: World) -> None:
    run = client.get(f"{HOME}/actions/runs/{world.run_ids()[0]}").json()

    assert run["jobs_url"].startswith(github.api_url)
    assert client.get(run["jobs_url"]).json()["jobs"][0]["run_id"] == run["id"]
    assert run["html_url"].startswith("https://github.com/")


def test_an_enterprise_server_is_below_a_path_and_has_no_limits() -> None:
    with StandIn(tiny_world(), ghes=True) as github, ask_as(github) as client:
        assert github.api_url.endswith("/api/v3")
        answer = client.get(f"{HOME}/actions/runs")
        run = answer.json()["workflow_runs"][0]
        assert run["jobs_url"].startswith(f"{github.api_url}/repos/")
        assert not [name for name in answer.headers if name.startswith("x-ratelimit")]
        assert client.get(f"{HOME}/actions/runs/{run['id']}/concurrency_groups").status_code == 404


def test_logs_lie_elsewhere_for_a_minute_and_want_no_token(github: StandIn, world: World) -> None:
    run_id = next(run_id for run_id in world.run_ids() if len(world.state(run_id).run.attempts) == 2)
    with ask_as(github) as client, httpx2.Client() as other:
        answer = client.get(f"{HOME}/actions/runs/{run_id}/attempts/1/logs")
        place = answer.headers["location"]
        assert answer.status_code == 302
        assert place.startswith(github.blob_url) and "sig=" in place
        assert zipfile.ZipFile(io.BytesIO(other.get(place).content)).testzip() is None
        assert client.get(place).status_code == 400
        world.skip(61)
        late = other.get(place)
        assert (late.status_code, late.headers["content-type"]) == (403, "application/xml")


def test_a_search_shows_a_thousand_and_owns_up_to_2500() -> None:
    with StandIn(one_day_world(3500)) as github, ask_as(github) as client:
        runs = f"{HOME}/actions/runs?per_page=100"
        assert client.get(runs).json()["total_count"] == 3500
        found = client.get(f"{runs}&created=2026-11-03")
        assert found.json()["total_count"] == 2500
        assert "page=10>" in found.headers["link"]
        assert len(client.get(f"{runs}&created=2026-11-03&page=10").json()["workflow_runs"]) == 100
        assert client.get(f"{runs}&created=2026-11-03&page=11").json()["workflow_runs"] == []
        second = client.get(f"{runs}&created=2026-11-03T12:00:00Z").json()
        assert second["total_count"] >= 40
        assert {run["created_at"] for run in second["workflow_runs"]} == {"2026-11-03T12:00:00Z"}


def test_contents_as_json_raw_and_folder(client: httpx2.Client) -> None:
    path = f"{HOME}/contents/.github/workflows"
    raw = client.get(f"{path}/docs.yml", headers={"Accept": "application/vnd.github.raw+json"})
    assert raw.text.startswith("name: Docs")
    assert client.get(f"{path}/docs.yml").json()["size"] == len(raw.content)
    assert [entry["name"] for entry in client.get(path).json()][:2] == ["ci.yml", "deploy.yml"]


def test_head_has_no_body_and_other_methods_are_not_found(client: httpx2.Client) -> None:
    head = client.head(HOME)
    assert (head.status_code, head.content) == (200, b"")
    assert client.post(f"{HOME}/actions/runs").status_code == 404
    assert client.get("/nowhere").json()["message"] == "Not Found"


def test_the_log_tells_who_asked_for_what(world: World) -> None:
    with StandIn(world) as github:
        with ask_as(github) as client:
            client.get(f"{HOME}/actions/workflows?page=1")
            client.get(f"{HOME}/actions/runs/1/logs")
        lines = [(seen.kind, seen.method, seen.path, seen.query, seen.status) for seen in github.requests]
    assert lines == [
        ("workflows", "GET", f"{HOME}/actions/workflows", {"page": "1"}, 200),
        ("logs", "GET", f"{HOME}/actions/runs/1/logs", {}, 404),
    ]
    assert {seen.authorization for seen in github.requests} == {"Bearer tok"}
    assert len({seen.connection for seen in github.requests}) == 1


def test_a_tunnel_leads_nowhere_else(github: StandIn) -> None:
    with httpx2.Client(proxy=github.proxy_url) as client, pytest.raises(httpx2.ProxyError):
        client.get("https://elsewhere.example/")


def test_a_mistake_of_the_stand_in_fails_the_test() -> None:
    world = quiet_world()
    world.repository().runs[world.run_ids()[0]].run = None  # type: ignore[assignment]
    with pytest.raises(AssertionError, match="NoneType"), StandIn(world) as github, ask_as(github) as client:
        assert client.get(f"{HOME}/actions/runs").status_code == 500


class Gh:
    """GitHub's own client, unmodified, which takes the stand-in for api.github.com."""

    def __init__(self, github: StandIn, home: Path) -> None:
        self.environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "GH_CONFIG_DIR": str(home / "config"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_STATE_HOME": str(home / "state"),
            "GH_NO_UPDATE_NOTIFIER": "1",
            "NO_COLOR": "1",
            "GH_TOKEN": "tok",
            "HTTPS_PROXY": github.proxy_url,
            "SSL_CERT_FILE": str(github.ca_file),
        }

    def __call__(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment | more
        return subprocess.run([GH, *arguments], env=environment, capture_output=True, text=True, timeout=20)


@pytest.fixture
def gh(github: StandIn, tmp_path: Path) -> Gh:
    if not GH.exists():
        pytest.skip("gh is not installed")
    return Gh(github, tmp_path)


def test_gh_lists_runs(gh: Gh, world: World) -> None:
    listed = gh("run", "list", "-R", "acme/storefront", "-L", "3").stdout.splitlines()
    rows = [line.split("\t") for line in listed]
    assert [int(row[6]) for row in rows] == world.run_ids()[:-4:-1]
    assert [row[0] for row in rows] == ["queued", "in_progress", "completed"]


def test_gh_views_an_attempt_and_its_log(gh: Gh, world: World) -> None:
    again = next(state for state in world.repository().runs.values() if len(state.run.attempts) == 2)
    where = ("run", "view", "-R", "acme/storefront", str(again.run_id), "--attempt", "1")
    viewed, logged = gh(*where), gh(*where, "--log")

    assert viewed.returncode == logged.returncode == 0, viewed.stderr + logged.stderr
    assert all(f"(ID {job.job_id})" in viewed.stdout for job in again.run.attempts[0].jobs)
    assert "Attempt #1" in viewed.stdout
    executed = {job.name for job in again.run.attempts[0].jobs if job.executed}
    assert {line.split("\t")[0] for line in logged.stdout.splitlines()} == executed
    assert "Current runner version" in logged.stdout


@described
def test_gh_pages_through_everything_and_asks_for_nothing_undescribed(gh: Gh, github: StandIn, world: World) -> None:
    before = len(github.requests)
    pages = gh("api", "--paginate", "repos/acme/storefront/actions/runs?per_page=50", "--jq", ".workflow_runs[].id")
    assert [int(line) for line in pages.stdout.split()] == world.run_ids()[::-1]
    judge = Judge.load()
    assert judge is not None
    assert judge.log(github.requests[before:]) == []


def test_gh_takes_it_for_an_enterprise_server_too(gh: Gh, github: StandIn, world: World) -> None:
    host = github.tls_url.removeprefix("https://")
    more = {"GH_HOST": host, "GH_ENTERPRISE_TOKEN": "tok", "HTTPS_PROXY": ""}
    run_id = str(world.run_ids()[0])
    logged = gh("run", "view", "-R", f"{host}/acme/storefront", run_id, "--log", **more)
    assert "Current runner version" in logged.stdout, logged.stderr


def test_gh_understands_our_errors(gh: Gh) -> None:
    answer = gh("api", "rate_limit", GH_TOKEN="bad")
    assert answer.returncode == 1
    assert "HTTP 401" in answer.stderr
