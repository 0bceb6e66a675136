"""Two ingests at once (fault matrix, row 53): the second one is told who is first, and nothing is ever stuck."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from forensics.errors import ForensicsError, IngestRunning
from forensics.ingest.github.lock import NAME, IngestLock

HOLD = textwrap.dedent("""
    import sys
    from pathlib import Path
    from forensics.ingest.github.lock import IngestLock
    with IngestLock(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
""")


@contextmanager
def another_process_holding(case: Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(case)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout and holder.stdin
        try:
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.stdin.close()
            holder.wait(timeout=30)


def test_a_second_ingest_is_told_which_process_is_first_and_since_when(tmp_path: Path) -> None:
    case = tmp_path / "case"
    with another_process_holding(case) as holder:
        with pytest.raises(IngestRunning) as raised, IngestLock(case):
            pass
        assert f"(process {holder.pid}, since 20" in raised.value.message
        assert raised.value.message.endswith(" UTC).")
        assert "Wait" in raised.value.hint
    with IngestLock(case):
        assert f"process {os.getpid()} since" in (case / NAME).read_text()
    assert (case / NAME).read_text() == ""


def test_a_killed_ingest_leaves_a_file_that_is_no_obstacle(tmp_path: Path) -> None:
    with another_process_holding(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=30)
        assert f"process {holder.pid}" in (tmp_path / NAME).read_text()
        with IngestLock(tmp_path):
            pass


def test_one_process_does_not_lock_twice_either(tmp_path: Path) -> None:
    with IngestLock(tmp_path):
        with pytest.raises(IngestRunning, match=f"process {os.getpid()}"), IngestLock(tmp_path):
            pass
        # The one that failed has not freed the first one's lock.
        with pytest.raises(IngestRunning), IngestLock(tmp_path):
            pass
    with IngestLock(tmp_path), IngestLock(tmp_path / "another"):
        pass


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), IngestLock(tmp_path):
        raise KeyError
    with IngestLock(tmp_path):
        pass


def test_a_child_that_outlives_the_ingest_does_not_keep_the_lock(tmp_path: Path) -> None:
    with IngestLock(tmp_path) as lock:
        assert lock._file is not None
        # A forked worker has the same open file.
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(lock._file,)
        )
    with child:
        with IngestLock(tmp_path):
            pass
        assert child.poll() is None
        child.communicate()


def test_what_stands_in_the_file_is_not_repeated_unless_it_is_ours(tmp_path: Path) -> None:
    with IngestLock(tmp_path):
        (tmp_path / NAME).write_text("process 1 since \x1b[2J UTC\n")
        with pytest.raises(IngestRunning) as raised, IngestLock(tmp_path):
            pass
    assert raised.value.message == f"Another ingest writes into the case {tmp_path}."


def test_a_link_of_that_name_is_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    (tmp_path / NAME).symlink_to(precious)
    with pytest.raises(ForensicsError, match="cannot be locked"), IngestLock(tmp_path):
        pass
    assert precious.read_text() == "keep me"


@pytest.mark.parametrize("obstacle", ["a file where the case should be", "a folder where the lock should be"])
def test_where_no_lock_can_be_made_it_is_said(tmp_path: Path, obstacle: str) -> None:
    case = tmp_path / "case"
    if "file where" in obstacle:
        case.write_text("")
    else:
        (case / NAME).mkdir(parents=True)
    with pytest.raises(ForensicsError, match="cannot be locked") as raised, IngestLock(case):
        pass
    assert "--case" in raised.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ForensicsError, match="Permission denied"), IngestLock(tmp_path):
            pass
    finally:
        tmp_path.chmod(0o700)
