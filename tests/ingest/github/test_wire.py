"""What is sent, recorded and remembered, and what never is; over real sockets."""

import asyncio
import gc
import gzip
from datetime import datetime

import orjson
import pytest
from scripted import NOON_DATE, TOKEN, Say, Tokens
from story import RUN, Story, errors, limit, tell, twice

from forensics.errors import AccessRefused
from forensics.ingest.github.answer import RAW, Remembered
from forensics.ingest.github.connection import USER_AGENT

# --- what is sent and what comes back


def test_only_what_is_needed_is_sent():
    story = tell([Say(headers={"Set-Cookie": "a=b", "Date": NOON_DATE, "ETag": 'W/"1"'})] * 2, twice)
    answer = story.end
    (request, again) = story.server.requests
    assert dict(again.headers) == {
        "host": f"127.0.0.1:{story.server.port}",
        "accept": "application/vnd.github+json",
        "accept-encoding": again.headers["accept-encoding"],
        "connection": "keep-alive",
        "user-agent": USER_AGENT,
        "authorization": f"Bearer {TOKEN}",
        "x-github-api-version": "2022-11-28",
    }
    assert request.target == f"{RUN}?per_page=100&created=2026-01-01..%2A"
    assert (answer.path, answer.json(), answer.etag) == (request.target, {"id": 1}, 'W/"1"')
    assert answer.server_time == datetime(2026, 1, 2, 12)
    assert story.server.connections == 1


def test_a_request_is_recorded_with_its_cost():
    body = gzip.compress(b'{"id": 1}' + b" " * 5000)
    story = tell([Say(body=body, headers={"Content-Encoding": "gzip", **limit(4321)})])
    (record,) = story.seen.records
    assert (record.status, record.cost, record.quota_left, record.error) == (200, 1, 4321, None)
    assert (record.method, record.endpoint, record.kind, record.bytes) == ("GET", RUN, "run", len(body))
    assert record.requested_at == datetime(2026, 1, 2, 12)
    assert len(story.end.body) == 5009


def test_what_is_not_json_is_asked_for_by_its_own_name():
    story = tell(
        [Say(body="on: push")],
        lambda story: story.client.get("/repos/o/r/contents/a.yml", kind="file", accept=RAW, json_expected=False),
    )
    assert story.end.body == b"on: push" and story.server.requests[0].headers["accept"] == RAW


# --- rows 43 and 44: what is remembered


class Shelf:
    """A memory of one answer."""

    def __init__(self, *remembered):
        self.remembered = list(remembered)
        self.asked = []

    def recall(self, path, accept, token_mark):
        self.asked.append((path, accept, token_mark))
        return self.remembered[0] if self.remembered else None


async def conditionally(story):
    return await story.client.get(RUN, kind="run", conditional=True)


def test_row_43_44_what_has_not_changed_is_taken_from_memory_and_costs_nothing():
    shelf = Shelf(Remembered('W/"1"', b'{"id": 5}', "/next?page=2", "api/run.json"))
    story = tell([Say(304, "")], conditionally, memory=shelf)
    answer = story.end
    assert (answer.unchanged, answer.json(), answer.etag) == (True, {"id": 5}, 'W/"1"')
    assert (answer.evidence_path, answer.next_page) == ("api/run.json", "/next?page=2")
    assert story.server.requests[0].headers["if-none-match"] == 'W/"1"'
    assert story.seen.records[0].cost == 0
    assert shelf.asked == [(RUN, "application/vnd.github+json", "mark-of-the-token")]


def test_row_43_what_has_changed_is_taken_from_the_answer():
    shelf = Shelf(Remembered('W/"1"', b'{"id": 5}', None, "api/run.json"))
    story = tell([Say(headers={"ETag": 'W/"2"'})], conditionally, memory=shelf)
    assert (story.end.unchanged, story.end.json(), story.end.etag) == (False, {"id": 1}, 'W/"2"')
    assert story.seen.records[0].cost == 1


def test_row_43_a_body_that_was_lost_is_asked_for_without_condition():
    story = tell([Say()], conditionally, memory=Shelf())
    assert "if-none-match" not in story.server.requests[0].headers and story.end.json() == {"id": 1}


def test_row_43_unchanged_where_nothing_was_remembered_is_asked_for_again():
    story = tell([Say(304, ""), Say()], conditionally, memory=Shelf())
    assert story.end.json() == {"id": 1} and [record.status for record in story.seen.records] == [304, 200]


def test_row_43_what_must_be_fresh_is_not_asked_conditionally():
    shelf = Shelf(Remembered('W/"1"', b"{}", None, "x"))
    story = tell([Say()], memory=shelf)
    assert shelf.asked == [] and "if-none-match" not in story.server.requests[0].headers


# --- row 45: without end


def test_row_45_a_body_that_drips_is_cut_off_by_the_total_deadline():
    story = tell([Say(drip=0.05, body="x" * 1000), Say()], deadline=0.3)
    assert story.end.json() == {"id": 1}
    assert errors(story)[0].endswith("did not send a whole answer within 0.3 seconds.")
    assert 250 <= story.seen.records[0].duration_ms <= 2000


def test_a_body_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("forensics.ingest.github.wire.LARGEST_BODY", 100_000)
    bomb = Say(body=gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"})
    story = tell([bomb])
    assert story.end.state == "refused" and len(story.targets) == 1


# --- row 56, cancelling, many at once


@pytest.mark.parametrize("token", ["", "two words", "ghp_abc\r\nX-Evil: 1", "ghp_ключ"])
def test_row_56_what_is_no_token_is_neither_sent_nor_shown(token):
    story = tell([Say()], credential=Tokens(token))
    assert isinstance(story.end, AccessRefused) and story.targets == []
    assert not token or token not in repr(story.end)


def test_row_56_a_token_that_the_server_repeats_is_not_kept():
    secret = "opaque0token0without0known0form"
    story = tell([Say(404, {"message": f"no {secret}"})], credential=Tokens(secret))
    assert "no ***" in story.end.detail and secret not in story.end.detail + repr(story.seen.records)


def test_cancelling_leaves_no_socket_and_is_recorded():
    async def run():
        async with Story([Say(after=30)]) as story:
            tasks = [asyncio.create_task(story.client.get(RUN, kind="run")) for _ in range(10)]
            while len(story.server.requests) < 6:
                await asyncio.sleep(0.005)
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            transports = [pool._pool.connections for pool in (story.client._wire._api._transport,)]
            return ends, transports, story.seen.records

    ends, connections, records = asyncio.run(run())
    gc.collect()  # an unclosed transport would warn here, and a warning is an error
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    assert connections == [[]]
    assert [record.error for record in records] == ["It was broken off."] * 6


@pytest.mark.parametrize("concurrency", [1, 6])
def test_no_more_requests_at_once_and_no_more_connections_than_agreed(concurrency):
    async def act(story):
        return await asyncio.gather(*(story.client.get(f"/x/{n}", kind="x") for n in range(60)))

    story = tell([Say(after=0.002)], act, concurrency=concurrency)
    assert len(story.end) == 60 and story.server.at_once == concurrency
    assert story.server.connections == concurrency
    assert story.seen.records and orjson.loads(story.end[59].body) == {"id": 1}
