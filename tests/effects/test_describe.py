"""The field guide says what the rule files say."""

from __future__ import annotations

from pathlib import Path

from forensics.effects.act import KINDS
from forensics.effects.describe import describe, describe_forms
from forensics.effects.rule import load_rules

GUIDE = Path(__file__).parents[2] / "docs" / "rules.md"
RULES = load_rules()


def test_the_guide_is_in_step_with_the_rules() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    hint = "run: cog -r docs/rules.md"
    assert describe(RULES) in text, hint
    assert describe_forms(RULES) in text, hint


def test_the_guide_explains_every_key() -> None:
    table = GUIDE.read_text(encoding="utf-8").partition("| key of an effect")[2].partition("## The rules")[0]
    assert [kind for kind in KINDS if f"`{kind}`" not in table] == []


def test_every_pattern_of_every_rule_is_shown() -> None:
    text = describe(RULES)
    patterns = [pattern for act in RULES.acts for kind in KINDS for pattern in act.of(kind)]
    assert [pattern.regex for pattern in patterns if pattern.regex not in text] == []
