"""The demo history, written once for all tests of the synthesiser."""

from __future__ import annotations

from pathlib import Path

import pytest

from forensics.synth.incidents import Planted
from forensics.synth.synthesise import DEMO, plan, synthesise
from forensics.synth.write import Written


@pytest.fixture(scope="session")
def planted() -> Planted:
    return plan(DEMO)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return synthesise(DEMO, tmp_path_factory.mktemp("made-up"))


@pytest.fixture(scope="session")
def root(written: Written) -> Path:
    """The repository's folder in what was written."""
    return written.directory / "repos" / "acme" / "storefront"
