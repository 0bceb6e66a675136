"""Worker processes that read partitions; they import what parsing needs and nothing of the store.

Workers are started before there is work for them: starting Python and Polars takes longer than listing a
hundred archives, and both happen at once.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import lru_cache
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from pathlib import Path

from forensics.load.partition import PartitionResult, Reader
from forensics.load.unit import Unit


class Workers:
    """Processes that wait for partitions."""

    def __init__(self, count: int) -> None:
        # Each worker uses one Polars thread: the processes are the parallelism. The variable is read when Polars is
        # imported, so it is set while the processes are started and put back.
        before = os.environ.get("POLARS_MAX_THREADS")
        os.environ["POLARS_MAX_THREADS"] = "1"
        self._pool = ProcessPoolExecutor(count, mp_context=_context())
        self._started = [self._pool.submit(_start) for _ in range(count)]
        if before is None:
            del os.environ["POLARS_MAX_THREADS"]
        else:
            os.environ["POLARS_MAX_THREADS"] = before

    def close(self) -> None:
        """Let the processes go; what has not begun is given up."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def read(
        self, reader: Reader, tasks: Sequence[tuple[int, Sequence[Unit]]]
    ) -> Iterator[tuple[int, PartitionResult]]:
        """Read all partitions, (weight, units) each; give (weight, result) as they are done."""
        file = reader.out / "reader.pickle"
        file.write_bytes(pickle.dumps(reader))
        running: dict[Future[PartitionResult], int] = {
            self._pool.submit(_read, file, number, units): weight for number, (weight, units) in enumerate(tasks)
        }
        for future in as_completed(running):
            yield running[future], future.result()


def _context() -> BaseContext:
    """A server process imports what workers need, once, and forks them; Polars is not safe to fork after use."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _start() -> None:
    """Nothing more than being imported."""


@lru_cache(maxsize=1)
def _reader(file: Path) -> Reader:
    # The file was written a moment ago by the parent, into the case's own scratch folder.
    reader: Reader = pickle.loads(file.read_bytes())  # noqa: S301
    return reader


def _read(file: Path, number: int, units: Sequence[Unit]) -> PartitionResult:
    return _reader(file).read_partition(number, units)
