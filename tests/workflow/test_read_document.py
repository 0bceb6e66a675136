"""Everything that a workflow file says, with its place."""

import pytest

from forensics.workflow.document import Environment, Place, Scalar
from forensics.workflow.read import read_workflow

DEPLOY = """\
name: Deploy
run-name: Deploy ${{ inputs.to }}
on:
  push:
    branches: [main, 'release/**']
    paths-ignore: docs/**
  schedule:
    - cron: '0 4 * * 1'
    - {cron: '30 5 * * *', timezone: Europe/Berlin}
  workflow_dispatch:
    inputs:
      to: {type: choice, options: [staging, production], default: staging}
permissions: {contents: read, id-token: write}
concurrency:
  group: deploy-${{ inputs.to }}
  cancel-in-progress: ${{ github.event_name == 'push' }}
  queue: single
env: {LANE: blue}
jobs:
  build:
    runs-on: [self-hosted, linux]
    strategy:
      fail-fast: false
      max-parallel: 2
      matrix: {node: [18, 20.10], include: [{node: 22, next: true}]}
    outputs: {digest: '${{ steps.push.outputs.digest }}'}
    steps:
      - uses: actions/checkout@v5
        with: {fetch-depth: 0}
      - id: push
        name: Push
        if: github.ref == 'refs/heads/main'
        run: |
          make
          make push
      - parallel:
          - run: one
          - uses: org/two@v1
      - {id: watch, run: tail -f log, background: true}
      - wait: watch
  deploy:
    name: To ${{ inputs.to }}
    needs: build
    runs-on: ubuntu-latest
    timeout-minutes: 30
    environment: {name: production, deployment: false}
    concurrency: production
    steps: [{run: ./deploy}]
  notify:
    needs: [build, deploy]
    if: always()
    uses: ./.github/workflows/notify.yml
    with: {who: team}
    secrets: inherit
"""


def test_the_top_of_a_file():
    document = read_workflow(DEPLOY, ".github/workflows/deploy.yml")
    assert document.refusals == ()
    assert (document.path, document.name) == (".github/workflows/deploy.yml", "Deploy")
    assert document.run_name == Scalar("Deploy ${{ inputs.to }}", Place(2, 11))
    assert document.permissions == {"contents": "read", "id-token": "write"}
    assert document.env == {"LANE": Scalar("blue", Place(18, 13))}


def test_triggers():
    document = read_workflow(DEPLOY)
    assert document.events == ("push", "schedule", "workflow_dispatch")
    push, schedule, dispatch = document.triggers
    assert (push.place, push.branches, push.paths_ignore, push.tags) == (
        Place(4, 3),
        ("main", "release/**"),
        ("docs/**",),
        None,
    )
    assert schedule.crons == ("0 4 * * 1", "30 5 * * *")
    assert dispatch.inputs == {"to": {"type": "choice", "options": ["staging", "production"], "default": "staging"}}


@pytest.mark.parametrize(
    ("on", "events"), [("push", ("push",)), ("[push, pull_request]", ("push", "pull_request")), ("{}", ())]
)
def test_short_forms_of_on(on, events):
    assert read_workflow(f"on: {on}\njobs: {{}}").events == events


def test_jobs():
    build, deploy, notify = read_workflow(DEPLOY).jobs
    assert (build.id, build.place, build.runs_on) == ("build", Place(20, 3), ("self-hosted", "linux"))
    assert build.strategy is not None
    assert build.strategy.matrix == {"node": [18, 20.10], "include": [{"node": 22, "next": True}]}
    assert (build.strategy.matrix_place, build.strategy.fail_fast) == (Place(25, 7), Scalar(False, Place(23, 18)))
    assert build.outputs == {"digest": "${{ steps.push.outputs.digest }}"}
    assert (deploy.needs, deploy.timeout_minutes) == (("build",), Scalar(30, Place(45, 22)))
    assert deploy.environment == Environment(Scalar("production", Place(46, 25)), Place(46, 5), deployment=False)
    assert (notify.needs, notify.condition) == (("build", "deploy"), Scalar("always()", Place(51, 9)))
    assert notify.call is not None
    assert (notify.call.local, notify.call.secrets_inherit) == (True, True)
    assert notify.call.inputs == {"who": Scalar("team", Place(53, 17))}


def test_steps_and_those_of_a_parallel_group():
    steps = read_workflow(DEPLOY).jobs[0].steps
    assert [(step.place.line, step.id, step.parallel, step.background) for step in steps] == [
        (28, None, False, False),
        (30, "push", False, False),
        (37, None, True, False),
        (38, None, True, False),
        (39, "watch", False, True),
        (40, None, False, False),
    ]
    assert steps[0].inputs == {"fetch-depth": Scalar(0, Place(29, 29))}
    assert steps[1].run == Scalar("make\nmake push\n", Place(33, 14))
    assert steps[1].condition == Scalar("github.ref == 'refs/heads/main'", Place(32, 13))


def test_concurrency_in_all_its_forms():
    document = read_workflow(DEPLOY)
    top = document.concurrency
    assert top is not None
    assert (top.place, top.whole) == (Place(14, 1), None)
    assert top.group == Scalar("deploy-${{ inputs.to }}", Place(15, 10))
    assert top.cancel_in_progress == Scalar("${{ github.event_name == 'push' }}", Place(16, 23))
    assert top.queue == Scalar("single", Place(17, 10))
    short = document.jobs[1].concurrency
    assert short is not None
    assert (short.group, short.cancel_in_progress, short.place) == (
        Scalar("production", Place(47, 18)),
        None,
        Place(47, 5),
    )
    assert document.jobs[0].concurrency is None


@pytest.mark.parametrize(
    ("written", "is_whole"),
    [("${{ fromJSON(vars.LANE) }}", True), ("${{ github.ref }}", False), ("a-${{ fromJSON('1') }}", False)],
)
def test_an_expression_may_give_the_whole_mapping(written, is_whole):
    found = read_workflow(f'on: push\nconcurrency: "{written}"\njobs: {{}}').concurrency
    assert found is not None
    assert (found.whole is not None, found.group is None) == (is_whole, is_whole)


def test_what_is_wrong_does_not_hide_the_rest():
    document = read_workflow(
        "on: [push, 5]\njobs:\n  a: text\n  b: {runs-on: x, needs: {c: d}, steps: 3}\nname: [x]\n"
    )
    assert document.events == ("push", "5")
    assert [job.id for job in document.jobs] == ["b"]
    assert (document.name, document.jobs[0].needs, document.jobs[0].steps) == (None, (), ())
    assert len(document.refusals) == 5


def test_values_are_those_of_yaml_1_2():
    text = "on: push\nenv: {a: no, b: 1.10, c: 0x1F, d: ~, e: '1', f: 2026-05-01, g: 1e3, h: True}\njobs: {}"
    env = read_workflow(text).env
    assert {name: value.value for name, value in env.items()} == {
        "a": "no", "b": 1.1, "c": 31, "d": None, "e": "1", "f": "2026-05-01", "g": 1000.0, "h": True,
    }  # fmt: skip
    assert [value.text for value in env.values()] == ["no", "1.1", "31", "", "1", "2026-05-01", "1000", "true"]


def test_an_alias_stands_where_its_anchor_does():
    text = "on: push\njobs:\n  a: &a\n    runs-on: x\n    steps: [{run: x}]\n  b: *a\n"
    one, other = read_workflow(text).jobs
    assert (other.place, other.steps) == (Place(6, 3), one.steps)
    assert read_workflow(text).refusals == ()


@pytest.mark.parametrize(
    "text",
    ["\ufeff" + DEPLOY, DEPLOY.replace("\n", "\r\n"), "# a comment\n---\n" + DEPLOY],
    ids=["bom", "crlf", "marker"],
)
def test_how_the_file_is_saved_does_not_matter(text):
    document = read_workflow(text)
    assert document.refusals == ()
    lines = text.removeprefix("\ufeff").splitlines()
    for job in document.jobs:
        assert lines[job.place.line - 1][job.place.column - 1 :].startswith(f"{job.id}:")
