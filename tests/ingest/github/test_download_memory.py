"""A gigabyte through a small process."""

import io
import json
import socket
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from blobhost import LINE

CHILD = """
import asyncio, json, re, sys, time
from pathlib import Path
import httpx2
from forensics.ingest.github.answer import Location, Policy
from forensics.ingest.github.download import Downloader

class Api:
    async def locate(self, path, *, kind):
        return Location(sys.argv[1])

class Observer:
    def record(self, request): pass
    def waiting(self, seconds, why): pass

async def main():
    api = Api()
    async with httpx2.AsyncClient(trust_env=False) as api.blobs:
        began = time.monotonic()
        fetched = await Downloader(api, Policy(), Observer(), Path(sys.argv[2])).fetch_archive("/x", "big")
        took = time.monotonic() - began
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
    checked = fetched.checked
    print(json.dumps([fetched.bytes, checked.members, checked.bytes, checked.damaged, checked.reason, peak, took]))

asyncio.run(main())
"""


class Counting(io.RawIOBase):
    """Where a zip is written that nobody keeps: pieces go to a socket as they are made."""

    def __init__(self, send):
        self.send = send

    def writable(self):
        return True

    def write(self, data):
        self.send(bytes(data))
        return len(data)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_row_41_an_archive_of_a_gigabyte_takes_less_than_300_mb(tmp_path, capsys):
    """1 GiB of stored members and 256 MiB of packed ones, made as they are sent, in a process that only downloads."""
    block = (LINE * (1 << 15))[: 1 << 20]
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as peer:
            peer.recv(65_536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\n\r\n")
            with zipfile.ZipFile(Counting(peer.sendall), "w") as target:
                for number in range(10):
                    packed = number >= 8
                    entry = zipfile.ZipInfo(f"{number}_job.txt")
                    entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                    with target.open(entry, "w") as member:
                        for _ in range(128):
                            member.write(block)

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/logs.zip"
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, url, str(tmp_path)], capture_output=True, text=True, check=True
    )
    server.join(10)
    size, members, unpacked, damaged, reason, peak, took = json.loads(ran.stdout)
    (tmp_path / "big.part").unlink()
    with capsys.disabled():
        print(f"\n{size:,} bytes down, {unpacked:,} checked in {took:.1f} s, at most {peak} MB resident")
    assert (members, damaged, reason) == (10, [], None)
    assert size > 1 << 30 and unpacked == 1280 << 20
    assert peak < 300
