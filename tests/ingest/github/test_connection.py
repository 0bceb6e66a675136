"""No way to the server: names, resets, proxies, certificates; over real sockets."""

import asyncio
import ssl
from datetime import datetime

import httpx2
import pytest
import trustme
from scripted import TOKEN, Say, Scripted
from story import RUN, Story, context_of, errors, tell, tell_as_dotcom, twice

from forensics.errors import Unreachable
from forensics.ingest.github.answer import Gone, Server
from forensics.ingest.github.connection import explain
from forensics.ingest.github.verdict import Fatal


def caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "first", "fatal"),
    [
        (caused(httpx2.ConnectError("no"), ConnectionRefusedError(111, "Connection refused")), True, True),
        (caused(httpx2.ConnectError("no"), ConnectionRefusedError(111, "Connection refused")), False, False),
        (httpx2.ConnectTimeout(""), True, True),
        (httpx2.ConnectTimeout(""), False, False),
        (httpx2.ReadTimeout(""), True, False),
        (httpx2.RemoteProtocolError("Server disconnected"), True, False),
        (TimeoutError(), True, False),
        (caused(httpx2.ConnectError("no"), ssl.SSLCertVerificationError(1, "expired")), False, True),
        (caused(httpx2.ConnectError("no"), ssl.SSLError(1, "EOF")), True, True),
        (caused(httpx2.ConnectError("no"), ssl.SSLError(1, "EOF")), False, False),
        (httpx2.ProxyError("407 Who asks?"), False, True),
        (httpx2.ProxyError("503 Busy"), True, True),
        (httpx2.ProxyError("503 Busy"), False, False),
        (httpx2.UnsupportedProtocol("ftp"), False, True),
    ],
)
def test_row_19_46_47_what_cannot_get_better_is_not_tried_again(error, first, fatal):
    """``first``: the server never has answered yet."""
    told = explain(error, host="ghe.example", proxy="proxy.example:3128", first=first, deadline=60)
    assert isinstance(told, Fatal) is fatal
    assert "ghe.example" in (told.error.message if fatal else told.why) or "proxy.example:3128" in told.error.message


# --- row 19: no connection


def test_row_19_a_reset_connection_is_tried_again():
    story = tell([Say(), Say(reset=True), Say()], twice)
    assert story.end.json() == {"id": 1}
    assert [record.status for record in story.seen.records] == [200, None, 200]
    assert "The connection to 127.0.0.1" in errors(story)[1] and story.seen.records[1].cost == 0


def test_row_19_a_server_that_refuses_connections_from_the_start():
    async def gone(story):
        story.server._server.close()
        return await story.client.get(RUN, kind="run")

    story = tell([Say()], gone)
    assert isinstance(story.end, Unreachable) and len(story.seen.records) == 1
    assert "refuses the connection" in story.end.message and story.end.hint


def test_row_19_a_server_that_goes_away_later_is_waited_for():
    async def act(story):
        await story.client.get(RUN, kind="run")
        story.server._server.close()
        return await story.client.get(RUN, kind="run")

    story = tell([Say(headers={"Connection": "close"}, unmeasured=True)], act)
    assert isinstance(story.end, Gone) and story.end.state == "failed" and story.clock.slept == [1, 2, 4, 8]


def test_row_19_a_name_that_is_not_to_be_resolved():
    story = tell([Say()], server=lambda _: Server("http://nowhere.invalid", "nowhere.invalid"))
    assert isinstance(story.end, Unreachable)
    assert story.end.message == "The name of nowhere.invalid cannot be resolved."
    assert story.end.hint == "Check the spelling and the network connection."


# --- rows 46 to 48: proxies, certificates, other servers


def test_row_46_a_proxy_is_used_with_its_password_and_does_not_see_the_token():
    story = tell_as_dotcom(trustme.CA(), [Say()])
    assert story.end.json() == {"id": 1}
    (connect,) = story.server.requests
    assert (connect.method, connect.target) == ("CONNECT", "api.github.com:443")
    assert connect.headers["proxy-authorization"].startswith("Basic ") and "authorization" not in connect.headers
    assert story.there.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("status", "hint"), [(407, "user and password into HTTPS_PROXY"), (403, "NO_PROXY"), (503, "NO_PROXY")]
)
def test_row_46_a_proxy_that_refuses_is_asked_once(status, hint):
    story = tell_as_dotcom(trustme.CA(), [Say()], proxy=[Say(status, "")])
    assert isinstance(story.end, Unreachable) and f"does not connect to api.github.com: {status}" in story.end.message
    assert hint in story.end.hint and len(story.server.requests) == 1


def test_row_46_what_no_proxy_excepts_is_asked_directly():
    for excepted in ("127.0.0.1", "*", "127.0.0.0/8", "other.example, 127.0.0.1"):
        environment = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": excepted}
        assert tell([Say()], environment=environment).end.json() == {"id": 1}
    story = tell([Say()], environment={"http_proxy": "127.0.0.1:9", "no_proxy": "other.example"})
    assert isinstance(story.end, Unreachable) and "The proxy 127.0.0.1:9 refuses" in story.end.message


def test_row_46_plain_http_goes_through_the_proxy_by_its_full_address():
    async def run():
        async with Scripted([Say(407, "")]) as proxy:
            story = Story([Say()], environment={"HTTP_PROXY": proxy.url})
            async with story:
                with pytest.raises(Unreachable, match="proxy"):
                    await story.client.get(RUN, kind="run")
            return [request.target for request in proxy.requests], story.server.url

    targets, url = asyncio.run(run())
    assert targets == [f"{url}{RUN}"]


@pytest.mark.parametrize("proxy", ["http://[broken", "socks5://127.0.0.1:9", "gopher://127.0.0.1"])
def test_row_46_a_proxy_that_is_none_is_said_before_anything_is_asked(proxy):
    with pytest.raises(Unreachable, match="The proxy that HTTPS_PROXY names cannot be used"):
        tell([Say()], environment={"HTTPS_PROXY": proxy})


def test_row_46_nothing_is_read_from_the_process_s_own_environment(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    assert tell([Say()]).end.json() == {"id": 1}


def tell_over_tls(authority, names, environment):
    with authority.cert_pem.tempfile() as pem:
        given = {name: pem if value == "CA" else value for name, value in environment.items()}
        return tell([Say()], tls=context_of(authority, *names), environment=given)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_row_47_a_certificate_authority_of_one_s_own(name):
    assert tell_over_tls(trustme.CA(), ["127.0.0.1"], {name: "CA"}).end.json() == {"id": 1}


def test_row_47_an_unknown_authority_is_not_tried_twice():
    story = tell_over_tls(trustme.CA(), ["127.0.0.1"], {})
    assert isinstance(story.end, Unreachable) and "unable to get local issuer certificate" in story.end.message
    assert "SSL_CERT_FILE" in story.end.hint and len(story.seen.records) == 1 and story.targets == []


def test_row_47_another_host_s_certificate_is_not_accepted():
    story = tell_over_tls(trustme.CA(), ["other.example"], {"SSL_CERT_FILE": "CA"})
    assert isinstance(story.end, Unreachable) and "certificate is not valid for '127.0.0.1'" in story.end.message


def test_row_47_an_expired_certificate_is_not_accepted():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1)).configure_cert(context)
    with authority.cert_pem.tempfile() as pem:
        story = tell([Say()], tls=context, environment={"SSL_CERT_FILE": pem})
    assert isinstance(story.end, Unreachable) and "certificate has expired" in story.end.message


def test_row_47_a_server_without_tls_where_tls_is_expected():
    story = tell([Say()], server=lambda server: Server(f"https://127.0.0.1:{server.port}", "127.0.0.1"))
    assert isinstance(story.end, Unreachable) and "No secure connection" in story.end.message


def test_row_47_certificates_that_cannot_be_read_are_named():
    with pytest.raises(Unreachable, match=r"SSL_CERT_FILE names cannot be read: /nowhere/ca\.pem \(No such file"):
        tell([Say()], environment={"SSL_CERT_FILE": "/nowhere/ca.pem"})
