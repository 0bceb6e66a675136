"""What lies under a path is taken, or named with the reason why not: nothing is passed over in silence."""

import os

from forensics.ingest.evidence import EvidenceFolder
from forensics.ingest.folder import take_files
from forensics.model import Silent

LOG = b"2026-05-01T10:00:01.1234567Z hello\n"


def put(path, data=LOG):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def take(case, *paths):
    with EvidenceFolder(case / "evidence") as folder:
        return take_files(folder, paths, Silent())


def refused(intake):
    return sorted((one.kind, one.name) for one in intake.refused)


def test_names_that_are_not_utf8_are_taken_and_told_as_text(tmp_path):
    put(tmp_path / "in" / os.fsdecode(b"build\xff.log"))
    put(tmp_path / "in" / os.fsdecode(b"notes\xff.docx"), b"\x00\x01")
    put(tmp_path / "in" / "line\nbreak\x1b[31m.log")
    intake = take(tmp_path / "case", tmp_path / "in")
    assert sorted(intake.new) == ["in/build_.log", "in/line_break_[31m.log"]
    (reason,) = intake.refused
    assert "notes\ufffd.docx" in reason.detail
    assert take(tmp_path / "case", tmp_path / "in").known == 2


def test_a_case_below_the_folder_is_no_source_of_itself(tmp_path):
    for root, below in (("a", "case"), ("b", ".")):
        case = tmp_path / root / below
        put(tmp_path / root / "build.log")
        assert len(take(case, tmp_path / root).new) == 1
        put(case / "reports" / "incident.html", b"<p>")
        again = take(case, tmp_path / root)
        assert (again.new, again.known, refused(again)) == ((), 1, [])


def test_files_beside_the_evidence_of_another_case_are_taken_too(tmp_path):
    take(tmp_path / "old", put(tmp_path / "a.log"))
    put(tmp_path / "old" / "later.log")
    put(tmp_path / "old" / "evidence" / "stray.log")
    intake = take(tmp_path / "new", tmp_path / "old")
    assert intake.new == ("a.log", "old/later.log")
    assert refused(intake) == [("not-in-manifest", "stray.log")]


def test_evidence_that_was_changed_since_is_taken_as_it_is_and_told(tmp_path):
    take(tmp_path / "old", put(tmp_path / "a.log"))
    (tmp_path / "old" / "evidence" / "a.log").unlink()
    put(tmp_path / "old" / "evidence" / "a.log", LOG + LOG)
    intake = take(tmp_path / "new", tmp_path / "old")
    assert intake.new == ("a.log",) and refused(intake) == [("changed-evidence", "a.log")]


def test_a_file_edited_in_place_is_taken_again_and_its_linked_copy_told_of(tmp_path):
    file = put(tmp_path / "in" / "a.log")
    take(tmp_path / "case", tmp_path / "in")
    with file.open("ab") as stream:
        stream.write(LOG)
    intake = take(tmp_path / "case", tmp_path / "in")
    assert len(intake.new) == 1 and refused(intake) == [("changed-evidence", "in/a.log")]


def test_links_and_pipes_are_told_of(tmp_path):
    put(tmp_path / "elsewhere" / "b.log")
    root = tmp_path / "in"
    put(root / "a.log")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "up").symlink_to(root)
    (root / "gone.log").symlink_to(tmp_path / "nowhere")
    (root / "self.log").symlink_to("self.log")
    (root / "file.log").symlink_to(tmp_path / "elsewhere" / "b.log")
    os.mkfifo(root / "pipe.log")
    intake = take(tmp_path / "case", root)
    assert sorted(intake.new) == ["in/a.log", "in/file.log"]
    assert refused(intake) == [
        ("not-followed", "in/linked"),
        ("not-followed", "in/up"),
        ("unreadable", "in/gone.log"),
        ("unreadable", "in/pipe.log"),
        ("unreadable", "in/self.log"),
    ]


def test_a_folder_that_cannot_be_opened_is_told_of(tmp_path, monkeypatch):
    put(tmp_path / "in" / "a.log")
    put(tmp_path / "in" / "closed" / "b.log")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    intake = take(tmp_path / "case", tmp_path / "in")
    assert intake.new == ("in/a.log",) and refused(intake) == [("unreadable", "in/closed")]
