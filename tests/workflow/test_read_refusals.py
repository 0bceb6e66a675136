"""What GitHub refuses in a workflow file: place, what was found, what was expected."""

import pytest

from forensics.errors import EvidenceUnreadable
from forensics.workflow.read import read_workflow

TOP = "on: push\n"
JOB = "jobs:\n  a:\n    runs-on: x\n    steps: [{run: x}]\n"


def refusals(text: str) -> list[str]:
    return [f"{one.place.line}:{one.place.column} {one.message}" for one in read_workflow(text).refusals]


def test_a_sound_file_has_none():
    assert refusals(TOP + JOB) == []


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        (
            "concurency: x",
            "6:1 Unknown key 'concurency' in the workflow; did you mean 'concurrency'? Expected one of: ",
        ),
        ("'on': push", "6:1 'on' is already defined at line 1; expected it once."),
        ("concurrency: ''", "6:14 'concurrency' is empty; expected the name of a group, or a mapping with 'group'."),
        ("concurrency: {group: ''}", "6:22 'group' is empty; expected a group's name (not empty)."),
        ("concurrency: {queue: max}", "6:14 'concurrency' lacks 'group'; expected the name of a group"),
        ("concurrency: {group: g, queue: all}", "6:32 'queue' is 'all'; expected one of 'single', 'max'."),
        (
            "concurrency: {group: g, queue: max, cancel-in-progress: true}",
            "6:32 'queue: max' stands beside 'cancel-in-progress: true'; expected one of them",
        ),
        (f"concurrency: {'g' * 401}", "6:14 The group's name has 401 characters; expected at most 400."),
        ("concurrency: [g]", "6:14 'concurrency' is a list; expected the name of a group"),
        (
            "concurrency: {group: g, cancel-in-progress: 'yes'}",
            "6:45 'cancel-in-progress' is 'yes'; expected true or false, without quotes.",
        ),
        (
            "concurrency: a-${{ env.LANE }}",
            "6:20 The context 'env' is not available here; there are github, inputs, vars.",
        ),
        ("concurrency: ${{ always() }}", "6:18 The function 'always()' is not available here; it is in an if."),
        ("concurrency: ${{ 'x' == }}", "6:25 The expression is wrong. "),
        ("concurrency: ${{ github.ref", "6:14 The expression is wrong. An expression does not end"),
        ("name: ${{ vars.NAME }}", "6:11 The context 'vars' is not available here; there is no context."),
        ("name: ${{ 1 }}", "6:7 '${{ 1 }}' is an expression; GitHub evaluates none here."),
        ("permissions: {content: read}", "6:15 Unknown key 'content' in 'permissions'; did you mean 'contents'?"),
        ("permissions: {contents: all}", "6:25 'contents' is 'all'; expected one of 'read', 'write', 'none'."),
        ("permissions: all", "6:14 'permissions' is 'all'; expected permissions by scope"),
        ("? [a]\n: b", "6:3 A key is a list or a mapping; expected text."),
    ],
)
def test_at_the_top(line, refusal):
    found = refusals(TOP + JOB + line + "\n")
    assert len(found) == 1
    assert found[0].startswith(refusal)


@pytest.mark.parametrize(
    ("on", "refusal"),
    [
        ("pull_requests", "1:5 'on' is 'pull_requests'; did you mean 'pull_request'?"),
        ("[push, pusch]", "1:12 'on' is 'pusch'; did you mean 'push'?"),
        ("{pusch: {}}", "1:6 Unknown key 'pusch' in 'on'; did you mean 'push'?"),
        ("{push: {brances: x}}", "1:13 Unknown key 'brances' in 'push'; did you mean 'branches'?"),
        (
            "{push: {branches: x, branches-ignore: y}}",
            "1:43 'push' has 'branches' and 'branches-ignore'; expected one",
        ),
        ("{schedule: [{cron: '* * * *'}]}", "1:24 The schedule '* * * *' does not have five fields"),
        (
            "{schedule: [{cron: '61 * * * *'}]}",
            "1:24 The schedule '61 * * * *' has '61' as its minute; expected 0 to 59",
        ),
        ("{schedule: [{cron: '0 0 * * 5-1'}]}", "1:24 The schedule '0 0 * * 5-1' has '5-1' as its day of the week"),
        ("{schedule: {cron: x}}", "1:16 'schedule' is a mapping; expected a list of entries '- cron: …'."),
        ("{issues: {types: [open]}}", "1:23 'types' is 'open'; did you mean 'opened'?"),
        ("{create: {}}", "1:14 'create' is a mapping; expected nothing: this event has no settings."),
        ("{workflow_call: {inputs: {a: {}}}}", "1:34 'a' lacks 'type'; expected an input"),
        ("{workflow_dispatch: {inputs: {a: {type: choice}}}}", "1:35 The input 'a' is a choice without 'options'"),
    ],
)
def test_under_on(on, refusal):
    found = refusals(f"on: {on}\n{JOB}")
    assert len(found) == 1
    assert found[0].startswith(refusal)


@pytest.mark.parametrize(
    ("job", "refusal"),
    [
        ("text", "3:6 'a' is 'text'; expected a job with 'runs-on' or 'uses'."),
        ("{name: x}", "3:6 'a' lacks what it does; expected a job with 'runs-on' or 'uses'."),
        ("{runs-on: x}", "3:3 The job 'a' does nothing; expected 'steps', or 'uses' with a workflow."),
        ("{steps: [{run: x}]}", "3:6 'a' lacks 'runs-on'; expected a job with 'runs-on' and 'steps'."),
        ("{uses: o/r/.github/workflows/x.yml@v1, steps: []}", "3:45 Unknown key 'steps' in 'a'; "),
        ("{uses: o/r}", "3:13 'uses' is 'o/r'; expected './.github/workflows/file.yml' or "),
        ("{runs-on: x, steps: [{run: x}], needs: b}", "3:45 The job 'a' needs 'b'; expected the id of a job here."),
        ("{runs-on: x, steps: [{run: x}], needs: [A]}", "3:46 The job 'a' needs 'A', which never comes before it"),
        ("{runs-on: x, steps: [{run: x}], if: github.ref = 1}", "3:53 The expression is wrong. "),
        (
            "{runs-on: x, steps: [{run: x}], if: env.A}",
            "3:42 The context 'env' is not available here; there are github",
        ),
        ("{runs-on: x, steps: [{run: x}], timeout-minutes: '5'}", "3:55 'timeout-minutes' is '5'; expected a number"),
        ("{runs-on: '', steps: [{run: x}]}", "3:16 'runs-on' is empty; expected a label"),
        (
            "{runs-on: x, steps: [{name: x}]}",
            "3:27 'steps' lacks what it does; expected a step with 'run' or 'uses'.",
        ),
        ("{runs-on: x, steps: [{run: x, uses: o/r@v1}]}", "3:36 Unknown key 'uses' in 'steps'; "),
        ("{runs-on: x, steps: [{uses: checkout}]}", "3:34 'uses' is 'checkout'; expected 'owner/repository@version'"),
        ("{runs-on: x, steps: [{run: x, id: 1a}]}", "3:40 The step's id '1a' is not one; expected letters"),
        (
            "{runs-on: x, steps: [{run: x, id: b}, {run: x, id: B}]}",
            "3:57 The step's id 'B' is there already; expected",
        ),
        ("{runs-on: x, steps: [{wait: b}]}", "3:34 There is no step 'b' before this one to wait for."),
        ("{runs-on: x, steps: [{parallel: [{wait-all: }]}]}", "3:39 'parallel' lacks what it does; expected a step"),
        (
            "{runs-on: x, steps: [{run: x, if: 'success(1)'}]}",
            "3:41 'success()' takes no arguments in the condition of",
        ),
        ("{runs-on: {group: a/b}, steps: [{run: x}]}", "3:24 The runner group is 'a/b'; expected its name"),
        ("{runs-on: x, steps: [{run: x}], environment: {name: x, deployment: 'no'}}", "3:73 'deployment' is 'no'; "),
        (
            "{runs-on: x, steps: [{run: x}], concurrency: {group: '${{ steps.a.b }}'}}",
            "3:64 The context 'steps' is not ",
        ),
    ],
)
def test_in_a_job(job, refusal):
    found = refusals(f"{TOP}jobs:\n  a: {job}\n")
    assert len(found) == 1
    assert found[0].startswith(refusal)


@pytest.mark.parametrize(
    ("key", "wrong"), [("1a", "is not one"), ("__a", "keeps for itself"), ("a" * 100, "has 100")]
)
def test_ids_of_jobs(key, wrong):
    (found,) = refusals(f"{TOP}jobs:\n  {key}: {{runs-on: x, steps: [{{run: x}}]}}\n")
    assert wrong in found


def test_jobs_that_wait_for_each_other():
    text = f"{TOP}jobs:\n" + "".join(
        f"  {name}: {{runs-on: x, steps: [{{run: x}}], needs: {need}}}\n" for name, need in ("ab", "bc", "ca", "da")
    )
    assert [one.split(", which")[0] for one in refusals(text)] == [
        "3:45 The job 'a' needs 'b'",
        "4:45 The job 'b' needs 'c'",
        "5:45 The job 'c' needs 'a'",
        "6:45 The job 'd' needs 'a'",
    ]


def test_the_place_of_an_expression_in_a_script():
    text = (
        TOP + "jobs:\n  a:\n    runs-on: x\n    steps:\n      - run: |\n          one\n          ${{ nowhere.x }}\n"
    )
    (found,) = refusals(text)
    assert found.startswith("8:1 The expression is wrong. ")


def test_equal_expressions_are_each_refused_at_their_own_place():
    job = "{runs-on: x, steps: [{run: '${{ jobs.a }} ${{jobs.a}}'}, {run: 'a ${{ jobs.a }}'}]}"
    assert [one.split()[0] for one in refusals(f"{TOP}jobs:\n  a: {job}\n")] == ["3:38", "3:51", "3:76"]


def test_a_condition_that_always_holds_is_a_warning():
    job = "{runs-on: x, steps: [{run: x}], if: \"${{ github.ref }} == 'x'\"}"
    (found,) = read_workflow(f"{TOP}jobs:\n  a: {job}\n").refusals
    assert (found.severity, found.place.line) == ("warning", 3)
    assert "it always holds" in found.message


def test_a_default_that_is_not_of_its_type_is_a_warning_for_a_person_and_an_error_for_a_caller():
    inputs = "{inputs: {a: {type: boolean, default: 'true'}}}"
    text = f"on: {{workflow_dispatch: {inputs}, workflow_call: {inputs}}}\n{JOB}"
    assert [one.severity for one in read_workflow(text).refusals] == ["warning", "error"]


def test_lacking_on_and_jobs():
    assert refusals("name: x\n") == [
        "1:1 The workflow lacks 'on'; expected a workflow: 'on' and 'jobs'.",
        "1:1 The workflow lacks 'jobs'; expected a workflow: 'on' and 'jobs'.",
    ]
    assert refusals("just text") == ["1:1 The workflow is 'just text'; expected a workflow: 'on' and 'jobs'."]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: b: c", "mapping values are not allowed in this context at line 1, column 5"),
        ("on: push\n\tjobs: {}", "line 2, column 1"),
        ("a: 1\n---\nb: 2", "second document at line 2"),
        ("", "empty"),
        ("# nothing", "empty"),
        ("---", "empty"),
        ("a: *b", "no anchor 'b' at line 1, column 4"),
        ("a: &a [*a]", "holds itself at line 1, column 8"),
        ("[" * 200 + "]" * 200, "nested too deeply"),
        ("a: \x00", "line 1, column 4"),
        ("a: \ud800", "not sound YAML"),
    ],
)
def test_what_is_no_yaml_is_unreadable(text, reason):
    with pytest.raises(EvidenceUnreadable, match=reason):
        read_workflow(text)


def test_a_bomb_of_aliases_is_refused_at_once():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(EvidenceUnreadable, match="absurd size"):
        read_workflow("\n".join(lines))
    (found,) = read_workflow("\n".join(lines[:5])).refusals
    assert "50,000 values" in found.message
