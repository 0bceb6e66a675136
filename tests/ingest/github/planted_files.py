"""Runs at commits, and a server that has their files."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from forensics.ingest.github.answer import Gone
from forensics.ingest.github.clone import blob_id
from forensics.ingest.github.files import Resolution, resolve, wanted_files

REPOSITORY = "acme/shop"
FOLDER = ".github/workflows"
PATHS = [f"{FOLDER}/{name}.yml" for name in ("build", "deploy", "lint", "test")]
START = datetime(2026, 5, 1)


def sha(number: int) -> str:
    return f"{number:040x}"


def run(number: int, commit: int | str, path: str = PATHS[0], event: str = "push", branch: str = "main", **values):
    return {
        "id": 31000000000 + number,
        "event": event,
        "head_branch": branch,
        "head_sha": sha(commit) if isinstance(commit, int) else commit,
        "created_at": (START + timedelta(minutes=number)).isoformat() + "Z",
        "path": path,
        "head_repository": {"full_name": REPOSITORY},
        **values,
    }


@dataclass
class Server:
    """GitHub's contents endpoint over planted trees; remembers what it was asked."""

    trees: dict[str, dict[str, bytes | str]]
    """Files by commit; a text instead of bytes is the kind of what is no file."""
    lists_folders: bool = True
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    failing: dict[tuple[str, str], BaseException] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0

    async def fetch(self, repository: str, path: str, commit: str) -> bytes:
        self.asked.append((repository, path, commit))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if (path, commit) in self.failing:
            raise self.failing[path, commit]
        tree = self.trees.get(commit, {})
        found = tree.get(path)
        if isinstance(found, bytes):
            return found
        if found is not None:
            return json.dumps({"type": found, "name": path.rpartition("/")[2], "sha": "0" * 40}).encode()
        inside = {name[len(path) + 1 :]: data for name, data in tree.items() if name.startswith(f"{path}/")}
        if inside and self.lists_folders:
            return json.dumps([entry(name, data) for name, data in inside.items()]).encode()
        raise Gone("deleted", f"{path} at {commit} is not there.", 404)


def entry(name: str, data: bytes | str):
    file = {"download_url": f"https://raw.example/{name}"}
    if isinstance(data, bytes):
        return {"name": name, "type": "file", "sha": blob_id(data), **file}
    # The version of the API that is asked for lists submodules as files without a download.
    return {"name": name, "type": "file" if data == "submodule" else data, "sha": "0" * 40, "download_url": None}


def text(path: str, content: object) -> bytes:
    return f"on: push # {path} {content}\njobs: {{}}\n".encode()


def settle(server: Server, runs: Sequence[dict], *, most: int = 10_000, clone=None, known=None) -> Resolution:
    wanted = wanted_files(REPOSITORY, "main", runs)
    return asyncio.run(resolve(wanted, clone, server.fetch, most=most, known=known))


def told(resolution: Resolution) -> dict[tuple[str, str], tuple[str, str]]:
    return {(one.path, one.commit): (one.blob, one.source) for one in resolution.versions}
