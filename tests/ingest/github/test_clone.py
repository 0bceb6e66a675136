"""A clone answers for the server, and nothing in it is run, fetched or believed beyond its objects."""

import os
import subprocess
from pathlib import Path

import pytest

from forensics.ingest.github.clone import Blob, Clone, blob_id

PATH = ".github/workflows/deploy.yml"
FIRST, SECOND = b"on: push\njobs: {}\n", b"on: [push]\njobs: {}\n"


@pytest.fixture(autouse=True)
def _nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@mail.example", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, bytes | None]) -> str:
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink() if data is None else file.write_bytes(data)
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "change", "--allow-empty")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "remote", "add", "origin", "git@github.example:acme/shop.git")
    return folder


def copied(checkout: Path, where: Path, how: str) -> Path:
    git(where, "clone", "-q", how, checkout.as_uri(), "copy")
    git(where / "copy", "remote", "add", "github", "https://github.example/acme/shop")
    return where / "copy"


def clone_at(folder: Path) -> Clone:
    found = Clone.find(folder, "acme/shop", tell=pytest.fail)
    assert found is not None
    return found


def test_each_path_at_each_commit_is_read_at_once(checkout):
    one = commit(checkout, {"README": b"hello"})
    two = commit(checkout, {PATH: FIRST, ".github/workflows/with space é.yml": SECOND})
    three = commit(checkout, {PATH: SECOND})
    four = commit(checkout, {PATH: None})
    pairs = [(PATH, sha) for sha in (one, two, three, four, "0" * 40)]
    read = clone_at(checkout).read([*pairs, (".github/workflows/with space é.yml", two), ("README", three)])
    assert read == {
        (PATH, one): None,
        (PATH, two): Blob(blob_id(FIRST), FIRST),
        (PATH, three): Blob(blob_id(SECOND), SECOND),
        (PATH, four): None,
        (".github/workflows/with space é.yml", two): Blob(blob_id(SECOND), SECOND),
        ("README", three): Blob(blob_id(b"hello"), b"hello"),
    }
    assert blob_id(FIRST) == git(checkout, "rev-parse", f"{two}:{PATH}")


def test_links_folders_and_submodules_are_told_and_not_followed(checkout):
    commit(checkout, {"secret": b"on: push", ".github/workflows/folder.yml/x": b"", PATH: b"\0\1binary"})
    (checkout / ".github/workflows/link.yml").symlink_to("../../secret")
    git(checkout, "add", "--all")
    git(checkout, "update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},.github/workflows/sub.yml")
    git(checkout, "commit", "-qm", "odd")
    head = git(checkout, "rev-parse", "HEAD")
    names = {name: f".github/workflows/{name}.yml" for name in ("link", "folder", "sub", "deploy")}
    read = clone_at(checkout).read([(path, head) for path in names.values()])
    kinds = {name: read[path, head].kind for name, path in names.items()}
    assert kinds == {"link": "symlink", "folder": "directory", "sub": "submodule", "deploy": "file"}
    assert [read[path, head].data for path in names.values()] == [None, None, None, b"\0\1binary"]


@pytest.mark.parametrize(
    "path", [f"{PATH}\nHEAD:secret", "../secret", "./secret", "/secret", "a//b", "", "x\0y", "x\ud800y", "a\ry"]
)
def test_a_path_that_git_would_read_otherwise_is_refused(checkout, path):
    head = commit(checkout, {"secret": b"s", PATH: FIRST})
    read = clone_at(checkout / ".github").read([(path, head), (PATH, head), (PATH, "HEAD"), (PATH, head[:10])])
    assert read == {(PATH, head): Blob(blob_id(FIRST), FIRST)}


def test_replaced_objects_are_not_believed(checkout):
    one, two = commit(checkout, {PATH: FIRST}), commit(checkout, {PATH: SECOND})
    git(checkout, "replace", one, two)
    git(checkout, "replace", blob_id(SECOND), blob_id(FIRST))
    read = clone_at(checkout).read([(PATH, one), (PATH, two)])
    assert [blob.data for blob in read.values()] == ([FIRST, SECOND] if one < two else [SECOND, FIRST])


def test_a_partial_clone_tells_ids_and_fetches_nothing(checkout, tmp_path):
    commits = [commit(checkout, {PATH: b"on: push # %d" % number}) for number in range(5)]
    git(checkout, "config", "uploadpack.allowFilter", "true")
    git(checkout, "config", "uploadpack.allowAnySHA1InWant", "true")
    partial = copied(checkout, tmp_path, "--filter=blob:none")
    before = git(partial, "count-objects", "-v")
    read = clone_at(partial).read([(PATH, sha) for sha in commits] + [("no/such.yml", commits[0])])
    # The checked out commit's file is there; of the others git knows the ids alone, and no absence is proven.
    expected = {
        (PATH, sha): Blob(blob_id(data), data if sha == commits[-1] else None)
        for number, sha in enumerate(commits)
        for data in [b"on: push # %d" % number]
    }
    assert read == expected
    assert git(partial, "count-objects", "-v") == before


def test_a_shallow_clone_knows_what_it_has(checkout, tmp_path):
    old, new = commit(checkout, {PATH: FIRST}), commit(checkout, {PATH: SECOND})
    shallow = copied(checkout, tmp_path, "--depth=1")
    assert clone_at(shallow).read([(PATH, old), (PATH, new)]) == {(PATH, new): Blob(blob_id(SECOND), SECOND)}


def test_programs_that_the_clone_names_are_not_run(checkout, tmp_path):
    head = commit(checkout, {PATH: FIRST, ".gitattributes": b"*.yml filter=evil diff=evil\n"})
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "filter.evil.smudge", "diff.evil.textconv", "core.pager"):
        git(checkout, "config", key, str(trap))
    for hook in ("post-checkout", "fsmonitor-watchman", "reference-transaction"):
        (checkout / ".git/hooks").mkdir(exist_ok=True)
        (checkout / ".git/hooks" / hook).symlink_to(trap)
    git(checkout, "config", "remote.origin.promisor", "true")
    read = clone_at(checkout).read([(PATH, head), (PATH, "b" * 40)])
    assert read == {(PATH, head): Blob(blob_id(FIRST), FIRST)}
    assert not (tmp_path / "sprung").exists()


def test_a_damaged_object_costs_only_its_own_files(checkout):
    one, two = commit(checkout, {PATH: FIRST}), commit(checkout, {PATH: SECOND, "other.yml": b"o"})
    sha = blob_id(FIRST)
    file = checkout / ".git/objects" / sha[:2] / sha[2:]
    file.chmod(0o644)
    file.write_bytes(b"nonsense")
    read = clone_at(checkout).read([(PATH, one), (PATH, two), ("other.yml", two)])
    assert read == {
        (PATH, one): Blob(sha, None),
        (PATH, two): Blob(blob_id(SECOND), SECOND),
        ("other.yml", two): Blob(blob_id(b"o"), b"o"),
    }


@pytest.mark.parametrize(
    "url",
    [
        "git@github.example:acme/shop.git",
        "https://github.example/Acme/Shop",
        "https://ada:token@github.example/acme/shop.git/",
        "ssh://git@github.example:22/acme/shop",
        "git://github.example/acme/shop.git",
    ],
)
def test_a_clone_is_known_by_any_remote(checkout, url):
    git(checkout, "remote", "set-url", "origin", "https://github.example/ada/fork.git")
    git(checkout, "remote", "add", "upstream", url)
    folder = checkout / "deep" / "down"
    folder.mkdir(parents=True)
    assert clone_at(folder).repository == "acme/shop"


def why_not(folder: Path, repository: str = "acme/shop") -> str:
    told: list[str] = []
    assert Clone.find(folder, repository, tell=told.append) is None
    (sentence,) = told
    return sentence


def test_where_there_is_no_clone_it_says_why(checkout, tmp_path, monkeypatch):
    assert "no remote of this clone is acme/shopping" in why_not(checkout, "acme/shopping")
    assert "no remote of this clone is me/shop" in why_not(checkout, "me/shop")
    assert "this folder is no clone" in why_not(tmp_path)
    assert "this folder is no clone" in why_not(tmp_path / "not-there")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is not installed" in why_not(checkout)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_somebody_elses_clone_is_not_read(checkout):
    commit(checkout, {PATH: FIRST})
    for place in (checkout, checkout / ".git"):
        os.chown(place, 12345, 12345)
    assert "safe.directory" in why_not(checkout)


def test_a_git_that_hangs_is_given_up(checkout, tmp_path, monkeypatch):
    from forensics.ingest.github import clone as room

    head = commit(checkout, {PATH: FIRST})
    found = clone_at(checkout)
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(room, "_SECONDS", 0.2)
    assert found.read([(PATH, head)]) == {}
    assert "git does not answer here" in why_not(checkout)
