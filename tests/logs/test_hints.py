"""What a log says of its own origin."""

import dataclasses

from forensics.logs.hints import NOTHING, Hints
from forensics.logs.parse import parse

AT = "2026-03-04T05:06:07.1234567Z "
SHA, OTHER = "0123456789abcdef0123456789abcdef01234567", "f" * 40


def hints(*lines: str) -> Hints:
    return parse("".join(f"{AT}{line}\n" for line in lines).encode(), "raw").hints


def test_everything_at_once() -> None:
    assert hints(
        "Job defined at: o/r/.github/workflows/ci.yml@refs/pull/7/merge",
        "Job is about to start running on the hosted runner: GitHub Actions 18 (hosted)",
        "Complete job name: build (a, b) / x",
        "##[group]Run actions/checkout@v4",
        "with:",
        "  repository: o/r",
        "##[endgroup]",
        "Syncing repository: o/r",
        "[command]/usr/bin/git log -1 --format=%H",
        SHA,
        "See https://github.com/other/one/actions/runs/99 and https://github.com/other/one/actions/runs/99",
        "Artifact download URL: https://github.com/o/r/actions/runs/1234/artifacts/5",
        "https://github.com/o/r/actions/runs/1234/attempts/2",
    ) == Hints(
        run_ids=(1234, 99), own_run_ids=(1234,), attempt=2, repository="o/r",
        workflow_path=".github/workflows/ci.yml", ref="refs/pull/7/merge", job_name="build (a, b) / x", head_sha=SHA,
        runner_name="GitHub Actions 18",
    )  # fmt: skip


def test_nothing() -> None:
    assert hints("out", "more") == NOTHING
    assert parse(b"").hints == NOTHING


def test_a_run_that_is_only_quoted_is_not_the_logs_own() -> None:
    found = hints("https://github.com/o/r/actions/runs/5", "https://github.com/o/r/actions/runs/6 " * 2)
    assert (found.run_ids, found.own_run_ids) == ((6, 5), ())


def test_values_in_env_count_and_script_source_does_not() -> None:
    found = hints(
        "##[group]Run x",
        "\x1b[36;1mcurl https://github.com/o/r/actions/runs/77\x1b[0m",
        "shell: sh",
        "env:",
        "  GITHUB_RUN_ID: 55",
        "  GITHUB_RUN_ATTEMPT: 3",
        "  GITHUB_REPOSITORY: o/r",
        "##[endgroup]",
    )
    assert (found.run_ids, found.own_run_ids, found.attempt, found.repository) == ((55,), (55,), 3, "o/r")


def test_a_called_workflow_of_another_repository_is_not_the_runs_own() -> None:
    found = hints(
        "Job defined at: shared/flows/.github/workflows/build.yml@refs/heads/main", "Syncing repository: o/r"
    )
    assert (found.repository, found.workflow_path, found.ref) == ("o/r", None, None)


def test_the_commit_of_another_repository_is_not_the_head() -> None:
    checkout = ["[command]/usr/bin/git log -1 --format='%H'", f"'{OTHER}'"]
    own = ["[command]/usr/bin/git log -1 --format=%H", SHA]
    found = hints(
        "Syncing repository: o/r", "Syncing repository: o/tools", *checkout, "Syncing repository: o/r", *own
    )
    assert found.head_sha == SHA
    assert hints("Syncing repository: o/r", *checkout).head_sha == OTHER


def test_gh_text_has_hints_by_job() -> None:
    log = parse(
        f"a\ts\t{AT}Complete job name: a\nb\ts\t{AT}Complete job name: b\nc\ts\t{AT}out\n"
        f"b\ts\t{AT}Syncing repository: o/r\n".encode()
    )
    assert {job: (h.job_name, h.repository) for job, h in log.hints_by_job.items()} == {
        "a": ("a", None), "b": ("b", "o/r"), "c": (None, None),
    }  # fmt: skip
    assert dataclasses.replace(log.hints, job_name=None) == Hints(repository="o/r")
