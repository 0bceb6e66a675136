"""Filters of the runs list."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from forensics.synth.history import cut
from tests.standin.ask import DOCS, Ask, Refused
from tests.standin.shapes import suite_id
from tests.standin.state import RunState

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_SECOND = timedelta(seconds=1)
FILTERS = ("actor", "branch", "check_suite_id", "created", "event", "head_sha", "status")
"""With any of these a list is a search, of which GitHub shows 1,000 results."""
STATUSES = frozenset({"completed", "in_progress", "pending", "queued", "requested", "waiting"}) | frozenset(
    {"action_required", "cancelled", "failure", "neutral", "skipped", "stale", "success", "timed_out"}
)


def select_runs(ask: Ask, runs: list[RunState]) -> list[RunState]:
    """Those of the runs that the query's filters let through.

    Raises:
        Refused: 422 for a ``created`` or ``status`` that GitHub does not understand.
    """
    tests: list[Callable[[RunState], bool]] = []
    query = ask.query
    if "created" in query:
        first, end = read_range(query["created"])
        tests.append(lambda state: first <= cut(state.run.created_at) < end)
    if status := query.get("status"):
        if status not in STATUSES:
            raise _invalid("status", status)
        tests.append(lambda state: status in _states(state))
    if "branch" in query:
        tests.append(lambda state: state.run.commit.branch == query["branch"])
    if "event" in query:
        tests.append(lambda state: state.run.event == query["event"])
    if "actor" in query:
        tests.append(lambda state: state.run.actor.login == query["actor"])
    if "head_sha" in query:
        tests.append(lambda state: state.run.commit.sha == query["head_sha"])
    if "check_suite_id" in query:
        tests.append(lambda state: str(suite_id(state.run)) == query["check_suite_id"])
    return [state for state in runs if all(test(state) for test in tests)]


def read_range(text: str) -> tuple[datetime, datetime]:
    """First moment and end (exclusive, whole seconds) of a range in GitHub's search syntax.

    ``2026-11-02``, ``>2026-11-02``, ``>=…``, ``<…``, ``<=…``, ``A..B``, ``A..*``, ``*..B``; each end a day or a
    moment (UTC unless it says otherwise). A day counts as a whole; both ends of ``A..B`` are within.

    Raises:
        Refused: 422.
    """
    for sign in (">=", "<=", ">", "<"):
        if text.startswith(sign):
            first, end = _read_end(text.removeprefix(sign), text)
            return {
                ">=": (first, datetime.max),
                "<=": (datetime.min, end),
                ">": (end, datetime.max),
                "<": (datetime.min, first),
            }[sign]
    if ".." in text:
        left, _, right = text.partition("..")
        first = datetime.min if left == "*" else _read_end(left, text)[0]
        return first, datetime.max if right == "*" else _read_end(right, text)[1]
    return _read_end(text, text)


def _read_end(text: str, whole: str) -> tuple[datetime, datetime]:
    """First moment of a day or second, and of the next."""
    try:
        if _DATE.fullmatch(text):
            day = datetime.fromisoformat(text)
            return day, day + timedelta(days=1)
        if _MOMENT.fullmatch(text):
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                moment = moment.astimezone(UTC).replace(tzinfo=None)
            return cut(moment), cut(moment) + _SECOND
    except ValueError:
        pass
    raise _invalid("created", whole)


def _states(state: RunState) -> tuple[str, str]:
    conclusion = state.run.latest.conclusion if state.phase == "completed" else ""
    return state.altered.get("status", state.phase), state.altered.get("conclusion", conclusion)


def _invalid(name: str, value: str) -> Refused:
    errors = [{"resource": "WorkflowRun", "field": name, "code": "invalid", "message": f"{name} is invalid: {value}"}]
    return Refused(422, "Validation Failed", errors=errors, documentation_url=f"{DOCS}/actions/workflow-runs")
