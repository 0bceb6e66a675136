"""Where the server points: logs and pages, over real sockets; tests name the row of the matrix."""

import itertools

import httpx2
import pytest
import trustme
from scripted import Say
from story import LOGS, RUN, all_pages, page, tell, tell_as_dotcom

from forensics.ingest.github.answer import Gone


async def read(location):
    return b"".join([chunk async for chunk in location.stream])


# --- rows 25 to 28: where a log lies


def test_row_25_27_each_question_for_a_log_gives_a_fresh_link_and_follows_none():
    numbers = itertools.count(1)

    def script(_):
        number = next(numbers)
        return Say(302, "", {"Location": f"http://127.0.0.1:1/logs.zip?sig=secret{number}"})

    async def act(story):
        return [await story.client.locate(LOGS, kind="logs") for _ in range(2)]

    story = tell(script, act)
    first, second = story.end
    assert (first.url, second.url) == tuple(f"http://127.0.0.1:1/logs.zip?sig=secret{n}" for n in (1, 2))
    assert first.stream is None and "secret" not in repr(story.seen.records)


@pytest.mark.parametrize(
    ("location", "names"),
    [
        ("http://blob.example/a.zip", "blob.example without encryption"),
        ("file:///etc/passwd", "file:"),
        ("https://169.254.169.254/a.zip", "169.254.169.254"),
        ("https://[::1]/a.zip", "::1"),
        ("https://me:pw@blob.example/a?sig=s3cret", "blob.example with a name and password"),
    ],
)
def test_row_25_a_link_that_leads_inside_or_out_of_encryption_is_refused(location, names):
    authority = trustme.CA()
    story = tell_as_dotcom(
        authority, [Say(302, "", {"Location": location})], lambda story: story.client.locate(LOGS, kind="logs")
    )
    assert isinstance(story.end, Gone) and story.end.state == "refused", story.end
    assert names in story.end.detail and "s3cret" not in story.end.detail


def test_row_25_a_log_that_leads_back_to_the_api_for_ever():
    story = tell([Say(302, "", {"Location": LOGS})], lambda story: story.client.locate(LOGS, kind="logs"))
    assert story.end.state == "failed" and len(story.targets) == 5


def test_row_26_a_redirect_without_location_is_an_error():
    story = tell([Say(302, "")], lambda story: story.client.locate(LOGS, kind="logs"))
    assert story.end.state == "failed" and "without saying where to" in story.end.detail


def test_row_26_a_log_sent_straight_away_is_streamed():
    async def act(story):
        location = await story.client.locate(LOGS, kind="logs")
        return location.url, location.length, await read(location)

    assert tell([Say(body=b"PK" * 50_000)], act).end == (None, 100_000, b"PK" * 50_000)


def test_row_26_a_stream_that_breaks_tells_so_without_the_request():
    async def act(story):
        return await read(await story.client.locate(LOGS, kind="logs"))

    story = tell([Say(body=b"PK" * 50_000, cut=70_000)], act)
    assert isinstance(story.end, httpx2.RemoteProtocolError)
    with pytest.raises(RuntimeError, match="request"):
        _ = story.end.request


def test_row_26_a_stream_that_nobody_reads_is_closed_with_the_client():
    story = tell([Say(body=b"PK" * 5_000_000)], lambda story: story.client.locate(LOGS, kind="logs"))
    assert story.end.url is None  # and no warning of an unclosed connection


def test_row_28_the_client_for_downloads_never_says_who_asks(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))

    async def act(story):
        await story.client.get(RUN, kind="run")
        blobs = story.client.blobs
        port = story.server.port
        answers = [
            await blobs.get(f"{story.server.url}/a.zip?sig=x"),
            await blobs.get(f"http://me:pw@127.0.0.1:{port}/a.zip"),
            await blobs.get(f"{story.server.url}/a.zip", headers={"Authorization": "Bearer x", "Cookie": "a=b"}),
        ]
        return [answer.status_code for answer in answers]

    story = tell([Say(302, "", {"Location": "/x", "Set-Cookie": "session=1; Path=/"}), Say()], act)
    sent = [request for request in story.server.requests if request.target.startswith("/a.zip")]
    assert len(sent) == 3
    for request in sent:
        assert "authorization" not in request.headers and "cookie" not in request.headers


# --- row 32: pages


def ids_of(answers):
    return [[run["id"] for run in answer.json()["workflow_runs"]] for answer in answers]


def count(answer):
    return len(answer.json()["workflow_runs"])


def test_row_32_pages_are_followed_by_link_below_our_base():
    def script(request):
        number = int(request.target.rpartition("=")[2]) if "&page=" in request.target else 1
        link = f'<https://api.github.com/repositories/7/runs?per_page=2&page={number + 1}>; rel="next"'
        return page(number, link=link if number < 3 else '<https://api.github.com/x>; rel="prev"')

    story = tell(script, lambda story: all_pages(story.client, "/repos/o/r/runs", {"per_page": 2}, count))
    assert ids_of(story.end) == [[1], [2], [3]]
    assert story.targets == [
        "/repos/o/r/runs?per_page=2",
        "/repositories/7/runs?per_page=2&page=2",
        "/repositories/7/runs?per_page=2&page=3",
    ]
    assert [answer.next_page for answer in story.end] == [*story.targets[1:], None]


def test_row_32_a_list_without_end_is_given_up():
    script = [page(1, link='</runs?page=2>; rel="next"'), page(2, link='</runs?page=2>; rel="next"')]
    got = []

    async def act(story):
        async for answer in story.client.pages("/runs", kind="runs"):
            got.append(answer)  # noqa: PERF401  # what was had before the end is looked at

    story = tell(script, act)
    assert ids_of(got) == [[1], [2]]
    assert story.end.state == "failed" and "the list has no end" in story.end.detail


def test_row_32_a_next_page_on_another_host_is_an_error():
    story = tell(
        [page(1, link='<https://evil.example/runs?page=2>; rel="next"')], lambda s: all_pages(s.client, "/runs")
    )
    assert story.end.state == "failed" and "evil.example" in story.end.detail


@pytest.mark.parametrize(
    ("script", "pages", "asked"),
    [
        ([page(1, 2), page(3)], [[1, 2], [3]], 2),  # the header was lost
        ([page(1, 2), page()], [[1, 2]], 2),  # the page was full by chance
        ([page(1, 2), page(1, 2)], [[1, 2]], 2),  # the server knows no pages
        ([page(1)], [[1]], 1),
        ([page(1, 2, link='</runs>; rel="first"')], [[1, 2]], 1),
    ],
    ids=["more", "no more", "the same again", "not full", "a header, but no next"],
)
def test_row_32_a_full_page_without_link_is_not_believed_to_be_the_last(script, pages, asked):
    story = tell(script, lambda story: all_pages(story.client, "/runs", {"per_page": 2}, count))
    assert ids_of(story.end) == pages and len(story.targets) == asked
    assert story.targets[1:] in ([], ["/runs?per_page=2&page=2"])
    assert [bool(answer.warnings) for answer in story.end] == [False, True][: len(pages)]
