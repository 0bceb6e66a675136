import gzip
import json
import lzma

import pytest

from forensics.ingest.recognise import recognise

LINE = b"2026-05-01T10:00:00.1234567Z hello\n"


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("logs", b"PK\x03\x04rest", "zip"),
        ("empty.zip", b"PK\x05\x06" + b"\0" * 18, "zip"),
        ("x.log", gzip.compress(b"x", mtime=0), "gzip"),
        ("x", lzma.compress(b"x"), "xz"),
        ("x.tar", b"a" * 257 + b"ustar\x0000", "tar"),
        ("runs.json", json.dumps([]).encode("utf-16"), "json"),
        ("runs", b' \n{"total_count": 0}', "json"),
        ("coloured.json", b"\x1b[1;37m[\x1b[m]", "json"),
        ("no-suffix", LINE, "log"),
        ("bom.txt", b"\xef\xbb\xbf" + LINE, "log"),
        ("gh.txt", b"build\tUNKNOWN STEP\t\xef\xbb\xbf" + LINE, "log"),
        ("plain.log", b"no stamps here\n", "log"),
        ("report.md", b"# Title\n\n```text\n" + LINE * 5 + b"```\n", "log"),
        ("ci.yml", b"on: push\njobs: {}\n", "workflow"),
        ("ci", b"name: x\non:\n  push:\njobs:\n  a:\n", "workflow"),
        ("photo.zip", b"\xff\xd8\xff\xe0\0\0", None),
        ("cut.json", b"", None),
        ("readme.md", b"# Title\n", None),
        ("expired.log", b'{"message": "Server Error"}\n', "json"),
        ("structured.log", b'{"level": "info"}\n{"level": "error"}\n', "log"),
        ("brackets.log", b"[INFO] begun\n", "log"),
        ("data.log", b"\x00\x01\x02", None),
    ],
)
def test_content_decides_before_the_name(name, head, kind):
    assert recognise(name, head) == kind
