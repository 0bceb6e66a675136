"""What ``extract`` promises for any log: shape, order, splitting, steps, headers, hostile lines."""

from __future__ import annotations

import pickle
import time
from datetime import datetime, timedelta
from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.effects.extract import EFFECT_SCHEMA, JobContext, extract
from forensics.effects.rule import load_rules

RULES = load_rules()
LOGS = [example.log.splitlines() for rule in RULES.rules for example in rule.examples]
SNIPPETS = sorted({line for log in LOGS for line in log})
"""Every line of every example: announcements and outcomes in any order."""
Row = tuple[int, int | None, str | None, str]


@st.composite
def rows_of_examples(draw: st.DrawFn) -> list[Row]:
    """Logs of examples one after the other in up to three jobs, some of their lines echoed, some lines noise."""
    rows: list[Row] = []
    for lines in draw(
        st.lists(st.one_of(st.sampled_from(LOGS), st.lists(st.text(max_size=20), max_size=3)), max_size=6)
    ):
        job, step = draw(st.integers(1, 3)), draw(st.sampled_from((None, 1, 2)))
        echoed = draw(st.sets(st.integers(0, max(len(lines) - 1, 0)), max_size=2))
        rows += [(job, step, "echo" if place in echoed else _level(text), text) for place, text in enumerate(lines)]
    return rows


def _level(text: str) -> str | None:
    return "command" if text.startswith("[command]") else None


ROWS = st.one_of(
    rows_of_examples(),
    st.lists(
        st.tuples(
            st.integers(1, 3),
            st.sampled_from((None, 1, 2)),
            st.sampled_from((None, "echo", "command", "error", "warning", "group", "endgroup")),
            st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=40)),
        ),
        max_size=40,
    ),
)


def frame(rows: list[Row]) -> pl.DataFrame:
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


def log(*texts: str, job: int = 1, step: int | None = None) -> list[Row]:
    return [(job, step, None, text) for text in texts]


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_any_lines_give_rows_of_the_schema_and_echoes_give_none(
    rows: list[Row],
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
def test_neither_the_order_of_rows_nor_splitting_by_job_matters(rows: list[Row], random: Random) -> None:
    lines = frame(rows)
    whole = extract(lines, RULES)
    order = list(range(lines.height))
    random.shuffle(order)
    assert extract(lines[order], RULES).equals(whole)
    parts = [extract(job, RULES) for _, job in lines.group_by("job_id", maintain_order=True)]
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


def test_a_line_whose_step_is_not_known_parts_nothing() -> None:
    rows = log("npm notice Publishing to https://registry.example/ with tag latest", step=3)
    rows += log("+ cart@2.1.0") + log("up to date", step=4)
    (effect,) = extract(frame(rows), RULES).to_dicts()
    assert (effect["outcome"], effect["step_number"]) == ("done", 3)
    between = [rows[0], *log("npm notice"), *log("+ cart@2.1.0", step=4)]
    assert extract(frame(between), RULES)["outcome"].to_list() == ["unknown"]


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


def test_an_echo_between_announcement_and_outcome_is_neither() -> None:
    rows = log("To https://github.example/octo/shop", job=1)
    rows += [(1, None, "echo", "   1a2b3c4..5d6e7f8  main -> main"), (1, None, "echo", "To https://git.example/o/r")]
    rows += log("   2b3c4d5..6e7f8a9  main -> main", job=1)
    (effect,) = extract(frame(rows), RULES).to_dicts()
    assert (effect["identity"], effect["line_no"], effect["started_line_no"]) == ("6e7f8a9", 4, 1)


def test_the_commit_of_one_job_is_not_taken_from_the_end_of_another() -> None:
    push = ("To https://github.example/octo/shop", " * [new branch]      main -> main")
    cut_short = log(*push, "[command]/usr/bin/git log -1 --format=%H", job=1)
    assert extract(frame(cut_short + log("a" * 40, *push, job=2)), RULES)["sha"].to_list() == [None, None]


def test_what_comes_much_later_is_no_outcome() -> None:
    noise = [f"compiled {number}" for number in range(120)]
    pushed = log("To https://github.example/octo/shop", *noise, " * [new branch]      main -> main")
    assert extract(frame(pushed), RULES).is_empty()
    reason = "  the remote server responded with an error (status 400): crate version `2.1.0` is already uploaded"
    failed = ("   Uploading cart v2.1.0", "error: failed to publish to registry at https://crates.example")
    assert extract(frame(log(*failed, *noise[:20], reason)), RULES)["outcome"].to_list() == ["rejected"]
    assert extract(frame(log(*failed, *noise[:40], reason)), RULES)["outcome"].to_list() == ["failed"]


def test_rules_travel_to_worker_processes() -> None:
    lines = frame(log("To https://github.example/octo/shop", " * [new branch]      main -> main"))
    assert extract(lines, pickle.loads(pickle.dumps(RULES))).equals(extract(lines, RULES))


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
