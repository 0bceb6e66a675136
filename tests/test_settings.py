"""forensics.toml: what it says is taken at its word, and what it cannot mean is refused with its place."""

from datetime import date

import pytest

from forensics.errors import UsageProblem
from forensics.settings import Settings, Suppression, find_settings, read_settings

WHOLE = """
[[suppress]]
detector = "duplicate-effect"
workflow = "nightly.yml"
target = "npm:@octo/*"
until = 2027-01-31
why = "Twice on purpose."

[detectors.duration-outlier]
factor = 4
least = 60
[detectors.duration-outlier.workflows."nightly.yml"]
factor = 10

[lanes]
production = ["k8s:deployment/cart*", "helm:cart"]
"""


def written(folder, text):
    folder.mkdir(exist_ok=True)
    (folder / "forensics.toml").write_text(text, encoding="utf-8")
    return folder / "forensics.toml"


def test_a_whole_file(tmp_path):
    settings = read_settings(written(tmp_path, WHOLE))
    assert settings.suppressions == (
        Suppression(
            "duplicate-effect", date(2027, 1, 31), "Twice on purpose.", workflow="nightly.yml", target="npm:@octo/*"
        ),
    )
    assert settings.parameters == {"duration-outlier": {"factor": 4, "least": 60}}
    assert settings.workflow_parameters == {"nightly.yml": {"duration-outlier": {"factor": 10, "least": 60}}}
    assert settings.lanes == {"production": ("k8s:deployment/cart*", "helm:cart")}


def test_the_named_file_then_the_one_here_then_the_cases(tmp_path):
    here, case = tmp_path / "here", tmp_path / "case"
    here.mkdir()
    assert find_settings(case, here) == Settings()
    own = written(case, "[lanes]\na = ['x']")
    assert find_settings(case, here).path == own
    mine = written(here, "[lanes]\nb = ['x']")
    assert find_settings(case, here).path == mine
    assert find_settings(case, here, own).path == own
    with pytest.raises(UsageProblem, match="There is no settings file"):
        find_settings(case, here, tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[suppress]\n", "line 1"),
        ("[[suppress]]\ndetector = 'x'\nuntil = 2027-01-01\n", "number 1 lacks 'why'"),
        ("[[suppress]]\ndetector = 'x'\nwhy = 'y'\n", "number 1 lacks 'until'"),
        ("[[suppress]]\ndetector = 'x'\nwhy = 'y'\nuntil = '2027-01-01'\n", "'until' is not a date"),
        ("[[suppress]]\ndetector = 'x'\nwhy = ' '\nuntil = 2027-01-01\n", "'why' is not a text"),
        ("[[suppress]]\ndetector = 'x'\nwhy = 'y'\nuntil = 2027-01-01\nbranch = 'm'\n", "has 'branch'"),
        ("[suppress]\ndetector = 'x'\n", r"write \[\[suppress\]\]"),
        ("[lanes]\na = 'x'\n", "the lane 'a' is not a list"),
        ("[detectors]\nx = 1\n", "holds a table for each detector"),
        ("[suppressions]\n", "it has 'suppressions'"),
        ("\x00", "cannot be used"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, text, said):
    with pytest.raises(UsageProblem, match=said):
        read_settings(written(tmp_path, text))


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "forensics.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageProblem, match="cannot be used"):
        read_settings(tmp_path / "forensics.toml")
