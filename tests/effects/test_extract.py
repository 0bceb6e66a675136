"""What ``extract`` promises for any log: shape, order, splitting, steps, headers, hostile lines."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.effects.extract import EFFECT_SCHEMA, JobContext, extract
from forensics.effects.rule import load_rules

RULES = load_rules()
LEVELS = (None, "echo", "command", "error", "warning", "group", "endgroup")
SNIPPETS = sorted({line for rule in RULES.rules for example in rule.examples for line in example.log.splitlines()})
"""Every line of every example: announcements and outcomes in any order."""
TEXTS = st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=40))
ROWS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from((None, 1, 2)), st.sampled_from(LEVELS), TEXTS), max_size=40
)


def frame(rows: list[tuple[int, int | None, str | None, str]]) -> pl.DataFrame:
    """Rows of (job, step, level, text) as log lines, numbered within each job."""
    numbers: dict[int, int] = {}
    records = []
    for job, step, level, text in sorted(rows, key=lambda row: row[0]):
        numbers[job] = numbers.get(job, 0) + 1
        moment = datetime(2026, 1, 5) + timedelta(seconds=numbers[job])
        records.append(("octo/shop", 100 + job, 1, job, step, numbers[job], moment, level, text))
    schema = {
        "repository": pl.String, "run_id": pl.Int64, "attempt": pl.Int32, "job_id": pl.Int64, "step_number": pl.Int32,
        "line_no": pl.Int32, "logged_at": pl.Datetime("us"), "level": pl.String, "text": pl.String,
    }  # fmt: skip
    return pl.DataFrame(records, schema=schema, orient="row")


def log(*texts: str, job: int = 1, step: int | None = None) -> list[tuple[int, int | None, str | None, str]]:
    return [(job, step, None, text) for text in texts]


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_any_lines_give_rows_of_the_schema_and_echoes_give_none(
    rows: list[tuple[int, int | None, str | None, str]],
) -> None:
    lines = frame(rows)
    effects = extract(lines, RULES)
    assert effects.schema == pl.Schema(EFFECT_SCHEMA)
    for column in (
        "repository",
        "run_id",
        "job_id",
        "tool",
        "effect",
        "target",
        "outcome",
        "rule",
        "line_no",
        "text",
    ):
        assert effects[column].null_count() == 0
    assert set(effects["outcome"]) <= {"done", "rejected", "failed", "no-op", "unknown"}
    echoes = lines.filter(pl.col("level") == "echo").select("job_id", "line_no")
    assert effects.join(echoes, on=["job_id", "line_no"], how="semi").is_empty()
    started = echoes.rename({"line_no": "started_line_no"})
    assert effects.join(started, on=["job_id", "started_line_no"], how="semi").is_empty()
    assert (effects["started_at"] <= effects["occurred_at"]).all()


@given(ROWS, st.randoms())
@settings(max_examples=40, deadline=None)
def test_neither_order_nor_splitting_of_jobs_matters(
    rows: list[tuple[int, int | None, str | None, str]], random: Random
) -> None:
    lines = frame(rows)
    whole = extract(lines, RULES)
    jobs = [group for _, group in lines.group_by("job_id", maintain_order=True)]
    random.shuffle(jobs)
    assert extract(pl.concat([lines.clear(), *jobs]), RULES).equals(whole)
    parts = [extract(job, RULES) for job in sorted(jobs, key=lambda job: job["job_id"][0])]
    assert pl.concat([whole.clear(), *parts]).equals(whole)


def test_no_lines_and_no_rules_give_no_effects() -> None:
    assert extract(frame([]), RULES).schema == pl.Schema(EFFECT_SCHEMA)
    lines = frame(log("To https://github.example/octo/shop", " * [new branch]      main -> main"))
    assert extract(lines, RULES.only()).is_empty()
    assert extract(lines, RULES).height == 1


def test_a_row_says_who_when_and_what() -> None:
    lines = frame(
        log(
            "[command]/usr/bin/git log -1 --format=%H",
            "0123456789abcdef0123456789abcdef01234567",
            "npm notice 📦  cart@2.1.0",
            "npm notice Publishing to https://registry.example/ with tag latest and public access",
            "+ cart@2.1.0",
            step=4,
        )
    )
    assert extract(lines, RULES).to_dicts() == [
        {
            "repository": "octo/shop",
            "run_id": 101,
            "attempt": 1,
            "job_id": 1,
            "step_number": 4,
            "started_at": datetime(2026, 1, 5, 0, 0, 4),
            "occurred_at": datetime(2026, 1, 5, 0, 0, 5),
            "tool": "npm",
            "effect": "publish",
            "target": "npm:cart",
            "identity": "cart@2.1.0",
            "outcome": "done",
            "sha": "0123456789abcdef0123456789abcdef01234567",
            "rule": "npm",
            "line_no": 5,
            "started_line_no": 4,
            "text": "+ cart@2.1.0",
        }
    ]


def test_an_outcome_in_the_next_step_belongs_to_nothing() -> None:
    announced = log("npm notice Publishing to https://registry.example/ with tag latest", step=3)
    effects = extract(frame(announced + log("+ cart@2.1.0", step=4)), RULES)
    assert effects["outcome"].to_list() == ["unknown"]
    assert effects["step_number"].to_list() == [3]


def test_inputs_and_environment_of_a_step_are_not_output() -> None:
    """A ``with:`` block may hold a whole release note, log excerpts included."""
    lines = frame(
        log(
            "##[group]Run octo/announce@v1",
            "with:",
            "  body: It went like this",
            "To https://github.example/octo/shop",
            " * [new tag]         v1.4.0 -> v1.4.0",
            "##[endgroup]",
        )
    )
    assert extract(lines, RULES).is_empty()


def test_the_job_or_the_workspace_names_a_terraform_state() -> None:
    apply = ("aws_s3_bucket.assets: Creating...", "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.")
    switched = ('Switched to workspace "prod".', *apply)
    lines = frame(log(*apply, job=1) + log(*apply, job=2) + log(*switched, job=3))
    context = {1: JobContext("Infra", "apply"), 3: JobContext("Infra", "apply")}
    assert extract(lines, RULES, context)["target"].to_list() == [
        "terraform:octo/shop/apply",
        "terraform:octo/shop/?",
        "terraform:octo/shop workspace=prod",
    ]


def test_a_second_checkout_of_another_repository_does_not_change_the_commit() -> None:
    def checkout(repository: str, sha: str) -> tuple[str, ...]:
        header = ("##[group]Run actions/checkout@v4", "with:", f"  repository: {repository}", "##[endgroup]")
        return (*header, '[command]"C:\\Program Files\\Git\\bin\\git.exe" log -1 --format=%H', sha)

    push = ("To https://github.example/octo/shop", " * [new branch]      main -> main")
    for second, sha in (("octo/charts", "a" * 40), ("Octo/Shop", "b" * 40)):
        lines = frame(log(*checkout("octo/shop", "a" * 40), *checkout(second, "b" * 40), *push))
        assert extract(lines, RULES)["sha"].to_list() == [sha]


def test_hostile_lines_cost_linear_time() -> None:
    """Repetition that makes a backtracking engine explode; every line begins like an announcement or an outcome."""
    heads = [text[:12] for text in SNIPPETS]
    fills = (" " * 20_000, "a" * 20_000, "-> " * 7_000, "a.[" * 7_000, "../" * 7_000)
    texts = [head + fill for head in heads for fill in fills]
    lines = frame(log(*texts, "To https://github.example/octo/shop", " * [new branch]      main -> main"))
    began = time.perf_counter()
    extract(lines, RULES)
    assert time.perf_counter() - began < 20


def test_a_long_line_is_read_up_to_its_limit() -> None:
    lines = frame(log("To https://github.example/octo/shop", " * [new branch]      main -> " + "m" * 10_000))
    (effect,) = extract(lines, RULES).to_dicts()
    assert len(effect["text"]) == 4096
