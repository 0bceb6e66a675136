"""A disk that fills up while a live ingest writes to it: said in a sentence, and gone on with after more room."""

import subprocess

import pytest

from forensics.errors import ForensicsError
from forensics.ingest.evidence import MANIFEST, EvidenceFolder, read_manifest, verify
from tests.ingest.live.drive import ingest, rows, tables
from tests.ingest.live.test_resume import BEGUN, still
from tests.standin.builders import dense_world
from tests.standin.server import StandIn


@pytest.fixture
def disk(tmp_path):
    """A file system in memory whose size is set by ``disk(mebibytes)``."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")

    def resize(size):
        subprocess.run(["mount", "-o", f"remount,size={size}k", place], check=True)
        return place

    yield resize
    subprocess.run(["umount", place], check=True)


def test_the_disk_fills_up_at_any_point(tmp_path, disk, capsys):
    """The room grows a little each time, so that it ends in the middle of all that is written."""
    with StandIn(dense_world(12, 2, clock=lambda: BEGUN, limit=1_000_000)) as stand_in:
        policy = still(stand_in.world)
        ingest(stand_in, tmp_path / "whole", policy=policy)
        case = disk(600) / "case"
        told = []
        for size in [*range(600, 6_000, 450), 64_000]:
            disk(size)
            try:
                ingest(stand_in, case, policy=policy)
                break
            except ForensicsError as error:
                told.append((size, error.message, error.hint))
                assert "isk is full" in error.message, error.message
                assert "the same command again" in error.hint, error.hint
                assert "\n" not in error.message
    with capsys.disabled():
        print(f"\n  full {len(told)} times, done with {size} KiB; {sorted({why[:60] for _, why, _ in told})}")
    assert len(told) > 3
    assert tables(case) == tables(tmp_path / "whole")
    contents = "SELECT path, sha256 FROM evidence ORDER BY path"
    assert rows(case, contents) == rows(tmp_path / "whole", contents)
    checked = verify(case / "evidence")
    assert (checked.changed, checked.missing, checked.unknown) == ((), (), ())


def test_a_line_of_the_manifest_that_a_crash_cut_short_does_not_swallow_the_next(tmp_path):
    with EvidenceFolder(tmp_path) as folder:
        folder.put(b"one", "one.json", "here")
    (tmp_path / MANIFEST).write_bytes((tmp_path / MANIFEST).read_bytes() + b'{"path": "cut.js')
    with EvidenceFolder(tmp_path) as folder:
        folder.put(b"two", "two.json", "here")
    assert [entry.path for entry in read_manifest(tmp_path)] == ["one.json", "two.json"]
