"""A dozen kinds of breakage, each made of a sound workflow file."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Mapping

Breakage = Callable[[str], str]


def _once(pattern: str, replacement: str) -> Breakage:
    """Replaces the first match; a file without one comes back as it is."""
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda text: compiled.sub(replacement, text, count=1)


def _append(line: str) -> Breakage:
    return lambda text: text.rstrip("\n") + f"\n{line}\n"


BREAKAGES: Mapping[str, Breakage] = {
    "a colon is missing": _once(r"^jobs:", "jobs"),
    "a key of the top is unknown": _append("concurency: x"),
    "a key of a job is unknown": _once(r"^( +)runs-on:", r"\1run-on: x\n\1runs-on:"),
    "a key of a step is unknown": _once(r"^( +)- (uses|run|name):", r"\1- when: x\n\1  \2:"),
    "'on' is a number": _once(r"^(on|'on'|\"on\"):(.*)$", r"on: 5\nx-was:\2"),
    "an event is unknown": _once(r"^on:\n", "on:\n  pushed:\n"),
    "a job is text": _append("  broken: text"),
    "a timeout is text": _once(r"^( +)runs-on:", r"\1timeout-minutes: soon\n\1runs-on:"),
    "the group is empty": _once(r"^( +)group:.*$", r"\1group: ''"),
    "the group is missing": _once(r"^( +)group:.*$", r"\1queue: single"),
    "the queue is a third word": _once(r"^( +)group:(.*)$", r"\1queue: all\n\1group:\2"),
    "cancel-in-progress is a word": _once(r"^( +)cancel-in-progress:.*$", r"\1cancel-in-progress: maybe"),
    "the group uses env": _once(r"^( +)group:.*$", r"\1group: ${{ env.LANE }}"),
    "the group uses a status function": _once(r"^( +)group:.*$", r"\1group: ${{ always() }}"),
    "needs a job that is not there": _once(r"^( +)runs-on:", r"\1needs: [no-such-job]\n\1runs-on:"),
    "a key is there twice": _once(r"^( +)runs-on:", r"\1runs-on: x\n\1runs-on:"),
    "a key of the top is there twice": _append("jobs: {}"),
    "an expression has no operand": _once(r"\$\{\{", "${{ 1 == }}${{"),
    "an expression does not end": _append("run-name: ${{ github.ref"),
    "a context is unknown": _append("run-name: ${{ githup.ref }}"),
    "a function is unknown": _append("run-name: ${{ uppercase(github.ref) }}"),
    "a condition is wrong": _once(r"^( +)runs-on:", r"\1if: github.ref = 'x'\n\1runs-on:"),
    "a tab indents": _once(r"^( +)runs-on:", r"\t\1runs-on:"),
    "a bracket stays open": _append("x: [1, 2"),
    "a quote stays open": _append('x: "a'),
    "an alias without its anchor": _once(r"^( +)runs-on:.*$", r"\1runs-on: *nowhere"),
    "a permission is unknown": _once(r"^permissions:\n", "permissions:\n  content: read\n"),
    "an access is unknown": _once(r"^permissions:\n( +)(\S+): \S+", r"permissions:\n\1\2: all"),
    "runs-on is missing": _once(r"^( +)runs-on:.*$", r"\1name: x"),
    "uses beside runs-on": _once(r"^( +)runs-on:", r"\1uses: ./.github/workflows/x.yml\n\1runs-on:"),
    "a job's id begins with a digit": _once(r"^jobs:\n", "jobs:\n  1st:\n    runs-on: x\n    steps: [{run: x}]\n"),
    "a cron has six fields": _once(r"cron:.*$", "cron: '0 0 * * * *'"),
    "a cron's hour is 25": _once(r"cron:.*$", "cron: '0 25 * * *'"),
    "steps are a mapping": _once(r"^( +)steps:\n", r"\1steps: {run: x}\n\1x-was:\n"),
    "a job is cut off": lambda text: text[: text.rfind(":")],
    "half of it": lambda text: text[: len(text) // 2],
    "a second document": _append("---\nx: 1"),
    "an environment's deployment is a word": _once(
        r"^( +)runs-on:", r"\1environment: {name: x, deployment: no}\n\1runs-on:"
    ),
}
"""Name → what makes it. Where a file has nothing to break that way it comes back as it was."""

SOUND: Mapping[str, Breakage] = {
    "parallel steps": _append(
        "  parallel-job:\n    runs-on: x\n    steps:\n      - parallel: [{run: a}, {uses: o/r@v1}]\n"
        "      - {id: b, run: x, background: true}\n      - wait: b\n      - wait-all:\n"
    ),
    "a queue of many": _once(r"^( +)group:(.*)$", r"\1queue: max\n\1group:\2"),
    "an environment without deployment": _once(
        r"^( +)runs-on:", r"\1environment: {name: x, deployment: false}\n\1runs-on:"
    ),
    "a time zone": _once(r"^( +)- cron:(.*)$", r"\1- cron:\2\n\1  timezone: Europe/Berlin"),
    "an anchor and an alias": _once(r"^( +)runs-on: (\S+)$", r"\1name: &where x\n\1runs-on: *where"),
    "Windows' line ends": lambda text: text.replace("\n", "\r\n"),
}
"""Changes that leave a file sound."""


def _somewhere(change: Callable[[str], str | None], times: int = 1) -> Breakage:
    """Changes one line that lets itself be changed; which one depends on nothing but the text."""

    def apply(text: str) -> str:
        lines = text.split("\n")
        chance = random.Random(zlib.crc32(text.encode()) + times)
        candidates = [(at, new) for at, line in enumerate(lines) if (new := change(line)) not in (None, line)]
        if not candidates:
            return text
        at, new = chance.choice(candidates)
        return "\n".join([*lines[:at], *([new] if new else []), *lines[at + 1 :]])

    return apply


_VALUE = re.compile(r"^(\s*(?:- )?[A-Za-z_-]+:) +[^|>&*#\s].*$")


def _value(new: str) -> Callable[[str], str | None]:
    return lambda line: f"{found[1]}{new}" if (found := _VALUE.match(line)) else None


_KEY = re.compile(r"^(\s*(?:- )?)([A-Za-z_-]+)(:(?: .*)?)$")


def _key(rename: Callable[[str], str]) -> Callable[[str], str | None]:
    return lambda line: f"{found[1]}{rename(found[2])}{found[3]}" if (found := _KEY.match(line)) else None


ANYWHERE: Mapping[str, Breakage] = {
    f"{kind}, place {times}": _somewhere(change, times)
    for kind, change in {
        "a line is taken out": lambda line: "" if line.strip() else None,
        "a line stands further in": lambda line: f"  {line}" if line.strip() else None,
        "a line is there twice": lambda line: f"{line}\n{line}" if line.strip() else None,
        "a value is nothing": _value(""),
        "a value is an empty text": _value(" ''"),
        "a value is a list": _value(" [x, y]"),
        "a value is a mapping": _value(" {x: y}"),
        "a value is true": _value(" true"),
        "a value is a number": _value(" 1.50"),
        "a value is an expression": _value(" ${{ github.ref }}"),
        "a value is an expression of a step": _value(" ${{ steps.x.outputs.y }}"),
        "a value is a text in an expression": _value(" ${{ 'x' }}"),
        "a value is a date": _value(" 2026-05-01"),
        "a value is half an expression": _value(" ${{ github."),
        "a key is misspelt": _key(lambda name: name[:-1]),
        "a key is in capitals": _key(str.upper),
    }.items()
    for times in (1, 2, 3)
}
"""Some one place is changed; often the file stays sound."""
