"""Headers and body of an answer, and what it means: one row of the fault matrix after the other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import NOON, NOON_DATE, TOKEN

from forensics.errors import AccessRefused, RequestInvalid, Unreachable
from forensics.ingest.github.verdict import (
    Fatal,
    GoneVerdict,
    Good,
    OtherVersion,
    Question,
    Redirect,
    Retry,
    Unchanged,
    Wait,
    judge,
    quota_of,
    renewal,
    server_time,
)

RUN = Question("/repos/o/r/actions/runs/7", source="GH_TOKEN")
LOGS = Question("/repos/o/r/actions/runs/7/logs", logs=True, json_expected=False, source="GH_TOKEN")
YOUNG = Question("/repos/o/r/actions/runs/7/logs", logs=True, young=True, json_expected=False, source="GH_TOKEN")


def of(status, headers=None, body=b"{}", question=RUN, strikes=0):
    return judge(status, headers or {}, body, question=question, now=NOON, strikes=strikes)


def message(text):
    return b'{"message": "%s", "status": "4xx"}' % text.encode()


def test_row_01_bad_credentials_are_fatal_and_name_the_variable():
    verdict = of(401, {}, message("Bad credentials"))
    assert isinstance(verdict, Fatal) and isinstance(verdict.error, AccessRefused) and verdict.renewable
    assert str(verdict.error) == (
        "GitHub refuses the token from GH_TOKEN (Bad credentials): it is wrong, has expired or was revoked."
    )


def test_row_01_without_a_token_the_hint_is_to_get_one():
    verdict = of(401, {}, message("Requires authentication"), Question("/repos/o/r"))
    assert isinstance(verdict, Fatal) and not verdict.renewable
    assert verdict.error.hint == "Set GH_TOKEN, or run: gh auth login"


def test_row_03_single_sign_on_names_the_address_to_open():
    url = "https://github.com/orgs/o/sso?authorization_request=AB1"
    verdict = of(403, {"x-github-sso": f"required; url={url}"}, message("Resource protected by organization SAML"))
    assert isinstance(verdict, Fatal) and isinstance(verdict.error, AccessRefused)
    assert verdict.error.hint == f"Open {url} and authorise it, then run the same command again."


def test_row_03_an_address_that_is_none_is_not_shown():
    verdict = of(403, {"x-github-sso": "required; url=javascript:alert(1)"})
    assert isinstance(verdict, Fatal) and "javascript" not in verdict.error.hint


def test_row_03_partial_results_are_good_with_a_warning():
    verdict = of(200, {"x-github-sso": "partial-results; organizations=21,22"})
    assert isinstance(verdict, Good) and "(their ids: 21,22)" in verdict.warnings[0]


def test_row_04_a_lacking_permission_is_named():
    headers = {"x-accepted-github-permissions": "deployments=read", "x-ratelimit-remaining": "0"}
    assert of(403, headers, message("Resource not accessible by integration")) == GoneVerdict(
        "no-permission",
        "/repos/o/r/actions/runs/7 is not open to this token (403, “Resource not accessible by integration”); "
        "it wants the permission deployments=read.",
    )


@pytest.mark.parametrize(
    ("row", "status", "question", "state"),
    [
        (6, 404, RUN, "deleted"),
        (7, 404, LOGS, "expired"),
        (7, 410, LOGS, "expired"),
        (7, 410, YOUNG, "expired"),
        (7, 404, YOUNG, "not-ready"),
        (10, 451, RUN, "blocked"),
        (10, 451, LOGS, "blocked"),
        (26, 302, LOGS, "failed"),  # no Location
        (4, 403, RUN, "no-permission"),
        (0, 409, RUN, "failed"),
    ],
)
def test_row_06_07_10_26_what_is_gone_and_why(row, status, question, state):
    verdict = of(status, {}, message("Server Error"), question)  # as GitHub words an expired log
    assert isinstance(verdict, GoneVerdict) and verdict.state == state


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (
            410,
            message("This endpoint is gone"),
            "/repos/o/r/actions/runs/7 was removed by GitHub (410, “This endpoint",
        ),
        (422, b'{"message":"Validation Failed","errors":[{"field":"created","code":"invalid"}]}', "created invalid"),
        (400, message("Problems parsing"), "as invalid (400, “Problems parsing”)"),
        (406, b"", "as invalid (406)"),
    ],
)
def test_row_08_09_what_is_our_fault_is_fatal(status, body, says):
    verdict = of(status, {}, body)
    assert isinstance(verdict, Fatal) and isinstance(verdict.error, RequestInvalid)
    assert says in str(verdict.error)


@pytest.mark.parametrize(
    ("status", "question", "verdict"),
    [
        (301, RUN, Redirect("/x", permanent=True)),
        (308, LOGS, Redirect("/x", permanent=True)),
        (307, RUN, Redirect("/x", permanent=False)),
        (302, LOGS, Redirect("/x", permanent=False, to_file=True)),
        (302, RUN, Redirect("/x", permanent=False)),
    ],
)
def test_row_11_redirects(status, question, verdict):
    assert of(status, {"location": "/x"}, b"", question) == verdict


LEFT = {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": str(int(NOON) + 900), "x-ratelimit-resource": "core"}
USED_UP = LEFT | {"x-ratelimit-remaining": "0", "x-ratelimit-limit": "5000"}
PRIMARY, SECONDARY = "API rate limit exceeded for user ID 1.", "You have exceeded a secondary rate limit."


@pytest.mark.parametrize(
    ("row", "status", "headers", "text", "strikes", "seconds", "lower", "named"),
    [
        (12, 429, {"retry-after": "30"}, "", 0, 31, True, True),
        (12, 429, {"retry-after": "Fri, 02 Jan 2026 12:02:00 GMT"}, "", 0, 121, True, True),
        (12, 429, {"retry-after": "Fri, 02 Jan 2026 11:00:00 GMT"}, "", 0, 1, True, True),  # past
        (12, 429, {"retry-after": "soon"}, "", 0, 61, True, False),
        (13, 403, USED_UP, PRIMARY, 0, 901, False, True),
        (13, 429, USED_UP, PRIMARY, 0, 901, False, True),
        (13, 403, USED_UP, "", 0, 901, False, True),  # the header alone will do
        (13, 403, USED_UP | {"x-ratelimit-reset": "99999999999999"}, PRIMARY, 0, 61, True, False),  # no moment
        (13, 403, USED_UP | {"x-ratelimit-reset": str(int(NOON) - 60)}, PRIMARY, 2, 241, True, False),  # already past
        (14, 403, LEFT | {"retry-after": "60"}, SECONDARY, 0, 61, True, True),
        (14, 403, USED_UP | {"retry-after": "60"}, SECONDARY, 0, 61, True, True),
        (14, 403, LEFT, SECONDARY, 0, 61, True, False),
        (14, 403, LEFT, SECONDARY, 1, 121, True, False),
        (14, 403, LEFT, SECONDARY, 2, 241, True, False),
        (14, 403, {}, "You have triggered an abuse detection mechanism.", 0, 61, True, False),
        (14, 429, {}, "", 0, 61, True, False),
        (16, 403, USED_UP | {"x-ratelimit-resource": "search"}, PRIMARY, 0, 901, False, True),
    ],
)
def test_row_12_13_14_limits_and_how_long_they_last(row, status, headers, text, strikes, seconds, lower, named):
    verdict = of(status, headers, message(text), strikes=strikes)
    assert isinstance(verdict, Wait)
    assert (verdict.seconds, verdict.lower_concurrency, verdict.named) == (seconds, lower, named)


def test_row_13_the_wait_is_told_in_a_sentence():
    verdict = of(403, USED_UP, message(PRIMARY))
    assert isinstance(verdict, Wait)
    assert verdict.why == "GitHub's limit of 5000 requests an hour is used up; it is reset at 12:15:00 UTC."


def test_row_16_a_refusal_with_another_resource_used_up_is_no_limit_of_ours():
    verdict = of(403, USED_UP | {"x-ratelimit-resource": "search"}, message("Must have admin rights to Repository."))
    assert isinstance(verdict, GoneVerdict) and verdict.state == "no-permission"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599, 408])
def test_row_17_the_server_failed(status):
    assert isinstance(of(status, {}, b"<html>Unicorn!</html>"), Retry)


def test_row_17_the_server_says_when():
    assert of(503, {"retry-after": "20"}, b"") == Retry("It answered 503.", after=20)


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        (b"", "nothing instead of JSON"),
        (b" \n", "nothing instead of JSON"),
        (b"<!DOCTYPE html><title>Sign in</title>", "HTML instead of JSON"),
        (b'{"workflow_runs": [{"id": 1', "JSON that is cut or broken"),
        (b'{"a": \xff}', "JSON that is cut or broken"),
        (b"[" * 100_000, "JSON that is cut or broken"),
        (b'"moved"', "JSON that is neither an object nor a list"),
        (b"null", "JSON that is neither an object nor a list"),
    ],
)
def test_row_18_200_without_json_is_a_failure_of_the_server(body, flaw):
    assert of(200, {}, body) == Retry(f"It answered 200 with {flaw}.")


def test_row_18_what_need_not_be_json_may_be_anything():
    raw = Question("/repos/o/r/contents/a.yml", json_expected=False)
    assert of(200, {}, b"on: push", raw) == Good()


def test_row_43_unchanged_only_when_an_etag_was_sent():
    assert of(304, {}, b"", Question("/x", conditional=True)) == Unchanged()
    assert isinstance(of(304, {}, b"", Question("/x")), Retry)


def test_row_46_a_proxy_that_wants_a_password_is_fatal():
    verdict = of(407)
    assert isinstance(verdict, Fatal) and isinstance(verdict.error, Unreachable)


def test_row_48_an_unknown_version_of_the_api_is_left_out_once():
    body = message("X-GitHub-Api-Version is not a valid version")
    assert of(400, {}, body) == OtherVersion()
    again = of(400, {}, body, Question("/x", versioned=False))
    assert isinstance(again, Fatal)


def test_row_56_what_the_server_says_is_kept_without_secrets_and_line_breaks():
    verdict = of(404, {}, message(f"no\\n\\u001b[31m {TOKEN} here"))
    assert verdict == GoneVerdict(
        "deleted",
        "/repos/o/r/actions/runs/7 was not found (404, “no [31m *** here”), or the token cannot see it.",
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (NOON_DATE, NOON),
        ("Fri, 02 Jan 2026 14:00:00 +0200", NOON),
        ("yesterday", None),
        ("Fri, 99 Jan 2026 12:00:00 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_row_33_the_server_s_clock(text, seconds):
    assert server_time({} if text is None else {"date": text}) == seconds


@pytest.mark.parametrize("value", ["", "many", "1e3", "9" * 5000, "²"])
def test_row_16_headers_that_are_no_numbers_are_no_limit(value):
    assert quota_of({"x-ratelimit-remaining": value}) is None


headers = st.dictionaries(
    st.sampled_from(
        ["retry-after", "date", "location", "x-github-sso", "x-ratelimit-remaining", "x-ratelimit-reset", "link"]
    ),
    st.one_of(st.text(max_size=40), st.integers().map(str), st.just(NOON_DATE)),
)


@settings(deadline=None)  # the machine may be busy
@given(st.integers(100, 999), headers, st.binary(max_size=60), st.booleans(), st.booleans(), st.integers(0, 9))
def test_whatever_comes_has_a_meaning(status, fields, body, logs, young, strikes):
    verdict = judge(status, fields, body, question=Question("/x", logs, young), now=NOON, strikes=strikes)
    assert not isinstance(verdict, Wait) or verdict.seconds >= 0


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("GH_TOKEN", "Put a valid token into GH_TOKEN, or run: gh auth login."),
        ("gh auth token", "Log in again: gh auth login; or put a token into GH_TOKEN."),
        (
            "GitHub App (FORENSICS_APP_ID)",
            "Check the App's id, its private key and its installation in this repository.",
        ),
    ],
)
def test_row_01_what_to_do_follows_from_where_the_token_came_from(source, says):
    assert renewal(source) == says
