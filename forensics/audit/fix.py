"""Lines to put into a file: what they say is sound on github.com as of 2026-11.

``queue: max`` is known to github.com and GHE.com only, keeps at most 100 waiting and starts them by when they began
to wait, not by commit; ``github.head_ref`` is empty outside pull requests (sections A1 and A2 of the facts on
concurrency).
"""

from __future__ import annotations

import re

PER_REF = "${{ github.workflow }}-${{ github.event.pull_request.number || github.ref }}"
"""A group of its own for each pull request, branch and tag."""

ONLY_PULL_REQUESTS = "${{ github.event_name == 'pull_request' }}"


def block(group: str, cancel: str = "false", *, queue: str = "", indent: int = 0) -> str:
    """A ``concurrency:`` mapping."""
    lines = ["concurrency:", f"  group: {group}", f"  cancel-in-progress: {cancel}"]
    if queue:
        lines.append(f"  queue: {queue}")
    return "\n".join(" " * indent + line for line in lines)


def slug(text: str) -> str:
    """A name that can stand in a group without quotes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()[:60] or "workflow"


def stem(path: str) -> str:
    """A workflow file's name without its ending."""
    return slug(path.rpartition("/")[2].rpartition(".")[0] or path)
