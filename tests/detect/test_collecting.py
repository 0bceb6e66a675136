"""Garbage is looked for again, as before, after many objects were made."""

from __future__ import annotations

import gc

import pytest

from forensics.detect.collecting import uncollected


@pytest.mark.parametrize("before", [True, False])
def test_collecting_is_afterwards_as_it_was_also_after_an_error(before: bool) -> None:
    was = gc.isenabled()
    try:
        gc.enable() if before else gc.disable()
        with pytest.raises(ValueError, match="gone wrong"), uncollected():
            assert not gc.isenabled()
            raise ValueError("gone wrong")
        assert gc.isenabled() is before
    finally:
        gc.enable() if was else gc.disable()
