"""What is worth keeping of what a host sends; each test plants its answers, one a request."""

import asyncio
import errno
import gzip
import os
import subprocess
import threading
from pathlib import Path

import httpx2
import pytest
from blobhost import (
    ARCHIVE,
    DAMAGED,
    JOB,
    LINE,
    LOGS,
    WHOLE,
    Host,
    Locator,
    Observer,
    Reset,
    answer,
    drill,
    endless,
    good,
    md5,
    running,
    zipped,
)

from forensics.errors import ForensicsError
from forensics.ingest import caps
from forensics.ingest.github import body as body_module
from forensics.ingest.github.answer import Gone, Policy
from forensics.ingest.github.archive import Checked
from forensics.ingest.github.download import CorruptDownload, Downloader


def test_an_archive_comes_whole_and_is_handed_over(tmp_path):
    seen = drill(tmp_path, good(ARCHIVE))
    assert seen.outcome.file == tmp_path / "scratch" / "logs-1-1.part"
    assert seen.outcome.file.read_bytes() == ARCHIVE
    assert (seen.outcome.bytes, seen.outcome.checked, seen.outcome.warnings) == (len(ARCHIVE), WHOLE, ())
    assert seen.left == ["logs-1-1.part"] and seen.locator.asked == [(LOGS, "logs")]


def test_a_job_log_comes_whole(tmp_path):
    seen = drill(tmp_path, good(LINE * 5), path=JOB)
    assert seen.outcome.file.read_bytes() == LINE * 5
    assert (seen.outcome.checked, seen.outcome.warnings) == (None, ()) and seen.locator.asked == [(JOB, "job-log")]


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("path", [LOGS, JOB])
def test_row_7_logs_that_the_api_does_not_have_are_expired_and_not_asked_for_again(tmp_path, status, path):
    def locate(_, __):
        raise Gone("deleted", "It says Server Error.", status, b'{"message":"Server Error"}')

    seen = drill(tmp_path, good(b""), locate=locate, path=path)
    assert (seen.outcome.state, seen.outcome.status) == ("expired", status)
    assert seen.outcome.body == b'{"message":"Server Error"}' and len(seen.locator.asked) == 1
    assert seen.left == [] and seen.records == []


def test_row_7_logs_of_a_young_run_are_asked_for_at_the_next_ingest(tmp_path):
    def locate(_, __):
        raise Gone("expired", "Not there.", 404)

    assert drill(tmp_path, good(b""), locate=locate, young=True).outcome.state == "not-ready"


def test_row_7_a_blob_that_is_not_there_is_expired_after_three_links_and_not_ready_when_young(tmp_path):
    missing = answer(404, b"<Error><Code>BlobNotFound</Code></Error>")
    seen = drill(tmp_path, missing)
    assert (seen.outcome.state, len(seen.locator.asked)) == ("expired", 3)
    assert drill(tmp_path, missing, good(ARCHIVE)).outcome.checked == WHOLE
    seen = drill(tmp_path, missing, young=True)
    assert (seen.outcome.state, len(seen.locator.asked)) == ("not-ready", 1)


def test_other_absences_pass_through(tmp_path):
    def locate(_, __):
        raise Gone("blocked", "For legal reasons.", 451)

    assert drill(tmp_path, good(b""), locate=locate).outcome.state == "blocked"


def test_row_20_a_reset_in_the_middle_begins_again_with_a_fresh_link(tmp_path):
    cut = Reset(answer(200, ARCHIVE[:100], length=len(ARCHIVE)))
    seen = drill(tmp_path, cut, cut, good(ARCHIVE))
    assert seen.outcome.file.read_bytes() == ARCHIVE and seen.outcome.checked == WHOLE
    assert len(seen.locator.asked) == 3 and seen.slept == [1.0, 2.0]
    assert "The connection to 127.0.0.1 failed" in seen.records[0].error
    assert [f"/logs/{number}?" in head for number, head in enumerate(seen.host.asked, 1)] == [True] * 3
    assert [(record.status, record.error is None) for record in seen.records] == [
        (200, False),
        (200, False),
        (200, True),
    ]
    assert seen.left == ["logs-1-1.part"]


def test_row_20_resets_that_do_not_end_leave_nothing_behind_and_are_asked_for_at_the_next_ingest(tmp_path):
    seen = drill(tmp_path, Reset(answer(200, ARCHIVE[:100], length=len(ARCHIVE))))
    assert seen.outcome.state == "failed" and "in 5 tries" in seen.outcome.detail
    assert len(seen.locator.asked) == 5 and seen.left == []


@pytest.mark.parametrize("cut", [answer(200, ARCHIVE[:-40], length=len(ARCHIVE)), endless(ARCHIVE[:-40])])
def test_row_21_an_archive_cut_short_is_fetched_three_times_and_kept_aside(tmp_path, cut):
    seen = drill(tmp_path, cut)
    assert isinstance(seen.outcome, CorruptDownload) and seen.outcome.state == "corrupt"
    assert seen.outcome.file.read_bytes() == ARCHIVE[:-40] and seen.left == ["logs-1-1.part"]
    assert "cut short" in seen.outcome.checked.reason and "cut short" in seen.outcome.detail
    assert len(seen.locator.asked) == 3


def test_row_21_a_cut_archive_that_comes_whole_the_third_time_is_good(tmp_path):
    cut = answer(200, ARCHIVE[:-40], length=len(ARCHIVE))
    assert drill(tmp_path, cut, endless(ARCHIVE[:50]), good(ARCHIVE)).outcome.checked == WHOLE


def test_row_21_of_several_broken_ones_the_longest_is_kept(tmp_path):
    seen = drill(tmp_path, endless(ARCHIVE[:50]), endless(ARCHIVE[:90]), endless(ARCHIVE[:70]))
    assert seen.outcome.file.read_bytes() == ARCHIVE[:90] and seen.left == ["logs-1-1.part"]


def test_row_21_an_archive_whose_checksums_all_match_is_whole_without_a_length(tmp_path):
    seen = drill(tmp_path, endless(ARCHIVE))
    assert (seen.outcome.checked, seen.outcome.warnings) == (WHOLE, ())


def test_row_21_an_archive_proves_itself_against_a_wrong_length(tmp_path):
    seen = drill(tmp_path, answer(200, ARCHIVE, length=len(ARCHIVE) + 7))
    assert seen.outcome.checked == WHOLE and len(seen.locator.asked) == 1
    assert "not what was announced" in seen.outcome.warnings[0]


@pytest.mark.parametrize("header", ["Content-MD5", "x-ms-blob-content-md5"])
def test_row_21_a_text_is_compared_with_the_checksum_given(tmp_path, header):
    whole = endless(LINE * 5, f"{header}: {md5(LINE * 5)}")
    seen = drill(tmp_path, whole, path=JOB)
    assert seen.outcome.warnings == () and len(seen.locator.asked) == 1
    seen = drill(tmp_path, endless(LINE * 4, f"{header}: {md5(LINE * 5)}"), whole, path=JOB)
    assert seen.outcome.file.read_bytes() == LINE * 5 and len(seen.locator.asked) == 2


def test_row_21_a_text_shorter_than_its_length_is_corrupt_after_three_tries(tmp_path):
    seen = drill(tmp_path, answer(200, LINE * 2, length=len(LINE) * 9), path=JOB)
    assert isinstance(seen.outcome, CorruptDownload) and seen.outcome.state == "corrupt"
    assert seen.outcome.file.read_bytes() == LINE * 2 and len(seen.locator.asked) == 3
    assert "It ended after 108 of 486 bytes." in seen.outcome.detail


def test_row_21_a_text_of_chunks_is_proven_by_their_end(tmp_path):
    chunk = b"%x\r\n" % len(LINE) + LINE + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    whole = drill(tmp_path, head + chunk * 2 + b"0\r\n\r\n", path=JOB)
    assert whole.outcome.file.read_bytes() == LINE * 2 and whole.outcome.warnings == ()
    cut = drill(tmp_path, head + chunk * 2, path=JOB)
    assert cut.outcome.state == "corrupt" and cut.outcome.file.read_bytes() == LINE * 2


def test_row_21_a_text_with_nothing_to_prove_it_is_warned_of(tmp_path):
    seen = drill(tmp_path, endless(LINE * 2), path=JOB)
    assert "cannot be told whether it is whole" in seen.outcome.warnings[0] and len(seen.locator.asked) == 1
    seen = drill(tmp_path, endless(LINE * 2 + LINE[:9]), path=JOB)
    assert "ends in the middle of a line" in seen.outcome.warnings[0] and len(seen.locator.asked) == 3
    seen = drill(tmp_path, endless(LINE * 2 + LINE[:9]), good(LINE * 3), path=JOB)
    assert seen.outcome.file.read_bytes() == LINE * 3 and seen.outcome.warnings == ()


def test_an_empty_log_is_a_log(tmp_path):
    seen = drill(tmp_path, good(b""), path=JOB)
    assert (seen.outcome.bytes, seen.outcome.warnings) == (0, ())


def test_a_log_that_comes_packed_is_unpacked_and_proven_by_what_was_sent(tmp_path):
    packed = gzip.compress(LINE * 50_000)
    headers = ("Content-Encoding: gzip", f"Content-MD5: {md5(packed)}")
    seen = drill(tmp_path, good(packed, *headers), path=JOB)
    assert seen.outcome.file.read_bytes() == LINE * 50_000 and seen.outcome.warnings == ()
    broken = packed[:500] + b"\xff" * 40 + packed[540:]
    assert drill(tmp_path, good(broken, headers[0]), path=JOB).outcome.state == "corrupt"
    assert drill(tmp_path, endless(packed[:-20], headers[0]), path=JOB).outcome.state == "corrupt"
    assert drill(tmp_path, good(packed, "Content-Encoding: zstd"), path=JOB).outcome.state == "corrupt"


def test_row_22_a_bad_member_is_named_and_the_good_ones_are_kept(tmp_path):
    seen = drill(tmp_path, good(DAMAGED))
    assert seen.outcome.checked == Checked(2, len(LINE), ("0_build.txt",), None)
    assert seen.outcome.file.read_bytes() == DAMAGED and len(seen.locator.asked) == 3
    (warning,) = seen.outcome.warnings
    assert "1 of 2 members came damaged each time and are left out: 0_build.txt." in warning


def test_row_22_a_better_copy_is_not_given_up_for_a_later_worse_one(tmp_path):
    seen = drill(tmp_path, good(ARCHIVE[:-30]), good(DAMAGED), good(b"<html>sorry</html>"))
    assert seen.outcome.file.read_bytes() == DAMAGED and seen.left == ["logs-1-1.part"]
    assert drill(tmp_path, good(DAMAGED), good(ARCHIVE)).outcome.checked == WHOLE


@pytest.mark.parametrize("path", [LOGS, JOB])
def test_row_22_a_web_page_with_status_200_is_corrupt_after_three_tries(tmp_path, path):
    page = b"\n <!DOCTYPE html>\n<html><title>Unicorn!</title></html>\n"
    seen = drill(tmp_path, good(page), path=path)
    assert (
        seen.outcome.state == "corrupt" and "HTML" in seen.outcome.detail and seen.outcome.file.read_bytes() == page
    )
    assert len(seen.locator.asked) == 3
    assert drill(tmp_path, good(page), good(ARCHIVE), path=path).outcome.file.read_bytes() == ARCHIVE


def test_row_23_a_bomb_is_kept_aside_unopened_and_not_fetched_again(tmp_path):
    bomb = zipped(("bomb.txt", bytes(caps.BOMB_SIZE + 1)))
    seen = drill(tmp_path, good(bomb))
    assert isinstance(seen.outcome, CorruptDownload) and seen.outcome.state == "refused"
    assert seen.outcome.file.read_bytes() == bomb and "zip bomb" in seen.outcome.detail
    assert len(seen.locator.asked) == 1


def test_row_23_names_lead_nowhere(tmp_path):
    hostile = zipped(("../../up.txt", LINE), ("/etc/abs.txt", LINE))
    before = set(tmp_path.rglob("*"))
    assert drill(tmp_path, good(hostile)).outcome.checked.members == 2
    scratch = tmp_path / "scratch"
    assert set(tmp_path.rglob("*")) == before | {scratch, scratch / "logs-1-1.part"}


def test_row_23_names_of_damaged_members_are_told_without_control_characters(tmp_path):
    data = zipped(("a\x1b]0;x\x07.txt", LINE), ("b.txt", LINE))
    at = data.index(b"PK\x01\x02") + 16
    seen = drill(tmp_path, good(data[:at] + b"\0\0\0\0" + data[at + 4 :]))
    assert seen.outcome.checked.damaged == ("a\x1b]0;x\x07.txt",) and "a?]0;x?.txt" in seen.outcome.warnings[0]


@pytest.mark.parametrize("data", [zipped(("build/system.txt", LINE)), zipped(("0_build.txt", LINE)), zipped()])
def test_row_24_an_archive_that_lacks_files_is_handed_over_as_it_is(tmp_path, data):
    seen = drill(tmp_path, good(data))
    assert seen.outcome.file.read_bytes() == data and seen.outcome.checked.reason is None


def downloader(scratch):
    return Downloader(Locator(None, None), Policy(), Observer(), scratch)


def test_row_50_what_a_killed_ingest_left_is_removed_and_nothing_else(tmp_path):
    outside = tmp_path / "precious.part"
    outside.write_text("kept")
    scratch = tmp_path / "scratch"
    downloader(scratch).clear()
    (scratch / "deep").mkdir(parents=True)
    for name in ("a.part", "b.aside.part", "deep/c.part", "note.txt"):
        (scratch / name).write_text("left")
    (scratch / "link.part").symlink_to(outside)
    (scratch / "folder").symlink_to(tmp_path)
    downloader(scratch).clear()
    assert outside.read_text() == "kept"
    assert sorted(path.name for path in scratch.iterdir()) == ["deep", "folder", "link.part", "note.txt"]
    assert not list((scratch / "deep").iterdir())


def test_a_link_planted_under_the_name_of_a_part_is_not_written_through(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "logs-1-1.part").symlink_to(precious)
    assert drill(tmp_path, good(ARCHIVE)).outcome.checked == WHOLE
    assert precious.read_text() == "kept"


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_row_51_a_full_disk_stops_with_a_hint_and_without_a_part(tmp_path, monkeypatch, call):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(body_module.os, "fsync", full)
    else:
        real = Path.open
        monkeypatch.setattr(Path, "open", lambda self, *args, **more: Full(real(self, *args, **more)))
    seen = drill(tmp_path, good(ARCHIVE))
    assert isinstance(seen.outcome, ForensicsError) and seen.outcome.message.startswith("The disk is full: logs-1-1")
    assert "run the same command again" in seen.outcome.hint and seen.left == [] and len(seen.locator.asked) == 1


class Full:
    """A file on a disk with no room."""

    def __init__(self, file):
        self.file = file

    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self):
        self.file.close()


def test_row_51_a_disk_that_is_really_full(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(scratch)]
    try:
        subprocess.run(mounted, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount")
    try:
        seen = drill(tmp_path, good(os.urandom(3 << 20)))
        assert isinstance(seen.outcome, ForensicsError) and seen.outcome.message.startswith("The disk is full")
        assert seen.left == []
        assert drill(tmp_path, good(ARCHIVE)).outcome.checked == WHOLE
    finally:
        subprocess.run(["umount", str(scratch)], check=True)


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "scratch").write_text("a file")
    outcome = drill(tmp_path, good(ARCHIVE)).outcome
    assert isinstance(outcome, ForensicsError) and "cannot be written" in outcome.message


def test_a_name_from_outside_stays_in_the_folder(tmp_path):
    async def run():
        host = Host([good(ARCHIVE)])
        async with running(host), httpx2.AsyncClient(trust_env=False) as blobs:
            downloads = Downloader(Locator(host, blobs), Policy(), Observer(), tmp_path / "scratch")
            return await downloads.fetch_archive(LOGS, "../../up/logs")

    assert asyncio.run(run()).file == tmp_path / "scratch" / "up" / "logs.part"


def test_others_go_on_while_one_is_checked(tmp_path, monkeypatch):
    """The check of the first waits, in its thread, until the second has been fetched whole."""
    from forensics.ingest.github import download

    second_done, real = threading.Event(), download.check_archive

    def check(file):
        if file.name == "first.part":
            assert second_done.wait(10)
        return real(file)

    monkeypatch.setattr(download, "check_archive", check)

    async def run():
        host = Host([good(ARCHIVE)])
        async with running(host), httpx2.AsyncClient(trust_env=False) as blobs:
            downloads = Downloader(Locator(host, blobs), Policy(), Observer(), tmp_path)
            first = asyncio.create_task(downloads.fetch_archive(LOGS, "first"))
            await downloads.fetch_archive(LOGS, "second")
            second_done.set()
            return await first

    assert asyncio.run(run()).checked == WHOLE
