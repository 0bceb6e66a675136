from __future__ import annotations

import base64
import dataclasses
import hashlib
import html as htmllib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hostile import PAYLOADS
from jinja2 import UndefinedError
from report_cases import (
    DETECTORS,
    crowd,
    effect,
    empty,
    evidence,
    finding,
    incident,
    proof,
    quiet,
    with_strings,
)  # fmt: skip

from forensics.errors import ForensicsError
from forensics.model import Analysis
from forensics.report.html import _environment, render, write
from forensics.report.limits import HARD_LIMIT_BYTES

CASES: dict[str, Callable[[], Analysis]] = {"incident": incident, "quiet": quiet, "empty": empty}
VOID = {"meta", "input", "br", "link", "img"}

# Fields whose values decide what is shown (a severity, an outcome, which detector), not only how it reads.
MEANING = frozenset({"severity", "precision", "detector", "outcome", "conclusion", "status"})


class Skeleton(HTMLParser):
    """The sequence of tags with the names of their attributes, and the values that must never be data."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.classes: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # A link that could not be checked is an <a> without href: the tag stays, so only that may differ.
        names = tuple(name for name, _ in attrs if name not in ("href", "rel"))
        self.tags.append((tag, names))
        given = dict(attrs)
        self.classes.append(given.get("class") or "")
        self.links += [given["href"] or ""] if "href" in given else []
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(("/" + tag, ()))
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def changed(payload: str, keep: frozenset[str] = frozenset()) -> Analysis:
    """An incident in which every string carries a payload; equal strings stay equal, different ones different."""
    return with_strings(incident(), lambda text: payload + text + payload, keep | {"severity", "precision"})  # type: ignore[no-any-return]


def harmless(payload: str) -> str:
    """Plain letters in place of a payload; as long, so that what is cut is cut alike."""
    return "x" * len(payload)


@pytest.mark.parametrize("keep", [frozenset(), MEANING], ids=["every field", "all but enumerations"])
@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_hostile_string_in_every_field_changes_no_tag(payload: str, keep: frozenset[str]) -> None:
    hostile = Skeleton(render(changed(payload, keep)))
    plain = Skeleton(render(changed(harmless(payload), keep)))
    assert hostile.tags == plain.tags
    assert hostile.classes == plain.classes
    assert not hostile.open
    for link in hostile.links:
        assert re.fullmatch(r"#[\w.-]+|https://github\.com/acme/payments[\w/#:.-]*", link)


def test_hostile_text_is_shown_as_it_is() -> None:
    text = "".join(Skeleton(render(changed(PAYLOADS[0], MEANING))).text)
    assert PAYLOADS[0] in text


@pytest.mark.parametrize("case", CASES)
def test_the_policy_admits_exactly_the_style_and_the_script_of_the_page(case: str) -> None:
    page = render(CASES[case]())
    policy = htmllib.unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1])  # type: ignore[index]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.S)

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digest(script)}'; style-src 'sha256-{digest(style)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert page.index("Content-Security-Policy") < page.index("<style>")
    # Nothing but the character set comes before the policy.
    assert page.startswith(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy"'
    )


def test_style_and_script_are_the_same_bytes_in_every_report() -> None:
    pages = [render(case()) for case in CASES.values()]
    executable = {tuple(re.findall(r"<(?:style|script)>.*?</(?:style|script)>", page, re.S)) for page in pages}
    assert len(executable) == 1


def test_the_same_analysis_gives_the_same_bytes() -> None:
    assert render(incident()) == render(incident())
    assert "\r" not in render(changed("\r\n"))


@pytest.mark.parametrize("case", CASES)
def test_every_id_is_unique_and_every_inner_link_leads_somewhere(case: str) -> None:
    page = Skeleton(render(CASES[case]()))
    assert sorted(set(page.ids)) == sorted(page.ids)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_the_page_loads_nothing() -> None:
    tags = {tag for tag, _ in Skeleton(render(incident())).tags}
    assert not tags & {
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "video",
        "audio",
        "source",
        "base",
        "form",
        "image",
        "use",
    }


def test_a_template_cannot_forget_to_escape_or_to_clean() -> None:
    shown = _environment().from_string("<p title='{{ x }}'>{{ x }}{{ y }}</p>").render(x="<'\x00\ud800\u202e", y=None)
    assert shown == "<p title='&lt;&#39;\ufffd\ufffd\ufffd'>&lt;&#39;\ufffd\ufffd\ufffd</p>"
    with pytest.raises(UndefinedError):
        _environment().from_string("{{ mistyped }}").render()


def data_of(page: str) -> Any:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])  # type: ignore[index]


def test_the_data_block_is_plain_ascii_json() -> None:
    page = render(changed(PAYLOADS[1], MEANING))
    block = re.search(r'id="data">(.*?)</script>', page, re.S)[1]  # type: ignore[index]
    assert block.isascii()
    assert not set("<>&") & set(block)
    assert len(data_of(page)["runs"]["id"]) == 11


def test_the_findings_carry_their_evidence_links_and_query() -> None:
    page = render(incident())
    assert '<article class="card" id="duplicate-effect-0000000001" data-severity="critical"' in page
    assert 'href="https://github.com/acme/payments/actions/runs/19482216617/job/503#step:6:1"' in page
    assert "✓ applied 0412_ledger_rounding (47.4s, 1 284 031 rows)" in page
    assert "note: &lt;b&gt;bold&lt;/b&gt; ⟦U+202E⟧(0412)⟦U+202C⟧ red" in page
    # The query stands in the first card of its detector, or in the method section where it found nothing.
    assert page.count("<pre") == len(DETECTORS)
    assert 'in <a href="#d-duplicate-effect">F-01</a>' in page


def test_incidents_lead_and_their_cards_stand_together() -> None:
    page = render(incident())
    brief = page[page.index('<ol class="brief">') : page.index("</ol>")]
    assert brief.count("<li>") == 1
    assert 'href="#incident-00000000d1"' in brief
    section = page[page.index('<section id="incidents"') : page.index('<section id="impact"')]
    for said in (
        "First cause (likely):</b> A workflow without a group (.github/workflows/deploy.yml).",
        "[missing-group, likely; .github/workflows/deploy.yml:7]",
        "1 landing of an older commit after a newer one.",
        "was wrong for 15 min 0 s, until the next right landing.",
        "the last that is known is commit 9f31c0e5",
        "has no log in the case",
        'href="https://github.com/acme/payments/actions/runs/19482215093/job/502#step:6:1"',
        "2 more events not shown.",
        '<a href="#overlapping-effects-0000000002">F-02</a>, <a href="#out-of-order-effect-0000000005">F-05</a>',
    ):
        assert said in section
    cards = re.findall(r'<article class="card" id="([\w-]+)"', page)
    assert cards[:2] == ["overlapping-effects-0000000002", "out-of-order-effect-0000000005"]
    assert page.index('class="group">In no incident') > page.index('id="out-of-order-effect-0000000005"')


def test_without_incidents_the_findings_lead() -> None:
    page = render(dataclasses.replace(incident(), incidents=()))
    assert '<section id="incidents"' not in page
    assert 'class="group"' not in page
    assert page[: page.index("</ol>")].count('href="#duplicate-effect-0000000001"') >= 1


def test_a_flood_of_incidents_is_shortened_and_said_so() -> None:
    (one,) = incident().incidents
    many = tuple(
        dataclasses.replace(one, id=f"incident-{n:010x}", story=one.story if n < 20 else None) for n in range(5_000)
    )
    page = render(dataclasses.replace(incident(), incidents=many))
    assert len(page.encode()) <= HARD_LIMIT_BYTES
    assert page.count('<article class="incident"') == 12
    assert "<h3>More incidents</h3>" in page
    assert "2,988 more are not listed here" in page


def test_a_made_up_run_has_no_link() -> None:
    page = render(incident())
    assert "runs/-" not in page
    assert '<tr id="run--812736450918273645"><th scope="row"><a>#6355</a></th>' in page


def test_method_says_whether_the_lines_add_up() -> None:
    case = incident()
    assert "the sum holds" in render(case)
    short = dataclasses.replace(case, coverage=dataclasses.replace(case.coverage, lines_duplicate=8_700))
    assert "differ by 90: some lines are not accounted for" in render(short)


def test_several_repositories_are_told_apart() -> None:
    case = incident()
    two = dataclasses.replace(
        case, coverage=dataclasses.replace(case.coverage, repositories=("acme/payments", "acme/web"))
    )
    assert '<th scope="col" data-key="repository">' in render(two)
    assert '<th scope="col" data-key="repository">' not in render(case)


def test_twenty_thousand_attempts_stay_under_two_megabytes() -> None:
    page = render(crowd(20_000))
    assert len(page.encode()) <= HARD_LIMIT_BYTES
    assert len(data_of(page)["runs"]["id"]) == 20_000


def test_five_thousand_attempts_stay_under_one_megabyte() -> None:
    assert len(render(crowd(5_000)).encode()) < 1_000_000


def test_a_flood_of_findings_and_lines_is_shortened_and_said_so() -> None:
    wide = effect(19482207714, 501, "14:15:03", "kubectl", "apply", "kubernetes: production", "api")
    lines = (
        *(proof(wide, "x" * 3_000, matched=False) for _ in range(100)),
        *(proof(wide, "the proof " + "y" * 3_000) for _ in range(3)),
    )
    found = tuple(
        finding(i, "overlapping-runs", "medium", f"Overlap number {i}.", "14:05:58", [wide], evidence=lines)
        for i in range(5_000)
    )
    page = render(dataclasses.replace(incident(), findings=found, evidence=evidence(3_000)))
    assert len(page.encode()) <= HARD_LIMIT_BYTES
    assert page.count("the proof") >= page.count('<article class="card"') * 3  # matched lines before context
    for said in (
        "have a card; the others are rows",
        "not even a row",
        "evidence lines a finding",
        "characters of an evidence line",
        "input files listed",
    ):
        assert said in page


def test_a_report_is_written_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "reports" / "incident.html"
    assert write(quiet(), target) == target.stat().st_size
    size = write(incident(), target)
    assert target.read_bytes() == render(incident()).encode()
    assert size == target.stat().st_size
    assert [p.name for p in target.parent.iterdir()] == ["incident.html"]


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ForensicsError, match="cannot write the report") as caught:
        write(empty(), tmp_path / "file" / "report.html")
    assert "-o" in caught.value.hint


PACKAGE = files("forensics.report")
SOURCES = {
    name: PACKAGE.joinpath(name).read_text(encoding="utf-8")
    for name in [
        *(f"templates/{p.name}" for p in PACKAGE.joinpath("templates").iterdir()),
        *(f"static/{p.name}" for p in PACKAGE.joinpath("static").iterdir()),
        *(p.name for p in PACKAGE.iterdir() if p.name.endswith(".py")),
    ]
}


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_no_source_uses_what_could_turn_text_into_markup(name: str) -> None:
    source = SOURCES[name]
    forbidden = [
        "|safe", "| safe", "autoescape false", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
        "eval(", "new Function", "createContextualFragment", "DOMParser", "localStorage", "style=", "http:",
        "javascript:", "fetch(", "XMLHttpRequest", " url(", "@import",
    ]  # fmt: skip
    assert [word for word in forbidden if word in source] == []
    assert not re.search(r"\son\w+=", source)
    assert not re.search(r"setTimeout\(\s*[\"'`]", source)


def test_markup_is_made_only_by_formatting_constants() -> None:
    makers = re.findall(r"Markup\(([^)]*?)\)", "".join(s for n, s in SOURCES.items() if n.endswith(".py")), re.S)
    allowed = {"made.style", "made.script", "json_block(timeline.data"}
    assert {m.strip() for m in makers if not re.match(r"\s*['\"]", m)} <= allowed
