"""Inputs of a dispatch, read from the title that ``run-name`` gave the run."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.concurrency.title import read_title

INPUTS = {
    "target": {"type": "choice", "options": ["staging", "production", "prod"]},
    "dry": {"type": "boolean"},
    "version": {"type": "string"},
    "count": {"type": "number"},
    "Note": None,
}


@pytest.mark.parametrize(
    ("run_name", "title", "known"),
    [
        ("Deploy to ${{ inputs.target }}", "Deploy to production", {"target": "production"}),
        ("Deploy to ${{ github.event.inputs.TARGET }}", "Deploy to prod", {"target": "prod"}),
        ("dry: ${{inputs.dry}}", "dry: true", {"dry": True}),
        ("dry: ${{inputs.dry}}", "dry: false", {"dry": False}),
        ("Ship ${{ inputs.version }} now", "Ship 1.2 now", {"version": "1.2"}),
        ("Ship ${{ inputs.note }}", "Ship it", {"Note": "it"}),
        (
            "${{ inputs.target }} gets ${{ inputs.version }}, dry ${{ inputs.dry }}",
            "prod gets v1, dry false",
            {"target": "prod", "version": "v1", "dry": False},
        ),
        # By whom is no input, but the choice is sure all the same.
        ("${{ github.actor }}: ${{ inputs.dry }}", "mira: true", {"dry": True}),
        # The title may be read in two ways, or is of another file, or nobody gave one.
        ("${{ github.actor }} ${{ inputs.version }}", "mira 1 2", {}),
        ("${{ inputs.target }}${{ inputs.version }}", "production", {}),
        ("Deploy to ${{ inputs.target }}", "Fix the build", {}),
        ("Deploy to ${{ inputs.target }}", None, {}),
        ("Deploy", "Deploy", {}),
        ("${{ inputs.count }}", "3", {}),
        ("${{ inputs.target || 'x' }}", "prod", {}),
        ("${{ inputs.version }}", "a" * 250, {}),
    ],
)
def test_only_what_has_one_reading_is_known(run_name, title, known):
    assert read_title(title, run_name, INPUTS) == known


@given(
    st.lists(st.sampled_from(["target", "dry", "version", "actor", " - ", "to ", ""]), min_size=1, max_size=6),
    st.sampled_from(["staging", "production", "prod"]), st.booleans(), st.text("ab-. to", min_size=1, max_size=6),
)  # fmt: skip
def test_what_is_known_is_never_wrong(parts, target, dry, version):
    """Whatever the run-name: a value that is told is the one that was given."""
    given_values = {"target": target, "dry": str(dry).lower(), "version": version, "actor": "to-mira"}
    run_name = "".join(
        f"${{{{ {'github.' if part == 'actor' else 'inputs.'}{part} }}}}" if part in given_values else part
        for part in parts
    )
    title = "".join(given_values.get(part, part) for part in parts)
    known = read_title(title, run_name, INPUTS)
    if "version" in known:
        assert str(known["version"]).strip() == re.sub(r"^\s+|\s+$", "", version)
    assert {name: known[name] for name in known if name != "version"}.items() <= {
        "target": target,
        "dry": dry,
    }.items()
