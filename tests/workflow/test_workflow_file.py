"""Workflow files as people and attackers write them: read as YAML 1.2, or refused with the place and a reason."""

import orjson
import pytest

from forensics.errors import EvidenceUnreadable
from forensics.workflow.load import load_workflow

PLAIN = "name: Release\non: [push, workflow_dispatch]\njobs:\n  a:\n    runs-on: ubuntu-latest\n"


def test_name_and_triggers_and_content():
    file = load_workflow(PLAIN)
    assert (file.name, file.triggers) == ("Release", ("push", "workflow_dispatch"))
    assert file.content["jobs"] == {"a": {"runs-on": "ubuntu-latest"}}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("x: 99999999999999999999999999", "99999999999999999999999999"),
        ("x: 2026-05-01", "2026-05-01"),
        ("x: 2026-13-45", "2026-13-45"),
        ("x: no", "no"),
        ("x: 0o17", 15),
        ("x: .nan", None),
        ("y: &a [1]\nx: *a", [1]),
    ],
)
def test_odd_values_come_as_what_json_can_hold(line, value):
    assert orjson.loads(orjson.dumps(load_workflow(PLAIN + line + "\n").content))["x"] == value


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x: &a [*a]", "an alias in it holds itself"),
        ("x: &a {b: *a}", "an alias in it holds itself"),
        ("x: " + "[" * 300 + "]" * 300, "nested too deeply"),
        ("x: " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        ("\tx: 1", "line 6, column 1"),
        ("name: other", "duplicate key"),
        ("x: !!python/object:os.system 1", "tag .* is not one that GitHub knows"),
        ("x: !!int abc", "does not fit the tag"),
        ('x: "\\ud83d"', "not sound YAML"),
        ("x: !!timestamp never", "tag .* is not one that GitHub knows"),
        ("x: 0xFFFFFFFFF", "more than 32 bits"),
        ("---\nx: 1", "second document at line 6"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(line, reason):
    with pytest.raises(EvidenceUnreadable, match=reason):
        load_workflow(PLAIN + line + "\n")
