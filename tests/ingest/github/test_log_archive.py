import io
import json
import struct
import subprocess
import sys
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import EvidenceUnreadable
from forensics.ingest import caps
from forensics.ingest.github import archive
from forensics.ingest.github.archive import Checked, check_archive
from forensics.load.container import open_container

LINE = b"2026-11-02T10:00:00.0000000Z make: nothing to be done\n"


def zipped(*members, comment=b"", compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as target:
        target.comment = comment
        for name, data in members:
            target.writestr(name, data)
    return buffer.getvalue()


def check(tmp_path, data):
    file = tmp_path / "logs.part"
    file.write_bytes(data)
    return check_archive(file)


def entry_at(data, number):
    """Where an entry of the directory begins."""
    at = data.index(b"PK\x01\x02")
    for _ in range(number):
        at = data.index(b"PK\x01\x02", at + 4)
    return at


def patched(data, at, form, value):
    return data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form) :]


def test_a_whole_archive_says_what_is_in_it(tmp_path):
    data = zipped(
        ("0_build.txt", LINE * 3), ("build/", b""), ("build/1_Set up job.txt", LINE), ("build/system.txt", b"")
    )
    assert check(tmp_path, data) == Checked(3, 4 * len(LINE), (), None)
    assert not list(tmp_path.rglob("*.txt"))


@pytest.mark.parametrize("comment", [b"", b"made by hand", b"x" * 65_535])
@pytest.mark.parametrize("prefix", [b"", b"#!/bin/sh\n"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_comments_and_bytes_in_front_do_not_matter(tmp_path, comment, prefix, compression):
    data = prefix + zipped(("0_a.txt", LINE), comment=comment, compression=compression)
    assert check(tmp_path, data) == Checked(1, len(LINE), (), None)


def test_an_archive_without_members_is_whole(tmp_path):
    assert check(tmp_path, zipped()) == Checked(0, 0, (), None)


def test_sizes_of_64_bits_are_read(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target, target.open("0_a.txt", "w", force_zip64=True) as member:
        member.write(LINE)
    data = buffer.getvalue()
    # The same in the directory: 32 bits of ones there, the sizes and the place in the extra field.
    at, end = entry_at(data, 0), data.rindex(b"PK\x05\x06")
    packed, size = struct.unpack_from("<2L", data, at + 20)
    name = data[at + 46 : at + 53]
    wide = struct.pack("<2H3Q", 1, 24, size, packed, 0)
    ones = 0xFFFF_FFFF
    entry = bytearray(data[at : at + 46])
    struct.pack_into("<2L2H", entry, 20, ones, ones, len(name), len(wide))
    struct.pack_into("<L", entry, 42, ones)
    listing = bytes(entry) + name + wide
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(listing), at)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at + len(listing), 1)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, ones, ones, 0)
    assert data[end:]
    whole = data[:at] + listing + end64 + locator + tail
    assert zipfile.ZipFile(io.BytesIO(whole)).read("0_a.txt") == LINE
    assert check(tmp_path, whole) == Checked(1, len(LINE), (), None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (zipped(("0_a.txt", LINE * 50))[:-30], "it is cut short: the directory at its end is missing"),
        (zipped(("0_a.txt", LINE * 50))[:20], "it is cut short: the directory at its end is missing"),
        (b"<!DOCTYPE html><title>Unicorn!</title>", "it is an HTML page and no zip archive"),
        (b'{"message":"Server Error"}', "it is no zip archive"),
        (b"PK\x05\x06" + b"\xff" * 16 + b"\0\0", "its directory would begin before the file does"),
    ],
    # A zip holds the time it was made at: no part of a test's name, which all workers have to agree on.
    ids=["empty", "cut", "cut early", "page", "json", "directory"],
)
def test_what_is_no_whole_archive_says_why(tmp_path, data, reason):
    assert check(tmp_path, data) == Checked(0, 0, (), reason)


def test_row_22_a_member_with_a_wrong_checksum_is_named_and_the_others_count(tmp_path):
    data = zipped(("0_a.txt", LINE), ("1_b.txt", LINE * 2), ("2_c.txt", LINE * 4))
    bad = patched(data, entry_at(data, 1) + 16, "<L", 1234)
    assert check(tmp_path, bad) == Checked(3, 5 * len(LINE), ("1_b.txt",), None)


def test_row_22_every_way_in_which_a_member_can_be_broken_is_damage_of_that_member_alone(tmp_path):
    data = zipped(("0_a.txt", LINE), ("1_b.txt", LINE * 2))
    at = entry_at(data, 1)
    for broken in (
        patched(data, at + 8, "<H", 1),  # encrypted
        patched(data, at + 10, "<H", 12),  # bzip2
        patched(data, at + 24, "<L", 3),  # longer than the directory says
        patched(data, at + 24, "<L", 9_999),  # shorter
        patched(data, at + 42, "<L", 7),  # no header there
        patched(data, at + 42, "<L", 0xFFFF_FF00),  # beyond the end
    ):
        assert check(tmp_path, broken) == Checked(2, len(LINE), ("1_b.txt",), None)


def test_an_archive_of_damaged_members_alone_is_no_good(tmp_path):
    data = zipped(("0_a.txt", LINE))
    bad = patched(data, entry_at(data, 0) + 16, "<L", 1234)
    assert check(tmp_path, bad) == Checked(1, 0, ("0_a.txt",), "every member of it is damaged")


def test_row_23_names_lead_nowhere(tmp_path):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = 0o120777 << 16
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(
            ("../up.txt", LINE), ("/etc/abs.txt", LINE), ("d/e/f/../../x.txt", LINE), ("a", b""), ("a", LINE)
        )
    with zipfile.ZipFile(io.BytesIO(data), "a") as target:
        target.writestr(link, "/etc/passwd")
    before = set(tmp_path.rglob("*"))
    checked = check(inside, data)
    assert (checked.members, checked.damaged, checked.reason) == (5, (), None)
    assert set(tmp_path.rglob("*")) == before | {inside / "logs.part"}


def test_row_23_a_member_beyond_the_ratio_is_a_bomb(tmp_path):
    data = zipped(("0_a.txt", LINE), ("bomb.txt", bytes(caps.BOMB_SIZE + 1)))
    checked = check(tmp_path, data)
    assert checked.refused and "it is a zip bomb" in checked.reason


def test_row_23_members_that_overlap_are_a_bomb(tmp_path):
    data = zipped(("0_a.txt", bytes(range(256)) * 40))
    at, end = entry_at(data, 0), data.rindex(b"PK\x05\x06")
    listing = data[at:end] * 300
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 300, 300, len(listing), at, 0)
    assert check(tmp_path, data[:at] + listing + tail) == Checked(
        0, 0, (), "it is a zip bomb: its members overlap", refused=True
    )


def test_row_23_an_archive_that_unpacks_to_too_much_is_refused_by_its_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST_TOTAL", 3 * len(LINE))
    assert check(tmp_path, zipped(("a.txt", LINE * 3))).reason is None
    checked = check(tmp_path, zipped(("a.txt", LINE * 3), ("b.txt", LINE)))
    assert checked.refused and "would unpack to" in checked.reason


def many(count):
    """An archive of so many empty members, each with an entry and a header of its own."""
    header = struct.Struct("<4s5H3L2H8s")
    entry = struct.Struct("<4s6H3L5H2L8s")
    local = b"".join(header.pack(b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 8, 0, b"%08d" % n) for n in range(count))
    listing = b"".join(
        entry.pack(b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, n * header.size, b"%08d" % n)
        for n in range(count)
    )
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(listing), len(local))
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(local) + len(listing), 1)
    ones = 0xFFFF_FFFF
    return (
        local
        + listing
        + end64
        + locator
        + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, ones, ones, 0)
    )


def test_row_23_a_million_members_are_refused_whatever_the_archive_says_of_their_number(tmp_path):
    data = many(1_000_000)
    honest = check(tmp_path, data)
    assert honest.refused and honest.reason == "it has 1,000,000 members or more, and 250,000 are read at most"
    lying = patched(data, data.rindex(b"PK\x06\x06") + 32, "<Q", 1)
    counted = check(tmp_path, lying)
    assert counted.refused and counted.reason == "it has 250,001 members or more, and 250,000 are read at most"


def test_row_41_a_hundred_thousand_members_are_read(tmp_path):
    assert check(tmp_path, many(100_000)) == Checked(100_000, 0, (), None)


def test_row_41_a_large_line_and_many_members_take_no_more_memory_than_a_small_log(tmp_path):
    """One line of 150 MB, packed 40:1 or so, and 100,000 members beside it."""
    line = b"".join(b"%08x" % (n * 2_654_435_761 % 2**32) + b"-" * 300 for n in range(500_000))
    (tmp_path / "small.part").write_bytes(zipped(("0_a.txt", LINE)))
    (tmp_path / "line.part").write_bytes(zipped(("0_a.txt", line)))
    (tmp_path / "many.part").write_bytes(many(100_000))
    program = """
import json, re, sys
from pathlib import Path
from forensics.ingest.github.archive import check_archive
peaks = []
for name in sys.argv[1:]:
    checked = check_archive(Path(name))
    assert checked.reason is None and not checked.damaged, checked
    peaks.append(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]))
print(json.dumps(peaks))
"""
    files = [str(tmp_path / f"{name}.part") for name in ("small", "line", "many")]
    ran = subprocess.run([sys.executable, "-c", program, *files], capture_output=True, text=True, check=True)
    small, *others = json.loads(ran.stdout)
    assert max(others) - small < 20_000  # kB


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(EvidenceUnreadable, match=r"missing\.part cannot be read"):
        check_archive(tmp_path / "missing.part")


members = st.lists(
    st.tuples(st.integers(0, 3), st.binary(max_size=40), st.integers(0, 40_000)), min_size=1, max_size=4
)


@settings(max_examples=200, deadline=None)
@given(members, st.data())
def test_what_is_called_whole_is_what_the_load_reads(tmp_path_factory, contents, data):
    """Whole archives and ones with bytes changed or cut away anywhere: the verdict is the load's own, both ways."""
    stored = data.draw(st.booleans())
    whole = zipped(
        *((f"{number}_job.txt", head * (length // 40)) for number, (_, head, length) in enumerate(contents)),
        compression=zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED,
    )
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 2))):
        changed[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    given = bytes(changed[: len(whole) - data.draw(st.sampled_from([0, 0, 1, 25, 90]))])
    checked = check(tmp_path_factory.mktemp("a", numbered=True), given)
    sound = broken = 0
    try:
        for member in open_container("zip", "logs.zip", io.BytesIO(given)):
            try:
                member.read()
                sound += 1
            except EvidenceUnreadable:
                broken += 1
    except (EvidenceUnreadable, NotImplementedError):
        assert checked.reason is not None
        return
    if not sound and broken:
        assert checked.reason is not None
    elif checked.reason is None:
        assert (checked.members - len(checked.damaged), len(checked.damaged)) == (sound, broken)
    else:
        # Only a cap of the whole archive may be stricter here: the load refuses that member alone.
        assert checked.refused
