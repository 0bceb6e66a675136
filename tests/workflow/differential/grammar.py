"""Expressions made up from the grammar, the same for the same seed, and contexts to evaluate them in."""

from __future__ import annotations

import random
from typing import Any

CONTEXTS: dict[str, Any] = {
    "github": {
        "ref": "refs/heads/main",
        "ref_name": "main",
        "head_ref": "",
        "event_name": "pull_request",
        "workflow": "Straße 'Nord'",
        "run_id": "17000000001",
        "run_attempt": 2,
        "event": {
            "number": 42,
            "action": "opened",
            "ratio": 0.1,
            "huge": 1e21,
            "pull_request": {"number": 42, "draft": False, "labels": [{"name": "Bug"}, {"name": "ci"}], "body": None},
        },
    },
    "inputs": {"environment": "Prod", "dry": True, "count": "3", "empty": "", "list": '["a", "b"]', "Upper": "İıſK"},
    "vars": {"RUNNERS": '{"main": "large", "b": "small"}', "LIMIT": "0x1F"},
    "needs": {
        "build": {"result": "success", "outputs": {"tag": "v1.2.3"}},
        "lint": {"result": "failure", "outputs": {}},
    },
    "strategy": {"job-index": 1, "job-total": 4, "fail-fast": True},
    "matrix": {"os": "ubuntu", "versions": [1, 2, [3, 4]], "nested": {"a": {"b": [10, "x", None]}, "c": {"b": True}}},
    "env": {},
    "secrets": {},
    "steps": {},
    "job": {},
    "jobs": {},
    "runner": {},
}

PATHS = (
    *("github.ref", "github.head_ref", "GitHub.Event_Name", "github.event.number", "github.event.pull_request"),
    *("github.event.pull_request.labels.*.name", "github.event.pull_request.labels[0]", "github.event.huge"),
    *("github.event.ratio", "github['workflow']", "github.run_id", "github.run_attempt", "github.absent.deeper"),
    *(
        "inputs.environment",
        "inputs.dry",
        "inputs.count",
        "inputs.empty",
        "inputs.list",
        "inputs.upper",
        "vars.LIMIT",
    ),
    *("vars.RUNNERS", "needs.*.result", "needs.build.outputs.tag", "needs['lint'].result", "strategy.job-index"),
    *(
        "matrix.os",
        "matrix.versions",
        "matrix.versions[2][0]",
        "matrix.nested.*.b",
        "matrix.nested.*.b[1]",
        "matrix.*",
    ),
)
STRINGS = (
    *("", "a", "A", "main", "prod", "PROD", "refs/heads/main", "0", "-1", "3", "4.50", " 7 ", "0x1f", "0o17", "1e3"),
    *(
        "true",
        "false",
        "null",
        "NaN",
        "Infinity",
        "it's",
        "''",
        "x''y",
        "{0}",
        "{{",
        "}}",
        "é",
        "É",
        "straße",
        "[1, 2]",
    ),
    *("0X1F", "0b11", "infinity", "0xFFFFFFFF", "99999999999999999999", "\t8\n", "1_000", "+5", "5.", ".5", "٣"),
    *(
        '{"a": {"b": 1}, "A": 2}',
        '{"b": 1, "1": 2}',
        '["x", null, 1.5, true]',
        '"s"',
        "12",
        "[1,]",
        "{'a': 1}",
        "1 2",
    ),
)
NUMBERS = (
    *("0", "-0", "1", "-1", "2.5", "+3", ".5", "5.", "1e3", "1E-3", "0xff", "0o17", "NaN", "Infinity", "-Infinity"),
    *("1e15", "123456789012345678", "0.1", "1e-5", "1e21", "0.1234567890123456789", "2147483648", "0xFFFFFFFF"),
)
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "&&", "||", "&&", "||", "==")
FORMATS = ("{0}", "{0}-{1}", "{1}{0}", "{{{0}}}", "{0", "{2}", "}", "{0:x}", "{0:}", "{{0}}", "{00}", "a{0}''b''{1}")
SPACES = ("", " ", "  ", "\t", "\n")
DAMAGE = ("(", ")", "[", "]", ",", ".", "'", "!", "==", "&", "*", "1", "a", " ", "..", "=", "-")


class Grammar:
    """A source of expressions: most are sound, some are damaged in one place."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def make(self) -> str:
        """One expression."""
        text = self._expression(self._random.randint(0, 4))
        return self._damaged(text) if self._random.random() < 0.15 else text

    def _pick(self, choices: tuple[str, ...]) -> str:
        return self._random.choice(choices)

    def _damaged(self, text: str) -> str:
        at = self._random.randint(0, len(text))
        if self._random.random() < 0.5:
            return text[:at] + text[at + 1 :]
        return text[:at] + self._pick(DAMAGE) + text[at:]

    def _expression(self, levels: int) -> str:
        if levels == 0:
            return self._operand()
        inner = lambda: self._expression(self._random.randint(0, levels - 1))  # noqa: E731
        space = self._pick(SPACES)
        shape = self._random.randint(0, 12)
        if shape <= 3:
            return f"{inner()}{space}{self._pick(OPERATORS)}{self._pick(SPACES)}{inner()}"
        if shape == 4:
            return f"({space}{inner()}{space})"
        if shape == 5:
            return f"!{inner()}"
        if shape == 6:
            return f"{self._pick(('contains', 'startsWith', 'ENDSWITH'))}({inner()},{space}{inner()})"
        if shape == 7:
            arguments = "".join(f", {inner()}" for _ in range(self._random.randint(0, 3)))
            return f"format('{self._pick(FORMATS)}'{arguments})"
        if shape == 8:
            return f"join({inner()}{self._pick(('', ', ' + self._operand()))})"
        if shape == 9:
            return f"{self._pick(('toJSON', 'fromJSON', 'tojson', 'fromJson'))}({inner()})"
        if shape == 10:
            return f"case({inner()} == {inner()}, {inner()}, {inner()})"
        if shape == 11:
            return f"case({inner()}, {inner()}, {inner()}, {inner()}, {inner()})"
        return f"({inner()}){self._pick(('.a', '.name', '.*', '[0]', '[1]', '.*.b', '.*[0]'))}"

    def _operand(self) -> str:
        shape = self._random.randint(0, 9)
        if shape <= 4:
            return self._pick(PATHS)
        if shape <= 7:
            return "'" + self._pick(STRINGS).replace("'", "''") + "'"
        if shape == 8:
            return self._pick(NUMBERS)
        return self._pick(("null", "true", "false"))
