"""A wrong rule file is refused with the place and the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from forensics.effects.check import check
from forensics.effects.rule import load_rules
from forensics.errors import RuleInvalid

GOOD = """\
id: parcel
tool: parcel
title: parcel send
about: Sends a parcel.
effects:
  - effect: publish
    start: '^sending (?P<parcel>\\S+)$'
    done: '^sent (?P<parcel>\\S+) as (?P<number>\\d+)$'
    target: 'parcel:{parcel}'
    identity: '{parcel}@{number}'
examples:
  - name: sent
    log: |
      sending book
      sent book as 7
    effects:
      - {target: 'parcel:book', identity: book@7, line: 2, started: 1}
  - name: only talk
    log: |
      sent book as 7
    effects: []
"""


def load(folder: Path, text: str, name: str = "parcel.yml") -> None:
    (folder / name).write_text(text, encoding="utf-8")
    check(load_rules(folder).only("parcel"))


def test_a_rule_of_ones_own_is_one_file_in_a_folder(tmp_path: Path) -> None:
    load(tmp_path, GOOD)
    assert "parcel" in [rule.id for rule in load_rules(tmp_path).rules]


def refused(tmp_path: Path, old: str, new: str) -> str:
    assert GOOD.count(old) >= 1
    folder = tmp_path / "mine"
    folder.mkdir()
    with pytest.raises(RuleInvalid) as error:
        load(folder, GOOD.replace(old, new, 1))
    assert error.value.hint
    return error.value.message


def test_bad_regular_expression(tmp_path: Path) -> None:
    assert refused(tmp_path, r"\S+)$'", r"\S+$'") == snapshot(
        "mine/parcel.yml:7:12: not a regular expression (Rust's syntax): error: unclosed group"
    )


def test_look_around_is_not_rusts_syntax(tmp_path: Path) -> None:
    message = refused(tmp_path, "'^sending ", "'^(?!not )sending ")
    assert message.startswith("mine/parcel.yml:7:12: not a regular expression (Rust's syntax): error: look-around")


def test_pattern_without_anchor(tmp_path: Path) -> None:
    assert refused(tmp_path, "'^sending ", "'sending ") == snapshot(
        "mine/parcel.yml:7:12: pattern has to begin with '^': sending (?P<parcel>\\S+)$"
    )


def test_unknown_key(tmp_path: Path) -> None:
    message = refused(tmp_path, "    start:", "    begin:")
    assert message.startswith("mine/parcel.yml:7:5: unknown key 'begin'; there are effect, about, ")


def test_missing_key(tmp_path: Path) -> None:
    assert refused(tmp_path, "title: parcel send\n", "") == snapshot("mine/parcel.yml:1:1: key 'title' is missing")


def test_wrong_type(tmp_path: Path) -> None:
    assert refused(tmp_path, "    start:", "    within: soon\n    start:") == snapshot(
        "mine/parcel.yml:7:13: 'within' has to be int, not str"
    )


def test_unknown_placeholder(tmp_path: Path) -> None:
    message, _, known = refused(tmp_path, "{parcel}@{number}", "{parcel}@{weight}").partition("; ")
    assert message == snapshot("mine/parcel.yml:10:15: unknown placeholder 'weight'")
    assert known == snapshot("there are job, number, parcel, repository, sha, workflow")


def test_unknown_filter(tmp_path: Path) -> None:
    assert refused(tmp_path, "{parcel}@{number}", "{parcel|upper}@{number}") == snapshot(
        "mine/parcel.yml:10:15: no filter 'upper'; there are branch, elsewhere, joined, lower, project, remote, tag"
    )


def test_target_that_may_stay_unknown(tmp_path: Path) -> None:
    assert refused(tmp_path, "'parcel:{parcel}'\n    identity", "'parcel:{number}'\n    identity") == snapshot(
        "mine/parcel.yml:9:13: the last target needs 'number', which not every way to the effect gives"
    )


def test_dry_run_without_command(tmp_path: Path) -> None:
    message = refused(tmp_path, "    start:", "    dry-run: '^.*--dry-run'\n    start:")
    assert message == snapshot("mine/parcel.yml:6:13: 'dry-run' and 'command-required' need 'command'")


def test_example_that_does_not_hold(tmp_path: Path) -> None:
    assert refused(tmp_path, "identity: book@7", "identity: book@8") == snapshot("""\
mine/parcel.yml:12:5: example 'sent' does not hold
  expected done  parcel:book (book@8) line 2, started 1
  found    done publish parcel:book (book@7) line 2, started 1\
""")


def test_example_with_too_few_effects(tmp_path: Path) -> None:
    message = refused(tmp_path, "      sent book as 7\n    effects: []", "      sending pen\n    effects: []")
    assert message == snapshot("""\
mine/parcel.yml:18:5: example 'only talk' does not hold
  expected nothing
  found    unknown publish parcel:pen (None) line 1, started 1\
""")


def test_only_firing_examples(tmp_path: Path) -> None:
    assert refused(tmp_path, GOOD[GOOD.index("  - name: only talk") :], "") == snapshot(
        "mine/parcel.yml:12:3: there has to be an example with an effect and one without"
    )


def test_not_yaml(tmp_path: Path) -> None:
    assert refused(tmp_path, "tool: parcel", "tool: [parcel") == snapshot(
        "mine/parcel.yml:3:6: expected ',' or ']', but got ':'"
    )


def test_duplicate_key(tmp_path: Path) -> None:
    assert refused(tmp_path, "tool: parcel", "tool: parcel\ntool: parcel") == snapshot(
        'mine/parcel.yml:3:1: found duplicate key "tool" with value "parcel" (original value: "parcel")'
    )


def test_id_differs_from_file_name(tmp_path: Path) -> None:
    assert refused(tmp_path, "id: parcel", "id: packet") == snapshot(
        "mine/parcel.yml:1:5: id 'packet' differs from the file name 'parcel'"
    )


def test_two_rules_of_one_id(tmp_path: Path) -> None:
    with pytest.raises(RuleInvalid, match=r"id 'npm' is taken by rules/npm\.yml"):
        load(tmp_path, GOOD.replace("id: parcel", "id: npm"), "npm.yml")


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(RuleInvalid, match="no such folder"):
        load_rules(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"- a list\n", b"", b"x: " + b"y" * 300_000])
def test_a_file_that_is_no_rule(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "parcel.yml").write_bytes(content)
    with pytest.raises(RuleInvalid, match=r"parcel\.yml"):
        load_rules(tmp_path)
