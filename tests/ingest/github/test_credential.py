"""As whom an ingest asks: the right token for the server, and no word of it anywhere."""

import asyncio
import hashlib
import os
import sys
import traceback
from pathlib import Path

import pytest

from forensics.errors import AccessRefused, UsageProblem
from forensics.ingest.github.address import find_server, read_api_url
from forensics.ingest.github.answer import Policy
from forensics.ingest.github.credential import FixedToken, find_credential

DOTCOM = find_server("github.com")
TENANT = find_server("acme.ghe.com")
SERVER = find_server("ghe.example")
STAND_IN = read_api_url("http://127.0.0.1:18080")
REPOSITORIES = ("octo/shop",)


def find(server: object, environment: dict[str, str], *, explicit: bool = False) -> tuple[str, str]:
    """Source and token."""
    credential = find_credential(server, REPOSITORIES, environment, Policy(), explicit=explicit)  # type: ignore[arg-type]
    return credential.source, asyncio.run(credential.token())


def gh(folder: Path, script: str) -> str:
    """A PATH with a gh that does this."""
    program = folder / "gh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


ALL = {"GH_TOKEN": "a", "GITHUB_TOKEN": "b", "GH_ENTERPRISE_TOKEN": "c", "GITHUB_ENTERPRISE_TOKEN": "d"}


@pytest.mark.parametrize(
    ("server", "explicit", "without", "expected"),
    [
        (DOTCOM, False, (), ("GH_TOKEN", "a")),
        (DOTCOM, False, ("GH_TOKEN",), ("GITHUB_TOKEN", "b")),
        (TENANT, False, (), ("GH_TOKEN", "a")),
        (SERVER, False, (), ("GH_ENTERPRISE_TOKEN", "c")),
        (SERVER, False, ("GH_ENTERPRISE_TOKEN",), ("GITHUB_ENTERPRISE_TOKEN", "d")),
        (SERVER, True, ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"), ("GH_TOKEN", "a")),
        (STAND_IN, True, ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_TOKEN"), ("GITHUB_TOKEN", "b")),
    ],
)
def test_the_variables_are_read_in_the_order_of_gh(
    server: object, explicit: bool, without: tuple[str, ...], expected: tuple[str, str]
) -> None:
    environment = {name: value for name, value in ALL.items() if name not in without}
    assert find(server, environment, explicit=explicit) == expected


def test_a_token_for_github_com_goes_to_no_other_server() -> None:
    with pytest.raises(AccessRefused) as told:
        find(SERVER, {"GH_TOKEN": "s3cret", "FORENSICS_APP_ID": "1", "FORENSICS_APP_PRIVATE_KEY": "x"})
    assert told.value.message == (
        "There is no token for ghe.example. GH_TOKEN is for github.com, and is not sent to another server."
    )
    assert told.value.hint == (
        "Set GH_ENTERPRISE_TOKEN to a token that may read Actions, or install GitHub's gh and log in with: "
        "gh auth login --hostname ghe.example"
    )


def test_without_any_token_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(AccessRefused) as told:
        find(DOTCOM, {"PATH": gh(tmp_path, "exit 1"), "GITHUB_TOKEN": " \n"})
    assert (told.value.message, told.value.hint, told.value.exit_code) == (
        "There is no token for github.com. GITHUB_TOKEN is set, but empty.",
        "Log in with: gh auth login, or set GH_TOKEN to a token that may read Actions.",
        4,
    )


def test_blanks_and_line_ends_around_a_token_do_not_matter() -> None:
    assert find(DOTCOM, {"GH_TOKEN": " \tghp_abc\r\n"}) == ("GH_TOKEN", "ghp_abc")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("'ghp_s3cret'", "begins or ends with a quotation mark"),
        ("Bearer ghp_s3cret", "holds a blank or a line break in its middle"),
        ("ghp_s3\ncret", "holds a blank or a line break in its middle"),
        ("ghp_s3cret…", "holds characters that no token has"),
        ("ghp_\x00s3cret", "holds characters that no token has"),
    ],
)
def test_what_cannot_be_a_token_is_told_without_showing_it(value: str, fault: str) -> None:
    with pytest.raises(AccessRefused) as told:
        find(DOTCOM, {"GH_TOKEN": value})
    assert told.value.message == f"What GH_TOKEN gives is no token: it {fault}."
    assert "cret" not in "".join(traceback.format_exception(told.value))


def test_gh_is_asked_for_the_host_and_told_nothing_else(tmp_path: Path) -> None:
    path = gh(tmp_path, f'echo "$@ [$GH_TOKEN] [$GH_DEBUG]" > {tmp_path}/asked; echo gho_abc')
    assert find(DOTCOM, {"PATH": path, "GH_TOKEN": "", "GH_DEBUG": "api"}) == ("gh auth token", "gho_abc")
    assert (tmp_path / "asked").read_text() == "auth token --hostname github.com [] []\n"
    find(SERVER, {"PATH": path, "GH_TOKEN": "other"})
    assert (tmp_path / "asked").read_text() == "auth token --hostname ghe.example [] []\n"


@pytest.mark.parametrize("script", ["exec sleep 60", "echo no token >&2; exit 1", "exit 0", "kill -9 $$"])
def test_a_gh_that_does_not_help_is_none(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forensics.ingest.github.credential.GH_TIMEOUT", 0.3)
    with pytest.raises(AccessRefused, match=r"There is no token for github\.com\."):
        find(DOTCOM, {"PATH": gh(tmp_path, script)})


@pytest.mark.skipif(not Path(sys.executable).with_name("gh").exists(), reason="the real gh comes with forensics[dev]")
def test_the_real_gh_gives_the_token_of_its_login(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("github.com:\n    oauth_token: gho_of_the_login\n    user: octo\n")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(tmp_path), "GH_CONFIG_DIR": str(tmp_path)}
    assert find(DOTCOM, environment) == ("gh auth token", "gho_of_the_login")
    with pytest.raises(AccessRefused):
        find(SERVER, environment)


def test_a_token_is_known_by_its_mark_and_never_shown() -> None:
    token = FixedToken("GH_TOKEN", "ghp_s3cret")
    assert token.mark == hashlib.sha256(b"ghp_s3cret").hexdigest()[:12]
    assert "s3cret" not in f"{token!r} {token} {token.mark}"
    assert asyncio.run(token.renewed()) is False


def test_an_app_comes_before_a_token() -> None:
    with pytest.raises(UsageProblem) as told:
        find(DOTCOM, {"FORENSICS_APP_ID": "17", "GH_TOKEN": "a"})
    assert told.value.message == "FORENSICS_APP_ID is set, but FORENSICS_APP_PRIVATE_KEY is not."
