from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.report.links import detector_anchor, finding_anchor, line_url, run_url

HOST = "https://github.com"


def test_links_are_built_from_checked_parts() -> None:
    assert run_url(HOST, "acme/pay.ments", 12) == "https://github.com/acme/pay.ments/actions/runs/12"
    assert run_url(HOST, "acme/payments", 12, 3) == "https://github.com/acme/payments/actions/runs/12/attempts/3"
    assert line_url(HOST, "acme/payments", 12, 1, 77, 6) == (
        "https://github.com/acme/payments/actions/runs/12/job/77#step:6:1"
    )
    assert (
        line_url(HOST, "acme/payments", 12, 2, -77, 6)
        == "https://github.com/acme/payments/actions/runs/12/attempts/2"
    )
    assert (
        run_url("https://github.acme.example:8443/", "a/b", 1)
        == "https://github.acme.example:8443/a/b/actions/runs/1"
    )


@pytest.mark.parametrize("run_id", [0, -812736450918273645])
def test_a_made_up_run_has_no_link(run_id: int) -> None:
    assert run_url(HOST, "acme/payments", run_id) is None


@pytest.mark.parametrize(
    "repository",
    [
        "acme",
        "acme/pay/ments",
        "../..",
        "a/..",
        "acme/pay ments",
        "acme/pay\n",
        "acme/päy",
        'a/b"onclick=',
        "a/b?x",
        "/b",
        "a/b#c",
        "",
    ],
)
def test_a_repository_of_another_form_has_no_link(repository: str) -> None:
    assert run_url(HOST, repository, 1) is None


@pytest.mark.parametrize(
    "host",
    ["javascript:alert(1)", "http://github.com", "https://github.com@evil.example", "https://a b", "https://",
     "//github.com", "https://github.com/x", "data:text/html,x", "https://github.com\n", "https://github.com?x"],
)  # fmt: skip
def test_a_host_of_another_form_has_no_link(host: str) -> None:
    assert run_url(host, "acme/payments", 1) is None


SECTIONS = {
    "summary",
    "timeline",
    "impact",
    "findings",
    "timing",
    "sec-runs",
    "method",
    "data",
    "main",
    "status",
    "canvas",
}


@given(st.text() | st.sampled_from(sorted(SECTIONS)))
def test_an_anchor_is_plain_and_no_other_elements(text: str) -> None:
    for anchor in (finding_anchor(text), detector_anchor(text)):
        assert anchor not in SECTIONS
        assert anchor.isascii()
        assert anchor.replace("-", "").isalnum()


def test_a_finding_keeps_its_own_id_as_anchor() -> None:
    assert finding_anchor("duplicate-effect-0123456789") == "duplicate-effect-0123456789"
