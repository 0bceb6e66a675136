"""The report in Chromium: silent, accessible, and its explorer, tables and links do what they say."""

from __future__ import annotations

import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import PAYLOADS
from report_cases import crowd, empty, incident, quiet, with_strings

from forensics.report.text import duration

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPEN_ALL = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"
SKELETON = """[...document.querySelectorAll("body *")].map(
    (e) => e.tagName + " " + e.getAttributeNames().filter((n) => n !== "href" && n !== "rel").join(" "))"""


def changed(text: str) -> Any:
    keep = frozenset({"severity", "precision", "detector", "outcome", "conclusion", "status", "repository", "host"})
    return with_strings(incident(), lambda old: text + old, keep)


@pytest.mark.parametrize("case", [incident, quiet, empty], ids=["incident", "quiet", "empty"])
def test_a_report_loads_one_file_and_nothing_complains(visit: Any, case: Any, screenshots: Path) -> None:
    page = visit(case()).page
    page.screenshot(path=screenshots / f"{case.__name__}.png")
    assert page.locator("h1").inner_text()


@pytest.mark.parametrize("part", [slice(0, 8), slice(8, 16), slice(16, 24), slice(24, 30)], ids=str)
def test_hostile_strings_do_nothing_and_change_no_element(visit: Any, part: slice) -> None:
    text = "".join(PAYLOADS[part])
    hostile, plain = (visit(changed(t)).page for t in (text, "x" * len(text)))
    for page in (hostile, plain):
        page.evaluate(OPEN_ALL)
        page.keyboard.press("Tab")
        page.locator("#runs tbody tr td").first.click()
        page.locator("#stage").focus()
        page.keyboard.press("ArrowDown")
        page.locator("#filter").fill("a")
        page.locator("#filter").fill("")
        page.wait_for_timeout(150)
    assert hostile.evaluate(SKELETON) == plain.evaluate(SKELETON)
    assert hostile.evaluate("Object.prototype.polluted") is None


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 1440), ("light", 420)], ids=str)
def test_axe_finds_nothing(visit: Any, scheme: str, width: int, screenshots: Path) -> None:
    page = visit(incident(), width=width, scheme=scheme).page
    page.screenshot(path=screenshots / f"first-{scheme}-{width}.png")
    page.evaluate(OPEN_ALL)
    page.locator("#runs tbody tr td").first.click()
    assert page.locator("#chosen h3").is_visible()
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
    assert [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found.response["violations"]] == []
    page.screenshot(path=screenshots / f"full-{scheme}-{width}.png", full_page=True)


def test_the_first_screen_has_verdict_numbers_findings_and_timeline(visit: Any) -> None:
    page = visit(incident()).page
    for selector in ("h1", ".figures", ".brief li:last-child", "#h-timeline"):
        box = page.locator(selector).bounding_box()
        assert box["y"] + box["height"] <= 900, selector
    assert page.locator("#stage").bounding_box()["y"] < 720


@pytest.mark.parametrize(
    "case", [incident, lambda: crowd(300), lambda: changed("wide" * 300)], ids=["incident", "crowd", "wide"]
)
def test_a_phone_never_scrolls_sideways(visit: Any, case: Any) -> None:
    page = visit(case(), width=420).page
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


def test_keys_and_buttons_move_the_timeline(visit: Any) -> None:
    visited = visit(crowd(600))
    page = visited.page
    page.locator("#stage").focus()
    shown = page.locator("#range").inner_text
    seen = [(shown(), visited.pixels())]
    for key in ("+", "ArrowRight", "-", "ArrowLeft", "0", "n"):
        page.keyboard.press(key)
        seen.append((visited.pixels(), shown())[::-1])
    for before, after in pairwise(seen):
        assert before[0] != after[0]
        assert before[1] != after[1]
    page.get_by_role("button", name="Incident").click()
    assert (visited.pixels(), shown()) == (seen[0][1], seen[0][0])


def test_the_wheel_scrolls_the_page_unless_asked_to_zoom(visit: Any) -> None:
    visited = visit(incident())
    page = visited.page
    page.locator("#timeline").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, 0)")
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + 600, box["y"] + 60)
    before = page.locator("#range").inner_text()
    page.mouse.wheel(0, 200)
    visited.until("scrollY > 0")
    assert page.locator("#range").inner_text() == before
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(box["x"] + 700, box["y"] + 60)
    before = page.locator("#range").inner_text()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_timeout(150)
    assert page.locator("#range").inner_text() != before
    assert page.evaluate("scrollY") == 0


def test_dragging_pans_and_a_click_chooses(visit: Any) -> None:
    visited = visit(incident())
    page = visited.page
    box = page.locator("#stage").bounding_box()
    before = page.locator("#range").inner_text()
    page.mouse.move(box["x"] + 600, box["y"] + 34)
    page.mouse.down()
    page.mouse.move(box["x"] + 800, box["y"] + 34, steps=4)
    page.mouse.up()
    page.wait_for_timeout(100)
    assert page.locator("#range").inner_text() != before
    page.locator("#stage").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("#chosen h3 a").count() == 1
    assert page.locator("#chosen .facts").inner_text()
    visited.until("document.getElementById('status').textContent.startsWith('Run ')")


def test_runs_can_be_filtered_and_sorted(visit: Any) -> None:
    visited = visit(crowd(400))
    page = visited.page
    rows = page.locator("#runs tbody tr")
    assert rows.count() == 50
    page.locator("#more").click()
    assert rows.count() == 100
    before = visited.pixels()
    page.locator("#filter").fill("terraform")
    visited.until("document.querySelectorAll('#runs tbody tr').length === 2")
    assert page.locator("#run-count").inner_text() == "2 of 2 that match, of 400 in all."
    assert visited.pixels() != before  # the others are dimmed
    page.locator("#filter").fill("")
    page.locator("#result").select_option("2")
    page.wait_for_timeout(150)
    results = rows.locator("td:nth-last-child(2)").all_inner_texts()
    assert set(results) == {"cancelled"}
    page.locator("#result").select_option("")
    page.get_by_role("button", name="Ran", exact=True).click()
    page.get_by_role("button", name="Ran", exact=True).click()
    head = page.locator("#runs th[data-key=ran]")
    assert head.get_attribute("aria-sort") == "descending"
    seconds = page.evaluate("Math.max(...JSON.parse(document.getElementById('data').textContent).runs.ran)")
    assert rows.first.locator("td:nth-last-child(3)").inner_text() == duration(seconds)
    page.locator("#in-findings").check()
    page.wait_for_timeout(100)
    assert rows.count() == 8


def test_small_tables_sort_by_value_not_by_text(visit: Any) -> None:
    page = visit(incident()).page
    table = page.locator("#timing table")
    table.get_by_role("button", name="Longest run").click()
    cells = table.locator("tbody td:last-child").all_inner_texts()
    assert cells == ["41 m 26 s", "47 m 06 s", "1 h 05 m", "1 h 12 m"]


def test_a_link_to_a_finding_opens_its_evidence(visit: Any) -> None:
    page = visit(incident(), hash="#cancelled-mid-effect-0000000004").page
    card = page.locator("#cancelled-mid-effect-0000000004")
    assert card.locator("details.evidence").get_attribute("open") is not None
    assert -1 <= card.bounding_box()["y"] < 200
    card.get_by_role("link", name="Show in the timeline").click()
    assert page.locator("#chosen h3").inner_text().startswith("#1030")


def test_a_link_to_a_window_and_to_a_run_show_them(visit: Any) -> None:
    visited = visit(incident(), hash="#t=2026-11-17T14:00:00Z,2026-11-17T14:10:00Z")
    visited.until("document.getElementById('range').textContent.includes('14:00:00 → 2026-11-17 14:10:00')")
    page = visit(incident(), hash="#run-19482211030").page
    assert "Terraform" in page.locator("#chosen").inner_text()


def test_severities_can_be_hidden(visit: Any) -> None:
    page = visit(incident()).page
    page.get_by_label("Critical").uncheck()
    assert page.locator(".card:visible").count() == 4


def test_the_theme_button_cycles_and_repaints(visit: Any) -> None:
    visited = visit(incident())
    light = visited.pixels()
    button = visited.page.locator("#theme")
    button.click()
    button.click()
    assert button.inner_text() == "Theme: Dark"
    assert visited.pixels() != light
    button.click()
    assert visited.pixels() == light


def test_without_script_everything_but_the_explorer_is_there(visit: Any) -> None:
    page = visit(incident(), js=False).page
    assert page.locator("#explorer").is_hidden()
    assert page.locator("noscript").inner_text()
    assert page.locator(".card").count() == 6
    assert page.locator("svg.closeup").count() == 6
    assert page.locator("#runs tbody tr").count() == 11
    assert page.locator("button:visible").count() == 0


def test_print_opens_everything_and_closes_it_again(visit: Any) -> None:
    page = visit(incident()).page
    closed = page.locator("details:not([open])").count()
    assert closed > 3
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == closed


def test_five_thousand_runs_are_ready_and_painted_fast(visit: Any, screenshots: Path) -> None:
    page = visit(crowd(5_000)).page
    page.locator("#stage").focus()
    page.keyboard.press("0")
    for _ in range(12):
        for key in ("+", "ArrowRight", "-", "ArrowLeft"):
            page.keyboard.press(key)
            page.evaluate("() => new Promise((r) => requestAnimationFrame(r))")
    ready = page.evaluate("performance.getEntriesByName('ready')[0].startTime")
    paints = page.evaluate("performance.getEntriesByName('paint').map((e) => e.duration)")
    page.keyboard.press("0")
    page.wait_for_timeout(100)
    page.locator("#timeline").screenshot(path=screenshots / "timeline-5000.png")
    assert len(paints) > 20
    assert statistics.median(paints) < 16
    assert ready < 1_500
