"""Others at the same case: a reader, a second ingest, a newer program. Each is told, and nothing is touched."""

import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from forensics.errors import CaseLocked, CaseTooNew, IngestRunning
from tests.ingest.live.drive import ingest, rows, tables
from tests.ingest.live.zygote import Zygote
from tests.standin.builders import tiny_world
from tests.standin.server import StandIn

READER = """
import sys, time
from pathlib import Path
from forensics.store.store import Store
with Store.read(Path(sys.argv[1])) as store:
    store.query("SELECT count(*) FROM runs")
    print("open", flush=True)
    sys.stdin.read()
"""


def test_a_reader_in_another_process_is_named(tmp_path):
    """Nothing is asked of GitHub meanwhile; after it is gone the ingest goes on."""
    case = tmp_path / "case"
    with StandIn(tiny_world()) as stand_in:
        ingest(stand_in, case)
        before, asked = tables(case), len(stand_in.asked())
        with subprocess.Popen(
            [sys.executable, "-c", READER, case / "case.duckdb"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path.cwd(),
        ) as reader:  # fmt: skip
            assert reader.stdout.readline() == b"open\n"
            with pytest.raises(CaseLocked) as refused:
                ingest(stand_in, case)
            reader.stdin.close()
            reader.wait(30)
        assert refused.value.message == f"The case {case} is in use by another process (PID {reader.pid})."
        assert len(stand_in.asked()) == asked
        assert tables(case) == before
        ingest(stand_in, case)


def test_a_second_ingest_is_refused_and_the_first_goes_on(tmp_path):
    with StandIn(tiny_world(), latency=0.05) as stand_in, Zygote() as zygote:
        arrived = threading.Event()
        stand_in.world.before("/jobs", lambda _: arrived.set())
        first = zygote.start(
            tmp_path, "ingest", "--repo", "acme/storefront", "--since", "400d", "--case", "case",
            GITHUB_API_URL=stand_in.api_url, GH_TOKEN="tok",
        )  # fmt: skip
        assert arrived.wait(30)
        with pytest.raises(IngestRunning) as refused:
            ingest(stand_in, tmp_path / "case")
        assert first.code() == 0, first.said.read_text()
    assert refused.value.exit_code == 1
    assert f"(process {first.pid}, since " in refused.value.message
    assert rows(tmp_path / "case", "SELECT outcome FROM ingests") == [("done",)]


def test_a_case_of_a_newer_program_is_left_alone(tmp_path):
    case = tmp_path / "case"
    with StandIn(tiny_world()) as stand_in:
        ingest(stand_in, case)
        with duckdb.connect(str(case / "case.duckdb")) as store:
            store.execute("INSERT INTO schema_versions SELECT max(version) + 1, 'later' FROM schema_versions")
        content = (case / "case.duckdb").read_bytes()
        asked = len(stand_in.asked())
        with pytest.raises(CaseTooNew):
            ingest(stand_in, case)
        assert len(stand_in.asked()) == asked
    assert (case / "case.duckdb").read_bytes() == content
