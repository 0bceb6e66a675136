"""``forensics rules --try``: what one rule finds in one log, and if nothing, what was near."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forensics.cli.terminal import plural, put, say, visible
from forensics.errors import UsageProblem

if TYPE_CHECKING:
    from forensics.effects.act import Rule
    from forensics.load.trial import TriedJob

MOST_CHARACTERS = 200
"""Of a log line are shown."""


def try_rule(name: str, log: str) -> None:
    """Print the effects that a rule (a file, or the id of one of the package) finds in a log (``-``: stdin)."""
    from forensics.load.trial import read_tried

    rule = _rule(name)
    jobs = effects = lines = 0
    for job in read_tried(sys.stdin.buffer.read() if log == "-" else Path(log)):
        jobs += 1
        lines += job.lines.height
        effects += _show(rule, job)
    many = f" in {plural(jobs, 'job')}" if jobs > 1 else ""
    say(f"{plural(effects, 'effect')} in {plural(lines, 'line')}{many}.")


def _rule(name: str) -> Rule:
    from forensics.effects.read import read_rule
    from forensics.effects.rule import load_rules

    file = Path(name)
    if file.is_file():
        return read_rule(file, name, draft=True)
    for rule in load_rules().rules:
        if rule.id == name:
            return rule
    raise UsageProblem(
        f"There is no rule file '{name}' and no rule of that id.",
        hint="forensics rules --try my-rules/ferry.yml job.log; ids: forensics rules",
    )


def _show(rule: Rule, job: TriedJob) -> int:
    from forensics.effects.extract import extract
    from forensics.effects.near import explain_silence
    from forensics.effects.rule import RuleSet

    found = extract(job.lines, RuleSet((rule,)), dict.fromkeys(job.lines["job_id"].unique(), job.about)).to_dicts()
    if job.name is not None:
        put(click.style(f"job {visible(job.name)}", bold=True))
    if not found:
        for reason in explain_silence(job.lines, rule):
            put(f"nothing: {visible(reason)}")
    texts = dict(zip(job.lines["line_no"], job.lines["text"], strict=True))
    for effect in found:
        for line in describe(effect, texts):
            put(line)
    return len(found)


def describe(effect: dict[str, Any], texts: dict[int, str]) -> Iterator[str]:
    """An effect as lines for people: what it is, and the lines of the log that say so."""
    identity = f" = {effect['identity']}" if effect["identity"] else ""
    yield visible(f"line {effect['line_no']}: {effect['outcome']} {effect['effect']} {effect['target']}{identity}")
    if (start := effect["started_line_no"]) is not None and start != effect["line_no"]:
        yield f"  started  line {start}: {_cut(texts[start])}"
    yield f"  {effect['outcome']:<8} line {effect['line_no']}: {_cut(effect['text'])}"


def _cut(text: str) -> str:
    return visible(text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "…")
