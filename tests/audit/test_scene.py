"""The scenes of each event, and what the contexts are in them."""

from __future__ import annotations

import pytest

from forensics.audit.checkout import read_text
from forensics.audit.group import read_template, show_group
from forensics.audit.play import prepare
from forensics.audit.scene import Scene, contexts_of, plan_scenes
from forensics.workflow.expression import as_string, evaluate
from forensics.workflow.read import read_workflow

JOBS = "\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{run: make}]}\n"


def scenes(on: str, mentions: tuple[str, ...] = ()) -> list[Scene]:
    return list(plan_scenes(read_workflow(f"on: {on}{JOBS}", "ci.yml"), mentions))


@pytest.mark.parametrize(
    ("on", "refs"),
    [
        ("push", ["heads/main", "heads/topic-a", "heads/topic-b", "tags/v1.2.3", "tags/v1.2.4"]),
        ("{push: {branches: [main, 'release/**']}}", ["heads/main", "heads/release/a", "heads/release/b"]),
        ("{push: {branches: [master]}}", ["heads/master"]),
        ("{push: {branches-ignore: ['topic-*']}}", ["heads/main"]),
        ("{push: {tags: ['v*.*.*']}}", ["tags/v1.1.3", "tags/v1.1.4"]),
        ("{push: {tags: ['v[0-9]+']}}", ["tags/v3", "tags/v4"]),
        ("{push: {branches: [main, '!main']}}", ["heads/main"]),
        ("pull_request", ["pull/12/merge", "pull/13/merge"]),
        ("pull_request_target", ["heads/main", "heads/main"]),
        ("{schedule: [{cron: '1 2 * * *'}]}", ["heads/main"]),
        ("workflow_dispatch", ["heads/main", "heads/topic-a"]),
        ("workflow_call", []),
        ("[workflow_dispatch, issues]", ["heads/main", "heads/main", "heads/main", "heads/topic-a"]),
    ],
)
def test_the_refs_that_the_filters_let_through(on: str, refs: list[str]) -> None:
    assert [scene.ref.removeprefix("refs/") for scene in scenes(on)] == refs


def test_branches_that_the_file_names_are_played_too() -> None:
    named = scenes("push", ("github.ref == 'refs/heads/next'", "github.ref_name == 'live'"))
    assert [scene.name for scene in named if scene.kind == "branch"] == ["main", "next", "live", "topic-a", "topic-b"]


GROUPS = {
    "${{ github.event_name }} ${{ github.ref_type }} ${{ github.ref_name }}": {
        "push": "push branch main",
        "pull_request": "pull_request branch 12/merge",
    },
    "${{ github.head_ref || github.run_id }}": {"push": "<github.run_id>", "pull_request": "topic-a"},
    "x-${{ github.event.number }}": {"push": "x-", "pull_request": "x-12", "issues": "x-"},
    "${{ github.event.pull_request.head.ref }}": {"pull_request_target": "topic-a", "push": ""},
    "${{ github.event.pull_request.head.sha }}": {"pull_request": "<github.event.pull_request.head.sha>", "push": ""},
    "${{ github.event.issue.number }}": {"issues": "7", "issue_comment": "7", "push": ""},
    "${{ github.event.label.name }}": {"pull_request": "", "push": ""},
    "${{ inputs.where }}": {"push": "", "workflow_dispatch": ""},
    "${{ github.event.head_commit.message }}": {"push": "<github.event.head_commit.message>", "issues": ""},
    "${{ github.event.anything.at.all }}": {"page_build": "", "project_card": "<github.event.anything.at.all>"},
    "${{ github.workflow }}": {"push": "ci.yml"},
}


@pytest.mark.parametrize(("group", "expected"), GROUPS.items(), ids=GROUPS)
def test_what_a_group_comes_to(group: str, expected: dict[str, str]) -> None:
    for event, name in expected.items():
        document = read_workflow(f"on: {event}{JOBS}", "ci.yml")
        scene = plan_scenes(document)[0] if document.triggers else None
        assert scene is not None, event
        outcome = as_string(evaluate(read_template(group), contexts_of(scene, document)))
        assert show_group(outcome) == name, event


def test_inputs_are_those_that_are_declared() -> None:
    on = "{workflow_dispatch: {inputs: {where: {type: choice, options: [a, b]}, dry: {type: boolean}}}}"
    document = read_workflow(f"on: {on}{JOBS}", "ci.yml")
    contexts = contexts_of(plan_scenes(document)[0], document)
    shown = {
        text: show_group(as_string(evaluate(read_template(f"${{{{ {text} }}}}"), contexts)))
        for text in ("inputs.where", "inputs.where == 'c'", "inputs.other", "github.event.inputs.where")
    }
    assert shown == {
        "inputs.where": "<inputs.where>",
        "inputs.where == 'c'": "false",
        "inputs.other": "",
        "github.event.inputs.where": "<inputs.where>",
    }


def test_a_file_that_does_nothing_and_takes_nothing_is_not_played() -> None:
    assert read_text(f"on: push{JOBS}", "ci.yml").situations == ()
    assert prepare(read_workflow(f"on: push{JOBS}", "ci.yml")).acts == {}
