"""``on``: the events that start a workflow, and what is wrong with them beyond their shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forensics.workflow.check import Check
from forensics.workflow.compose import Leaf, Node, Row, Table
from forensics.workflow.cron import find_cron_problem
from forensics.workflow.document import Trigger
from forensics.workflow.pick import get, is_expression, keyed, pairs, pick_plain, pick_text, pick_texts

_DEFAULTS: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "string": (str, int, float, bool, type(None)),
    "choice": (str, int, float, bool, type(None)),
    "environment": (str, int, float, bool, type(None)),
}


def read_triggers(on: Node | None) -> tuple[Trigger, ...]:
    """Every event with its filters, in the order written."""
    if isinstance(on, Table):
        return tuple(_read_trigger(key, value) for key, value in keyed(on))
    events = on.items if isinstance(on, Row) else [on]
    return tuple(
        Trigger(event.text, event.place) for event in events if isinstance(event, Leaf) and event.value is not None
    )


def _read_trigger(key: Leaf, value: Node) -> Trigger:
    return Trigger(
        key.text,
        key.place,
        branches=pick_texts(get(value, "branches")),
        branches_ignore=pick_texts(get(value, "branches-ignore")),
        tags=pick_texts(get(value, "tags")),
        tags_ignore=pick_texts(get(value, "tags-ignore")),
        paths=pick_texts(get(value, "paths")),
        paths_ignore=pick_texts(get(value, "paths-ignore")),
        types=pick_texts(get(value, "types")),
        workflows=pick_texts(get(value, "workflows")),
        crons=tuple(cron.text for cron in _crons(value)),
        inputs=_read_inputs(get(value, "inputs")),
    )


def _read_inputs(node: Node | None) -> dict[str, Any]:
    return {name: pick_plain(value) for name, value in pairs(node)}


def _crons(value: Node) -> Iterator[Leaf]:
    for entry in value.items if isinstance(value, Row) else ():
        if isinstance(cron := get(entry, "cron"), Leaf):
            yield cron


def check_triggers(on: Node | None, check: Check) -> None:
    """Refuse an empty list, schedules that are none, filters that exclude each other, inputs of a wrong type."""
    if (isinstance(on, Row) and not on.items) or (isinstance(on, Table) and not on.pairs):
        # GitHub's own words for it are "No event triggers defined in `on`"; its published schema lets it pass.
        check.refuse(on.place, "'on' names no event; expected at least one, as in 'on: push'.")
    for key, value in keyed(on):
        if key.text == "schedule":
            for cron in _crons(value):
                if (problem := find_cron_problem(cron.text)) and cron.text and not is_expression(cron):
                    check.refuse(cron.place, problem)
        if key.text in ("workflow_dispatch", "workflow_call"):
            for name, definition in keyed(get(value, "inputs")):
                _check_input(name, definition, check, called=key.text == "workflow_call")
        # https://docs.github.com/actions/reference/workflow-syntax-for-github-actions: "you cannot use both".
        for kind in ("branches", "tags", "paths"):
            both = get(value, kind), get(value, f"{kind}-ignore")
            if both[0] is not None and both[1] is not None:
                place = max(both[0].place, both[1].place)
                check.refuse(
                    place,
                    f"'{key.text}' has '{kind}' and '{kind}-ignore'; expected one of them ('!' in it excludes).",
                )


def _check_input(name: Leaf, definition: Node, check: Check, *, called: bool) -> None:
    kind = pick_text(get(definition, "type")) or "string"
    options, default = get(definition, "options"), get(definition, "default")
    if kind == "choice" and not (isinstance(options, Row) and options.items):
        check.refuse(name.place, f"The input '{name.text}' is a choice without 'options'; expected a list of values.")
    if kind != "choice" and options is not None:
        check.refuse(options.place, f"The input '{name.text}' has 'options'; expected that only of 'type: choice'.")
    if isinstance(default, Leaf) and not is_expression(default):
        expected = _DEFAULTS.get(kind)
        if expected is not None and not isinstance(default.value, expected):
            what = "true or false, without quotes" if kind == "boolean" else "text"
            # The language services refuse it everywhere; the runner's schema for workflow_dispatch takes any scalar.
            check.refuse(
                default.place,
                f"The default of the input '{name.text}' is not of its type; expected {what}.",
                "error" if called else "warning",
            )
