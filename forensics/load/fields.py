"""Values of GitHub's JSON as the case's columns take them; what is no such value is unknown (None), never an error.

A file may hold anything: numbers beyond 64 bits, halves of surrogate pairs, times before the year 1, lists where
GitHub has a name. None of it may stop the other files.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import orjson

RUN_URL = re.compile(
    r"/([A-Za-z0-9][\w.-]*/[\w.-]+)/actions/runs/(\d{1,18})(?!\d)(?:/attempts/(\d{1,4}))?(?:/job/(\d{1,18}))?",
    re.ASCII,
)
"""Repository, run, attempt and job of an address of a run or of one of its jobs."""
_REPOSITORY_URL = re.compile(r"/repos/([A-Za-z0-9][\w.-]*/[\w.-]+)(?:/|$)", re.ASCII)
_SLUG = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_MOST_SMALL = 1 << 31


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none when it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def repository_of(value: dict[str, Any]) -> str | None:
    """owner/name from an object's addresses."""
    for key in ("url", "run_url", "repository_url", "html_url", "deployment_url", "check_run_url"):
        address = value.get(key)
        if isinstance(address, str):
            found = _REPOSITORY_URL.search(address) or RUN_URL.search(address)
            if found:
                return found[1]
    return None


def full_name(value: Any) -> str | None:
    """owner/name of a repository object, or of the bare text that ``--jq`` leaves of it."""
    name = value.get("full_name") if isinstance(value, dict) else value
    return name if isinstance(name, str) and _SLUG.fullmatch(name) else None


def name_of(value: Any) -> str | None:
    """The ``name`` of an object."""
    return text(value.get("name")) if isinstance(value, dict) else None


def login(value: Any) -> str | None:
    """The login of a user object, or the bare text that ``--jq`` leaves of it."""
    return text(value.get("login") if isinstance(value, dict) else value)


def workflow_path(value: Any) -> str | None:
    """The path without the ``@ref`` that some answers append."""
    path = text(value)
    return path.partition("@")[0] if path else None


def text(value: Any) -> str | None:
    """A text; gh writes an empty string where REST has null. Half a surrogate pair becomes U+FFFD."""
    if value in (None, "") or isinstance(value, dict | list):
        return None
    return whole(str(value))


def whole(value: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which UTF-8 cannot hold."""
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def integer(value: Any) -> int | None:
    """A whole number of 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return number if -(1 << 63) < number < 1 << 63 else None


def identity(value: Any) -> int | None:
    """An id of GitHub's: positive. Negative ids are those that this program makes up."""
    number = integer(value)
    return number if number is not None and number > 0 else None


def small(value: Any) -> int | None:
    """A number of attempts, steps or lines: not negative, of 31 bits."""
    number = integer(value)
    return number if number is not None and 0 <= number < _MOST_SMALL else None


def moment(value: Any) -> datetime | None:
    """UTC, naive; gh's zero time is unknown."""
    if not isinstance(value, str) or value.startswith("0001-"):
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
    except (ValueError, OverflowError):
        return None


def raw(value: dict[str, Any]) -> str:
    """The object as JSON text."""
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):
        # An integer beyond 64 bits, half a surrogate pair, or deep nesting: Python's own writer takes them.
        return whole(json.dumps(value, ensure_ascii=False))
