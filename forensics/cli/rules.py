"""``forensics rules``: list, explain and check effect rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from forensics.cli.options import FOLDER, HELP
from forensics.cli.table import layout
from forensics.cli.terminal import plural, put, say, visible, width
from forensics.errors import RuleInvalid, UsageProblem

if TYPE_CHECKING:
    from forensics.effects.act import Rule


@click.command("rules", context_settings=HELP)
@click.argument("name", metavar="[ID]", required=False)
@click.option("--check", type=FOLDER, metavar="DIR", help="Run the examples of the rule files of this folder.")
@click.option(
    "--try", "tried", nargs=2, metavar="FILE LOG", help="Show what one rule (file or ID) finds in a log; - is stdin."
)
def command(name: str | None, check: Path | None, tried: tuple[str, str] | None) -> None:
    """List, explain, check or try the rules for effects.

    LOG is a job's log, the output of `gh run view --log`, or a run's log archive. To find effects with rules of
    your own in a case: forensics ingest --rules DIR.

    \b
    Examples:
      forensics rules
      forensics rules npm
      forensics rules --try my-rules/ferry.yml job.log
      gh run view 4242 --log | forensics rules --try my-rules/ferry.yml -
      forensics rules --check my-rules/
    """
    if sum(map(bool, (name, check, tried))) > 1:
        raise UsageProblem("ID, --check and --try do not go together.", hint="Use one of them.")
    if tried:
        from forensics.cli.rule_trial import try_rule

        try_rule(*tried)
        return
    if check:
        _check(check)
        return
    from forensics.effects.rule import load_rules

    rules = load_rules().rules
    if name is None:
        rows = [(rule.id, rule.tool, ", ".join(_effects(rule)), rule.title) for rule in rules]
        for line in layout(("id", "tool", "effects", "title"), rows, width()):
            put(line)
        say("  → forensics rules ID")
        return
    for rule in rules:
        if rule.id == name:
            _explain(rule)
            return
    raise UsageProblem(f"There is no rule '{name}'.", hint="List them with: forensics rules")


def _effects(rule: Rule) -> list[str]:
    return list(dict.fromkeys(act.effect for act in rule.acts))


def _explain(rule: Rule) -> None:
    put(click.style(f"{rule.id}: {rule.title}", bold=True))
    for heading, text in (("What it finds", rule.about), ("What it does not see", rule.misses)):
        put(click.style(f"\n{heading}", bold=True))
        put(click.wrap_text(visible(text, lines=True), width(), "  ", "  ", preserve_paragraphs=True))
    for act in rule.acts:
        put(click.style(f"\n{act.effect}: {visible(act.about)}", bold=True))
        for kind, patterns in act.patterns.items():
            for pattern in patterns:
                put(f"  {kind:<9} {visible(pattern.regex)}")
    put(click.style("\nExamples", bold=True))
    for example in rule.examples:
        put(f"  {visible(example.name)}: {plural(len(example.effects), 'effect')}")


def _check(directory: Path) -> None:
    """One file after the other, so that one wrong file does not hide the next."""
    from forensics.effects.check import check_example
    from forensics.effects.read import read_rule

    files = sorted(directory.glob("*.yml"))
    if not files:
        raise UsageProblem(f"{directory} holds no rule files.", hint="A rule is a .yml file (see docs/rules.md).")
    wrong = 0
    for file in files:
        try:
            rule = read_rule(file, file.name)
            for example in rule.examples:
                check_example(rule, example)
            put(f"sound  {visible(rule.id)}: {plural(len(rule.examples), 'example')} hold")
        except RuleInvalid as error:
            wrong += 1
            put(f"wrong  {visible(error.message, lines=True)}")
            put(f"       → {visible(error.hint)}")
    say(f"{plural(len(files) - wrong, 'sound rule')}, {plural(wrong, 'wrong file')}.")
    if wrong:
        raise click.exceptions.Exit(1)
