"""A gigabyte of log text through a live ingest: what the process that fetches it needs at most."""

import json
import re
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.ingest.live.drive import rows
from tests.standin import faults
from tests.standin.builders import tiny_world
from tests.standin.server import StandIn

CHILD = """
import json, re, sys
from datetime import timedelta
from pathlib import Path
import forensics.load.live as live
from tests.ingest.live.drive import *
from tests.standin.world import World

marks = {}
def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024

load = live.load
def measured(*given, **named):
    marks["fetching"] = peak()
    summary = load(*given, **named)
    marks["loading"] = peak()
    return summary

live.load = measured

class There:
    api_url = sys.argv[1]
    world = World()

ingest(There, Path(sys.argv[2]), policy=Policy(per_minute=None))
print(json.dumps(marks))
"""
MEMBERS, EACH = 40, 25 << 20


def sent_as_made():
    """Blocks of an archive of 40 jobs' logs of 25 MiB each, packed as they are sent."""
    line = "2026-11-02T09:00:{:02}.{:06}0Z Compiling crate number {} of the workspace, nothing out of the ordinary\n"
    block = "".join(line.format(n % 60, n, n) for n in range(11_000)).encode()
    out = Pieces()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for number in range(MEMBERS):
            with target.open(f"{number}_job {number}.txt", "w") as member:
                left = EACH
                while left > 0:
                    member.write(block[:left])
                    left -= len(block)
                    yield out.taken()
    yield out.taken()


class Pieces(BytesIO):
    """What was written since the last time; it cannot be sought in."""

    def seekable(self):
        return False

    def tell(self):
        raise OSError("a stream")

    def taken(self):
        data = self.getvalue()
        self.truncate(0)
        BytesIO.seek(self, 0)
        return data


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_gigabyte_of_logs_is_fetched_in_less_than_300_mb(tmp_path, capsys):
    """Issue 3, "What must be shown" 4. What loading it takes is printed."""
    case = tmp_path / "case"
    with StandIn(tiny_world()) as stand_in:
        stand_in.inject(faults.streamed(sent_as_made).on("download"))
        ran = subprocess.run(
            [sys.executable, "-c", CHILD, stand_in.api_url, case], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
    marks = json.loads(re.search(r"\{.*\}", ran.stdout)[0])
    lines, size = rows(case, "SELECT sum(lines_in), sum(bytes) FROM log_sources")[0]
    with capsys.disabled():
        print(f"\n  {size:,} bytes, {lines:,} lines: {marks['fetching']} MB to fetch, {marks['loading']} MB to load")
    assert size > MEMBERS * EACH
    assert marks["fetching"] < 300
