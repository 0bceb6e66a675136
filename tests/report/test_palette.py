"""Contrasts of the palette, computed: axe cannot see colours on SVG and canvas."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = files("forensics.report").joinpath("static/report.css").read_text(encoding="utf-8")


def palette(theme: int) -> dict[str, str]:
    both = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", CSS)
    one = re.findall(r"--([\w-]+): (#\w{6});", CSS)
    return {name: (light, dark)[theme] for name, light, dark in both} | dict(one)


def luminance(colour: str) -> float:
    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT = [
    *((name, under, 4.5) for name in ("text", "muted", "accent") for under in ("bg", "panel", "accent-bg", "hit")),
    *((level, f"{level}-bg", 5.5) for level in ("critical", "high", "medium", "low", "info")),
    ("critical", "bg", 4.5),
    *(("ink", state, 4.5) for state in ("ok", "failed", "running", "other")),
    ("edge", "twice", 7.0),
    ("bg", "text", 7.0),
]
SHAPES = [
    *(
        (state, under, 3.0)
        for state in ("ok", "failed", "running", "other", "cancelled", "wait", "overlap")
        for under in ("bg", "panel")
    ),
    ("strong-line", "bg", 3.0),
    ("edge", "twice", 3.0),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper", "least"), TEXT + SHAPES)
def test_ink_stands_out_from_its_paper(theme: int, ink: str, paper: str, least: float) -> None:
    colours = palette(theme)
    assert contrast(colours[ink], colours[paper]) >= least


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_succeeded_and_failed_differ_without_hue(theme: int) -> None:
    colours = palette(theme)
    assert contrast(colours["ok"], colours["failed"]) >= 1.4


def test_the_contrast_formula_is_wcags() -> None:
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48
