"""Downloads against a host of raw sockets: each test plants what the host sends, one answer a request."""

import asyncio
import base64
import errno
import gzip
import hashlib
import io
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import zipfile
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
import trustme

from forensics.errors import ForensicsError, ServerFailing, Unreachable
from forensics.ingest import caps
from forensics.ingest.github import body as body_module
from forensics.ingest.github import transfer
from forensics.ingest.github.answer import Gone, Location, Policy
from forensics.ingest.github.archive import Checked
from forensics.ingest.github.download import CorruptDownload, Downloader

LOGS = "/repos/octo/forensics/actions/runs/1/attempts/1/logs"
JOB = "/repos/octo/forensics/actions/jobs/7/logs"
LINE = b"2026-11-02T10:00:00.0000000Z make: nothing to be done\n"
SECRET = "dGhlLXNpZ25hdHVyZQ%3D%3D"
EXPIRED = (
    b"<?xml version='1.0'?><Error><Code>AuthenticationFailed</Code><Message>Signature not valid: "
    b"dGhlLXNpZ25hdHVyZQ==</Message></Error>"
)


def zipped(*members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members:
            target.writestr(name, data)
    return buffer.getvalue()


ARCHIVE = zipped(("0_build.txt", LINE * 3), ("build/system.txt", LINE))
WHOLE = Checked(2, 4 * len(LINE), (), None)
DAMAGED = bytearray(ARCHIVE)
DAMAGED[ARCHIVE.index(b"PK\x01\x02") + 16] ^= 1
DAMAGED = bytes(DAMAGED)
"""0_build.txt has a wrong checksum."""


def answer(status, data=b"", *headers, length=None):
    length = len(data) if length is None else length
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def good(data, *headers):
    return answer(200, data, *headers)


def endless(data, *headers):
    """Without a length: what came until the connection closed is all."""
    return "\r\n".join(["HTTP/1.1 200 OK", *headers]).encode() + b"\r\n\r\n" + data


def redirect(to):
    return answer(302, b"", f"Location: {to}")


class Reset:
    """Bytes, and then the connection is torn down."""

    def __init__(self, data):
        self.data = data


class Drip:
    """Bytes, and then one each so many seconds for ever; or none at all."""

    def __init__(self, data, every=None):
        self.data = data
        self.every = every


@dataclass
class Host:
    """A blob host: gives its answers in turn, the last one again and again; 400 to whoever says who he is."""

    answers: list
    asked: list = field(default_factory=list)
    port: int = 0
    scheme: str = "http"

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            planted = self.answers[min(len(self.asked), len(self.answers) - 1)]
            self.asked.append(head)
            if "\nauthorization:" in head.lower():
                planted = answer(400, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>")
            if callable(planted):
                planted = planted(self, head)
            await self._send(planted, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _send(self, planted, writer):
        writer.write(planted if isinstance(planted, bytes) else planted.data)
        await writer.drain()
        if isinstance(planted, Reset):
            await asyncio.sleep(0.05)
            # Without this a torn connection ends in good order, which is another fault (row 21).
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        if isinstance(planted, Drip):
            while planted.every is None:
                await asyncio.sleep(60)
            while True:
                await asyncio.sleep(planted.every)
                writer.write(b".")
                await writer.drain()


@asynccontextmanager
async def running(host, context=None):
    tasks = set()

    async def serve(reader, writer):
        tasks.add(asyncio.current_task())
        await host.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


class Locator:
    """The API: each question gives a link of its own, signed anew."""

    def __init__(self, host, blobs, locate=None):
        self.host = host
        self.blobs = blobs
        self.asked = []
        self._locate = locate

    async def locate(self, path, *, kind):
        self.asked.append((path, kind))
        if self._locate is not None:
            return self._locate(len(self.asked))
        return Location(self.host.url(f"/logs/{len(self.asked)}?se=2026&sig={SECRET}"))


@dataclass
class Seen:
    """What became of a fetch."""

    outcome: object
    host: Host
    locator: Locator
    records: list
    slept: list
    scratch: Path

    @property
    def left(self):
        return sorted(path.name for path in self.scratch.rglob("*") if path.is_file())


class Observer:
    def __init__(self):
        self.records = []

    def record(self, request):
        self.records.append(request)

    def waiting(self, seconds, why):
        raise AssertionError("a download holds nobody else up")


def drill(tmp_path, *answers, path=LOGS, young=False, locate=None, context=None, verify=True, blobs=None, **policy):
    """Fetch once from a host with these answers; an exception is an outcome."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    async def run():
        observer = Observer()
        scratch = tmp_path / "scratch"
        settings = {"sleep": sleep, "jitter": lambda: 0.0, "stall": 5.0, "download_deadline": 20.0, **policy}
        host = Host(list(answers), scheme="https" if context else "http")
        async with running(host, context), blobs or httpx2.AsyncClient(verify=verify, trust_env=False) as client:
            locator = Locator(host, client, locate and (lambda number: locate(host, number)))
            downloader = Downloader(locator, Policy(**settings), observer, scratch)
            fetch = downloader.fetch_archive if path == LOGS else downloader.fetch_text
            try:
                outcome = await fetch(path, "logs-1-1", young=young)
            except (Gone, ForensicsError) as error:
                outcome = error
        return Seen(outcome, host, locator, observer.records, slept, scratch)

    return asyncio.run(run())


def test_an_archive_comes_whole_and_is_handed_over(tmp_path):
    seen = drill(tmp_path, good(ARCHIVE))
    assert seen.outcome.file == tmp_path / "scratch" / "logs-1-1.part"
    assert seen.outcome.file.read_bytes() == ARCHIVE
    assert (seen.outcome.bytes, seen.outcome.checked, seen.outcome.warnings) == (len(ARCHIVE), WHOLE, ())
    assert seen.left == ["logs-1-1.part"] and seen.locator.asked == [(LOGS, "logs")]


def test_a_job_log_comes_whole(tmp_path):
    seen = drill(tmp_path, good(LINE * 5), path=JOB)
    assert seen.outcome.file.read_bytes() == LINE * 5
    assert (seen.outcome.checked, seen.outcome.warnings) == (None, ()) and seen.locator.asked == [(JOB, "job-log")]


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


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("path", [LOGS, JOB])
def test_row_7_logs_that_the_api_does_not_have_are_expired_and_not_asked_for_again(tmp_path, status, path):
    def locate(_, __):
        raise Gone("deleted", "It says Server Error.", status, b'{"message":"Server Error"}')

    seen = drill(tmp_path, good(b""), locate=locate, path=path)
    assert (seen.outcome.state, seen.outcome.status) == ("expired", status)
    assert seen.outcome.body == b'{"message":"Server Error"}' and len(seen.locator.asked) == 1
    assert seen.left == [] and seen.records == []


def test_row_7_logs_of_a_young_run_are_asked_for_at_the_next_ingest(tmp_path):
    def locate(_, __):
        raise Gone("expired", "Not there.", 404)

    assert drill(tmp_path, good(b""), locate=locate, young=True).outcome.state == "not-ready"


def test_row_7_a_blob_that_is_not_there_is_expired_after_three_links_and_not_ready_when_young(tmp_path):
    missing = answer(404, b"<Error><Code>BlobNotFound</Code></Error>")
    seen = drill(tmp_path, missing)
    assert (seen.outcome.state, len(seen.locator.asked)) == ("expired", 3)
    assert drill(tmp_path, missing, good(ARCHIVE)).outcome.checked == WHOLE
    seen = drill(tmp_path, missing, young=True)
    assert (seen.outcome.state, len(seen.locator.asked)) == ("not-ready", 1)


def test_other_absences_pass_through(tmp_path):
    def locate(_, __):
        raise Gone("blocked", "For legal reasons.", 451)

    assert drill(tmp_path, good(b""), locate=locate).outcome.state == "blocked"


def test_row_20_a_reset_in_the_middle_begins_again_with_a_fresh_link(tmp_path):
    cut = Reset(answer(200, ARCHIVE[:100], length=len(ARCHIVE)))
    seen = drill(tmp_path, cut, cut, good(ARCHIVE))
    assert seen.outcome.file.read_bytes() == ARCHIVE and seen.outcome.checked == WHOLE
    assert len(seen.locator.asked) == 3 and seen.slept == [1.0, 2.0]
    assert "The connection to 127.0.0.1 failed" in seen.records[0].error
    assert [f"/logs/{number}?" in head for number, head in enumerate(seen.host.asked, 1)] == [True] * 3
    assert [(record.status, record.error is None) for record in seen.records] == [
        (200, False),
        (200, False),
        (200, True),
    ]
    assert seen.left == ["logs-1-1.part"]


def test_row_20_resets_that_do_not_end_leave_nothing_behind_and_are_asked_for_at_the_next_ingest(tmp_path):
    seen = drill(tmp_path, Reset(answer(200, ARCHIVE[:100], length=len(ARCHIVE))))
    assert seen.outcome.state == "failed" and "in 5 tries" in seen.outcome.detail
    assert len(seen.locator.asked) == 5 and seen.left == []


def test_a_host_that_is_not_there_is_tried_again(tmp_path):
    def locate(host, number):
        return Location("http://127.0.0.1:9/x" if number == 1 else host.url("/x"))

    seen = drill(tmp_path, good(ARCHIVE), locate=locate)
    assert seen.outcome.checked == WHOLE and seen.records[0].status is None and seen.records[0].error


@pytest.mark.parametrize("cut", [answer(200, ARCHIVE[:-40], length=len(ARCHIVE)), endless(ARCHIVE[:-40])])
def test_row_21_an_archive_cut_short_is_fetched_three_times_and_kept_aside(tmp_path, cut):
    seen = drill(tmp_path, cut)
    assert isinstance(seen.outcome, CorruptDownload) and seen.outcome.state == "corrupt"
    assert seen.outcome.file.read_bytes() == ARCHIVE[:-40] and seen.left == ["logs-1-1.part"]
    assert "cut short" in seen.outcome.checked.reason and "cut short" in seen.outcome.detail
    assert len(seen.locator.asked) == 3


def test_row_21_a_cut_archive_that_comes_whole_the_third_time_is_good(tmp_path):
    cut = answer(200, ARCHIVE[:-40], length=len(ARCHIVE))
    assert drill(tmp_path, cut, endless(ARCHIVE[:50]), good(ARCHIVE)).outcome.checked == WHOLE


def test_row_21_of_several_broken_ones_the_longest_is_kept(tmp_path):
    seen = drill(tmp_path, endless(ARCHIVE[:50]), endless(ARCHIVE[:90]), endless(ARCHIVE[:70]))
    assert seen.outcome.file.read_bytes() == ARCHIVE[:90] and seen.left == ["logs-1-1.part"]


def test_row_21_an_archive_whose_checksums_all_match_is_whole_without_a_length(tmp_path):
    seen = drill(tmp_path, endless(ARCHIVE))
    assert (seen.outcome.checked, seen.outcome.warnings) == (WHOLE, ())


def test_row_21_an_archive_proves_itself_against_a_wrong_length(tmp_path):
    seen = drill(tmp_path, answer(200, ARCHIVE, length=len(ARCHIVE) + 7))
    assert seen.outcome.checked == WHOLE and len(seen.locator.asked) == 1
    assert "not what was announced" in seen.outcome.warnings[0]


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


@pytest.mark.parametrize("header", ["Content-MD5", "x-ms-blob-content-md5"])
def test_row_21_a_text_is_compared_with_the_checksum_given(tmp_path, header):
    whole = endless(LINE * 5, f"{header}: {md5(LINE * 5)}")
    seen = drill(tmp_path, whole, path=JOB)
    assert seen.outcome.warnings == () and len(seen.locator.asked) == 1
    seen = drill(tmp_path, endless(LINE * 4, f"{header}: {md5(LINE * 5)}"), whole, path=JOB)
    assert seen.outcome.file.read_bytes() == LINE * 5 and len(seen.locator.asked) == 2


def test_row_21_a_text_shorter_than_its_length_is_corrupt_after_three_tries(tmp_path):
    seen = drill(tmp_path, answer(200, LINE * 2, length=len(LINE) * 9), path=JOB)
    assert isinstance(seen.outcome, CorruptDownload) and seen.outcome.state == "corrupt"
    assert seen.outcome.file.read_bytes() == LINE * 2 and len(seen.locator.asked) == 3
    assert "It ended after 108 of 486 bytes." in seen.outcome.detail


def test_row_21_a_text_of_chunks_is_proven_by_their_end(tmp_path):
    chunk = b"%x\r\n" % len(LINE) + LINE + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = drill(tmp_path, head + chunk * 2 + b"0\r\n\r\n", path=JOB)
    assert whole.outcome.file.read_bytes() == LINE * 2 and whole.outcome.warnings == ()
    cut = drill(tmp_path, head + chunk * 2, path=JOB)
    assert cut.outcome.state == "corrupt" and cut.outcome.file.read_bytes() == LINE * 2


def test_row_21_a_text_with_nothing_to_prove_it_is_warned_of(tmp_path):
    seen = drill(tmp_path, endless(LINE * 2), path=JOB)
    assert "cannot be told whether it is whole" in seen.outcome.warnings[0] and len(seen.locator.asked) == 1
    seen = drill(tmp_path, endless(LINE * 2 + LINE[:9]), path=JOB)
    assert "ends in the middle of a line" in seen.outcome.warnings[0] and len(seen.locator.asked) == 3
    seen = drill(tmp_path, endless(LINE * 2 + LINE[:9]), good(LINE * 3), path=JOB)
    assert seen.outcome.file.read_bytes() == LINE * 3 and seen.outcome.warnings == ()


def test_an_empty_log_is_a_log(tmp_path):
    seen = drill(tmp_path, good(b""), path=JOB)
    assert (seen.outcome.bytes, seen.outcome.warnings) == (0, ())


def test_a_log_that_comes_packed_is_unpacked_and_proven_by_what_was_sent(tmp_path):
    packed = gzip.compress(LINE * 50_000)
    headers = ("Content-Encoding: gzip", f"Content-MD5: {md5(packed)}")
    seen = drill(tmp_path, good(packed, *headers), path=JOB)
    assert seen.outcome.file.read_bytes() == LINE * 50_000 and seen.outcome.warnings == ()
    broken = packed[:500] + b"\xff" * 40 + packed[540:]
    assert drill(tmp_path, good(broken, headers[0]), path=JOB).outcome.state == "corrupt"
    assert drill(tmp_path, endless(packed[:-20], headers[0]), path=JOB).outcome.state == "corrupt"
    assert drill(tmp_path, good(packed, "Content-Encoding: zstd"), path=JOB).outcome.state == "corrupt"


def test_row_22_a_bad_member_is_named_and_the_good_ones_are_kept(tmp_path):
    seen = drill(tmp_path, good(DAMAGED))
    assert seen.outcome.checked == Checked(2, len(LINE), ("0_build.txt",), None)
    assert seen.outcome.file.read_bytes() == DAMAGED and len(seen.locator.asked) == 3
    (warning,) = seen.outcome.warnings
    assert "1 of 2 members came damaged each time and are left out: 0_build.txt." in warning


def test_row_22_a_better_copy_is_not_given_up_for_a_later_worse_one(tmp_path):
    seen = drill(tmp_path, good(ARCHIVE[:-30]), good(DAMAGED), good(b"<html>sorry</html>"))
    assert seen.outcome.file.read_bytes() == DAMAGED and seen.left == ["logs-1-1.part"]
    assert drill(tmp_path, good(DAMAGED), good(ARCHIVE)).outcome.checked == WHOLE


@pytest.mark.parametrize("path", [LOGS, JOB])
def test_row_22_a_web_page_with_status_200_is_corrupt_after_three_tries(tmp_path, path):
    page = b"\n <!DOCTYPE html>\n<html><title>Unicorn!</title></html>\n"
    seen = drill(tmp_path, good(page), path=path)
    assert (
        seen.outcome.state == "corrupt" and "HTML" in seen.outcome.detail and seen.outcome.file.read_bytes() == page
    )
    assert len(seen.locator.asked) == 3
    assert drill(tmp_path, good(page), good(ARCHIVE), path=path).outcome.file.read_bytes() == ARCHIVE


def test_row_23_a_bomb_is_kept_aside_unopened_and_not_fetched_again(tmp_path):
    bomb = zipped(("bomb.txt", bytes(caps.BOMB_SIZE + 1)))
    seen = drill(tmp_path, good(bomb))
    assert isinstance(seen.outcome, CorruptDownload) and seen.outcome.state == "refused"
    assert seen.outcome.file.read_bytes() == bomb and "zip bomb" in seen.outcome.detail
    assert len(seen.locator.asked) == 1


def test_row_23_names_lead_nowhere(tmp_path):
    hostile = zipped(("../../up.txt", LINE), ("/etc/abs.txt", LINE))
    before = set(tmp_path.rglob("*"))
    assert drill(tmp_path, good(hostile)).outcome.checked.members == 2
    scratch = tmp_path / "scratch"
    assert set(tmp_path.rglob("*")) == before | {scratch, scratch / "logs-1-1.part"}


def test_row_23_names_of_damaged_members_are_told_without_control_characters(tmp_path):
    data = zipped(("a\x1b]0;x\x07.txt", LINE), ("b.txt", LINE))
    at = data.index(b"PK\x01\x02") + 16
    seen = drill(tmp_path, good(data[:at] + b"\0\0\0\0" + data[at + 4 :]))
    assert seen.outcome.checked.damaged == ("a\x1b]0;x\x07.txt",) and "a?]0;x?.txt" in seen.outcome.warnings[0]


@pytest.mark.parametrize("data", [zipped(("build/system.txt", LINE)), zipped(("0_build.txt", LINE)), zipped()])
def test_row_24_an_archive_that_lacks_files_is_handed_over_as_it_is(tmp_path, data):
    seen = drill(tmp_path, good(data))
    assert seen.outcome.file.read_bytes() == data and seen.outcome.checked.reason is None


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


def downloader(scratch):
    return Downloader(Locator(None, None), Policy(), Observer(), scratch)


def test_row_50_what_a_killed_ingest_left_is_removed_and_nothing_else(tmp_path):
    outside = tmp_path / "precious.part"
    outside.write_text("kept")
    scratch = tmp_path / "scratch"
    downloader(scratch).clear()
    (scratch / "deep").mkdir(parents=True)
    for name in ("a.part", "b.aside.part", "deep/c.part", "note.txt"):
        (scratch / name).write_text("left")
    (scratch / "link.part").symlink_to(outside)
    (scratch / "folder").symlink_to(tmp_path)
    downloader(scratch).clear()
    assert outside.read_text() == "kept"
    assert sorted(path.name for path in scratch.iterdir()) == ["deep", "folder", "link.part", "note.txt"]
    assert not list((scratch / "deep").iterdir())


def test_a_link_planted_under_the_name_of_a_part_is_not_written_through(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "logs-1-1.part").symlink_to(precious)
    assert drill(tmp_path, good(ARCHIVE)).outcome.checked == WHOLE
    assert precious.read_text() == "kept"


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_row_51_a_full_disk_stops_with_a_hint_and_without_a_part(tmp_path, monkeypatch, call):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(body_module.os, "fsync", full)
    else:
        real = Path.open
        monkeypatch.setattr(Path, "open", lambda self, *args, **more: Full(real(self, *args, **more)))
    seen = drill(tmp_path, good(ARCHIVE))
    assert isinstance(seen.outcome, ForensicsError) and seen.outcome.message.startswith("The disk is full: logs-1-1")
    assert "run the same command again" in seen.outcome.hint and seen.left == [] and len(seen.locator.asked) == 1


class Full:
    """A file on a disk with no room."""

    def __init__(self, file):
        self.file = file

    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self):
        self.file.close()


def test_row_51_a_disk_that_is_really_full(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(scratch)]
    try:
        subprocess.run(mounted, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount")
    try:
        seen = drill(tmp_path, good(os.urandom(3 << 20)))
        assert isinstance(seen.outcome, ForensicsError) and seen.outcome.message.startswith("The disk is full")
        assert seen.left == []
        assert drill(tmp_path, good(ARCHIVE)).outcome.checked == WHOLE
    finally:
        subprocess.run(["umount", str(scratch)], check=True)


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "scratch").write_text("a file")
    outcome = drill(tmp_path, good(ARCHIVE)).outcome
    assert isinstance(outcome, ForensicsError) and "cannot be written" in outcome.message


def test_a_name_from_outside_stays_in_the_folder(tmp_path):
    async def run():
        host = Host([good(ARCHIVE)])
        async with running(host), httpx2.AsyncClient(trust_env=False) as blobs:
            downloads = Downloader(Locator(host, blobs), Policy(), Observer(), tmp_path / "scratch")
            return await downloads.fetch_archive(LOGS, "../../up/logs")

    assert asyncio.run(run()).file == tmp_path / "scratch" / "up" / "logs.part"


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


def test_others_go_on_while_one_is_checked(tmp_path, monkeypatch):
    """The check of the first waits, in its thread, until the second has been fetched whole."""
    from forensics.ingest.github import download

    second_done, real = threading.Event(), download.check_archive

    def check(file):
        if file.name == "first.part":
            assert second_done.wait(10)
        return real(file)

    monkeypatch.setattr(download, "check_archive", check)

    async def run():
        host = Host([good(ARCHIVE)])
        async with running(host), httpx2.AsyncClient(trust_env=False) as blobs:
            downloads = Downloader(Locator(host, blobs), Policy(), Observer(), tmp_path)
            first = asyncio.create_task(downloads.fetch_archive(LOGS, "first"))
            await downloads.fetch_archive(LOGS, "second")
            second_done.set()
            return await first

    assert asyncio.run(run()).checked == WHOLE


CHILD = """
import asyncio, json, re, sys, time
from pathlib import Path
import httpx2
from forensics.ingest.github.answer import Location, Policy
from forensics.ingest.github.download import Downloader

class Api:
    async def locate(self, path, *, kind):
        return Location(sys.argv[1])

class Observer:
    def record(self, request): pass
    def waiting(self, seconds, why): pass

async def main():
    api = Api()
    async with httpx2.AsyncClient(trust_env=False) as api.blobs:
        began = time.monotonic()
        fetched = await Downloader(api, Policy(), Observer(), Path(sys.argv[2])).fetch_archive("/x", "big")
        took = time.monotonic() - began
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
    checked = fetched.checked
    print(json.dumps([fetched.bytes, checked.members, checked.bytes, checked.damaged, checked.reason, peak, took]))

asyncio.run(main())
"""


class Counting(io.RawIOBase):
    """Where a zip is written that nobody keeps: pieces go to a socket as they are made."""

    def __init__(self, send):
        self.send = send

    def writable(self):
        return True

    def write(self, data):
        self.send(bytes(data))
        return len(data)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_row_41_an_archive_of_a_gigabyte_takes_less_than_300_mb(tmp_path, capsys):
    """1 GiB of stored members and 256 MiB of packed ones, made as they are sent, in a process that only downloads."""
    block = (LINE * (1 << 15))[: 1 << 20]
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as peer:
            peer.recv(65_536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n\r\n")
            with zipfile.ZipFile(Counting(peer.sendall), "w") as target:
                for number in range(10):
                    packed = number >= 8
                    entry = zipfile.ZipInfo(f"{number}_job.txt")
                    entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                    with target.open(entry, "w") as member:
                        for _ in range(128):
                            member.write(block)

    server = threading.Thread(target=serve)
    server.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/logs.zip"
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, url, str(tmp_path)], capture_output=True, text=True, check=True
    )
    server.join()
    size, members, unpacked, damaged, reason, peak, took = json.loads(ran.stdout)
    (tmp_path / "big.part").unlink()
    with capsys.disabled():
        print(f"\n{size:,} bytes down, {unpacked:,} checked in {took:.1f} s, at most {peak} MB resident")
    assert (members, damaged, reason) == (10, [], None)
    assert size > 1 << 30 and unpacked == 1280 << 20
    assert peak < 300
