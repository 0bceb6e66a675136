"""What GitHub writes on a job's check run when concurrency cancelled it: the evaluated name of the group.

Wordings as observed: with quotes round the name in 2021-25, mostly without since; two for a deadlock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SUPERSEDED = re.compile(
    r"Canceling since a higher priority waiting request for (?:'(.*)'|(.*)) exists\.?", re.DOTALL
)
_DEADLOCK = re.compile(
    r"Canceling since a deadlock for concurrency group:? '(.*)' was detected between (?:a )?'?(.*?)'? and '(.*)'\.?",
    re.DOTALL,
)
_DEADLOCK_NEW = re.compile(
    r"Canceling since a deadlock was detected for concurrency group:? '(.*)' between (?:a )?'?(.*?)'? and '(.*)'\.?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Cancelling:
    """One such message."""

    group: str
    deadlock: bool = False
    job: str | None = None
    """Of a deadlock, the job that wanted what the run already held."""


def read_message(text: str | None) -> Cancelling | None:
    """What an annotation says of a group; None where it speaks of something else."""
    said = (text or "").strip()
    if found := _SUPERSEDED.fullmatch(said):
        return Cancelling(found[1] if found[1] is not None else found[2])
    if found := _DEADLOCK.fullmatch(said) or _DEADLOCK_NEW.fullmatch(said):
        return Cancelling(found[1], deadlock=True, job=found[3])
    return None
