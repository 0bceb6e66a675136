"""Workflows that start others: by a call, by a dispatch."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.audit.checkout import Checkout
from forensics.audit.checks.registry import check, tell
from forensics.audit.finding import Related, Risk
from forensics.audit.fix import stem
from forensics.audit.group import key_of, shared_key, show_group
from forensics.audit.play import Deed, Hold, Script, clashes
from forensics.audit.rule import Rule
from forensics.workflow.expression import may_equal

_POLLS = re.compile(
    r"\bgh run watch\b|\bgh run (?:list|view)\b[\s\S]*\bsleep\b|\bsleep\b[\s\S]*\bgh run (?:list|view)\b"
)
_WAITING_ACTIONS = ("convictional/trigger-workflow-and-wait", "aurelien-baudet/workflow-dispatch")


@check("caller-callee-deadlock")
def find_deadlock(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Groups that are asked for while the same run holds them already."""
    for script in checkout.started:
        told: set[object] = set()
        for situation in script.situations:
            for outer, inner in clashes(situation):
                where = (outer.path, outer.lane.place, inner.path, inner.lane.place)
                if where in told or (inner.caller and inner.caller not in situation.running):
                    continue
                told.add(where)
                yield tell(
                    rule,
                    inner.path,
                    inner.lane.place,
                    f"On {situation.scene.label} {_whose(checkout, inner)} asks for the group "
                    f"'{show_group(inner.lane.group)}', which {_whose(checkout, outer)} (line "
                    f"{outer.lane.place.line} of "
                    f"{outer.path}) holds until it has ended: neither can go on, and GitHub cancels it as a "
                    "deadlock.",
                    job=inner.job or inner.caller,
                    fix=f"group: {stem(inner.path)}-{inner.job or 'called'}-${{{{ github.ref }}}}",
                    related=[
                        Related(
                            outer.path, outer.lane.place.line, outer.lane.place.column, "The group is held from here."
                        )
                    ],
                )


def _whose(checkout: Checkout, hold: Hold) -> str:
    title = checkout.script(hold.path).title
    if hold.job is not None:
        return f"the job '{hold.job}' of '{title}'"
    return f"the workflow '{title}'" if hold.depth == 0 else f"the called workflow '{title}'"


@check("dispatch-and-wait")
def find_dispatch_and_wait(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Runs that start another one and wait for it, in a group that the other one needs."""
    children = {script.path.rpartition("/")[2]: script for script in checkout.started}
    for script in checkout.started:
        told: set[object] = set()
        for situation in script.situations:
            for deed in situation.deeds:
                child = children.get((deed.target or "").removeprefix("workflow:"))
                if deed.act.verb != "dispatch" or child is None or not _waits(checkout.script(deed.path), deed):
                    continue
                found = _meets(deed, child)
                if found is None or (deed.path, deed.act.place) in told:
                    continue
                told.add((deed.path, deed.act.place))
                hold, other, sure = found
                yield tell(
                    rule,
                    deed.path,
                    deed.act.place,
                    f"The job '{deed.job}' starts '{child.title}' and waits for it while it holds the group "
                    f"'{show_group(hold.lane.group)}', which '{child.title}' {'needs' if sure else 'may need'} "
                    "itself "
                    f"(line {other.lane.place.line} of {child.path}): the one waits for the other until a timeout "
                    "ends it, "
                    "and GitHub does not notice.",
                    job=deed.job,
                    fix=f"# in {child.path}\ngroup: {stem(child.path)}-${{{{ github.ref }}}}",
                    precision=rule.precision if sure else "possible",
                    severity=None if sure else "medium",
                    related=[
                        Related(child.path, other.lane.place.line, other.lane.place.column, "The group it needs.")
                    ],
                )


def _waits(script: Script, deed: Deed) -> bool:
    if deed.act.what.startswith(_WAITING_ACTIONS):
        return True
    return any(_POLLS.search(text) for text in script.steps.get(deed.job, ()))


def _meets(deed: Deed, child: Script) -> tuple[Hold, Hold, bool] | None:
    """The group held, the group needed, and whether they surely are one."""
    perhaps = None
    for situation in child.situations:
        if situation.scene.event != "workflow_dispatch":
            continue
        for other in situation.holds:
            for hold in deed.holds:
                key = shared_key(hold.lane.group)
                if key is not None and key == shared_key(other.lane.group):
                    return hold, other, True
                if hold.lane.group is None or other.lane.group is None or perhaps is not None:
                    continue
                known = key_of(hold.lane.group) is not None and key_of(other.lane.group) is not None
                if (
                    known
                    and key is None
                    and may_equal(hold.lane.group, other.lane.group)
                    and hold.lane.group == other.lane.group
                ):
                    perhaps = hold, other, False
    return perhaps
