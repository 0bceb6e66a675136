"""Which repository on which GitHub: from what people write, and from real git checkouts."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import UsageProblem
from forensics.ingest.github.address import (
    Named,
    find_checkout,
    find_server,
    locate,
    read_api_url,
    read_name,
    read_remote,
)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("octo/hello-world", None),
        ("  octo/hello-world\n", None),
        ("ghe.example/octo/hello-world", "ghe.example"),
        ("localhost:8080/octo/hello-world", "localhost:8080"),
        ("https://github.com/octo/hello-world", "github.com"),
        ("https://GitHub.com/octo/hello-world.git", "github.com"),
        ("https://www.github.com/octo/hello-world/actions/runs/17?pr=3#summary", "github.com"),
        ("https://x-access-token:s3cret@ghe.example:8443/octo/hello-world", "ghe.example:8443"),
        ("git@github.com:octo/hello-world.git", "github.com"),
        ("org-123@github.com:octo/hello-world", "github.com"),
        ("ssh://git@ssh.github.com:443/octo/hello-world.git", "github.com"),
        ("ssh://git@ghe.example:2222/octo/hello-world.git", "ghe.example"),
        ("git://ghe.example/octo/hello-world", "ghe.example"),
    ],
)
def test_a_repository_may_be_named_in_many_ways(written: str, host: str | None) -> None:
    assert read_name(written) == Named("octo/hello-world", host)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("foo", "'foo' names no repository: the owner is missing."),
        ("/foo", "'/foo' names no repository: the owner is missing."),
        ("octo/", "'octo/' names no repository: the name after the slash is missing."),
        ("", "'' names no repository: it is empty."),
        (r"octo\shop", r"'octo\shop' names no repository: the slash leans the other way."),
        (
            "octo/shop/tree/main",
            "'octo/shop/tree/main' names no repository: it has more than one slash and does not begin with a host.",
        ),
        (
            "octo/my shop",
            "'octo/my shop' names no repository: letters, digits, '-', '_' and '.' are all that a name may hold.",
        ),
        (
            "https://github.com/octo",
            "'https://github.com/octo' names no repository: an address needs host, owner and name.",
        ),
        (
            "https://octo:s3cret@github.com/octo?token=s3cret",
            "'https://github.com/octo' names no repository: an address needs host, owner and name.",
        ),
        (
            "octo/..",
            "'octo/..' names no repository: letters, digits, '-', '_' and '.' are all that a name may hold.",
        ),
    ],
)
def test_a_misspelt_repository_is_told_what_is_wrong(written: str, reason: str) -> None:
    with pytest.raises(UsageProblem) as told:
        read_name(written)
    assert told.value.message == reason
    assert told.value.hint == "Write OWNER/NAME, as in octo/hello-world, or paste the address of the repository."


@given(st.text(max_size=40) | st.from_regex(r"[a-z@:/.\[\]?#%-]{0,30}"))
def test_whatever_is_written_is_a_safe_name_or_a_sentence(written: str) -> None:
    try:
        named = read_name(written)
    except UsageProblem as told:
        assert "names no repository" in told.message
        return
    owner, _, name = named.repository.partition("/")
    for part in (owner, name):
        assert part not in {"", ".", ".."}
        assert all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in part)


@pytest.mark.parametrize(
    "url", ["/srv/git/shop.git", "../shop", "file:///srv/git/shop.git", "https://github.com/", ""]
)
def test_a_path_on_this_machine_is_no_remote(url: str) -> None:
    assert read_remote(url) is None


@pytest.mark.parametrize(
    ("host", "api_url"),
    [
        ("github.com", "https://api.github.com"),
        ("acme.ghe.com", "https://api.acme.ghe.com"),
        ("ghe.example", "https://ghe.example/api/v3"),
        ("ghe.example:8443", "https://ghe.example:8443/api/v3"),
        ("github.localhost", "http://github.localhost/api/v3"),
    ],
)
def test_each_kind_of_github_has_its_api(host: str, api_url: str) -> None:
    server = find_server(host)
    assert (server.api_url, server.host) == (api_url, host)
    assert server.is_dotcom == (host in {"github.com", "acme.ghe.com"})


@pytest.mark.parametrize(
    ("written", "api_url", "host"),
    [
        ("https://api.github.com/", "https://api.github.com", "github.com"),
        ("https://api.acme.ghe.com", "https://api.acme.ghe.com", "acme.ghe.com"),
        ("https://GHE.example/api/v3/", "https://ghe.example/api/v3", "ghe.example"),
        ("http://127.0.0.1:18080/api/v3", "http://127.0.0.1:18080/api/v3", "127.0.0.1:18080"),
        ("http://[::1]:18080", "http://[::1]:18080", "[::1]:18080"),
    ],
)
def test_an_address_of_the_api_is_taken_as_it_is(written: str, api_url: str, host: str) -> None:
    server = read_api_url(written)
    assert (server.api_url, server.host) == (api_url, host)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("ghe.example", "The address of the API is no https:// address."),
        ("ftp://ghe.example", "The address of the API is no https:// address."),
        ("https://", "The address of the API is no https:// address."),
        ("https://[oops", "The address of the API is no https:// address."),
        ("https://me:s3cret@ghe.example/", "The address of the API must not hold a user, a password, '?' or '#'."),
        ("https://ghe.example/api/v3?x=1", "The address of the API must not hold a user, a password, '?' or '#'."),
        ("https://github.com", "https://github.com is the site, not its API."),
        ("http://ghe.example", "http://ghe.example is not encrypted: anybody on the way could read the token."),
        (
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1.evil.example is not encrypted: anybody on the way could read the token.",
        ),
    ],
)
def test_an_unsafe_address_of_the_api_is_refused(written: str, reason: str) -> None:
    with pytest.raises(UsageProblem) as told:
        read_api_url(written)
    assert told.value.message == reason


class Git:
    """A checkout to set up; nothing of the machine's own settings has a part in it."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
        folder.mkdir(parents=True)
        self("init", "--quiet")

    def __call__(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.folder, env=self.environment, check=True, capture_output=True)


@pytest.fixture
def git(tmp_path: Path) -> Git:
    home = tmp_path / "home"
    home.mkdir()
    return Git(tmp_path / "work", home)


def test_the_repository_is_that_of_origin(git: Git) -> None:
    git("remote", "add", "upstream", "https://github.com/acme/shop.git")
    git("remote", "add", "origin", "git@github.com:octo/shop.git")
    deep = git.folder / "src" / "deep"
    deep.mkdir(parents=True)
    found = find_checkout(deep, git.environment)
    assert found
    assert (found.folder.resolve(), found.remote, found.named) == (
        git.folder.resolve(),
        "origin",
        Named("octo/shop", "github.com"),
    )


def test_the_choice_that_gh_keeps_comes_first(git: Git) -> None:
    git("remote", "add", "origin", "https://github.com/octo/shop")
    git("remote", "add", "upstream", "https://github.com/acme/shop.git")
    git("config", "remote.upstream.gh-resolved", "base")
    found = find_checkout(git.folder, git.environment)
    assert found
    assert found.named.repository == "acme/shop"
    git("config", "--unset", "remote.upstream.gh-resolved")
    git("config", "remote.origin.gh-resolved", "acme/parent")
    found = find_checkout(git.folder, git.environment)
    assert found
    assert found.named == Named("acme/parent", "github.com")


def test_a_shortened_remote_is_written_out_by_git(git: Git) -> None:
    git("config", "url.https://ghe.example/.insteadOf", "work:")
    git("remote", "add", "only", "work:octo/shop")
    found = find_checkout(git.folder, git.environment)
    assert found
    assert (found.remote, found.named) == ("only", Named("octo/shop", "ghe.example"))


def test_reading_a_remote_runs_nothing_of_the_checkout(git: Git, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    git("remote", "add", "origin", "https://github.com/octo/shop")
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.gitProxy",
        "credential.helper",
        "alias.config",
    ):
        git("config", key, str(script))
    for hook in ("post-checkout", "pre-auto-gc", "post-index-change", "reference-transaction"):
        (git.folder / ".git" / "hooks" / hook).write_text(script.read_text())
        (git.folder / ".git" / "hooks" / hook).chmod(0o755)
    assert find_checkout(git.folder, git.environment)
    assert not ran.exists()


@pytest.mark.parametrize(
    ("remotes", "reason"),
    [
        ({}, "The git checkout here has no remote, so its repository is not known."),
        (
            {"a": "https://github.com/octo/a", "b": "https://github.com/octo/b"},
            "The git checkout here has the remotes a, b, and none is called origin.",
        ),
        (
            {"origin": "git@gitlab.com:octo/shop.git"},
            "The git remote 'origin' is on gitlab.com, which is not GitHub.",
        ),
        (
            {"origin": "https://me:s3cret@gitlab.acme.example/group/sub/shop.git"},
            "The git remote 'origin' is on gitlab.acme.example, which is not GitHub.",
        ),
        (
            {"origin": "https://dev.azure.com/octo/shop/_git/shop"},
            "The git remote 'origin' is on dev.azure.com, which is not GitHub.",
        ),
        (
            {"origin": "/srv/git/shop.git"},
            "The git remote 'origin' is not the address of a GitHub repository: /srv/git/shop.git",
        ),
        (
            {"origin": "https://me:s3cret@git.example/shop"},
            "The git remote 'origin' is not the address of a GitHub repository: https://git.example/shop",
        ),
    ],
)
def test_a_remote_that_does_not_help_is_told(git: Git, remotes: dict[str, str], reason: str) -> None:
    for name, url in remotes.items():
        git("remote", "add", name, url)
    with pytest.raises(UsageProblem) as told:
        locate((), None, git.environment, git.folder)
    assert told.value.message == reason
    assert "forensics ingest --repo OWNER/NAME" in told.value.hint


def test_without_git_the_repository_has_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem) as told:
        locate((), None, {"PATH": str(tmp_path)}, tmp_path)
    assert told.value.message == "git is not installed, so the repository of this folder is not known."
    place = locate(("octo/shop",), None, {"PATH": str(tmp_path)}, tmp_path)
    assert (place.repositories, place.checkout) == (("octo/shop",), None)


def test_a_checkout_of_another_user_is_not_read(git: Git) -> None:
    strange = git.environment | {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "x.y", "GIT_CONFIG_VALUE_0": "z"}
    git("remote", "add", "origin", "https://github.com/octo/shop")
    assert locate((), None, strange, git.folder).repositories == ("octo/shop",)
    if os.getuid():
        pytest.skip("only root can give a folder away")
    os.chown(git.folder / ".git", 12345, 12345)
    os.chown(git.folder, 12345, 12345)
    with pytest.raises(UsageProblem, match="belongs to another user"):
        locate((), None, git.environment, git.folder)


def test_a_checkout_is_handed_on_only_for_its_own_repository(git: Git) -> None:
    git("remote", "add", "origin", "https://github.com/octo/shop")
    for named, own in (
        ((), True),
        (("OCTO/Shop",), True),
        (("acme/shop",), False),
        (("ghe.example/octo/shop",), False),
    ):
        place = locate(named, None, git.environment, git.folder)
        assert (place.checkout is not None) is own, named


@pytest.mark.parametrize(
    ("named", "api_url", "gh_host", "api"),
    [
        (("octo/shop",), None, "", "https://api.github.com"),
        (("octo/shop",), None, "GHE.example", "https://ghe.example/api/v3"),
        (("github.com/octo/shop",), None, "ghe.example", "https://api.github.com"),
        (("ghe.example/octo/shop", "ghe.example/octo/site"), None, "", "https://ghe.example/api/v3"),
        (("octo/shop",), "https://ghe.example/api/v3", "other.example", "https://ghe.example/api/v3"),
        (("ghe.example/octo/shop",), "https://ghe.example/api/v3", "", "https://ghe.example/api/v3"),
    ],
)
def test_the_server_follows_from_what_is_said(
    named: tuple[str, ...], api_url: str | None, gh_host: str, api: str, tmp_path: Path
) -> None:
    place = locate(named, api_url, {"GH_HOST": gh_host}, tmp_path)
    assert (place.server.api_url, place.explicit) == (api, api_url is not None)


@pytest.mark.parametrize(
    ("named", "api_url", "reason"),
    [
        (
            ("github.com/octo/shop", "ghe.example/octo/shop"),
            None,
            "One ingest asks one server, and these are on ghe.example and github.com.",
        ),
        (
            ("ghe.example/octo/shop",),
            "https://api.github.com",
            "--repo names ghe.example, but the address of the API is https://api.github.com.",
        ),
        (("https://gitlab.com/octo/shop",), None, "'octo/shop' is on gitlab.com, which is not GitHub."),
    ],
)
def test_servers_that_do_not_fit_together_are_told(
    named: tuple[str, ...], api_url: str | None, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageProblem) as told:
        locate(named, api_url, {}, tmp_path)
    assert told.value.message == reason


def test_a_repository_named_twice_is_asked_once(tmp_path: Path) -> None:
    assert locate(("octo/shop", "Octo/Shop"), None, {}, tmp_path).repositories == ("octo/shop",)
