"""What can be said when not everything is known, case by case; the law itself is in test_expression_soundness."""

from __future__ import annotations

import pytest

from forensics.workflow.expression import (
    Known,
    Outcome,
    Pattern,
    Unknown,
    as_string,
    evaluate,
    may_equal,
    open_object,
    parse,
    parse_template,
    to_text,
    to_value,
    unknown,
)

NOT_RECORDED = "is not recorded by GitHub"
CONTEXTS = {
    "github": to_value({"ref": "refs/heads/main", "event_name": "push", "head_ref": None, "run_id": "17"}),
    "inputs": open_object(
        "inputs", {"dry": True, "mode": unknown("inputs.mode", among=("fast", "slow"))}, why=NOT_RECORDED
    ),
    "needs": open_object("needs", {"build": {"result": "success"}}),
    "matrix": to_value({"os": "linux", "labels": [unknown("matrix.labels[0]"), "gpu"]}),
}


def group(text: str) -> Outcome:
    return evaluate(parse_template(text), CONTEXTS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("${{ github.ref }}-${{ github.run_id }}", "refs/heads/main-17"),
        ("pr-${{ github.absent }}", "pr-"),  # GitHub itself makes '' of it: nothing is unknown here
        ("pr-${{ inputs.number }}", "pr-?"),
        ("${{ inputs.dry }}-${{ inputs.DRY }}", "true-true"),
        ("${{ needs.build.result }}-${{ needs.build.outputs.tag }}", "success-"),
        ("${{ needs.lint.result }}!", "?!"),
        ("${{ github.head_ref || github.run_id }}", "17"),
        ("${{ inputs.env || 'dev' }}-x", "?-x"),
        ("${{ format('{0}/{1}', github.ref, inputs.env) }}", "refs/heads/main/?"),
        ("${{ join(matrix.labels, '+') }}", "?+gpu"),
        ("${{ toJSON(matrix.labels) }}", '[\n  ?,\n  "gpu"\n]'),
        ("${{ github.nothing.at.all && inputs.env || 'x' }}", "x"),
        ("${{ runner.os }}-a", "?-a"),
        ("${{ hashFiles('a') }}-a", "?-a"),
    ],
)
def test_the_text_of_a_group(text: str, shown: str) -> None:
    assert to_text(group(text)) == shown


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # decided although something is unknown
        ("false && inputs.env", False),
        ("'' && inputs.env", ""),
        ("'a' || inputs.env", "a"),
        ("inputs.env == 'prod' && 'x' || 'x'", "x"),
        ("inputs.mode && 'set' || 'unset'", "set"),
        ("inputs.mode == 'other'", False),
        ("inputs.mode != 'other'", True),
        ("inputs.mode == null", False),
        ("inputs.env == NaN", False),
        ("inputs.env != NaN", True),
        ("format('deploy-{0}', inputs.env) == 'ci'", False),
        ("format('deploy-{0}', inputs.env) == 'DEPLOY'", False),
        ("format('deploy-{0}', inputs.env) == 3", False),
        ("format('deploy-{0}', inputs.env) == true", False),
        ("format('deploy-{0}', inputs.env) == null", False),
        ("format('deploy-{0}', inputs.env) < 3", False),
        ("format('{0}-b', inputs.env) == format('{0}-a', inputs.env)", False),
        ("format('a-{0}', inputs.env) == format('A-{0}', inputs.env)", True),
        ("!format('deploy-{0}', inputs.env)", False),
        ("format('deploy-{0}', inputs.env) && 'y'", "y"),
        ("format('{0}', inputs.mode) && 'y' || 'n'", "y"),
        ("contains(format('a-deploy-{0}', inputs.env), 'DEPLOY')", True),
        ("contains('abc', format('x{0}', inputs.env))", False),
        ("contains(inputs.env, '')", None),
        ("contains(matrix.labels, 'GPU')", True),
        ("contains(inputs.mode, 's')", True),
        ("startsWith(format('deploy-{0}', inputs.env), 'Dep')", True),
        ("startsWith(format('deploy-{0}', inputs.env), 'prod')", False),
        ("endsWith(format('{0}-deploy', inputs.env), 'OY')", True),
        ("endsWith(format('{0}-deploy', inputs.env), 'prod')", False),
        ("case(inputs.env == 'a', 1, 1)", 1.0),
        ("case(false, inputs.env, 'b')", "b"),
        ("inputs.env && false && fromJSON('')", None),
        ("github.ref[inputs.env]", "null"),
        # not decided
        ("inputs.env && 'x'", None),
        ("inputs.env || 'x'", None),
        ("inputs.env == inputs.env", None),  # it could be a number that is none
        ("inputs.env == 'prod'", None),
        ("format('deploy-{0}', inputs.env) == 'deploy-prod'", None),
        ("format('1{0}', inputs.env) == 12", None),
        ("format('{0}', inputs.env) && 'x'", None),
        ("startsWith(format('deploy-{0}', inputs.env), 'deploy-p')", None),
        ("contains(format('a{0}', inputs.env), 'ab')", None),
        ("inputs.env < 3", None),
        ("toJSON(format('a{0}', inputs.env)) == format('\"a{0}\"', inputs.env)", None),  # a quote in it is escaped
        ("fromJSON(inputs.env)", None),
        ("inputs.env || fromJSON('')", None),
    ],
)
def test_what_is_decided(text: str, value: object) -> None:
    outcome = evaluate(parse(text), CONTEXTS)
    if value is None:
        assert not isinstance(outcome, Known)
        assert any(reason.startswith("inputs.env ") for reason in outcome.reasons)
    else:
        assert outcome == Known(None if value == "null" else value)


def test_reasons_name_what_is_not_known() -> None:
    outcome = group("deploy-${{ inputs.environment }}-${{ inputs.region.name }}")
    assert isinstance(outcome, Pattern)
    assert outcome.reasons == (
        "inputs.environment is not recorded by GitHub",
        "inputs.region.name is not recorded by GitHub",
    )
    assert (outcome.prefix, outcome.suffix) == ("deploy-", "")


def test_a_lone_expression_keeps_its_type_and_text_is_a_pattern() -> None:
    lone = group("${{ inputs.cancel }}")
    assert isinstance(lone, Unknown)
    assert isinstance(as_string(lone), Pattern)
    assert as_string(group("${{ inputs.dry }}")) == Known("true")
    assert group("${{ inputs.dry }}") == Known(True)


def test_the_usual_choice_between_two_lists_both() -> None:
    outcome = group("${{ inputs.environment == 'production' && 'prod' || 'staging' }}")
    assert isinstance(outcome, Unknown)
    assert outcome.among == ("prod", "staging")
    (gap,) = {group("${{ inputs.cancel == 'yes' }}").among}  # type: ignore[union-attr]
    assert gap == (False, True)


def test_what_is_made_from_the_same_unknown_need_not_be_the_same() -> None:
    outcome = group("${{ case(inputs.key == 1, inputs.env && 'a', inputs.env && 'b') }}")
    assert isinstance(outcome, Unknown)
    assert {"a", "b"} <= set(outcome.among or ())


def test_a_string_with_gaps_that_does_not_hold_is_empty() -> None:
    outcome = group("${{ format('{0}', inputs.env) && 'x' }}")
    assert isinstance(outcome, Unknown)
    assert outcome.among == ("", "x")


@pytest.mark.parametrize(
    ("one", "other", "possible"),
    [
        ("deploy-${{ inputs.env }}", "deploy-prod", True),
        ("deploy-${{ inputs.env }}", "DEPLOY-", True),
        ("deploy-${{ inputs.env }}", "deploy", False),
        ("deploy-${{ inputs.env }}", "ci-prod", False),
        ("${{ inputs.env }}", "anything", True),
        ("a-${{ inputs.env }}-z", "a-z", False),
        ("a-${{ inputs.env }}-z", "a-b-Z", True),
        ("a${{ inputs.x }}b${{ inputs.y }}c", "a-b-b-c", True),
        ("a${{ inputs.x }}b${{ inputs.y }}c", "a-c", False),
        ("a-${{ inputs.x }}", "a-b-${{ inputs.y }}", True),
        ("a-${{ inputs.x }}", "b-${{ inputs.y }}", False),
        ("${{ inputs.x }}-a", "${{ inputs.y }}-b", False),
        ("a-${{ inputs.mode }}", "a-fast", True),
        ("a-${{ inputs.mode }}", "a-medium", False),
        ("g-${{ inputs.env == 'production' && 'prod' || 'staging' }}", "g-dev", False),
        ("same", "SAME", True),
        ("${{ 7 }}", "7", True),
    ],
)
def test_whether_two_groups_can_be_the_same(one: str, other: str, possible: bool) -> None:
    assert may_equal(group(one), group(other)) is possible
    assert may_equal(group(other), group(one)) is possible
