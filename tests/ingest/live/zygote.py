"""The command line in processes of their own that cost no start-up: one process has everything imported and forks.

Each child is a real process running ``forensics`` with its own case, files and sockets, and can be killed like one.
"""

import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_PARENT = """
import json, os, sys, traceback
import forensics.cli.main, forensics.cli.ingest, forensics.pipeline, forensics.load.live, forensics.detect.run
import forensics.store.coverage, forensics.ingest.github.credential, forensics.ingest.github.address
import pyarrow
for line in sys.stdin:
    told = json.loads(line)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.environ.update(told["environment"])
        os.chdir(told["folder"])
        said = os.open(told["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        code = 70
        try:
            sys.argv = ["forensics", *told["arguments"]]
            forensics.cli.main.main()
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@dataclass
class Running:
    """A command under way; ``pid`` is its process."""

    pid: int
    said: Path
    _zygote: "Zygote"

    def ended_within(self, seconds, *others):
        """Wait for its end or for one of the files to be readable; whether it has ended."""
        ready, _, _ = select.select([self._zygote.answers, *others], [], [], seconds)
        return self._zygote.answers in ready

    def kill(self):
        """SIGKILL; the process may have ended just before."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def code(self):
        """Its exit code, negative for a signal; waits for the end."""
        line = self._zygote.answers.readline()
        return int(line)


class Zygote:
    """Starts commands, one at a time; a context manager."""

    def __enter__(self):
        # A line is read only when it is whole, and select must see what is not read yet: so no buffer.
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.answers = self._process.stdout
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def start(self, folder, *arguments, **environment):
        """Begin a command in a folder."""
        said = Path(folder) / "said.txt"
        told = {
            "folder": str(folder), "arguments": arguments, "environment": environment, "said": str(said),
        }  # fmt: skip
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        return Running(int(self.answers.readline()), said, self)
