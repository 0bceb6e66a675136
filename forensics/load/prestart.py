"""Worker processes on their way before anything heavy is imported: they and the parent load Polars at once.

Kept apart from `worker` because this module must import nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from multiprocessing import forkserver, get_all_start_methods, get_context, resource_tracker
from multiprocessing.context import BaseContext
from pathlib import Path

SMALL = 4 << 20
"""Bytes of evidence below which starting worker processes costs more than it saves."""


def prestart(paths: Iterable[Path], workers: int) -> None:
    """Start the server that workers are forked from, when the paths hold enough for more than one process."""
    if workers > 1 and _holds_much(paths):
        start_server()


def start_server() -> None:
    """Start the server that workers are forked from, where there is one and it is not running yet.

    Ctrl-C reaches the whole group of processes: while the server is young it would die of it with a traceback, so it
    is started with the signal blocked, and workers unblock it (``be_interruptible``).
    """
    if worker_context().get_start_method() != "forkserver":
        return
    # Started first, because it would unblock the signal for the server, too.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with OneThread():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def be_interruptible() -> None:
    """Let Ctrl-C end this worker at once and without words: the parent has the last one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def worker_context() -> BaseContext:
    """How workers are started: a server imports what they need, once, and forks them.

    Forking the parent itself is not safe once Polars has run in it.
    """
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["forensics.load.worker"])
    return context


class OneThread:
    """Polars in a worker uses one thread, for the processes are the parallelism; it reads this when imported."""

    def __enter__(self) -> None:
        self._before = os.environ.get("POLARS_MAX_THREADS")
        os.environ["POLARS_MAX_THREADS"] = "1"

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            del os.environ["POLARS_MAX_THREADS"]
        else:
            os.environ["POLARS_MAX_THREADS"] = self._before


def _holds_much(paths: Iterable[Path]) -> bool:
    size = 0
    for path in paths:
        files = path.rglob("*") if path.is_dir() else [path]
        for file in files:
            try:
                size += file.stat().st_size
            except OSError:
                continue
            if size >= SMALL:
                return True
    return False
