"""Functions, properties and filters, by GitHub's documentation and the runner's source."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from forensics.workflow.expression import Array, ExpressionError, Known, Unknown, evaluate, parse, to_value

CONTEXTS = {
    "github": to_value(
        {
            "ref": "refs/heads/Main",
            "event": {
                "issue": {"labels": [{"name": "bug"}, {"name": "Help"}, {"colour": "red"}, "none"]},
                "number": 7,
            },
        }
    ),
    "matrix": to_value({"list": [1, "two", None, True, [3], {"a": 4}], "tree": {"x": {"v": 1}, "y": {"v": 2}}}),
}


def value_of(text: str) -> object:
    outcome = evaluate(parse(text), CONTEXTS)
    assert isinstance(outcome, Known), outcome
    value = outcome.value
    return list(value.items) if isinstance(value, Array) else value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.ref", "refs/heads/Main"),
        ("GITHUB.Ref", "refs/heads/Main"),
        ("github['REF']", "refs/heads/Main"),
        ("github.absent", None),
        ("github.absent.deeper", None),
        ("github.ref.length", None),
        ("github[github]", None),
        ("matrix.list[0]", 1.0),
        ("matrix.list['1']", "two"),
        ("matrix.list[1.9]", "two"),
        ("matrix.list[-1]", None),
        ("matrix.list[99]", None),
        ("matrix.list[NaN]", None),
        ("matrix.list[null]", 1.0),
        ("matrix.list[true]", "two"),
        ("matrix.list.length", None),
        ("github.event.issue.labels.*.name", ["bug", "Help"]),
        ("github.event.issue.labels[*].NAME", ["bug", "Help"]),
        ("github.event.issue.labels.*.name[0]", []),
        ("(github.event.issue.labels.*.name)[0]", []),
        ("matrix.tree.*.v", [1.0, 2.0]),
        ("matrix.tree.*.*", [1.0, 2.0]),
        ("matrix.list.*[0]", [3.0]),
        ("github.ref.*", []),
        ("null || github.event['number']", 7.0),
    ],
)
def test_properties(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("contains('Hello world', 'LLO')", True),
        ("contains('abc', '')", True),
        ("contains('abc', null)", True),
        ("contains('abc', 'd')", False),
        ("contains(12345, 34)", True),
        ("contains(true, 'RU')", True),
        ("contains(matrix.list, '1')", True),
        ("contains(matrix.list, 'TWO')", True),
        ("contains(matrix.list, 0)", True),
        ("contains(matrix.list, 'Array')", False),
        ("contains(matrix.list, matrix.list[4])", True),
        ("contains(fromJSON('[]'), fromJSON(''))", False),
        ("contains(github, 'ref')", False),
        ("contains('abc', github)", False),
        ("contains(github.event.issue.labels.*.name, 'HELP')", True),
        ("startsWith('Hello world', 'HE')", True),
        ("startsWith('a', 'ab')", False),
        ("startsWith(123, 12)", True),
        ("startsWith(github, 'a')", False),
        ("endsWith('Hello world', 'LD')", True),
        ("endsWith(null, '')", True),
        ("EndsWith(github.ref, 'main')", True),
        ("format('Hello {0} {1} {0}', 'a', 2)", "Hello a 2 a"),
        ("format('{{Hello {0}}}', 'a')", "{Hello a}"),
        ("format('{00}{0:}', true)", "truetrue"),
        ("format('none', fromJSON(''))", "none"),
        ("format(12)", "12"),
        ("format('{0}|{1}|{2}|{3}', null, 1.50, github, matrix.list)", "|1.5|Object|Array"),
        ("join(matrix.list)", "1,two,,true,Array,Object"),
        ("join(matrix.list, ' - ')", "1 - two -  - true - Array - Object"),
        ("join(matrix.list, github)", "1,two,,true,Array,Object"),
        ("join(fromJSON('[\"a\"]'), fromJSON(''))", "a"),
        ("join('text', '-')", "text"),
        ("join(github)", ""),
        ("join(fromJSON('[]'))", ""),
        ("case(false, 'a', true, 'b', 'c')", "b"),
        ("case(false, fromJSON(''), 'c')", "c"),
        ("case(true, 'a', fromJSON(''), 'b', 'c')", "a"),
        ("fromJSON('true')", True),
        ("fromJSON('12e1')", 120.0),
        ("fromJSON(' \"a\" ')", "a"),
        ("fromJSON(12)", 12.0),
        ('fromJSON(\'{"A": 1, "a": 2}\').A', 2.0),
        ('toJSON(fromJSON(\'{"A": 1, "a": 2}\'))', '{\n  "A": 2\n}'),
        ("toJSON('a\"\\/\u2028')", '"a\\"\\\\/\\u2028"'),
        ("toJSON(1e15)", "1E+15"),
        ("toJSON(null)", "null"),
        ("toJSON(fromJSON('[[], {}]'))", "[\n  [],\n  {}\n]"),
        ("toJSON(matrix.tree)", '{\n  "x": {\n    "v": 1\n  },\n  "y": {\n    "v": 2\n  }\n}'),
    ],
)
def test_functions(text: str, value: object) -> None:
    assert value_of(text) == value


def test_what_fails_says_why() -> None:
    said = {}
    for text in (
        "format('{0}')",
        "format('{')",
        "format('}')",
        "format('{a}', 1)",
        "format('{256}', 1)",
        "format('{0:yyyy}', 1)",
        "case('true', 1, 2)",
        "fromJSON('')",
        "fromJSON(github.absent)",
        "fromJSON('[1')",
        "fromJSON('main')",
    ):
        with pytest.raises(ExpressionError) as refusal:
            evaluate(parse(text), CONTEXTS)
        said[text] = refusal.value.message
    assert said == snapshot(
        {
            "format('{0}')": "format has no argument for {0} in '{0}'.",
            "format('{')": "format cannot read '{'; expected {0}, {{ or }}.",
            "format('}')": "format cannot read '}'; expected {0}, {{ or }}.",
            "format('{a}', 1)": "format cannot read '{a}'; expected {0}, {{ or }}.",
            "format('{256}', 1)": "format cannot read '{256}'; expected {0}, {{ or }}.",
            "format('{0:yyyy}', 1)": "format has no specifiers, as in '{0:yyyy}'.",
            "case('true', 1, 2)": "A predicate of case must be a boolean, and 'true' is none.",
            "fromJSON('')": "fromJSON cannot read an empty string; expected JSON.",
            "fromJSON(github.absent)": "fromJSON cannot read an empty string; expected JSON.",
            "fromJSON('[1')": "fromJSON cannot read '[1': it ends too early.",
            "fromJSON('main')": "fromJSON cannot read 'main'; expected JSON.",
        }
    )


def test_json_that_only_a_forgiving_reader_takes_is_unknown() -> None:
    outcome = evaluate(parse("fromJSON('[1,]')"), {})
    assert outcome.reasons == snapshot(("fromJSON('[1,]') is not strict JSON (Expecting value); GitHub may read it",))  # type: ignore[union-attr]


def test_a_string_cannot_grow_without_end() -> None:
    text = "'0123456789'"
    for _ in range(20):
        text = f"format('{{0}}{{0}}', {text})"
    with pytest.raises(ExpressionError, match="more than 524,288 characters"):
        evaluate(parse(text), {})


def test_a_pattern_cannot_grow_without_end() -> None:
    text = "inputs.a"
    for _ in range(30):
        text = f"format('-{{0}}{{0}}', {text})"
    outcome = evaluate(parse(text), {})
    assert len(outcome.pieces) <= 1_025  # type: ignore[union-attr]
    assert outcome.reasons == ("inputs is not given",) or "inputs.a is not given" in outcome.reasons  # type: ignore[union-attr]


def test_json_that_nests_too_deeply_is_unknown() -> None:
    contexts = {"inputs": to_value({"deep": "[" * 99_000 + "]" * 99_000, "just": "[" * 100 + "]" * 100})}
    assert isinstance(evaluate(parse("fromJSON(inputs.deep)"), contexts), Unknown)
    assert isinstance(evaluate(parse("toJSON(fromJSON(inputs.just))"), contexts), Known)
