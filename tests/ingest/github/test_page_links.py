"""Where the server points, brought below our base, and where a download may not lead."""

import pytest

from forensics.ingest.github.answer import Server
from forensics.ingest.github.links import (
    Foreign,
    is_inside,
    moved_prefix,
    next_link,
    page_after,
    per_page,
    rebase,
    refuse_download,
    repository_of,
    with_query,
)

DOTCOM = Server("https://api.github.com", "github.com")
GHES = Server("https://ghe.example/api/v3", "ghe.example")
LOCAL = Server("http://127.0.0.1:8080", "127.0.0.1")


def test_a_query_is_quoted_and_added():
    assert with_query(
        "/repos/o/r/actions/runs", {"created": "2026-01-01..2026-01-02T00:00:00+00:00", "per_page": 100}
    ) == ("/repos/o/r/actions/runs?created=2026-01-01..2026-01-02T00%3A00%3A00%2B00%3A00&per_page=100")
    assert with_query("/x?a=1", {"b": 2}) == "/x?a=1&b=2"
    with pytest.raises(ValueError, match="begins with a slash"):
        with_query("@evil.example/x", {})


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ('<https://h/x?page=2>; rel="next", <https://h/x?page=9>; rel="last"', "https://h/x?page=2"),
        ('<https://h/x?page=1>; rel="prev", <https://h/x?a=1,2;3&page=3>; rel="next"', "https://h/x?a=1,2;3&page=3"),
        ("</x?page=2>; rel=next", "/x?page=2"),
        ('<https://h/n>; title="a, b"; rel="start next"', "https://h/n"),
        ('<https://h/x?page=1>; rel="prev"', None),
        ('<https://h/next>; rel="nextish"', None),
        ("https://h/x; rel=next", None),
        ("", None),
    ],
)
def test_the_next_page_of_a_link_header(header, url):
    assert next_link(header) == url


@pytest.mark.parametrize(
    ("url", "server", "path"),
    [
        ("https://api.github.com/repositories/7/actions/runs?page=2", DOTCOM, "/repositories/7/actions/runs?page=2"),
        ("https://api.github.com/repositories/7/actions/runs?page=2", LOCAL, "/repositories/7/actions/runs?page=2"),
        ("https://ghe.example/api/v3/repositories/7?page=2", GHES, "/repositories/7?page=2"),
        ("http://ghe.example/api/v3/repositories/7", GHES, "/repositories/7"),  # TLS ends before it
        ("https://api.github.com/repositories/7", GHES, "/repositories/7"),
        ("http://127.0.0.1:8080/repositories/7", LOCAL, "/repositories/7"),
        ("?page=2", LOCAL, "/repos/o/r/x?page=2"),
        ("/repositories/7", DOTCOM, "/repositories/7"),
    ],
)
def test_row_32_an_address_of_the_api_is_brought_below_our_base(url, server, path):
    assert rebase(url, "/repos/o/r/x", server) == path


@pytest.mark.parametrize(
    ("url", "server", "host"),
    [
        ("https://evil.example/repositories/7?page=2", DOTCOM, "evil.example"),
        ("//evil.example/x", DOTCOM, "evil.example"),
        ("https://api.github.com.evil.example/x", DOTCOM, "api.github.com.evil.example"),
        ("https://api.github.com@evil.example/x", DOTCOM, "evil.example"),
        ("file:///etc/passwd", DOTCOM, "file:"),
        ("https://[broken/", DOTCOM, "an address that is none"),
        ("http://127.0.0.2:8080/x", LOCAL, "127.0.0.2"),
    ],
)
def test_row_32_another_host_is_named_and_not_asked(url, server, host):
    with pytest.raises(Foreign) as caught:
        rebase(url, "/repos/o/r/x", server)
    assert str(caught.value) == host


@pytest.mark.parametrize(
    ("url", "server", "why"),
    [
        ("https://results.blob.core.example/a.zip?sig=1", DOTCOM, None),
        ("http://127.0.0.1:9090/a.zip", LOCAL, None),
        ("https://10.1.2.3/a.zip", LOCAL, None),
        ("https://blobs.ghe.example/a.zip", GHES, None),
        ("http://blob.example/a.zip", DOTCOM, "to blob.example without encryption (http)"),
        ("file:///etc/passwd", DOTCOM, "to file:, which is not on the web"),
        ("ftp://blob.example/a", LOCAL, "to ftp://blob.example, which is not on the web"),
        ("https://me:pw@blob.example/a", DOTCOM, "to blob.example with a name and password in the address"),
        ("https://127.0.0.1/a", DOTCOM, "to 127.0.0.1, an address of the inner network"),
        ("https://169.254.169.254/latest", DOTCOM, "to 169.254.169.254, an address of the inner network"),
        ("https://[::ffff:10.0.0.1]/a", DOTCOM, "to ::ffff:10.0.0.1, an address of the inner network"),
        ("https://localhost/a", GHES, "to localhost, an address of the inner network"),
        ("https://[broken/", DOTCOM, "to something that is no address"),
        ("https://blob.example:99999/", DOTCOM, "to something that is no address"),
        ("", DOTCOM, "to no scheme:, which is not on the web"),
    ],
)
def test_row_25_where_a_download_may_not_lead(url, server, why):
    assert refuse_download(url, server) == why


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("blob.core.example", False),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("127.1", True),
        ("0x7f000001", True),
        ("2130706433", True),
        ("192.168.1.1", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("metadata.internal", True),
        ("LOCALHOST.", True),
        ("build", True),
    ],
)
def test_row_25_what_is_inside(host, inside):
    assert is_inside(host) is inside


@pytest.mark.parametrize(
    ("address", "after"),
    [
        ("/x?per_page=100", "/x?per_page=100&page=2"),
        ("/x?page=9&a=%2F", "/x?page=10&a=%2F"),
        ("/x", "/x?page=2"),
        ("/x?page=odd", "/x?page=2"),
    ],
)
def test_row_32_the_page_after(address, after):
    assert page_after(address) == after


@pytest.mark.parametrize(("address", "items"), [("/x", 30), ("/x?per_page=100", 100), ("/x?per_page=lots", 30)])
def test_a_full_page(address, items):
    assert per_page(address) == items


def test_row_11_a_repository_s_old_and_new_place():
    assert moved_prefix("/repos/o/r/actions/runs?page=1", "/repositories/7/actions/runs?page=1") == (
        "/repos/o/r",
        "/repositories/7",
    )
    assert moved_prefix("/repos/o/r/actions/runs", "/repositories/7/other") is None
    assert moved_prefix("/repos/o/r", "/rate_limit") is None


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"full_name": "new/name"}, "new/name"),
        ({"id": 7, "repository": {"full_name": "new/name"}}, "new/name"),
        ({"workflow_runs": [{"repository": {"full_name": "new/name"}}]}, "new/name"),
        ({"full_name": "../etc"}, None),
        ({"full_name": "o/.."}, None),
        ({"full_name": 7, "repository": None, "workflow_runs": "none"}, None),
        ([], None),
    ],
)
def test_row_11_the_new_name_is_read_from_what_came(document, name):
    assert repository_of(document) == name
