"""`forensics ingest` from GitHub: what it hands on, what it says, and what it tells a newcomer."""

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from inline_snapshot import snapshot

from forensics import pipeline
from forensics.cli.ingest import describe_completeness, describe_plan
from forensics.cli.main import Terminated, run
from forensics.cli.options import Since
from forensics.errors import AccessRefused, Interrupted, LimitReached
from forensics.ingest.github.answer import Policy
from forensics.ingest.github.scope import Completeness, Cost, Plan

PLAN = Plan(
    (Cost("runs", 6, True), Cost("jobs of 600 runs", 630, True), Cost("logs", 630, False)),
    quota_left=4946,
    quota_limit=5000,
    resets_at=datetime(2026, 11, 23, 20, 14),
)
LOADED = pipeline.IngestSummary(1262, 4, 5_100_000, 600, 630, 1900, 88000, 41, 88000, 88000, 0, 0, (), 61.2)
SUMMARY = pipeline.LiveSummary(
    plan=PLAN,
    completeness=(Completeness("runs", 600, 600, 0, 0, 0), Completeness("logs", 630, 611, 12, 2, 5)),
    logs="all",
    requests=1266,
    by_kind={},
    waited=0.0,
    loaded=LOADED,
    moved=(),
    warnings=(),
)

Handed = SimpleNamespace


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is no checkout, and an environment without tokens."""
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GITHUB_API_URL",
                 "GH_HOST", "FORENSICS_CASE", "FORENSICS_APP_ID"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GH_CONFIG_DIR", str(tmp_path / "gh"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def handed(here: Path, monkeypatch: pytest.MonkeyPatch) -> Handed:
    """What the command hands to the pipeline, which answers with SUMMARY; there is a token."""
    seen = SimpleNamespace(summary=SUMMARY)

    def ingest_github(
        config: Any, scope: Any, server: Any, credential: Any, policy: Any, progress: Any, **more: Any
    ) -> pipeline.LiveSummary:
        vars(seen).update(
            config=config, scope=scope, server=server, credential=credential, policy=policy, progress=progress, **more
        )
        more["announce"](PLAN)
        return seen.summary

    monkeypatch.setattr(pipeline, "ingest_github", ingest_github)
    monkeypatch.setenv("GH_TOKEN", "ghp_s3cret")
    return seen


def fails_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*given: Any, **more: Any) -> Any:
        raise error

    monkeypatch.setattr(pipeline, "ingest_github", fail)


def checkout(folder: Path, url: str) -> None:
    for arguments in (["init", "--quiet"], ["remote", "add", "origin", url]):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_in_a_checkout_nothing_needs_to_be_said(
    handed: Handed, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout(here, "git@github.com:octo/shop.git")
    assert run(["ingest"]) == 0
    scope, policy = handed.scope, handed.policy
    assert (scope.repositories, scope.since, scope.until, scope.workflows, scope.logs, scope.dry_run) == (
        ("octo/shop",), timedelta(days=30), None, (), "all", False,
    )  # fmt: skip
    assert (handed.server.api_url, handed.credential.source) == ("https://api.github.com", "GH_TOKEN")
    assert handed.checkout.resolve() == here.resolve()
    assert (policy.wait, policy.budget, policy.per_minute) == (True, None, 850)
    assert handed.environment["GH_TOKEN"] == "ghp_s3cret"
    assert capsys.readouterr() == ("", snapshot("""\
octo/shop on github.com (https://api.github.com), token from GH_TOKEN: runs of the last 30 days (UTC), all logs.
what                 requests
────────────────  ───────────
runs                        6
jobs of 600 runs          630
logs                about 630
all               about 1,266
At 850 requests a minute that takes 2 minutes at least.
4,946 of 5,000 requests of the limit are left, which resets at 20:14 UTC; 50 are kept for others.
kind  listed  fetched  expired  refused  skipped  waiting
────  ──────  ───────  ───────  ───────  ───────  ───────
runs     600      600        0        0        0        0
logs     630      611       12        2        0        5
1,266 requests to the API.
Not to be had yet: 5 logs; the same command asks for them again.
Took 1,262 files (5.1 MB) in 61.2 s; 4 known already.
The case holds 600 runs, 630 attempts, 1,900 jobs, 88,000 log lines and 41 effects.
Lines read: 88,000 = 88,000 stored + 0 duplicates + 0 left out for a reason.
  → forensics detect
"""))  # fmt: skip


def test_every_option_arrives(handed: Handed) -> None:
    assert run(
        ["ingest", "--repo", "octo/shop", "--repo", "https://github.com/octo/site", "--since", "2w", "--until",
         "2126-11-02", "--workflow", ".github/workflows/deploy.yml", "--workflow", "ci.yaml", "--logs", "suspect",
         "--budget", "500", "--no-wait", "--case", "mine"]
    ) == 0  # fmt: skip
    scope = handed.scope
    assert scope.repositories == ("octo/shop", "octo/site")
    assert (scope.since, scope.until) == (timedelta(days=14), datetime(2126, 11, 3))
    assert (scope.workflows, scope.logs) == (("deploy.yml", "ci.yaml"), "suspect")
    assert (handed.policy.budget, handed.policy.wait) == (500, False)
    assert (handed.config.case, handed.checkout) == (Path("mine"), None)


@pytest.mark.parametrize(
    ("variable", "arguments", "api"),
    [
        ("", ["--repo", "ghe.example/octo/shop"], "https://ghe.example/api/v3"),
        ("", ["--repo", "octo/shop", "--api-url", "http://127.0.0.1:18080/"], "http://127.0.0.1:18080"),
        ("https://ghe.example/api/v3", ["--repo", "octo/shop"], "https://ghe.example/api/v3"),
        ("https://x.example", ["--repo", "a/b", "--api-url", "https://y.example/api/v3"], "https://y.example/api/v3"),
    ],
)
def test_the_server_may_be_another(
    variable: str, arguments: list[str], api: str, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", "other")
    monkeypatch.setenv("GITHUB_API_URL", variable)
    assert run(["ingest", *arguments]) == 0
    assert (handed.server.api_url, handed.credential.source) == (api, "GH_ENTERPRISE_TOKEN")
    assert handed.policy.per_minute is None


def test_a_dry_run_gives_the_plan_and_nothing_else(handed: Handed, capsys: pytest.CaptureFixture[str]) -> None:
    handed.summary = pipeline.LiveSummary(PLAN, (), "all", 7, {}, 0.0, None, (), ())
    assert run(["ingest", "--repo", "octo/shop", "--since", "12h", "--dry-run"]) == 0
    assert handed.scope.dry_run
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(
        "octo/shop on github.com (https://api.github.com), token from GH_TOKEN: "
        "runs of the last 12 hours (UTC), all logs.\nwhat "
    )
    assert out.endswith("resets at 20:14 UTC; 50 are kept for others.\n")


def test_the_token_is_never_said(handed: Handed, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--debug", "ingest", "--repo", "octo/shop"]) == 0
    assert "s3cret" not in str(capsys.readouterr())


def test_from_takes_files_whatever_the_environment_says(
    handed: Handed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "https://api.github.com")  # set in every GitHub Actions job
    monkeypatch.setattr(pipeline, "ingest_files", lambda config, paths, progress, **more: LOADED)
    assert run(["ingest", "--from", "a"]) == 0
    assert capsys.readouterr().err.startswith("Took 1,262 files")


def lines(plan: Plan, **policy: Any) -> list[str]:
    """What is said below the table."""
    return list(describe_plan(plan, Policy(**policy), 100))[4:]


def planned(requests: int, left: int | None) -> Plan:
    limit, resets_at = (5000, datetime(2026, 11, 23, 20, 14)) if left is not None else (None, None)
    return Plan((Cost("a", requests, True), Cost("b", 0, False)), left, limit, resets_at)


def test_a_plan_without_anything_new_is_one_line() -> None:
    assert list(describe_plan(planned(0, 4000), Policy(), 100)) == [
        "Nothing new is listed; what is left to ask takes a few requests."
    ]


@pytest.mark.parametrize(
    ("plan", "policy", "said"),
    [
        (planned(300, None), {}, ["The server names no limit."]),
        (
            planned(300, 100),
            {},
            [
                "100 of 5,000 requests of the limit are left, which resets at 20:14 UTC; 50 are kept for others.",
                "That is 250 too few: it waits for 1 reset, an hour apart, and goes on by itself.",
            ],
        ),
        (
            planned(12000, 20),
            {"per_minute": None},
            [
                "20 of 5,000 requests of the limit are left, which resets at 20:14 UTC; 50 are kept for others.",
                "That is 12,000 too few: it waits for 3 resets, an hour apart, and goes on by itself.",
            ],
        ),
        (
            planned(300, 100),
            {"wait": False},
            [
                "100 of 5,000 requests of the limit are left, which resets at 20:14 UTC; 50 are kept for others.",
                "That is 250 too few: --no-wait stops it there, and the same command goes on after the reset.",
            ],
        ),
        (
            planned(300, 100),
            {"budget": 50},
            [
                "--budget ends it after 50 requests; the same command then goes on.",
                "100 of 5,000 requests of the limit are left, which resets at 20:14 UTC; 50 are kept for others.",
            ],
        ),
    ],
)
def test_the_plan_is_held_against_what_is_left(plan: Plan, policy: dict[str, Any], said: list[str]) -> None:
    assert lines(plan, **policy) == said


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_tables_fit_the_terminal(columns: int) -> None:
    assert max(map(len, describe_completeness(SUMMARY, columns))) <= max(columns, 72)
    assert max(map(len, list(describe_plan(PLAN, Policy(), columns))[:5])) <= columns


NO_TOKEN = "Log in with: gh auth login, or set GH_TOKEN to a token that may read Actions."


def gh_that_knows_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "gh").write_text("#!/bin/sh\nexit 1\n")
    (folder / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("arguments", "remote", "code", "said"),
    [
        (
            ["--repo", "octo/shop"],
            None,
            4,
            f"Error: There is no token for github.com.\n  → {NO_TOKEN}\n",
        ),
        (
            ["--since", "30"],
            None,
            2,
            "Error: Invalid value for '--since': 30 what? Write 30d for days, 12h for hours, or a date such as "
            "2026-11-01.\n  → See: forensics ingest --help\n",
        ),
        (
            [],
            None,
            2,
            "Error: There is no git checkout here and no --repo, so the repository is not known.\n"
            "  → Name the repository: forensics ingest --repo OWNER/NAME, or take files instead: "
            "forensics ingest --from PATH...\n",
        ),
        (
            ["--repo", "foo"],
            None,
            2,
            "Error: 'foo' names no repository: the owner is missing.\n"
            "  → Write OWNER/NAME, as in octo/hello-world, or paste the address of the repository.\n",
        ),
        (
            [],
            "https://gitlab.com/octo/shop.git",
            2,
            "Error: The git remote 'origin' is on gitlab.com, which is not GitHub.\n"
            "  → GitHub's runs of another repository: forensics ingest --repo OWNER/NAME\n",
        ),
        (
            ["--repo", "octo/shop", "--from", "logs.zip"],
            None,
            2,
            "Error: --from takes files, and --repo is about GitHub.\n  → Give one or the other; a case takes both.\n",
        ),
        (
            ["logs.zip"],
            None,
            2,
            "Error: 'logs.zip' stands there without an option.\n"
            "  → Files and folders: forensics ingest --from logs.zip; a repository: --repo OWNER/NAME\n",
        ),
        (
            ["--repo", "octo/shop", "--workflow", "deploy"],
            None,
            2,
            "Error: Invalid value for '--workflow': 'deploy' is no workflow file; write its name in "
            ".github/workflows: deploy.yml.\n  → See: forensics ingest --help\n",
        ),
        (
            ["--repo", "octo/shop", "--since", "2026-11-05", "--until", "2026-11-01T12:00"],
            None,
            2,
            "Error: --until 2026-11-01 12:00 is not after --since, so nothing lies between.\n"
            "  → Times without a zone are UTC. Give --since an earlier one.\n",
        ),
    ],
)
def test_a_newcomers_mistake_gets_a_sentence_and_the_next_step(
    arguments: list[str],
    remote: str | None,
    code: int,
    said: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    programs = here / "programs"
    programs.mkdir()
    gh_that_knows_nobody(programs, monkeypatch)
    folder = here / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    if remote:
        checkout(folder, remote)
    assert run(["ingest", *arguments]) == code
    assert capsys.readouterr() == ("", said)
    assert not (folder / "case").exists()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            AccessRefused("GitHub refuses the token from GH_TOKEN.", hint="Set a valid one."),
            4,
            "Error: GitHub refuses the token from GH_TOKEN.\n  → Set a valid one.\n",
        ),
        (
            LimitReached("The limit is used up."),
            5,
            "Error: The limit is used up.\n  → Run the same command again: it goes on where it stopped.\n",
        ),
        (
            Interrupted("Stopped by SIGTERM; everything that was fetched is kept.", exit_code=143),
            143,
            "Error: Stopped by SIGTERM; everything that was fetched is kept.\n"
            "  → Run the same command again: it goes on where it stopped.\n",
        ),
        (
            KeyboardInterrupt(),
            130,
            "Error: Interrupted.\n  → Run the same command again: it goes on where it stopped.\n",
        ),
        (
            Terminated(),
            143,
            "Error: Terminated.\n  → Run the same command again: it goes on where it stopped.\n",
        ),
    ],
)
def test_an_early_end_has_its_code_and_says_how_to_go_on(
    error: BaseException,
    code: int,
    said: str,
    handed: Handed,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fails_with(monkeypatch, error)
    assert run(["ingest", "--repo", "octo/shop"]) == code
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("2w", timedelta(weeks=2)),
        (" 90 M ", timedelta(minutes=90)),
        ("2026-11-01", datetime(2026, 11, 1)),
        ("2026-11-01T14:30+02:00", datetime(2026, 11, 1, 12, 30)),
    ],
)
def test_since_is_a_span_or_a_time(text: str, since: timedelta | datetime) -> None:
    assert Since().convert(text, None, None) == since


FORMS = "Write 30d for days, 12h for hours, or a date such as 2026-11-01."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("30", f"30 what? {FORMS}"),
        ("2026", f"2026 what? {FORMS}"),
        ("0d", f"0d is no time at all. {FORMS}"),
        ("9999999w", f"9999999w reaches back to before there were GitHub Actions. {FORMS}"),
        ("1y", f"'1y' is neither a span nor a time. {FORMS}"),
        ("-3d", f"'-3d' is neither a span nor a time. {FORMS}"),
        ("yesterday", f"'yesterday' is neither a span nor a time. {FORMS}"),
        ("", f"'' is neither a span nor a time. {FORMS}"),
    ],
)
def test_what_is_no_span_is_told(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter) as told:
        Since().convert(text, None, None)
    assert told.value.message == said


@pytest.mark.parametrize("name", ["../x.yml", "a?b.yml", "deploy.yml\n", "x.yml.txt", ".github/workflows/"])
def test_a_workflow_is_a_file_name(name: str, handed: Handed, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["ingest", "--repo", "octo/shop", "--workflow", name])
    if name == "../x.yml":  # a path is cut down to the name
        assert (code, handed.scope.workflows) == (0, ("x.yml",))
    else:
        assert code == 2
        assert "is no workflow file" in capsys.readouterr().err
