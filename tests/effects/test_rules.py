"""Every rule holds what its own examples promise, alone and beside the others."""

from __future__ import annotations

import polars as pl
import pytest

from forensics.effects.act import Example, Rule
from forensics.effects.check import check, check_example, effects_of, example_lines
from forensics.effects.extract import extract
from forensics.effects.rule import alternation, beginnings, load_rules

RULES = load_rules()
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.id}: {example.name}") for rule in RULES.rules for example in rule.examples
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_example_holds(rule: Rule, example: Example) -> None:
    check_example(rule, example)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_other_rules_do_not_change_what_a_rule_finds(rule: Rule, example: Example) -> None:
    together = extract(example_lines(example), RULES)
    alone = extract(example_lines(example), RULES.only(rule.id))
    assert together.filter(together["rule"] == rule.id).equals(alone)


def test_the_package_knows_forty_tools_and_more() -> None:
    assert len({rule.tool for rule in RULES.rules}) >= 40


def test_check_runs_every_example_of_the_package() -> None:
    check(RULES)


CUT_SHORT = [rule.id for rule in RULES.rules if any("operation was canceled" in one.log for one in rule.examples)]


def test_nearly_every_rule_shows_an_effect_that_is_cut_short() -> None:
    assert len(CUT_SHORT) >= 37


@pytest.mark.parametrize("rule_id", CUT_SHORT)
def test_an_effect_cut_short_is_kept_as_unknown(rule_id: str) -> None:
    """A cancelled run can have changed the world; the detector for that needs the row."""
    (rule,) = RULES.only(rule_id).rules
    cancelled = [example for example in rule.examples if "##[error]The operation was canceled." in example.log]
    for example in cancelled:
        cut = [at for at, text in enumerate(example.log.splitlines(), start=1) if "operation was canceled" in text]
        unknown = [effect.line for effect in effects_of(example, RULES) if effect.outcome == "unknown"]
        assert set(cut) <= set(unknown)


def test_rules_that_look_at_the_same_lines_do_not_count_them_twice() -> None:
    log = (
        "To https://github.example/octo/shop\n"
        "   1a2b3c4..5d6e7f8  main -> main\n"
        " * [new tag]         v1.4.0 -> v1.4.0\n"
        " + 1a2b3c4...5d6e7f8 v1 -> v1 (forced update)\n"
        " ! [rejected]        v1.3.0 -> v1.3.0 (already exists)\n"
        " ! [rejected]        next -> next (fetch first)\n"
    )
    example = Example("one push, many refs", log, "octo/shop", "Release", "release", (), RULES.rules[0].place)
    found = [(effect.target.split(" ")[1], effect.outcome) for effect in effects_of(example, RULES)]
    assert found == [
        ("refs/heads/main", "done"),
        ("v1.4.0", "done"),
        ("v1", "done"),
        ("v1.3.0", "rejected"),
        ("refs/heads/next", "rejected"),
    ]


def test_no_rule_makes_every_line_be_read_to_its_end() -> None:
    """A wildcard at the head of one trigger once cost as much as all the others together."""
    heads = [pattern.regex for act in RULES.acts for pattern in act.triggers]
    assert [regex for regex in heads if regex.startswith(("^.*", "^(?:.*", "^.+", "^(?:.+"))] == []


def test_the_first_look_finds_whatever_a_trigger_finds() -> None:
    lines = pl.Series([line for rule in RULES.rules for one in rule.examples for line in one.log.splitlines()])
    missed = lines.filter(lines.str.contains(RULES.trigger) & ~lines.str.contains(RULES.first_look))
    assert missed.to_list() == []


def test_an_act_is_looked_at_wherever_a_trigger_of_it_matches() -> None:
    for act, heads in RULES.heads:
        lines = [
            line for rule in RULES.only(act.rule).rules for one in rule.examples for line in one.log.splitlines()
        ]
        texts = pl.Series(lines, dtype=pl.String)
        for line in texts.filter(texts.str.contains(alternation(act.triggers))):
            assert any(beginning.startswith(heads) for beginning in beginnings(line)), (act.rule, line)
