"""The contexts of a past run by its event: what is known, what is null, and what nobody recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.concurrency.contexts import inferred, rebuild_github, rebuild_inputs, rebuild_needs, rebuild_vars
from forensics.concurrency.events import PAYLOADS
from forensics.concurrency.past import PastRun, Upstream
from forensics.concurrency.refs import rebuild_ref
from forensics.workflow.expression import Known, Unknown, as_string, evaluate, parse_template, references, to_text
from forensics.workflow.read import read_workflow

SHA, MERGE = "a" * 40, "b" * 40
JOBS = "jobs: {build: {runs-on: ubuntu-latest, steps: [{run: make}]}}"


def past(event: str, branch: str | None = "main", **said: Any) -> PastRun:
    usual: dict[str, Any] = {
        "repository": "octo/shop", "run_id": 77, "path": ".github/workflows/ci.yml", "run_number": 5,
        "head_sha": SHA, "head_repository": "octo/shop", "created_at": datetime(2026, 6, 1), "actor": "mira",
        "triggering_actor": "tobias", "default_branch": "main",
    }  # fmt: skip
    return PastRun(event=event, head_branch=branch, **{**usual, **said})


def said(text: str, run: PastRun, on: str = "push", name: str = "CI") -> str:
    """What a scalar comes to, with ? for what is not known."""
    document = read_workflow(f"name: {name}\non: {on}\n{JOBS}\n", ".github/workflows/ci.yml")
    contexts = {"github": rebuild_github(run, document), "inputs": rebuild_inputs(run, document)}
    return to_text(as_string(evaluate(parse_template(text), {**contexts, "vars": rebuild_vars()})))


PULL = past("pull_request", "topic", number=12, base="main", merge_commit=MERGE)
NUMBERLESS = past("pull_request", "topic")
QUEUED = past("merge_group", "gh-readonly-queue/main/pr-9-abc")


@pytest.mark.parametrize(
    ("run", "on", "ref", "name", "kind"),
    [
        (past("push"), "push", "refs/heads/main", "main", "branch"),
        (past("push", "topic"), "push", "?", "topic", "?"),
        (past("push", "topic"), "{push: {branches: ['**']}}", "refs/heads/topic", "topic", "branch"),
        (past("push", "v1.2"), "{push: {tags: ['v*']}}", "refs/tags/v1.2", "v1.2", "tag"),
        (past("push", "v1.2"), "{push: {tags: ['v*'], branches: [main]}}", "refs/tags/v1.2", "v1.2", "tag"),
        (past("push", "v1"), "{push: {tags: ['v*'], branches: ['**']}}", "?", "v1", "?"),
        (past("push", "a/b"), "{push: {branches: ['a/*'], tags: ['*']}}", "refs/heads/a/b", "a/b", "branch"),
        (past("push", "v1", stated_ref="refs/tags/v1"), "push", "refs/tags/v1", "v1", "tag"),
        (PULL, "pull_request", "refs/pull/12/merge", "12/merge", "branch"),
        (NUMBERLESS, "pull_request", "refs/pull/?/merge", "?/merge", "branch"),
        (PULL, "{pull_request: {types: [closed]}}", "?", "?", "branch"),
        (past("pull_request_target", "topic"), "pull_request_target", "refs/heads/main", "main", "branch"),
        (past("pull_request_review", "a", number=3), "pull_request_review", "refs/pull/3/merge", "3/merge", "branch"),
        (past("schedule"), "{schedule: [{cron: '1 1 * * *'}]}", "refs/heads/main", "main", "branch"),
        (past("workflow_run"), "{workflow_run: {workflows: [Build]}}", "refs/heads/main", "main", "branch"),
        (past("issue_comment"), "issue_comment", "refs/heads/main", "main", "branch"),
        (past("repository_dispatch"), "repository_dispatch", "refs/heads/main", "main", "branch"),
        (past("workflow_dispatch", "topic"), "workflow_dispatch", "?", "topic", "?"),
        (past("workflow_dispatch"), "workflow_dispatch", "refs/heads/main", "main", "branch"),
        (past("release", "v2"), "release", "refs/tags/v2", "v2", "tag"),
        (QUEUED, "merge_group", "refs/heads/gh-readonly-queue/main/pr-9-abc", "gh-readonly-queue/main/pr-9-abc",
         "branch"),
        (past("brand_new_event"), "push", "?", "?", "?"),
    ],
)  # fmt: skip
def test_ref_by_event(run, on, ref, name, kind):
    assert [said(f"${{{{ github.{part} }}}}", run, on) for part in ("ref", "ref_name", "ref_type")] == [
        ref,
        name,
        kind,
    ]


def test_a_target_run_was_on_the_base_before_the_change_of_december_2025():
    before = past("pull_request_target", "topic", created_at=datetime(2025, 12, 7), base="release")
    assert said("${{ github.ref }}", before, "pull_request_target") == "refs/heads/release"


def test_what_does_not_exist_on_a_push_is_known_to_be_empty():
    push = past("push")
    assert said("pr-${{ github.event.number }}", push) == "pr-"
    assert said("pr-${{ github.event.pull_request.number }}", push) == "pr-"
    assert said("${{ github.head_ref || github.run_id }}", push) == "77"
    assert said("${{ github.base_ref }}|${{ github.event.schedule }}|${{ github.event.inputs.x }}", push) == "||"
    assert said("${{ inputs.environment }}|${{ github.job }}", push) == "|"
    assert said("${{ github.no_such_property }}", push) == ""


def test_what_exists_and_is_not_recorded_is_a_gap():
    push = past("push")
    assert said("a-${{ github.actor_id }}-b", push) == "a-?-b"
    assert said("${{ vars.LANE }}", push) == "?"
    assert said("${{ github.event.forced }}", push) == "?"
    assert said("${{ github.event.head_commit.message }}", push) == "?"


def test_an_unknown_event_closes_nothing():
    assert said("pr-${{ github.event.number }}", past("brand_new_event")) == "pr-?"


def test_a_pull_request():
    text = "${{ github.head_ref }}>${{ github.base_ref }}#${{ github.event.number }} ${{ github.sha }}"
    assert said(text, PULL, "pull_request") == f"topic>main#12 {MERGE}"
    assert said(text, NUMBERLESS, "pull_request") == "topic>?#? ?"
    assert said("${{ github.event.pull_request.head.sha }}", PULL, "pull_request") == SHA
    assert said("${{ github.event.pull_request.head.repo.full_name }}", PULL, "pull_request") == "octo/shop"


def test_one_plain_branch_filter_proves_the_base():
    assert said("${{ github.base_ref }}", NUMBERLESS, "{pull_request: {branches: [release]}}") == "release"
    assert said("${{ github.base_ref }}", NUMBERLESS, "{pull_request: {branches: ['release/*']}}") == "?"


def test_a_review_has_a_pull_request_and_no_number_of_its_own():
    review = past("pull_request_review", "topic", number=3)
    assert said("${{ github.event.number }}|${{ github.event.pull_request.number }}", review) == "|3"


def test_the_merge_queue():
    text = "${{ github.head_ref }}|${{ github.event.number }}|${{ github.event.merge_group.base_ref }}"
    assert said(text, QUEUED, "merge_group") == "||refs/heads/main"


def test_a_schedule_with_one_cron_is_known_and_with_two_is_one_of_them():
    run = past("schedule")
    assert said("${{ github.event.schedule }}", run, "{schedule: [{cron: '1 1 * * *'}]}") == "1 1 * * *"
    two = "{schedule: [{cron: '1 1 * * *'}, {cron: '2 2 * * *'}]}"
    assert said("${{ github.event.schedule }}", run, two) == "?"
    assert said("${{ github.event.schedule == '3 3 * * *' }}", run, two) == "false"


def test_inputs_of_a_dispatch_are_known_where_the_title_states_them():
    on = "{workflow_dispatch: {inputs: {lane: {type: choice, options: [a, b]}, dry: {type: boolean}, free: {}}}}"
    titled = "CI\nrun-name: To ${{ inputs.lane }} by ${{ github.actor }}"
    group = "x-${{ inputs.lane }}-${{ inputs.free }}"
    assert said(group, past("workflow_dispatch", title="To b by mira"), on, titled) == "x-b-?"
    assert said(group, past("workflow_dispatch", title="Fix the build"), on, titled) == "x-?-?"
    assert said(group, past("workflow_dispatch", title="To b by mira"), on) == "x-?-?"


def test_inputs_of_a_dispatch_are_not_recorded_but_what_they_can_be_is():
    on = "{workflow_dispatch: {inputs: {lane: {type: choice, options: [a, b]}, dry: {type: boolean}, free: {}}}}"
    run = past("workflow_dispatch")
    assert said("${{ inputs.free }}|${{ inputs.nothing }}", run, on) == "?|"
    assert said("${{ inputs.lane == 'c' }}", run, on) == "false"
    assert said("${{ github.event.inputs.lane }}|${{ github.event.inputs.nothing }}", run, on) == "?|"


def test_the_upstream_run_of_workflow_run():
    upstream = Upstream(5, 3, 1, "Build", "x", "push", "topic", SHA, "octo/fork", "success")
    text = "${{ github.event.workflow_run.head_branch }}/${{ github.event.workflow_run.name }}"
    on = "{workflow_run: {workflows: [Build]}}"
    run = past("workflow_run", upstream=upstream, guessed=frozenset({"upstream"}))
    assert said(text, run, on) == "topic/Build"
    assert said(text, past("workflow_run"), on) == "?/Build"
    other = "{workflow_run: {workflows: [Test]}}"
    assert said(text, run, other) == "?/Test"
    assert inferred(run, None, references(parse_template(text)))
    assert not inferred(run, None, ("github.ref",))


def test_who_and_where():
    run = past("push", attempt=2, server_url="https://ghes.example")
    text = "${{ github.actor }} ${{ github.triggering_actor }} ${{ github.run_attempt }} ${{ github.run_number }}"
    assert said(text, run) == "mira tobias 2 5"
    text = "${{ github.api_url }} ${{ github.repository_owner }} ${{ github.workflow_ref }}"
    assert said(text, run) == "https://ghes.example/api/v3 octo octo/shop/.github/workflows/ci.yml@refs/heads/main"


def test_a_workflow_without_a_name_is_called_by_its_path():
    document = read_workflow(f"on: push\n{JOBS}\n", ".github/workflows/ci.yml")
    github = rebuild_github(past("push"), document)
    assert evaluate(parse_template("${{ github.workflow }}"), {"github": github}) == Known(".github/workflows/ci.yml")


def test_results_of_needed_jobs_are_known_and_their_outputs_are_not():
    text = "on: push\njobs: {a: {runs-on: x, steps: [{run: y}]}, b: {needs: a, runs-on: x, steps: [{run: y}]}}\n"
    needs = rebuild_needs(read_workflow(text, "ci.yml").jobs[1], {"a": "failure"})
    both = parse_template("${{ needs.a.result }}-${{ needs.a.outputs.lane }}-${{ needs.c.result }}")
    assert to_text(as_string(evaluate(both, {"needs": needs}))) == "failure-?-"


@given(st.sampled_from(sorted(PAYLOADS)), st.from_regex(r"[a-z_]{1,20}", fullmatch=True))
def test_a_payload_is_closed(event, name):
    """Of a documented event, what its payload does not have is null; what it has is never null for want of data."""
    has = name in (*PAYLOADS[event], "repository", "sender", "organization", "enterprise", "installation")
    github = rebuild_github(past(event), None)
    outcome = evaluate(parse_template(f"${{{{ github.event.{name} }}}}"), {"github": github})
    assert has or outcome == Known(None)


@given(st.sampled_from([*sorted(PAYLOADS), "pull_request_target", "other"]), st.text(max_size=12), st.booleans())
def test_more_knowledge_never_contradicts_less(event, branch, stated):
    """What is said without a ref on record still holds when the record states the ref."""
    before = rebuild_ref(past(event, branch or None), None).value
    after = rebuild_ref(past(event, branch or None, stated_ref=before if isinstance(before, str) else None), None)
    if isinstance(before, str):
        assert after.value == before
    elif isinstance(before, Unknown) and before.among is not None:
        assert len(set(before.among)) == len(before.among)
