"""Why a rule finds nothing in a log: which of its patterns match, and what is missing between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from forensics.effects.act import KINDS, OUTCOMES, Act, Rule
from forensics.effects.extract import MAX_TEXT

_SHOWN = ("echo", "command", "group")
"""Levels of lines that show what the step was told to do."""
_MOST = 3


def explain_silence(lines: pl.DataFrame, rule: Rule) -> Iterator[str]:
    """One sentence for each act of the rule about a job's lines in which the rule finds no effect.

    ``lines`` as ``extract`` takes them.
    """
    shown = pl.col("level").fill_null("").is_in(_SHOWN)
    cut = lines.with_columns(pl.col("text").str.slice(0, MAX_TEXT))
    for act in rule.acts:
        yield f"{act.effect}: {_explain(act, _matched(act, cut.filter(~shown)), _matched(act, cut.filter(shown)))}"


def _matched(act: Act, lines: pl.DataFrame) -> dict[str, list[int]]:
    """Numbers of the lines that match, by kind of pattern."""
    found: dict[str, list[int]] = {}
    for kind in KINDS:
        for pattern in act.of(kind):
            numbers = lines.filter(pl.col("text").str.contains(pattern.regex))["line_no"].to_list()
            if numbers:
                found[kind] = sorted({*found.get(kind, []), *numbers})
    return found


def _explain(act: Act, said: Mapping[str, list[int]], shown: Mapping[str, list[int]]) -> str:
    """The likeliest reason, the strictest first."""
    outcomes = [kind for kind in OUTCOMES if kind in said and kind != "void"]
    if not {"start", *outcomes} & set(said):
        return _nothing(act, said, shown)
    if "dry-run" in shown:
        return f"{_list(said, ['start', *outcomes])}, but the step commands a dry run ({_at(shown['dry-run'])})"
    if act.command_required and "command" not in shown:
        return f"{_list(said, ['start', *outcomes])}, but the step's script does not hold 'command'"
    if "start" not in said:
        first = min(said[kind][0] for kind in outcomes)
        alone = [kind for kind in outcomes if kind in act.alone]
        if not alone:
            return f"{_list(said, outcomes)}, but no announcement ('start') comes before line {first}"
        return f"{_list(said, alone)}, but {_denied(said)}"
    if "void" in said:
        return f"start matched at {_at(said['start'])} and was taken back ('void') at {_at(said['void'])}"
    if not outcomes:
        return f"start matched at {_at(said['start'])}, no outcome in this step"
    apart = f"more than {act.within} lines apart, " if act.within is not None else ""
    return f"{_list(said, ['start', *outcomes])}, but not in one step in this order, {apart}or their parts differ"


def _denied(said: Mapping[str, list[int]]) -> str:
    if "except" in said:
        return f"'except' matches, too ({_at(said['except'])})"
    if "done" in said and "after" not in said:
        return "what 'after' asks for does not come before it"
    return "it stands before the step does anything (inputs or environment)"


def _nothing(act: Act, said: Mapping[str, list[int]], shown: Mapping[str, list[int]]) -> str:
    triggers = [kind for kind in ("start", *OUTCOMES) if kind in shown]
    if triggers:
        return f"only the printed source of the step matches: {_list(shown, triggers)}"
    rest = [kind for kind in said if kind not in ("except", "end")]
    if rest:
        return f"neither 'start' nor an outcome matches; {_list(said, rest)}"
    commanded = f"; the step commands it at {_at(shown['command'])}" if "command" in shown else ""
    return f"no pattern matches{commanded}"


def _list(found: Mapping[str, list[int]], kinds: Sequence[str]) -> str:
    named = dict.fromkeys(kind for kind in kinds if kind in found)
    return " and ".join(f"{kind} matched at {_at(found[kind])}" for kind in named)


def _at(numbers: Sequence[int]) -> str:
    more = len(numbers) - _MOST
    named = ", ".join(str(number) for number in numbers[:_MOST])
    return f"line{'' if len(numbers) == 1 else 's'} {named}{f' and {more:,} more' if more > 0 else ''}"
