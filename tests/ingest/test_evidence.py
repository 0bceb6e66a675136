import os

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.errors import ForensicsError
from forensics.ingest.evidence import MANIFEST, EvidenceFolder, marked, read_manifest, safe_path, verify


def put(path, data=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def take(root, file, name):
    with EvidenceFolder(root) as folder:
        return folder.take(file, name, name)


def test_a_file_is_linked_hashed_and_listed(tmp_path):
    file = put(tmp_path / "in" / "a.json", b"[]")
    taken = take(tmp_path / "evidence", file, "in/a.json")
    assert taken.new and taken.evidence.size == 2
    assert (tmp_path / "evidence/in/a.json").samefile(file)
    assert list(read_manifest(tmp_path / "evidence")) == [taken.evidence]
    assert not list((tmp_path / "evidence").rglob("*.part"))


def test_taking_it_again_changes_nothing(tmp_path):
    file = put(tmp_path / "in" / "a.json", b"[]")
    take(tmp_path / "evidence", file, "in/a.json")
    before = (tmp_path / "evidence" / MANIFEST).read_bytes()
    assert not take(tmp_path / "evidence", file, "in/a.json").new
    assert (tmp_path / "evidence" / MANIFEST).read_bytes() == before


def test_another_file_of_the_same_name_is_kept_beside_it(tmp_path):
    take(tmp_path / "evidence", put(tmp_path / "1" / "jobs.json", b"[1]"), "jobs.json")
    second = take(tmp_path / "evidence", put(tmp_path / "2" / "jobs.json", b"[2]"), "jobs.json")
    assert second.new and second.evidence.path == f"jobs~{second.evidence.sha256[:8]}.json"
    assert not take(tmp_path / "evidence", tmp_path / "2" / "jobs.json", "jobs.json").new


def test_a_copy_is_made_where_no_link_can_be(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("cross-device")

    monkeypatch.setattr(os, "link", refuse)
    file = put(tmp_path / "in" / "a.log", b"abc")
    take(tmp_path / "evidence", file, "a.log")
    copy = tmp_path / "evidence" / "a.log"
    assert copy.read_bytes() == b"abc" and not copy.samefile(file)


def test_verify_names_what_changed_is_missing_or_was_added(tmp_path):
    root = tmp_path / "evidence"
    for name in ("a", "b", "c"):
        take(root, put(tmp_path / "in" / name, name.encode()), name)
    assert verify(root).changed == verify(root).missing == verify(root).unknown == ()
    (root / "a").unlink()
    (root / "a").write_bytes(b"forged")
    (root / "b").unlink()
    put(root / "d")
    found = verify(root)
    assert (found.checked, found.changed, found.missing, found.unknown) == (3, ("a",), ("b",), ("d",))


def test_a_manifest_cut_in_its_last_line_is_still_read(tmp_path):
    root = tmp_path / "evidence"
    take(root, put(tmp_path / "in" / "a"), "a")
    with (root / MANIFEST).open("ab") as stream:
        stream.write(orjson.dumps({"path": "b"})[:5])
    assert [entry.path for entry in read_manifest(root)] == ["a"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/abs/path", "abs/path"),
        ("a\\..\\b", "a/b"),
        ("bad\x1b[31mname", "bad_[31mname"),
        ('con<>:"|?*', "con_______"),
        ("", "_"),
        ("x" * 400 + ".zip", None),
    ],
)
def test_names_cannot_leave_the_folder_or_break_a_file_system(name, safe):
    path = safe_path(name)
    assert safe is None or path == safe
    assert all(0 < len(part.encode()) <= 255 and part not in (".", "..") for part in path.split("/"))


@given(st.text(min_size=1, max_size=300))
def test_every_name_becomes_a_relative_path(name):
    path = safe_path(name)
    assert path and not path.startswith("/") and ".." not in path.split("/") and "\x00" not in path
    assert safe_path(path) == path


def test_a_mark_stands_before_the_suffixes():
    assert [marked(p, "1f") for p in ("a/b.log.gz", "b", "a/.x")] == ["a/b~1f.log.gz", "b~1f", "a/.x~1f"]


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    file = put(tmp_path / "in" / "a.log", b"abc")
    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(type(file), "replace", full)
    with pytest.raises(ForensicsError, match="disk is full"):
        take(tmp_path / "evidence", file, "a.log")
    assert [path.name for path in (tmp_path / "evidence").iterdir()] == [MANIFEST]
