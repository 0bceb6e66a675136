"""The way from the link to the disk: redirects, certificates, silence, and nobody told who asks."""

import asyncio
import ssl
from contextlib import suppress

import httpx2
import pytest
import trustme
from blobhost import (
    ARCHIVE,
    EXPIRED,
    JOB,
    LINE,
    LOGS,
    SECRET,
    WHOLE,
    Drip,
    Host,
    Locator,
    Observer,
    answer,
    drill,
    endless,
    good,
    md5,
    redirect,
    running,
)

from forensics.errors import ServerFailing, Unreachable
from forensics.ingest.github import transfer
from forensics.ingest.github.answer import Gone, Location, Policy, Server
from forensics.ingest.github.client import Client
from forensics.ingest.github.download import Downloader


def test_rows_28_and_56_nobody_says_who_asks_and_no_signature_is_recorded(tmp_path):
    told = httpx2.AsyncClient(headers={"Authorization": "Bearer ghp_secret"}, auth=("me", "pw"), trust_env=False)
    seen = drill(tmp_path, good(ARCHIVE), blobs=told)
    assert seen.outcome.checked == WHOLE
    (record,) = seen.records
    assert (record.method, record.kind, record.status, record.cost) == ("GET", "download", 200, 0)
    assert (record.bytes, record.error, record.quota_left) == (len(ARCHIVE), None, None)
    assert record.endpoint == f"127.0.0.1:{seen.host.port}/logs/1"


def test_row_28_a_name_in_the_link_is_not_sent_either(tmp_path):
    seen = drill(
        tmp_path, good(ARCHIVE), locate=lambda host, _: Location(f"http://octo:hunter22@127.0.0.1:{host.port}/x")
    )
    assert seen.outcome.state == "refused" and seen.host.asked == []
    assert "hunter22" not in seen.outcome.detail


def test_a_host_that_is_not_there_is_tried_again(tmp_path):
    def locate(host, number):
        return Location("http://127.0.0.1:9/x" if number == 1 else host.url("/x"))

    seen = drill(tmp_path, good(ARCHIVE), locate=locate)
    assert seen.outcome.checked == WHOLE and seen.records[0].status is None and seen.records[0].error


def test_row_25_redirects_of_the_host_are_followed_up_to_three(tmp_path):
    seen = drill(tmp_path, redirect("/b?sig=" + SECRET), redirect("../c"), redirect("/d"), good(ARCHIVE))
    assert seen.outcome.checked == WHOLE and len(seen.locator.asked) == 1
    assert [record.endpoint.partition("/")[2] for record in seen.records] == ["logs/1", "b", "c", "d"]
    assert [record.status for record in seen.records] == [302, 302, 302, 200]


def test_row_25_a_loop_ends_at_the_cap_and_names_the_host(tmp_path):
    seen = drill(tmp_path, redirect("/again"))
    assert seen.outcome.state == "failed" and len(seen.host.asked) == 4 and len(seen.locator.asked) == 1
    assert "127.0.0.1" in seen.outcome.detail and "redirected" in seen.outcome.detail


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://files.example/x", "http://a:b@127.0.0.1/", "http://[::1"]
)
def test_row_25_links_that_are_not_of_the_web_are_not_followed(tmp_path, to):
    seen = drill(tmp_path, redirect(to))
    assert seen.outcome.state == "refused" and "not followed" in seen.outcome.detail and len(seen.host.asked) == 1


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest", "http://localhost/", "http://10.0.0.8/", "http://[::1]/"]
)
def test_row_25_a_host_on_the_open_network_does_not_lead_inside(tmp_path, to):
    """The client answers in the place of the network, for nothing here may leave this machine."""
    asked = []

    def network(request):
        asked.append(request.url.host)
        return httpx2.Response(302, headers={"Location": to})

    seen = drill(
        tmp_path,
        good(b""),
        locate=lambda *_: Location("http://blob.example/x"),
        blobs=httpx2.AsyncClient(transport=httpx2.MockTransport(network)),
    )
    assert seen.outcome.state == "refused" and "inner network" in seen.outcome.detail and asked == ["blob.example"]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def secured(authority):
    """Contexts of a server and of a client that trusts it."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return server, client


def test_row_25_out_of_https_no_redirect_leads_to_http(tmp_path, secured):
    server, client = secured
    whole = drill(tmp_path, good(ARCHIVE), context=server, verify=client)
    assert whole.outcome.checked == WHOLE
    seen = drill(tmp_path, lambda host, _: redirect(f"http://127.0.0.1:{host.port}/"), context=server, verify=client)
    assert seen.outcome.state == "refused" and "127.0.0.1 without encryption" in seen.outcome.detail


def test_row_47_a_certificate_that_is_not_accepted_stops_at_once_with_a_hint(tmp_path, secured):
    seen = drill(tmp_path, good(ARCHIVE), context=secured[0])
    assert isinstance(seen.outcome, Unreachable) and "SSL_CERT_FILE" in seen.outcome.hint
    assert len(seen.locator.asked) == 1 and seen.left == [] and "certificate" in seen.records[0].error


def test_row_46_a_proxy_that_wants_a_password_stops_at_once(tmp_path):
    async def run():
        proxy = Host([answer(407)])
        async with running(proxy), httpx2.AsyncClient(proxy=proxy.url(""), trust_env=False) as blobs:
            api = Locator(proxy, blobs, lambda _: Location("https://blob.example/x"))
            with pytest.raises(Unreachable, match=r"The proxy of HTTPS_PROXY does not connect to blob\.example: 407"):
                await Downloader(api, Policy(), Observer(), tmp_path).fetch_archive(LOGS, "logs")
        return proxy.asked

    (asked,) = asyncio.run(run())
    assert asked.startswith("CONNECT blob.example:443 ")


def test_row_26_a_redirect_to_nowhere_is_an_error_and_tried_again(tmp_path):
    seen = drill(tmp_path, answer(302), good(ARCHIVE))
    assert seen.outcome.checked == WHOLE and "without saying where to go" in seen.records[0].error


class Given:
    """Bytes that the API sent itself."""

    def __init__(self, *chunks, error=None):
        self.chunks = list(chunks)
        self.error = error
        self.closed = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.chunks:
            return self.chunks.pop(0)
        if self.error:
            raise self.error
        raise StopAsyncIteration

    async def aclose(self):
        self.closed = True


def test_row_26_bytes_that_the_api_sends_itself_are_taken(tmp_path):
    given = Given(ARCHIVE[:50], ARCHIVE[50:])
    seen = drill(tmp_path, good(b""), locate=lambda *_: Location(None, given, len(ARCHIVE), {}))
    assert seen.outcome.checked == WHOLE and given.closed and seen.host.asked == [] and seen.records == []


def test_row_26_bytes_of_the_api_are_held_against_length_and_checksum_too(tmp_path):
    streams = [Given(LINE), Given(LINE * 2), Given(LINE, error=httpx2.ReadError("reset")), Given(LINE * 3)]
    headers = {"content-md5": md5(LINE * 3)}
    lengths = [3 * len(LINE), None, None, 3 * len(LINE)]
    seen = drill(
        tmp_path, good(b""), path=JOB,
        locate=lambda _, number: Location(None, streams[number - 1], lengths[number - 1], headers),
    )  # fmt: skip
    assert seen.outcome.file.read_bytes() == LINE * 3 and seen.outcome.warnings == ()
    assert all(stream.closed for stream in streams) and len(seen.locator.asked) == 4


class Token:
    source, mark = "GH_TOKEN", "mark"

    async def token(self):
        return "ghp_secret"

    async def renewed(self):
        return False


def with_client(tmp_path, path, api_answers, blob_answers, **more):
    """The real client asks the API, at a host of its own, with a token."""

    async def run():
        blob, api, observer = Host(blob_answers), Host([], is_api=True), Observer()
        async with running(blob), running(api):
            api.answers = api_answers(blob)
            server = Server(api.url(""), "127.0.0.1")
            async with Client(server, Token(), Policy(jitter=lambda: 0.0), observer) as client:
                downloads = Downloader(client, Policy(sleep=no_wait), observer, tmp_path)
                fetch = downloads.fetch_archive if path == LOGS else downloads.fetch_text
                try:
                    outcome = await fetch(path, "logs", **more)
                except Gone as gone:
                    outcome = gone
        assert all("\nAuthorization: Bearer ghp_secret\r\n" in head for head in api.asked)
        return outcome, api.asked, observer.records

    return asyncio.run(run())


async def no_wait(_):
    pass


def test_with_the_client_each_try_is_one_question_with_the_token_and_one_without(tmp_path):
    def api(blob):
        return [redirect(blob.url("/a?sig=" + SECRET)), redirect(blob.url("/b?sig=" + SECRET))]

    outcome, asked, records = with_client(tmp_path, LOGS, api, [answer(403, EXPIRED), good(ARCHIVE)])
    assert outcome.checked == WHOLE and len(asked) == 2
    assert [(record.kind, record.status, record.cost) for record in records] == [
        ("logs", 302, 1),
        ("download", 403, 0),
        ("logs", 302, 1),
        ("download", 200, 0),
    ]
    assert "dGhl" not in repr(records) and "ghp_" not in repr(records)


def test_with_the_client_bytes_sent_straight_away_are_taken_and_cut_ones_asked_for_again(tmp_path):
    outcome, asked, _ = with_client(
        tmp_path, JOB, lambda _: [answer(200, LINE, length=len(LINE) * 2), good(LINE * 2)], [good(b"")]
    )
    assert outcome.file.read_bytes() == LINE * 2 and len(asked) == 2


@pytest.mark.parametrize(
    ("status", "young", "state"), [(410, True, "expired"), (404, False, "expired"), (404, True, "not-ready")]
)
def test_row_7_with_the_client(tmp_path, status, young, state):
    message = b'{"message":"Server Error"}'
    outcome, asked, _ = with_client(tmp_path, LOGS, lambda _: [answer(status, message)], [good(b"")], young=young)
    assert (outcome.state, outcome.status, outcome.body, len(asked)) == (state, status, message, 1)


def test_row_27_an_expired_link_is_replaced_by_a_fresh_one(tmp_path):
    seen = drill(tmp_path, answer(403, EXPIRED), good(ARCHIVE))
    assert seen.outcome.checked == WHOLE and len(seen.locator.asked) == 2
    assert seen.records[0].status == 403 and "AuthenticationFailed" in seen.records[0].error


def test_rows_27_and_56_links_that_are_never_accepted_fail_and_give_no_signature_away(tmp_path):
    seen = drill(tmp_path, answer(403, EXPIRED))
    assert (seen.outcome.state, seen.outcome.status, len(seen.locator.asked)) == ("failed", 403, 5)
    assert b"Signature not valid: ***" in seen.outcome.body
    kept = repr((seen.outcome.detail, seen.outcome.body, seen.records))
    assert "dGhlLXNpZ25hdHVyZQ" not in kept and "sig=" not in kept


def test_a_host_that_is_busy_is_given_the_time_it_asks_for(tmp_path):
    seen = drill(tmp_path, answer(503, b"busy", "Retry-After: 17"), answer(500), good(ARCHIVE))
    assert seen.outcome.checked == WHOLE and seen.slept == [17.0, 2.0]


def test_row_17_many_downloads_failed_in_a_row_stop_the_ingest(tmp_path):
    assert drill(tmp_path, answer(500), failures_in_a_row=2).outcome.state == "failed"
    assert isinstance(drill(tmp_path, answer(500), failures_in_a_row=1).outcome, ServerFailing)


def test_row_45_a_body_that_stalls_is_begun_again(tmp_path):
    seen = drill(tmp_path, Drip(answer(200, ARCHIVE[:100], length=len(ARCHIVE))), good(ARCHIVE), stall=0.2)
    assert seen.outcome.checked == WHOLE and "went silent for 0.2 seconds" in seen.records[0].error


def test_row_45_a_host_that_accepts_and_says_nothing_is_asked_again(tmp_path):
    seen = drill(tmp_path, Drip(b""), good(ARCHIVE), stall=0.2)
    assert seen.outcome.checked == WHOLE and "did not answer within 0.2 seconds" in seen.records[0].error


def test_row_45_a_drip_ends_at_the_deadline_three_times(tmp_path):
    slow = Drip(answer(200, b"PK", length=1000), every=0.05)
    seen = drill(tmp_path, slow, good(ARCHIVE), download_deadline=0.4, stall=0.3)
    assert seen.outcome.checked == WHOLE and len(seen.locator.asked) == 2
    seen = drill(tmp_path, slow, download_deadline=0.4, stall=0.3)
    assert seen.outcome.state == "failed" and len(seen.locator.asked) == 3 and seen.left == []
    assert "not complete after 0.4 seconds" in seen.outcome.detail and seen.records[0].bytes > 0


def test_what_is_larger_than_is_ever_read_is_not_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "LARGEST_TOTAL", 100)
    for planted in (good(LINE * 3), endless(LINE * 3)):
        seen = drill(tmp_path, planted, path=JOB)
        assert seen.outcome.state == "refused" and seen.left == [] and len(seen.locator.asked) == 1


def test_a_cancelled_download_leaves_nothing_and_its_record_says_so(tmp_path):
    async def run():
        host, observer = Host([Drip(answer(200, ARCHIVE[:100], length=9_999))]), Observer()
        async with running(host), httpx2.AsyncClient(trust_env=False) as blobs:
            downloads = Downloader(Locator(host, blobs), Policy(), observer, tmp_path)
            task = asyncio.create_task(downloads.fetch_archive(LOGS, "logs-1-1"))
            while not list(tmp_path.glob("*.part")):
                await asyncio.sleep(0.01)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return observer.records

    (record,) = asyncio.run(run())
    assert record.error == "It was broken off." and not list(tmp_path.iterdir())
