import gzip
import io
import lzma
import struct
import tarfile
import zipfile

import pytest

from forensics.errors import EvidenceUnreadable
from forensics.load import container
from forensics.load.container import kind_of, open_container


def make_zip(members, **options):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def read_all(kind, data):
    return {member.name: member.read() for member in open_container(kind, "x", io.BytesIO(data))}


def make_tar(members):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


MEMBERS = {"0_build.txt": b"one\n" * 1000, "build/system.txt": b"", "../../etc/passwd": b"not extracted"}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("zip", make_zip(MEMBERS)),
        ("tar", make_tar(MEMBERS)),
        ("gzip", gzip.compress(make_tar(MEMBERS))),
        ("xz", lzma.compress(make_tar(MEMBERS))),
    ],
    ids=["zip", "tar", "tar.gz", "tar.xz"],
)
def test_every_container_gives_its_members_and_writes_nothing(kind, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_all(kind, data) == MEMBERS
    assert list(tmp_path.rglob("*")) == []


def test_a_lone_compressed_file_is_its_only_member():
    (member,) = open_container("gzip", "a/job.log.gz", io.BytesIO(gzip.compress(b"x")))
    assert (member.name, member.read()) == ("job.log", b"x")


def test_a_wrong_checksum_is_told_and_spares_the_others():
    data = bytearray(make_zip({"a.txt": b"a" * 50, "b.txt": b"b"}))
    at = data.rfind(b"PK\x01\x02", 0, data.rfind(b"PK\x01\x02"))
    data[at + 16 : at + 20] = struct.pack("<I", 12345)
    members = list(open_container("zip", "x.zip", io.BytesIO(bytes(data))))
    with pytest.raises(EvidenceUnreadable, match=r"a\.txt in x\.zip is damaged: its checksum"):
        members[0].read()
    assert members[1].read() == b"b"


@pytest.mark.parametrize("keep", [10, 60, 400])
def test_a_truncated_zip_is_told(keep):
    with pytest.raises(EvidenceUnreadable, match="not a readable zip archive"):
        read_all("zip", make_zip({"a.txt": bytes(range(256)) * 40})[:keep])


def test_a_bomb_is_refused_before_it_unfolds():
    data = make_zip({"0_build.txt": b"\0" * (70 << 20)})
    assert len(data) < 100_000
    with pytest.raises(EvidenceUnreadable, match="zip bomb"):
        read_all("zip", data)


def test_a_header_that_lies_about_the_size_does_not_unfold():
    data = bytearray(make_zip({"a.txt": b"\0" * (1 << 20)}))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    (member,) = open_container("zip", "x.zip", io.BytesIO(bytes(data)))
    with pytest.raises(EvidenceUnreadable, match="damaged"):
        member.read()


def test_overlapping_members_are_refused():
    data = bytearray(make_zip({"a.txt": bytes(range(256)) * 8, "b.txt": bytes(range(256)) * 8}))
    for at in (data.find(b"PK\x01\x02"), data.rfind(b"PK\x01\x02")):
        data[at + 20 : at + 24] = struct.pack("<I", len(data))
    with pytest.raises(EvidenceUnreadable, match="overlap"):
        read_all("zip", bytes(data))


@pytest.mark.parametrize("kind", ["gzip", "xz", "tar"])
def test_cut_streams_are_told(kind):
    whole = {"gzip": gzip.compress, "xz": lzma.compress, "tar": lambda data: make_tar({"a": data})}[kind](
        bytes(range(256)) * 100
    )
    with pytest.raises(EvidenceUnreadable):
        read_all(kind, whole[: len(whole) // 2])


def test_a_stream_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(container, "LARGEST_MEMBER", 1 << 20)
    with pytest.raises(EvidenceUnreadable, match="unpacks to more than"):
        read_all("gzip", gzip.compress(b"a" * (2 << 20)))


def listed(archive):
    return [(member.name, member.read()) for member in open_container("zip", "a.zip", io.BytesIO(archive))]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_told_apart_and_one_listed_twice_is_one():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for text in ("first", "second", "first"):
            archive.writestr("0_deploy.txt", text)
    assert listed(sink.getvalue()) == [("0_deploy.txt", b"first"), ("0_deploy~2.txt", b"second")]
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for data in (b"first", b"second"):
            entry = tarfile.TarInfo("./0_deploy.txt")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    found = [(m.name, m.read()) for m in open_container("tar", "a.tar", io.BytesIO(sink.getvalue()))]
    assert found == [("./0_deploy.txt", b"first"), ("./0_deploy~2.txt", b"second")]


def test_a_name_in_utf8_that_does_not_say_so_is_read_as_utf8():
    data = bytearray(make_zip({"0_déploy 🚀.txt": "x"}))
    # The flag's byte in the local header and in the directory.
    data[7] = data[data.index(b"PK\x01\x02") + 9] = 0
    assert listed(data) == [("0_déploy 🚀.txt", b"x")]


def test_names_in_a_tar_that_are_no_utf8_are_text_all_the_same():
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("build\udcff.txt"), io.BytesIO())
    assert [m.name for m in open_container("tar", "a.tar", io.BytesIO(sink.getvalue()))] == ["build\ufffd.txt"]


def test_an_archive_with_bytes_before_it_is_an_archive():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("0_deploy.txt", "2026-05-01T10:00:01.1234567Z hello\n")
    data = b"MZ\x00\x01" * 100 + sink.getvalue()
    assert kind_of("run.zip", io.BytesIO(data))[0] == "zip"
    assert [name for name, _ in listed(data)] == ["0_deploy.txt"]
    assert kind_of("photo.zip", io.BytesIO(b"\xff\xd8\xff" * 100))[0] is None


def test_a_folder_that_wants_a_later_zip_is_a_damaged_archive():
    """zipfile refuses the whole archive for it, with an error of its own kind."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("folder/", b"")
    data = bytearray(sink.getvalue())
    data[data.index(b"PK\x01\x02") + 6] = 99
    with pytest.raises(EvidenceUnreadable, match="not a readable zip archive"):
        read_all("zip", bytes(data))


def test_more_members_than_anyone_reads_are_refused(monkeypatch):
    monkeypatch.setattr(container, "MOST_MEMBERS", 2)
    assert read_all("zip", make_zip({"a": b"1", "b": b"2"}))
    with pytest.raises(EvidenceUnreadable, match="has 3 members, more than 2"):
        read_all("zip", make_zip({"a": b"1", "b": b"2", "c": b"3"}))
