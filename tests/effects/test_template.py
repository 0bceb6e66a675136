"""One thing, many spellings, one normal form."""

from __future__ import annotations

import doctest

import pytest

from forensics.effects import template
from forensics.effects.template import normalise_remote, read_template


def test_doctests() -> None:
    assert doctest.testmod(template).failed == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://github.example/octo/shop",
        "https://github.example/octo/shop.git",
        "https://github.example/octo/shop/",
        "https://x-access-token:***@github.example/octo/shop.git",
        "HTTPS://GitHub.Example/octo/shop",
        "ssh://git@github.example/octo/shop.git",
        "git@github.example:octo/shop.git",
        "github.example:octo/shop",
    ],
)
def test_every_spelling_of_a_remote_is_one_target(url: str) -> None:
    assert normalise_remote(url) == "github.example/octo/shop"


def test_a_template_without_its_values_is_not_filled() -> None:
    assert read_template("{a}@{b}").fill({"a": "x", "b": None}) is None
    assert read_template("{a}@{b}").fill({"a": "x", "b": "y"}) == "x@y"
    assert read_template("{a}@{b}").names == {"a", "b"}


@pytest.mark.parametrize("text", ["{", "{a", "a}", "{A}", "{a|nope}", "{}"])
def test_a_broken_template_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"brace|filter"):
        read_template(text)
