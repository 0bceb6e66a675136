"""One live ingest at a time in a case; the kernel frees the lock of a process that died (fault matrix, row 53)."""

from __future__ import annotations

import errno
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from forensics.errors import ForensicsError, IngestRunning

NAME = "ingest.lock"
_HELD = re.compile(r"process (\d{1,10}) since (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\n")
_UNDERWAY = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)


class IngestLock:
    """Holds ``ingest.lock`` of a case folder as a context manager; makes the folder when there is none.

    Raises IngestRunning while another process holds it, ForensicsError where the file cannot be made. The empty
    file stays: removing it would let two others each hold a lock of the same name.
    """

    def __init__(self, case: Path) -> None:
        self.path = case / NAME
        self._file: int | None = None

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A case from elsewhere must not make us write through a link of that name.
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self._hold(file)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            try:
                os.ftruncate(file, 0)
                # Said, not only closed: a forked child has the file open as well.
                _release(file)
            finally:
                os.close(file)

    def _hold(self, file: int) -> None:
        try:
            _acquire(file)
        except OSError as error:
            if error.errno in _UNDERWAY:
                raise self._running(os.read(file, 100)) from error
            raise self._unwritable(error) from error
        started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        try:
            os.ftruncate(file, 0)
            os.lseek(file, 0, os.SEEK_SET)
            os.write(file, f"process {os.getpid()} since {started} UTC\n".encode())
        except OSError as error:
            raise self._unwritable(error) from error

    def _running(self, content: bytes) -> IngestRunning:
        held = _HELD.fullmatch(content.decode("ascii", "replace"))
        who = f" (process {held[1]}, since {held[2]} UTC)" if held else ""
        return IngestRunning(
            f"Another ingest writes into the case {self.path.parent}{who}.",
            hint="Wait until it is done, or stop it with Ctrl-C: what it fetched stays, and the next one goes on.",
        )

    def _unwritable(self, error: OSError) -> ForensicsError:
        if error.errno == errno.ENOSPC:
            return ForensicsError(
                f"The disk is full: {self.path} cannot be written.", hint="Free room and run the same command again."
            )
        return ForensicsError(
            f"The case {self.path.parent} cannot be locked: {NAME}: {error.strerror}.",
            hint="Check who owns the folder and what its mode allows, or name another one with --case.",
        )


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """Windows lets nobody read a locked byte: one that is never written is locked."""

    def _acquire(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _release(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _acquire(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)
