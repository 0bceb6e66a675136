"""Each fault as a client meets it, and the good health afterwards."""

from __future__ import annotations

import io
import re
import time
import zipfile

import httpx2
import pytest

from tests.standin import Fault, StandIn, World, archives, faults, tiny_world

HOME = "/repos/acme/storefront"
RUNS = f"{HOME}/actions/runs"


@pytest.fixture(scope="module")
def world() -> World:
    return tiny_world()


def meet(world: World, fault: Fault, target: str = RUNS, *, timeout: float = 5.0) -> httpx2.Response:
    """What a client sees of the fault; afterwards it is used up and the server in good health."""
    with StandIn(world, faults=[fault]) as github, client(github, timeout) as asking:
        try:
            return asking.get(target)
        finally:
            assert github.faults.left == []
            assert github.requests[0].fault == fault.name
            assert asking.get(target).status_code == 200


def client(github: StandIn, timeout: float = 5.0) -> httpx2.Client:
    return httpx2.Client(base_url=github.api_url, headers={"Authorization": "Bearer tok"}, timeout=timeout)


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        (faults.bad_credentials(), 401, "Bad credentials"),
        (faults.sso_required(), 403, "SAML"),
        (faults.not_accessible(), 403, "Resource not accessible"),
        (faults.not_found(), 404, "Not Found"),
        (faults.gone(), 410, "Server Error"),
        (faults.unprocessable(), 422, "Validation Failed"),
        (faults.blocked(), 451, "Repository access blocked"),
        (faults.primary_limit(), 403, "API rate limit exceeded"),
        (faults.primary_limit(429), 429, "API rate limit exceeded"),
        (faults.secondary_limit(), 403, "secondary rate limit"),
        (faults.secondary_limit(429, retry_after=3), 429, "secondary rate limit"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_errors_in_githubs_words(world: World, fault: Fault, status: int, message: str) -> None:
    answer = meet(world, fault)
    assert answer.status_code == status
    assert message in answer.json()["message"]
    assert "x-github-request-id" in answer.headers


def test_headers_of_the_limits(world: World) -> None:
    primary = meet(world, faults.primary_limit(reset=90)).headers
    assert primary["x-ratelimit-remaining"] == "0"
    assert 88 <= int(primary["x-ratelimit-reset"]) - world.clock() <= 90
    assert "retry-after" not in primary
    assert meet(world, faults.secondary_limit(retry_after=7)).headers["retry-after"] == "7"
    assert meet(world, faults.secondary_limit(retry_after=7, http_date=True)).headers["retry-after"].endswith("GMT")
    assert "retry-after" not in meet(world, faults.secondary_limit()).headers
    third = meet(world, faults.secondary_limit(remaining=0)).headers
    assert third["x-ratelimit-remaining"] == "0"
    assert meet(world, faults.nearly_used_up(3)).headers["x-ratelimit-remaining"] == "3"
    assert meet(world, faults.other_resource()).headers["x-ratelimit-resource"] == "search"
    without = meet(world, faults.without_limits())
    assert without.status_code == 200
    assert not [name for name in without.headers if name.startswith("x-ratelimit")]


def test_headers_of_sso_and_time(world: World) -> None:
    assert meet(world, faults.sso_required()).headers["x-github-sso"].startswith("required; url=https://github.com/")
    assert meet(world, faults.sso_partial("7")).headers["x-github-sso"] == "partial-results; organizations=7"
    assert meet(world, faults.not_accessible("checks=read")).headers["x-accepted-github-permissions"] == "checks=read"
    assert meet(world, faults.skewed(86_400 * 365)).headers["date"].split()[3] == "2027"


def test_broken_documents(world: World) -> None:
    assert meet(world, faults.unicorn(503)).status_code == 503
    assert "Unicorn" in meet(world, faults.html_instead()).text
    assert meet(world, faults.empty_body()).content == b""
    with pytest.raises(ValueError, match="Expecting"):
        meet(world, faults.cut_json()).json()
    assert meet(world, faults.with_json(lambda value: {**value, "total_count": 7})).json()["total_count"] == 7
    unchanged = meet(world, faults.unchanged_always())
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_broken_links(world: World) -> None:
    paged = f"{RUNS}?per_page=2"
    assert "next" not in meet(world, faults.link_missing(), paged).links
    assert meet(world, faults.link_repeats(), paged).links["next"]["url"].endswith(paged)
    assert "api.github.example" in meet(world, faults.link_elsewhere(), paged).links["next"]["url"]


def test_redirects(world: World) -> None:
    for place in ("http://elsewhere.example/", "file:///etc/passwd", "http://169.254.169.254/"):
        answer = meet(world, faults.redirect(place))
        assert (answer.status_code, answer.headers["location"]) == (302, place)
    assert "location" not in meet(world, faults.redirect(None)).headers
    assert meet(world, faults.redirect_loop(307)).headers["location"].endswith(RUNS)
    straight = meet(world, faults.straight_away())
    assert zipfile.ZipFile(io.BytesIO(straight.content)).testzip() is None


def test_the_version_header_is_refused_to_those_who_send_it(world: World) -> None:
    with StandIn(world, faults=[faults.version_refused().on(times=None)]) as github, client(github) as asking:
        assert asking.get(RUNS, headers={"X-GitHub-Api-Version": "2022-11-28"}).status_code == 400
        assert asking.get(RUNS).status_code == 200
        assert asking.get(RUNS, headers={"X-GitHub-Api-Version": "1999-01-01"}).status_code == 400


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.dropped(), (httpx2.ReadError, httpx2.RemoteProtocolError)),
        (faults.dropped(after_headers=True), (httpx2.ReadError, httpx2.RemoteProtocolError)),
        (faults.cut_off(30, framing="length"), httpx2.RemoteProtocolError),
        (faults.cut_off(30, framing="chunked"), httpx2.RemoteProtocolError),
        (faults.cut_off(30, by="reset"), (httpx2.ReadError, httpx2.RemoteProtocolError)),
        (faults.stalled(), httpx2.ReadTimeout),
        (faults.stalled(30), httpx2.ReadTimeout),
        (faults.slow(2.0), httpx2.ReadTimeout),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_broken_connections(world: World, fault: Fault, error: type[Exception]) -> None:
    with pytest.raises(error):
        meet(world, fault, timeout=0.3)


def test_a_body_that_ends_early_without_a_length_looks_whole(world: World) -> None:
    """As facts have it: only a checksum tells."""
    with StandIn(world, faults=[faults.cut_off(30, framing="close")]) as github, client(github) as asking:
        answer = asking.get(RUNS, headers={"Accept-Encoding": "identity"})
    assert (answer.status_code, len(answer.content)) == (200, 30)


def test_a_drip_outlives_a_timeout_for_each_read(world: World) -> None:
    began = time.monotonic()
    answer = meet(world, faults.dripping(30, 0.05), f"{HOME}/actions/caches", timeout=0.2)
    assert answer.json()["total_count"] == 5
    assert time.monotonic() - began > 0.3


def fetch(world: World, fault: Fault) -> httpx2.Response:
    """The log archive of a run, through a redirect that keeps no token."""
    with StandIn(world, faults=[fault]) as github, client(github) as asking, httpx2.Client() as other:
        place = asking.get(f"{RUNS}/{world.run_ids()[0]}/logs").headers["location"]
        answer = other.get(place)
        assert github.faults.left == []
        assert zipfile.ZipFile(io.BytesIO(other.get(place).content)).testzip() is None
        return answer


def test_broken_downloads(world: World) -> None:
    expired = fetch(world, faults.address_expired())
    assert (expired.status_code, b"AuthenticationFailed" in expired.content) == (403, True)
    assert zipfile.ZipFile(io.BytesIO(fetch(world, faults.bad_crc()).content)).testzip() is not None
    for broken in (faults.truncated(), faults.garbage()):
        answer = fetch(world, broken)
        assert len(answer.content) == int(answer.headers["content-length"])
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(answer.content))
    bomb = fetch(world, faults.bomb()).content
    assert zipfile.ZipFile(io.BytesIO(bomb)).infolist()[0].file_size > 500 * len(bomb)
    with pytest.raises(httpx2.RemoteProtocolError):
        fetch(world, faults.cut_off(200).on("download"))


def test_hostile_archives() -> None:
    def read(content: bytes) -> list[zipfile.ZipInfo]:
        return zipfile.ZipFile(io.BytesIO(content)).infolist()

    names = ["../../etc/x", "/etc/x", "a", "a"]
    assert [entry.filename for entry in read(archives.named(*names))] == names
    assert read(archives.symlink())[0].external_attr >> 28 == 0o12
    assert len(read(archives.crowded(300))) == 300


def test_a_body_larger_than_memory_is_streamed(world: World) -> None:
    block = bytes(1 << 20)
    fault = faults.streamed(lambda: (block for _ in range(300)))
    size = 0
    with StandIn(world, faults=[fault]) as github, client(github) as asking, httpx2.Client() as other:
        place = asking.get(f"{RUNS}/{world.run_ids()[0]}/logs").headers["location"]
        with other.stream("GET", place) as answer:
            for piece in answer.iter_raw():
                size += len(piece)
    assert size == 300 << 20


def test_the_nth_request_of_a_kind_is_struck_so_often(world: World) -> None:
    told = [
        faults.unicorn().on("jobs", nth=2, times=2),
        faults.not_found().on(target=r"per_page=7\b"),
        faults.gone().on("jobs", nth=4),
    ]
    jobs = f"{RUNS}/{world.run_ids()[0]}/jobs"
    with StandIn(world, faults=told) as github, client(github) as asking:
        said = [asking.get(jobs).status_code for _ in range(6)]
        others = [asking.get(f"{RUNS}?per_page={size}").status_code for size in (6, 7, 7)]
        github.inject(faults.bad_credentials())
        assert asking.get("/rate_limit").status_code == 401
    assert said == [200, 502, 502, 410, 200, 200]
    assert others == [200, 404, 200]
    assert github.faults.struck[:3] == ["502 unicorn", "502 unicorn", "410 Server Error"]


def test_every_row_that_a_server_can_play_is_there() -> None:
    """The world plays 6, 29, 30, 34-40 and 58; certificates and tunnels 46 and 47; the others no server can."""
    made = [value for name, value in vars(faults).items() if callable(value) and value.__module__ == faults.__name__]
    told = " ".join(re.findall(r"Rows? ([\d, -]+)", " ".join(make.__doc__ or "" for make in made)))
    rows = {int(number) for number in re.findall(r"\d+", told)}
    assert rows >= {1, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27}
    assert rows >= {32, 33, 41, 43, 45, 48}
