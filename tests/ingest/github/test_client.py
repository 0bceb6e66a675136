"""A server that refuses, limits or moves things, over real sockets; tests name the row of the fault matrix."""

import asyncio
from datetime import datetime

import pytest
from scripted import TOKEN, Say, Tokens
from story import LOGS, RUN, all_pages, errors, limit, page, tell, twice

from forensics.errors import AccessRefused, LimitReached, RequestInvalid, ServerFailing
from forensics.ingest.github.answer import Gone, Server

PRIMARY = {"message": "API rate limit exceeded for user ID 1."}
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


# --- rows 1 to 10: refusals


def test_row_01_bad_credentials_stop_at_once():
    story = tell([Say(401, {"message": "Bad credentials"})])
    assert isinstance(story.end, AccessRefused) and "GH_TOKEN (Bad credentials)" in story.end.message
    assert len(story.targets) == 1 and story.clock.slept == []
    assert story.seen.records[0].status == 401


def test_row_02_a_fresh_token_is_tried_once_by_all_together():
    old, new = "ghs_" + "a" * 36, "ghs_" + "b" * 36

    def script(request):
        return Say() if request.headers["authorization"] == f"Bearer {new}" else Say(401, {}, after=0.02)

    async def act(story):
        return await asyncio.gather(*(story.client.get(RUN, kind="run") for _ in range(4)))

    story = tell(script, act, credential=Tokens(old, new))
    assert [answer.json() for answer in story.end] == [{"id": 1}] * 4
    assert story.tokens.renewals == 1


def test_row_02_a_token_revoked_on_the_way_stops_without_losing_count():
    story = tell([Say(), Say(401, {"message": "Bad credentials"})], twice, credential=Tokens("a" * 20, "b" * 20))
    assert isinstance(story.end, AccessRefused)
    assert [record.status for record in story.seen.records] == [200, 401, 401]


def test_row_03_single_sign_on():
    url = "https://github.com/orgs/o/sso?authorization_request=A"
    story = tell([Say(403, {}, {"X-GitHub-SSO": f"required; url={url}"})])
    assert isinstance(story.end, AccessRefused) and url in story.end.hint and len(story.targets) == 1


def test_row_03_partial_results_are_a_warning():
    story = tell([Say(headers={"X-GitHub-SSO": "partial-results; organizations=21"})])
    assert "their ids: 21" in story.end.warnings[0]


def test_row_04_no_permission_concerns_one_endpoint():
    headers = {"X-Accepted-GitHub-Permissions": "deployments=read"}
    story = tell([Say(403, {"message": "Resource not accessible by personal access token"}, headers)])
    assert isinstance(story.end, Gone) and story.end.state == "no-permission" and story.end.status == 403
    assert "deployments=read" in story.end.detail and b"not accessible" in story.end.body


def test_row_05_06_not_found_is_said_with_the_body_as_evidence():
    story = tell([Say(404, {"message": "Not Found"})])
    assert (story.end.state, story.end.status, len(story.targets)) == ("deleted", 404, 1)
    assert story.end.body == b'{"message":"Not Found"}'


@pytest.mark.parametrize(
    ("status", "young", "state"),
    [(410, False, "expired"), (404, False, "expired"), (404, True, "not-ready"), (410, True, "expired")],
)
def test_row_07_logs_expired_or_not_ready(status, young, state):
    body = {"message": "Server Error", "status": str(status)}
    story = tell([Say(status, body)], lambda story: story.client.locate(LOGS, kind="logs", young=young))
    assert isinstance(story.end, Gone) and story.end.state == state and len(story.targets) == 1


def test_row_08_an_endpoint_that_was_removed_stops():
    story = tell([Say(410, {"message": "Gone"})])
    assert isinstance(story.end, RequestInvalid) and "removed by GitHub" in story.end.message


def test_row_09_a_wrong_request_of_ours_is_loud_and_not_repeated():
    story = tell([Say(422, {"message": "Validation Failed", "errors": [{"field": "created", "code": "invalid"}]})])
    assert isinstance(story.end, RequestInvalid) and "created invalid" in story.end.message
    assert len(story.targets) == 1


def test_row_10_blocked():
    assert tell([Say(451, {"message": "DMCA"})]).end.state == "blocked"


# --- row 11: redirects


def test_row_11_a_renamed_repository_is_followed_with_the_token_and_asked_for_there_from_then_on():
    def script(request):
        if request.target.startswith("/repos/"):
            there = request.target.replace("/repos/o/r", "https://api.github.com/repositories/7")
            return Say(301, {"message": "Moved Permanently"}, {"Location": there})
        return Say(body={"id": 1, "repository": {"full_name": "o/renamed"}})

    async def act(story):
        answers = [await story.client.get(RUN, {"a": 1}, kind="run"), await story.client.get(RUN, kind="run")]
        return answers, story.client.moved_repository("O/R"), story.client.moved_repository("o/other")

    story = tell(script, act)
    answers, name, other = story.end
    new = "/repositories/7/actions/runs/7"
    assert [(answer.path, answer.moved) for answer in answers] == [(f"{new}?a=1", True), (new, True)]
    assert story.targets == [f"{RUN}?a=1", f"{new}?a=1", new]
    assert {request.headers["authorization"] for request in story.server.requests} == {f"Bearer {TOKEN}"}
    assert (name, other) == ("o/renamed", None)


def test_row_11_a_temporary_redirect_is_followed_and_forgotten():
    story = tell([Say(307, "", {"Location": "/elsewhere"}), Say(), Say()], twice)
    assert story.end.moved is False
    assert [target.partition("?")[0] for target in story.targets] == [RUN, "/elsewhere", RUN]


def test_row_11_a_redirect_to_another_host_is_not_followed():
    with_other = [Say(301, "", {"Location": "https://evil.example/x"})]
    story = tell(with_other)
    assert story.end.state == "failed" and "leads to evil.example" in story.end.detail and len(story.targets) == 1


def test_row_25_a_loop_of_redirects_ends():
    story = tell([Say(302, "", {"Location": RUN})])
    assert story.end.state == "failed" and "redirected more than 4 times" in story.end.detail
    assert len(story.targets) == 5


# --- rows 12 to 16: limits


def test_row_12_retry_after_is_waited_for_by_the_server_s_clock():
    at = "Fri, 02 Jan 2026 13:01:30 GMT"
    one_hour_ahead = {"Date": "Fri, 02 Jan 2026 13:00:00 GMT"}
    story = tell([Say(429, "", {"Retry-After": at, **one_hour_ahead}), Say(429, "", {"Retry-After": "30"}), Say()])
    assert story.clock.slept == [91, 31] and story.end.json() == {"id": 1}


@pytest.mark.parametrize("status", [403, 429])
def test_row_13_the_primary_limit_is_waited_for_until_its_reset(status):
    skewed = {"Date": "Fri, 02 Jan 2026 12:08:20 GMT"}  # our clock is 500 s slow
    story = tell([Say(status, PRIMARY, limit(0, **skewed)), Say(headers=limit(4999, 4200))])
    assert story.clock.slept == [101]
    assert story.seen.waits == [
        (101, "GitHub's limit of 5000 requests an hour is used up; it is reset at 12:10:00 UTC.")
    ]
    assert [record.quota_left for record in story.seen.records] == [0, 4999]


def test_row_13_without_wish_to_wait_it_stops_and_says_when_to_go_on():
    story = tell([Say(403, PRIMARY, limit(0))], wait=False)
    assert isinstance(story.end, LimitReached) and "after 2026-01-02 12:10:01 UTC" in story.end.hint
    assert story.seen.waits == [] and len(story.seen.records) == 1


def test_row_13_14_all_requests_wait_together():
    refused = 0

    def script(request):
        nonlocal refused
        refused += 1
        return Say(403, SECONDARY, after=0.02) if refused <= 6 else Say(after=0.001)

    async def act(story):
        return await asyncio.gather(*(story.client.get(f"/x/{n}", kind="run") for n in range(20)))

    story = tell(script, act, concurrency=6)
    assert len(story.end) == 20 and len(story.targets) == 26
    assert story.clock.slept == [61] and len(story.seen.waits) == 1


def test_row_14_secondary_limits_double_and_end_resumable():
    story = tell([Say(403, SECONDARY)])
    assert isinstance(story.end, LimitReached)
    assert story.clock.slept == [61, 121, 241, 481, 961, 1921]


def test_row_14_after_a_secondary_limit_requests_are_made_one_by_one():
    async def act(story):
        await story.client.get(RUN, kind="run")
        story.server.at_once = 0
        await asyncio.gather(*(story.client.get(RUN, kind="run") for _ in range(8)))

    story = tell([Say(403, SECONDARY, {"Retry-After": "5"}), Say(after=0.005)], act)
    assert story.clock.slept == [6] and story.server.at_once == 1


def test_row_15_the_reserve_is_kept():
    async def act(story):
        for _ in range(3):
            await story.client.get(RUN, kind="run")
        return story.client.quota

    story = tell([Say(headers=limit(51)), Say(headers=limit(50)), Say(headers=limit(4999, 4200))], act)
    assert story.clock.slept == [601] and story.end == (4999, 5000, datetime(2026, 1, 2, 13, 10))


def test_row_15_without_a_token_there_is_nobody_to_leave_a_reserve_to():
    story = tell([Say(headers=limit(9)), Say(headers=limit(8))], twice, credential=False)
    assert story.clock.slept == [] and "authorization" not in story.server.requests[0].headers


def test_row_16_a_server_without_limits_has_none():
    async def act(story):
        await twice(story)
        return story.client.quota

    other = limit(0) | {"X-RateLimit-Resource": "code_search"}
    assert tell([Say(headers=other), Say()], act).end == (None, None, None)


def test_the_budget_counts_every_attempt():
    story = tell([Say(502, ""), Say(502, ""), Say()], budget=2)
    assert isinstance(story.end, LimitReached) and "budget of 2 requests" in story.end.message
    assert len(story.targets) == 2


# --- rows 17 to 19, 45: the server fails


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_row_17_a_failing_server_is_asked_again_later_and_later(status):
    story = tell([Say(status, "<html>Unicorn!</html>")] * 3 + [Say()])
    assert story.end.json() == {"id": 1} and story.clock.slept == [1, 2, 4]
    assert [record.status for record in story.seen.records] == [status] * 3 + [200]


def test_row_17_after_five_tries_the_item_has_failed():
    story = tell([Say(500, {"message": "Oops"})], jitter=lambda: 0.5)
    assert story.end.state == "failed" and story.end.status == 500
    assert story.end.detail == f"{RUN} failed 5 times. It answered 500, “Oops”."
    assert story.clock.slept == [1.5, 3, 6, 12]


def test_row_17_many_failed_items_in_a_row_stop_the_ingest():
    async def act(story):
        ends = []
        for _ in range(len(story.script)):
            try:
                ends.append(await story.client.get(RUN, kind="run"))
            except Gone as gone:
                ends.append(gone.state)
        return ends

    story = tell([Say(500, "")] * 5, act, failures_in_a_row=3, tries=1)
    assert isinstance(story.end, ServerFailing) and len(story.targets) == 3
    story = tell([Say(500, ""), Say(500, ""), Say(404, ""), Say(500, "")], act, failures_in_a_row=3, tries=1)
    assert story.end == ["failed", "failed", "deleted", "failed"]  # a 404 is an answer: the server is there


@pytest.mark.parametrize(
    ("say", "error"),
    [
        (Say(body="<html>Sign in</html>"), "It answered 200 with HTML instead of JSON."),
        (Say(body=""), "It answered 200 with nothing instead of JSON."),
        (Say(body='{"workflow_runs": [{"id"', unmeasured=True), "It answered 200 with JSON that is cut or broken."),
        (Say(body="x" * 100, headers={"Content-Encoding": "gzip"}), "incorrect header check"),
        (Say(cut=3), "peer closed connection without sending complete message body"),
    ],
    ids=["HTML", "empty", "cut without a length", "not gzip", "cut"],
)
def test_row_18_a_good_status_with_a_bad_body_is_a_failure(say, error):
    story = tell([say, Say()])
    assert story.end.json() == {"id": 1}
    assert len(story.targets) == 2 and error in errors(story)[0] and errors(story)[1] is None


# --- rows 33 and 48


def test_row_33_now_is_the_server_s():
    async def act(story):
        before = story.client.server_now()
        await story.client.get(RUN, kind="run")
        return before, story.client.server_now()

    story = tell([Say(headers={"Date": "Sat, 03 Jan 2026 12:00:00 GMT"})], act)
    assert story.end == (datetime(2026, 1, 2, 12), datetime(2026, 1, 3, 12))


def test_row_48_a_server_that_does_not_know_our_version_is_asked_without_from_then_on():
    def script(request):
        unknown = Say(400, {"message": "Bad Request: X-GitHub-Api-Version is unknown"})
        return unknown if "x-github-api-version" in request.headers else Say()

    story = tell(script, twice)
    assert [record.status for record in story.seen.records] == [400, 200, 200]


def test_row_48_an_enterprise_server_has_its_api_below_a_path():
    def server(at):
        return Server(f"{at.url}/api/v3", "127.0.0.1")

    def script(request):
        link = f'<http://{request.headers["host"]}/api/v3/repositories/7/x?page=2>; rel="next"'
        return page(1, link=link if "page=2" not in request.target else None)

    story = tell(script, lambda story: all_pages(story.client, "/repos/o/r/x"), server=server)
    assert story.targets == ["/api/v3/repos/o/r/x", "/api/v3/repositories/7/x?page=2"]
    assert story.end[0].next_page == "/repositories/7/x?page=2"
