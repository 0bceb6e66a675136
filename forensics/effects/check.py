"""Checks rules against their own examples: log excerpt in, effects out."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import polars as pl

from forensics.effects.act import Example, Expected, Rule
from forensics.effects.extract import JobContext, extract
from forensics.effects.rule import RuleSet
from forensics.errors import RuleInvalid

_ECHO = "[36;1m"
_LEVEL = re.compile(r"##\[(error|warning|notice|debug|group|endgroup|section)\]")
_START = datetime(2026, 1, 5, 12)
_JOB = 1


def check(rules: RuleSet) -> None:
    """Run every example of every rule.

    Raises:
        RuleInvalid: an example does not hold; names its place, what it expects and what was found.
    """
    for rule in rules.rules:
        for example in rule.examples:
            check_example(rule, example)


def check_example(rule: Rule, example: Example) -> None:
    """Run one example of ``rule`` with no other rule beside it.

    Raises:
        RuleInvalid: see :func:`check`.
    """
    found = effects_of(example, RuleSet((rule,)))
    wanted = [_asked(expected, row) for expected, row in zip(example.effects, found, strict=False)]
    if len(found) != len(example.effects) or wanted != found:
        raise RuleInvalid(
            f"{example.place}: example '{example.name}' does not hold\n"
            f"  expected {_shown(list(example.effects))}\n  found    {_shown(found)}",
            hint="Mend the patterns or the example.",
        )


def effects_of(example: Example, rules: RuleSet) -> list[Expected]:
    """What ``rules`` find in an example, in the order of its lines."""
    about = JobContext(example.workflow, example.job)
    effects = extract(example_lines(example), rules, {_JOB: about})
    columns = effects.select("target", "identity", "outcome", "line_no", "started_line_no", "effect", "sha")
    return [Expected(*row) for row in columns.rows()]


def example_lines(example: Example) -> pl.DataFrame:
    """An example's log as the frame that ``extract`` takes: one job, one line a second.

    Levels come from the marks of a job log; a line that begins with ``[36;1m``, the colour in which the
    runner prints the source of a script, has level ``echo``.
    """
    texts = example.log.splitlines()
    return pl.DataFrame(
        {
            "repository": example.repository,
            "run_id": 1,
            "attempt": 1,
            "job_id": _JOB,
            "step_number": None,
            "line_no": range(1, len(texts) + 1),
            "logged_at": [_START + timedelta(seconds=number) for number in range(len(texts))],
            "level": [_level(text) for text in texts],
            "text": [text.removeprefix(_ECHO) for text in texts],
        },
        schema_overrides={
            "step_number": pl.Int32,
            "logged_at": pl.Datetime("us"),
            "level": pl.String,
            "text": pl.String,
        },
    )


def _level(text: str) -> str | None:
    if text.startswith(_ECHO):
        return "echo"
    if text.startswith(("[command]", "##[command]")):
        return "command"
    mark = _LEVEL.match(text)
    return mark[1] if mark else None


def _asked(expected: Expected, found: Expected) -> Expected:
    """``expected`` with what it leaves open taken from ``found``."""
    return Expected(
        target=expected.target,
        identity=expected.identity,
        outcome=expected.outcome,
        line=expected.line,
        started=expected.started,
        effect=expected.effect or found.effect,
        sha=expected.sha or found.sha,
    )


def _shown(effects: list[Expected]) -> str:
    return "; ".join(
        f"{e.outcome} {e.effect or ''} {e.target} ({e.identity}) line {e.line}, started {e.started}" for e in effects
    ) or "nothing"  # fmt: skip
