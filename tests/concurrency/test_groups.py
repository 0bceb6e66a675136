"""Groups in force of planted runs: by which proof, at which level, with which settings."""

from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.concurrency.groups import derive
from forensics.store.store import Store
from tests.concurrency.planted import SHOP, load_views, planting

BUILD = "jobs: {build: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n"
LITERAL = f"name: CI\non: push\nconcurrency: Production\n{BUILD}"


def top(group: str, on: str = "push", more: str = "") -> str:
    return f"name: CI\non: {on}\nconcurrency: {{group: '{group}'{more}}}\n{BUILD}"


def superseded(group: str, quote: str = "") -> str:
    return f"Canceling since a higher priority waiting request for {quote}{group}{quote} exists"


def test_a_literal_with_its_settings_and_its_place():
    with planting() as case:
        case.run(1, "name: CI\non: push\nconcurrency:\n  group: Prod\n  cancel-in-progress: true\n" + BUILD)
        case.run(2, top("lane", more=", queue: max"))
        case.run(3, LITERAL)
        assert case.told("run_id", "level", "group_name", "group_key", "cancel_in_progress", "queue", "line") == [
            (1, "workflow", "Prod", "prod", True, "single", 4),
            (2, "workflow", "lane", "lane", False, "max", 3),
            (3, "workflow", "Production", "production", False, "single", 3),
        ]
        assert {(row["source"], row["confidence"], row["file_source"], row["agrees"]) for row in case.rows()} == {
            ("literal", "known", "exact", None)
        }


@pytest.mark.parametrize("source", ["between", "approx"])
def test_of_a_file_that_only_follows_a_name_is_likely(source):
    with planting() as case:
        if source == "between":
            case.run(1, LITERAL, source="between")
        else:
            case.run(1, LITERAL.replace("on: push", "on: pull_request"), event="pull_request", head_branch="topic")
        assert case.told("group_name", "confidence", "file_source") == [("Production", "likely", source)]


def test_the_one_content_of_a_path_is_taken_where_no_version_is_known_and_one_of_two_is_not():
    with planting() as case:
        case.file(LITERAL)
        case.run(1)
        assert case.told("group_name", "confidence", "file_source") == [("Production", "likely", "only")]
        case.file(LITERAL + "# changed\n")
        assert case.derive() == []


def test_cancel_in_progress_by_event():
    text = top("a", "{push: {}, pull_request: {}}", ", cancel-in-progress: '${{ github.event_name == ''push'' }}'")
    with planting() as case:
        case.run(1, text)
        case.run(2, text, event="pull_request", head_branch="topic", pulls=[4])
        case.run(3, top("a", more=", cancel-in-progress: '${{ vars.CANCEL }}'"))
        assert case.told("run_id", "cancel_in_progress") == [(1, True), (2, False), (3, None)]


def test_group_collapse_on_push_is_known():
    with planting() as case:
        case.run(1, top("pr-${{ github.event.number }}"))
        case.run(2, top("${{ github.head_ref || github.run_id }}"))
        case.run(3, top("${{ github.head_ref }}"))
        assert case.told("group_name", "confidence") == [("pr-", "known"), ("2", "known"), ("", "known")]


def test_pull_request_push_and_tag_are_different_refs():
    text = top("${{ github.workflow }}-${{ github.ref }}", "{push: {tags: [v*], branches: [main]}, pull_request: {}}")
    with planting() as case:
        case.run(1, text)
        case.run(2, text, head_branch="v1.0")
        case.run(3, text, event="pull_request", head_branch="topic", pulls=[12])
        case.run(4, text, event="pull_request", head_branch="other", ref="refs/pull/13/merge")
        case.run(5, text, event="pull_request", head_branch="third")
        case.run(6, text, event="merge_group", head_branch="gh-readonly-queue/main/pr-7-ab")
        assert case.told("run_id", "group_name", "pattern") == [
            (1, "CI-refs/heads/main", "CI-refs/heads/main"),
            (2, "CI-refs/tags/v1.0", "CI-refs/tags/v1.0"),
            (3, "CI-refs/pull/12/merge", "CI-refs/pull/12/merge"),
            (4, "CI-refs/pull/13/merge", "CI-refs/pull/13/merge"),
            (5, None, "CI-refs/pull/?/merge"),
            (6, "CI-refs/heads/gh-readonly-queue/main/pr-7-ab", "CI-refs/heads/gh-readonly-queue/main/pr-7-ab"),
        ]
        fifth = case.rows()[4]
        assert fifth["confidence"] == "pattern"
        assert fifth["missing"] == ["github.event.pull_request.number is not recorded"]


def test_a_number_that_another_run_of_the_branch_has_is_likely():
    text = top("pr-${{ github.event.number }}", "pull_request_target")
    with planting() as case:
        case.run(1, text, event="pull_request_target", head_branch="topic", pulls=[12])
        case.run(2, text, event="pull_request_target", head_branch="topic")
        case.run(3, text, event="pull_request_target", head_branch="topic", head_repository="fork/shop")
        assert [row["group_name"] for row in case.derive()] == ["pr-12", "pr-12", None]
        assert case.rows()[1]["confidence"] == "likely"


def test_a_file_that_github_refuses_gives_what_can_be_read_of_it():
    with planting() as case:
        case.run(1, "name: CI\non: push\njobs: [\n")
        case.run(2, top("a-${{ github.ref"))
        assert case.told("run_id", "group_name", "confidence") in ([], [(2, None, "unknown")])


MATRIX = """name: CI
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    strategy: {matrix: {os: [linux, mac], shard: [1, 2], exclude: [{os: mac, shard: 2}], include: [{os: win}]}}
    concurrency: 'lab-${{ matrix.os }}-${{ matrix.shard }}-${{ strategy.job-index }}'
    steps: [{run: make}]
  lint: {runs-on: ubuntu-latest, concurrency: lint, steps: [{run: lint}]}
"""


def test_each_leg_of_a_matrix_has_its_group():
    with planting() as case:
        case.run(1, MATRIX, jobs=("test (linux, 1)", "test (linux, 2)", "test (mac, 1)", "test (win)", "lint"))
        assert case.told("job_name", "level", "job_id", "group_name") == [
            ("lint", "job", 104, "lint"),
            ("test (linux, 1)", "job", 100, "lab-linux-1-0"),
            ("test (linux, 2)", "job", 101, "lab-linux-2-1"),
            ("test (mac, 1)", "job", 102, "lab-mac-1-2"),
            ("test (win)", "job", 103, "lab-win--3"),
        ]


def test_a_matrix_that_the_file_does_not_tell_is_read_from_the_names():
    text = MATRIX.replace("[linux, mac]", "'${{ fromJSON(needs.lint.outputs.all) }}'").replace(
        "-${{ strategy.job-index }}", ""
    )
    with planting() as case:
        case.run(1, text, jobs=("test (arm, 7)",))
        assert case.told("job_name", "group_name") == [("test (arm, 7)", "lab-arm-7")]


def test_names_of_jobs_with_expressions():
    text = MATRIX.replace(
        "  test:\n", "  test:\n    name: Test ${{ matrix.os }}/${{ matrix.shard }} on ${{ github.ref }}\n"
    )
    with planting() as case:
        case.run(1, text, jobs=("Test linux/2 on refs/heads/main",))
        assert case.told("group_name") == [("lab-linux-2-1",)]


def test_skipped_and_copied_jobs_hold_nothing():
    with planting() as case:
        case.run(1, MATRIX, attempts=2)
        case.job(10, 1, "lint", conclusion="skipped")
        case.job(11, 1, "lint", attempt=2, copied=True)
        case.job(12, 1, "test (mac, 1)", attempt=2)
        assert case.told("attempt", "job_id") == [(2, 12)]


def test_a_rerun_enters_the_same_group_unless_the_attempt_is_in_it():
    with planting() as case:
        case.run(1, top("${{ github.run_id }}"), attempts=2)
        case.run(2, top("${{ github.run_id }}-${{ github.run_attempt }}"), attempts=2)
        assert case.told("run_id", "attempt", "group_name") == [
            (1, 1, "1"),
            (1, 2, "1"),
            (2, 1, "2-1"),
            (2, 2, "2-2"),
        ]


CALLER = """name: Release
on: push
concurrency: release
jobs:
  plan: {runs-on: ubuntu-latest, steps: [{run: plan}]}
  ship:
    needs: plan
    uses: ./.github/workflows/ship.yml
    concurrency: 'lane-${{ needs.plan.result }}'
    with: {target: 'prod-${{ github.ref_name }}'}
"""
CALLED = """name: Ship
on: {workflow_call: {inputs: {target: {type: string}, region: {type: string, default: eu}}}}
concurrency: '${{ github.workflow }}-${{ inputs.target }}-${{ inputs.region }}'
jobs:
  deploy:
    runs-on: ubuntu-latest
    concurrency: '${{ github.workflow }}-${{ inputs.target }}'
    steps: [{run: deploy}]
"""


def test_a_call_job_holds_its_own_lease_and_that_of_the_called_workflow():
    with planting() as case:
        case.run(1, CALLER, calls={".github/workflows/ship.yml": CALLED}, jobs=("plan", "ship / deploy"))
        assert case.told("level", "job_name", "job_id", "group_name", "path") == [
            ("called", "ship", None, "Release-prod-main-eu", ".github/workflows/ship.yml"),
            ("job", "ship", None, "lane-success", ".github/workflows/ci.yml"),
            ("job", "ship / deploy", 101, "Release-prod-main", ".github/workflows/ship.yml"),
            ("workflow", None, None, "release", ".github/workflows/ci.yml"),
        ]


def test_a_workflow_called_from_another_repository_and_one_called_in_turn():
    remote = "octo/flows/.github/workflows/ship.yml"
    caller = CALLER.replace("./.github/workflows/ship.yml", f"{remote}@v1")
    middle = CALLED.replace(
        CALLED[CALLED.index("    runs-on") :],
        "    uses: octo/flows/.github/workflows/inner.yml@v1\n    with: {target: 'x-${{ inputs.target }}'}\n",
    )
    inner = CALLED.replace("name: Ship", "name: Inner")
    with planting() as case:
        calls = {remote: middle, "octo/flows/.github/workflows/inner.yml": inner}
        case.run(1, caller, calls=calls, jobs=("plan", "ship / deploy / deploy"))
        assert case.told("level", "job_name", "group_name") == [
            ("called", "ship", "Release-prod-main-eu"),
            ("called", "ship / deploy", "Release-x-prod-main-eu"),
            ("job", "ship", "lane-success"),
            ("job", "ship / deploy / deploy", "Release-x-prod-main"),
            ("workflow", None, "release"),
        ]


def test_a_call_that_never_began_holds_nothing():
    with planting() as case:
        case.run(1, CALLER, calls={".github/workflows/ship.yml": CALLED})
        case.job(10, 1, "plan", conclusion="failure")
        case.job(11, 1, "ship", conclusion="skipped")
        assert case.told("level") == [("workflow",)]


def test_a_waiting_call_that_was_cancelled_names_its_job():
    with planting() as case:
        case.run(1, CALLER, calls={".github/workflows/ship.yml": CALLED}, jobs=("plan",))
        case.job(11, 1, "ship", conclusion="cancelled")
        assert case.told("level", "job_id") == [("called", 11), ("job", 11), ("workflow", None)]


def test_github_names_what_evaluation_cannot():
    with planting() as case:
        case.run(1, top("deploy-${{ vars.LANE }}"))
        case.asked(1, "deploy-EU")
        case.run(2, top("${{ vars.LANE }}"))
        case.asked(2, "anything")
        assert case.told("group_name", "group_key", "source", "confidence", "agrees", "pattern") == [
            ("deploy-EU", "deploy-eu", "github", "known", True, "deploy-?"),
            ("anything", "anything", "github", "known", None, "?"),
        ]


def test_names_of_github_are_given_to_the_one_setting_that_they_fit():
    text = MATRIX.replace("concurrency: lint", "concurrency: 'lint-${{ vars.LANE }}'")
    with planting() as case:
        case.run(1, text, jobs=("lint", "test (mac, 1)"))
        case.asked(1, "lint-x", "LAB-mac-1-2", "lab-win--3")
        assert case.told("job_name", "group_name", "agrees") == [
            ("lint", "lint-x", True),
            ("test (mac, 1)", "LAB-mac-1-2", True),
        ]


def test_where_github_says_otherwise_it_is_right_and_the_difference_is_kept():
    with planting() as case:
        case.run(1, top("ours"))
        case.asked(1, "theirs")
        case.run(2, LITERAL)
        case.asked(2, "PRODUCTION")
        assert case.told("group_name", "source", "agrees", "pattern") == [
            ("theirs", "github", False, "ours"),
            ("PRODUCTION", "github", True, "Production"),
        ]
        assert case.store.query("FROM group_agreement").dicts() == [
            {"repository": SHOP, "asked": 2, "agreed": 1, "disagreed": 1, "unexplained": 0,
             "examples": ["1: ours <> theirs"]},
        ]  # fmt: skip


def test_github_says_nothing_of_earlier_attempts():
    with planting() as case:
        case.run(1, top("a-${{ github.run_attempt }}"), attempts=2)
        case.asked(1, "a-2")
        assert case.told("attempt", "group_name", "agrees") == [(1, "a-1", None), (2, "a-2", True)]


@pytest.mark.parametrize("quote", ["", "'"])
def test_the_annotation_of_a_victim_names_its_own_group(quote):
    with planting() as case:
        case.run(1, top("deploy-${{ vars.LANE }}"), jobs=("build",))
        case.annotate(1, superseded("deploy-eu", quote), job_id=100)
        assert case.told("group_name", "source", "confidence", "agrees") == [
            ("deploy-eu", "annotation", "known", True)
        ]


def test_an_annotation_is_given_to_the_job_that_it_stands_at():
    text = CALLER.replace("lane-${{ needs.plan.result }}", "lane-${{ vars.X }}")
    with planting() as case:
        case.run(1, text, calls={".github/workflows/ship.yml": CALLED}, jobs=("plan", "ship / deploy"))
        case.annotate(1, superseded("lane-7"), job_id=101)
        named = {row["group_name"]: row["source"] for row in case.derive()}
        assert named["lane-7"] == "annotation"
        assert named["release"] == "literal"


@pytest.mark.parametrize(
    "message",
    [
        "a deadlock for concurrency group 'release' was detected between 'top level workflow' and 'ship'",
        "a deadlock was detected for concurrency group: 'release' between a top level workflow and 'ship'",
    ],
)
def test_both_wordings_of_a_deadlock_name_the_group(message):
    text = CALLER.replace("concurrency: release", "concurrency: '${{ vars.A }}'")
    with planting() as case:
        case.run(1, text.replace("lane-${{ needs.plan.result }}", "x"), conclusion="cancelled")
        case.annotate(1, f"Canceling since {message}")
        assert case.told("level", "group_name", "source") == [("workflow", "release", "annotation")]


def test_whoever_cancelled_a_run_was_in_its_group():
    with planting() as case:
        case.run(1, top("deploy-${{ vars.LANE }}"), at=0, jobs=("build",))
        case.annotate(1, superseded("deploy-eu"), job_id=100)
        case.run(2, top("deploy-${{ vars.LANE }}"), at=68)
        case.run(3, top("deploy-${{ vars.LANE }}"), at=4000)
        assert case.told("run_id", "group_name", "source", "confidence") == [
            (1, "deploy-eu", "annotation", "known"),
            (2, "deploy-eu", "annotation", "likely"),
            (3, None, "evaluated", "pattern"),
        ]


def test_of_two_who_may_have_cancelled_it_neither_is_named():
    with planting() as case:
        case.run(1, top("deploy-${{ vars.LANE }}"), jobs=("build",))
        case.annotate(1, superseded("deploy-eu"), job_id=100)
        case.run(2, top("deploy-${{ vars.LANE }}"), at=60)
        case.run(3, top("deploy-eu"), at=65)
        assert case.told("run_id", "group_name") == [(1, "deploy-eu"), (2, None), (3, "deploy-eu")]


def test_an_annotation_without_a_file_still_names_the_group():
    with planting() as case:
        case.run(1, jobs=("build",))
        case.annotate(1, superseded("pages build and deployment @ main"), job_id=100)
        assert case.told("group_name", "source", "confidence", "level", "missing") == [
            ("pages build and deployment @ main", "annotation", "likely", "workflow",
             ["the workflow file .github/workflows/ci.yml as the run used it"]),
        ]  # fmt: skip


def test_lanes_take_the_derived_group_once_and_not_that_of_a_job():
    with planting() as case:
        for run_id in (1, 2):
            case.run(run_id, LITERAL, jobs=("build",), head_branch=f"b{run_id}")
            case.asked(run_id, "production")
        for run_id in (3, 4):
            case.run(run_id, MATRIX, path="m.yml", jobs=("lint",))
            case.asked(run_id, "lint")
        case.derive()
        assert case.store.query("SELECT run_id, lane FROM attempt_lanes ORDER BY run_id").rows == [
            (1, "group production"), (2, "group production"), (3, "branch main"), (4, "branch main"),
        ]  # fmt: skip


def test_groups_of_two_repositories_are_not_one():
    with planting() as case:
        case.repository("octo/other")
        case.run(1, LITERAL, jobs=("build",))
        case.run(2, LITERAL, repository="octo/other", head_repository="octo/other", jobs=("build",))
        case.derive()
        assert case.store.query("SELECT DISTINCT runs_in_group FROM known_groups").rows == [(1,)]


def test_deriving_again_changes_nothing_and_an_empty_case_costs_nothing():
    with planting() as case:
        assert case.derive() == []
        case.run(1, MATRIX, jobs=("lint",))
        case.run(2, top("deploy-${{ vars.LANE }}"))
        case.asked(2, "deploy-x")
        assert case.derive() == case.derive()
        assert case.store.query("SELECT group_key FROM concurrency_groups WHERE level IS NULL").rows == [
            ("deploy-x",)
        ]


def test_the_order_in_which_evidence_came_does_not_matter():
    with planting() as case:
        text = top("${{ github.workflow }}-${{ github.ref }}", "pull_request")
        for run_id in range(1, 9):
            pulls = [5] if run_id == 6 else None
            case.run(run_id, text, event="pull_request", head_branch="topic", pulls=pulls, at=run_id, jobs=("build",))
        case.annotate(3, superseded("CI-refs/pull/5/merge"), job_id=300)
        first = case.derive()
        tables = ("runs", "jobs", "annotations", "workflow_files", "workflow_versions", "attempts", "repositories")
        for seed in range(3):
            with Store.memory() as other:
                for table in tables:
                    other.insert(table, _shuffled(case.store.frame(f"FROM {table}"), seed))
                load_views(other)
                derive(other)
                again = other.query("FROM concurrency_groups ORDER BY run_id, attempt, level, job_name").dicts()
                assert again == first


def _shuffled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    order = list(range(frame.height))
    random.Random(seed).shuffle(order)
    return frame[order]


WORD = st.text("abC/-_.é", min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(WORD, st.sampled_from(["workflow", "repository", "event_name", "run_number", "head_ref", "actor"]), WORD)
def test_a_known_name_is_the_text_with_its_values(before, name, after):
    values = {"workflow": "CI", "repository": SHOP, "event_name": "push", "run_number": "1", "head_ref": "",
              "actor": "mira"}  # fmt: skip
    with planting() as case:
        case.run(1, top(f"{before}${{{{ github.{name} }}}}{after}"))
        assert case.groups() == {1: before + values[name] + after}
