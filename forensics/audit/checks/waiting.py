"""What happens to those that wait, and files that never get so far."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forensics.audit.checkout import Checkout
from forensics.audit.checks.names import shared_by_tags
from forensics.audit.checks.registry import at_most, check, doings, listed, tell
from forensics.audit.finding import Risk
from forensics.audit.fix import block, stem
from forensics.audit.group import never_shared, read_condition, show_group
from forensics.audit.play import Deed, Hold, Script, Situation
from forensics.audit.rule import Rule
from forensics.workflow.document import Job
from forensics.workflow.expression import ExpressionError, references

_STEADY = {
    "github.event.issue.pull_request", "github.event.issue.pull_request.url", "github.event.issue.number",
    "github.event.repository.fork", "github.event.repository.default_branch",
}  # fmt: skip
_BARE = re.compile(r"\$\{\{\s*(github\.[\w.]+)\s*\}\}")


@check("skipped-run-evicts")
def find_evicting_skips(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Workflow-level groups that runs take although all of their jobs may be skipped."""
    events = tuple(rule.setting("events"))
    for script in checkout.started:
        told: set[object] = set()
        for situation in script.situations:
            lane, event = situation.lane, situation.scene.event
            if lane is None or event not in events or event in told or never_shared(lane.group, event):
                continue
            gates = _gates(script, situation)
            if not gates or (lane.cancels == "no" and lane.queue == "max"):
                continue
            told.add(event)
            evicts = (
                "cancels the one in progress and then does nothing"
                if lane.cancels != "no"
                else "pushes the waiting one out and then does nothing"
            )
            yield tell(
                rule,
                script.path,
                lane.place,
                f"A run of '{script.title}' takes the group '{show_group(lane.group)}' before the 'if' of its jobs "
                "is looked "
                f"at: on '{event}' a run whose jobs ({listed(repr(name) for name in gates)}) are all skipped "
                f"{evicts}.",
                fix="# in the job that has the 'if', instead of the workflow\n"
                + block(_as_written(script), lane.cancel_text or "false", indent=4),
                writes=bool(situation.deeds),
                severity=rule.severity if lane.cancels != "no" else at_most(rule.severity, "low"),
            )


def _as_written(script: Script) -> str:
    concurrency = script.document.concurrency
    return concurrency.group.text if concurrency and concurrency.group else stem(script.path)


def _gates(script: Script, situation: Situation) -> list[str]:
    """Jobs that need no other, if each of them may be skipped by its own ``if``, in one run and not in another."""
    roots = [job for job in script.document.jobs if job.id in situation.running and not job.needs]
    parted = _in_group(script)
    skipped = roots and all(job.id in situation.gated and _wavers(job, parted) for job in roots)
    return [job.id for job in roots] if skipped else []


def _in_group(script: Script) -> frozenset[str]:
    """What the name of the workflow's group tells apart: runs that share it have the same of these."""
    concurrency = script.document.concurrency
    if concurrency is None or concurrency.group is None:
        return frozenset()
    # Only what stands there by itself: in a choice (a || b) it may not be part of the name.
    return frozenset(_BARE.findall(concurrency.group.text))


def _wavers(job: Job, parted: frozenset[str]) -> bool:
    """Whether the ``if`` may differ between runs of one group; being a pull request or not does not."""
    try:
        names = references(read_condition(job.condition.text)) if job.condition else ()
    except ExpressionError:
        return True
    told = [name for name in names if name.startswith(("github.event.", "github.actor", "github.triggering_actor"))]
    return any(name not in _STEADY and name not in parted for name in told)


@check("pending-is-evicted")
def find_evicted_pending(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Groups over a write in which only one can wait."""
    for script in checkout.started:
        told: set[object] = set()
        for situation in script.situations:
            for deed in situation.deeds:
                hold = _lossy(deed, situation, script)
                if hold is None or (hold.path, hold.lane.place) in told:
                    continue
                told.add((hold.path, hold.lane.place))
                deeds = [
                    each
                    for each in situation.deeds
                    if each.act.writes and hold in each.holds and each.act.precision != "possible"
                ]
                once = [each for each in deeds if each.act.verb in rule.setting("once")]
                yield tell(
                    rule,
                    hold.path,
                    hold.lane.place,
                    f"In the group '{show_group(hold.lane.group)}' one {'run' if hold.job is None else 'job'} works "
                    "and one "
                    f"waits: when a third comes, the one that waits is cancelled and never runs, although on "
                    f"{situation.scene.label} {doings(once or deeds)}. cancel-in-progress: false does not protect "
                    "it.",
                    job=hold.job,
                    fix="queue: max   # github.com only; at most 100 wait, in the order in which they began to wait",
                    severity="low" if once else rule.severity,
                )


def _lossy(deed: Deed, situation: Situation, script: Script) -> Hold | None:
    if not deed.act.writes or deed.act.precision == "possible" or situation.scene.event == "workflow_dispatch":
        return None
    return next(
        (
            hold
            for hold in deed.holds
            if hold.lane.cancels == "no"
            and hold.lane.queue == "single"
            and show_group(hold.lane.group)  # GitHub refuses an empty name: nothing ever waits there
            and not never_shared(hold.lane.group, situation.scene.event)
            and (situation.scene.kind != "tag" or shared_by_tags(script, situation, hold.lane))
        ),
        None,
    )


@check("invalid-workflow")
def find_invalid(checkout: Checkout, rule: Rule) -> Iterator[Risk]:
    """Files that GitHub refuses, and what it takes otherwise than it looks."""
    for script in checkout.scripts:
        for refusal in script.document.refusals:
            yield tell(
                rule,
                script.path,
                refusal.place,
                refusal.message,
                severity=rule.severity if refusal.severity == "error" else "low",
            )
