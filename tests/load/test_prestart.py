"""Ctrl-C reaches every process of the group; only the parent says something, whatever the others are at."""

import os
import signal
import subprocess
import sys
import time

import planted
import pytest

from forensics.load.prestart import SMALL


@pytest.mark.parametrize("delay", [0.15, 0.3, 0.6])
def test_ctrl_c_while_workers_start_ends_without_a_traceback(tmp_path, delay):
    line = planted.stamp(1, "x" * 200) + "\n"
    (tmp_path / "run-31000000001.log").write_text(line * (2 * SMALL // len(line)))
    process = subprocess.Popen(
        [sys.executable, "-c", "from forensics.load.prestart import start_server\n"
         "start_server()\nimport forensics.cli.main as m\nm.main()",
         "ingest", "--case", str(tmp_path / "case"), "--from", str(tmp_path)],
        stderr=subprocess.PIPE, start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert b"forkserver" not in said and b"SpawnProcess" not in said and b"ForkServerProcess" not in said
