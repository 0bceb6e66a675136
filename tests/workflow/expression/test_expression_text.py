"""Reading and printing expressions and scalars: what is sound, what is refused and where."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from forensics.workflow.expression import (
    ALLOWED,
    ExpressionError,
    Known,
    evaluate,
    find_unavailable,
    parse,
    parse_template,
    print_node,
    references,
    to_value,
)
from forensics.workflow.expression.tree import Compare, Context, Index, Literal, Span

GITHUB = to_value({"ref": "refs/heads/main", "workflow": "Deploy", "run_id": 7})


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a_is", None),
        ("github", "github"),
        ("github . event [ 'pull_request' ] . number", "github.event.pull_request.number"),
        ("github['not a name']", "github['not a name']"),
        ("github.event.*.name", "github.event.*.name"),
        ("github[*]", "github.*"),
        ("github.null", "github.null"),
        ("github.event['a'][0][github.ref]", "github.event.a[0][github.ref]"),
        ("(('x'))", "'x'"),
        ("('x').y", "('x').y"),
        ("ToJSON ( github )", "tojson(github)"),
        ("!(!(true))", "!!true"),
        ("!(1 == 2)", "!(1 == 2)"),
        ("(1 < 2) == (3 < 4)", "1 < 2 == 3 < 4"),
        ("1 == (2 == 3)", "1 == (2 == 3)"),
        ("(1 == 2) == 3", "1 == 2 == 3"),
        ("1 && (2 && 3)", "1 && 2 && 3"),
        ("(1 || 2) && 3", "(1 || 2) && 3"),
        ("1 || (2 && 3)", "1 || 2 && 3"),
        ("'it''s'", "'it''s'"),
        ("0xff", "255"),
        ("1e21", "1e+21"),
        ("-Infinity", "-Infinity"),
        ("NaN", "NaN"),
        ("\tcase(true,\n1,\n\xa02)\r\n", "case(true, 1, 2)"),
    ],
)
def test_printing(text: str, printed: str | None) -> None:
    if printed is None:
        with pytest.raises(ExpressionError):
            parse(text)
        return
    assert print_node(parse(text)) == printed
    assert parse(printed) == parse(text)


def test_nodes_know_where_they_stand() -> None:
    node = parse(" github.ref == 'a'")
    assert isinstance(node, Compare) and node.span == Span(1, 18)
    assert isinstance(node.left, Index) and node.left.span == Span(1, 11)
    assert node.left.target == Context("github", Span(99, 99))  # the place does not count
    assert node.right == Literal("a", Span(0, 0)) and node.right.span == Span(15, 18)
    assert parse("true") != parse("1")


def test_refusals_name_place_find_and_expectation() -> None:
    said = {}
    for text in (
        "",
        "github.",
        "github.ref ==",
        "github.ref = 'a'",
        "github.ref & true",
        "github.ref 'a'",
        "github['ref'",
        "github[]",
        "github.1",
        "github.*name",
        "*",
        "(1, 2)",
        "(1",
        "1)",
        "contains('a',)",
        "contains('a'",
        "contains 'a'",
        "'open",
        "1.2.3",
        "'a'.b",
        "'a'[0]",
        "!",
        "a-b",
        "héllo",
        "github\n  .ref\n  || $x",
        "secret.TOKEN",
        "True",
        "lower('A')",
        "contains('a')",
        "always(1)",
        "case(true, 1)",
    ):
        with pytest.raises(ExpressionError) as refusal:
            parse(text)
        said[text] = refusal.value.message.split("; expected one of")[0]
    assert said == snapshot(
        {
            "": "The expression is empty at line 1, column 1; expected a value.",
            "github.": "The expression ends too early at line 1, column 8; expected a name or '*'.",
            "github.ref ==": "The expression ends too early at line 1, column 14; expected a value.",
            "github.ref = 'a'": "Unexpected symbol: '=' at line 1, column 12; expected == or another operator.",
            "github.ref & true": "Unexpected symbol: '&' at line 1, column 12; expected && or another operator.",
            "github.ref 'a'": "Unexpected symbol: ''a'' at line 1, column 12; expected an operator or the end.",
            "github['ref'": "The expression ends too early at line 1, column 13; expected ']'.",
            "github[]": "Unexpected symbol: ']' at line 1, column 8; expected a value.",
            "github.1": "Unexpected symbol: '1' at line 1, column 8; expected a name or '*'.",
            "github.*name": "Unexpected symbol: 'name' at line 1, column 9; expected an operator or the end.",
            "*": "Unexpected symbol: '*' at line 1, column 1; expected a value.",
            "(1, 2)": "Unexpected symbol: ',' at line 1, column 3; expected an operator or ')'.",
            "(1": "The expression ends too early at line 1, column 3; expected an operator or ')'.",
            "1)": "Unexpected symbol: ')' at line 1, column 2; expected an operator or the end.",
            "contains('a',)": "Unexpected symbol: ')' at line 1, column 14; expected a value.",
            "contains('a'": "The expression ends too early at line 1, column 13; expected ',', an operator or ')'.",
            "contains 'a'": "Unrecognized named-value: 'contains' at line 1, column 1",
            "'open": "A string does not end: ''open' at line 1, column 1; expected a closing '.",
            "1.2.3": "Unexpected symbol: '1.2.3' at line 1, column 1; expected a number.",
            "'a'.b": "Unexpected symbol: '.' at line 1, column 4; expected an operator or the end.",
            "'a'[0]": "Unexpected symbol: '[' at line 1, column 4; expected an operator or the end.",
            "!": "The expression ends too early at line 1, column 2; expected a value.",
            "a-b": "Unrecognized named-value: 'a-b' at line 1, column 1",
            "héllo": "Unexpected symbol: 'héllo' at line 1, column 1; expected a value.",
            """\
github
  .ref
  || $x\
""": "Unexpected symbol: '$x' at line 3, column 6; expected a value.",
            "secret.TOKEN": "Unrecognized named-value: 'secret' at line 1, column 1",
            "True": "Unrecognized named-value: 'True' at line 1, column 1",
            "lower('A')": "Unrecognized function: 'lower' at line 1, column 1",
            "contains('a')": "contains takes 2 arguments, not 1: 'contains' at line 1, column 1.",
            "always(1)": "always takes 0 arguments, not 1: 'always' at line 1, column 1.",
            "case(true, 1)": "case takes an odd number of arguments, 3 to 255, not 2: 'case' at line 1, column 1.",
        }
    )


def test_an_error_has_its_place_as_numbers() -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse("github.ref ||\n  github..sha")
    error = refusal.value
    assert (error.offset, error.line, error.column, error.found, error.expected) == (23, 2, 10, ".", "a name or '*'")


def test_the_limits_of_the_runner() -> None:
    assert parse("!" * 49 + "1")
    with pytest.raises(ExpressionError, match="more than 50 levels"):
        parse("!" * 50 + "1")
    with pytest.raises(ExpressionError, match="more than 50 levels"):
        parse("!" * 5_000 + "1")
    assert parse("(" * 5_000 + "1" + ")" * 5_000) == parse("1")
    assert parse(" && ".join(["true"] * 2_000))
    assert parse("github" + ".a" * 49)
    with pytest.raises(ExpressionError, match="more than 50 levels"):
        parse("github" + ".a" * 50)
    assert parse("'" + "a" * 20_998 + "'")
    with pytest.raises(ExpressionError, match="more than 21,000 characters"):
        parse("'" + "a" * 20_999 + "'")
    with pytest.raises(ExpressionError, match="more than 21,000 characters"):
        parse("'" + "😀" * 10_500 + "'")  # two each, as .NET counts
    assert parse(f"format('a'{', 1' * 254})")
    with pytest.raises(ExpressionError, match="format takes 1 to 255 arguments, not 256"):
        parse(f"format('a'{', 1' * 255})")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${{ true }}", True),
        ("${{ 1 }}", 1.0),
        (" ${{ true }}", " true"),
        ("${{ null }}-", "-"),
        ("${{ github.workflow }}-${{ github.ref }}", "Deploy-refs/heads/main"),
        ("${{github.run_id}}${{github.run_id}}", "77"),
        ("{${{ github.run_id }}}", "{7}"),
        ("it's {0} ${{ 'it''s' }}", "it's {0} it's"),
        ("${{ '}}' }}", "}}"),
        ("${{ 'a''}}''b' }}!", "a'}}'b!"),
        ("${{ format('{{{0}}}', 1) }}", "{1}"),
        ("a }} b", "a }} b"),
        ("$${{ 1 }}", "$1"),
        ("${ { 1 } }", "${ { 1 } }"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    outcome = evaluate(parse_template(text), {"github": GITHUB})
    assert isinstance(outcome, Known)
    assert (type(outcome.value), outcome.value) == (type(value), value)


def test_refused_scalars() -> None:
    said = {}
    for text in (
        "${{",
        "a ${{ github.ref }",
        "${{ 'open }}",
        "${{ }}",
        "${{}}",
        "x\n${{ github.ref }}\n${{ github. }}",
        "${{ insert }}",
        "${{ a }} ${{",
    ):
        with pytest.raises(ExpressionError) as refusal:
            parse_template(text)
        said[text] = refusal.value.message.split("; expected one of")[0]
    assert said == snapshot(
        {
            "${{": "An expression does not end: '${{' at line 1, column 1; expected }}.",
            "a ${{ github.ref }": "An expression does not end: '${{' at line 1, column 3; expected }}.",
            "${{ 'open }}": "An expression does not end: '${{' at line 1, column 1; expected }}.",
            "${{ }}": "The expression is empty at line 1, column 5; expected a value.",
            "${{}}": "The expression is empty at line 1, column 4; expected a value.",
            """\
x
${{ github.ref }}
${{ github. }}\
""": "The expression ends too early at line 3, column 13; expected a name or '*'.",
            "${{ insert }}": "Only a mapping can be inserted: 'insert' at line 1, column 1; expected an expression.",
            "${{ a }} ${{": "Unrecognized named-value: 'a' at line 1, column 5",
        }
    )


def test_limits_hold_for_a_scalar_as_the_runner_rewrites_it() -> None:
    assert parse_template("a" * 30_000).is_literal  # text alone is no expression
    assert parse_template("a" * 20_980 + "${{ 1 }}")
    with pytest.raises(ExpressionError, match="more than 21,000 characters"):
        parse_template("a" * 21_000 + "${{ 1 }}")
    with pytest.raises(ExpressionError, match="more than 21,000 characters"):
        parse_template("'" * 10_600 + "${{ 1 }}")  # each is doubled
    assert parse_template("-${{ 1 }}" * 254)
    with pytest.raises(ExpressionError, match="more than 254 expressions"):
        parse_template("-${{ 1 }}" * 255)
    assert parse_template("${{ " + "!" * 49 + "1 }}")
    with pytest.raises(ExpressionError, match="more than 50 levels"):
        parse_template("-${{ " + "!" * 49 + "1 }}")


def test_a_failure_in_a_scalar_names_its_place() -> None:
    with pytest.raises(ExpressionError) as refusal:
        evaluate(parse_template("deploy\n-${{ github.ref && fromJSON('') }}"), {"github": GITHUB})
    assert refusal.value.message == snapshot(
        "fromJSON cannot read an empty string at line 2, column 20; expected JSON."
    )


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("plain", ()),
        ("${{ GitHub.Ref }}-${{ github.ref }}", ("github.ref",)),
        ("${{ github.event['pull_request'].number || inputs.n }}", ("github.event.pull_request.number", "inputs.n")),
        ("${{ toJSON(github) }}", ("github",)),
        ("${{ matrix[inputs.key].x }}", ("matrix.*.x", "inputs.key")),
        ("${{ join(github.event.labels.*.name) }}", ("github.event.labels.*.name",)),
        ("${{ fromJSON(vars.MAP)[github.ref_name] }}", ("vars.map", "github.ref_name")),
        ("${{ matrix.list[0] }}", ("matrix.list.0",)),
    ],
)
def test_references(text: str, paths: tuple[str, ...]) -> None:
    assert references(parse_template(text)) == paths


@pytest.mark.parametrize(
    ("key", "text", "names"),
    [
        ("concurrency", "${{ github.ref }}-${{ inputs.a }}-${{ VARS.b }}", []),
        ("concurrency", "${{ matrix.os }}-${{ needs.build.outputs.x }}-${{ env.X }}", ["matrix", "needs", "env"]),
        ("jobs.concurrency", "${{ matrix.os }}-${{ needs.a.result }}-${{ strategy.job-index }}", []),
        ("jobs.concurrency", "${{ secrets.A || steps.b.outputs.c || runner.os }}", ["secrets", "steps", "runner"]),
        (
            "concurrency",
            "${{ hashFiles('a') }}-${{ always() && success() }}",
            ["hashFiles()", "always()", "success()"],
        ),
        ("jobs.if", "${{ always() && !cancelled() && failure('a') }}", []),
        ("jobs.if", "${{ hashFiles('a') }}", ["hashFiles()"]),
        ("jobs.steps.if", "${{ hashFiles('a') != '' && runner.os == 'Linux' && env.A }}", []),
    ],
)
def test_what_is_not_available_at_a_key(key: str, text: str, names: list[str]) -> None:
    assert [found.name for found in find_unavailable(parse_template(text), key)] == names
    assert key in ALLOWED


def test_what_is_not_available_is_said_with_its_place() -> None:
    (found,) = find_unavailable(parse_template("a-${{ env.STAGE }}"), "concurrency")
    assert str(found) == "env is not available at concurrency; there are github, inputs, vars"
    assert found.span == Span(6, 9)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="ag.[]()*,'!=<>&| 01x-+\n\u00e9{}$", max_size=40) | st.text(max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    for read in (parse, parse_template):
        try:
            read(text)
        except ExpressionError as error:
            assert error.offset is None or 0 <= error.offset <= len(text)
            assert error.line is None or (error.line >= 1 and (error.column or 0) >= 1)
