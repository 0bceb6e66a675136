"""A disk without room, said in a sentence whoever met it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forensics.errors import ForensicsError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def full_disk_told(case: Path) -> Iterator[None]:
    """Make a ForensicsError of what the system, Polars or Arrow raise when the disk of ``case`` is full."""
    try:
        yield
    except ForensicsError:
        raise
    except Exception as error:
        # Polars and Arrow raise errors of their own that carry the system's words.
        if getattr(error, "errno", None) not in _FULL and "No space left on device" not in str(error):
            raise
        raise ForensicsError(
            f"The disk is full: {case} cannot be written.",
            hint="Free room and run the same command again; what was taken before stays.",
        ) from error
