"""The field guide of the effect rules, made from the rule files themselves."""

from __future__ import annotations

from collections.abc import Iterator

from forensics.effects.act import OUTCOMES, Act, Example, Rule
from forensics.effects.rule import RuleSet
from forensics.effects.template import Template

_SPOKEN = {
    "start": "announced by",
    "progress": "goes on with",
    "done": "done",
    "no-op": "no-op",
    "rejected": "rejected",
    "failed": "failed",
    "void": "taken back by",
    "after": "done counts only after",
    "except": "never",
    "end": "ends without a word at",
    "context": "named by an earlier line",
    "header": "named by the script or its inputs",
    "command": "commanded by",
    "dry-run": "changes nothing when commanded by",
}
"""What each kind of pattern is called, in the order in which the guide lists them."""


def describe_forms(rules: RuleSet) -> str:
    """Markdown table of the normal forms: what a target and an identity look like, act by act."""
    lines = ["| rule | effect | target | identity |", "| --- | --- | --- | --- |"]
    for act in rules.acts:
        cells = (f"[{act.rule}](#{act.rule})", act.effect, _forms(act.target), _forms(act.identity) or "none")
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(dict.fromkeys(lines))


def describe(rules: RuleSet) -> str:
    """Markdown section for each rule: what it reads, what it misses, its patterns and its examples."""
    return "\n\n".join("\n".join(_section(rule)) for rule in rules.rules)


def _section(rule: Rule) -> Iterator[str]:
    yield f"### {rule.id}"
    yield ""
    yield f"**{rule.title}** (tool `{rule.tool}`). {rule.about}"
    if rule.misses:
        yield ""
        yield f"Not seen: {rule.misses}"
    for act in rule.acts:
        yield ""
        yield from _act(act)
    yield ""
    yield "Examples:"
    yield ""
    for example in rule.examples:
        yield f"- {example.name}: {_effects(example)}"
    shown = next(example for example in rule.examples if example.effects)
    yield ""
    yield f"The first of them, \u201c{shown.name}\u201d:"
    yield ""
    yield "````text"
    yield from shown.log.rstrip("\n").splitlines()
    yield "````"


def _act(act: Act) -> Iterator[str]:
    about = f": {act.about}" if act.about else ""
    yield f"Effect `{act.effect}`{about}"
    yield ""
    yield f"- target {_forms(act.target)}"
    if act.identity:
        yield f"- identity {_forms(act.identity)}"
    for kind, spoken in _SPOKEN.items():
        for pattern in act.of(kind):
            yield f"- {spoken} `` {pattern.regex} ``"
    for note in _notes(act):
        yield f"- {note}"


def _notes(act: Act) -> Iterator[str]:
    if act.of("start"):
        if alone := [outcome for outcome in OUTCOMES if outcome in act.alone]:
            yield f"counts without an announcement: {', '.join(alone)}"
        if act.otherwise == "none":
            yield "an announcement that nothing follows is no effect"
        else:
            yield f"an announcement that nothing follows: {act.otherwise}"
    if act.many:
        yield "one announcement may have several outcomes, each an effect"
    if act.within is not None:
        yield f"an outcome lies within {act.within} lines"
    if act.command_required:
        yield "where the log shows the step's script, the command has to stand in it"


def _forms(templates: tuple[Template, ...]) -> str:
    return ", else ".join(f"`{template.text}`" for template in templates)


def _effects(example: Example) -> str:
    told = [
        f"{effect.outcome} `{effect.target}`" + (f" = `{effect.identity}`" if effect.identity else "")
        for effect in example.effects
    ]
    return "; ".join(told) or "nothing"
