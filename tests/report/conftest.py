"""One headless Chromium for all browser tests, and pages that record whatever should not happen."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from forensics.model import Analysis
from forensics.report.html import write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

# Runs before the page's own script: counts what the policy refused.
WATCH = """
window.__refused = [];
document.addEventListener("securitypolicyviolation", (e) => {
  window.__refused.push(e.violatedDirective + " " + e.blockedURI);
});
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; skips without one, unless FORENSICS_REQUIRE_BROWSER=1 (CI), when that is a failure."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        message = "no Chromium (or no playwright) found"
        if os.environ.get("FORENSICS_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures are left to be looked at; not committed."""
    folder = Path(__file__).parents[1] / "actual"
    folder.mkdir(exist_ok=True)
    return folder


@dataclass
class Visit:
    """An open report, and all that went wrong in it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def refused(self) -> list[str]:
        found: list[str] = self.page.evaluate("window.__refused")
        return found

    def pixels(self) -> str:
        """What the timeline shows, as a hash; waits until the last change is painted."""
        self.page.evaluate("() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
        image: str = self.page.evaluate("document.getElementById('canvas').toDataURL()")
        return hashlib.sha256(image.encode()).hexdigest()

    def until(self, expression: str, seconds: float = 5) -> None:
        """Wait until an expression is true; Playwright's own way needs eval, which the page's policy refuses."""
        for _ in range(int(seconds / 0.02)):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"never true: {expression}")


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open the report of an analysis; at the end of the test every visit must have been uneventful."""
    visits: list[Visit] = []

    def open_report(
        analysis: Analysis,
        width: int = 1440,
        height: int = 900,
        scheme: str = "light",
        hash: str = "",
        js: bool = True,
    ) -> Visit:
        path = tmp_path / f"report-{len(visits)}.html"
        write(analysis, path)
        page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=js,
        )
        visited = Visit(page)
        visits.append(visited)
        page.on("request", lambda request: visited.requests.append(request.url))
        page.on("console", lambda message: visited.complaints.append(message.text))
        page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (visited.complaints.append("dialog"), dialog.dismiss()))
        page.add_init_script(WATCH)
        page.goto(path.as_uri() + hash)
        return visited

    yield open_report
    for visited in visits:
        assert len(visited.requests) == 1
        assert visited.complaints == []
        if visited.page.evaluate("typeof window.__refused") != "undefined":
            assert visited.refused() == []
            assert visited.page.evaluate("window.__xss") is None
        visited.page.close()
