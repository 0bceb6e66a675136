"""``concurrency`` of a workflow or job, and what is wrong with it beyond its shape.

Sources: ConvertToConcurrency in WorkflowTemplateConverter.cs of the runner (actions/runner at 258d6c8) for the group;
GitHub's documentation of ``queue`` (May 2026) for what excludes what.
"""

from __future__ import annotations

from forensics.workflow.check import Check
from forensics.workflow.compose import Leaf, Node, Table
from forensics.workflow.document import Concurrency
from forensics.workflow.pick import get, is_expression, pick_scalar

MOST_CHARACTERS = 400
"""Of a group's name."""


def read_concurrency(key: Leaf | None, value: Node | None) -> Concurrency | None:
    """What stands under ``concurrency``, in whichever form; None where there is no such key."""
    if key is None or value is None:
        return None
    if isinstance(value, Table):
        return Concurrency(
            pick_scalar(value.get("group")),
            pick_scalar(value.get("cancel-in-progress")),
            pick_scalar(value.get("queue")),
            key.place,
        )
    scalar = pick_scalar(value)
    if scalar is not None and _may_be_mapping(scalar.text):
        return Concurrency(None, None, None, key.place, whole=scalar)
    return Concurrency(scalar, None, None, key.place)


def _may_be_mapping(text: str) -> bool:
    """Whether it is one expression whose value may be the mapping: only fromJSON makes one of text."""
    inside = text.strip()
    one = inside.startswith("${{") and inside.endswith("}}") and inside.count("${{") == 1
    return one and "fromjson" in inside.lower()


def check_concurrency(value: Node | None, check: Check) -> None:
    """Refuse a group without a name or with too long a one, and ``queue: max`` with ``cancel-in-progress: true``."""
    group = get(value, "group") if isinstance(value, Table) else value
    if isinstance(group, Leaf) and not is_expression(group) and len(group.text) > MOST_CHARACTERS:
        check.refuse(
            group.place,
            f"The group's name has {len(group.text)} characters; expected at most {MOST_CHARACTERS}.",
        )
    queue, cancel = get(value, "queue"), get(value, "cancel-in-progress")
    if isinstance(queue, Leaf) and isinstance(cancel, Leaf) and queue.value == "max" and cancel.value is True:
        check.refuse(
            queue.place,
            "'queue: max' stands beside 'cancel-in-progress: true'; expected one of them: a run that cancels the"
            " others leaves no queue.",
        )
