"""The hand-written pages point at things that exist, and show only commands that exist."""

import re
from pathlib import Path

import pytest

from forensics.cli.main import COMMANDS

TOP = Path(__file__).parents[2]
PAGES = [TOP / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "fixtures/README.md")] + sorted(
    (TOP / "docs").glob("*.md")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(TOP).as_posix())
def test_its_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"\[\[\[cog.*?\]\]\]|```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose)
    assert [target for target in linked if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(TOP).as_posix())
def test_its_commands_exist(page: Path) -> None:
    blocks = re.findall(r"```\n(.*?)```", page.read_text(), re.DOTALL)
    shown = re.findall(r"^(?:\.venv/bin/)?forensics (?:--debug )?([a-z]+)", "\n".join(blocks), re.MULTILINE)
    assert set(shown) <= set(COMMANDS)


def test_the_readme_and_makefile_agree() -> None:
    targets = set(re.findall(r"^([a-z]+):", (TOP / "Makefile").read_text(), re.MULTILINE))
    shown = set(
        re.findall(r"^make ([a-z]+)", (TOP / "README.md").read_text() + (TOP / "CONTRIBUTING.md").read_text(), re.M)
    )
    assert shown <= targets
    assert {"help", "dev", "demo", "test", "check", "fix", "docs", "bench"} <= targets


def test_the_pins_are_exact_and_name_no_place() -> None:
    lines = [line for line in (TOP / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 30
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", line)] == []
