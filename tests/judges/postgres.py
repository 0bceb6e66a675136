"""A PostgreSQL of one's own for one test: Debian's binaries, a new cluster in a temporary folder, one unix socket."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_WITHIN = 30.0
"""Seconds; measured: 0.3 on an idle machine."""


class PostgresMissing(Exception):
    """No binaries, or nobody whom they let run them; the text says which."""


@dataclass(frozen=True)
class Postgres:
    """A running server that listens on a socket in ``folder`` and on no network address."""

    folder: Path
    binaries: Path

    @property
    def url(self) -> str:
        """For libpq and what stands on it."""
        return f"postgresql:///postgres?host={self.folder}&user=judge"

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a SELECT answers, each row as a dict; times as ISO text."""
        wrapped = f"SELECT coalesce(json_agg(row_to_json(answer)), '[]') FROM ({query}) AS answer"
        done = subprocess.run(
            [self.binaries / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", wrapped, self.url],
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        answer: list[dict[str, Any]] = json.loads(done.stdout)
        return answer


@contextmanager
def serve_postgres() -> Iterator[Postgres]:
    """A fresh cluster, running until the block ends; its folder is gone afterwards.

    The server refuses to run as root, so root runs it as the user of Debian's package, and keeps the socket's path
    short: it may have about 100 characters.

    Raises:
        PostgresMissing: Debian's postgresql is not installed.
    """
    binaries = find_binaries()
    identity = _identity()
    folder = Path(tempfile.mkdtemp(prefix="judges-pg-"))
    try:
        if "user" in identity:
            shutil.chown(folder, identity["user"], identity["group"])
        data = folder / "data"
        # cwd: whoever runs it must be allowed to read the folder it starts in.
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "judge", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True,
            check=False,
            cwd=folder,
            timeout=120,
            **identity,
        )
        assert made.returncode == 0, made.stderr.decode()
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
                stdout=log,
                stderr=log,
                cwd=folder,
                **identity,
            )
            try:
                postgres = Postgres(folder, binaries)
                _await(postgres, server)
                yield postgres
            finally:
                server.send_signal(signal.SIGINT)  # "fast shutdown": sessions are ended, data are written
                server.wait(timeout=60)
    finally:
        shutil.rmtree(folder)


def find_binaries() -> Path:
    """The folder of ``postgres`` and ``initdb``: on the path, or where Debian keeps them, newest first.

    Raises:
        PostgresMissing: in neither.
    """
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent  # it may be a link from elsewhere
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not kept:
        raise PostgresMissing("PostgreSQL is not installed: apt-get install postgresql")
    return kept[-1].parent


def _identity() -> dict[str, Any]:
    """Arguments of ``subprocess`` for the user that may run the server."""
    if os.geteuid() != 0:
        return {}
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise PostgresMissing(
            "The server refuses to run as root, and there is no user postgres to run it as"
        ) from None
    return {"user": "postgres", "group": "postgres", "extra_groups": []}


def _await(postgres: Postgres, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_WITHIN
    while time.monotonic() < until:
        assert server.poll() is None, (postgres.folder / "log").read_text()
        ready = subprocess.run(
            [postgres.binaries / "pg_isready", "-q", "-h", postgres.folder, "-U", "judge"], check=False, timeout=10
        )
        if ready.returncode == 0:
            return
        time.sleep(0.05)
    raise AssertionError(f"no answer within {_START_WITHIN} s: {(postgres.folder / 'log').read_text()}")
