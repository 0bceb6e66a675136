"""What a file is, judged by its first bytes and only then by its name.

GitHub's data travels under many names: run logs without a suffix, JSON written by PowerShell in UTF-16,
`gh api` output with colours in it, pictures named .zip. The kinds:

========== ==================================================================
zip        an archive: run logs, or a zipped folder of anything below
tar        a tar archive, plain
gzip, xz   one compressed file (a tar inside is found when it is opened)
json       any JSON; what it holds is decided by `forensics.load.pages`
log        text with Actions time stamps, or any text named .log or .txt
workflow   a workflow file
========== ==================================================================
"""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

from forensics.logs.parse import sniff

HEAD = 65_536
"""Bytes that are enough to judge a file by."""

CLAIMED = {
    ".zip": "zip",
    ".gz": "gzip",
    ".tgz": "gzip",
    ".xz": "xz",
    ".txz": "xz",
    ".tar": "tar",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".yml": "workflow",
    ".yaml": "workflow",
    ".log": "log",
    ".txt": "log",
}
"""What a name claims: such a file is taken even when its content is damaged, for the damage is evidence."""

_ANSI = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_WORKFLOW_KEYS = (re.compile(r"^(on|'on'|\"on\")\s*:", re.M), re.compile(r"^jobs\s*:", re.M))


def recognise(name: str, head: bytes) -> str | None:
    """The kind of a file by its first HEAD bytes and its name; None when it is nothing of ours."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if head[257:262] == b"ustar":
        return "tar"
    return _recognise_text(name, head)


def _recognise_text(name: str, head: bytes) -> str | None:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in (".json", ".jsonl", ".ndjson"):
        return "json" if _opens_json(head) else None
    if sniff(head) is not None:
        return "log"
    text = decode(head)
    if suffix in (".yml", ".yaml") or all(key.search(text) for key in _WORKFLOW_KEYS):
        return "workflow" if is_text(head) else None
    if suffix not in (".log", ".txt", ".md") and _opens_json(head):
        return "json"
    if suffix in (".log", ".txt") and is_text(head):
        # What `gh api …/logs > x.log` leaves when the logs are gone is an answer in JSON, no log.
        return "json" if _is_json_object(head) else "log"
    return None


def decode(data: bytes) -> str:
    """Text of any encoding that Windows or Unix tools write; never raises, bad bytes become U+FFFD."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")


def strip_colours(data: bytes) -> bytes:
    """Without the colour codes that `gh api` prints into a pipe when colours are forced."""
    return _ANSI.sub(b"", data) if b"\x1b[" in data else data


def is_text(head: bytes) -> bool:
    """Whether bytes could be text: no NUL, unless a UTF-16 mark explains it."""
    return head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" not in head


def _is_json_object(head: bytes) -> bool:
    """Whether a file shorter than HEAD is one JSON object and nothing else."""
    try:
        return _opens_json(head) and isinstance(json.loads(decode(strip_colours(head))), dict)
    except (ValueError, RecursionError):
        return False


def _opens_json(head: bytes) -> bool:
    if not is_text(head):
        return False
    text = decode(strip_colours(head)).lstrip()
    return text[:1] in ("{", "[")
