"""Worker processes that read partitions; they import what parsing needs and nothing of the store.

Workers are started before there is work for them: starting Python and Polars takes longer than listing a
hundred archives, and both happen at once.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

from forensics.effects.rule import own_rules
from forensics.load.partition import PartitionResult, Reader
from forensics.load.prestart import OneThread, be_interruptible, start_server, worker_context
from forensics.load.unit import Unit


class Workers:
    """Processes that wait for partitions."""

    def __init__(self, count: int) -> None:
        start_server()
        self._pool = ProcessPoolExecutor(count, mp_context=worker_context(), initializer=be_interruptible)
        with OneThread():
            self._started = [self._pool.submit(_start) for _ in range(count)]

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


def _start() -> None:
    """Make ready what does not depend on the work."""
    own_rules()


@lru_cache(maxsize=1)
def _reader(file: Path) -> Reader:
    # The file was written a moment ago by the parent, into the case's own scratch folder.
    reader: Reader = pickle.loads(file.read_bytes())  # noqa: S301
    return reader


def _read(file: Path, number: int, units: Sequence[Unit]) -> PartitionResult:
    return _reader(file).read_partition(number, units)
